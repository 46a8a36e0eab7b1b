package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// doc is a document as the model knows it.
type doc struct {
	ref      connector.Ref
	number   string
	now      paper   // as it stands on the desk
	approved []paper // every content that was ever finally approved
	phase    connector.Phase
}

// year is a simulated year while it runs.
type year struct {
	t      *testing.T
	plan   *yearPlan
	town   *town
	store  *memstore.Store
	log    *memlog.Log
	book   *rulebook
	docs   map[int]*doc
	closed []time.Time
	began  time.Time

	mu     sync.Mutex
	shift  time.Duration
	wrong  []string
	faults map[string]int
	cracks []*crack
	broken map[string]bool // kinds whose every call fails: an outage of our own
	cursed string          // the outage that is on

	m    *machine
	life *life
	stop func()
}

// crack makes some of our own calls fail.
type crack struct {
	kind        string
	skip, times int
	done        bool // the effect is there, and the error comes all the same
}

func (y *year) count(what string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.faults[what]++
}

func (y *year) violation(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.wrong = append(y.wrong, fmt.Sprintf("day %d: ", int(time.Since(y.began)/day))+fmt.Sprintf(format, args...))
}

// cracked says whether a call of our own fails now, and whether it has its effect.
func (y *year) cracked(kind string) (fails, done bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.broken[kind] {
		y.faults[kind+" down"]++
		return true, false
	}
	for _, c := range y.cracks {
		if c.kind != kind || c.times == 0 {
			continue
		}
		if c.skip > 0 {
			c.skip--
			continue
		}
		c.times--
		y.faults[kind+" failed"]++
		return true, c.done
	}
	return false, false
}

// life is one process. A write takes a moment before it is in the store and a
// moment until the caller knows: killed in the first, it never was; killed in the
// second, it is there and nobody was told.
type life struct {
	y    *year
	mu   sync.Mutex
	left int // calls until it is killed; 0: it is not
	gone bool
	dead chan struct{}
}

func (l *life) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return errKilled
	}
	return nil
}

// moment lets some time pass at a point at which the process may be killed.
func (l *life) moment(d time.Duration) error {
	l.mu.Lock()
	if l.left > 0 {
		if l.left--; l.left == 0 {
			l.end()
		}
	}
	l.mu.Unlock()
	pass(d)
	return l.alive()
}

// end kills; the caller holds l.mu.
func (l *life) end() {
	if !l.gone {
		l.gone = true
		close(l.dead)
	}
}

func (l *life) around(ctx context.Context, kind, _ string, do func(context.Context) error) error {
	if err := l.moment(time.Millisecond); err != nil {
		return err
	}
	fails, done := l.y.cracked(kind)
	if fails && !done {
		return errTrouble
	}
	err := do(ctx)
	if err := l.moment(time.Millisecond); err != nil {
		return err
	}
	if fails {
		return errTrouble
	}
	return err
}

func (l *life) call(base http.RoundTripper, r *http.Request) (*http.Response, error) {
	if err := l.moment(20 * time.Millisecond); err != nil {
		return nil, err
	}
	res, err := base.RoundTrip(r)
	if dead := l.moment(20 * time.Millisecond); dead != nil {
		return nil, dead
	}
	return res, err
}

func (y *year) clock() time.Time {
	y.mu.Lock()
	defer y.mu.Unlock()
	return time.Now().Add(y.shift)
}

// start starts a process over what is durable.
func (y *year) start() {
	l := &life{y: y, dead: make(chan struct{})}
	p := plant{
		tenant: connectorID, store: brittleStore{y.store, l}, log: brittleLog{y.log, l}, carrier: brittleWire{y.town, l},
		places: y.town.places(), book: y.book, from: y.began.Add(-time.Hour), final: epicorsync.Posted,
		policy:  engine.Policy{Sweep: 6 * time.Hour, Poll: 4 * time.Hour},
		options: engine.Options{Now: y.clock, Poll: 10 * time.Minute, Workers: 3},
		mirrors: &engine.MirrorPolicy{Every: 12 * time.Hour, MaxRetire: 3}, queue: y.plan.queue,
	}
	m, err := p.wire()
	require.NoError(y.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.engine.Run(ctx) }()
	go func() {
		select {
		case <-l.dead:
			cancel()
		case <-ctx.Done():
		}
	}()
	y.mu.Lock()
	y.m, y.life = m, l
	y.mu.Unlock()
	y.stop = func() {
		cancel()
		require.NoError(y.t, <-ended)
	}
}

