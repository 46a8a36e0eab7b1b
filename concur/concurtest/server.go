package concurtest

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/internal/fake"
)

// Fault says what goes wrong with the calls that match it: nothing is changed
// on the server (Before) or everything is and only the answer is lost (After).
// A Fault whose Status is set and whose Body is empty or HTML is what a gateway
// in front of the vendor answers.
type Fault = fake.Fault

// When says on which side of the commit a Fault strikes.
type When = fake.When

// Before and After are the two sides of the commit.
const (
	Before = fake.Before
	After  = fake.After
)

// Call is one request that arrived, with the answer it got.
type Call = fake.Call

// Options changes how a Server behaves. The zero value of each field is the
// default that its comment names; nil stands for the zero Options.
type Options struct {
	// Now is the server's clock: issue and expiry of tokens, all dates of
	// documents. Default time.Now. Back-off between deliveries does not follow
	// it: it waits on timers.
	Now func() time.Time

	// DataCenters names the data centres beside the global landing zone. The
	// first is where companies live by default. Default us2 and eu2.
	DataCenters []string

	// AppScopes are the scopes of the app that exists from the start. Default:
	// every scope that the served resources ask for.
	AppScopes []string

	// AccessTokenLifetime is one hour by default, RefreshTokenLifetime 183 days
	// ("six months"), RequestTokenLifetime 24 hours.
	AccessTokenLifetime, RefreshTokenLifetime, RequestTokenLifetime time.Duration

	// KeepRefreshToken answers a refresh with the same refresh token. By default
	// it is rotated and the old one is refused at once with code 108; how long
	// an old one lives is not documented.
	KeepRefreshToken bool

	// NumericExpiresIn prints expires_in as the number 3600 instead of the
	// string "3600"; both stand in the vendor's samples.
	NumericExpiresIn bool

	// WrongDataCenterStatus answers a resource call whose token belongs to
	// another data centre. Not documented; default 401.
	WrongDataCenterStatus int

	// InvalidTokenStatus answers a resource call with an expired or unknown
	// token. Default 0: 401 by the v4 services and 403 by the v3 services, as the
	// "HTTP Status Codes" page has it.
	InvalidTokenStatus int

	// CallsPerMinute is how many calls of resources a token's principal has in each
	// minute of the server's clock; further ones are answered 429 with a Retry-After,
	// which the List v4 services print as 0. Default 0: no limit. The vendor publishes
	// no general one.
	CallsPerMinute int

	// OwnNextPage prints NextPage with the host that was called. By default it
	// bears www.concursolutions.com as the samples do, where no token is taken.
	OwnNextPage bool

	// ReportsByChange lists the reports of version 3 by the time of their last
	// change, so that one that changes while the list is paged moves to its end
	// and all behind it move up. By default they stand in the order in which they
	// were added; the vendor documents no order.
	ReportsByChange bool

	// NoSystemAllocation answers the allocations of an expense that nobody
	// allocated with an empty array. By default it has one system allocation of
	// 100 percent; which of both the vendor does is an assumption.
	NoSystemAllocation bool

	// BareArrays prints the lines of a payment request as a bare array instead
	// of LineItems.LineItem; allocations likewise.
	BareArrays bool

	// NoVendorCode leaves VendorCode and AddressCode out of a payment request's
	// remit-to address, as the published specification does. By default they are
	// there, as live answers are reported to have them.
	NoVendorCode bool

	// KeepHyphens takes a hyphen in a list item's code or name, and with it two
	// items that are told apart by nothing. By default it is refused: the vendor
	// calls it not supported and warns that it may corrupt the list.
	KeepHyphens bool

	// DeletedCodes says what becomes of the code of a deleted list item. Default
	// DeletedStay.
	DeletedCodes DeletedCodes

	// VendorUpsert lets a POST change a vendor that exists. By default that is a
	// failure of the record; which of both the vendor does is not documented.
	VendorUpsert bool

	// DeliveryTransport carries the deliveries to endpoints that were registered
	// by a call. Default one of the server's own; an in-process one works inside a
	// testing/synctest bubble.
	DeliveryTransport http.RoundTripper

	// EndpointRoots are the authorities of the endpoints' certificates, such as that
	// of an httptest.Server. Default the system's.
	EndpointRoots *x509.CertPool

	// ClientName is the common name of the certificate that deliveries are made
	// with. Default WebhookName. NoClientCertificate makes them without one.
	ClientName          string
	NoClientCertificate bool

	// ManualDelivery delivers events only when Flush is called. By default they
	// are delivered in the background.
	ManualDelivery bool

	// DeliveryBackoff is the pause before the first repetition of a failed
	// delivery; it doubles up to ten minutes. Default one second. The vendor's
	// schedule is not documented.
	DeliveryBackoff time.Duration

	// Retention ends the repetitions of a delivery. Default 72 hours.
	Retention time.Duration

	// Key signs the deliveries. By default one is generated when it is first
	// needed, which takes some tenths of a second: many tests can share one.
	Key *rsa.PrivateKey

	// CompactZone prints the timeStamp of report events as the financial
	// integration events do: 2026-10-30T10:00:00.000+0000.
	CompactZone bool
}

