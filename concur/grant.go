package concur

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// userBase is where a user's token is asked for: where the stored token lives, or
// at the beginning the bootstrap URL, from where code 16 leads on.
func (s *TokenSource) userBase(ctx context.Context) string {
	if t, _, err := s.store.Load(ctx); err == nil && t.Geolocation != "" {
		if base, err := s.hosts.base(t.Geolocation); err == nil {
			return base
		}
	}
	return s.bootstrap
}

// ConnectUser obtains the token of a user by password and saves it, replacing
// what was stored: such a source speaks for that user. login is a log-in name or
// a user's UUID. The vendor wants the user's own data centre; the first call goes
// to TokenOptions.BootstrapURL and follows code 16 from there, which is an
// assumption to check on a live tenant. A refusal is a *TokenError. Follows the
// Authentication page, "Password grant".
func (s *TokenSource) ConnectUser(ctx context.Context, login string, password Secret) (Token, error) {
	if login == "" || password == "" {
		return Token{}, errors.New("concur: ConnectUser needs a log-in name and a password")
	}
	return s.connect(ctx, s.userBase(ctx), url.Values{
		"grant_type": {"password"}, "credtype": {"password"}, "username": {login}, "password": {string(password)},
	}, "")
}

// AuthorizeInput says what a user is asked to allow.
type AuthorizeInput struct {
	// DataCenter is a base URL of the user's data centre, of a host that begins
	// with "www-".
	DataCenter  string
	RedirectURI string // as it is registered for the app
	Scopes      []string
	State       string // random; compare it with what comes back
}

// AuthorizeURL returns the address at which a user allows the app to act for
// them, to be opened in the user's browser. The answer comes to RedirectURI; see
// ParseAuthorization. Follows the Authentication page, "Authorization grant".
func (s *TokenSource) AuthorizeURL(in AuthorizeInput) (string, error) {
	base, err := s.hosts.base(in.DataCenter)
	if err != nil {
		return "", fmt.Errorf("concur: DataCenter: %w", err)
	}
	if in.RedirectURI == "" || in.State == "" {
		return "", errors.New("concur: AuthorizeURL needs a redirect URI and a state")
	}
	q := url.Values{
		"client_id": {s.app.ClientID}, "redirect_uri": {in.RedirectURI}, "response_type": {"code"},
		"scope": {strings.Join(in.Scopes, " ")}, "state": {in.State},
	}
	return base + "/oauth2/v0/authorize?" + q.Encode(), nil
}

// AuthorizationOptions say how a redirect is read. Nil, and each field's zero value,
// mean the defaults.
type AuthorizationOptions struct {
	// WithoutState takes a redirect that has no state at all; one that has another
	// than was sent is refused nevertheless. Without a state anybody can send a user
	// here with a code of their own. The vendor's page does not show a state in the
	// redirect: set this only where a live tenant turns out to send none.
	WithoutState bool
}

// ParseAuthorization reads the query that came to the redirect URI and returns
// the code for ConnectCode. state is what AuthorizeURL was given; another one, or
// none, is an error, and a refusal a *TokenError.
func ParseAuthorization(q url.Values, state string, opts *AuthorizationOptions) (code Secret, err error) {
	if opts == nil {
		opts = &AuthorizationOptions{}
	}
	if q.Has("error_code") || q.Has("error") || q.Has("error_description") {
		e := &TokenError{Status: http.StatusBadRequest, OAuth: q.Get("error"), Description: q.Get("error_description")}
		if n, err := seconds(Text(q.Get("error_code"))); err == nil && n > 0 && n < 1_000_000 {
			e.Code = TokenCode(n)
		}
		return "", e
	}
	if got := q.Get("state"); state == "" || got != state && (got != "" || !opts.WithoutState) {
		return "", errors.New("concur: the state of the redirect is not the one that was sent")
	}
	if q.Get("code") == "" {
		return "", errors.New("concur: the redirect holds no code")
	}
	return Secret(q.Get("code")), nil
}

// ConnectCode exchanges a code that a user's consent gave for the user's token and
// saves it, replacing what was stored. redirectURI is the one of AuthorizeURL. A
// refusal is a *TokenError.
func (s *TokenSource) ConnectCode(ctx context.Context, code Secret, redirectURI string) (Token, error) {
	if code == "" || redirectURI == "" {
		return Token{}, errors.New("concur: ConnectCode needs a code and the redirect URI it was given for")
	}
	return s.connect(ctx, s.bootstrap, url.Values{
		"grant_type": {"authorization_code"}, "code": {string(code)}, "redirect_uri": {redirectURI},
	}, "")
}

