package concursync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

const (
	// othersTried is how many other documents are read to learn whether it is one
	// alone that is refused.
	othersTried = 5
	// othersLife is how long it is believed that others are not refused.
	othersLife = time.Minute
)

// others decides whose fault a refusal is. One document that the token may not
// read must not stop all others, and a token that may read none must not park
// them one by one: the services say 403 to both.
type others struct {
	kind   document.Kind
	code   string
	passed atomic.Int64 // when one was last read whole, in nanoseconds; 0 never
}

// refused reports whether the vendor refused a call for good: the client has
// tried it with a new token already.
func refused(err error) bool {
	var e *concur.Error
	return errors.As(err, &e) && (errors.Is(e, concur.ErrForbidden) || errors.Is(e, concur.ErrUnauthorized))
}

// pass notes that a document was read whole.
func (o *others) pass() { o.passed.Store(time.Now().UnixNano()) }

// judge turns the error of a Fetch into the contract's words. When a document
// was refused, candidates lists others, and read reads one of them as the
// refused one was.
func (o *others) judge(
	ctx context.Context, err error, ref connector.Ref,
	candidates func(context.Context) ([]connector.Ref, error), read func(context.Context, connector.Ref) error,
) error {
	if !refused(err) {
		return translate(err)
	}
	alone, tryErr := o.alone(ctx, ref, candidates, read)
	switch {
	case tryErr != nil:
		return fmt.Errorf("concursync: %s %s was refused, and whether others are cannot be seen: %w", ref.Kind, ref.ID, translate(tryErr))
	case !alone:
		return translate(err)
	}
	return rejection(o.code, "", "", fmt.Sprintf("Concur refuses this %s to the connector, and lets others be read", o.kind), err)
}

// alone reports whether another document can be read.
func (o *others) alone(
	ctx context.Context, ref connector.Ref,
	candidates func(context.Context) ([]connector.Ref, error), read func(context.Context, connector.Ref) error,
) (bool, error) {
	if at := o.passed.Load(); at != 0 && time.Since(time.Unix(0, at)) < othersLife {
		return true, nil
	}
	refs, err := candidates(ctx)
	if err != nil {
		return false, err
	}
	tried := 0
	for _, other := range refs {
		if other.ID == ref.ID {
			continue
		}
		if tried++; tried > othersTried {
			break
		}
		err := read(ctx, other)
		var rejected *connector.Rejection
		switch {
		case err == nil, errors.As(err, &rejected):
			o.pass()
			return true, nil
		case refused(err), errors.Is(err, connector.ErrNotFound):
		default:
			return false, err
		}
	}
	return false, nil
}
