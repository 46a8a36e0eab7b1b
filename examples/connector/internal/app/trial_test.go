package app

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// trial makes a fault happen, mends it as its page says, and sees the document
// go on.
type trial struct {
	code string
	// none says why the fault cannot be made to happen from outside; the rest is
	// empty then.
	none string

	prep func(*workbench)        // before the connector starts
	doc  func(*workbench) string // makes an approved document and returns its id in the ledger
	then func(*workbench)        // what happens once it was taken in
	mend func(*workbench)
	by   way
	ends engine.Word // empty: posted
}

// way is how a document goes on.
type way string

const (
	byReplay way = ""               // somebody replays it
	byItself way = "by itself"      // when what it waits for appears
	byChange way = "by its revival" // Concur tells of its new revision
)

// workbench is a world in which faults are made.
type workbench struct {
	*world
	a        *App
	id       storage.ID
	number   string // of the invoice or report that was made
	ref      connector.Ref
	tweak    func(*Config)
	contents *contentsOf
	watch    func(*http.Request) // sees each call before its vendor does

	// mutate changes what Concur says; refuse, deliver and reverse stand before the ends.
	mutate  func(*connector.Snapshot[document.Document])
	refuse  error
	strange bool // the notice does not say whose the report is
	deliver func(*connector.Delivery[document.Posting]) error
	reverse error
}

type mutatedSource struct {
	kindSource
	b *workbench
}

func (s mutatedSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	if s.b.refuse != nil {
		return connector.Snapshot[document.Document]{}, s.b.refuse
	}
	snap, err := s.kindSource.Fetch(ctx, ref)
	if err == nil && s.b.mutate != nil {
		s.b.mutate(&snap)
	}
	return snap, err
}

type mutatedSink struct {
	connector.Sink[document.Posting]
	b *workbench
}

func (s mutatedSink) Deliver(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	if s.b.deliver != nil {
		if err := s.b.deliver(&d); err != nil {
			return connector.Receipt{}, err
		}
	}
	return s.Sink.Deliver(ctx, d)
}

func (s mutatedSink) Reverse(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	if s.b.reverse != nil {
		return connector.Receipt{}, s.b.reverse
	}
	return s.Sink.Reverse(ctx, d)
}

// watched shows each call to the workbench before it goes on.
type watched struct {
	base http.RoundTripper
	b    *workbench
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.b.watch != nil {
		w.b.watch(r)
	}
	return w.base.RoundTrip(r)
}

func (b *workbench) begin() {
	b.t.Helper()
	b.policy = engine.Policy{Sweep: -1, MaxTries: 3, MinWait: time.Second, MaxWait: 2 * time.Second, Poll: 30 * time.Second, CircuitFailures: 1000}
	cfg := b.config()
	cfg.Tenants[0].Mirrors.Policy.Every = -1
	cfg.Watch = func(base http.RoundTripper) http.RoundTripper { return watched{base, b} }
	cfg.around = ends{
		source: func(s kindSource) kindSource { return mutatedSource{s, b} },
		sink:   func(s connector.Sink[document.Posting]) connector.Sink[document.Posting] { return mutatedSink{s, b} },
	}
	if b.tweak != nil {
		b.tweak(&cfg)
	}
	b.connector() // connects
	b.contents = &contentsOf{Store: b.store, all: map[string][]byte{}}
	b.a = b.start(cfg, b.contents, b.log)
}

// contentsOf keeps what a store's contents are called, so that they can be lost.
type contentsOf struct {
	storage.Store
	mu  sync.Mutex
	all map[string][]byte
}

func (s *contentsOf) Put(ctx context.Context, tenant, name string, data []byte) error {
	s.mu.Lock()
	s.all[name] = slices.Clone(data)
	s.mu.Unlock()
	return s.Store.Put(ctx, tenant, name, data)
}

// lose loses every content, restore brings them back from the backup.
func (b *workbench) lose() {
	for name := range b.contents.all {
		require.NoError(b.t, b.store.Drop(b.t.Context(), tenantName, name))
	}
}

func (b *workbench) restore() {
	for name, data := range b.contents.all {
		require.NoError(b.t, b.store.Put(b.t.Context(), tenantName, name, data))
	}
}

const today = "2000-01-01" // in a bubble

const traveller = "a.ruiz@brightwater.example"

