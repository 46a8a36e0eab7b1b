package epicor

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// CancelInput says how a posted invoice is taken back.
type CancelInput struct {
	// Key is the mark of the cancellation, at most 50 characters: the invoice's own
	// or another. The cancelled invoice must bear KeyOf.
	Key string
	// KeyOf is the key that the invoice must bear; it guards those of others.
	KeyOf string
	// Number of the cancellation; the vendor must have no invoice with it.
	Number string
	// Date of the cancellation, and its apply date.
	Date Date
	// Group is the entry group; empty: named by InvoiceOptions.
	Group string
	// DocType is the document type of the cancellation; "" is the company's.
	DocType string
}

// ErrNotPosted says that the invoice is not posted; it can be deleted, not cancelled.
var ErrNotPosted = errors.New("epicor: not posted, so it cannot be cancelled")

// Cancel takes a posted invoice back by Epicor's cancellation: a second invoice
// with the opposite amounts, in an entry group of ours, unposted; both together
// are nothing once it is posted (PostGroup). It is repeatable: an invoice that was
// cancelled with this number is returned as it is, by another: ErrDiffers. The
// call is sent once; the error, an *APInvoiceError, says what is there now.
//
// Follows the method CreateCancellationInvoice of Erp.BO.APInvoiceSvc. That the
// cancellation does not bear the key of what it cancels, so that it is set
// afterwards, is an assumption to check on a live tenant; either is taken. That it
// names what it cancels in InvoiceRef is another one: whatever does not is taken
// for somebody else's, and the error says ErrDiffers. RefCancelledby may be set
// when the cancellation is made or when it is posted: where the number is taken,
// what has it is looked at.
func (s *APInvoiceService) Cancel(ctx context.Context, vendorNum int, number string, in CancelInput) (inv *APInvoice, err error) {
	fail := func(step string, o Outcome, err error) (*APInvoice, error) {
		return nil, &APInvoiceError{Step: step, Outcome: o, Number: number, Err: err}
	}
	if in.Number == "" || in.Date.IsZero() || in.Key == "" || len(in.Key) > 50 {
		return fail("input", NotCommitted, errors.New("a cancellation needs a key of 1 to 50 characters, a number and a date"))
	}
	src, err := s.Get(ctx, vendorNum, number)
	switch {
	case err != nil:
		return fail("read", NotCommitted, err)
	case src.Key != in.KeyOf || in.KeyOf == "":
		return fail("read", NotCommitted, fmt.Errorf("%w: invoice %s does not bear the key", ErrConflict, src.ID()))
	case src.Cancels:
		return fail("read", NotCommitted, fmt.Errorf("%w: invoice %s is a cancellation itself", ErrConflict, src.ID()))
	case !src.Posted:
		return fail("read", NotCommitted, fmt.Errorf("%w: invoice %s", ErrNotPosted, src.ID()))
	case src.Cancelled != "" && src.Cancelled != in.Number:
		return fail("read", Committed, fmt.Errorf("%w: invoice %s was cancelled by %s", ErrDiffers, src.ID(), src.Cancelled))
	}
	group := in.Group
	if group == "" {
		group = s.groupName(&APInvoiceInput{ApplyDate: in.Date, Currency: src.Currency})
	}
	if err := s.fits(tableHeader, "InvoiceNum", in.Number); err != nil {
		return fail("input", NotCommitted, err)
	}
	leave, err := s.enter(ctx, group, in.Date)
	if err != nil {
		return fail("group", NotCommitted, err)
	}
	defer func() { err = stays(inv, err, group, leave(ctx)) }()
	return s.cancel(ctx, src, group, in)
}

func (s *APInvoiceService) cancel(ctx context.Context, src *APInvoice, group string, in CancelInput) (*APInvoice, error) {
	fail := func(step string, o Outcome, err error) (*APInvoice, error) {
		return nil, &APInvoiceError{Step: step, Outcome: o, Number: src.Number, Err: err}
	}
	var taken error // what has the number already refused this one
	if src.Cancelled == "" {
		err := s.CreateCancellationInvoice(ctx, group, src.Number, src.VendorNum, in.Number, in.Date, in.DocType)
		var e *Error
		switch {
		case errors.As(err, &e) && e.Refused() && e.Duplicate():
			taken = err // by an earlier call of ours, perhaps: look
		case errors.As(err, &e) && e.Refused():
			return fail("cancellation", NotCommitted, err)
		case err != nil:
			return fail("cancellation", Unknown, err)
		}
	}
	inv, ds, err := s.read(ctx, src.VendorNum, in.Number)
	if err != nil {
		return fail("check", Unknown, errors.Join(err, taken))
	}
	if !inv.Cancels || inv.Reference != src.Number || !inv.Amount.Value().Equal(src.Amount.Value().Neg()) {
		err := fmt.Errorf("%w: invoice %s of %s does not take %s of %s back", ErrDiffers, inv.ID(), inv.Amount, src.ID(), src.Amount)
		if taken != nil {
			return fail("cancellation", NotCommitted, errors.Join(taken, err))
		}
		return fail("check", Committed, err)
	}
	if inv.Key == in.Key || inv.Posted {
		return inv, nil
	}
	row, err := header(ds)
	if err != nil {
		return fail("key", Committed, err)
	}
	if err := errors.Join(ds.Change(tableHeader, row), row.Set(s.opts.KeyColumn, in.Key)); err != nil {
		return fail("key", Committed, err)
	}
	_, u, err := s.UpdateMaster(ctx, ds, inv.Group, tableHeader)
	if err == nil && !u.Committed {
		err = ErrQuestion
	}
	if err != nil {
		return fail("key", Committed, err)
	}
	inv.Key = in.Key
	return inv, nil
}

// fits refuses text that a column of the tenant cannot hold, where its length is known.
func (s *APInvoiceService) fits(table, column, text string) error {
	if n := s.c.length(table, column); n > 0 && len([]rune(text)) > n {
		return fmt.Errorf("%w: %s has %d characters, the tenant takes %d, and it is never cut", ErrInvalid, column, len([]rune(text)), n)
	}
	return nil
}

// fit refuses text that the tenant would refuse, or cut, only after a part of the
// invoice was committed.
func (s *APInvoiceService) fit(in *APInvoiceInput, group string) error {
	es := []error{
		s.fits(tableHeader, "InvoiceNum", in.Number), s.fits(tableGroup, "GroupID", group), s.fits(tableHeader, s.opts.KeyColumn, in.Key),
		s.fits(tableHeader, "Description", in.Description), s.fits(tableHeader, "TermsCode", in.Terms),
	}
	within := func(where string, err error) {
		if err != nil {
			es = append(es, fmt.Errorf("%s: %w", where, err))
		}
	}
	for i, l := range in.Lines {
		within(fmt.Sprintf("line %d", i+1), s.fits(tableLine, "Description", l.Description))
		for j, split := range l.Splits {
			within(fmt.Sprintf("line %d, split %d", i+1, j+1), s.fits(tableAccount, "GLAccount", split.Account))
		}
	}
	return errors.Join(es...)
}

// inGroupOf lists the unposted invoices of an entry group.
func (s *APInvoiceService) inGroupOf(ctx context.Context, id string) ([]*APInvoice, error) {
	var out []*APInvoice
	for inv, err := range s.List(ctx, odata.Query{Filter: odata.And(odata.Eq("GroupID", id), odata.Eq("Posted", false))}) {
		if err != nil {
			return nil, err
		}
		out = append(out, inv)
	}
	return out, nil
}
