package epicor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// DefaultPageSize is how many rows a page holds unless Options say otherwise;
// it is also what Kinetic cuts a list to, silently, when nobody asks for a number.
const DefaultPageSize = 100

// Options are the optional parts of a Client. The zero value of each field is a
// good default.
type Options struct {
	// Company is the Epicor company. Empty: the last part of the base URL.
	Company string

	// HTTP carries the requests; its Transport and Timeout are used, so that a
	// caller can record or limit calls. Nil: a client of its own.
	HTTP *http.Client
	// RootCAs are the authorities that a server's certificate must descend from,
	// for servers with a private authority. Nil: those of the system. There is no
	// way to switch the check off.
	RootCAs *x509.CertPool
	// AllowHTTP permits a base URL that is not https, for tests on the same machine.
	AllowHTTP bool

	// Plant, Language and FormatCulture go into the CallSettings header; empty
	// ones are left out.
	Plant, Language, FormatCulture string
	// License is the GUID of an integration licence to claim; empty: the user's own.
	License string

	// PageSize is how many rows List asks for at a time; 0: DefaultPageSize.
	PageSize int
	// BySkip pages lists by $skip alone, for a tenant that refuses conditions on
	// the columns of a key. Rows that change meanwhile may then be missed or doubled.
	BySkip bool
	// Tries is how often a safe request is sent at most; 0: 4. Writes are sent
	// once, whatever happens.
	Tries int
	// MinWait and MaxWait bound the wait between tries; 0: 200 ms and 5 s.
	MinWait, MaxWait time.Duration

	// Invoices says how AP invoices are made.
	Invoices InvoiceOptions

	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Client is one Epicor company. It is immutable, cheap, and safe for concurrent
// use; several clients may share one *http.Client.
type Client struct {
	// APInvoices enters supplier invoices and debit memos and reads them back.
	APInvoices *APInvoiceService
	// APInvoiceGroups are the entry groups of AP invoices.
	APInvoiceGroups *APInvoiceGroupService
	// APInvoicePosting is the process that posts entry groups.
	APInvoicePosting *APInvoicePostService
	// Attachments keeps files beside rows, such as the image of an invoice.
	Attachments *AttachmentService
	// Charts are the charts of accounts.
	Charts *Entities[Chart]
	// Currencies are the currencies of the company.
	Currencies *Entities[Currency]
	// ExchangeRates are the rates between currencies, day by day.
	ExchangeRates *Entities[ExchangeRate]
	// FiscalCalendars, FiscalYears and FiscalPeriods are the calendar of the ledger.
	FiscalCalendars *Entities[FiscalCalendar]
	FiscalPeriods   *Entities[FiscalPeriod]
	FiscalYears     *Entities[FiscalYear]
	// GLAccounts are the accounts of the general ledger.
	GLAccounts *Entities[GLAccount]
	// PaymentLines say which payment paid how much of which invoice.
	PaymentLines *Entities[PaymentLine]
	// Payments are checks and transfers to vendors.
	Payments *Entities[Payment]
	// PurchaseOrders, their lines and the releases of those.
	PurchaseOrderLines    *Entities[PurchaseOrderLine]
	PurchaseOrderReleases *Entities[PurchaseOrderRelease]
	PurchaseOrders        *Entities[PurchaseOrder]
	// SegmentValues are the values that GL accounts are made of: natural
	// accounts, cost centres and so on.
	SegmentValues *Entities[SegmentValue]
	// Segments are the segments of the charts of accounts.
	Segments *Entities[Segment]
	// Vendors are the suppliers, and the employees who are paid as such.
	Vendors *Entities[Vendor]

	root     *url.URL
	company  string
	cred     Credential
	rest     *rest.Client
	header   http.Header
	pageSize int
	bySkip   bool
	now      func() time.Time
	schema   schemaPointer
}

// NewClient returns a client for one company. baseURL is the OData root of REST
// v2 as the customer gives it, with the company at its end
// (https://host/instance/api/v2/odata/EPIC06) or with Options.Company to be
// added to it. Nothing is sent.
//
// It fails when the address is not https, names no company or another one than
// Options.Company, or when the transport does not check certificates.
//
// Follows the "REST API v2" page of the Kinetic REST guide.
func NewClient(baseURL string, cred Credential, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	if cred == nil {
		return nil, errors.New("epicor: a credential is needed")
	}
	root, err := checkURL(baseURL, opts.AllowHTTP)
	if err != nil {
		return nil, err
	}
	company, err := companyOf(root, opts.Company)
	if err != nil {
		return nil, err
	}
	if opts.PageSize < 0 {
		return nil, fmt.Errorf("epicor: a page cannot have %d rows", opts.PageSize)
	}
	hc, err := httpClient(opts)
	if err != nil {
		return nil, err
	}
	c := &Client{
		root: root, company: company, cred: cred, pageSize: opts.PageSize, bySkip: opts.BySkip, now: opts.Now,
		rest: rest.New(rest.Options{HTTP: hc, Tries: opts.Tries, MinWait: opts.MinWait, MaxWait: opts.MaxWait}),
	}
	if c.pageSize == 0 {
		c.pageSize = DefaultPageSize
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.header, err = headers(company, opts); err != nil {
		return nil, err
	}
	if c.APInvoices, err = newAPInvoiceService(c, opts.Invoices); err != nil {
		return nil, err
	}
	c.APInvoiceGroups = &APInvoiceGroupService{NewEntities[APInvoiceGroup](c, groupService, "APInvGrps", "Company", "GroupID")}
	c.APInvoicePosting = &APInvoicePostService{c: c}
	c.Attachments = &AttachmentService{c: c}
	c.Charts = NewEntities[Chart](c, coaService, "COAs", "Company", "COACode")
	c.Currencies = NewEntities[Currency](c, currencyService, "Currencies", "Company", "CurrencyCode")
	c.ExchangeRates = NewEntities[ExchangeRate](c, rateService, "CurrExRates", "Company", "RateGrpCode", "SourceCurrCode", "TargetCurrCode", "EffectiveDate")
	c.FiscalCalendars = NewEntities[FiscalCalendar](c, fiscalService, "FiscalCals", "Company", "FiscalCalendarID")
	c.FiscalPeriods = NewEntities[FiscalPeriod](c, fiscalService, "FiscalPers", "Company", "FiscalCalendarID", "FiscalYear", "FiscalYearSuffix", "FiscalPeriod")
	c.FiscalYears = NewEntities[FiscalYear](c, fiscalService, "FiscalYrs", "Company", "FiscalCalendarID", "FiscalYear", "FiscalYearSuffix")
	c.PaymentLines = NewEntities[PaymentLine](c, paymentService, "APTrans", "Company", "HeadNum", "APTranNo", "InvoiceNum", "Voided")
	c.Payments = NewEntities[Payment](c, paymentService, "PaymentEntries", "Company", "HeadNum")
	c.PurchaseOrderLines = NewEntities[PurchaseOrderLine](c, orderService, "PODetails", "Company", "PONUM", "POLine")
	c.PurchaseOrderReleases = NewEntities[PurchaseOrderRelease](c, orderService, "PORels", "Company", "PONum", "POLine", "PORelNum")
	c.PurchaseOrders = NewEntities[PurchaseOrder](c, orderService, "POes", "Company", "PONum")
	c.GLAccounts = NewEntities[GLAccount](c, glAccountService, "GLAccounts", "Company", "COACode", "GLAccount1")
	c.SegmentValues = NewEntities[SegmentValue](c, segmentService, "COASegValues", "Company", "COACode", "SegmentNbr", "SegmentCode")
	c.Segments = NewEntities[Segment](c, coaService, "COASegments", "Company", "COACode", "SegmentNbr")
	c.Vendors = NewEntities[Vendor](c, vendorService, "Vendors", "Company", "VendorNum")
	return c, nil
}

// Company is the Epicor company that the client works in.
func (c *Client) Company() string { return c.company }

// String names the host and the company, nothing secret.
func (c *Client) String() string {
	return "epicor client for company " + c.company + " at " + c.root.Host
}

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// companyOf finds the company in root, or adds it, and leaves root with a slash
// at its end.
func companyOf(root *url.URL, want string) (string, error) {
	if strings.ContainsAny(want, "/\\?#%") {
		return "", fmt.Errorf("epicor: %.40q is no company", want)
	}
	parts := strings.Split(strings.Trim(root.Path, "/"), "/")
	last := len(parts) - 1
	switch {
	case last >= 1 && strings.EqualFold(parts[last-1], "odata"):
		got := parts[last]
		if want != "" && want != got {
			return "", fmt.Errorf("epicor: the base URL ends in company %.40q, the options say %.40q", got, want)
		}
		want = got
	case strings.EqualFold(parts[last], "odata"):
		if want == "" {
			return "", errors.New("epicor: the base URL names no company: let it end in /odata/<Company>, or set Options.Company")
		}
		parts = append(parts, want)
	default:
		return "", fmt.Errorf("epicor: the path %.80q is no root of REST v2: it ends in /api/v2/odata/<Company>", root.Path)
	}
	*root = *root.JoinPath("/") // a copy, so that nothing of the caller's is shared
	root.Path, root.RawPath = "/"+strings.Join(parts, "/")+"/", ""
	return want, nil
}

func httpClient(opts *Options) (*http.Client, error) {
	if err := checkTransport(opts.HTTP); err != nil {
		return nil, err
	}
	if opts.RootCAs == nil {
		return opts.HTTP, nil
	}
	hc := &http.Client{}
	if opts.HTTP != nil {
		*hc = *opts.HTTP
	}
	var t *http.Transport
	switch base := hc.Transport.(type) {
	case nil:
		d, ok := http.DefaultTransport.(*http.Transport)
		if !ok {
			return nil, errors.New("epicor: the default transport was replaced: set RootCAs on a transport of your own")
		}
		t = d.Clone()
	case *http.Transport:
		t = base.Clone()
	default:
		return nil, fmt.Errorf("epicor: RootCAs cannot be set on a transport of type %T: set them inside it", base)
	}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.RootCAs = opts.RootCAs
	hc.Transport = t
	return hc, nil
}

func headers(company string, opts *Options) (http.Header, error) {
	h := http.Header{}
	h.Set("Accept", "application/json")
	settings, err := json.Marshal(struct {
		Company       string
		Plant         string `json:",omitempty"`
		Language      string `json:",omitempty"`
		FormatCulture string `json:",omitempty"`
	}{company, opts.Plant, opts.Language, opts.FormatCulture})
	if err != nil {
		return nil, fmt.Errorf("epicor: call settings: %w", err)
	}
	h.Set("CallSettings", string(settings))
	if opts.License != "" {
		license, err := json.Marshal(struct{ ClaimedLicense string }{opts.License})
		if err != nil {
			return nil, fmt.Errorf("epicor: licence: %w", err)
		}
		h.Set("License", string(license))
	}
	return h, nil
}

// call is one request, before it has a credential.
type call struct {
	op     string // for errors
	method string
	path   string // below the root, escaped
	query  string
	body   []byte
	write  bool   // never sent twice
	accept string // "": JSON
}

// errElsewhere is a name that would lead a call, and the credential, elsewhere.
var errElsewhere = errors.New("this is no name of a service, a set or a method")

var (
	serviceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$`)
	memberName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// named refuses what would not stay one part of the path.
func named(service, member string) error {
	if !serviceName.MatchString(service) || !memberName.MatchString(member) {
		return &Error{Operation: fmt.Sprintf("%.60q/%.60q", service, member), err: errElsewhere}
	}
	return nil
}

// do sends a call. A safe one is repeated after passing failures, and once with
// a new token when the old one ran out; a write is sent once.
func (c *Client) do(ctx context.Context, k call) (*rest.Response, error) {
	u, err := c.root.Parse(k.path)
	if err != nil {
		return nil, &Error{Operation: k.op, err: err}
	}
	if u.Scheme != c.root.Scheme || u.Host != c.root.Host || u.User != nil {
		return nil, &Error{Operation: k.op, err: errElsewhere}
	}
	u.RawQuery = k.query
	req, err := rest.NewRequest(ctx, k.method, u, "application/json", k.body)
	if err != nil {
		return nil, &Error{Operation: k.op, err: err}
	}
	for name, vs := range c.header {
		req.Header[name] = vs
	}
	if k.accept != "" {
		req.Header.Set("Accept", k.accept)
	}
	cred, err := opened(ctx, c.cred)
	if err != nil {
		return nil, credentialError(k.op, err)
	}
	if err := cred.Authorize(ctx, req); err != nil {
		return nil, credentialError(k.op, err)
	}
	if k.write {
		return c.answer(k.op, req, cred, c.rest.Once)
	}
	res, err := c.answer(k.op, req, cred, c.rest.Safe)
	var e *Error
	if !errors.As(err, &e) || !e.expired {
		return res, err
	}
	again := req.Clone(ctx)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, &Error{Operation: k.op, err: err}
		}
	}
	// Without a Renewer a session that ended is begun anew by the credential itself.
	if renewer, ok := cred.(Renewer); ok {
		if err := renewer.Renew(ctx, again); err != nil {
			return nil, credentialError(k.op, err)
		}
	}
	return c.last(c.answer(k.op, again, cred, c.rest.Safe))
}

// last is the answer of a repetition: what is refused again is no token that
// ran out.
func (c *Client) last(res *rest.Response, err error) (*rest.Response, error) {
	var e *Error
	if errors.As(err, &e) {
		e.expired = false
	}
	return res, err
}

func (c *Client) answer(op string, req *http.Request, cred Credential, send func(*http.Request) (*rest.Response, error)) (*rest.Response, error) {
	res, err := send(req)
	if err != nil {
		return nil, &Error{Operation: op, err: err}
	}
	if res.Status >= 200 && res.Status <= 299 {
		return res, nil
	}
	var secrets []Secret
	if k, ok := cred.(keeper); ok {
		secrets = k.secrets()
	}
	e := newError(op, res, c.now(), append(secrets, sent(req)...))
	renewer, renews := cred.(Renewer)
	e.expired = res.Status == http.StatusGone || res.Status == http.StatusUnauthorized && renews && !e.knownUnauthorized()
	if e.expired && renews && req.Method != http.MethodGet {
		// Learn now that the token is spent, so that the next call begins with a new
		// one; a failure to get it shows there.
		_ = renewer.Renew(req.Context(), req.Clone(req.Context()))
	}
	return nil, e
}

// sent are the secrets that a request bears.
func sent(req *http.Request) []Secret {
	out := []Secret{Secret(req.Header.Get("x-api-key"))}
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		out = append(out, Secret(token))
	}
	return out
}

func credentialError(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Errorf("epicor: %s: no token: %w", op, err)
	}
	return &Error{Operation: op, err: fmt.Errorf("not authorised to send: %w", err)}
}
