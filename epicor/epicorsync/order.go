package epicorsync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// ordered turns the line of an order into what is entered.
func ordered(o *document.OrderLine) *epicor.APInvoiceOrderInput {
	return &epicor.APInvoiceOrderInput{
		Order: o.Order, Line: o.Line, Release: o.Release, PackSlip: o.PackSlip, Unreceived: o.Unreceived, Quantity: o.Quantity,
	}
}

// variances holds the prices of ordered lines against those of their orders. One
// that differs by more than the tolerance is held: somebody has to agree to it.
func (s *InvoiceSink) variances(ctx context.Context, p document.Posting, there []*epicor.APInvoice) ([]connector.Issue, error) {
	var issues []connector.Issue
	currencies := make(map[int]string) // of orders
	for i, inv := range p.Invoices {
		if i < len(there) && there[i] != nil {
			continue // it was looked at when it was entered
		}
		for n, l := range inv.Lines {
			if l.Order == nil {
				continue
			}
			field := fmt.Sprintf("invoice %d, line %d", i+1, n+1)
			issue, err := s.otherCurrency(ctx, field, l.Order, inv.Currency, currencies)
			if err == nil && issue == nil {
				issue, err = s.variance(ctx, field, l)
			}
			if err != nil {
				return nil, err
			}
			if issue != nil {
				issues = append(issues, *issue)
			}
		}
	}
	return issues, nil
}

// otherCurrency holds a line whose invoice is in another currency than its order:
// their prices cannot be compared, and Epicor books the line at the order's.
func (s *InvoiceSink) otherCurrency(ctx context.Context, field string, o *document.OrderLine, currency string, known map[int]string) (*connector.Issue, error) {
	if _, read := known[o.Order]; !read {
		known[o.Order] = ""
		for order, err := range s.c.PurchaseOrders.List(ctx, odata.Query{Filter: odata.Eq("PONum", o.Order)}) {
			if err != nil {
				return nil, err
			}
			if order.Number == o.Order {
				known[o.Order] = order.Currency
			}
		}
	}
	agreed := known[o.Order]
	if agreed == "" || strings.EqualFold(agreed, currency) {
		return nil, nil // of an order that is not there, Epicor itself says so
	}
	issue := found(POVariance, field, fmt.Sprintf("%d/%d", o.Order, o.Line), fmt.Sprintf(
		"order %d is in %s and the invoice in %s, so that their prices cannot be compared", o.Order, agreed, currency))
	return &issue, nil
}

func (s *InvoiceSink) variance(ctx context.Context, field string, l document.Line) (*connector.Issue, error) {
	o := l.Order
	for ordered, err := range s.c.PurchaseOrderLines.List(ctx, odata.Query{Filter: odata.And(odata.Eq("PONUM", o.Order), odata.Eq("POLine", o.Line))}) {
		if err != nil {
			return nil, err
		}
		if ordered.Order != o.Order || ordered.Line != o.Line {
			continue // a server that ignores the condition
		}
		quantity := o.Quantity
		if quantity.IsZero() {
			quantity = ordered.Quantity.Value()
		}
		// What is asked for counts; a unit price is only what a person reads.
		agreed := ordered.UnitCost.Value().Mul(quantity)
		off := l.Amount.Sub(agreed)
		if off.Abs().Mul(decimal.New(100, 0)).LessThanOrEqual(agreed.Abs().Mul(s.opts.PriceTolerance)) {
			return nil, nil
		}
		percent := "more than nothing"
		if !agreed.IsZero() {
			percent = off.Abs().Mul(decimal.New(100, 0)).DivRound(agreed.Abs(), 2).String() + " %"
		}
		issue := found(POVariance, field, fmt.Sprintf("%d/%d", o.Order, o.Line), fmt.Sprintf(
			"order %d, line %d: %s of %s were agreed and %s is asked for: a variance of %s, which is %s, and %s %% are tolerated",
			o.Order, o.Line, quantity, ordered.UnitCost.Value(), l.Amount, off, percent, s.opts.PriceTolerance))
		return &issue, nil
	}
	return nil, nil // Epicor itself says that there is no such order
}

// duplicates looks for invoices that a supplier may have sent twice: the same
// vendor and amount, a date that is near, and a number that is the same but for
// case, blanks, punctuation and leading zeros.
func (s *InvoiceSink) duplicates(ctx context.Context, p document.Posting, ins []epicor.APInvoiceInput, there []*epicor.APInvoice) ([]connector.Issue, error) {
	if s.opts.DuplicateDays <= 0 {
		return nil, nil
	}
	var issues []connector.Issue
	for i, inv := range p.Invoices {
		if inv.MadeUp || i >= len(ins) || i < len(there) && there[i] != nil {
			continue
		}
		day := time.Date(ins[i].Date.Year, ins[i].Date.Month, ins[i].Date.Day, 0, 0, 0, 0, time.UTC)
		from, to := epicor.DateOf(day.AddDate(0, 0, -s.opts.DuplicateDays)), epicor.DateOf(day.AddDate(0, 0, s.opts.DuplicateDays))
		for other, err := range s.c.APInvoices.List(ctx, odata.Query{Filter: odata.And(odata.Ge("InvoiceDate", from), odata.Le("InvoiceDate", to))}) {
			if err != nil {
				return nil, err
			}
			if other.VendorID != inv.Vendor || other.Number == ins[i].Number || other.Key == ins[i].Key || other.Cancelled != "" || other.Cancels ||
				!other.Amount.Value().Equal(inv.Amount) || plainNumber(other.Number) != plainNumber(ins[i].Number) {
				continue
			}
			issues = append(issues, found(SupplierDuplicate, fmt.Sprintf("invoice %d, number", i+1), ins[i].Number, fmt.Sprintf(
				"vendor %s has invoice %s of %s over %s %s, which looks like the same one", inv.Vendor, other.Number, other.Date, other.Amount, other.Currency)))
			break
		}
	}
	return issues, nil
}

// plainNumber is a number as a person compares it.
func plainNumber(number string) string {
	plain := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c > 127:
			return c
		default:
			return -1
		}
	}, number)
	// Zeros lead a run of digits wherever it stands: INV-001 is INV1.
	var b strings.Builder
	digits := false
	for i, c := range plain {
		if c == '0' && !digits && i+1 < len(plain) && plain[i+1] >= '0' && plain[i+1] <= '9' {
			continue
		}
		digits = c >= '0' && c <= '9'
		b.WriteRune(c)
	}
	return b.String()
}
