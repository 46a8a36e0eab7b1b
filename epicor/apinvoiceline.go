package epicor

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// lines adds the lines that are missing and brings the splits of each in order.
func (b *building) lines(ctx context.Context) error {
	existing := b.ds.Current(tableLine)
	for i := range b.in.Lines {
		b.step, b.at, b.atSplit = fmt.Sprintf("line %d", i+1), i+1, 0
		var number int
		if i < b.have {
			number = lineNumber(existing, i)
		} else {
			n, err := b.line(ctx, &b.in.Lines[i])
			if err != nil {
				return err
			}
			number, b.last = n, n
		}
		if b.in.Lines[i].Ordered != nil {
			if err := b.lineAmount(ctx, number, b.in.Lines[i].Amount); err != nil {
				return err
			}
			continue
		}
		if err := b.splits(ctx, i, number); err != nil {
			return err
		}
	}
	return nil
}

// lineNumber is the number of the i-th line that stands there, by number.
func lineNumber(rows []*Row, i int) int {
	ns := make([]int, 0, len(rows))
	for _, r := range rows {
		ns = append(ns, int(r.Int("InvoiceLine")))
	}
	for range i {
		low := 0
		for j := range ns {
			if ns[j] < ns[low] {
				low = j
			}
		}
		ns = append(ns[:low], ns[low+1:]...)
	}
	low := ns[0]
	for _, n := range ns {
		low = min(low, n)
	}
	return low
}

// slim keeps the rows of one line, where the options want it, so that an invoice
// of hundreds of lines does not send all of them hundreds of times. Every table
// stays, and of every row that stays every column. Else the tableset goes back
// whole, as the vendor's guide says: what a server makes of rows that are left
// out is written nowhere, and a row that it took for deleted would be money lost.
func (b *building) slim(line int) {
	if !b.s.opts.OneLine {
		return
	}
	for _, table := range []string{tableLine, tableExpense, tableAccount} {
		b.ds.keep(table, func(r *Row) bool { return int(r.Int("InvoiceLine")) == line })
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
	s := b.s
	b.slim(0)
	ds, err := s.GetNewAPInvDtlMiscellaneous(ctx, b.ds, b.vendorNum, b.in.Number)
	if err != nil {
		return 0, err
	}
	row, err := added(ds, tableLine)
	if err != nil {
		return 0, err
	}
	number := int(row.Int("InvoiceLine"))
	if err := b.alone(ctx, number); err != nil {
		return 0, err
	}
	if err := row.Set("Description", in.Description); err != nil {
		return 0, err
	}
	one := decimal.NewFromInt(1)
	if !row.Decimal("VendorQty").Value().Abs().Equal(one) {
		if ds, err = s.ChangeVendorQty(ctx, ds, wire.DecimalOf(one)); err != nil {
			return 0, err
		}
	}
	// On a debit memo the screen shows the amount with its sign flipped.
	first := in.Amount
	if b.in.DebitMemo {
		first = first.Neg()
	}
	newLine := func(ds *Tableset) (*Row, error) { return added(ds, tableLine) }
	ds, err = settle(newLine, "DocExtCost", in.Amount, ds, func(ds *Tableset, d Decimal) (*Tableset, error) {
		return s.ChangeExtCost(ctx, ds, d)
	}, first)
	if err != nil {
		return 0, err
	}
	if row, err = added(ds, tableLine); err != nil {
		return 0, err
	}
	if got := row.Text("Description"); got != in.Description {
		if err := row.Set("Description", in.Description); err != nil {
			return 0, err
		}
	}
	if err := b.commit(ctx, ds, tableLine); err != nil {
		return 0, err
	}
	return number, nil
}
