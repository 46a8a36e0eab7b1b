package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// Credential authorises requests. [Basic] and [Bearer] make one; any other
// implementation works too. It must be safe for concurrent use, and must not
// print its secrets.
type Credential interface {
	// Authorize sets the headers that authorise req: x-api-key and Authorization.
	// An error means that nothing may be sent.
	Authorize(ctx context.Context, req *http.Request) error
}

// Renewer is a Credential that can get a new token when the server no longer
// takes the one in req. The client asks for it once per call.
type Renewer interface {
	Renew(ctx context.Context, req *http.Request) error
}

// keeper is a Credential whose secrets the client takes out of error texts.
type keeper interface{ secrets() []Secret }

// Basic is an API key beside a service account's name and password.
func Basic(apiKey, user, password string) Credential {
	return &basic{key: Secret(apiKey), user: user, password: Secret(password)}
}

type basic struct {
	key      Secret
	user     string
	password Secret
}

func (b *basic) Authorize(_ context.Context, req *http.Request) error {
	if b.key == "" || b.user == "" {
		return errors.New("epicor: an API key and a user name are needed")
	}
	req.Header.Set("x-api-key", string(b.key))
	req.SetBasicAuth(b.user, string(b.password))
	return nil
}

func (b *basic) account() string { return b.user }

func (b *basic) secrets() []Secret { return []Secret{b.key, b.password} }

// String and GoString show no secret.
func (b *basic) String() string   { return "epicor.Basic(" + redacted + ")" }
func (b *basic) GoString() string { return b.String() }

// Token is a bearer token and when it ends; the zero Expires is "not known".
type Token struct {
	Value   Secret
	Expires time.Time
}

// TokenSource hands out bearer tokens. It must be safe for concurrent use and
// fetch at most one token at a time.
type TokenSource interface {
	// Token returns a token. spent is one that the server refused, "" when there
	// is none; Token must not return it again.
	Token(ctx context.Context, spent Secret) (Token, error)
}

// Bearer is an API key beside a bearer token: one that never changes
// ([StaticToken]), one of the Token Resource ([TokenResource]), or of a source
// of your own, such as an identity provider.
func Bearer(apiKey string, tokens TokenSource) Credential {
	return &bearer{key: Secret(apiKey), tokens: tokens}
}

type bearer struct {
	key    Secret
	tokens TokenSource
}

func (b *bearer) Authorize(ctx context.Context, req *http.Request) error { return b.set(ctx, req, "") }

func (b *bearer) Renew(ctx context.Context, req *http.Request) error {
	const prefix = "Bearer "
	spent := req.Header.Get("Authorization")
	if len(spent) > len(prefix) {
		spent = spent[len(prefix):]
	}
	return b.set(ctx, req, Secret(spent))
}

func (b *bearer) set(ctx context.Context, req *http.Request, spent Secret) error {
	if b.key == "" || b.tokens == nil {
		return errors.New("epicor: an API key and a source of tokens are needed")
	}
	t, err := b.tokens.Token(ctx, spent)
	if err != nil {
		return err
	}
	req.Header.Set("x-api-key", string(b.key))
	req.Header.Set("Authorization", "Bearer "+string(t.Value))
	return nil
}

func (b *bearer) account() string {
	if a, ok := b.tokens.(interface{ account() string }); ok {
		return a.account()
	}
	return ""
}

func (b *bearer) secrets() []Secret { return []Secret{b.key} }

// String and GoString show no secret.
func (b *bearer) String() string   { return "epicor.Bearer(" + redacted + ")" }
func (b *bearer) GoString() string { return b.String() }

// StaticToken is a source of one token that somebody else renews.
func StaticToken(token string) TokenSource { return &staticToken{Secret(token)} }

type staticToken struct{ value Secret }

func (t *staticToken) Token(_ context.Context, spent Secret) (Token, error) {
	if spent == t.value {
		return Token{}, &Error{
			Operation: "token", Status: http.StatusUnauthorized,
			Message: "the token is no longer accepted and there is no way to get another: give a new one",
		}
	}
	return Token{Value: t.value}, nil
}

func (t *staticToken) String() string   { return redacted }
func (t *staticToken) GoString() string { return redacted }

