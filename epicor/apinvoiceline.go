package epicor

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// lines adds the lines that are missing and brings the splits of each in order.
func (b *building) lines(ctx context.Context) error {
	numbers := make([]int, 0, b.have)
	for _, r := range b.ds.Current(tableLine) {
		numbers = append(numbers, int(r.Int("InvoiceLine")))
	}
	slices.Sort(numbers)
	for i := 0; i < len(b.in.Lines); {
		n := b.together(i)
		var err error
		switch {
		case n > 1 && i < b.have:
			err = b.batch(ctx, i, n, numbers[i:i+n])
		case n > 1:
			err = b.batch(ctx, i, n, nil)
		case i < b.have:
			err = b.single(ctx, i, numbers[i])
		default:
			err = b.single(ctx, i, 0)
		}
		if err != nil {
			return err
		}
		i += n
	}
	return nil
}

// single brings one line in order: number is the one that it has, 0 where it is
// missing.
func (b *building) single(ctx context.Context, i, number int) error {
	b.step, b.at, b.atSplit = fmt.Sprintf("line %d", i+1), i+1, 0
	if number == 0 {
		n, err := b.line(ctx, &b.in.Lines[i])
		if err != nil {
			return err
		}
		number, b.last = n, n
	}
	if b.in.Lines[i].Ordered != nil {
		return b.lineAmount(ctx, number, b.in.Lines[i].Amount)
	}
	return b.splits(ctx, i, number)
}

// only keeps the rows of some lines, where the options want it, so that an
// invoice of hundreds of lines does not send all of them hundreds of times. Every
// table stays, and of every row that stays every column. Else the tableset goes
// back whole, as the vendor's guide says: what a server makes of rows that are
// left out is written nowhere, and a row that it took for deleted would be money
// lost.
func (b *building) only(lines ...int) {
	if b.s.opts.LinesAtOnce > 0 {
		b.ds.only(lines...)
	}
}

// only keeps the rows of some lines.
func (t *Tableset) only(lines ...int) {
	for _, table := range []string{tableLine, tableExpense, tableAccount} {
		t.keep(table, func(r *Row) bool { return slices.Contains(lines, int(r.Int("InvoiceLine"))) })
	}
}

// line adds and commits one line and returns its number.
func (b *building) line(ctx context.Context, in *APInvoiceLineInput) (int, error) {
	switch {
	case in.Ordered == nil:
		return b.misc(ctx, in)
	case in.Ordered.Unreceived:
		return b.unreceived(ctx, in)
	default:
		return b.received(ctx, in.Ordered)
	}
}

// alone sees to it that nobody else enters this invoice: two processes may be at
// it when one paused, and they have one Epicor user, so that the group's lock does
// not part them. A new line whose number is not the next one shows it; two lines
// with one number Epicor refuses.
func (b *building) alone(ctx context.Context, number int) error {
	if number == b.last+1 {
		return nil
	}
	ds, err := b.s.GetByID(ctx, b.vendorNum, b.in.Number)
	if err != nil {
		return err
	}
	for _, l := range ds.Current(tableLine) {
		if n := int(l.Int("InvoiceLine")); n > b.last {
			return fmt.Errorf("%w: somebody else added line %d meanwhile", ErrConflict, n)
		}
	}
	return nil
}

// misc adds a line that refers to no order.
func (b *building) misc(ctx context.Context, in *APInvoiceLineInput) (int, error) {
	b.only()
	ds, row, err := b.newLine(ctx, in)
	if err != nil {
		return 0, err
	}
	number := int(row.Int("InvoiceLine"))
	if err := b.alone(ctx, number); err != nil {
		return 0, err
	}
	return number, b.commit(ctx, ds, tableLine)
}

// newLine works out a line that refers to no order. Nothing is committed.
func (b *building) newLine(ctx context.Context, in *APInvoiceLineInput) (*Tableset, *Row, error) {
	s := b.s
	ds, err := s.GetNewAPInvDtlMiscellaneous(ctx, b.ds, b.vendorNum, b.in.Number)
	if err != nil {
		return nil, nil, err
	}
	row, err := added(ds, tableLine)
	if err != nil {
		return nil, nil, err
	}
	if err := row.Set("Description", in.Description); err != nil {
		return nil, nil, err
	}
	one := decimal.NewFromInt(1)
	if !row.Decimal("VendorQty").Value().Abs().Equal(one) {
		if ds, err = s.ChangeVendorQty(ctx, ds, wire.DecimalOf(one)); err != nil {
			return nil, nil, err
		}
	}
	newLine := func(ds *Tableset) (*Row, error) { return added(ds, tableLine) }
	if ds, err = b.settleLine(ctx, ds, newLine, in.Amount); err != nil {
		return nil, nil, err
	}
	if row, err = added(ds, tableLine); err != nil {
		return nil, nil, err
	}
	if got := row.Text("Description"); got != in.Description {
		if err := row.Set("Description", in.Description); err != nil {
			return nil, nil, err
		}
	}
	return ds, row, nil
}
