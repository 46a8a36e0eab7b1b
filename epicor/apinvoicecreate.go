package epicor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Outcome says what is in Epicor after a call that failed.
type Outcome string

// The outcomes of a call that failed.
const (
	// NotCommitted: certainly nothing of the invoice is there because of this call.
	NotCommitted Outcome = "not committed"
	// Committed: the invoice is there, perhaps without some of its lines: Resume or Delete it.
	Committed Outcome = "committed"
	// Unknown: it may be there or appear yet: Find it.
	Unknown Outcome = "unknown"
)

// APInvoiceError is a Create or Resume that did not reach its end: what is there
// now, and which step failed. The cause is reached with errors.As and errors.Is.
type APInvoiceError struct {
	Step    string // "group", "header", "line 2", "line 2, split 1", "check", "unlock"
	Outcome Outcome
	Number  string
	// Line and Split say where, counted from 1 in the input; 0: not in a line.
	Line, Split int
	Err         error
}

// Error returns the step, the outcome and the cause on one line.
func (e *APInvoiceError) Error() string {
	return fmt.Sprintf("epicor: AP invoice %s: %s (%s): %s", e.Number, e.Step, e.Outcome, oneLine(strings.TrimPrefix(e.Err.Error(), "epicor: ")))
}

// Unwrap returns the cause.
func (e *APInvoiceError) Unwrap() error { return e.Err }

var (
	// ErrDiffers says that what stands in Epicor is not what was asked for.
	ErrDiffers = errors.New("epicor: what stands there differs")
	// ErrKeyLost says that an invoice was saved without the key by which it is found
	// again: a customisation took it off, or the column cannot be written. It
	// stands in Epicor; nothing that looks for the key will ever find it.
	ErrKeyLost = errors.New("epicor: Epicor did not keep the key")
	// ErrQuestion says that Epicor asked a question in its answer instead of saving.
	ErrQuestion = errors.New("epicor: Epicor asks a question and saved nothing")
)

// Create enters an invoice or a debit memo: it makes or uses the entry group,
// locks it, saves the header with number and key in its first commit, adds each
// line with its GL splits, reads everything back, compares it to the digit and
// gives the group free, whatever happened.
//
// It does not look for an invoice that is there already; Epicor refuses a second
// one with the same vendor and number, which is an *Error with Duplicate true.
// When it fails, the error is an *APInvoiceError; after Committed and Unknown
// the invoice is to be found and resumed or deleted, never created again.
func (s *APInvoiceService) Create(ctx context.Context, in APInvoiceInput) (*APInvoice, error) {
	if err := in.check(); err != nil {
		return nil, &APInvoiceError{Step: "input", Outcome: NotCommitted, Number: in.Number, Err: err}
	}
	group := s.groupName(&in)
	if err := errors.Join(s.fits(tableHeader, "InvoiceNum", in.Number), s.fits(tableGroup, "GroupID", group), s.fits(tableHeader, s.opts.KeyColumn, in.Key)); err != nil {
		return nil, &APInvoiceError{Step: "input", Outcome: NotCommitted, Number: in.Number, Err: err}
	}
	return s.inGroup(ctx, &in, group, in.ApplyDate, NotCommitted, func(b *building) error {
		if err := b.header(ctx, group); err != nil {
			return err
		}
		return b.rest(ctx)
	})
}

// Resume completes an invoice that Create left unfinished: missing lines and
// splits are added, what is there is never entered again. The invoice must bear
// the key of the input and not be posted, and what is there of it must be the
// beginning of what was asked for; else nothing is touched and the error is
// ErrDiffers or ErrPosted. No such invoice: ErrNotFound. A whole one is returned
// as it is.
func (s *APInvoiceService) Resume(ctx context.Context, in APInvoiceInput) (*APInvoice, error) {
	fail := func(step string, o Outcome, err error) (*APInvoice, error) {
		return nil, &APInvoiceError{Step: step, Outcome: o, Number: in.Number, Err: err}
	}
	if err := in.check(); err != nil {
		return fail("input", Unknown, err)
	}
	v, err := s.vendor(ctx, in.VendorID)
	if err != nil {
		return fail("read", Unknown, err)
	}
	inv, ds, err := s.read(ctx, v.VendorNum, in.Number)
	if err != nil {
		return fail("read", Unknown, err)
	}
	if inv.Key != in.Key {
		return fail("read", Committed, fmt.Errorf("%w: invoice %s does not bear the key", ErrDiffers, inv.ID()))
	}
	whole := len(in.Diff(inv)) == 0
	if whole && len(in.Lacks(inv)) == 0 {
		return inv, nil
	}
	if inv.Posted {
		return fail("read", Committed, fmt.Errorf("%w: invoice %s, which is not whole", ErrPosted, inv.ID()))
	}
	if d := in.Conflicts(inv); len(d) > 0 {
		return fail("read", Committed, fmt.Errorf("%w: %s", ErrDiffers, strings.Join(d, "; ")))
	}
	return s.inGroup(ctx, &in, inv.Group, inv.ApplyDate, Committed, func(b *building) error {
		b.vendorNum, b.ds, b.have = v.VendorNum, ds, len(inv.Lines)
		for _, l := range inv.Lines {
			b.last = max(b.last, l.Line)
		}
		if whole {
			return b.files(ctx)
		}
		return b.rest(ctx)
	})
}

