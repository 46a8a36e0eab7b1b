package epicorsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Final says when a receipt is final.
type Final string

// When a receipt is final.
const (
	// Saved: the invoices stand in Epicor, in an entry group; people post them.
	Saved Final = "saved"
	// Posted: Epicor has posted them all.
	Posted Final = "posted"
)

// DefaultNumberLength is how long an invoice number may be unless the options
// say otherwise. It is from practice; the vendor's schema gives no lengths.
const DefaultNumberLength = 50

// InvoicesOptions are the optional parts of a sink. The zero value of each field
// is a good default.
type InvoicesOptions struct {
	// Final is what the flow promises; empty: Saved.
	Final Final
	// NumberLength is how long an invoice number may be; 0: what Verify of the
	// client found, else DefaultNumberLength.
	NumberLength int
	// Reversal says what Reverse does about an invoice that is posted; empty: Park.
	Reversal Reversal
	// PaymentColumn is the stamp of APTran by which Payments finds what is new;
	// empty: ChangeDate.
	PaymentColumn string
	// Now is the clock, of the day on which an invoice is cancelled; nil: time.Now.
	Now func() time.Time
	// DueDates hands the document's due date over; false: it follows from the
	// vendor's terms in Epicor.
	DueDates bool
	// PriceTolerance is by how many percent the amount of an ordered line may differ
	// from what its order says; zero: by nothing. What differs more is held.
	PriceTolerance decimal.Decimal
	// DuplicateDays is how many days before and behind a supplier's invoice one is
	// looked for that may be the same under a number written otherwise; 0: it is not
	// looked for. The same number is always refused.
	DuplicateDays int
	// Attachments reads the files that a posting names; nil: none are added. A file
	// that cannot be had is Missing in the receipt and tried again when the delivery is
	// looked at, or by Attach.
	Attachments Reader
	// AttachmentsFirst holds the receipt back, so that it is not final, until all
	// files are there. What is owed stands in Epicor all the same.
	AttachmentsFirst bool
}

// InvoiceSink makes AP invoices and debit memos of postings. Every one of them
// bears the delivery's key, by which it is found again; nothing without the key
// is ever changed.
type InvoiceSink struct {
	c    *epicor.Client
	opts InvoicesOptions
}

var _ connector.Sink[document.Posting] = (*InvoiceSink)(nil)

// Invoices returns a sink that enters AP invoices into the company of c.
func Invoices(c *epicor.Client, opts *InvoicesOptions) *InvoiceSink {
	s := &InvoiceSink{c: c}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Final == "" {
		s.opts.Final = Saved
	}
	if s.opts.Reversal == "" {
		s.opts.Reversal = Park
	}
	if s.opts.PaymentColumn == "" {
		s.opts.PaymentColumn = DefaultPaymentColumn
	}
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	return s
}

// numberLength is how long an invoice number may be.
func (s *InvoiceSink) numberLength() int {
	if s.opts.NumberLength > 0 {
		return s.opts.NumberLength
	}
	if n := s.c.NumberLength(); n > 0 {
		return n
	}
	return DefaultNumberLength
}

// Find looks in Epicor for what bears the delivery's key, of whatever vendor,
// and for what stands in its way: another invoice with the vendor and the number
// of one of the set.
func (s *InvoiceSink) Find(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Finding, error) {
	ins, err := s.inputs(d)
	if err != nil {
		// The posting cannot be entered as it stands; what bears its key is found all the same.
		ins = nil
	}
	seen, ferr := s.look(ctx, d.Key(), ins)
	if ferr != nil {
		return connector.Finding{}, trouble(ferr)
	}
	f := seen.finding()
	if err != nil && f.Presence == connector.Same {
		f.Presence = connector.Absent
	}
	f.Receipt = s.receipt(seen.invoices(), nil)
	if f.Presence == connector.Same {
		// Files are no part of what is compared, so one that is missing is no reason to
		// deliver again; it is only added.
		s.complete(&f.Receipt, s.attach(ctx, d, ins, seen.of))
		// A process that was killed between its last write and giving the group free
		// left it locked, and nothing else will be delivered that would free it.
		if err := s.release(ctx, seen.invoices()); err != nil {
			return connector.Finding{}, trouble(err)
		}
	}
	return f, nil
}

