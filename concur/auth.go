package concur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
	return t, s.replace(ctx, t)
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
// wants one from time to time.
func (s *TokenSource) Refresh(ctx context.Context) (Token, error) {
	t, err := s.Token(ctx)
	if err != nil {
		return Token{}, err
	}
	return s.get(ctx, readMargin, t.AccessToken)
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

// renew runs in the flight: at most one at a time.
func (s *TokenSource) renew(ctx context.Context, margin time.Duration, refused Secret) (Token, error) {
	wanted := func(t Token) bool { return t.AccessToken != refused && t.fresh(time.Now(), margin) }
	if t, ok := s.cached(margin, refused); ok {
		return t, nil // another flight landed between the look and the start
	}
	if t, rev, unsaved := s.state(); unsaved {
		// The store failed after the vendor had issued t, which is the only one
		// that still works: it goes into the store before anything else.
		saved, err := s.save(ctx, t, rev)
		if err != nil || wanted(saved) {
			return saved, err
		}
	}
	for range maxConflicts {
		t, rev, err := s.store.Load(ctx)
		if err != nil {
			if errors.Is(err, ErrNoToken) {
				return Token{}, err
			}
			return Token{}, fmt.Errorf("concur: load token: %w", err)
		}
		if wanted(t) {
			s.set(t, rev, false)
			return t, nil // another process refreshed
		}
		if t.RefreshToken == "" || t.Geolocation == "" {
			return Token{}, fmt.Errorf("%w (what is stored has no refresh token)", ErrNoToken)
		}
		if t.Claimed.After(time.Now()) && !s.ownClaim(rev) {
			if other, otherRev, ok := s.other(ctx, rev, wanted); ok {
				s.set(other, otherRev, false)
				return other, nil
			}
			return Token{}, &claimedError{until: t.Claimed}
		}
		// A refresh token may be good for one exchange only, so that it is claimed
		// before it is spent.
		claimed := t
		claimed.Claimed = time.Now().Add(claimTime)
		next, err := s.store.Save(ctx, claimed, rev)
		if errors.Is(err, ErrTokenConflict) {
			continue
		}
		if err != nil {
			return Token{}, fmt.Errorf("concur: claim token: %w", err)
		}
		s.claims(next)
		return s.exchange(ctx, t, next, wanted)
	}
	return Token{}, fmt.Errorf("concur: claim token: %w", ErrTokenConflict)
}

// claimedError says that another process is exchanging the refresh token.
type claimedError struct{ until time.Time }

func (e *claimedError) Error() string {
	return "concur: another process is exchanging the refresh token; this is tried again when it has or has given up"
}

// Retryable reports that another try may succeed.
func (e *claimedError) Retryable() bool { return true }

// RetryAfter returns when to look again: an exchange takes a moment, and the
// claim only ends by itself where a process died.
func (e *claimedError) RetryAfter() time.Duration {
	return min(otherSoon, max(0, time.Until(e.until)))
}

func (s *TokenSource) claims(rev string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claim = rev
}

func (s *TokenSource) ownClaim(rev string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rev == s.claim
}

// exchange spends the refresh token that this process has claimed; rev is the
// claim's revision.
func (s *TokenSource) exchange(ctx context.Context, t Token, rev string, wanted func(Token) bool) (Token, error) {
	// A call that outlived the claim could spend what another process spends.
	call, cancel := context.WithTimeout(ctx, claimTime-5*time.Second)
	defer cancel()
	s.spending(t.AccessToken)
	next, err := s.spend(call, t)
	if err != nil && deadRefresh(err) {
		// Another process may have spent the same refresh token a moment ago and be
		// about to save what it got for it.
		if other, otherRev, ok := s.other(ctx, rev, wanted); ok {
			s.set(other, otherRev, false)
			return other, nil
		}
	}
	if next.RefreshToken == "" {
		var refused *TokenError
		if errors.As(err, &refused) {
			// Certainly not spent: others need not wait. If this fails the claim runs out.
			t.Claimed = time.Time{}
			_, _ = s.store.Save(context.WithoutCancel(ctx), t, rev)
		}
		return Token{}, err
	}
	next.Claimed = time.Time{}
	saved, saveErr := s.save(ctx, next, rev)
	if saveErr != nil {
		return Token{}, saveErr
	}
	return saved, err
}

// spend exchanges t's refresh token. With an error it may still return a token
// that has to be saved because its refresh token is the only one that works now.
func (s *TokenSource) spend(ctx context.Context, t Token) (Token, error) {
	base, err := s.hosts.base(t.Geolocation)
	if err != nil {
		return Token{}, fmt.Errorf("concur: stored token: %w", err)
	}
	next, err := s.ask(ctx, base, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(t.RefreshToken)}})
	if next.AccessToken == "" {
		return Token{}, err
	}
	next.Company = t.Company
	if next.RefreshToken == "" {
		next.RefreshToken, next.RefreshExpiry = t.RefreshToken, t.RefreshExpiry
	}
	if len(next.Scopes) == 0 {
		next.Scopes = t.Scopes
	}
	if err != nil {
		// The answer named a host that no token may go to. Its refresh token is kept
		// with the old geolocation, its access token is not used.
		next.Geolocation, next.Expiry = base, time.Time{}
	}
	return next, err
}

