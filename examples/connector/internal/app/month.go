package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Month ties out one calendar month of one tenant: what Concur finally approved
// in it against what stands in Epicor for it, whatever day it was posted to. Both
// sides are read from both systems. The ledger only says which document a key
// belongs to, and why something is not in Epicor.
type Month struct {
	Tenant   string        `json:"tenant"`
	Month    string        `json:"month"` // 2026-11
	First    document.Date `json:"first"`
	Last     document.Date `json:"last"`
	TimeZone string        `json:"time_zone"` // whose calendar decides the day of an approval
	Company  string        `json:"company"`   // of Epicor
	// Final is what the configuration promises: that a document stands in Epicor, or
	// that Epicor has posted it.
	Final   epicorsync.Final `json:"final"`
	Read    time.Time        `json:"read"`    // when both systems were read
	Running bool             `json:"running"` // the month has not ended yet

	Currencies []CurrencyLine  `json:"currencies"`
	Accruals   []Accrual       `json:"accruals"`
	Documents  []MonthDocument `json:"documents"`
	// Strangers stand in Epicor with a key of ours and an apply date in the month,
	// and no document that Concur approved explains them.
	Strangers []Stranger `json:"strangers"`
	// Earlier are documents that were approved before the month and are not posted:
	// they belong to the accrual as well.
	Earlier []EarlierDocument `json:"earlier"`
	// Undated are approved documents of which Concur gives no day of approval, so
	// that they belong to no month.
	Undated []string `json:"undated,omitempty"`
}

// CurrencyLine is the sum of one currency. Approved less all the others is
// Difference.
type CurrencyLine struct {
	Currency   string          `json:"currency"`
	Approved   decimal.Decimal `json:"approved"`
	Posted     decimal.Decimal `json:"posted"`
	Saved      decimal.Decimal `json:"saved"`
	Open       decimal.Decimal `json:"open"`
	Recalled   decimal.Decimal `json:"recalled"`
	Skipped    decimal.Decimal `json:"skipped"`
	Difference decimal.Decimal `json:"difference"`
}

// MonthDocument is one document that Concur finally approved in the month.
type MonthDocument struct {
	ID         string          `json:"id"`
	Label      Label           `json:"document"`
	Owner      string          `json:"owner,omitempty"`
	Approved   document.Date   `json:"approved"`
	Currency   string          `json:"currency"`
	InConcur   decimal.Decimal `json:"in_concur"`
	InEpicor   decimal.Decimal `json:"in_epicor"` // in the same currency
	Invoices   []Invoice       `json:"invoices"`
	Word       engine.Word     `json:"word"`            // where its amount is counted; empty: nowhere
	Ledger     engine.Word     `json:"ledger"`          // what the ledger says; empty: it does not know it
	Cause      string          `json:"cause,omitempty"` // of an open one
	Issue      string          `json:"issue,omitempty"` // what a person must mend
	Who        connector.Owner `json:"who,omitempty"`
	Remedy     string          `json:"remedy,omitempty"`
	Days       int             `json:"days"` // from its approval until both systems were read
	Difference decimal.Decimal `json:"difference"`
	Why        string          `json:"why,omitempty"` // there is a difference
}

// Invoice is an AP invoice or debit memo that stands in Epicor.
type Invoice struct {
	Key      string          `json:"key"` // the connector's, by which it is known
	Number   string          `json:"number"`
	Vendor   string          `json:"vendor"`
	Applied  document.Date   `json:"applied"` // the day it takes effect in Epicor's ledger
	Currency string          `json:"currency"`
	Amount   decimal.Decimal `json:"amount"`
	Posted   bool            `json:"posted"` // in Epicor's ledger, not only entered
}

// Stranger is an AP invoice that no approved document explains.
type Stranger struct {
	Invoice
	Why string `json:"why"`
}