// release gives the groups of invoices that are not posted free, where our own
// user holds them and nobody here works in them.
func (s *InvoiceSink) release(ctx context.Context, invs []*epicor.APInvoice) error {
	done := map[string]bool{}
	for _, inv := range invs {
		if inv.Posted || inv.Group == "" || done[inv.Group] {
			continue
		}
		done[inv.Group] = true
		if err := s.c.APInvoices.Release(ctx, inv.Group); err != nil {
			return err
		}
	}
	return nil
}

// Deliver makes the set, or completes it: invoices that stand there with the
// key are left alone, half-built ones are finished, missing ones entered.
func (s *InvoiceSink) Deliver(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	ins, err := s.inputs(d)
	if err != nil {
		return connector.Receipt{}, err
	}
	seen, err := s.look(ctx, d.Key(), ins)
	if err != nil {
		return connector.Receipt{}, trouble(err)
	}
	if len(seen.strangers) > 0 {
		return connector.Receipt{}, taken(seen.strangers[0])
	}
	if f := seen.finding(); f.Presence == connector.Different {
		// Not a refusal: the engine looks again and asks a person, and nothing is taken back.
		return connector.Receipt{}, fmt.Errorf("epicorsync: what bears the key %s was changed: %s", d.Key(), f.Why)
	}
	held, err := s.variances(ctx, d.Posting, seen.of)
	if err != nil {
		return connector.Receipt{}, trouble(err)
	}
	twice, err := s.duplicates(ctx, d.Posting, ins, seen.of)
	if err != nil {
		return connector.Receipt{}, trouble(err)
	}
	if held = append(held, twice...); len(held) > 0 {
		return connector.Receipt{}, &connector.Rejection{Issues: held}
	}
	var made []*epicor.APInvoice
	var notes []string
	for i := range ins {
		inv, err := s.make(ctx, &ins[i], seen.of[i])
		if err != nil {
			return connector.Receipt{}, refusal(err, i, &ins[i])
		}
		made = append(made, inv)
		for _, w := range inv.Warnings {
			notes = append(notes, inv.Number+": "+w)
		}
	}
	r := s.receipt(made, notes)
	s.complete(&r, s.attach(ctx, d, ins, made))
	return r, nil
}

// make enters one invoice, or completes the one that is there.
func (s *InvoiceSink) make(ctx context.Context, in *epicor.APInvoiceInput, there *epicor.APInvoice) (*epicor.APInvoice, error) {
	if there != nil {
		if len(in.Diff(there)) == 0 {
			return there, nil
		}
		return s.c.APInvoices.Resume(ctx, *in)
	}
	inv, err := s.c.APInvoices.Create(ctx, *in)
	var e *epicor.Error
	if !errors.As(err, &e) || !e.Duplicate() {
		return inv, err
	}
	// It appeared since we looked, or the answer to our own write was lost on the
	// way and sent again by something between.
	there, ferr := s.c.APInvoices.FindByNumber(ctx, in.VendorID, in.Number)
	switch {
	case ferr != nil:
		return nil, fmt.Errorf("the number is taken, they say, but cannot be looked up: %w", ferr)
	case there.Key != in.Key:
		return nil, taken(there)
	case len(in.Diff(there)) == 0:
		return there, nil
	default:
		return s.c.APInvoices.Resume(ctx, *in)
	}
}