// RoundTrip is Concur's way to the webhook.
func (y *year) RoundTrip(r *http.Request) (*http.Response, error) {
	y.mu.Lock()
	m, l := y.m, y.life
	y.mu.Unlock()
	if l.alive() != nil {
		return nil, syscall.ECONNREFUSED
	}
	w := httptest.NewRecorder()
	m.events.ServeHTTP(w, r)
	if l.alive() != nil {
		return nil, syscall.ECONNRESET
	}
	return w.Result(), nil
}

func (y *year) killAfter(n int) {
	y.life.mu.Lock()
	defer y.life.mu.Unlock()
	y.life.left = n
}

// restart ends what is left of the process, at once, and starts another.
func (y *year) restart() {
	y.count("killed")
	y.life.mu.Lock()
	y.life.end()
	y.life.mu.Unlock()
	y.stop()
	y.start()
}

func (y *year) create(n int, p paper) {
	d := &doc{now: p, phase: connector.NotYet}
	y.docs[n] = d
	if p.supplier != "" {
		d.number = fmt.Sprintf("INV%06d", n)
		r := y.town.company.AddPaymentRequest(y.town.request(p, d.number))
		y.town.company.SubmitPaymentRequest(r.ID)
		d.ref = connector.Ref{Kind: "invoice", ID: r.ID}
		return
	}
	r := y.town.company.AddReport(concurtest.Report{Owner: p.owner.login, Name: "Trip", Expenses: y.town.expenses(p)})
	y.town.company.Submit(r.ID)
	d.ref, d.number = connector.Ref{Kind: "report", ID: r.ID, Hint: y.town.users[r.Owner]}, r.Number
}

// given reports whether the Financial Integration Service holds the document as
// one that nobody can take back any more, or nobody took back.
func (y *year) given(d *doc) bool { return y.plan.queue && d.phase == connector.Ready }

func (y *year) approve(d *doc) {
	if y.given(d) {
		return
	}
	if d.now.supplier != "" {
		y.town.company.ApprovePaymentRequest(d.ref.ID)
	} else {
		y.town.company.Approve(d.ref.ID)
	}
	d.phase, d.approved = connector.Ready, append(d.approved, d.now)
}

// financial are the revisions of a document in the queue of the service.
func (y *year) financial(d *doc) (out []concurtest.FinancialDocument) {
	for _, f := range y.town.company.FinancialDocuments() {
		if f.BusinessID == d.ref.ID {
			out = append(out, f)
		}
	}
	return out
}

func (y *year) sendBack(d *doc) {
	if y.given(d) {
		y.recall(d)
		return
	}
	y.back(d)
}

// recall takes a document out of the queue. One that is confirmed stays; one that
// is acknowledged is recalled all the same, which the vendor says happens never.
func (y *year) recall(d *doc) {
	last := func() string { fs := y.financial(d); return fs[len(fs)-1].Status }
	if s := last(); s != concurtest.FinancialReady && s != concurtest.FinancialAcknowledged {
		return
	}
	y.back(d)
	switch last() {
	case concurtest.FinancialAcknowledged:
		y.count("recalled after it was acknowledged")
		y.town.company.RecallDocument(d.ref.ID)
	case concurtest.FinancialRecalled:
	default:
		d.phase = connector.Ready // it was confirmed in the same moment
	}
}

func (y *year) back(d *doc) {
	if d.now.supplier != "" {
		y.town.company.SendBackPaymentRequest(d.ref.ID)
	} else {
		y.town.company.SendBack(d.ref.ID, "once more")
	}
	d.phase = connector.Withdrawn
}

