package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// TieOut compares what Concur finally approved with what stands in Epicor, by
// currency. Both sides are read through the clients; the ledger only says what
// became of a document that does not stand in Epicor.
type TieOut struct {
	Since      document.Date  `json:"since"` // first day of the approvals
	Currencies []CurrencyLine `json:"currencies"`
	Documents  []TiedDocument `json:"documents"`
	// Invoices is how many AP invoices and debit memos with a key of ours stand in
	// Epicor; Strangers are those among them that no approved document explains.
	Invoices  int                   `json:"invoices"`
	Strangers []epicorsync.Standing `json:"strangers,omitempty"`
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

// TiedDocument is one approved document, with what stands in Epicor for it.
type TiedDocument struct {
	ID         storage.ID            `json:"id"`
	Currency   string                `json:"currency"`
	Approved   decimal.Decimal       `json:"approved"`
	Standing   []epicorsync.Standing `json:"standing,omitempty"`
	Word       engine.Word           `json:"word"` // empty: the ledger does not know the document
	Difference decimal.Decimal       `json:"difference"`
}

// Ties reports whether every difference is zero and nothing of ours stands in
// Epicor that no approved document explains.
func (t *TieOut) Ties() bool {
	return len(t.Strangers) == 0 &&
		!slices.ContainsFunc(t.Currencies, func(c CurrencyLine) bool { return !c.Difference.IsZero() }) &&
		!slices.ContainsFunc(t.Documents, func(d TiedDocument) bool { return !d.Difference.IsZero() })
}

// approved is what Concur says about one document.
type approved struct {
	document string
	number   string
	currency string
	amount   decimal.Decimal
	at       time.Time // of the final approval
}

// TieOut ties a tenant's documents out that were finally approved since a
// moment.
func (a *App) TieOut(ctx context.Context, name string, since time.Time) (*TieOut, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	ctx = a.scope(ctx, name, "tie-out")
	docs, err := a.approved(ctx, t, since, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("read what Concur approved: %w", err)
	}
	from := document.DateOf(since.UTC())
	standing, err := t.sink.Standing(ctx, from, "")
	if err != nil {
		return nil, fmt.Errorf("read what stands in Epicor: %w", err)
	}
	out := &TieOut{Since: from, Invoices: len(standing)}
	byDocument := map[string][]epicorsync.Standing{}
	for _, st := range standing {
		id, err := a.Engine.ByKey(ctx, name, st.Key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		if err != nil || !slices.ContainsFunc(docs, func(d approved) bool { return d.document == id.Document }) {
			out.Strangers = append(out.Strangers, st)
			continue
		}
		byDocument[id.Document] = append(byDocument[id.Document], st)
	}
	lines := map[string]*CurrencyLine{}
	line := func(currency string) *CurrencyLine {
		if lines[currency] == nil {
			lines[currency] = &CurrencyLine{Currency: currency}
		}
		return lines[currency]
	}
	for _, d := range docs {
		doc, err := a.tie(ctx, t, d, byDocument[d.document], line)
		if err != nil {
			return nil, err
		}
		out.Documents = append(out.Documents, doc)
	}
	for _, st := range out.Strangers {
		for _, total := range st.Totals {
			line(total.Currency).stands(st.Posted, t, total.Amount)
		}
	}
	for _, l := range lines {
		l.Difference = l.Approved.Sub(l.Posted).Sub(l.Saved).Sub(l.Open).Sub(l.Recalled).Sub(l.Skipped)
		out.Currencies = append(out.Currencies, *l)
	}
	slices.SortFunc(out.Currencies, func(a, b CurrencyLine) int { return cmp.Compare(a.Currency, b.Currency) })
	return out, nil
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

// tie finds out what became of one approved document.
func (a *App) tie(ctx context.Context, t *tenant, d approved, standing []epicorsync.Standing, line func(string) *CurrencyLine) (TiedDocument, error) {
	doc := TiedDocument{
		ID:       storage.ID{Tenant: t.cfg.Name, Target: t.cfg.Target, Document: d.document},
		Currency: d.currency, Approved: d.amount, Standing: standing, Difference: d.amount,
	}
	s, err := a.Engine.Get(ctx, doc.ID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return doc, err
	}
	if err == nil {
		doc.Word = s.Word
	}
	own := line(d.currency)
	own.Approved = own.Approved.Add(d.amount)
	if len(standing) > 0 {
		for _, st := range standing {
			for _, total := range st.Totals {
				line(total.Currency).stands(st.Posted, t, total.Amount)
				if total.Currency == d.currency {
					doc.Difference = doc.Difference.Sub(total.Amount)
				}
			}
		}
		return doc, nil
	}
	switch doc.Word {
	case engine.WordOpen, engine.WordWaiting:
		// Approved since the ledger looked last: on its way.
		own.Open = own.Open.Add(d.amount)
	case engine.WordRecalled:
		own.Recalled = own.Recalled.Add(d.amount)
	case engine.WordSkipped:
		own.Skipped = own.Skipped.Add(d.amount)
	case engine.WordPosted, engine.WordSaved:
		return doc, nil // the ledger says that it stands there, and it does not
	default:
		return doc, nil // never taken in
	}
	doc.Difference = decimal.Zero
	return doc, nil
}

// approved reads from Concur what was finally approved from one moment until
// before another (zero: now): reports from the list of version 3, supplier
// invoices from the digests and then one by one, since a digest shows no approved
// amount.
func (a *App) approved(ctx context.Context, t *tenant, since, until time.Time) ([]approved, error) {
	within := func(at time.Time) bool {
		return at.IsZero() || !at.Before(since) && (until.IsZero() || at.Before(until))
	}
	var out []approved
	q := concur.ReportV3Query{
		User: concur.AllUsers, PaymentStatusCode: t.readyReports(),
		// Whether the vendor's "after" holds the moment itself is not documented.
		ProcessingPaymentDateAfter: since.UTC().Add(-time.Second),
	}
	if !until.IsZero() {
		q.ProcessingPaymentDateBefore = until.UTC()
	}
	for r, err := range t.concur.ReportsV3.List(ctx, q) {
		if err != nil {
			return nil, err
		}
		if at := r.ProcessingPaymentDate.Time(); within(at) {
			out = append(out, approved{string(document.Report) + "/" + r.ID, "", r.CurrencyCode, r.TotalApprovedAmount.Value(), at})
		}
	}
	if t.invoices == nil {
		return out, nil
	}
	ready := t.cfg.Concur.Invoices
	y, m, d := since.UTC().AddDate(0, 0, -1).Date()
	for digest, err := range t.concur.Digests.List(ctx, concur.DigestQuery{LastModifiedDateAfter: concur.Date{Year: y, Month: m, Day: d}}) {
		if err != nil {
			return nil, err
		}
		if bool(digest.IsDeleted) || !among(ready.ReadyApproval, digest.ApprovalStatusCode) || !among(ready.ReadyPayment, digest.PaymentStatusCode) {
			continue
		}
		p, err := t.concur.PaymentRequests.Get(ctx, digest.Request())
		if err != nil {
			return nil, err
		}
		if at := p.WorkflowCompleteDate.Time(); within(at) {
			out = append(out, approved{string(document.Invoice) + "/" + p.ID, string(p.InvoiceNumber), string(p.CurrencyCode), p.TotalApprovedAmount.Value(), at})
		}
	}
	return out, nil
}

func (t *tenant) readyReports() []concur.PaymentStatus {
	if ready := t.cfg.Concur.Reports.Ready; len(ready) > 0 {
		return ready
	}
	return []concur.PaymentStatus{concur.PaymentProcessing, concur.PaymentConfirmed, concur.PaymentPaid}
}

// among reports whether a code is one of those that count; none given: all do.
func among(codes []string, code concur.Text) bool {
	return len(codes) == 0 || slices.Contains(codes, string(code))
}
