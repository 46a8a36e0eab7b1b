package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// renewBefore is how long before its end a token is no longer used.
const renewBefore = time.Minute

// tokenCache keeps one token and fetches the next: before the last minute of its
// life, and when the server refused it. One fetch is under way at a time,
// whoever waits for it.
type tokenCache struct {
	fetch func(context.Context) (Token, error)
	now   func() time.Time
	turn  chan struct{} // held by whoever may look at token
	token Token
}

func newTokenCache(now func() time.Time, fetch func(context.Context) (Token, error)) *tokenCache {
	return &tokenCache{fetch: fetch, now: now, turn: make(chan struct{}, 1)}
}

func (c *tokenCache) get(ctx context.Context, spent Secret) (Token, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	fresh := c.token.Expires.IsZero() || c.token.Expires.Sub(c.now()) > renewBefore
	if c.token.Value != "" && c.token.Value != spent && fresh {
		return c.token, nil
	}
	t, err := c.fetch(ctx)
	if err != nil {
		return Token{}, err
	}
	c.token = t
	return t, nil
}

// TokenStyle says how the Token Resource wants to see the credentials. All of
// them occur, so which one a tenant takes is a setting.
type TokenStyle string

// The styles.
const (
	// TokenHeaders: in headers, username and password or clientid and clientsecret.
	TokenHeaders TokenStyle = "headers"
	// TokenForm: in a form, with grant_type password or client_credentials.
	TokenForm TokenStyle = "form"
)