func (b *workbench) centre(code string) concurtest.Custom {
	return concurtest.Custom{"custom5": b.company.ListNamed(sample.CentreList).Value(code)}
}

// taxi is an expense that is posted where nothing is wrong with it.
func (b *workbench) taxi() concurtest.Expense {
	return concurtest.Expense{Type: "TAXI", PaymentType: "CASH", Vendor: "Capital Cabs", Amount: concurtest.Amount("61.40"), Date: today, Custom: b.centre("200")}
}

// report makes an approved report of one taxi, changed before.
func report(change func(*workbench, *concurtest.Report)) func(*workbench) string {
	return func(b *workbench) string {
		r := concurtest.Report{Owner: traveller, Name: "Trial", ApprovalStatus: concurtest.PendingApproval, PaymentStatus: concurtest.NotPaid, Expenses: []concurtest.Expense{b.taxi()}}
		if change != nil {
			change(b, &r)
		}
		r = b.company.AddReport(r)
		b.company.Approve(r.ID)
		b.number = r.Number
		b.ref = connector.Ref{Kind: "report", ID: r.ID, Hint: b.company.UserIDs[r.Owner]}
		if b.strange {
			b.ref.Hint = ""
		}
		b.knock()
		return "report/" + r.ID
	}
}

// expense makes an approved report of one expense, changed before.
func expense(change func(*workbench, *concurtest.Expense)) func(*workbench) string {
	return report(func(b *workbench, r *concurtest.Report) { change(b, &r.Expenses[0]) })
}

var deltaTooling = concurtest.Vendor{Code: "DELTA", AddressCode: "MAIN", Name: "Delta Tooling", City: "Toledo", Country: "US"}

// invoice makes an approved supplier invoice of one line, changed before.
func invoice(change func(*concurtest.PaymentRequest)) func(*workbench) string {
	return func(b *workbench) string {
		p := concurtest.PaymentRequest{
			InvoiceNumber: "INV-1", Vendor: deltaTooling, Owner: "t.becker@brightwater.example", Policy: "AP", InvoiceDate: today,
			Lines: []concurtest.Line{{Description: "Plates", ExpenseType: "TOOLG", Amount: concurtest.Amount("100.00"), Custom: map[string]string{"Custom2": "420"}}},
		}
		if change != nil {
			change(&p)
		}
		p = b.company.AddApprovedPaymentRequest(p)
		b.number = p.InvoiceNumber
		b.ref = connector.Ref{Kind: "invoice", ID: p.ID}
		b.knock()
		return "invoice/" + p.ID
	}
}

// knock tells the connector to look.
func (b *workbench) knock() {
	b.t.Helper()
	require.NoError(b.t, b.a.Engine.Notify(b.t.Context(), connector.Notice{Tenant: tenantName, Ref: b.ref}))
}

func (b *workbench) editReport(change func(*concurtest.Report)) {
	b.company.EditReport(b.ref.ID, change)
}

func (b *workbench) editInvoice(change func(*concurtest.PaymentRequest)) {
	b.company.EditPaymentRequest(b.ref.ID, change)
}

// rewrite edits mapping.yaml.
func rewrite(from, to string) func(*workbench) { return func(b *workbench) { b.edit(from, to) } }

// saying mutates what Concur says.
func saying(change func(*document.Document)) func(*workbench) {
	return func(b *workbench) {
		b.mutate = func(s *connector.Snapshot[document.Document]) { change(&s.Content) }
	}
}

// truth lets Concur say what stands there again.
func truth(b *workbench) { b.mutate, b.refuse = nil, nil }

// vendor puts V0900 into Epicor, and DELTA to it; again replaces it.
func vendor(v epicortest.Vendor) func(*workbench) {
	return func(b *workbench) {
		v.Num, v.ID, v.Name = 900, "V0900", "Trial vendor"
		b.epicor.RemoveVendors(sample.EpicorCompany, 900)
		b.epicor.AddVendors(sample.EpicorCompany, v)
		data, err := os.ReadFile(b.mapping)
		require.NoError(b.t, err)
		b.write(strings.Replace(string(data), "DELTA: V0211", "DELTA: V0900", 1))
	}
}

func (b *workbench) status() engine.Status {
	b.t.Helper()
	s, err := b.a.Engine.Get(b.t.Context(), b.id)
	if s.State == "" { // of a row that cannot be read, what stands beside it
		require.NoError(b.t, err)
	}
	return s
}