// put brings the paper into Concur as it is now.
func (y *year) put(d *doc, p paper) {
	d.now = p
	if p.supplier != "" {
		next := y.town.request(p, d.number)
		y.town.company.EditPaymentRequest(d.ref.ID, func(r *concurtest.PaymentRequest) {
			sum := p.shipping + p.tax
			for _, i := range p.items {
				sum += i.cents
			}
			r.Lines, r.Shipping, r.Tax = next.Lines, next.Shipping, next.Tax
			r.Amount.Decimal, r.Amount.Valid = money(sum), true
		})
		return
	}
	expenses := y.town.expenses(p)
	y.town.company.EditReport(d.ref.ID, func(r *concurtest.Report) { r.Expenses = expenses })
}

// rewrite is the owner's: he changes what was sent back and hands it in again.
func (y *year) rewrite(d *doc, p paper) {
	if y.given(d) {
		return
	}
	y.put(d, p)
	if p.supplier != "" {
		y.town.company.SubmitPaymentRequest(d.ref.ID)
	} else {
		y.town.company.Submit(d.ref.ID)
	}
	d.phase = connector.NotYet
}

// edit is the processor's: the document is approved all the time.
func (y *year) edit(d *doc, p paper) {
	if y.plan.queue {
		return // the service keeps what was approved
	}
	y.put(d, p)
	d.approved = append(d.approved, p)
}

func (y *year) pay(d *doc) {
	if y.plan.queue {
		return // the confirmation of the posting does it
	}
	if d.now.supplier == "" {
		y.town.company.Pay(d.ref.ID)
	}
}

func (y *year) announce(d *doc) {
	if y.plan.queue {
		kind := concurtest.FinancialExpense
		if d.now.supplier != "" {
			kind = concurtest.FinancialInvoice
		}
		y.town.company.ReadyForIntegration(kind, d.ref.ID)
		return
	}
	if d.now.supplier == "" {
		y.town.company.Republish(d.ref.ID)
	}
}

func (y *year) erase(d *doc) {
	y.town.company.DeleteReport(d.ref.ID)
	d.phase = connector.Withdrawn
}

func (y *year) edition(e edition) { y.book.publish(e) }

func (y *year) post() { y.town.finance(y.closed) }

// replay is finance's, at the console; with a process that is down they try again
// another day. What a replay cannot mend is replayed at the month's end alone.
func (y *year) replay() {
	if y.life.alive() != nil {
		return
	}
	plan, err := y.m.engine.Plan(context.Background(), storage.Query{Tenant: connectorID})
	if err != nil {
		return
	}
	if time.Now().Day() != 1 {
		plan.Items = slices.DeleteFunc(plan.Items, func(i engine.PlanItem) bool {
			return i.Cause == engine.CodeSecondRevision
		})
	}
	_, _ = y.m.engine.Replay(context.Background(), plan, engine.Act{Actor: "finance", Reason: "mended"})
}

// look is the administrator's, at the health page: what has to be mended is.
func (y *year) look() {
	if y.life.alive() != nil {
		return
	}
	for _, s := range y.m.engine.Shut() {
		if !s.Mend {
			continue
		}
		if s.Flow != "" && !y.alone() {
			y.reconnect()
		}
	}
}

// alone: Concur cannot be reached at all, so nobody mends a token.
func (y *year) alone() bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.cursed != ""
}

func (y *year) reconnect() {
	ctx := audit.NewContext(context.Background(), audit.Scope{Tenant: connectorID, Subject: "health", Actor: "admin"})
	if _, err := y.m.tokens.Token(ctx); err == nil {
		return
	}
	y.count("connected again")
	_ = y.m.connect(context.Background(), y.town.company.RequestToken()) // he tries again in six hours
}

func (y *year) pause(flow string) {
	if y.life.alive() == nil {
		y.count("flow paused")
		_ = y.m.engine.Pause(context.Background(), connectorID, flow, engine.Act{Actor: "ann", Reason: "stocktaking"})
	}
}

