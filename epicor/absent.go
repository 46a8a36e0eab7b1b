package epicor

import (
	"context"
	"errors"
	"net/http"
)

// errSomewhere is a 404 that did not come from Epicor.
var errSomewhere = errors.New("status 404 came from something in front of Epicor, so it says nothing about the row")

// absent tells whether the failure of reading one row means that it is not there.
// Kinetic says so in its own form; a gateway in front of it that lost its way says
// 404 too, and whoever believed that would take an invoice for deleted or a
// locked group for gone. Where a 404 is not Kinetic's, the row is looked for in
// its set, where an empty list is an answer. It returns failure itself, or what
// makes it no ErrNotFound.
func (e *Entities[T]) absent(ctx context.Context, failure error, key ...any) error {
	var x *Error
	if !errors.As(failure, &x) || x.Status != http.StatusNotFound || x.Type != "" {
		return failure
	}
	row, err := e.lookUp(ctx, key)
	switch {
	case row != nil || errors.Is(err, ErrNotFound):
		return &Error{Operation: x.Operation, err: errSomewhere}
	case err != nil:
		return err
	}
	return failure
}