// made are the invoices of the document that was made.
func (b *workbench) made() []epicortest.Invoice { return b.ours(b.number) }

// replay replays everything that waits, as another process does.
func (b *workbench) replay() {
	b.t.Helper()
	other := b.start(b.config(), b.store, b.log)
	plan, err := other.Engine.Plan(b.t.Context(), storage.Query{Tenant: tenantName})
	require.NoError(b.t, err)
	require.NoError(b.t, other.AskTables(b.t.Context(), tenantName))
	n, err := other.Engine.Replay(b.t.Context(), plan, engine.Act{Actor: "finance", Reason: "mended"})
	require.NoError(b.t, err)
	require.Equal(b.t, 1, n)
}

// try makes the fault, mends it and lets the document go on. It returns the
// issue that a person sees.
func try(t *testing.T, tr trial) (seen connector.Issue) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &workbench{world: newWorld(t)}
		b.t = t
		if tr.prep != nil {
			tr.prep(b)
		}
		b.begin()
		defer b.running(b.a)()
		b.id = storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: tr.doc(b)}
		if tr.then != nil {
			pass(20 * time.Second)
			tr.then(b)
		}
		pass(2 * time.Minute)
		s := b.status()
		require.Equal(t, engine.Parked, s.State, "%s %s %+v", s.State, s.Why, s.History)
		require.Equal(t, tr.code, s.Cause, "%+v", s.Issues)
		if len(s.Issues) > 0 {
			seen = s.Issues[0]
			require.NotEmpty(t, seen.Message)
			require.NotEmpty(t, seen.Owner)
			require.NotEmpty(t, seen.Remedy)
		}

		tr.mend(b)
		switch tr.by {
		case byReplay:
			b.replay()
		case byChange:
			b.knock()
		case byItself:
			for _, mirror := range b.a.Engine.Mirrors(tenantName) {
				_, err := b.a.Engine.RunMirror(t.Context(), tenantName, mirror, false, engine.Act{})
				require.NoError(t, err)
			}
		}
		pass(2 * time.Minute)
		s = b.status()
		want := tr.ends
		if want == "" {
			want = engine.WordPosted
		}
		require.Equal(t, want, s.Word, "%s %s %+v", s.State, s.Cause, s.Issues)
		if want == engine.WordPosted {
			require.NotEmpty(t, s.Receipt.Made)
			require.Len(t, b.made(), len(s.Receipt.Made), "posted once")
		}
	})
	return seen
}

// TestEveryRemedyWasTried goes through the catalogue. With UPDATE set in the
// environment what people saw is kept for the pages.
func TestEveryRemedyWasTried(t *testing.T) {
	all := trials()
	for _, e := range catalogue.Entries() {
		require.True(t, slices.ContainsFunc(all, func(tr trial) bool { return tr.code == e.Code.Code }), "no trial of %s", e.Code.Code)
	}
	seen := map[string]connector.Issue{}
	for _, tr := range all {
		require.True(t, catalogue.Known(tr.code), tr.code)
		t.Run(tr.code, func(t *testing.T) {
			if tr.none != "" {
				require.Nil(t, tr.doc)
				return
			}
			if issue := try(t, tr); issue.Code == tr.code {
				if _, there := seen[tr.code]; !there {
					seen[tr.code] = issue
				}
			}
		})
	}
	if t.Failed() || len(seen) < len(all)/2 {
		return // some were not asked for
	}
	if os.Getenv("UPDATE") != "" {
		b, err := json.MarshalIndent(seen, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("../catalogue/seen.json", append(b, '\n'), 0o644))
		return
	}
	kept, err := catalogue.Seen()
	require.NoError(t, err)
	// How long retries took, and which hash a content is kept under, say nothing.
	timeless := regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+m?s\b|"c/[^"]*"`)
	for code, issue := range seen {
		was := kept[code]
		was.Message, issue.Message = timeless.ReplaceAllString(was.Message, "…"), timeless.ReplaceAllString(issue.Message, "…")
		require.Equal(t, was, issue, "%s looks otherwise than its page says: UPDATE=1 go test -run TestEveryRemedyWasTried ./examples/connector/internal/app, then UPDATE=1 go test ./examples/connector/internal/catalogue", code)
	}
}
