package epicor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// APInvoiceInput is an invoice or debit memo to be entered. Amounts are in the
// currency of the document and have their true sign: those of a debit memo add
// up to less than zero; the signs that Epicor wants are made of it.
type APInvoiceInput struct {
	// Key is our own mark, at most 50 characters; it is what Find looks for.
	Key       string
	VendorID  string
	Number    string // the vendor's invoice number, never changed or cut
	DebitMemo bool
	Currency  string // ISO 4217; empty: the vendor's
	Date      Date
	ApplyDate Date // decides the fiscal period
	// FiscalYear and FiscalPeriod are those that the apply date is of, where the
	// caller knows the calendar; 0: not known. They are never set, which Epicor does,
	// but what stands in another period differs.
	FiscalYear, FiscalPeriod int
	// Terms are payment terms by their code; empty: the vendor's, who must have some.
	Terms string
	// DueDate is set when it is given; else it follows from the vendor's terms.
	DueDate     Date
	Description string
	// Group is the entry group; empty: named by InvoiceOptions.
	Group string
	// Order is a purchase order to name on the header; 0: none. It must be of the vendor.
	Order int
	Lines []APInvoiceLineInput
	// Taxes are entered as they are, never calculated.
	Taxes []APInvoiceTaxInput
	// Attachments are uploaded and linked after everything else.
	Attachments []APInvoiceAttachmentInput
}

// APInvoiceLineInput is one line. Its splits add up to Amount; a line that was
// ordered has none.
type APInvoiceLineInput struct {
	Description string
	Amount      decimal.Decimal
	Splits      []APInvoiceSplitInput
	// Ordered makes it a line of a purchase order; nil: a miscellaneous line.
	Ordered *APInvoiceOrderInput
}

// APInvoiceOrderInput says which line of a purchase order is invoiced: what was
// received of it, or, with Unreceived, before it was. What Epicor finds for price
// and quantity gives way to the line's Amount.
type APInvoiceOrderInput struct {
	Order, Line int
	// PackSlip and PackLine choose among several receipts; empty and 0: the line
	// must have exactly one that is not invoiced.
	PackSlip string
	PackLine int
	// Unreceived invoices what has not arrived. Release 0 is 1; Quantity zero is
	// the release's.
	Unreceived bool
	Release    int
	Quantity   decimal.Decimal
}

// APInvoiceTaxInput is a tax of the whole invoice, true sign.
type APInvoiceTaxInput struct {
	Code, Rate string
	Amount     decimal.Decimal
}

// APInvoiceAttachmentInput is a file beside the invoice. Name is a file's name
// without a folder; on the server a mark of the invoice's key stands before it.
type APInvoiceAttachmentInput struct {
	Name, Description string
	DocType           string // document type of the company; "" is its default
	Data              []byte
}

// APInvoiceSplitInput books a share of a line to a GL account.
type APInvoiceSplitInput struct {
	Account string // segments joined by "|"
	Amount  decimal.Decimal
}

// Total is the sum of the lines and taxes, in true sign: what the supplier asks for.
func (in *APInvoiceInput) Total() decimal.Decimal { return in.net().Add(in.tax()) }

func (in *APInvoiceInput) net() decimal.Decimal {
	sum := decimal.Zero
	for _, l := range in.Lines {
		sum = sum.Add(l.Amount)
	}
	return sum
}

func (in *APInvoiceInput) tax() decimal.Decimal {
	sum := decimal.Zero
	for _, t := range in.Taxes {
		sum = sum.Add(t.Amount)
	}
	return sum
}

