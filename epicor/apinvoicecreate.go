package epicor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	if err := s.fit(&in, group); err != nil {
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
		if !known && !t.Amount.Value().IsZero() {
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

func (s *APInvoiceService) inGroup(ctx context.Context, in *APInvoiceInput, group string, apply Date, before Outcome, work func(*building) error) (inv *APInvoice, err error) {
	b := &building{s: s, in: in, group: group, step: "group", outcome: before}
	leave, err := s.enter(ctx, group, apply)
	if err != nil {
		return nil, b.fail(err)
	}
	// Deferred, so that a panic of somebody's transport leaves no lock either.
	defer func() { err = stays(inv, err, group, leave(ctx)) }()
	return b.run(ctx, work)
}

// stays adds to what a call gave that its group could not be given free.
func stays(inv *APInvoice, err error, group string, lerr error) error {
	if lerr == nil {
		return err
	}
	text := "the group " + group + " could not be given free: " + oneLine(lerr.Error())
	var failed *APInvoiceError
	switch {
	case errors.As(err, &failed):
		// As text: what kind of failure it is, the first one says.
		also := *failed
		also.Err = fmt.Errorf("%w; besides, %s", failed.Err, text)
		return &also
	case err != nil:
		return fmt.Errorf("%w; besides, %s", err, text)
	case inv != nil:
		inv.Warnings = append(inv.Warnings, text)
	}
	return err
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