// EarlierDocument is one that was approved before the month and is open.
type EarlierDocument struct {
	ID     string            `json:"id"`
	Label  Label             `json:"document"`
	Owner  string            `json:"owner,omitempty"`
	Period string            `json:"period"`
	Totals []connector.Total `json:"totals"`
	Cause  string            `json:"cause,omitempty"`
	Who    connector.Owner   `json:"who,omitempty"`
	Issue  string            `json:"issue,omitempty"`
	Remedy string            `json:"remedy,omitempty"`
}

// Accrual is what was finally approved until the end of the month and has not
// taken effect in Epicor by then: the amount to accrue and to reverse on the first
// day of the next month.
type Accrual struct {
	Currency  string          `json:"currency"`
	Documents int             `json:"documents"`
	Amount    decimal.Decimal `json:"amount"`
	Earlier   decimal.Decimal `json:"earlier"` // of it, approved before the month
	Saved     decimal.Decimal `json:"saved"`   // of it, in entry groups that finance has not posted
}

// Ties reports whether every cent that Concur approved is accounted for and
// nothing stands in Epicor that should not.
func (m *Month) Ties() bool {
	return len(m.Strangers) == 0 &&
		!slices.ContainsFunc(m.Currencies, func(c CurrencyLine) bool { return !c.Difference.IsZero() }) &&
		!slices.ContainsFunc(m.Documents, func(d MonthDocument) bool { return !d.Difference.IsZero() || d.Why != "" })
}

// stands adds what stands in Epicor: posted, or saved where the tenant's
// promise is that it is posted and it is not yet.
func (l *CurrencyLine) stands(posted bool, t *tenant, amount decimal.Decimal) {
	if t.cfg.Epicor.Invoices.Final == epicorsync.Posted && !posted {
		l.Saved = l.Saved.Add(amount)
		return
	}
	l.Posted = l.Posted.Add(amount)
}

// Meaning says what the words posted and saved mean for the tenant.
func (m *Month) Meaning() string {
	if m.Final == epicorsync.Posted {
		return "Posted means: posted in Epicor (final: posted). Saved means: entered there, and finance has not posted it yet."
	}
	return "Posted means: entered in Epicor with every line and split, in an entry group that finance posts (final: saved)."
}

// lookAround is how far before its month an invoice is looked for by its apply
// date alone. Rules may let an older date decide the period; what lies further
// back is looked up one by one.
const lookAround = 3 // months

// month is a Month in the making.
type month struct {
	*Month
	a     *App
	t     *tenant
	zone  *time.Location
	lines map[string]*CurrencyLine
	owed  map[string]*Accrual
	owing map[string]bool // documents by currency that owed counts
}

// Reconcile ties out a month of a tenant.
func (a *App) Reconcile(ctx context.Context, name string, year int, of time.Month) (*Month, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	zone := t.cfg.Concur.Reports.Location
	if zone == nil {
		zone = time.UTC
	}
	since := time.Date(year, of, 1, 0, 0, 0, 0, zone)
	until := since.AddDate(0, 1, 0)
	first, last := document.DateOf(since), document.DateOf(until.AddDate(0, 0, -1))
	now := time.Now()
	m := &month{
		Month: &Month{
			Tenant: name, Month: first.Month(), First: first, Last: last, TimeZone: zone.String(), Company: t.epicor.Company(),
			Final: cmp.Or(t.cfg.Epicor.Invoices.Final, epicorsync.Saved),
			Read:  now.UTC(), Running: now.Before(until),
			Currencies: []CurrencyLine{}, Accruals: []Accrual{}, Documents: []MonthDocument{}, Strangers: []Stranger{}, Earlier: []EarlierDocument{},
		},
		a: a, t: t, zone: zone, lines: map[string]*CurrencyLine{}, owed: map[string]*Accrual{}, owing: map[string]bool{},
	}
	ctx = a.scope(ctx, name, "reconcile "+m.Month.Month)
	docs, err := a.approved(ctx, t, since, until)
	if err != nil {
		return nil, fmt.Errorf("read what Concur approved: %w", err)
	}
	docs = slices.DeleteFunc(docs, func(d approved) bool {
		if d.at.IsZero() {
			m.Undated = append(m.Undated, d.document)
		}
		return d.at.IsZero()
	})
	standing, err := t.sink.Standing(ctx, document.DateOf(since.AddDate(0, -lookAround, 0)), "")
	if err != nil {
		return nil, fmt.Errorf("read what stands in Epicor: %w", err)
	}
	byDocument, err := m.sort(ctx, docs, standing)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		if err := m.tie(ctx, d, byDocument[d.document]); err != nil {
			return nil, err
		}
	}
	if err := m.earlier(ctx); err != nil {
		return nil, err
	}
	m.sum()
	return m.Month, nil
}

