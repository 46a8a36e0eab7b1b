package concur

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// TokenOptions configure a TokenSource. Nil, and each field's zero value, mean
// the defaults.
type TokenOptions struct {
	// HTTP carries the token calls, and the calls of clients that are not given
	// their own; its Transport and Timeout are used. Nil: a new one.
	HTTP *http.Client
	// AllowHosts are base URLs beside SAP Concur's own hosts that tokens may be
	// sent to, such as a fake's "http://127.0.0.1:8080"; without a scheme https is
	// meant. Nobody else's host is ever called, whatever an answer says.
	AllowHosts []string
	// BootstrapURL is where Connect asks for the first token. Default: BootstrapURL,
	// the Global Landing Zone. It must be SAP Concur's or allowed.
	BootstrapURL string
	// Scopes narrow what the token may do; empty asks for all that the app has.
	Scopes []string
	// Secrets, if set, gives the app's secrets for one call of the token endpoint,
	// the likelier one first, so that the program holds none in between: they may
	// lie sealed. App.ClientSecret and App.OtherSecret are then left empty. It is
	// called concurrently; its error ends the call before anything is sent.
	Secrets func(ctx context.Context) ([]Secret, error)
}

const (
	// readMargin is the least life that a token needs before a call that reads.
	readMargin = 10 * time.Second
	// writeMargin is the same for a call that writes and can never be repeated.
	writeMargin = time.Minute
	// tokenTimeout bounds one refresh with its saves, whatever became of its callers.
	tokenTimeout = 2 * time.Minute
	maxHops      = 2 // of code 16
	maxConflicts = 5
	maxFlights   = 5
	// otherWait is how long a refused refresh waits for another process to save
	// what it got for the same refresh token, looking every otherPoll.
	otherWait = 3 * time.Second
	otherPoll = 250 * time.Millisecond

	// claimTime is how long a claim on the refresh token holds other processes
	// off. A process that dies meanwhile keeps them waiting so long.
	claimTime = 90 * time.Second
	// claimMargin is how long before its claim ends a token call is given up: what a
	// Save takes to return, and what the clocks of two machines may differ by.
	claimMargin = 10 * time.Second
	// doubtTime is how long after a claim that nobody ended its process may still
	// come and save what it got.
	doubtTime = 10 * time.Minute
	// deadTime is how long a refresh token that was refused for good is not sent
	// again: what is stored is looked at instead, since only a new one helps.
	deadTime = 5 * time.Minute
	// forbiddenAge is how old an access token must be for a 403 to mean that it has
	// ended: a younger one lacks a scope, and another would lack it too.
	forbiddenAge = time.Minute
	// otherSoon is when to look again whether another process has exchanged it.
	otherSoon = 2 * time.Second
)

// TokenSource keeps one company's token alive: it obtains it, saves it before
// anybody uses it, refreshes it before it ends and follows the company's
// geolocation. It is safe for concurrent use; however many goroutines meet an
// expired token, one call is made. Follows the Authentication and Company
// Authentication pages.
type TokenSource struct {
	app       App
	secrets   *secrets
	store     TokenStore
	rest      *rest.Client
	http      *http.Client
	hosts     hosts
	bootstrap string
	scopes    []string

	flight singleflight.Group

	mu      sync.Mutex
	token   Token
	rev     string
	unsaved bool   // token was issued but not saved: save it before anything else
	spent   Secret // access token of the stored token that was exchanged last
	claim   string // revision of the token that this process claimed last
	refused Secret // access token that a service refused to a call that is not repeated
	dead    deadToken
	doubt   doubtedToken
}

// deadToken is a refresh token that the vendor refused for good.
type deadToken struct {
	refresh Secret
	until   time.Time
	err     error
}

// doubtedToken is a refresh token whose claim another process left behind.
type doubtedToken struct {
	refresh Secret
	until   time.Time
}

// NewTokenSource returns the source of the token kept in store. It makes no
// call. A missing client id or secret, or an AllowHosts entry that is no host,
// is an error.
func NewTokenSource(app App, store TokenStore, opts *TokenOptions) (*TokenSource, error) {
	if opts == nil {
		opts = &TokenOptions{}
	}
	if app.ClientID == "" || app.ClientSecret == "" && opts.Secrets == nil {
		return nil, errors.New("concur: App needs a client id and a client secret")
	}
	if store == nil {
		return nil, errors.New("concur: NewTokenSource needs a TokenStore; NewMemoryTokenStore is one")
	}
	h, err := newHosts(opts.AllowHosts)
	if err != nil {
		return nil, err
	}
	bootstrap := opts.BootstrapURL
	if bootstrap == "" {
		bootstrap = BootstrapURL
	}
	if bootstrap, err = h.base(bootstrap); err != nil {
		return nil, fmt.Errorf("concur: BootstrapURL: %w", err)
	}
	return &TokenSource{
		app: app, secrets: newSecrets(app, opts.Secrets), store: store, http: opts.HTTP, rest: rest.New(rest.Options{HTTP: opts.HTTP, MaxBody: 1 << 20}),
		hosts: h, bootstrap: bootstrap, scopes: opts.Scopes,
	}, nil
}

// Connect exchanges a company request token for the company's first token and
// saves it, replacing what was stored. The request token comes from the App
// Center's redirect or from Administration > Company > Authentication Admin >
// Company Request Token; it lives 24 hours. A refusal is a *TokenError. Follows
// the Company Authentication page.
//
// Where the token cannot be saved it comes back beside the error, since the
// request token is spent: the next call of this source saves it first, and nothing
// else knows it. The other methods that begin with Connect do the same.
func (s *TokenSource) Connect(ctx context.Context, companyUUID string, requestToken Secret) (Token, error) {
	if companyUUID == "" || requestToken == "" {
		return Token{}, errors.New("concur: Connect needs the company's UUID and its request token")
	}
	form := url.Values{
		"grant_type": {"password"}, "credtype": {"authtoken"},
		"username": {companyUUID}, "password": {string(requestToken)},
	}
	return s.connect(ctx, s.bootstrap, form, companyUUID)
}