// Server is a SAP Concur in memory. All methods are safe for concurrent use.
type Server struct {
	// URL is the base of the global landing zone, where a company's first token
	// is asked for. Before Start it is the vendor's own host, which only
	// Transport reaches.
	URL string

	opts     Options
	recorder *fake.Recorder
	handler  http.Handler
	client   *http.Client
	signer   *signer
	identity *identity
	events   *events

	mu        sync.Mutex // guards everything below
	ids       idSource
	centers   []*center
	legacy    *center // stands for the vendor's old hosts
	apps      []*App
	companies []*Company
	tokens    tokens
	closed    bool

	financialRefusals, financialCode int // RefuseFinancial
	tickets                          map[string]ticketed
	minute                           time.Time      // CallsPerMinute: which is counted
	counted                          map[string]int // by company, user or app
}

// New returns a server that listens nowhere: it is reached through Transport
// and Client, also inside a testing/synctest bubble. Close ends it. Start lets
// it listen.
func New(opts *Options) *Server {
	s := &Server{legacy: &center{name: "legacy"}}
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.DataCenters) == 0 {
		o.DataCenters = []string{"us2", "eu2"}
	}
	if len(o.AppScopes) == 0 {
		o.AppScopes = allScopes()
	}
	s.signer = &signer{key: o.Key}
	s.identity = &identity{name: orElse(o.ClientName, WebhookName)}
	o.AccessTokenLifetime = orElse(o.AccessTokenLifetime, time.Hour)
	o.RefreshTokenLifetime = orElse(o.RefreshTokenLifetime, 183*24*time.Hour)
	o.RequestTokenLifetime = orElse(o.RequestTokenLifetime, 24*time.Hour)
	o.WrongDataCenterStatus = orElse(o.WrongDataCenterStatus, http.StatusUnauthorized)
	o.DeliveryBackoff = orElse(o.DeliveryBackoff, time.Second)
	o.Retention = orElse(o.Retention, 72*time.Hour)
	s.centers = newCenters(o.DataCenters)
	s.tokens = newTokens()
	s.events = newEvents(s)
	s.recorder = fake.NewRecorder(o.Now)
	s.handler = s.correlate(s.recorder.Wrap(s.routes()))
	s.client = &http.Client{Transport: s.Transport()}
	s.URL = s.centers[0].url()
	s.AddApp(App{Name: "default", Scopes: o.AppScopes})
	return s
}

// NewServer returns a server that listens on loopback, one port per data
// centre, and is closed at the end of the test.
func NewServer(tb testing.TB, opts *Options) *Server {
	tb.Helper()
	s := New(opts)
	tb.Cleanup(s.Close)
	if err := s.Start(); err != nil {
		tb.Fatalf("concurtest: %v", err)
	}
	return s
}

// Start lets the server listen on one address per data centre, in the order of
// DataCenters: the global landing zone first. Addresses that are not given are
// 127.0.0.1:0. From then on URL and every geolocation in an answer are the
// listening ones, while Transport goes on to serve both. Call it at most once,
// before the server is used.
func (s *Server) Start(addrs ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("concurtest: Start after Close")
	}
	if len(addrs) > len(s.centers) {
		return fmt.Errorf("concurtest: %d addresses for %d data centres", len(addrs), len(s.centers))
	}
	for i, c := range s.centers {
		addr := "127.0.0.1:0"
		if i < len(addrs) {
			addr = addrs[i]
		}
		l, err := fake.Listen(addr, s.handler)
		if err != nil {
			for _, done := range s.centers[:i] {
				done.close()
			}
			return fmt.Errorf("concurtest: listen for data centre %s: %w", c.name, err)
		}
		c.listener = l
	}
	s.URL = s.centers[0].url()
	s.client = &http.Client{Transport: &http.Transport{}}
	return nil
}

// Close ends listening and delivering and waits until both have ended.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	centers := slices.Clone(s.centers)
	client := s.client
	s.mu.Unlock()
	for _, c := range centers {
		c.close()
	}
	s.events.stop()
	client.CloseIdleConnections()
}

// Client returns a client that reaches the server at URL and at every
// geolocation that it answers with: over loopback once it listens, else in the
// process.
func (s *Server) Client() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// Transport returns a RoundTripper that calls the server in the process. It
// knows the vendor's hosts of the data centres (glz.api.concursolutions.com,
// us2.api.concursolutions.com, www-us2.api.concursolutions.com …), the legacy
// host www.concursolutions.com, which takes no token, and the addresses that
// the server listens on. Any other host is an error, as if it did not resolve.
func (s *Server) Transport() http.RoundTripper {
	return &inProcess{s: s, next: fake.Transport(s.handler)}
}

type inProcess struct {
	s    *Server
	next http.RoundTripper
}

func (t *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.s.center(r.URL.Host) == nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("concurtest: no such host %q: it is no data centre of this server", r.URL.Host)
	}
	return t.next.RoundTrip(r)
}

// Inject arms a fault. Faults are tried in the order in which they were armed
// and the first that matches strikes.
func (s *Server) Inject(f Fault) { s.recorder.Inject(f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.recorder.ClearFaults() }

// Calls returns the calls so far, oldest first.
func (s *Server) Calls() []Call {
	calls := s.recorder.Calls()
	for i := range calls {
		c := &calls[i]
		c.Header = c.Header.Clone()
		c.Correlation = c.Header.Get(logHeader)
		c.Header.Del(logHeader)
	}
	return calls
}

// CallsTo returns the calls whose path contains part, oldest first.
func (s *Server) CallsTo(part string) []Call {
	return slices.DeleteFunc(s.Calls(), func(c Call) bool { return !strings.Contains(c.Path, part) })
}

// ResetCalls empties the log of calls.
func (s *Server) ResetCalls() { s.recorder.ResetCalls() }

// now returns the server's time, to the millisecond and in UTC as the vendor
// prints it.
func (s *Server) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }

func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
