package epicorsync

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Reversal says what Reverse does about an invoice that is posted.
type Reversal string

// What Reverse does about a posted invoice.
const (
	// Park: nothing; a person cancels it, and the error is a Rejection that says so.
	Park Reversal = "park"
	// Cancel: it is cancelled by Epicor's cancellation, a second invoice with the
	// opposite amounts in an entry group of ours, which finance posts.
	Cancel Reversal = "cancel"
)

// cancelSuffix makes the number of a cancellation.
const cancelSuffix = "-C"

// Reverse deletes what bears the delivery's key and is not posted. What is posted
// is left to a person or cancelled, as the options say; where one invoice of the
// set needs a person, nothing at all is touched, and the error is a Rejection. One
// that was cancelled already has no effect.
func (s *InvoiceSink) Reverse(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	ours, err := s.c.APInvoices.Find(ctx, d.Key())
	if err != nil {
		return connector.Receipt{}, trouble(err)
	}
	var notes []string
	var open, posted []*epicor.APInvoice
	var issues []connector.Issue
	for _, inv := range ours {
		switch {
		case inv.Cancels:
			notes = append(notes, inv.Number+": cancels "+inv.Reference)
		case !inv.Posted:
			open = append(open, inv)
		case inv.Cancelled != "" && inv.Cancelled != inv.Number+cancelSuffix:
			notes = append(notes, inv.Number+": posted and cancelled")
		case s.opts.Reversal != Cancel && inv.Cancelled != "":
			notes = append(notes, inv.Number+": posted and cancelled")
		case s.opts.Reversal != Cancel:
			issues = append(issues, needsCancellation(inv))
		default:
			if n := inv.Number + cancelSuffix; utf8.RuneCountInString(n) > s.numberLength() {
				issues = append(issues, needsCancellation(inv))
				continue
			}
			posted = append(posted, inv)
		}
	}
	if len(issues) > 0 {
		return connector.Receipt{}, &connector.Rejection{Issues: issues}
	}
	for _, inv := range open {
		err := s.c.APInvoices.Delete(ctx, inv.VendorNum, inv.Number, d.Key())
		if errors.Is(err, epicor.ErrPosted) && s.opts.Reversal != Cancel {
			return connector.Receipt{}, &connector.Rejection{Issues: []connector.Issue{needsCancellation(inv)}, Err: err}
		}
		if err != nil {
			// Posted meanwhile: the next Reverse cancels it.
			return connector.Receipt{}, refusal(err, -1, nil)
		}
		notes = append(notes, inv.Number+": deleted")
	}
	cancelled, err := s.cancel(ctx, d.Key(), posted)
	if err != nil {
		return connector.Receipt{}, err
	}
	for _, inv := range cancelled {
		notes = append(notes, inv.Reference+": cancelled by "+inv.Number+" in group "+inv.Group+", which is to be posted")
	}
	if len(open) > 0 {
		left, err := s.c.APInvoices.Find(ctx, d.Key())
		if err != nil {
			return connector.Receipt{}, trouble(err)
		}
		for _, inv := range left {
			if !inv.Posted && !inv.Cancels {
				return connector.Receipt{}, fmt.Errorf("epicorsync: invoice %s stands there still after its deletion", inv.ID())
			}
		}
	}
	r := s.receipt(append(open, cancelled...), notes)
	r.Final = true
	return r, nil
}

// cancel takes posted invoices back, on the day of today. It may be repeated.
func (s *InvoiceSink) cancel(ctx context.Context, key string, posted []*epicor.APInvoice) ([]*epicor.APInvoice, error) {
	var out []*epicor.APInvoice
	for _, inv := range posted {
		made, err := s.c.APInvoices.Cancel(ctx, inv.VendorNum, inv.Number, epicor.CancelInput{
			Key: key, KeyOf: key, Number: inv.Number + cancelSuffix, Date: epicor.DateOf(s.opts.Now()),
		})
		if err != nil {
			return nil, refusal(err, -1, nil)
		}
		out = append(out, made)
	}
	return out, nil
}