// check finds what would make a wrong invoice before anything is sent.
func (in *APInvoiceInput) check() error {
	var es []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			es = append(es, fmt.Errorf(format, args...))
		}
	}
	need(in.Key != "" && len(in.Key) <= 50, "the key needs 1 to 50 characters")
	need(in.VendorID != "", "no vendor")
	need(in.Number != "", "no invoice number")
	need(!in.Date.IsZero(), "no invoice date")
	need(!in.ApplyDate.IsZero(), "no apply date")
	need(len(in.Lines) > 0, "no lines")
	need(in.DebitMemo == in.Total().IsNegative(), "the lines add up to %s and debit memo is %t", in.Total(), in.DebitMemo)
	codes := map[[2]string]bool{}
	for _, t := range in.Taxes {
		need(t.Code != "" && !codes[[2]string{t.Code, t.Rate}], "the tax %q has no code or stands there twice", t.Code)
		codes[[2]string{t.Code, t.Rate}] = true
	}
	names := map[string]bool{}
	for _, a := range in.Attachments {
		need(checkFileName(a.Name) == nil && !names[a.Name], "the file %.80q has no name of its own", a.Name)
		names[a.Name] = true
	}
	for i, l := range in.Lines {
		if o := l.Ordered; o != nil {
			need(o.Order > 0 && o.Line > 0, "line %d names no line of an order", i+1)
			need(len(l.Splits) == 0, "line %d is ordered, so the order says where it is booked", i+1)
			continue
		}
		need(len(l.Splits) > 0, "line %d has no GL account", i+1)
		sum := decimal.Zero
		for j, s := range l.Splits {
			need(s.Account != "", "line %d, split %d has no GL account", i+1, j+1)
			need(len(strings.Split(s.Account, "|")) <= 20, "line %d, split %d: a GL account has at most 20 segments", i+1, j+1)
			sum = sum.Add(s.Amount)
		}
		need(sum.Equal(l.Amount), "the splits of line %d add up to %s, not to %s", i+1, sum, l.Amount)
	}
	return errors.Join(es...)
}

// Diff says in what an invoice in Epicor differs from the input: vendor, number,
// kind, currency, dates and, where they are given, fiscal period and order; total,
// taxes by code and rate, lines, splits and accounts; of ordered lines order, line,
// receipt and, where given, release and quantity. Nothing: they are the same. Lines are compared in order, the splits of a
// line in any order; descriptions, due date, group and attachments are no part of
// it, since people may change them without changing what is owed; see Lacks. The
// text holds amounts and codes, no names.
func (in *APInvoiceInput) Diff(got *APInvoice) []string {
	d := in.diffHeader(got)
	if len(got.Lines) != len(in.Lines) {
		d = append(d, fmt.Sprintf("%d lines, expected %d", len(got.Lines), len(in.Lines)))
	}
	for i := range min(len(got.Lines), len(in.Lines)) {
		l, want := got.Lines[i], in.Lines[i]
		if !l.Amount.Value().Equal(want.Amount) {
			d = append(d, fmt.Sprintf("line %d is %s, expected %s", l.Line, l.Amount, want.Amount))
		}
		if why := want.differs(l); why != "" {
			d = append(d, why)
		}
		if want.Ordered != nil {
			continue
		}
		if a, b := splitsOf(l.Splits), splitsIn(want.Splits); !slices.Equal(a, b) {
			d = append(d, fmt.Sprintf("line %d is booked to %s, expected %s", l.Line, strings.Join(a, ", "), strings.Join(b, ", ")))
		}
	}
	switch {
	case got.Tax.Value().Equal(in.tax()):
		// One sum may be made of other taxes: another code is another account and another return.
		if a, b := taxesOf(got.Taxes), taxesIn(in.Taxes); !slices.Equal(a, b) {
			d = append(d, fmt.Sprintf("the taxes are %s, expected %s", orNone(a), orNone(b)))
		}
	case in.tax().IsZero():
		d = append(d, fmt.Sprintf("Epicor added %s of tax, expected none", got.Tax))
	default:
		d = append(d, fmt.Sprintf("the tax is %s, expected %s", got.Tax, in.tax()))
	}
	// Whether the amount holds the tax is not documented; the rest says what it is.
	if total := got.Amount.Value(); !total.Equal(in.Total()) && !total.Equal(in.net()) {
		d = append(d, fmt.Sprintf("the total is %s, expected %s", got.Amount, in.Total()))
	}
	return d
}

// differs says in what a line is of another order or receipt, "" for nothing.
func (want *APInvoiceLineInput) differs(l APInvoiceLine) string {
	o := want.Ordered
	switch {
	case o == nil && l.Order == 0:
	case o == nil:
		return fmt.Sprintf("line %d is of order %d, expected none", l.Line, l.Order)
	case l.Order != o.Order || l.OrderLine != o.Line:
		return fmt.Sprintf("line %d is of order %d, line %d, expected %d, line %d", l.Line, l.Order, l.OrderLine, o.Order, o.Line)
	case o.Unreceived != (l.PackSlip == ""):
		return fmt.Sprintf("line %d is of receipt %q", l.Line, l.PackSlip)
	case o.Release != 0 && l.Release != o.Release, o.Unreceived && l.Release != max(o.Release, 1):
		return fmt.Sprintf("line %d is of release %d, expected %d", l.Line, l.Release, max(o.Release, 1))
	case !o.Quantity.IsZero() && !l.Quantity.Value().Abs().Equal(o.Quantity.Abs()):
		// Its sign on a debit memo is not documented.
		return fmt.Sprintf("line %d is of a quantity of %s, expected %s", l.Line, l.Quantity, o.Quantity)
	case o.PackSlip != "" && o.PackSlip != l.PackSlip || o.PackLine != 0 && o.PackLine != l.PackLine:
		return fmt.Sprintf("line %d is of receipt %q, line %d, expected %q, line %d", l.Line, l.PackSlip, l.PackLine, o.PackSlip, o.PackLine)
	}
	return ""
}

