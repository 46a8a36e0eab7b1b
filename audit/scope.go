package audit

import "context"

// Scope says on whose behalf a call to a vendor is made. Tenant is required.
type Scope struct {
	Tenant  string
	Subject string // the document or thing: "report A1B2C3"
	Actor   string // empty: the Trail's default
	Attempt int    // of the delivery; 0 where attempts are not counted
	Person  string // whose data the call carries, where that is known; decides the key that seals it

	// Held is asked right before each call; an error says that the caller may not
	// make it any more, since somebody else may have taken over. Nil: always held.
	Held func() error
}

// Held asks the Scope of ctx whether the caller may still write. An end that does
// not call through Transport asks it right before each write; its error is to be
// returned as it is or wrapped. Nil without a Scope.
func Held(ctx context.Context) error {
	if s, ok := FromContext(ctx); ok && s.Held != nil {
		return s.Held()
	}
	return nil
}

type scopeKey struct{}

// NewContext returns a context that carries s. The engine puts it around every
// call of an end; a program that uses a client with Transport does so itself.
func NewContext(ctx context.Context, s Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// FromContext returns the scope that NewContext put in, if any.
func FromContext(ctx context.Context) (Scope, bool) {
	s, ok := ctx.Value(scopeKey{}).(Scope)
	return s, ok
}