// connect asks for a first token and saves it.
func (s *TokenSource) connect(ctx context.Context, base string, form url.Values, company string) (Token, error) {
	t, err := s.ask(ctx, base, form)
	if err != nil {
		return Token{}, err
	}
	t.Company = company
	if t.RefreshToken == "" {
		return Token{}, errors.New("concur: the token endpoint gave no refresh token: check that the app may refresh (code 107)")
	}
	if err := s.replace(ctx, t); err != nil {
		_, rev, loadErr := s.store.Load(ctx)
		if loadErr != nil {
			rev = ""
		}
		s.set(t, rev, true)
		return t, err
	}
	return t, nil
}

// replace saves t whatever is stored.
func (s *TokenSource) replace(ctx context.Context, t Token) error {
	for range maxConflicts {
		_, rev, err := s.store.Load(ctx)
		if err != nil && !errors.Is(err, ErrNoToken) {
			return fmt.Errorf("concur: load token: %w", err)
		}
		next, err := s.store.Save(ctx, t, rev)
		if errors.Is(err, ErrTokenConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("concur: save token: %w", err)
		}
		s.set(t, next, false)
		return nil
	}
	return fmt.Errorf("concur: save token: %w", ErrTokenConflict)
}

// Token returns a token that lives at least ten seconds longer, refreshing it
// first where needed. A company that was never connected: ErrNoToken; a refusal
// is a *TokenError.
func (s *TokenSource) Token(ctx context.Context) (Token, error) {
	return s.get(ctx, readMargin, "")
}

// Refresh refreshes the token now, whatever life it has left. Each refresh
// extends the refresh token's life of six months, so a company that is idle
// wants one from time to time. It makes one token call, also where the access
// token has ended.
func (s *TokenSource) Refresh(ctx context.Context) (Token, error) {
	t, _, err := s.load(ctx)
	if err != nil {
		return Token{}, err
	}
	return s.get(ctx, readMargin, t.AccessToken)
}

// load returns what is stored, with a geolocation that a token may be sent to: a
// store that others can write to must not lead anywhere else.
func (s *TokenSource) load(ctx context.Context) (Token, string, error) {
	t, rev, err := s.store.Load(ctx)
	if errors.Is(err, ErrNoToken) {
		return Token{}, "", err
	}
	if err != nil {
		return Token{}, "", fmt.Errorf("concur: load token: %w", err)
	}
	if t.Geolocation != "" {
		if t.Geolocation, err = s.hosts.base(t.Geolocation); err != nil {
			return Token{}, "", fmt.Errorf("concur: stored token: %w", err)
		}
	}
	return t, rev, nil
}

// refuse notes that a service refused an access token, so that the next call
// begins with another.
func (s *TokenSource) refuse(accessToken Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = accessToken
}

func (s *TokenSource) refusedLast() Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// OAuth2 adapts the source for libraries that take golang.org/x/oauth2's own
// interface, which knows no context: ctx serves every call. Such a library
// must send its requests to Token's Geolocation.
func (s *TokenSource) OAuth2(ctx context.Context) oauth2.TokenSource {
	return oauth2Source(func() (Token, error) { return s.Token(ctx) })
}

type oauth2Source func() (Token, error)

// Token implements oauth2.TokenSource. The refresh token stays out of it: who
// spends it must save what comes back.
func (f oauth2Source) Token() (*oauth2.Token, error) {
	t, err := f()
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: string(t.AccessToken), TokenType: "Bearer", Expiry: t.Expiry}, nil
}

// get returns a token that lives longer than margin and whose access token is
// not the one that was refused.
func (s *TokenSource) get(ctx context.Context, margin time.Duration, refused Secret) (Token, error) {
	if refused == "" {
		refused = s.refusedLast()
	}
	if t, ok := s.cached(margin, refused); ok {
		return t, nil
	}
	// Callers that want different things share a flight, so one that joined
	// another's looks at what came out and may start its own.
	for range maxFlights {
		ch := s.flight.DoChan("token", func() (any, error) {
			// The flight serves many callers: that the first one gave up must not end it.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
			defer cancel()
			return s.renew(ctx, margin, refused)
		})
		select {
		case <-ctx.Done():
			return Token{}, ctx.Err()
		case r := <-ch:
			if r.Err != nil {
				return Token{}, r.Err
			}
			t, ok := r.Val.(Token)
			if ok && t.fresh(time.Now(), margin) && t.AccessToken != refused {
				return t, nil
			}
		}
	}
	return Token{}, errors.New("concur: the token endpoint keeps giving a token that is refused or about to end: check this machine's clock")
}

func (s *TokenSource) cached(margin time.Duration, refused Secret) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, !s.unsaved && s.token.AccessToken != refused && s.token.fresh(time.Now(), margin)
}

func (s *TokenSource) set(t Token, rev string, unsaved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.rev, s.unsaved = t, rev, unsaved
}

func (s *TokenSource) state() (t Token, rev string, unsaved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.rev, s.unsaved
}

// spending notes whose refresh token is about to be exchanged.
func (s *TokenSource) spending(accessToken Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent = accessToken
}

func (s *TokenSource) wasSpent(accessToken Secret) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return accessToken != "" && accessToken == s.spent
}
