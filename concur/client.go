package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// Options configure a Client. Nil, and each field's zero value, mean the
// defaults.
type Options struct {
	// HTTP carries the calls; its Transport and Timeout are used. Nil: that of the
	// TokenSource. Clients may share one.
	HTTP *http.Client
	// Language asks for names in a language, as an Accept-Language header: "en".
	Language string
	// UserAgent names this program. Default: "ml-connector".
	UserAgent string
}

// Client reads one company's data. Its services carry the methods. It is
// immutable, cheap, and safe for concurrent use.
type Client struct {
	Allocations     *AllocationsService
	Digests         *DigestsService
	Expenses        *ExpensesService
	ListItems       *ListItemsService
	Lists           *ListsService
	LocalizedData   *LocalizedDataService
	PaymentRequests *PaymentRequestsService
	Reports         *ReportsService
	ReportsV3       *ReportsV3Service
	Users           *UsersService
	Vendors         *VendorsService

	tokens    *TokenSource
	source    tokenGetter
	rest      *rest.Client
	language  string
	userAgent string
}

type service struct{ client *Client }

// tokenGetter gives out tokens that live longer than a margin and are not the
// one that was refused.
type tokenGetter interface {
	get(ctx context.Context, margin time.Duration, refused Secret) (Token, error)
}

// NewClient returns a client for the company whose token the source keeps. It
// makes no call.
func NewClient(tokens *TokenSource, opts *Options) *Client {
	if opts == nil {
		opts = &Options{}
	}
	httpClient := opts.HTTP
	if httpClient == nil {
		httpClient = tokens.http
	}
	c := newClient(tokens, httpClient, opts)
	c.tokens = tokens
	s := service{c}
	c.Allocations = &AllocationsService{s}
	c.Digests = &DigestsService{s}
	c.Expenses = &ExpensesService{s}
	c.ListItems = &ListItemsService{s}
	c.Lists = &ListsService{s}
	c.LocalizedData = &LocalizedDataService{s}
	c.PaymentRequests = &PaymentRequestsService{s}
	c.Reports = &ReportsService{s}
	c.ReportsV3 = &ReportsV3Service{s}
	c.Users = &UsersService{s}
	c.Vendors = &VendorsService{s}
	return c
}

func newClient(source tokenGetter, httpClient *http.Client, opts *Options) *Client {
	c := &Client{
		source: source, rest: rest.New(rest.Options{HTTP: httpClient}),
		language: opts.Language, userAgent: opts.UserAgent,
	}
	if c.userAgent == "" {
		c.userAgent = "ml-connector"
	}
	return c
}

// Tokens returns the source that the client takes its token from.
func (c *Client) Tokens() *TokenSource { return c.tokens }

// request is one call. Its path has been escaped and begins with a slash.
type request struct {
	operation string
	method    string // "" means GET
	path      string
	query     string // encoded
	body      any    // sent as JSON
	// safe: the call changes nothing and may be repeated.
	safe bool
	// outcome reports that an answer outside of 2xx is nevertheless the call's
	// result, to be decoded as such.
	outcome func(status int, body []byte) bool
	// mayBeEmpty: success may come without a body, which leaves out as it is.
	mayBeEmpty bool
}

// do sends a call to the company's geolocation and decodes its answer into out,
// nil for no answer.
//
// A token that the service refuses is refreshed once and a safe call repeated:
// the older services say 403 where the newer say 401, so both count. A call
// that writes is never repeated; it starts with a token that will last instead.
func (c *Client) do(ctx context.Context, r request, out any) error {
	margin := writeMargin
	if r.safe {
		margin = readMargin
	}
	token, err := c.source.get(ctx, margin, "")
	if err != nil {
		return inOperation(r.operation, err)
	}
	res, err := c.send(ctx, r, token)
	if err != nil {
		return err
	}
	if r.safe && (res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden) {
		token, err = c.source.get(ctx, margin, token.AccessToken)
		if err != nil {
			return inOperation(r.operation, err)
		}
		if res, err = c.send(ctx, r, token); err != nil {
			return err
		}
	}
	if (res.Status < 200 || res.Status > 299) && (r.outcome == nil || !r.outcome(res.Status, res.Body)) {
		return errorFrom(r.operation, res.Status, res.Header, res.Body, rest.RetryAfter(res.Header, time.Now()))
	}
	if out == nil || r.mayBeEmpty && len(bytes.TrimSpace(res.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(res.Body, out); err != nil {
		e := errorFrom(r.operation, 0, res.Header, nil, 0)
		e.Err = fmt.Errorf("answer %d is not the JSON that was expected: %w", res.Status, shape(err))
		return e
	}
	return nil
}

// inOperation says which call needed the token, unless the error speaks for
// itself to errors.As.
func inOperation(operation string, err error) error {
	return fmt.Errorf("concur: %s: %w", operation, err)
}

// shape strips from a decoding error what the answer held.
func shape(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("syntax error at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("field %s is a %s", kind.Field, strings.Fields(kind.Value + " value")[0])
	default:
		return errors.New(oneLine(err.Error()))
	}
}

func (c *Client) send(ctx context.Context, r request, token Token) (*rest.Response, error) {
	fail := func(err error) (*rest.Response, error) {
		return nil, &Error{Operation: r.operation, Correlation: Correlation(ctx), Err: err}
	}
	u, err := url.Parse(token.Geolocation + r.path)
	if err != nil {
		return fail(errors.New("the path is not a URL"))
	}
	u.RawQuery = r.query
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return fail(err)
		}
	}
	req, err := rest.NewRequest(ctx, method, u, "application/json", body)
	if err != nil {
		return fail(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(token.AccessToken))
	req.Header.Set("Accept", "application/json") // version 3 answers XML without it
	req.Header.Set("User-Agent", c.userAgent)
	if c.language != "" {
		req.Header.Set("Accept-Language", c.language)
	}
	if id := Correlation(ctx); id != "" {
		req.Header.Set(correlationHeader, id)
	}
	var res *rest.Response
	if r.safe {
		res, err = c.rest.Safe(req)
	} else {
		res, err = c.rest.Once(req)
	}
	if err != nil {
		return fail(err)
	}
	return res, nil
}

// path joins a prefix and elements that a caller gave, each escaped, so that no
// id can reach another resource. An element that is empty or only dots is an
// error, since it would change the path's meaning.
func path(operation, prefix string, elements ...string) (string, error) {
	var b strings.Builder
	b.WriteString(prefix)
	for _, e := range elements {
		// No id of the vendor's has these, and what sits between might decode them twice.
		if strings.Trim(e, ".") == "" || len(e) > 300 || strings.ContainsAny(e, "/\\?#%\x00") {
			return "", &Error{Operation: operation, Status: http.StatusBadRequest, Message: "an id is missing or malformed; nothing was sent"}
		}
		// The version 3 services want the dollar sign in their ids escaped.
		b.WriteString("/" + strings.ReplaceAll(url.PathEscape(e), "$", "%24"))
	}
	return b.String(), nil
}