// sort gives each invoice to the approved document it belongs to, and notes
// those that belong to none.
func (m *month) sort(ctx context.Context, docs []approved, standing []epicorsync.Standing) (map[string][]epicorsync.Standing, error) {
	wanted := map[string]bool{}
	for _, d := range docs {
		wanted[d.document] = true
	}
	out := map[string][]epicorsync.Standing{}
	for _, st := range standing {
		id, err := m.a.Engine.ByKey(ctx, m.Tenant, st.Key)
		known := err == nil
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		if known && wanted[id.Document] {
			out[id.Document] = append(out[id.Document], st)
			continue
		}
		applied := document.Date(st.Date)
		if known && (m.Last.Before(applied) || !st.Posted) {
			if err := m.late(ctx, id, st); err != nil {
				return nil, err
			}
		}
		if applied.Before(m.First) || m.Last.Before(applied) {
			continue // another month's
		}
		if !known {
			m.stranger(st, "it bears a key of the connector's form that this ledger does not know: another connector, or another ledger, made it")
			continue
		}
		s, err := m.a.Engine.Get(ctx, id)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		switch {
		case err == nil && s.Period != "" && s.Period != m.Month.Month:
			// Approved in another month and posted in this one: that month's tie-out has it.
		case err == nil && s.Word == engine.WordRecalled:
			m.stranger(st, fmt.Sprintf("%s was recalled in Concur and the ledger says that it was taken back, and it stands here", m.a.Labels.Of(ctx, id)))
		default:
			m.stranger(st, fmt.Sprintf("Concur does not show %s as finally approved in this month any more", m.a.Labels.Of(ctx, id)))
		}
	}
	return out, nil
}