// Conflicts says what keeps an invoice in Epicor from being an unfinished
// beginning of the input, which Resume could complete: another header, more
// lines, other amounts. Nothing: it is one, or is whole.
func (in *APInvoiceInput) Conflicts(got *APInvoice) []string {
	d := in.diffHeader(got)
	if len(got.Lines) > len(in.Lines) {
		return append(d, fmt.Sprintf("%d lines, expected %d", len(got.Lines), len(in.Lines)))
	}
	for i, l := range got.Lines {
		want := in.Lines[i]
		if why := want.differs(l); why != "" {
			d = append(d, why)
		}
		if want.Ordered != nil {
			continue // its amount is set after the order's line was taken
		}
		if !l.Amount.Value().Equal(want.Amount) {
			d = append(d, fmt.Sprintf("line %d is %s, expected %s", l.Line, l.Amount, want.Amount))
		}
		if len(l.Splits) > len(want.Splits) {
			d = append(d, fmt.Sprintf("line %d has %d splits, expected %d", l.Line, len(l.Splits), len(want.Splits)))
		}
	}
	for _, t := range got.Taxes {
		known := slices.ContainsFunc(in.Taxes, func(w APInvoiceTaxInput) bool { return w.Code == t.Code && w.Rate == t.Rate })
		if !known && !t.Amount.IsZero() {
			d = append(d, fmt.Sprintf("the tax %s of %s was not asked for", t.Code, t.Amount))
		}
	}
	return d
}

// building is one invoice being entered. ds is what stands there, as it was last
// read; have is how many lines of it were there before.
type building struct {
	s         *APInvoiceService
	in        *APInvoiceInput
	group     string
	vendorNum int
	ds        *Tableset
	have      int
	last      int // number of the last line that we know of
	warnings  []string

	step        string
	at, atSplit int
	outcome     Outcome
}

func (s *APInvoiceService) inGroup(ctx context.Context, in *APInvoiceInput, group string, apply Date, before Outcome, work func(*building) error) (*APInvoice, error) {
	b := &building{s: s, in: in, group: group, step: "group", outcome: before}
	leave, err := s.enter(ctx, group, apply)
	if err != nil {
		return nil, b.fail(err)
	}
	inv, err := b.run(ctx, work)
	if lerr := leave(ctx); lerr != nil && err == nil {
		inv.Warnings = append(inv.Warnings, "the group "+group+" could not be given free: "+lerr.Error())
	}
	return inv, err
}

func (b *building) run(ctx context.Context, work func(*building) error) (*APInvoice, error) {
	if err := work(b); err != nil {
		return nil, b.fail(err)
	}
	b.step, b.at, b.atSplit = "check", 0, 0
	inv, err := b.s.Get(ctx, b.vendorNum, b.in.Number)
	if err != nil {
		return nil, b.fail(err)
	}
	if inv.Key != b.in.Key {
		return nil, b.fail(fmt.Errorf("%w: invoice %s", ErrKeyLost, inv.ID()))
	}
	d := b.in.Diff(inv)
	for _, name := range b.in.Lacks(inv) {
		d = append(d, "the file "+name+" is missing")
	}
	if len(d) > 0 {
		return nil, b.fail(fmt.Errorf("%w: %s", ErrDiffers, strings.Join(d, "; ")))
	}
	inv.Warnings = b.warnings
	return inv, nil
}

func (b *building) fail(err error) error {
	return &APInvoiceError{Step: b.step, Outcome: b.outcome, Number: b.in.Number, Line: b.at, Split: b.atSplit, Err: err}
}

func (b *building) warn(messages ...string) {
	for _, m := range messages {
		if m != "" {
			b.warnings = append(b.warnings, oneLine(m))
		}
	}
}

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

// commit saves the marked rows and keeps what stands there now.
func (b *building) commit(ctx context.Context, ds *Tableset, table string) error {
	out, u, err := b.s.UpdateMaster(ctx, ds, b.group, table)
	if err != nil {
		return err
	}
	if !u.Committed {
		return fmt.Errorf("%w: %s", ErrQuestion, strings.Join(u.Messages, "; "))
	}
	b.warn(u.Messages...)
	b.ds = out
	return nil
}

// rest adds everything that comes after the header.
func (b *building) rest(ctx context.Context) error {
	if err := b.lines(ctx); err != nil {
		return err
	}
	if err := b.taxes(ctx); err != nil {
		return err
	}
	return b.files(ctx)
}

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

// slim keeps the rows of one line, so that an invoice of a hundred lines does
// not send all of them a hundred times. Every table stays, and of every row that
// stays every column.
func (b *building) slim(line int) {
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
