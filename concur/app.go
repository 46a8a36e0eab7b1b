package concur

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// App is the registration of this program with SAP Concur. One app serves many
// companies, each of which has a TokenSource of its own.
type App struct {
	ClientID     string
	ClientSecret Secret
	// OtherSecret is the app's second secret while secrets are rotated, the next
	// one or the last one: where the vendor refuses one of them (codes 64 and 115)
	// the other is tried, and the one that was taken is used from then on. No
	// company has to be connected anew. Empty: there is one secret.
	OtherSecret Secret
}

// secrets are an app's one or two secrets, the one that was taken last first. It
// is safe for concurrent use.
type secrets struct {
	open  func(ctx context.Context) ([]Secret, error)
	mu    sync.Mutex
	first int // place of the one that was taken last
}

func newSecrets(app App, open func(context.Context) ([]Secret, error)) *secrets {
	if open == nil {
		all := []Secret{app.ClientSecret}
		if app.OtherSecret != "" && app.OtherSecret != app.ClientSecret {
			all = append(all, app.OtherSecret)
		}
		open = func(context.Context) ([]Secret, error) { return all, nil }
	}
	return &secrets{open: open}
}

// try calls f with one secret after the other, beginning with the one that was
// taken last, until f says that the vendor took it.
func (s *secrets) try(ctx context.Context, f func(Secret) (taken bool, err error)) error {
	all, err := s.open(ctx)
	if err != nil {
		return fmt.Errorf("concur: open the app's secret: %w", err)
	}
	if len(all) == 0 {
		return errors.New("concur: the app has no secret")
	}
	s.mu.Lock()
	first := s.first % len(all)
	s.mu.Unlock()
	for i := range all {
		at := (first + i) % len(all)
		var taken bool
		if taken, err = f(all[at]); taken {
			s.mu.Lock()
			s.first = at
			s.mu.Unlock()
			return err
		}
	}
	return err
}