// TokenResourceOptions are the optional parts of a TokenResource.
type TokenResourceOptions struct {
	// HTTP carries the requests; nil is a new client. Certificates are always checked.
	HTTP *http.Client
	// Style is how the credentials are sent; empty: TokenHeaders.
	Style TokenStyle
	// ClientID makes user and password a client id and a client secret.
	ClientID bool
	// Scope goes into a form, where the server wants one.
	Scope string
	// APIKey is sent beside, for servers whose Token Resource stands under /api/v2.
	APIKey string
	// AllowHTTP permits an address that is not https.
	AllowHTTP bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// TokenResource is Kinetic's own source of bearer tokens, usually at
// https://host/instance/TokenResource.svc/ or, with a form,
// https://host/instance/api/v2/TokenResource.svc/token; the address is given
// whole. It renews a token that has less than a minute left, and one that the
// server refused. One request is under way at a time, whoever waits for it.
//
// Follows the Token Resource page of the REST guide. The case of the answer's
// fields, which is therefore ignored, and how long a token lasts without
// ExpiresIn are assumptions to check on a live tenant.
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
	r := &tokenResource{
		url: u, user: user, password: Secret(password), opts: *opts, now: opts.Now,
		http: rest.New(rest.Options{HTTP: opts.HTTP}),
	}
	switch r.opts.Style {
	case "":
		r.opts.Style = TokenHeaders
	case TokenHeaders, TokenForm:
	default:
		return nil, fmt.Errorf("epicor: %.40q is no style of the Token Resource", opts.Style)
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.cache = newTokenCache(r.now, r.fetch)
	return r, nil
}

type tokenResource struct {
	url      *url.URL
	user     string
	password Secret
	opts     TokenResourceOptions
	now      func() time.Time
	http     *rest.Client
	cache    *tokenCache
}

// String and GoString show no secret.
func (r *tokenResource) String() string   { return "epicor.TokenResource(" + redacted + ")" }
func (r *tokenResource) GoString() string { return r.String() }

func (r *tokenResource) account() string {
	if r.opts.ClientID {
		return ""
	}
	return r.user
}

func (r *tokenResource) secrets() []Secret { return []Secret{r.password, Secret(r.opts.APIKey)} }

func (r *tokenResource) Token(ctx context.Context, spent Secret) (Token, error) {
	return r.cache.get(ctx, spent)
}

// request carries the credentials as the style wants them.
func (r *tokenResource) request(ctx context.Context) (*http.Request, error) {
	names := []string{"username", "password", "password"}
	if r.opts.ClientID {
		names = []string{"clientid", "clientsecret", "client_credentials"}
	}
	body, contentType := []byte{}, "application/json"
	if r.opts.Style == TokenForm {
		form := url.Values{"grant_type": {names[2]}}
		if r.opts.ClientID {
			names[0], names[1] = "client_id", "client_secret"
		}
		form.Set(names[0], r.user)
		form.Set(names[1], string(r.password))
		if r.opts.Scope != "" {
			form.Set("scope", r.opts.Scope)
		}
		body, contentType = []byte(form.Encode()), "application/x-www-form-urlencoded"
	}
	req, err := rest.NewRequest(ctx, http.MethodPost, r.url, contentType, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json") // XML without it
	if r.opts.APIKey != "" {
		req.Header.Set("x-api-key", r.opts.APIKey)
	}
	if r.opts.Style == TokenHeaders {
		req.Header.Set(names[0], r.user)
		req.Header.Set(names[1], string(r.password))
	}
	return req, nil
}

func (r *tokenResource) fetch(ctx context.Context) (Token, error) {
	const op = "TokenResource"
	req, err := r.request(ctx)
	if err != nil {
		return Token{}, &Error{Operation: op, err: err}
	}
	res, err := r.http.Safe(req)
	if err != nil {
		return Token{}, &Error{Operation: op, err: err}
	}
	if res.Status < 200 || res.Status > 299 {
		return Token{}, newError(op, res, r.now(), r.secrets())
	}
	// encoding/json matches names whatever their case; a form's answer bears the
	// names of OAuth2.
	var body struct {
		AccessToken string
		ExpiresIn   json.Number
		OAuthToken  string      `json:"access_token"`
		OAuthLife   json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(res.Body, &body); err != nil || body.AccessToken+body.OAuthToken == "" {
		return Token{}, &Error{Operation: op, Status: res.Status, Message: "the answer holds no AccessToken"}
	}
	t := Token{Value: Secret(body.AccessToken)}
	life := body.ExpiresIn
	if t.Value == "" {
		t.Value, life = Secret(body.OAuthToken), body.OAuthLife
	}
	if s, err := life.Int64(); err == nil && s > 0 {
		t.Expires = r.now().Add(time.Duration(s) * time.Second)
	}
	return t, nil
}

// ClientCredentialsOptions are the optional parts of ClientCredentials.
type ClientCredentialsOptions struct {
	// Scopes are what the customer's identity provider wants to be asked for.
	Scopes []string
	// Audience is sent as "audience", where the provider wants one.
	Audience string
	// Params are further fields of the form.
	Params url.Values
	// InHeader sends client id and secret as HTTP Basic; false: in the form.
	InHeader bool
	// User is the Epicor user that the provider's client is mapped to, where it is
	// known: entry groups of others are then never entered.
	User string
	// HTTP carries the requests; nil is a new client. Certificates are always checked.
	HTTP *http.Client
	// AllowHTTP permits an address that is not https.
	AllowHTTP bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// ClientCredentials is an identity provider (Epicor's or Entra ID) as a source of
// bearer tokens, by OAuth2 client credentials at its token address, which is
// given whole. It renews a token that has less than a minute left, and one that
// Epicor refused. One request is under way at a time, whoever waits for it.
//
// Which scope and audience a tenant wants is the customer's to know.
func ClientCredentials(tokenURL, clientID, clientSecret string, opts *ClientCredentialsOptions) (TokenSource, error) {
	if opts == nil {
		opts = &ClientCredentialsOptions{}
	}
	u, err := checkURL(tokenURL, opts.AllowHTTP)
	if err != nil {
		return nil, err
	}
	if err := checkTransport(opts.HTTP); err != nil {
		return nil, err
	}
	if clientID == "" || clientSecret == "" {
		return nil, errors.New("epicor: a client id and a client secret are needed")
	}
	params := url.Values{}
	for k, v := range opts.Params {
		params[k] = v
	}
	if opts.Audience != "" {
		params.Set("audience", opts.Audience)
	}
	// Finding out by itself would send the secret twice where the first way is refused.
	style := oauth2.AuthStyleInParams
	if opts.InHeader {
		style = oauth2.AuthStyleInHeader
	}
	c := &clientCredentials{
		secret: Secret(clientSecret), user: opts.User, now: opts.Now,
		http: withoutRedirects(opts.HTTP),
		config: &clientcredentials.Config{
			ClientID: clientID, ClientSecret: clientSecret, TokenURL: u.String(),
			Scopes: opts.Scopes, EndpointParams: params, AuthStyle: style,
		},
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.cache = newTokenCache(c.now, c.fetch)
	return c, nil
}

// withoutRedirects keeps the secret from being carried elsewhere.
func withoutRedirects(c *http.Client) *http.Client {
	out := &http.Client{Timeout: rest.DefaultTimeout}
	if c != nil {
		out.Transport = c.Transport
		if c.Timeout > 0 {
			out.Timeout = c.Timeout
		}
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return out
}

type clientCredentials struct {
	config *clientcredentials.Config
	secret Secret
	user   string
	now    func() time.Time
	http   *http.Client
	cache  *tokenCache
}

// String and GoString show no secret.
func (c *clientCredentials) String() string   { return "epicor.ClientCredentials(" + redacted + ")" }
func (c *clientCredentials) GoString() string { return c.String() }

func (c *clientCredentials) account() string   { return c.user }
func (c *clientCredentials) secrets() []Secret { return []Secret{c.secret} }

func (c *clientCredentials) Token(ctx context.Context, spent Secret) (Token, error) {
	return c.cache.get(ctx, spent)
}

// hidden is a failure whose text had secrets taken out; what it is stays.
type hidden struct {
	text string
	err  error
}

func (h hidden) Error() string { return h.text }

// Is compares with what failed, which itself is not handed on: its text is not clean.
func (h hidden) Is(target error) bool { return errors.Is(h.err, target) }

func (c *clientCredentials) fetch(ctx context.Context) (Token, error) {
	const op = "token of the identity provider"
	t, err := c.config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		// The library's text repeats the whole body, which may repeat the request.
		e := &Error{Operation: op, Message: oneLine(strings.TrimSpace(refused.ErrorCode + " " + withoutSecrets(refused.ErrorDescription, c.secrets())))}
		if refused.Response != nil {
			e.Status, e.wait = refused.Response.StatusCode, rest.RetryAfter(refused.Response.Header, c.now())
		}
		if refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client" {
			e.Status = http.StatusUnauthorized // some providers say 400
		}
		return Token{}, e
	case err != nil:
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return Token{}, &Error{Operation: op, err: hidden{withoutSecrets(err.Error(), c.secrets()), err}}
	}
	out := Token{Value: Secret(t.AccessToken)}
	if t.ExpiresIn > 0 {
		out.Expires = c.now().Add(time.Duration(t.ExpiresIn) * time.Second)
	} else if !t.Expiry.IsZero() {
		out.Expires = t.Expiry
	}
	return out, nil
}