// TokenResourceOptions are the optional parts of a TokenResource.
type TokenResourceOptions struct {
	// HTTP carries the requests; nil is a new client. Certificates are always checked.
	HTTP *http.Client
	// ClientID makes user and password a client id and a client secret.
	ClientID bool
	// AllowHTTP permits an address that is not https.
	AllowHTTP bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// TokenResource is Kinetic's own source of bearer tokens, usually at
// https://host/instance/TokenResource.svc/; the address is given whole. It
// renews a token that has less than a minute left, and one that the server
// refused. One request is under way at a time, whoever waits for it.
//
// Follows the Token Resource page of the REST guide. The case of the answer's
// fields and how long a token lasts without ExpiresIn are assumptions to check
// on a live tenant.
func TokenResource(address, user, password string, opts *TokenResourceOptions) (TokenSource, error) {
	if opts == nil {
		opts = &TokenResourceOptions{}
	}
	u, err := checkURL(address, opts.AllowHTTP)
	if err != nil {
		return nil, err
	}
	if err := checkTransport(opts.HTTP); err != nil {
		return nil, err
	}
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	return &tokenResource{
		url: u, user: user, password: Secret(password), clientID: opts.ClientID, now: now,
		http: rest.New(rest.Options{HTTP: opts.HTTP}), turn: make(chan struct{}, 1),
	}, nil
}

type tokenResource struct {
	url      *url.URL
	user     string
	password Secret
	clientID bool
	now      func() time.Time
	http     *rest.Client

	turn  chan struct{} // held by whoever may look at token
	token Token
}

// renewBefore is how long before its end a token is no longer used.
const renewBefore = time.Minute

// String and GoString show no secret.
func (r *tokenResource) String() string   { return "epicor.TokenResource(" + redacted + ")" }
func (r *tokenResource) GoString() string { return r.String() }

func (r *tokenResource) account() string {
	if r.clientID {
		return ""
	}
	return r.user
}

func (r *tokenResource) Token(ctx context.Context, spent Secret) (Token, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	fresh := r.token.Expires.IsZero() || r.token.Expires.Sub(r.now()) > renewBefore
	if r.token.Value != "" && r.token.Value != spent && fresh {
		return r.token, nil
	}
	t, err := r.fetch(ctx)
	if err != nil {
		return Token{}, err
	}
	r.token = t
	return t, nil
}

func (r *tokenResource) fetch(ctx context.Context) (Token, error) {
	const op = "TokenResource"
	req, err := rest.NewRequest(ctx, http.MethodPost, r.url, "application/json", []byte{})
	if err != nil {
		return Token{}, &Error{Operation: op, err: err}
	}
	req.Header.Set("Accept", "application/json") // XML without it
	if r.clientID {
		req.Header.Set("clientid", r.user)
		req.Header.Set("clientsecret", string(r.password))
	} else {
		req.Header.Set("username", r.user)
		req.Header.Set("password", string(r.password))
	}
	res, err := r.http.Safe(req)
	if err != nil {
		return Token{}, &Error{Operation: op, err: err}
	}
	if res.Status < 200 || res.Status > 299 {
		return Token{}, newError(op, res, r.now(), []Secret{r.password})
	}
	var body struct {
		AccessToken string
		ExpiresIn   json.Number
	}
	if err := json.Unmarshal(res.Body, &body); err != nil || body.AccessToken == "" {
		return Token{}, &Error{Operation: op, Status: res.Status, Message: "the answer holds no AccessToken"}
	}
	t := Token{Value: Secret(body.AccessToken)}
	if s, err := body.ExpiresIn.Int64(); err == nil && s > 0 {
		t.Expires = r.now().Add(time.Duration(s) * time.Second)
	}
	return t, nil
}

func checkTransport(c *http.Client) error {
	if c == nil {
		return nil
	}
	if t, ok := c.Transport.(*http.Transport); ok && t.TLSClientConfig != nil && t.TLSClientConfig.InsecureSkipVerify {
		return errors.New("epicor: the transport does not check certificates; give the CA that signed them as RootCAs instead")
	}
	return nil
}

func checkURL(s string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The parser's own text repeats the address, which may hold a password.
		return nil, errors.New("epicor: the address is no URL")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("epicor: the address must not hold a user name or password")
	case u.Host == "":
		return nil, fmt.Errorf("epicor: the address %.80q names no host", s)
	case u.Scheme == "https", u.Scheme == "http" && allowHTTP:
	case u.Scheme == "http":
		return nil, fmt.Errorf("epicor: the address of %s is http, so the credential would travel readable: use https", u.Host)
	default:
		return nil, fmt.Errorf("epicor: the address of %s needs https", u.Host)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("epicor: the address of %s must have neither query nor fragment", u.Host)
	}
	return u, nil
}
