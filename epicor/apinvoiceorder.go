package epicor

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

const tableReceipt = "APUninvoicedRcptLines"

// ErrNoReceipt says that a line of an order has no receipt that could be
// invoiced, or several and it was not said which.
var ErrNoReceipt = errors.New("epicor: no single receipt to invoice")

// received invoices what was received of an order's line and returns the number
// of the new line.
func (b *building) received(ctx context.Context, o *APInvoiceOrderInput) (int, error) {
	s := b.s
	ds, err := s.GetAPUninvoicedReceipts(ctx, b.vendorNum, b.in.Number, o.Order)
	if err != nil {
		return 0, err
	}
	var row *Row
	for _, r := range ds.Current(tableReceipt) {
		if int(r.Int("POLine")) != o.Line || o.PackSlip != "" && r.Text("PackSlip") != o.PackSlip || o.PackLine != 0 && int(r.Int("PackLine")) != o.PackLine {
			continue
		}
		if o.Release != 0 && r.Has("PORelNum") && int(r.Int("PORelNum")) != o.Release {
			continue
		}
		// The order was asked for; a server that gives others too must not mislead.
		if r.Has("PONum") && int(r.Int("PONum")) != o.Order {
			continue
		}
		if row != nil {
			return 0, fmt.Errorf("%w: order %d, line %d has several", ErrNoReceipt, o.Order, o.Line)
		}
		row = r
	}
	if row == nil {
		return 0, fmt.Errorf("%w: order %d, line %d has none", ErrNoReceipt, o.Order, o.Line)
	}
	if err := errors.Join(row.Set("SelectLine", true), row.Set(rowModColumn, string(Changed))); err != nil {
		return 0, err
	}
	if ds, err = s.SelectUninvoicedRcptLines(ctx, ds, b.vendorNum, row.Text("PurPoint"), o.Order, row.Text("PackSlip"), b.in.Number); err != nil {
		return 0, err
	}
	before, err := s.GetByID(ctx, b.vendorNum, b.in.Number)
	if err != nil {
		return 0, err
	}
	last := 0
	for _, l := range before.Current(tableLine) {
		last = max(last, int(l.Int("InvoiceLine")))
	}
	if last > b.last {
		return 0, fmt.Errorf("%w: somebody else added line %d meanwhile", ErrConflict, last)
	}
	msg, err := s.InvoiceSelectedLines(ctx, ds)
	if err != nil {
		return 0, err
	}
	b.warn(msg)
	// The answer is the receipts', so the invoice is read for its new line.
	if b.ds, err = s.GetByID(ctx, b.vendorNum, b.in.Number); err != nil {
		return 0, err
	}
	number := 0
	for _, l := range b.ds.Current(tableLine) {
		if n := int(l.Int("InvoiceLine")); n > last && int(l.Int("PONum")) == o.Order && int(l.Int("POLine")) == o.Line {
			if number != 0 {
				return 0, fmt.Errorf("%w: order %d, line %d became several lines", ErrDiffers, o.Order, o.Line)
			}
			number = n
		}
	}
	if number == 0 {
		return 0, fmt.Errorf("%w: order %d, line %d did not become a line", ErrDiffers, o.Order, o.Line)
	}
	return number, nil
}

// unreceived invoices what was ordered and has not arrived.
func (b *building) unreceived(ctx context.Context, in *APInvoiceLineInput) (int, error) {
	s, o := b.s, in.Ordered
	b.only()
	ds, err := s.GetNewAPInvDtlUnreceived(ctx, b.ds, b.vendorNum, b.in.Number)
	if err != nil {
		return 0, err
	}
	if ds, err = s.ChangePONum(ctx, ds, o.Order); err != nil {
		return 0, err
	}
	if ds, err = s.ChangePOLine(ctx, ds, o.Line); err != nil {
		return 0, err
	}
	if ds, err = s.ChangePORelNum(ctx, ds, max(o.Release, 1)); err != nil {
		return 0, err
	}
	if !o.Quantity.IsZero() {
		if ds, err = s.ChangeVendorQty(ctx, ds, wire.DecimalOf(o.Quantity)); err != nil {
			return 0, err
		}
	}
	newLine := func(ds *Tableset) (*Row, error) { return added(ds, tableLine) }
	if ds, err = b.settleLine(ctx, ds, newLine, in.Amount); err != nil {
		return 0, err
	}
	row, err := added(ds, tableLine)
	if err != nil {
		return 0, err
	}
	if got := [2]int64{row.Int("PONum"), row.Int("POLine")}; got != [2]int64{int64(o.Order), int64(o.Line)} {
		return 0, fmt.Errorf("%w: the line became of order %d, line %d", ErrDiffers, got[0], got[1])
	}
	number := int(row.Int("InvoiceLine"))
	if err := b.alone(ctx, number); err != nil {
		return 0, err
	}
	if in.Description != "" {
		if err := row.Set("Description", in.Description); err != nil {
			return 0, err
		}
	}
	return number, b.commit(ctx, ds, tableLine)
}

// settleLine sets the amount of the line that is being added or changed.
func (b *building) settleLine(ctx context.Context, ds *Tableset, row func(*Tableset) (*Row, error), amount decimal.Decimal) (*Tableset, error) {
	// On a debit memo the screen shows the amount with its sign flipped.
	first := amount
	if b.in.DebitMemo {
		first = first.Neg()
	}
	return settle(row, "DocExtCost", amount, ds, func(ds *Tableset, d Decimal) (*Tableset, error) {
		return b.s.ChangeExtCost(ctx, ds, d)
	}, first)
}