// inputs turns a delivery into what is to be entered; a posting that cannot be
// entered as it stands is a Rejection.
func (s *InvoiceSink) inputs(d connector.Delivery[document.Posting]) ([]epicor.APInvoiceInput, error) {
	p := d.Posting
	var issues []connector.Issue
	if p.Company != "" && p.Company != s.c.Company() {
		return nil, &connector.Rejection{Issues: []connector.Issue{found(CompanyForeign, "company", p.Company,
			"the document belongs to another company than "+s.c.Company()+", which this flow posts to")}}
	}
	if err := p.Check(); err != nil {
		var fs document.Faults
		errors.As(err, &fs)
		for _, f := range fs {
			if f.Field == "company" {
				continue // the client has one
			}
			issues = append(issues, found(string(f.Code), f.Field, f.Value, f.Message))
		}
	}
	ins := make([]epicor.APInvoiceInput, 0, len(p.Invoices))
	seen := map[[2]string]bool{}
	for i, inv := range p.Invoices {
		field := fmt.Sprintf("invoice %d", i+1)
		in, err := s.input(inv, d)
		if err != nil {
			continue // an invalid date, which the check has named
		}
		if n := utf8.RuneCountInString(in.Number); n > s.numberLength() {
			issues = append(issues, found(NumberTooLong, field+", number", in.Number,
				fmt.Sprintf("the invoice number has %d characters, Epicor takes %d, and it is never cut", n, s.numberLength())))
		}
		id := [2]string{in.VendorID, in.Number}
		if seen[id] {
			issues = append(issues, found(PostingMismatch, field+", number", in.Number, "two invoices of the set have one vendor and one number"))
		}
		seen[id] = true
		ins = append(ins, in)
	}
	if len(ins) < len(p.Invoices) && len(issues) == 0 {
		issues = append(issues, found(DateInvalid, "", "", "a date of the posting is no calendar date"))
	}
	if len(issues) > 0 {
		return nil, &connector.Rejection{Issues: issues}
	}
	return ins, nil
}

func (s *InvoiceSink) input(inv document.APInvoice, d connector.Delivery[document.Posting]) (epicor.APInvoiceInput, error) {
	in := epicor.APInvoiceInput{
		Key: d.Key(), VendorID: inv.Vendor, Number: inv.Number, DebitMemo: inv.DebitMemo,
		Currency: inv.Currency, Description: inv.Description, Group: inv.Group, Terms: inv.Terms,
	}
	// A number that we made up changes with each generation, since Epicor never
	// takes the number of a cancelled invoice again. A supplier's own stays.
	if inv.MadeUp && d.Generation > 1 {
		in.Number += "-" + strconv.Itoa(d.Generation)
	}
	var errs [3]error
	in.Date, errs[0] = epicor.ParseDate(string(inv.Date))
	in.ApplyDate, errs[1] = epicor.ParseDate(string(inv.ApplyDate))
	if s.opts.DueDates {
		in.DueDate, errs[2] = epicor.ParseDate(string(inv.Due))
	}
	for _, l := range inv.Lines {
		line := epicor.APInvoiceLineInput{Description: l.Description, Amount: l.Amount}
		if l.Order != nil {
			line.Ordered = ordered(l.Order)
		}
		for _, sp := range l.Splits {
			line.Splits = append(line.Splits, epicor.APInvoiceSplitInput{Account: sp.Account, Amount: sp.Amount})
		}
		in.Lines = append(in.Lines, line)
	}
	for _, t := range inv.Taxes {
		in.Taxes = append(in.Taxes, epicor.APInvoiceTaxInput{Code: t.Code, Rate: t.Rate, Amount: t.Amount})
	}
	return in, errors.Join(errs[:]...)
}

// sight is what stands in Epicor of one delivery.
type sight struct {
	ins       []epicor.APInvoiceInput
	of        []*epicor.APInvoice // ours, for each input; nil: not there
	strays    []*epicor.APInvoice // bear the key and belong to no input
	strangers []*epicor.APInvoice // headers in the way: an input's vendor and number, without the key
}

// numbersPerQuery keeps the address of a request short enough for the strictest
// servers.
const numbersPerQuery = 15

