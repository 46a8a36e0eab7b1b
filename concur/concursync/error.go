package concursync

import (
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// translate says in the contract's words what a call's error means. The
// vendor's error stays reachable, and with it RetryAfter.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, concur.ErrUnauthorized), errors.Is(err, concur.ErrForbidden),
		errors.Is(err, concur.ErrNoToken), errors.Is(err, concur.ErrHost):
		return fmt.Errorf("%w: %w", connector.ErrConnection, err)
	}
	// A token call that was refused as malformed is not going to change either.
	var refused *concur.TokenError
	if errors.As(err, &refused) && !refused.Retryable() {
		return fmt.Errorf("%w: %w", connector.ErrConnection, err)
	}
	return err
}

// missing is for the call that decides whether the document exists at all. No
// other call that finds nothing says so.
func missing(err error) error {
	if errors.Is(err, concur.ErrNotFound) {
		return fmt.Errorf("%w: %w", connector.ErrNotFound, err)
	}
	return err
}
