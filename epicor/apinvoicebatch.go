package epicor

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// together says how many lines from the i-th on are saved with one call: such as
// refer to no order, and either all of them stand there already or none does.
func (b *building) together(i int) int {
	n := 0
	for n < b.s.opts.LinesAtOnce && i+n < len(b.in.Lines) && b.in.Lines[i+n].Ordered == nil && (i+n < b.have) == (i < b.have) {
		n++
	}
	return max(n, 1)
}

// batch brings n lines from the i-th on in order: those that are missing are
// saved with one call, the splits of all of them with another. there are the
// numbers of those that stand there. What Epicor refuses as a whole is entered
// line by line, so that the error says which of them it is about; what it kept
// a part of, too, so that each row is there once.
func (b *building) batch(ctx context.Context, i, n int, there []int) error {
	numbers := there
	if i >= b.have {
		b.step, b.at, b.atSplit = fmt.Sprintf("lines %d to %d", i+1, i+n), 0, 0
		var err error
		if numbers, err = b.newLines(ctx, b.in.Lines[i:i+n]); invalid(err) {
			if err := b.reread(ctx); err != nil {
				return err
			}
			numbers, err = nil, nil
		}
		if err != nil {
			return err
		}
	}
	if len(numbers) > 0 {
		b.step, b.at, b.atSplit = fmt.Sprintf("splits of lines %d to %d", i+1, i+len(numbers)), 0, 0
		err := b.newSplits(ctx, i, numbers)
		if err != nil && !invalid(err) {
			return err
		}
		if err == nil && len(numbers) == n {
			right, err := b.booked(ctx, i, numbers)
			if right || err != nil {
				return err
			}
		}
	}
	// One at a time from here on, beginning with what stands there now.
	if err := b.reread(ctx, numbers...); err != nil {
		return err
	}
	for j := range n {
		number := 0
		if j < len(numbers) {
			number = numbers[j]
		}
		if err := b.single(ctx, i+j, number); err != nil {
			return err
		}
	}
	return nil
}

// invalid reports whether Epicor refused something for a rule of its own.
func invalid(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Refused() && errors.Is(e, ErrInvalid)
}

// newLines saves lines with one call and returns the numbers that they got, in
// order: all of them, or those that Epicor kept.
func (b *building) newLines(ctx context.Context, want []APInvoiceLineInput) ([]int, error) {
	b.only()
	all, first := b.ds.part(), 0
	for m := range want {
		ds, row, err := b.newLine(ctx, &want[m])
		if err != nil {
			return nil, err
		}
		// Nothing is saved between them, so that each gets the number of the first.
		if n := int(row.Int("InvoiceLine")); m == 0 || n != first {
			if err := b.alone(ctx, n); err != nil {
				return nil, err
			}
			first = n
		}
		if err := row.Set("InvoiceLine", b.last+1+m); err != nil {
			return nil, err
		}
		all.take(tableLine, ds)
	}
	before := b.last
	if err := b.commit(ctx, all, tableLine); err != nil {
		return nil, err
	}
	rows := b.after(before)
	if len(rows) != len(want) {
		// The answer need not hold what it was not given.
		ds, err := b.s.GetByID(ctx, b.vendorNum, b.in.Number)
		if err != nil {
			return nil, err
		}
		b.ds = ds
		rows = b.after(before)
	}
	if len(rows) > len(want) {
		return nil, fmt.Errorf("%w: somebody else added a line meanwhile", ErrConflict)
	}
	numbers := make([]int, 0, len(rows))
	for m, r := range rows {
		if got := r.Decimal("DocExtCost").Value(); !got.Equal(want[m].Amount) {
			return nil, fmt.Errorf("%w: line %d became %s, expected %s", ErrDiffers, r.Int("InvoiceLine"), got, want[m].Amount)
		}
		numbers = append(numbers, int(r.Int("InvoiceLine")))
		b.last = max(b.last, int(r.Int("InvoiceLine")))
	}
	return numbers, nil
}