// late counts what was approved before the month and took effect after it, or has
// not taken effect yet: it was missing in Epicor's books at the month's end.
func (m *month) late(ctx context.Context, id storage.ID, st epicorsync.Standing) error {
	s, err := m.a.Engine.Get(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Period == "" || s.Period >= m.Month.Month || s.Word == engine.WordOpen {
		return nil // an open one is counted as a whole
	}
	for _, inv := range invoicesOf(st) {
		m.accrue(id.Document, inv.Currency, inv.Amount, true)
		m.entered(inv)
	}
	return nil
}

// entered counts, of what is to be accrued, what stands in an entry group that is
// not posted.
func (m *month) entered(inv Invoice) {
	if o := m.owed[inv.Currency]; o != nil && !inv.Posted {
		o.Saved = o.Saved.Add(inv.Amount)
	}
}

func (m *month) stranger(st epicorsync.Standing, why string) {
	for _, inv := range invoicesOf(st) {
		m.line(inv.Currency).stands(st.Posted, m.t, inv.Amount)
		m.Strangers = append(m.Strangers, Stranger{Invoice: inv, Why: why})
	}
}

func invoicesOf(st epicorsync.Standing) []Invoice {
	var out []Invoice
	for _, total := range st.Totals {
		out = append(out, Invoice{
			Key: st.Key, Number: st.Number, Vendor: st.Party, Applied: document.Date(st.Date), Currency: total.Currency, Amount: total.Amount, Posted: st.Posted,
		})
	}
	return out
}

func (m *month) line(currency string) *CurrencyLine {
	if m.lines[currency] == nil {
		m.lines[currency] = &CurrencyLine{Currency: currency}
	}
	return m.lines[currency]
}

// accrue adds what a document lacks in Epicor at the month's end.
func (m *month) accrue(id, currency string, amount decimal.Decimal, earlier bool) {
	if amount.IsZero() {
		return
	}
	if m.owed[currency] == nil {
		m.owed[currency] = &Accrual{Currency: currency}
	}
	o := m.owed[currency]
	if key := currency + " " + id; !m.owing[key] {
		m.owing[key] = true
		o.Documents++
	}
	o.Amount = o.Amount.Add(amount)
	if earlier {
		o.Earlier = o.Earlier.Add(amount)
	}
}

// tie finds out what became of one approved document.
func (m *month) tie(ctx context.Context, d approved, standing []epicorsync.Standing) error {
	id := storage.ID{Tenant: m.Tenant, Target: m.t.cfg.Target, Document: d.document}
	doc := MonthDocument{
		ID: d.document, Label: m.a.Labels.Of(ctx, id), Approved: document.DateOf(d.at.In(m.zone)), Currency: d.currency, InConcur: d.amount,
		Days: max(0, int(m.Read.Sub(d.at)/(24*time.Hour))), Difference: d.amount, Invoices: []Invoice{},
	}
	if d.number != "" {
		doc.Label.Number = d.number
	}
	s, err := m.a.Engine.Get(ctx, id)
	switch {
	case err == nil:
		doc.Ledger, doc.Cause = s.Word, s.Cause
		if whole, err := m.a.Whole(ctx, s); err == nil {
			doc.Owner = whole.Owner() // a name only helps: what cannot be opened is left out
		}
		if s.Word == engine.WordPosted || s.Word == engine.WordSaved || s.Word == engine.WordOpen && len(s.Beside) > 0 {
			if standing, err = m.lookUp(ctx, id, made(s), standing); err != nil {
				return err
			}
		}
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	m.line(d.currency).Approved = m.line(d.currency).Approved.Add(d.amount)
	// Of a document that is being entered or taken back just now, a part may stand
	// there: it is open until the ledger says otherwise, but for what an earlier
	// revision left there for good.
	if len(standing) > 0 && s.Word != engine.WordOpen {
		m.stands(&doc, standing)
	} else {
		m.absent(&doc, s)
		m.beside(&doc, s, standing)
	}
	m.Documents = append(m.Documents, doc)
	return nil
}

// lookUp reads one by one the invoices that the ledger names and that were not
// found by their apply date, and adds them to those that were.
func (m *month) lookUp(ctx context.Context, id storage.ID, named []connector.Made, found []epicorsync.Standing) ([]epicorsync.Standing, error) {
	out := found
	for _, made := range named {
		if slices.ContainsFunc(found, func(st epicorsync.Standing) bool { return st.ID == made.ID }) {
			continue
		}
		parts := strings.SplitN(made.ID, "/", 3)
		if len(parts) != 3 {
			continue
		}
		vendor, err := strconv.Atoi(parts[1])
		if err != nil {
			continue
		}
		inv, err := m.t.epicor.APInvoices.Get(ctx, vendor, parts[2])
		if errors.Is(err, epicor.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for AP invoice %s in Epicor: %w", made.Number, err)
		}
		if owner, err := m.a.Engine.ByKey(ctx, m.Tenant, inv.Key); err != nil || owner != id || inv.Cancelled != "" || inv.Cancels {
			continue
		}
		made.Date, made.Totals = inv.ApplyDate.String(), []connector.Total{{Currency: inv.Currency, Amount: inv.Amount.Value()}}
		out = append(out, epicorsync.Standing{Key: inv.Key, Posted: inv.Posted, Made: made})
	}
	return out, nil
}

// beside takes out of an open document what stands of its earlier revisions: only
// the difference is open.
func (m *month) beside(doc *MonthDocument, s engine.Status, standing []epicorsync.Standing) {
	own := m.line(doc.Currency)
	for _, st := range earlier(s, standing) {
		for _, inv := range invoicesOf(st) {
			doc.Invoices = append(doc.Invoices, inv)
			if inv.Currency != doc.Currency {
				doc.Why = "an earlier revision stands in Epicor in " + inv.Currency
				continue
			}
			own.stands(st.Posted, m.t, inv.Amount)
			own.Open = own.Open.Sub(inv.Amount)
			doc.InEpicor = doc.InEpicor.Add(inv.Amount)
			m.took(doc.ID, inv, false)
		}
	}
}

// took takes out of what is to be accrued what had taken effect by the month's
// end, of a document that was counted there as a whole.
func (m *month) took(id string, inv Invoice, earlier bool) {
	if inv.Posted && !m.Last.Before(inv.Applied) {
		m.accrue(id, inv.Currency, inv.Amount.Neg(), earlier)
		return
	}
	m.entered(inv)
}

// earlier are those of the standing invoices that earlier revisions left.
func earlier(s engine.Status, standing []epicorsync.Standing) []epicorsync.Standing {
	var out []epicorsync.Standing
	for _, st := range standing {
		if slices.ContainsFunc(s.Beside, func(r connector.Receipt) bool {
			return slices.ContainsFunc(r.Made, func(made connector.Made) bool { return made.ID == st.ID })
		}) {
			out = append(out, st)
		}
	}
	return out
}

// stands counts what stands in Epicor for a document.
func (m *month) stands(doc *MonthDocument, standing []epicorsync.Standing) {
	doc.Word = engine.WordPosted
	late := doc.InConcur
	foreign := ""
	for _, st := range standing {
		for _, inv := range invoicesOf(st) {
			doc.Invoices = append(doc.Invoices, inv)
			m.line(inv.Currency).stands(st.Posted, m.t, inv.Amount)
			if m.t.cfg.Epicor.Invoices.Final == epicorsync.Posted && !st.Posted {
				doc.Word = engine.WordSaved
			}
			if inv.Currency != doc.Currency {
				foreign = inv.Currency
				continue
			}
			doc.InEpicor = doc.InEpicor.Add(inv.Amount)
			// What finance has not posted has no effect, whatever its apply date.
			if inv.Posted && !m.Last.Before(inv.Applied) {
				late = late.Sub(inv.Amount)
			}
		}
	}
	doc.Difference = doc.InConcur.Sub(doc.InEpicor)
	m.accrue(doc.ID, doc.Currency, late, false)
	for _, inv := range doc.Invoices {
		if inv.Currency == doc.Currency {
			m.entered(inv)
		}
	}
	switch {
	case foreign != "":
		doc.Why = "it stands in Epicor in " + foreign
	case doc.Difference.IsZero():
	case doc.Difference.IsNegative() && !doc.InConcur.IsNegative():
		doc.Why = "more stands in Epicor than was approved: it was entered twice, or changed there"
	default:
		doc.Why = "not all that was approved stands in Epicor: an invoice was changed or deleted there"
	}
}

// notOurs reports that a document was approved before the connector took over:
// what was in place before has posted it.
func (m *month) notOurs(doc *MonthDocument) bool {
	from := m.t.cfg.Concur.Reports.From
	if strings.HasPrefix(doc.ID, string(document.Invoice)+"/") && m.t.cfg.Concur.Invoices != nil {
		from = m.t.cfg.Concur.Invoices.From
	}
	return !from.IsZero() && doc.Approved != "" && doc.Approved.Before(document.DateOf(from.In(m.zone))) &&
		(doc.Ledger == "" || doc.Ledger == engine.WordWaiting)
}

// absent counts a document for which nothing stands in Epicor.
func (m *month) absent(doc *MonthDocument, s engine.Status) {
	own := m.line(doc.Currency)
	if m.notOurs(doc) {
		own.Skipped = own.Skipped.Add(doc.InConcur)
		doc.Word, doc.Difference = engine.WordSkipped, decimal.Zero
		return
	}
	doc.Word = doc.Ledger
	if len(s.Issues) > 0 {
		i := s.Issues[0]
		doc.Issue, doc.Who, doc.Remedy = i.Message, i.Owner, i.Remedy
	}
	switch doc.Ledger {
	case engine.WordOpen, engine.WordWaiting:
		// Waiting: approved since the ledger looked last.
		doc.Word = engine.WordOpen
		own.Open = own.Open.Add(doc.InConcur)
		m.accrue(doc.ID, doc.Currency, doc.InConcur, false)
	case engine.WordRecalled:
		own.Recalled = own.Recalled.Add(doc.InConcur)
	case engine.WordSkipped:
		own.Skipped = own.Skipped.Add(doc.InConcur)
	case engine.WordPosted, engine.WordSaved:
		if doc.InConcur.IsZero() {
			break
		}
		m.accrue(doc.ID, doc.Currency, doc.InConcur, false)
		doc.Word = ""
		doc.Why = "the ledger says that it was " + string(doc.Ledger) + madeText(s) + ", and Epicor does not have it: it was deleted or cancelled there"
		return
	default:
		if doc.InConcur.IsZero() {
			break
		}
		m.accrue(doc.ID, doc.Currency, doc.InConcur, false)
		doc.Why = "the ledger does not know it: no event came and no sweep has found it; see whether serve runs, and since when (concur.from)"
		return
	}
	doc.Difference = decimal.Zero
}

func madeText(s engine.Status) string {
	var numbers []string
	for _, made := range made(s) {
		numbers = append(numbers, made.Number)
	}
	if len(numbers) == 0 {
		return ""
	}
	return " as " + strings.Join(numbers, ", ")
}

// earlier finds open documents of months before.
func (m *month) earlier(ctx context.Context) error {
	for s, err := range m.a.Engine.List(ctx, storage.Query{Tenant: m.Tenant, Target: m.t.cfg.Target}) {
		if err != nil {
			return err
		}
		if s.Word != engine.WordOpen || s.Period == "" || s.Period >= m.Month.Month {
			continue
		}
		e := EarlierDocument{ID: s.ID.Document, Label: m.a.Labels.Of(ctx, s.ID), Period: s.Period, Totals: s.Totals, Cause: s.Cause}
		if whole, err := m.a.Whole(ctx, s); err == nil {
			e.Owner = whole.Owner()
		}
		if len(s.Issues) > 0 {
			e.Issue, e.Who, e.Remedy = s.Issues[0].Message, s.Issues[0].Owner, s.Issues[0].Remedy
		}
		for _, total := range s.Totals {
			m.accrue(e.ID, total.Currency, total.Amount, true)
		}
		if len(s.Beside) > 0 {
			standing, err := m.lookUp(ctx, s.ID, made(s), nil)
			if err != nil {
				return err
			}
			for _, st := range earlier(s, standing) {
				for _, inv := range invoicesOf(st) {
					m.took(e.ID, inv, true)
				}
			}
		}
		m.Earlier = append(m.Earlier, e)
	}
	return nil
}

// sum closes the lines and brings everything into order.
func (m *month) sum() {
	for _, l := range m.lines {
		l.Difference = l.Approved.Sub(l.Posted).Sub(l.Saved).Sub(l.Open).Sub(l.Recalled).Sub(l.Skipped)
		m.Currencies = append(m.Currencies, *l)
	}
	for _, o := range m.owed {
		m.Accruals = append(m.Accruals, *o)
	}
	slices.SortFunc(m.Currencies, func(a, b CurrencyLine) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortFunc(m.Accruals, func(a, b Accrual) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortFunc(m.Documents, func(a, b MonthDocument) int {
		return cmp.Or(cmp.Compare(a.Approved, b.Approved), -cmp.Compare(a.Label.Kind, b.Label.Kind), cmp.Compare(a.Label.Number, b.Label.Number))
	})
	slices.SortFunc(m.Earlier, func(a, b EarlierDocument) int {
		return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(m.Strangers, func(a, b Stranger) int {
		return cmp.Or(cmp.Compare(a.Applied, b.Applied), cmp.Compare(a.Number, b.Number))
	})
}
