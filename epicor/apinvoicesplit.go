package epicor

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// splits brings the expense rows of a line to what was asked for: the rows that
// stand there, the default one first, are changed, the rest is added. It never
// removes one, so a line with more rows than splits is an error.
func (b *building) splits(ctx context.Context, i, line int) error {
	want := b.in.Lines[i].Splits
	for j := range want {
		b.step, b.atSplit = fmt.Sprintf("line %d, split %d", i+1, j+1), j+1
		b.only(line)
		rows := expensesOf(b.ds, line)
		if j == 0 && len(rows) == 0 {
			// The answer to the line's commit need not hold what Epicor made beside it.
			if err := b.reread(ctx, line); err != nil {
				return err
			}
			rows = expensesOf(b.ds, line)
		}
		if len(rows) > len(want) {
			return fmt.Errorf("%w: line %d has %d splits, expected %d", ErrDiffers, line, len(rows), len(want))
		}
		if j < len(rows) {
			if err := b.change(ctx, rows[j], line, want[j]); err != nil {
				return err
			}
			continue
		}
		if err := b.add(ctx, line, want[j]); err != nil {
			return err
		}
		if len(expensesOf(b.ds, line)) <= len(rows) {
			if err := b.reread(ctx, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *building) reread(ctx context.Context, lines ...int) error {
	ds, err := b.s.GetByID(ctx, b.vendorNum, b.in.Number)
	if err != nil {
		return err
	}
	b.ds = ds
	b.only(lines...)
	return nil
}

// change gives an expense row that stands there its amount and GL account.
func (b *building) change(ctx context.Context, exp *Row, line int, want APInvoiceSplitInput) error {
	ds, table, err := b.changed(ctx, b.ds, exp, line, want)
	if err != nil || table == "" {
		return err
	}
	return b.commit(ctx, ds, table)
}

// changed works out what change commits, and for which table; "" is for none.
func (b *building) changed(ctx context.Context, ds *Tableset, exp *Row, line int, want APInvoiceSplitInput) (*Tableset, string, error) {
	seq := int(exp.Int("InvExpSeq"))
	amountRight := exp.Decimal("DocExpAmt").Value().Equal(want.Amount)
	gl := glRow(ds, exp)
	accountRight := gl != nil && gl.Text("GLAccount") == want.Account
	if amountRight && accountRight {
		return ds, "", nil
	}
	table := tableAccount
	if !amountRight {
		table = tableExpense
		if err := ds.Change(tableExpense, exp); err != nil {
			return nil, "", err
		}
		var err error
		if ds, err = b.amount(ctx, ds, want.Amount, Changed); err != nil {
			return nil, "", err
		}
	}
	if !accountRight {
		var err error
		if ds, err = b.account(ctx, ds, line, seq, want.Account); err != nil {
			return nil, "", err
		}
	}
	return ds, table, nil
}

// add adds an expense row with its amount and GL account.
func (b *building) add(ctx context.Context, line int, want APInvoiceSplitInput) error {
	known := 0
	for _, e := range expensesOf(b.ds, line) {
		known = max(known, int(e.Int("InvExpSeq")))
	}
	ds, exp, err := b.newExpense(ctx, b.ds, line, known)
	if err != nil {
		return err
	}
	seq := int(exp.Int("InvExpSeq"))
	if ds, err = b.amount(ctx, ds, want.Amount, Added); err != nil {
		return err
	}
	if ds, err = b.account(ctx, ds, line, seq, want.Account); err != nil {
		return err
	}
	return b.commit(ctx, ds, tableExpense)
}

// newExpense adds an expense row to a line whose highest is known. Nothing is
// committed.
func (b *building) newExpense(ctx context.Context, ds *Tableset, line, known int) (*Tableset, *Row, error) {
	ds, err := b.s.GetNewAPInvExp(ctx, ds, b.vendorNum, b.in.Number, line)
	if err != nil {
		return nil, nil, err
	}
	exp, err := added(ds, tableExpense)
	if err != nil {
		return nil, nil, err
	}
	if int(exp.Int("InvExpSeq")) == known+1 {
		return ds, exp, nil
	}
	now, err := b.s.GetByID(ctx, b.vendorNum, b.in.Number)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range expensesOf(now, line) {
		if n := int(e.Int("InvExpSeq")); n > known {
			return nil, nil, fmt.Errorf("%w: somebody else added split %d of line %d meanwhile", ErrConflict, n, line)
		}
	}
	return ds, exp, nil
}

// amount sets the amount of the one expense row that bears the mark.
func (b *building) amount(ctx context.Context, ds *Tableset, want decimal.Decimal, mark RowMod) (*Tableset, error) {
	first := want
	if b.in.DebitMemo {
		first = first.Neg()
	}
	row := func(ds *Tableset) (*Row, error) { return marked(ds, tableExpense, mark) }
	return settle(row, "DocExpAmt", want, ds, func(ds *Tableset, d Decimal) (*Tableset, error) {
		return b.s.ChangeExpLineAmt(ctx, ds, d)
	}, first)
}

// account sets the GL account of an expense row: in the row that is there, or in
// a new one.
func (b *building) account(ctx context.Context, ds *Tableset, line, seq int, account string) (*Tableset, error) {
	var exp *Row
	for _, e := range expensesOf(ds, line) {
		if int(e.Int("InvExpSeq")) == seq {
			exp = e
		}
	}
	if exp == nil {
		return nil, fmt.Errorf("the expense row %d of line %d went missing", seq, line)
	}
	gl := glRow(ds, exp)
	if gl == nil {
		var err error
		if ds, err = b.s.GetNewAPInvExpTGLC(ctx, ds, b.vendorNum, b.in.Number, line, seq); err != nil {
			return nil, err
		}
		if gl, err = added(ds, tableAccount); err != nil {
			return nil, err
		}
	} else if err := ds.Change(tableAccount, gl); err != nil {
		return nil, err
	}
	if err := gl.Set("GLAccount", account); err != nil {
		return nil, err
	}
	if gl.Text("COACode") == "" && exp.Text("COACode") != "" {
		if err := gl.Set("COACode", exp.Text("COACode")); err != nil {
			return nil, err
		}
	}
	segs := strings.Split(account, "|")
	for i := 1; i <= 20; i++ {
		column, v := fmt.Sprintf("SegValue%d", i), ""
		if i <= len(segs) {
			v = segs[i-1]
		}
		if v == "" && !gl.Has(column) {
			continue
		}
		if err := gl.Set(column, v); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

func added(ds *Tableset, table string) (*Row, error) { return marked(ds, table, Added) }

// marked returns the one row of a table that bears a mark. More than one would
// leave it to Epicor which of them a method works on.
func marked(ds *Tableset, table string, mark RowMod) (*Row, error) {
	var found *Row
	for _, r := range ds.Rows(table) {
		if r.Mod() != mark {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the answer holds several rows of %s marked %s", table, mark)
		}
		found = r
	}
	if found == nil {
		return nil, fmt.Errorf("the answer holds no row of %s marked %s", table, mark)
	}
	return found, nil
}