// after returns the lines behind a number, in the order of their numbers.
func (b *building) after(last int) []*Row {
	rows := slices.DeleteFunc(b.ds.Current(tableLine), func(r *Row) bool { return int(r.Int("InvoiceLine")) <= last })
	slices.SortStableFunc(rows, func(x, y *Row) int { return int(x.Int("InvoiceLine") - y.Int("InvoiceLine")) })
	return rows
}

// newSplits brings the expense rows of several lines, from the i-th of the input
// on, to what was asked for, as splits does, with one commit. Each row is worked
// out with its own line alone.
func (b *building) newSplits(ctx context.Context, i int, numbers []int) error {
	b.only(numbers...)
	if slices.ContainsFunc(numbers, func(n int) bool { return len(expensesOf(b.ds, n)) == 0 }) {
		// The answer to the lines' commit need not hold what Epicor made beside them.
		if err := b.reread(ctx, numbers...); err != nil {
			return err
		}
	}
	all := b.ds.part(tableLine)
	for m, line := range numbers {
		own := b.ds.clone(tableLine, tableExpense, tableAccount)
		own.only(line)
		if err := b.worked(ctx, all, own, i+m, line); err != nil {
			return err
		}
	}
	table := tableAccount
	if slices.ContainsFunc(all.tables[tableExpense], func(r *Row) bool { return r.Mod() != Unchanged }) {
		table = tableExpense
	} else if !slices.ContainsFunc(all.tables[tableAccount], func(r *Row) bool { return r.Mod() != Unchanged }) {
		return nil
	}
	return b.commit(ctx, all, table)
}

// booked reports whether lines have the splits that were asked for. Status 200
// does not say that every row was saved.
func (b *building) booked(ctx context.Context, i int, numbers []int) (bool, error) {
	for range 2 {
		expenses, accounts := byLine(b.ds.Current(tableExpense)), byLine(b.ds.Current(tableAccount))
		right := true
		for m, line := range numbers {
			var got []APInvoiceSplit
			for _, e := range expenses[line] {
				got = append(got, APInvoiceSplit{Account: accountOf(accounts[line], e), Amount: e.Decimal("DocExpAmt")})
			}
			right = right && slices.Equal(splitsOf(got), splitsIn(b.in.Lines[i+m].Splits))
		}
		if right {
			return true, nil
		}
		// The answer need not hold what it was not given.
		if err := b.reread(ctx, numbers...); err != nil {
			return false, err
		}
	}
	return false, nil
}

// worked adds to all the rows of one line as they shall be. own are those that
// stand there.
func (b *building) worked(ctx context.Context, all, own *Tableset, i, line int) error {
	want, rows := b.in.Lines[i].Splits, expensesOf(own, line)
	if len(rows) > len(want) {
		return fmt.Errorf("%w: line %d has %d splits, expected %d", ErrDiffers, line, len(rows), len(want))
	}
	known := 0
	for _, e := range rows {
		known = max(known, int(e.Int("InvExpSeq")))
	}
	next := known + 1
	for j, w := range want {
		if j < len(rows) {
			ds := own.part(tableLine)
			ds.put(tableExpense, rows[j])
			ds.put(tableAccount, slices.DeleteFunc(own.Rows(tableAccount), func(g *Row) bool { return g.Int("InvExpSeq") != rows[j].Int("InvExpSeq") })...)
			ds, _, err := b.changed(ctx, ds, rows[j], line, w)
			if err != nil {
				return err
			}
			all.take(tableExpense, ds)
			all.take(tableAccount, ds)
			continue
		}
		ds, exp, err := b.newExpense(ctx, own.part(tableLine), line, known)
		if err != nil {
			return err
		}
		seq := next + j - len(rows)
		if err := exp.Set("InvExpSeq", seq); err != nil {
			return err
		}
		if ds, err = b.amount(ctx, ds, w.Amount, Added); err != nil {
			return err
		}
		if ds, err = b.account(ctx, ds, line, seq, w.Account); err != nil {
			return err
		}
		all.take(tableExpense, ds)
		all.take(tableAccount, ds)
	}
	return nil
}
