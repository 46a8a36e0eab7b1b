package app

import (
	"context"
	"errors"
	"sync"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// refusal remembers that Concur refused a tenant's token in a way that waiting
// does not mend. The zero value remembers nothing. Safe for concurrent use.
type refusal struct {
	mu    sync.Mutex
	err   *concur.TokenError
	spent concur.Secret // access token of the token that was refused
}

// note takes what a call to Concur came to. Only a token that works ends a
// refusal: other failures tell nothing about it.
func (r *refusal) note(ctx context.Context, store concur.TokenStore, err error) {
	var refused *concur.TokenError
	switch {
	case err == nil:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.err = nil
	case errors.As(err, &refused) && lasting(refused.Class()):
		t, _, err := store.Load(ctx)
		if err != nil {
			return // that nothing can be loaded is seen by whoever asks
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.err, r.spent = refused, t.AccessToken
	}
}

// lasting reports whether a refusal stays until a person acts.
func lasting(c concur.TokenClass) bool {
	switch c {
	case concur.TokenReconnect, concur.TokenApp, concur.TokenAccount, concur.TokenRequest:
		return true
	case concur.TokenElsewhere, concur.TokenWait:
		return false
	}
	return true
}

// Refused returns how Concur refused a tenant's token when documents were last
// asked for, without a call; nil: it did not, or another token was stored since,
// by whichever process.
func (a *App) Refused(ctx context.Context, name string) *concur.TokenError {
	t := a.tenants[name]
	if t == nil {
		return nil
	}
	stored, _, err := t.store.Load(ctx)
	t.refusal.mu.Lock()
	defer t.refusal.mu.Unlock()
	if err != nil || stored.AccessToken != t.refusal.spent {
		return nil
	}
	return t.refusal.err
}

// noted is a source whose tenant remembers refusals of its token.
type noted struct {
	kindSource
	tenant *tenant
}

// Fetch implements connector.Source.
func (s noted) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	snap, err := s.kindSource.Fetch(ctx, ref)
	s.tenant.refusal.note(ctx, s.tenant.store, err)
	return snap, err
}

// Changes implements connector.Source.
func (s noted) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	page, err := s.kindSource.Changes(ctx, after)
	s.tenant.refusal.note(ctx, s.tenant.store, err)
	return page, err
}
