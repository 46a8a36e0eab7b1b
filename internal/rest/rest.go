// Package rest sends the requests of both vendors' clients: safe requests with
// retries, writes exactly once.
//
// Three layers of Go's HTTP world resend requests by themselves (retrying
// clients, net/http on a reused connection, redirects). A write that is sent
// twice is a second invoice, so writes take a path of their own on which no
// layer resends, and nobody follows redirects.
package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Defaults of Options.
const (
	DefaultTries   = 4
	DefaultMinWait = 200 * time.Millisecond
	DefaultMaxWait = 5 * time.Second
	DefaultMaxBody = 32 << 20
	DefaultTimeout = 60 * time.Second
)

// Options configure a Client. The zero value of each field means its default.
type Options struct {
	// HTTP carries the requests; its Transport and Timeout are used. Nil: a new
	// client with net/http's default transport settings.
	HTTP *http.Client
	// Tries is how often a safe request is sent at most.
	Tries int
	// MinWait and MaxWait bound the wait between tries. A Retry-After longer than
	// MaxWait is not waited for: the answer is returned, so that the caller decides.
	MinWait, MaxWait time.Duration
	// MaxBody bounds the bytes of an answer's body.
	MaxBody int64
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	safe    *retryablehttp.Client
	once    *http.Client
	maxBody int64
}

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// New returns a Client.
func New(o Options) *Client {
	base := o.HTTP
	if base == nil {
		base = &http.Client{}
	}
	transport := base.Transport
	if transport == nil {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			transport = t.Clone()
		} else {
			transport = http.DefaultTransport
		}
	}
	timeout := base.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if o.Tries == 0 {
		o.Tries = DefaultTries
	}
	if o.MinWait == 0 {
		o.MinWait = DefaultMinWait
	}
	if o.MaxWait == 0 {
		o.MaxWait = DefaultMaxWait
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	safe := retryablehttp.NewClient()
	safe.Logger = nil
	safe.HTTPClient = &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: stay}
	safe.RetryMax = o.Tries - 1
	safe.RetryWaitMin, safe.RetryWaitMax = o.MinWait, o.MaxWait
	safe.Backoff = backoff
	safe.ErrorHandler = retryablehttp.PassthroughErrorHandler
	safe.CheckRetry = func(ctx context.Context, res *http.Response, err error) (bool, error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err == nil && RetryAfter(res.Header, time.Now()) > o.MaxWait {
			return false, nil
		}
		// An answer of 501 and the like is not going to change.
		if err == nil && (res.StatusCode == http.StatusNotImplemented || res.StatusCode == http.StatusHTTPVersionNotSupported) {
			return false, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, res, err)
	}
	return &Client{
		safe:    safe,
		once:    &http.Client{Transport: oneShot{transport}, Timeout: timeout, CheckRedirect: stay},
		maxBody: o.MaxBody,
	}
}

func backoff(low, high time.Duration, attempt int, res *http.Response) time.Duration {
	if res != nil {
		if d := RetryAfter(res.Header, time.Now()); d > 0 {
			return d
		}
	}
	return retryablehttp.DefaultBackoff(low, high, attempt, nil)
}

// oneShot keeps net/http from resending a request by itself.
type oneShot struct{ base http.RoundTripper }

func (t oneShot) RoundTrip(req *http.Request) (*http.Response, error) {
	// Without GetBody net/http cannot rewind the body, so it cannot send twice.
	// The header makes it treat even a POST as repeatable.
	c := req.Clone(req.Context())
	c.GetBody = nil
	c.Header.Del("Idempotency-Key")
	c.Header.Del("X-Idempotency-Key")
	return t.base.RoundTrip(c)
}

// Safe sends a request that may be repeated (GET, HEAD, or a POST that only
// reads), and repeats it after 429, 5xx and broken connections, also when the
// answer broke off in the middle of its body.
func (c *Client) Safe(req *http.Request) (*Response, error) {
	r, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, &Error{Method: req.Method, URL: address(req.URL), Err: strip(err)}
	}
	for try := 0; ; try++ {
		res, err := c.safe.Do(r) //nolint:bodyclose // read closes it
		out, err := c.read(req, res, err)
		// Without an answer the policy below has tried often enough already.
		if err == nil || res == nil || errors.Is(err, errTooLarge) || try >= c.safe.RetryMax || req.Context().Err() != nil {
			return out, err
		}
	}
}

var errTooLarge = errors.New("answer too large")

// Once sends a request exactly once, whatever happens. When it returns an
// error, the server may have done the work.
func (c *Client) Once(req *http.Request) (*Response, error) {
	res, err := c.once.Do(req) //nolint:bodyclose // read closes it
	return c.read(req, res, err)
}

func (c *Client) read(req *http.Request, res *http.Response, err error) (*Response, error) {
	if res == nil {
		if err == nil {
			err = errors.New("no answer")
		}
		return nil, &Error{Method: req.Method, URL: address(req.URL), Err: strip(err)}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, c.maxBody+1))
	if err != nil {
		return nil, &Error{Method: req.Method, URL: address(req.URL), Err: fmt.Errorf("answer %d broke off: %w", res.StatusCode, strip(err))}
	}
	if int64(len(body)) > c.maxBody {
		return nil, &Error{Method: req.Method, URL: address(req.URL), Err: fmt.Errorf("%w: %d has more than %d bytes", errTooLarge, res.StatusCode, c.maxBody)}
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// Error is a request that got no whole answer. Its text has no query, since a
// query may hold a person's login.
type Error struct {
	Method string
	URL    string // without query and user info
	Err    error
}

// Error returns the failure on one line.
func (e *Error) Error() string { return e.Method + " " + e.URL + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports that another try may succeed: the network failed, not the
// request. A call that its own context ended is not retryable.
func (e *Error) Retryable() bool {
	return !errors.Is(e.Err, context.Canceled)
}

// strip takes net/http's own wrapping off, which repeats the URL with its query.
func strip(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func address(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// RetryAfter returns how long a Retry-After header asks to wait, in seconds or
// as a date; 0 when there is none.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if s, err := strconv.Atoi(v); err == nil {
		if s < 0 {
			return 0
		}
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		if d := t.Sub(now); d > 0 {
			return d
		}
	}
	return 0
}

// NewRequest builds a request with a body of bytes; a nil body means none. The
// length is always sent, since legacy services refuse chunked bodies.
func NewRequest(ctx context.Context, method string, u *url.URL, contentType string, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, strip(err)
	}
	if body != nil && contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}
