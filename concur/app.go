package concur

import (
	"slices"
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
	mu  sync.Mutex
	all []Secret
}

func newSecrets(app App) *secrets {
	s := &secrets{all: []Secret{app.ClientSecret}}
	if app.OtherSecret != "" && app.OtherSecret != app.ClientSecret {
		s.all = append(s.all, app.OtherSecret)
	}
	return s
}

func (s *secrets) list() []Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *secrets) taken(secret Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.all, secret); i > 0 {
		s.all[0], s.all[i] = s.all[i], s.all[0]
	}
}
