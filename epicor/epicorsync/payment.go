package epicorsync

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// DefaultPaymentColumn is the stamp of APTran by which payments are found: a day.
const DefaultPaymentColumn = "ChangeDate"

// The kinds of payments that Payments tells.
const (
	// PaymentComplete: with this one everything of the document is paid.
	PaymentComplete = "complete"
	// PaymentPartial: something of it is still owed, to whomever.
	PaymentPartial = "partial"
	// PaymentReturned: a payment was voided.
	PaymentReturned = "returned"
)

var _ connector.Payer = (*InvoiceSink)(nil)

// paymentType is the TranType of payments; the other, Adj, adjusts a balance.
const paymentType = "Pay"

var ourKey = regexp.MustCompile(`^[A-Z2-7]{32}$`)

// Payments returns what was paid and taken back of invoices that bear a key of
// ours, since the cursor, oldest first. A document is paid when all of its
// invoices are, not counting debit memos, which take part in the payment of
// another. Amounts are positive, in the invoice's
// currency; the kind says in which direction. A payment may come again, under the
// same ID, since Epicor's stamp is a day; unposted ones are not told.
//
// Follows the table APTran of Erp.BO.PaymentEntrySvc. That a void repeats the line
// with Voided true is an assumption to check on a live tenant.
func (s *InvoiceSink) Payments(ctx context.Context, after connector.Cursor) (ps []connector.Payment, next connector.Cursor, more bool, err error) {
	page, err := s.c.PaymentLines.Changes(ctx, s.opts.PaymentColumn, odata.Query{Filter: odata.And(odata.Eq("Posted", true), odata.Eq("TranType", paymentType))}, string(after))
	if err != nil {
		return nil, after, false, trouble(err)
	}
	of := map[string]*paidInvoice{}
	for _, l := range page.Items {
		// A server that ignores the condition must not make a payment of a draft.
		if !l.Posted || l.Type != paymentType || l.InvoiceNum == "" {
			continue
		}
		p, err := s.payment(ctx, l, of)
		if err != nil {
			return nil, after, false, trouble(err)
		}
		if p != nil {
			ps = append(ps, *p)
		}
	}
	return ps, connector.Cursor(page.Next), page.More, nil
}

// paidInvoice is an invoice with what was paid of it, line by line.
type paidInvoice struct {
	inv  *epicor.APInvoice
	sum  decimal.Decimal            // of all lines
	paid map[string]decimal.Decimal // after each line, by its ID
}

// payment tells of one line, nil when its invoice is none of ours.
func (s *InvoiceSink) payment(ctx context.Context, l *epicor.PaymentLine, of map[string]*paidInvoice) (*connector.Payment, error) {
	id := fmt.Sprintf("%d/%s", l.VendorNum, l.InvoiceNum)
	at, ok := of[id]
	if !ok {
		var err error
		if at, err = s.paidOf(ctx, l.VendorNum, l.InvoiceNum); err != nil {
			return nil, err
		}
		of[id] = at
	}
	if at.inv == nil {
		return nil, nil
	}
	currency := l.Currency
	if currency == "" {
		currency = at.inv.Currency
	}
	p := &connector.Payment{
		ID: lineID(l), Key: at.inv.Key, Kind: PaymentPartial, Date: l.Date.Time(),
		Amount: connector.Total{Company: s.c.Company(), Currency: currency, Amount: l.Amount.Value().Abs()},
	}
	switch {
	case l.Voided:
		p.Kind = PaymentReturned
	case at.paid[p.ID].Abs().GreaterThanOrEqual(at.inv.Amount.Value().Abs()):
		others, err := s.othersPaid(ctx, at.inv, of)
		if err != nil {
			return nil, err
		}
		if others {
			p.Kind = PaymentComplete
		}
	}
	return p, nil
}

// othersPaid reports whether every other invoice with the same key is paid.
func (s *InvoiceSink) othersPaid(ctx context.Context, inv *epicor.APInvoice, of map[string]*paidInvoice) (bool, error) {
	set, err := s.c.APInvoices.Find(ctx, inv.Key)
	if err != nil {
		return false, err
	}
	for _, other := range set {
		if other.DebitMemo || other.Cancels || other.Cancelled != "" || other.VendorNum == inv.VendorNum && other.Number == inv.Number {
			continue
		}
		id := fmt.Sprintf("%d/%s", other.VendorNum, other.Number)
		at, ok := of[id]
		if !ok {
			if at, err = s.paidOf(ctx, other.VendorNum, other.Number); err != nil {
				return false, err
			}
			of[id] = at
		}
		if at.sum.Abs().LessThan(other.Amount.Value().Abs()) {
			return false, nil
		}
	}
	return true, nil
}

func lineID(l *epicor.PaymentLine) string {
	id := fmt.Sprintf("%d/%d/%s", l.HeadNum, l.Number, l.InvoiceNum)
	if l.Voided {
		id += "/void"
	}
	return id
}

// paidOf reads an invoice of ours and everything that was paid of it. Its inv is
// nil when the invoice is somebody else's.
func (s *InvoiceSink) paidOf(ctx context.Context, vendorNum int, number string) (*paidInvoice, error) {
	out := &paidInvoice{paid: map[string]decimal.Decimal{}}
	inv, err := s.c.APInvoices.Get(ctx, vendorNum, number)
	if errors.Is(err, epicor.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if !ourKey.MatchString(inv.Key) || inv.Cancels {
		return out, nil
	}
	out.inv = inv
	sum := decimal.Zero
	for l, err := range s.c.PaymentLines.List(ctx, odata.Query{Filter: odata.And(
		odata.Eq("VendorNum", vendorNum), odata.Eq("InvoiceNum", number), odata.Eq("Posted", true), odata.Eq("TranType", paymentType),
	)}) {
		if err != nil {
			return nil, err
		}
		amount := l.Amount.Value()
		if l.Voided && amount.IsPositive() {
			amount = amount.Neg()
		}
		sum = sum.Add(amount)
		out.paid[lineID(l)] = sum
	}
	out.sum = sum
	return out, nil
}