func (y *year) resume(flow string) {
	_ = y.m.engine.Resume(context.Background(), connectorID, flow, engine.Act{Actor: "ann", Reason: "done"})
}

func (y *year) break_(kind string, skip, times int, done bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.cracks = append(y.cracks, &crack{kind, skip, times, done})
}

func (y *year) jump(by time.Duration) {
	y.count("clock jumped")
	y.mu.Lock()
	defer y.mu.Unlock()
	y.shift += by
	// A clock that runs ever further away is set right in the end.
	if y.shift > 3*time.Hour || y.shift < -3*time.Hour {
		y.shift = 0
	}
}

func (y *year) outage(which int) {
	y.count("outage")
	switch which {
	case 0:
		y.town.epicor.Inject(epicortest.Fault{Drop: true, Times: -1})
	case 1:
		y.town.concur.Inject(concurtest.Fault{Status: http.StatusServiceUnavailable, Times: -1, Body: "<html>maintenance</html>"})
		y.mu.Lock()
		y.cursed = "concur"
		y.mu.Unlock()
	case 2:
		y.mu.Lock()
		y.broken[ofStore] = true
		y.mu.Unlock()
	case 3:
		y.mu.Lock()
		y.broken[ofAudit] = true
		y.mu.Unlock()
	}
}

func (y *year) recovered(which int) {
	y.mu.Lock()
	switch which {
	case 2:
		y.broken[ofStore] = false
	case 3:
		y.broken[ofAudit] = false
	}
	y.cursed = ""
	y.mu.Unlock()
	y.town.epicor.ClearFaults()
	y.town.concur.ClearFaults()
}

// monthEnd closes every month that is over, after all is posted.
func (y *year) monthEnd() {
	y.post()
	now := time.Now().UTC()
	last := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -1, 0)
	if slices.Contains(y.closed, last) {
		return
	}
	y.closed = append(y.closed, last)
	y.town.epicor.ClosePeriod(book, last.Year(), int(last.Month()))
}

// midnight counts the faults of the day and looks for what must never be.
func (y *year) midnight() {
	tally := func(calls []concurtest.Call) {
		for _, c := range calls {
			if c.Faulted {
				y.count("vendor fault")
			}
		}
	}
	tally(y.town.concur.Calls())
	tally(y.town.epicor.Calls())
	y.town.concur.ResetCalls()
	y.town.epicor.ResetCalls()
	by := y.index()
	for _, d := range y.docs {
		invoices := by[d.number]
		keys, seen := map[string]bool{}, map[[2]string]bool{}
		for _, inv := range standing(invoices) {
			keys[inv.ExternalID] = true
			of := [2]string{inv.ExternalID, inv.VendorID}
			if seen[of] {
				y.violation("%s %s: %s has two invoices", d.ref.Kind, d.number, inv.VendorID)
			}
			seen[of] = true
		}
		if len(keys) > y.sets(d) {
			y.violation("%s %s: %d sets stand", d.ref.Kind, d.number, len(keys))
		}
		if len(invoices) > 0 && len(d.approved) == 0 {
			y.violation("%s %s was never approved and stands", d.ref.Kind, d.number)
		}
	}
}

// sets are how many may stand of a document beside one another: a supplier's
// invoice is never corrected by its difference.
func (y *year) sets(d *doc) int {
	if y.plan.deltas && d.now.supplier == "" {
		return max(1, len(d.approved))
	}
	return 1
}

// index are the AP invoices by the document's number.
func (y *year) index() map[string][]epicortest.Invoice {
	by := map[string][]epicortest.Invoice{}
	for _, inv := range y.town.epicor.Invoices(book) {
		by[documentOf(inv)] = append(by[documentOf(inv)], inv)
	}
	return by
}

// documentOf is the number of the document that an invoice was made of: M0-ABC123-1-E
// and INV000001, both perhaps with more behind.
func documentOf(inv epicortest.Invoice) string {
	parts := strings.Split(inv.Number, "-")
	if strings.HasPrefix(parts[0], "M") && len(parts) > 3 {
		return parts[1]
	}
	return parts[0]
}

