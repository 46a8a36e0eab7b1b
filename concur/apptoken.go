package concur

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// AppTokenSource keeps the token of the app itself, which manages subscriptions
// to events and reaches no company's data. It lives in memory: a new one is had
// at any time for the app's secret. It is safe for concurrent use; however many
// goroutines meet an expired token, one call is made. Follows the
// Authentication page, "Client Credentials grant".
type AppTokenSource struct {
	inner  *TokenSource // how it asks; it has no store
	center string

	flight singleflight.Group

	mu    sync.Mutex
	token Token
}

// NewAppTokenSource returns the source of the app's token in one data centre,
// named by its base URL, such as a company token's Geolocation: an app's token
// is valid in the data centre that gave it out. It makes no call. Of the options
// HTTP, AllowHosts, Scopes and Secrets are used.
func NewAppTokenSource(app App, dataCenter string, opts *TokenOptions) (*AppTokenSource, error) {
	if opts == nil {
		opts = &TokenOptions{}
	}
	if app.ClientID == "" || app.ClientSecret == "" && opts.Secrets == nil {
		return nil, errors.New("concur: App needs a client id and a client secret")
	}
	h, err := newHosts(opts.AllowHosts)
	if err != nil {
		return nil, err
	}
	center, err := h.base(dataCenter)
	if err != nil {
		return nil, fmt.Errorf("concur: data centre: %w", err)
	}
	return &AppTokenSource{
		center: center,
		inner: &TokenSource{
			app: app, secrets: newSecrets(app, opts.Secrets), http: opts.HTTP, rest: rest.New(rest.Options{HTTP: opts.HTTP, MaxBody: 1 << 20}),
			hosts: h, bootstrap: center, scopes: opts.Scopes,
		},
	}, nil
}

// Token returns a token that lives at least ten seconds longer. A refusal is a
// *TokenError.
func (s *AppTokenSource) Token(ctx context.Context) (Token, error) { return s.get(ctx, readMargin, "") }

func (s *AppTokenSource) get(ctx context.Context, margin time.Duration, refused Secret) (Token, error) {
	if t, ok := s.cached(margin, refused); ok {
		return t, nil
	}
	ch := s.flight.DoChan("token", func() (any, error) {
		// The flight serves many callers: that the first one gave up must not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
		defer cancel()
		if t, ok := s.cached(margin, refused); ok {
			return t, nil
		}
		t, err := s.inner.ask(ctx, s.center, url.Values{"grant_type": {"client_credentials"}})
		if err != nil {
			return nil, err
		}
		// Subscriptions are per data centre: calls go to the one that was named.
		t.Geolocation = s.center
		s.mu.Lock()
		defer s.mu.Unlock()
		s.token = t
		return t, nil
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-ch:
		if r.Err != nil {
			return Token{}, r.Err
		}
		t, ok := r.Val.(Token)
		if !ok || t.AccessToken == refused {
			return Token{}, errors.New("concur: the token endpoint keeps giving a token that is refused")
		}
		return t, nil
	}
}

func (s *AppTokenSource) refuse(accessToken Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.AccessToken == accessToken {
		s.token = Token{} // the next call asks for another
	}
}

func (s *AppTokenSource) cached(margin time.Duration, refused Secret) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.token.AccessToken != refused && s.token.fresh(time.Now(), margin)
}

// AppClient calls what belongs to the app rather than to a company, in one data
// centre. Its services carry the methods. It is immutable, cheap, and safe for
// concurrent use.
type AppClient struct {
	Secrets       *AppSecretsService
	Subscriptions *SubscriptionsService
	Topics        *TopicsService
}

// NewAppClient returns a client with the app's own token. It makes no call.
func NewAppClient(tokens *AppTokenSource, opts *Options) *AppClient {
	if opts == nil {
		opts = &Options{}
	}
	httpClient := opts.HTTP
	if httpClient == nil {
		httpClient = tokens.inner.http
	}
	s := service{newClient(tokens, httpClient, opts)}
	return &AppClient{
		Secrets: &AppSecretsService{service: s, appID: tokens.inner.app.ClientID}, Subscriptions: &SubscriptionsService{s}, Topics: &TopicsService{s},
	}
}
