package concursync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// The kinds of payments that a sink tells of, in its own words.
const (
	paymentComplete = "complete"
	paymentPartial  = "partial"
	paymentReturned = "returned"
)

// employeeReceiver is who gets the payment of a report; the service names no other.
const employeeReceiver = "EMPLOYEE"

// electronic is how a payment was made; the service takes E and C (a cheque), and
// the connector does not know which.
const electronic = "E"

// clear confirms a payment of a report.
func (s *FinancialSource) clear(ctx context.Context, t concur.FinancialType, id string, sig connector.Signal) (concur.FinancialResult, error) {
	p := sig.Payment
	c := concur.PaymentConfirmation{DocID: id}
	switch p.Kind {
	case paymentComplete:
		c.Status = concur.CompletelyPaid
	case paymentPartial:
		c.Status = concur.PartiallyPaid
	case paymentReturned:
		c.Status = concur.PaymentReversed
	default:
		return concur.FinancialResult{}, fmt.Errorf("%w: concursync: a payment of kind %.40q is not known", connector.ErrRejected, p.Kind)
	}
	date := p.Date.Format("2006-01-02")
	clearing := concur.Clearing{
		Date: concur.ClearingDate(p.Date), Amount: concurDecimal(p.Amount.Amount), Currency: p.Amount.Currency,
		Receiver: concur.ClearingReceiver{Type: employeeReceiver},
		Reference: concur.ClearingReference{
			CompanyCode: p.Amount.Company, DocumentID: documentOf(sig), FiscalYear: s.opts.FiscalYear(date), PaymentRef: p.ID, Method: electronic,
		},
	}
	c.Clearing = []concur.Clearing{clearing}
	return first(s.client.Financial.ConfirmPayments(ctx, t, []concur.PaymentConfirmation{c}, s.opts.SystemID))
}

// documentOf is the ERP's document that a payment is of, where its id names one
// of those that were made; else the first of them.
func documentOf(sig connector.Signal) string {
	if sig.Receipt == nil || len(sig.Receipt.Made) == 0 {
		return ""
	}
	for _, m := range sig.Receipt.Made {
		if strings.Contains("/"+sig.Payment.ID+"/", "/"+m.Number+"/") {
			return m.Number
		}
	}
	return sig.Receipt.Made[0].Number
}

// invoicePaid tells Concur Invoice that an invoice was paid, or that a payment was
// taken back. A part payment is not told: the service would take the whole for
// paid.
func (s *FinancialSource) invoicePaid(ctx context.Context, sig connector.Signal) error {
	p := sig.Payment
	paid := concur.InvoicePaid{
		RequestID: sig.Ref.ID, Status: concur.InvoicePaidStatus, Amount: concurDecimal(p.Amount.Amount),
		StatusDate: concur.Date{Year: p.Date.Year(), Month: p.Date.Month(), Day: p.Date.Day()},
	}
	switch p.Kind {
	case paymentComplete:
	case paymentPartial:
		return nil
	case paymentReturned:
		paid.Status = concur.InvoiceVoidStatus
	default:
		return fmt.Errorf("%w: concursync: a payment of kind %.40q is not known", connector.ErrRejected, p.Kind)
	}
	results, err := s.client.PaymentConfirmations.Update(ctx, []concur.InvoicePaid{paid})
	if err != nil {
		return translate(err)
	}
	err = results[0]
	var refused *concur.InvoicePaidError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused) || refused.Unclear:
		return err
	case refused.NotExtracted():
		// It is so until the posting was confirmed, and again once it is paid: by this
		// very call, whose answer was lost.
		if done, lookErr := s.paidBefore(ctx, sig); lookErr != nil || done {
			return lookErr
		}
		return err
	default:
		return fmt.Errorf("%w: %w", connector.ErrRejected, err)
	}
}

// paidBefore reports whether Concur Invoice knows that an invoice was paid.
func (s *FinancialSource) paidBefore(ctx context.Context, sig connector.Signal) (bool, error) {
	if sig.Payment.Kind != paymentComplete {
		return false, nil
	}
	r, err := s.client.PaymentRequests.Get(ctx, sig.Ref.ID)
	if err != nil {
		return false, translate(err)
	}
	return !r.PaidDate.IsZero(), nil
}