// save writes t before anybody uses it. When somebody else saved meanwhile and
// theirs lives, theirs is used and returned.
func (s *TokenSource) save(ctx context.Context, t Token, rev string) (Token, error) {
	for range maxConflicts {
		next, err := s.store.Save(ctx, t, rev)
		if err == nil {
			s.set(t, next, false)
			return t, nil
		}
		if !errors.Is(err, ErrTokenConflict) {
			s.set(t, rev, true)
			return Token{}, fmt.Errorf("concur: save token: %w", err)
		}
		theirs, theirRev, err := s.store.Load(ctx)
		if errors.Is(err, ErrNoToken) {
			s.set(Token{}, "", false)
			return Token{}, fmt.Errorf("%w (it was removed meanwhile)", ErrNoToken)
		}
		if err != nil {
			s.set(t, rev, true)
			return Token{}, fmt.Errorf("concur: load token: %w", err)
		}
		// The token that was just exchanged, written once more (sealed again by
		// another key), is no news: its refresh token may be dead, and ours is the
		// only one that lives.
		if theirs.AccessToken == t.AccessToken || (!s.wasSpent(theirs.AccessToken) && theirs.fresh(time.Now(), readMargin)) {
			s.set(theirs, theirRev, false)
			return theirs, nil
		}
		rev = theirRev
	}
	s.set(t, rev, true)
	return Token{}, fmt.Errorf("concur: save token: %w", ErrTokenConflict)
}

// other waits a moment for the store to show a wanted token of another revision.
func (s *TokenSource) other(ctx context.Context, rev string, wanted func(Token) bool) (Token, string, bool) {
	deadline := time.Now().Add(otherWait)
	for {
		t, theirs, err := s.store.Load(ctx)
		if err == nil && theirs != rev && wanted(t) {
			return t, theirs, true
		}
		if !time.Now().Before(deadline) {
			return Token{}, "", false
		}
		timer := time.NewTimer(otherPoll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Token{}, "", false
		}
	}
}

// ask calls the token endpoint, follows code 16 and tries the app's other secret
// where one is refused. A token that comes back with an error is whole but for
// its geolocation, which is not allowed.
func (s *TokenSource) ask(ctx context.Context, base string, form url.Values) (Token, error) {
	if len(s.scopes) > 0 && !form.Has("scope") {
		form.Set("scope", strings.Join(s.scopes, " "))
	}
	var t Token
	err := s.attempt(ctx, base, form, func(base string) error {
		var err error
		t, err = s.post(ctx, base, form)
		return err
	})
	return t, err
}

// attempt calls an endpoint of OAuth2 with the app's credentials in the form:
// where code 16 leads, and with the other secret where one is refused.
func (s *TokenSource) attempt(ctx context.Context, base string, form url.Values, call func(base string) error) error {
	form.Set("client_id", s.app.ClientID)
	defer form.Del("client_secret")
	return s.secrets.try(ctx, func(secret Secret) (bool, error) {
		form.Set("client_secret", string(secret))
		err := s.follow(base, call)
		var refused *TokenError
		return !errors.As(err, &refused) || refused.Code != 64 && refused.Code != 115, err
	})
}

func (s *TokenSource) follow(base string, call func(base string) error) error {
	for hop := 0; ; hop++ {
		err := call(base)
		var refused *TokenError
		if !errors.As(err, &refused) || refused.Code != 16 || hop == maxHops {
			return err
		}
		next, hostErr := s.hosts.base(refused.geolocation)
		if hostErr != nil {
			return fmt.Errorf("concur: token endpoint sends elsewhere: %w (%w)", hostErr, err)
		}
		base = next
	}
}

func (s *TokenSource) post(ctx context.Context, base string, form url.Values) (Token, error) {
	const operation = "token"
	asked := time.Now()
	// It may be repeated: an answer that was lost leaves nothing else to try than
	// the same refresh token again.
	res, err := s.endpoint(ctx, operation, base+"/oauth2/v0/token", form, s.rest.Safe)
	if err != nil {
		return Token{}, err
	}
	var a tokenAnswer
	if err := json.Unmarshal(res.Body, &a); err != nil {
		return Token{}, &Error{
			Operation: operation, Correlation: correlationOf(res.Header),
			Err: errors.New("the token endpoint's answer is not the JSON it should be"),
		}
	}
	t, err := a.token(asked)
	if err != nil {
		return Token{}, err
	}
	if t.Geolocation == "" && base != BootstrapURL {
		t.Geolocation = base // where the answer came from
	}
	checked, err := s.hosts.base(t.Geolocation)
	if err != nil {
		return t, fmt.Errorf("concur: token endpoint: %w", err)
	}
	t.Geolocation = checked
	return t, nil
}

// endpoint sends a form to an endpoint of OAuth2 and returns its answer of 200.
func (s *TokenSource) endpoint(ctx context.Context, operation, address string, form url.Values, send func(*http.Request) (*rest.Response, error)) (*rest.Response, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	// The endpoint refuses a charset in the content type.
	req, err := rest.NewRequest(ctx, http.MethodPost, u, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	req.Header.Set("Accept", "application/json")
	if id := Correlation(ctx); id != "" {
		req.Header.Set(correlationHeader, id)
	}
	res, err := send(req)
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	if res.Status != http.StatusOK {
		return nil, tokenErrorFrom(res.Status, res.Header, res.Body, rest.RetryAfter(res.Header, time.Now()))
	}
	return res, nil
}