// OTP asks for a one-time password, which the vendor sends to a person by mail.
type OTP struct {
	Email string
	// Name, Company and Link stand in the mail; each may be "".
	Name, Company, Link string
	// Parameters are sent with both calls, unchanged.
	Parameters map[string]string
}

func (o OTP) form() url.Values {
	v := url.Values{"channel_handle": {o.Email}, "channel_type": {"email"}}
	for name, text := range o.Parameters {
		v.Set(name, text)
	}
	return v
}

// SendOTP has a one-time password sent; ConnectOTP takes it. It is sent once. A
// refusal is a *TokenError. Follows the Authentication page, "One-Time Password
// grant".
func (s *TokenSource) SendOTP(ctx context.Context, o OTP) error {
	if o.Email == "" {
		return errors.New("concur: SendOTP needs an e-mail address")
	}
	form := o.form()
	for name, text := range map[string]string{"name": o.Name, "company": o.Company, "link": o.Link} {
		if text != "" {
			form.Set(name, text)
		}
	}
	return s.attempt(ctx, s.userBase(ctx), form, func(base string) error {
		_, err := s.endpoint(ctx, "otp", base+"/oauth2/v0/otp", form, s.rest.Once)
		return err
	})
}

// ConnectOTP exchanges a one-time password for the person's token and saves it,
// replacing what was stored. o is what SendOTP was given. A refusal is a
// *TokenError.
func (s *TokenSource) ConnectOTP(ctx context.Context, o OTP, password Secret) (Token, error) {
	if o.Email == "" || password == "" {
		return Token{}, errors.New("concur: ConnectOTP needs an e-mail address and the password that was sent there")
	}
	form := o.form()
	form.Set("grant_type", "otp")
	form.Set("otp", string(password))
	return s.connect(ctx, s.userBase(ctx), form, "")
}

// Revoke ends the connection: all refresh tokens that the app has of this company
// or user. What is stored is emptied, so that the next call is ErrNoToken; access
// tokens that were given out live on to their end. The vendor documents the call
// with one host; that it belongs to the geolocation is an assumption. Follows the
// Authentication page, "Revoking a token".
func (s *TokenSource) Revoke(ctx context.Context) error {
	const operation = "Revoke"
	t, err := s.Token(ctx)
	if err != nil {
		return err
	}
	u, err := url.Parse(t.Geolocation + "/app-mgmt/v0/connections")
	if err != nil {
		return &Error{Operation: operation, Err: err}
	}
	req, err := rest.NewRequest(ctx, http.MethodDelete, u, "", nil)
	if err != nil {
		return &Error{Operation: operation, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+string(t.AccessToken))
	req.Header.Set("Accept", "application/json")
	res, err := s.rest.Once(req)
	if err != nil {
		return &Error{Operation: operation, Err: err}
	}
	if res.Status < 200 || res.Status > 299 {
		return errorFrom(operation, res.Status, res.Header, res.Body, rest.RetryAfter(res.Header, time.Now()))
	}
	return s.replace(ctx, Token{Geolocation: t.Geolocation, Company: t.Company})
}

// RefreshLife returns how long the refresh token has still to live at a time, and
// whether the vendor said so at all.
func (t Token) RefreshLife(now time.Time) (life time.Duration, known bool) {
	if t.RefreshToken == "" || t.RefreshExpiry.IsZero() {
		return 0, false
	}
	return max(0, t.RefreshExpiry.Sub(now)), true
}

// KeepAlive refreshes the token where its refresh token has less than least to
// live, or where that is not known and the access token has ended; it reports
// whether it did. A company that is idle for six months has to be connected anew,
// so call it once a day with a month or more.
func (s *TokenSource) KeepAlive(ctx context.Context, least time.Duration) (refreshed bool, err error) {
	t, _, err := s.store.Load(ctx)
	if err != nil {
		if errors.Is(err, ErrNoToken) {
			return false, err
		}
		return false, fmt.Errorf("concur: load token: %w", err)
	}
	life, known := t.RefreshLife(time.Now())
	if known && life >= least || !known && t.fresh(time.Now(), readMargin) {
		return false, nil
	}
	_, err = s.Refresh(ctx)
	return err == nil, err
}
