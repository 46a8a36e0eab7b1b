package app

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// approved is what Concur says about one document.
type approved struct {
	document string
	number   string
	currency string
	amount   decimal.Decimal
	at       time.Time // of the final approval
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