func (s *InvoiceSink) look(ctx context.Context, key string, ins []epicor.APInvoiceInput) (*sight, error) {
	v := &sight{ins: ins, of: make([]*epicor.APInvoice, len(ins))}
	ours, err := s.c.APInvoices.Find(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, inv := range ours {
		i := slices.IndexFunc(ins, func(in epicor.APInvoiceInput) bool {
			return in.VendorID == inv.VendorID && in.Number == inv.Number
		})
		if i < 0 {
			v.strays = append(v.strays, inv)
			continue
		}
		v.of[i] = inv
	}
	var missing []epicor.APInvoiceInput
	for i, in := range ins {
		if v.of[i] == nil {
			missing = append(missing, in)
		}
	}
	for chunk := range slices.Chunk(missing, numbersPerQuery) {
		numbers := make([]string, 0, len(chunk))
		for _, in := range chunk {
			numbers = append(numbers, in.Number)
		}
		for inv, err := range s.c.APInvoices.List(ctx, odata.Query{Filter: odata.In("InvoiceNum", numbers...)}) {
			if err != nil {
				return nil, err
			}
			if inv.Key != key && slices.ContainsFunc(chunk, func(in epicor.APInvoiceInput) bool {
				return in.VendorID == inv.VendorID && strings.EqualFold(in.Number, inv.Number)
			}) {
				v.strangers = append(v.strangers, inv)
			}
		}
	}
	return v, nil
}

func (v *sight) invoices() []*epicor.APInvoice {
	var out []*epicor.APInvoice
	for _, inv := range v.of {
		if inv != nil {
			out = append(out, inv)
		}
	}
	return append(out, v.strays...)
}

func (v *sight) finding() connector.Finding {
	var why, lacks []string
	there := 0
	for _, inv := range v.strays {
		why = append(why, fmt.Sprintf("invoice %s of vendor %s bears the key and is none of the set", inv.Number, inv.VendorID))
	}
	for _, inv := range v.strangers {
		said := fmt.Sprintf("invoice %s of vendor %s stands there without the key (%s %s)", inv.Number, inv.VendorID, inv.Amount, inv.Currency)
		if inv.Cancelled != "" {
			said += ", cancelled by " + inv.Cancelled + ": its number cannot be used twice, so enter the document by hand under another number"
		}
		why = append(why, said)
	}
	for i := range v.ins {
		in, inv := &v.ins[i], v.of[i]
		if inv == nil {
			lacks = append(lacks, "invoice "+in.Number+" is missing")
			continue
		}
		there++
		switch d := in.Diff(inv); {
		case inv.Cancelled != "":
			why = append(why, fmt.Sprintf("invoice %s was cancelled by %s", inv.Number, inv.Cancelled))
		case len(d) == 0:
		case inv.Posted:
			why = append(why, fmt.Sprintf("invoice %s is posted and differs: %s", inv.Number, strings.Join(d, "; ")))
		default:
			if c := in.Conflicts(inv); len(c) > 0 {
				why = append(why, fmt.Sprintf("invoice %s differs: %s", inv.Number, strings.Join(c, "; ")))
				continue
			}
			lacks = append(lacks, fmt.Sprintf("invoice %s is not whole: %s", inv.Number, strings.Join(d, "; ")))
		}
	}
	switch {
	case len(why) > 0:
		return connector.Finding{Presence: connector.Different, Why: strings.Join(why, "; ")}
	case len(lacks) == 0:
		return connector.Finding{Presence: connector.Same}
	case there == 0:
		return connector.Finding{Presence: connector.Absent}
	default:
		return connector.Finding{Presence: connector.Partial, Why: strings.Join(lacks, "; ")}
	}
}

func (s *InvoiceSink) receipt(invs []*epicor.APInvoice, notes []string) connector.Receipt {
	r := connector.Receipt{Final: true, Notes: notes}
	for _, inv := range invs {
		r.Made = append(r.Made, made(inv))
		if s.opts.Final == Posted && !inv.Posted {
			r.Final = false
		}
	}
	return r
}

func made(inv *epicor.APInvoice) connector.Made {
	return connector.Made{
		ID: inv.ID(), Number: inv.Number, Company: inv.Company, Party: inv.VendorID,
		Batch: inv.Group, Date: inv.ApplyDate.String(),
		Totals: []connector.Total{{Company: inv.Company, Currency: inv.Currency, Amount: inv.Amount.Value()}},
	}
}