// settle ends all faults and lets everything come to rest.
func (y *year) settle() {
	y.mu.Lock()
	y.cracks, y.shift, y.cursed = nil, 0, ""
	clear(y.broken)
	y.mu.Unlock()
	y.town.concur.ClearFaults()
	y.town.epicor.ClearFaults()
	y.town.concur.RefuseTokens(0, 134)
	y.restart()
	y.reconnect()
	y.resume(reportFlow)
	y.resume(invoiceFlow)
	y.resume(queueFlow)
	for range 3 {
		pass(day)
		y.post()
		pass(day)
		_, err := y.m.replay(context.Background())
		require.NoError(y.t, err)
		y.resume(reportFlow)
		pass(day)
		y.post()
	}
	pass(2 * day)
	for _, name := range y.m.engine.Mirrors(connectorID) {
		_, err := y.m.engine.RunMirror(context.Background(), connectorID, name, true, engine.Act{Actor: "ann", Reason: "year's end"})
		require.NoError(y.t, err)
	}
	y.midnight()
}

// judge compares what stands in the ERP with what must.
func (y *year) judge() {
	by := y.index()
	for _, n := range slices.Sorted(maps.Keys(y.docs)) {
		d := y.docs[n]
		y.judgeOne(n, d, by[d.number])
		delete(by, d.number)
	}
	for number := range by {
		y.violation("%s stands and belongs to no document", number)
	}
	if held := y.town.locks(); len(held) > 0 {
		y.violation("groups stay locked: %v", held)
	}
	if _, err := audit.NewTrail(y.log, nil).Verify(context.Background(), connectorID); err != nil {
		y.violation("the trail: %v", err)
	}
	want := map[string]bool{}
	for account := range y.accounts() {
		want[account] = true
	}
	for account := range y.town.ledger.Names() {
		if !want[account] {
			y.violation("mirror: %s stands in Concur and not in Epicor", account)
		}
		delete(want, account)
	}
	for account := range want {
		y.violation("mirror: %s stands in Epicor and not in Concur", account)
	}
	if n := y.town.concur.Pending(); n > 0 {
		y.violation("%d events are not delivered", n)
	}
}

// accounts are the GL accounts in Epicor, counted by the plan of the year.
func (y *year) accounts() map[string]bool {
	all := map[string]bool{clearing: true, taxAccount: true, "5100|420|01": true}
	for _, n := range naturals {
		for _, c := range centreCodes {
			all[n+"|"+c+"|00"] = true
		}
	}
	for _, s := range y.plan.steps {
		if a, ok := strings.CutPrefix(s.what, "account comes "); ok {
			all[a] = true
		}
	}
	for _, s := range y.plan.steps {
		if a, ok := strings.CutPrefix(s.what, "account goes "); ok {
			delete(all, a)
		}
	}
	return all
}

// fits says whether what stands is the paper under one edition of the rules. An
// earlier edition may have numbered what was corrected.
func (y *year) fits(p paper, have set, invoices []epicortest.Invoice) bool {
	for e := edition(0); e <= 5; e++ {
		if !have.equal(p.must(e)) {
			continue
		}
		foreign := func(inv epicortest.Invoice) bool {
			return p.supplier == "" && !strings.HasPrefix(inv.Number, e.prefix())
		}
		if y.plan.deltas || !slices.ContainsFunc(standing(invoices), foreign) {
			return true
		}
	}
	return false
}