// Lacks names the attachments of the input that the invoice does not have.
func (in *APInvoiceInput) Lacks(got *APInvoice) []string {
	var out []string
	for _, a := range in.Attachments {
		if !slices.ContainsFunc(got.Attachments, func(g APInvoiceAttachment) bool { return in.isFile(a.Name, g.FileName) }) {
			out = append(out, a.Name)
		}
	}
	return out
}

// fileName is a file's name on the server: nobody else's there bears it.
func (in *APInvoiceInput) fileName(name string) string {
	h := sha256.Sum256([]byte(in.Key))
	return hex.EncodeToString(h[:8]) + "-" + name
}

// isFile reports whether a path on the server, of whatever kind, is this file.
func (in *APInvoiceInput) isFile(name, serverPath string) bool {
	return serverPath[strings.LastIndexAny(serverPath, `/\`)+1:] == in.fileName(name)
}

// diffHeader compares what a header has from its first commit on.
func (in *APInvoiceInput) diffHeader(got *APInvoice) []string {
	var d []string
	is := func(what, have, want string) {
		if have != want {
			d = append(d, fmt.Sprintf("%s is %q, expected %q", what, have, want))
		}
	}
	is("the vendor", got.VendorID, in.VendorID)
	is("the number", got.Number, in.Number)
	is("debit memo", fmt.Sprint(got.DebitMemo), fmt.Sprint(in.DebitMemo))
	if in.Currency != "" {
		is("the currency", got.Currency, in.Currency)
	}
	is("the invoice date", got.Date.String(), in.Date.String())
	is("the apply date", got.ApplyDate.String(), in.ApplyDate.String())
	if in.FiscalYear != 0 {
		is("the fiscal year", strconv.Itoa(got.FiscalYear), strconv.Itoa(in.FiscalYear))
	}
	if in.FiscalPeriod != 0 {
		is("the fiscal period", strconv.Itoa(got.FiscalPeriod), strconv.Itoa(in.FiscalPeriod))
	}
	if in.Order != 0 {
		is("the order", strconv.Itoa(got.Order), strconv.Itoa(in.Order))
	}
	// The check total's sign is flipped on a debit memo; whether a live tenant
	// shows it so or as stored does not matter here.
	if !got.VendorAmount.Value().Abs().Equal(in.Total().Abs()) {
		d = append(d, fmt.Sprintf("the vendor's total is %s, expected %s", got.VendorAmount, in.Total()))
	}
	return d
}

// taxesOf adds up the taxes of an invoice by code and rate: a reverse charge is
// two rows that are nothing together.
func taxesOf(ts []APInvoiceTax) []string {
	sums := map[[2]string]decimal.Decimal{}
	for _, t := range ts {
		k := [2]string{t.Code, t.Rate}
		sums[k] = sums[k].Add(t.Amount.Value())
	}
	return taxTexts(sums)
}

func taxesIn(ts []APInvoiceTaxInput) []string {
	sums := map[[2]string]decimal.Decimal{}
	for _, t := range ts {
		k := [2]string{t.Code, t.Rate}
		sums[k] = sums[k].Add(t.Amount)
	}
	return taxTexts(sums)
}

// taxTexts writes the taxes that are not nothing.
func taxTexts(sums map[[2]string]decimal.Decimal) []string {
	var out []string
	for k, sum := range sums {
		if !sum.IsZero() {
			out = append(out, fmt.Sprintf("%s/%s %s", k[0], k[1], canonical(sum)))
		}
	}
	slices.Sort(out)
	return out
}

func orNone(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

func splitsOf(ss []APInvoiceSplit) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, s.Account+" "+canonical(s.Amount.Value()))
	}
	slices.Sort(out)
	return out
}

func splitsIn(ss []APInvoiceSplitInput) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, s.Account+" "+canonical(s.Amount))
	}
	slices.Sort(out)
	return out
}

// canonical writes equal numbers alike: 12.10 and 12.1000 are 12.1.
func canonical(d decimal.Decimal) string { return d.String() }
