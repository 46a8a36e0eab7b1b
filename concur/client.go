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
	// HTTP carries the calls; its Transport and Timeout are used, of streams the
	// Transport alone. Nil: that of the TokenSource. Clients may share one.
	HTTP *http.Client
	// Language asks for names in a language, as an Accept-Language header: "en".
	Language string
	// UserAgent names this program. Default: "ml-connector".
	UserAgent string
	// ImageHosts are base URLs, such as "https://images.example.test", that images
	// may be fetched from beside SAP Concur's own hosts and TokenOptions.AllowHosts.
	// Where the vendor keeps images is not documented; an image that stands
	// elsewhere is ErrHost, which names the host. No token is ever sent there. An
	// entry that is no URL allows nothing.
	ImageHosts []string
}

// Client calls the services for one company, or one user. They carry the methods. It is
// immutable, cheap, and safe for concurrent use.
type Client struct {
	AccountingIntegration *AccountingIntegrationService
	Allocations           *AllocationsService
	AllocationsV3         *AllocationsV3Service
	Attendees             *AttendeesService
	Comments              *CommentsService
	Digests               *DigestsService
	EntriesV3             *EntriesV3Service
	Exceptions            *ExceptionsService
	ExchangeRates         *ExchangeRatesService
	Expenses              *ExpensesService
	ExpenseTaxes          *ExpenseTaxesService
	Financial             *FinancialService
	Images                *ImagesService
	ItemizationsV3        *ItemizationsV3Service
	ListItems             *ListItemsService
	Lists                 *ListsService
	LocalizedData         *LocalizedDataService
	PaymentConfirmations  *PaymentConfirmationsService
	PaymentRequests       *PaymentRequestsService
	PurchaseOrderReceipts *PurchaseOrderReceiptsService
	PurchaseOrders        *PurchaseOrdersService
	Reports               *ReportsService
	ReportsV3             *ReportsV3Service
	SpendDocuments        *SpendDocumentsService
	SpendUsers            *SpendUsersService
	Users                 *UsersService
	Vendors               *VendorsService
	Workflow              *WorkflowService

	tokens    *TokenSource
	source    tokenGetter
	rest      *rest.Client
	stream    *http.Client // for bodies that are not held in memory
	images    hosts        // where images may be fetched from
	language  string
	userAgent string
}

type service struct{ client *Client }

// tokenGetter gives out tokens that live longer than a margin and are not the
// one that was refused.
type tokenGetter interface {
	get(ctx context.Context, margin time.Duration, refused Secret) (Token, error)
	// refuse notes a token that was refused to a call that is not repeated.
	refuse(accessToken Secret)
}

// ended reports whether a status means that the token has ended: the older services
// say 403 where the newer say 401, but also where a scope is missing, which a new
// token would not have either.
func ended(status int, t Token) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden && time.Since(t.Issued) > forbiddenAge
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
	c.images = tokens.hosts.with(opts.ImageHosts)
	s := service{c}
	c.AccountingIntegration = &AccountingIntegrationService{s}
	c.Allocations = &AllocationsService{s}
	c.AllocationsV3 = &AllocationsV3Service{s}
	c.Attendees = &AttendeesService{s}
	c.Comments = &CommentsService{s}
	c.Digests = &DigestsService{s}
	c.EntriesV3 = &EntriesV3Service{s}
	c.Exceptions = &ExceptionsService{s}
	c.ExchangeRates = &ExchangeRatesService{s}
	c.Expenses = &ExpensesService{s}
	c.ExpenseTaxes = &ExpenseTaxesService{s}
	c.Financial = &FinancialService{s}
	c.Images = &ImagesService{s}
	c.ItemizationsV3 = &ItemizationsV3Service{s}
	c.ListItems = &ListItemsService{s}
	c.Lists = &ListsService{s}
	c.LocalizedData = &LocalizedDataService{s}
	c.PaymentConfirmations = &PaymentConfirmationsService{s}
	c.PaymentRequests = &PaymentRequestsService{s}
	c.PurchaseOrderReceipts = &PurchaseOrderReceiptsService{s}
	c.PurchaseOrders = &PurchaseOrdersService{s}
	c.Reports = &ReportsService{s}
	c.ReportsV3 = &ReportsV3Service{s}
	c.SpendDocuments = &SpendDocumentsService{s}
	c.SpendUsers = &SpendUsersService{s}
	c.Users = &UsersService{s}
	c.Vendors = &VendorsService{s}
	c.Workflow = &WorkflowService{s}
	return c
}

func newClient(source tokenGetter, httpClient *http.Client, opts *Options) *Client {
	c := &Client{
		source: source, rest: rest.New(rest.Options{HTTP: httpClient}),
		language: opts.Language, userAgent: opts.UserAgent, stream: streamer(httpClient),
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
	body      any    // sent as JSON, a payload as it is
	accept    string // "" means JSON
	// idempotency is an idempotency-id header; "" is none.
	idempotency string
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
// A safe call that is refused is repeated once, with a new token where the one it
// had has ended; see ended. A
// call that writes is never repeated; it starts with a token that will last
// instead, and one that is refused is not used for the next call.
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
	if !r.safe && ended(res.Status, token) {
		c.source.refuse(token.AccessToken)
	}
	if r.safe && (res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden) {
		if ended(res.Status, token) {
			if token, err = c.source.get(ctx, margin, token.AccessToken); err != nil {
				return inOperation(r.operation, err)
			}
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
	switch raw := out.(type) {
	case *json.RawMessage:
		*raw = res.Body // its reader checks it
		return nil
	case *[]byte:
		*raw = res.Body
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

// payload is a body that is no JSON.
type payload struct {
	contentType string
	data        []byte
}

// newRequest makes the HTTP request of a call.
func (c *Client) newRequest(ctx context.Context, r request, token Token) (*http.Request, error) {
	u, err := url.Parse(token.Geolocation + r.path)
	if err != nil {
		return nil, errors.New("the path is not a URL")
	}
	u.RawQuery = r.query
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	var body []byte
	contentType := "application/json"
	if p, ok := r.body.(payload); ok {
		body, contentType = p.data, p.contentType
	} else if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return nil, err
		}
	}
	req, err := rest.NewRequest(ctx, method, u, contentType, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+string(token.AccessToken))
	req.Header.Set("Accept", "application/json") // version 3 answers XML without it
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	req.Header.Set("User-Agent", c.userAgent)
	if r.idempotency != "" {
		req.Header.Set("idempotency-id", r.idempotency)
	}
	if c.language != "" {
		req.Header.Set("Accept-Language", c.language)
	}
	if id := Correlation(ctx); id != "" {
		req.Header.Set(correlationHeader, id)
	}
	return req, nil
}

func (c *Client) send(ctx context.Context, r request, token Token) (*rest.Response, error) {
	req, err := c.newRequest(ctx, r, token)
	var res *rest.Response
	switch {
	case err != nil:
	case r.safe:
		res, err = c.rest.Safe(req)
	default:
		res, err = c.rest.Once(req)
	}
	if err != nil {
		return nil, &Error{Operation: r.operation, Correlation: Correlation(ctx), Err: err}
	}
	return res, nil
}

// fetch sends a call and decodes its answer.
func fetch[T any](ctx context.Context, c *Client, r request) (*T, error) {
	var v T
	if err := c.do(ctx, r, &v); err != nil {
		return nil, err
	}
	return &v, nil
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