func (y *year) judgeOne(n int, d *doc, invoices []epicortest.Invoice) {
	have, wrong := stands(invoices, y.sets(d))
	say := func(format string, args ...any) {
		y.violation("document %d, %s %s: %s", n, d.ref.Kind, d.number, fmt.Sprintf(format, args...))
	}
	for _, w := range wrong {
		say("%s", w)
	}
	st, err := y.m.engine.Get(context.Background(), storage.ID{Tenant: connectorID, Target: targetID, Document: d.ref.Kind + "/" + d.ref.ID})
	if errors.Is(err, storage.ErrNotFound) && (len(d.approved) == 0 || y.plan.queue && d.phase != connector.Ready) {
		// The queue gives nothing that was taken back before it was seen.
		if len(standing(invoices)) > 0 {
			say("%s stands and there is no row", have)
		}
		return
	}
	if err != nil {
		say("the row: %v", err)
		return
	}
	if y.plan.queue {
		y.told(d, st, invoices, say)
	}
	once := func(ps []paper) bool {
		return slices.ContainsFunc(ps, func(p paper) bool { return y.fits(p, have, invoices) })
	}
	if len(have) > 0 && !once(d.approved) {
		say("%s stands, which is no approved content", have)
	}
	if !st.Due.IsZero() && st.State != engine.Delivered {
		say("at rest and due: %s", st.State)
	}
	switch d.phase {
	case connector.Withdrawn:
		if len(standing(invoices)) > 0 {
			say("taken back in Concur, and %s stands; row %s %s %s", have, st.State, st.Cause, st.Why)
		}
	case connector.NotYet:
		if len(have) > 0 && st.Effect != engine.Effective {
			say("%s stands and the row says %s %s", have, st.State, st.Effect)
		}
	case connector.Ready:
		last := d.approved[len(d.approved)-1]
		switch {
		case st.State == engine.Confirmed && y.fits(last, have, invoices):
			if len(st.Beside) > 0 {
				y.count("corrected by a difference")
			}
		case st.State == engine.Parked && st.Cause == engine.CodeSecondRevision && y.sets(d) == 1 && len(have) > 0 && once(d.approved):
			y.count("second revision left to a person")
		case st.State == engine.Parked && (st.Cause == epicorsync.InvoiceNumberTaken || st.Cause == engine.CodeDiffers) && d.now.supplier != "" && len(have) == 0 && slices.ContainsFunc(invoices, func(i epicortest.Invoice) bool { return i.CancelledBy != "" }):
			y.count("cancelled number left to a person")
		default:
			say("approved %s; stands %s; row %s %s %q %v; history %v", last.must(y.book.last), have, st.State, st.Cause, st.Why, st.Issues, st.History)
		}
	}
}

// told checks what the Financial Integration Service knows in the end: of each
// document what became of its last revision, and nothing is left in the queue.
func (y *year) told(d *doc, st engine.Status, invoices []epicortest.Invoice, say func(string, ...any)) {
	fs := y.financial(d)
	for n, f := range fs {
		want := concurtest.FinancialRecalled
		switch {
		case n < len(fs)-1 || d.phase != connector.Ready:
		case st.State == engine.Confirmed:
			want = concurtest.FinancialPosted
		default:
			want = concurtest.FinancialAcknowledged
		}
		if f.Status != want {
			say("Concur knows revision %d as %s, not %s; row %s %s; history %v", f.Revision, f.Status, want, st.State, st.Cause, st.History)
		}
		if want != concurtest.FinancialPosted {
			continue
		}
		numbers := map[string]bool{}
		for _, p := range f.Posted {
			numbers[p.Number] = true
		}
		made := 0
		for _, inv := range standing(invoices) {
			if numbers[inv.Number] {
				made++
			}
		}
		// A correction is told by its own invoices.
		if whole := len(st.Beside) == 0; made != len(numbers) && len(standing(invoices)) > 0 || whole && made != len(standing(invoices)) {
			say("Concur was told %v, and %d invoices stand", f.Posted, len(standing(invoices)))
		}
	}
}

// report is how a year ended.
type report struct {
	docs   int
	days   int
	faults map[string]int
	wrong  []string
	plan   uint64
}