// lineAmount gives a line that stands there its amount.
func (b *building) lineAmount(ctx context.Context, number int, amount decimal.Decimal) error {
	var row *Row
	for _, l := range b.ds.Current(tableLine) {
		if int(l.Int("InvoiceLine")) == number {
			row = l
		}
	}
	if row == nil {
		// The answer to another line's commit need not hold it.
		if err := b.reread(ctx, number); err != nil {
			return err
		}
		for _, l := range b.ds.Current(tableLine) {
			if int(l.Int("InvoiceLine")) == number {
				row = l
			}
		}
		if row == nil {
			return fmt.Errorf("line %d went missing", number)
		}
	}
	if row.Decimal("DocExtCost").Value().Equal(amount) {
		return nil
	}
	b.only(number)
	if err := b.ds.Change(tableLine, row); err != nil {
		return err
	}
	ds, err := b.settleLine(ctx, b.ds, func(ds *Tableset) (*Row, error) { return marked(ds, tableLine, Changed) }, amount)
	if err != nil {
		return err
	}
	return b.commit(ctx, ds, tableLine)
}

// taxes adds the taxes that are missing and gives each its amount.
func (b *building) taxes(ctx context.Context) error {
	for i, want := range b.in.Taxes {
		b.step, b.at, b.atSplit = fmt.Sprintf("tax %d", i+1), 0, 0
		if err := b.tax(ctx, want); err != nil {
			return err
		}
	}
	return nil
}

func (b *building) tax(ctx context.Context, want APInvoiceTaxInput) error {
	// Taxes may have been made by the commits of lines.
	if err := b.reread(ctx); err != nil {
		return err
	}
	ds, mark := b.ds, Changed
	var row *Row
	for _, t := range ds.Current(tableTax) {
		if t.Text("TaxCode") == want.Code && t.Text("RateCode") == want.Rate {
			row = t
		}
	}
	if row != nil {
		if row.Decimal("DocTaxAmt").Value().Equal(want.Amount) {
			return nil
		}
		if err := ds.Change(tableTax, row); err != nil {
			return err
		}
	} else {
		mark = Added
		var err error
		if ds, err = b.s.GetNewAPInvTax(ctx, ds, b.vendorNum, b.in.Number, want.Code, want.Rate); err != nil {
			return err
		}
		if row, err = added(ds, tableTax); err != nil {
			return err
		}
	}
	if err := row.Set("Manual", true); err != nil {
		return err
	}
	ds, err := b.s.ChangeManualTaxCalculation(ctx, ds)
	if err != nil {
		return err
	}
	first := want.Amount
	if b.in.DebitMemo {
		first = first.Neg()
	}
	ds, err = settle(func(ds *Tableset) (*Row, error) { return marked(ds, tableTax, mark) }, "DocTaxAmt", want.Amount, ds,
		func(ds *Tableset, d Decimal) (*Tableset, error) { return b.s.ChangeTaxAmt(ctx, ds, d) }, first)
	if err != nil {
		return err
	}
	return b.commit(ctx, ds, tableTax)
}

// files uploads and links the attachments that are missing.
func (b *building) files(ctx context.Context) error {
	for i, a := range b.in.Attachments {
		b.step, b.at, b.atSplit = fmt.Sprintf("attachment %d", i+1), 0, 0
		if err := b.reread(ctx); err != nil {
			return err
		}
		there := false
		for _, f := range b.ds.Current(tableFile) {
			there = there || b.in.isFile(a.Name, f.Text("FileName"))
		}
		if there {
			continue
		}
		serverPath, err := b.s.c.Attachments.Upload(ctx, a.DocType, tableHeader, b.in.fileName(a.Name), a.Data)
		if err != nil {
			return err
		}
		if !b.in.isFile(a.Name, serverPath) {
			return fmt.Errorf("%w: the file was stored under another name", ErrDiffers)
		}
		ds, err := b.s.GetNewAPInvHedAttch(ctx, b.ds, b.vendorNum, b.in.Number)
		if err != nil {
			return err
		}
		row, err := added(ds, tableFile)
		if err != nil {
			return err
		}
		known := 0
		for _, f := range b.ds.Current(tableFile) {
			if f != row && f.Mod() == Unchanged {
				known = max(known, int(f.Int("DrawingSeq")))
			}
		}
		if int(row.Int("DrawingSeq")) != known+1 {
			now, err := b.s.GetByID(ctx, b.vendorNum, b.in.Number)
			if err != nil {
				return err
			}
			for _, f := range now.Current(tableFile) {
				if int(f.Int("DrawingSeq")) > known {
					return fmt.Errorf("%w: somebody else added a file meanwhile", ErrConflict)
				}
			}
		}
		text := a.Description
		if text == "" {
			text = a.Name
		}
		if err := errors.Join(row.Set("FileName", serverPath), row.Set("DrawDesc", text), row.Set("DocTypeID", a.DocType)); err != nil {
			return err
		}
		if err := b.commit(ctx, ds, tableFile); err != nil {
			return err
		}
	}
	return nil
}
