package epicortest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/internal/fake"
)

// What a Server with nil Options knows.
const (
	DefaultCompany  = "EPIC06"
	DefaultUser     = "integration"
	DefaultPassword = "integration-password"
	DefaultAPIKey   = "epicortest-api-key"
)

// Duplicate says how Kinetic refuses a key that exists; both forms are seen in the field.
type Duplicate string

const (
	// DuplicateConflict answers 409 with DuplicateRecordException.
	DuplicateConflict Duplicate = "conflict"
	// DuplicateBusiness answers 400 with BusinessObjectException and "duplicate" in the message.
	DuplicateBusiness Duplicate = "business"
)

// Options configures a Server; nil and the zero value are the defaults.
type Options struct {
	// Now is the clock, time.Now by default: of tokens, of today's date in new
	// rows, of the log of calls.
	Now func() time.Time

	Companies []Company // none: DefaultCompany in USD
	Users     []User    // none: DefaultUser with DefaultPassword
	Keys      []APIKey  // none: DefaultAPIKey for everything
	Clients   []Client  // of the identity provider; none: nobody

	// TokenLife is how long a bearer from TokenResource.svc holds; 0 is an hour.
	TokenLife time.Duration

	// Duplicate says how a second row with the same key is refused; "" is DuplicateConflict.
	Duplicate Duplicate

	// LoseMissing makes a tableset that lacks columns or tables lose them, as a
	// live system does: a column that is not there is stored empty. By default
	// such a tableset is refused with a message that names what is missing, so
	// that a test finds out.
	LoseMissing bool

	// WholeRows refuses a tableset to be committed that lacks rows of an invoice that
	// stands there. By default rows may be left out and stay as they are; what a
	// live tenant makes of them is to be checked there.
	WholeRows bool

	// LockRefuses answers LockAPGroup for a group that another user has locked with
	// 400. By default it answers as if nothing were amiss and leaves the lock where
	// it is, as the vendor's schema has it: it locks "only if the group is not
	// locked already".
	LockRefuses bool

	// LoneUpdates accepts a row with RowMod "U" without the old row beside it.
	LoneUpdates bool

	// TrueSignLines makes the lines and expenses of a debit memo be entered with the
	// sign that they are stored with, negative. By default they are entered
	// positive, as the header's check total is. Which of the two a live tenant does
	// is not documented, so a client should work with both.
	TrueSignLines bool

	// TaxApart keeps tax out of DocInvoiceAmt. Whether a live tenant counts it in is
	// to be checked there; the supplier's check total always holds it.
	TaxApart bool
	// CancellationKeepsKey makes the invoice that cancels another one a copy of it
	// with all its columns, our key too. By default ExternalID is empty.
	CancellationKeepsKey bool
	// PostLater makes a submitted group wait for RunAgent, as it waits for the
	// system agent of a live tenant. By default it is posted at once.
	PostLater bool
	// NextLinks makes a list that was cut off say so with an @odata.nextLink, whose
	// host and path are the server's own and not those that the client reached it
	// by. By default a list ends silently, as the guides say; links occur.
	NextLinks bool
	// MaxLength bounds text columns, "Table.Column" to characters. Entries are
	// added to the defaults APInvHed.InvoiceNum 50, APInvGrp.GroupID 9 and
	// Vendor.VendorID 8, which are from practice: the vendor's schema gives no
	// lengths. $metadata shows them; seeding does not check them.
	MaxLength map[string]int
}

// Server is a Kinetic server in memory. Make it with New or NewServer.
type Server struct {
	// URL is the address it listens on, without a path. Until Listen or
	// NewServer it is a name that only Transport and Client resolve.
	URL string

	opts     Options
	recorder *fake.Recorder
	handler  http.Handler

	listenMu sync.Mutex
	listener *fake.Listener

	mu        sync.Mutex
	companies map[string]*company
	users     map[string]User
	keys      map[string]APIKey
	clients   map[string]Client
	tokens    map[string]*token
	prompts   []*prompt
	methods   map[string]*method
	rev       int64  // row version of the whole database
	rows      int64  // identities given
	reads     int    // reads without an order so far
	answers   int    // error answers so far
	boot      string // makes tokens of two servers differ
	tokenNum  int
}

