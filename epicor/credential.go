package epicor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Credential authorises requests. [Basic], [Bearer] and [CredentialFunc] make
// one; any other implementation works too. It must be safe for concurrent use, and must not
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

// CredentialFunc opens a credential for each call, such as from a vault, so that
// secrets lie readable only while they are used and a rotated one is taken at
// once. open is called once for every request; it returns [Basic], or [Bearer]
// with the same TokenSource as long as the secret is the same, since a source
// holds its token. An error of open means that nothing is sent.
func CredentialFunc(open func(ctx context.Context) (Credential, error)) Credential {
	return opener(open)
}

type opener func(ctx context.Context) (Credential, error)

// Authorize opens the credential and uses it.
func (o opener) Authorize(ctx context.Context, req *http.Request) error {
	c, err := opened(ctx, o)
	if err != nil {
		return err
	}
	return c.Authorize(ctx, req)
}

// String and GoString show no secret.
func (o opener) String() string   { return "epicor.CredentialFunc(" + redacted + ")" }
func (o opener) GoString() string { return o.String() }

// opened returns what authorises one call: the credential itself, or the one
// that it opens. Renewal, redaction and the account are those of the latter.
func opened(ctx context.Context, c Credential) (Credential, error) {
	for range 4 { // a function that opens a function that opens …
		o, ok := c.(opener)
		if !ok {
			return c, nil
		}
		var err error
		if c, err = o(ctx); err != nil {
			return nil, err
		}
		if c == nil {
			return nil, errors.New("epicor: the function opened no credential")
		}
	}
	return nil, errors.New("epicor: the credential opens no end of others")
}

// userOf is the Epicor user that a credential belongs to, "" where it is not known.
func userOf(c Credential) string {
	if a, ok := c.(interface{ account() string }); ok {
		return a.account()
	}
	return ""
}

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
// ([StaticToken]), one of the Token Resource ([TokenResource]), of an identity
// provider ([ClientCredentials]), or of a source of your own.
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

func (b *bearer) secrets() []Secret {
	ss := []Secret{b.key}
	if k, ok := b.tokens.(keeper); ok {
		ss = append(ss, k.secrets()...)
	}
	return ss
}

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
		return nil, fmt.Errorf("epicor: the address of %s is http, so the credential would travel readable: use https; AllowHTTP of the options permits it for tests on the same machine", u.Host)
	default:
		return nil, fmt.Errorf("epicor: the address of %s needs https", u.Host)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("epicor: the address of %s must have neither query nor fragment", u.Host)
	}
	return u, nil
}