// simulate runs one year in a bubble.
func simulate(t *testing.T, seed uint64, days, daily int) (r report) {
	t.Helper()
	plan := newYearPlan(seed, days, daily)
	synctest.Test(t, func(t *testing.T) {
		opts := &concurtest.Options{}
		if seed%2 == 0 {
			// A refresh token that is not renewed ends, whatever the connector does.
			opts.KeepRefreshToken, opts.RefreshTokenLifetime = true, 40*day
		}
		revisions := "park"
		if plan.deltas {
			revisions = "delta"
		}
		y := &year{
			t: t, plan: plan, town: newTownOf(opts, &concurtest.CompanyOptions{FinancialIntegration: plan.queue}), store: memstore.New(), log: memlog.New(), book: newRulebook(revisions),
			docs: map[int]*doc{}, faults: map[string]int{}, broken: map[string]bool{}, began: time.Now(),
		}
		defer y.town.concur.Close()
		y.start()
		require.NoError(t, y.m.connect(context.Background(), y.town.company.RequestToken()))
		topic := concur.TopicExpenseReport
		if plan.queue {
			topic = concur.TopicFinancialIntegration
		}
		y.town.concur.Subscribe(topic, eventsURL, &concurtest.SubscribeOptions{Transport: y})
		for _, s := range plan.steps {
			if wait := time.Until(y.began.Add(s.at)); wait > 0 {
				pass(wait)
			}
			s.do(y)
		}
		y.settle()
		y.judge()
		y.stop()
		r = report{docs: len(y.docs), days: int(time.Since(y.began) / day), faults: y.faults, wrong: y.wrong, plan: plan.sum()}
	})
	return r
}

func number(t *testing.T, name string, usual int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err, name)
	return n
}

// ML_CONNECTOR_YEARS says how many seeds are simulated, ML_CONNECTOR_YEAR_SEED
// with which one it begins, ML_CONNECTOR_YEAR_FOR until when no further one is
// begun, such as 1h. Each is then a whole year; by default three are ten days, one of
// them through the Financial Integration Service.
func TestInASimulatedYearWhatStandsInTheERPIsWhatWasApproved(t *testing.T) {
	seeds, days, daily := 3, 10, 3
	if os.Getenv("ML_CONNECTOR_YEARS") != "" || os.Getenv("ML_CONNECTOR_YEAR_SEED") != "" || os.Getenv("ML_CONNECTOR_YEAR_FOR") != "" {
		seeds, days = number(t, "ML_CONNECTOR_YEARS", 1), 365
	}
	days = number(t, "ML_CONNECTOR_YEAR_DAYS", days)
	first := uint64(number(t, "ML_CONNECTOR_YEAR_SEED", 1))
	var until time.Time
	if v := os.Getenv("ML_CONNECTOR_YEAR_FOR"); v != "" {
		d, err := time.ParseDuration(v)
		require.NoError(t, err)
		until, seeds = time.Now().Add(d), 1_000_000
	}
	ran, sum := 0, report{faults: map[string]int{}}
	for seed := first; ran < seeds && (until.IsZero() || time.Now().Before(until)); seed++ {
		began := time.Now()
		r := simulate(t, seed, days, daily)
		ran++
		sum.docs, sum.days = sum.docs+r.docs, sum.days+r.days
		faults := 0
		for what, n := range r.faults {
			sum.faults[what] += n
			faults += n
		}
		for _, w := range r.wrong {
			t.Errorf("seed %d: %s", seed, w)
		}
		sum.wrong = append(sum.wrong, r.wrong...)
		fmt.Printf("seed %d (plan %x): %d days, %d documents, %d faults met, %d violations, %s\n", seed, r.plan, r.days, r.docs, faults, len(r.wrong), time.Since(began).Round(time.Millisecond))
		for _, w := range r.wrong {
			fmt.Printf("seed %d: %s\n", seed, w)
		}
	}
	faults := 0
	for _, n := range sum.faults {
		faults += n
	}
	t.Logf("what was met: %v", sum.faults)
	fmt.Printf("%d seeds from %d, %d virtual days, %d documents, %d faults met: %d violations\n", ran, first, sum.days, sum.docs, faults, len(sum.wrong))
}

func TestASeedGivesTheSamePlanAgain(t *testing.T) {
	one, two, other := newYearPlan(7, 60, 3), newYearPlan(7, 60, 3), newYearPlan(8, 60, 3)
	require.Equal(t, one.sum(), two.sum())
	require.NotEqual(t, one.sum(), other.sum())
}