// New returns a server that keeps state but does not listen; see Transport and Listen.
func New(opts *Options) *Server {
	s := &Server{
		URL:       "http://kinetic.test",
		companies: map[string]*company{}, users: map[string]User{}, keys: map[string]APIKey{}, clients: map[string]Client{},
		tokens: map[string]*token{}, rev: 1000, boot: rand.Text(),
	}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	if s.opts.TokenLife == 0 {
		s.opts.TokenLife = time.Hour
	}
	if s.opts.Duplicate == "" {
		s.opts.Duplicate = DuplicateConflict
	}
	lengths := map[string]int{tabHed + ".InvoiceNum": 50, tabGroup + ".GroupID": 9, tabVendor + ".VendorID": 8}
	for k, n := range s.opts.MaxLength {
		lengths[k] = n
	}
	s.opts.MaxLength = lengths
	users, keys, companies := s.opts.Users, s.opts.Keys, s.opts.Companies
	if len(users) == 0 {
		users = []User{{Name: DefaultUser, Password: DefaultPassword}}
	}
	if len(keys) == 0 {
		keys = []APIKey{{Key: DefaultAPIKey}}
	}
	if len(companies) == 0 {
		companies = []Company{{ID: DefaultCompany}}
	}
	s.AddUsers(users...)
	s.AddKeys(keys...)
	s.AddClients(s.opts.Clients...)
	s.AddCompany(companies...)
	s.methods = newMethods()
	s.recorder = fake.NewRecorder(s.opts.Now)
	s.handler = s.recorder.Wrap(http.HandlerFunc(s.serve))
	return s
}

// NewServer returns a server that listens on loopback until the test ends.
func NewServer(tb testing.TB, opts *Options) *Server {
	tb.Helper()
	s := New(opts)
	if err := s.Listen("127.0.0.1:0"); err != nil {
		tb.Fatalf("epicortest: %v", err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Listen serves on addr, such as "127.0.0.1:0", until Close, and sets URL. It may
// be called once, before the server is used by several goroutines.
func (s *Server) Listen(addr string) error {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listener != nil {
		return fmt.Errorf("listen on %s: the server listens on %s already", addr, s.URL)
	}
	l, err := fake.Listen(addr, s.handler)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.listener, s.URL = l, l.URL
	return nil
}

// Close stops listening. The state stays and can still be read.
func (s *Server) Close() {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
}

// Root returns the OData root of a company, with a slash at its end:
// URL + "/api/v2/odata/EPIC06/".
func (s *Server) Root(companyID string) string { return s.URL + "/api/v2/odata/" + companyID + "/" }

// TokenURL returns the address of the Token Resource.
func (s *Server) TokenURL() string { return s.URL + "/TokenResource.svc/" }

// IdentityURL returns the token address of the identity provider, which knows the
// applications of Options.Clients and AddClients.
func (s *Server) IdentityURL() string { return s.URL + identityPath }

// Handler returns the server as a handler, with faults and the log of calls in front.
func (s *Server) Handler() http.Handler { return s.handler }

// Transport returns a RoundTripper that reaches the server in the process,
// whatever host a request names. It needs no socket, so it works inside a
// testing/synctest bubble.
func (s *Server) Transport() http.RoundTripper { return fake.Transport(s.handler) }

// Client returns an HTTP client over Transport.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// Fault says what goes wrong with which calls. Path matches by suffix, such as
// "/UpdateMaster".
type Fault = fake.Fault

// Sides of the commit on which a Fault strikes.
const (
	Before = fake.Before // the server never sees the call
	After  = fake.After  // the server commits, then the answer is lost or replaced
)

// Call is one request that arrived, with the answer it got.
type Call = fake.Call

// Inject arms a fault.
func (s *Server) Inject(f Fault) { s.recorder.Inject(f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.recorder.ClearFaults() }

// Calls returns the calls so far, oldest first.
func (s *Server) Calls() []Call { return s.recorder.Calls() }

// ResetCalls empties the log of calls.
func (s *Server) ResetCalls() { s.recorder.ResetCalls() }

// serve routes a request that no fault took.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if isTokenPath(path) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.serveToken(w, r)
		return
	}
	if path == identityPath {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.serveIdentity(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(path, "/api/v2/efx/"); ok {
		s.serveFunction(w, r, rest)
		return
	}
	rest, ok := strings.CutPrefix(path, "/api/v2/odata/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body, f := s.odata(r, rest)
	if f != nil {
		s.refuse(w, f)
		return
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	if doc, ok := body.(document); ok {
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write(doc)
		return
	}
	b, err := encode(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.Header().Set("OData-Version", "4.0")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// refuse writes the vendor's error form.
func (s *Server) refuse(w http.ResponseWriter, f *fault) {
	s.answers++
	b := errorBody{
		HTTPStatus: f.status, ErrorMessage: f.message, ErrorType: f.kind, ErrorDetails: f.details,
		CorrelationID: fmt.Sprintf("c0de0000-0000-4000-8000-%012x", s.answers),
		// Both spellings are seen on live systems, so neither can be matched on.
		ReasonPhrase: "REST API Exception",
	}
	if s.answers%2 == 0 {
		b.ReasonPhrase = "REST Api Exception"
	}
	out, err := encode(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(out)
}
