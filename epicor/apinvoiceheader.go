package epicor

import (
	"context"
	"errors"
	"fmt"
)

// header fills and commits the header.
func (b *building) header(ctx context.Context, group string) error {
	b.step = "header"
	s, in := b.s, b.in
	ds, err := s.newHeader(ctx, in.DebitMemo, group)
	if err != nil {
		return err
	}
	ds, msg, err := s.ChangeVendorID(ctx, ds, in.VendorID)
	if err != nil {
		return err
	}
	b.warn(msg)
	row, err := one(ds, tableHeader)
	if err != nil {
		return err
	}
	if in.Currency != "" && row.Text("CurrencyCode") != in.Currency {
		if ds, err = s.ChangeCurrency(ctx, ds, in.Currency); err != nil {
			return err
		}
		if row, err = one(ds, tableHeader); err != nil {
			return err
		}
	}
	b.vendorNum = int(row.Int("VendorNum"))
	if in.Order != 0 {
		if ds, msg, err = s.ChangeRefPONum(ctx, ds, in.Order); err != nil {
			return err
		}
		b.warn(msg)
		if row, err = one(ds, tableHeader); err != nil {
			return err
		}
	}
	if err := errors.Join(
		row.Set("InvoiceNum", in.Number),
		row.Set(s.opts.KeyColumn, in.Key),
		row.Set("Description", in.Description),
	); err != nil {
		return err
	}
	if ds, msg, err = s.ChangeInvoiceDateEx(ctx, ds, in.Date); err != nil {
		return err
	}
	b.warn(msg)
	if ds, msg, err = s.OnChangeofApplyDateWithDateCheck(ctx, ds, b.vendorNum, in.Number, in.ApplyDate); err != nil {
		return err
	}
	b.warn(msg)
	if in.Terms != "" {
		if ds, err = s.ChangeTermsCode(ctx, ds, in.Terms); err != nil {
			return err
		}
	}
	if !in.DueDate.IsZero() {
		if ds, err = s.ChangeDueDate(ctx, ds, in.DueDate); err != nil {
			return err
		}
	}
	total := in.Total().Abs()
	ds, err = settle(header, "DocInvoiceVendorAmt", total, ds, func(ds *Tableset, d Decimal) (*Tableset, error) {
		return s.ChangeInvoiceVendorAmt(ctx, ds, d)
	}, total)
	if err != nil {
		return err
	}
	if err := b.unchanged(ds); err != nil {
		return err
	}
	b.outcome = Unknown
	if err := b.commit(ctx, ds, tableHeader); err != nil {
		var e *Error
		switch {
		case errors.As(err, &e) && e.Refused():
			b.outcome = NotCommitted
		case errors.Is(err, ErrQuestion):
			// Nothing was committed, they say; look.
			_, gone := s.Get(context.WithoutCancel(ctx), b.vendorNum, in.Number)
			if errors.Is(gone, ErrNotFound) {
				b.outcome = NotCommitted
			}
		}
		return err
	}
	b.outcome = Committed
	// Before anything is added to it: without the key it would never be found again.
	if row, err := header(b.ds); err == nil && row.Has(b.s.opts.KeyColumn) && row.Text(b.s.opts.KeyColumn) != in.Key {
		return fmt.Errorf("%w: vendor %s, invoice %s", ErrKeyLost, in.VendorID, in.Number)
	}
	return nil
}

// unchanged sees to it that no method of Epicor changed what an earlier step set.
func (b *building) unchanged(ds *Tableset) error {
	row, err := header(ds)
	if err != nil {
		return err
	}
	for column, want := range map[string]string{
		"InvoiceNum": b.in.Number, b.s.opts.KeyColumn: b.in.Key, "VendorNumVendorID": b.in.VendorID,
	} {
		if got := row.Text(column); got != want {
			return fmt.Errorf("%w: %s became %q, expected %q", ErrDiffers, column, got, want)
		}
	}
	if c := row.Text("CurrencyCode"); b.in.Currency != "" && c != b.in.Currency {
		return fmt.Errorf("%w: the currency is %s, expected %s", ErrDiffers, c, b.in.Currency)
	}
	if row.Date("InvoiceDate") != b.in.Date || row.Date("ApplyDate") != b.in.ApplyDate {
		return fmt.Errorf("%w: the dates are %s and %s, expected %s and %s", ErrDiffers,
			row.Date("InvoiceDate"), row.Date("ApplyDate"), b.in.Date, b.in.ApplyDate)
	}
	if y, p := int(row.Int("FiscalYear")), int(row.Int("FiscalPeriod")); b.in.FiscalYear != 0 && y != b.in.FiscalYear || b.in.FiscalPeriod != 0 && p != b.in.FiscalPeriod {
		return fmt.Errorf("%w: the fiscal period became %d/%d, expected %d/%d", ErrDiffers, y, p, b.in.FiscalYear, b.in.FiscalPeriod)
	}
	if got := row.Text("TermsCode"); b.in.Terms != "" && got != b.in.Terms {
		return fmt.Errorf("%w: the terms became %q, expected %q", ErrDiffers, got, b.in.Terms)
	}
	if row.Bool("DebitMemo") != b.in.DebitMemo {
		return fmt.Errorf("%w: debit memo is %t", ErrDiffers, row.Bool("DebitMemo"))
	}
	return nil
}

func header(ds *Tableset) (*Row, error) { return one(ds, tableHeader) }

func (s *APInvoiceService) newHeader(ctx context.Context, debitMemo bool, group string) (*Tableset, error) {
	if debitMemo {
		return s.GetNewAPInvHedDebitMemo(ctx, NewTableset(), group)
	}
	return s.GetNewAPInvHedInvoice(ctx, NewTableset(), group)
}
