package document

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// FaultCode says what kind of Fault a check found. It is stable.
type FaultCode string

// The faults that the checks of this package find.
const (
	// KindUnknown: the document is neither a report, an invoice nor a cash advance.
	KindUnknown FaultCode = "document_kind_unknown"
	// CurrencyUnknown: a currency is not in ISO 4217.
	CurrencyUnknown FaultCode = "currency_unknown"
	// AmountTooFine: an amount has digits below the currency's minor unit.
	AmountTooFine FaultCode = "amount_too_fine"
	// DateInvalid: a date is no calendar date.
	DateInvalid FaultCode = "date_invalid"
	// EntryRepeated: two entries bear one id, so one of them would be paid twice.
	EntryRepeated FaultCode = "entry_repeated"
	// ItemisationDoubled: an itemised entry stands beside its own children.
	ItemisationDoubled FaultCode = "itemisation_doubled"
	// AllocationMismatch: the allocations of an entry do not add up to it.
	AllocationMismatch FaultCode = "allocation_mismatch"
	// TotalMismatch: the entries and charges do not add up to the total.
	TotalMismatch FaultCode = "total_mismatch"
	// TaxMismatch: an amount less its taxes is not its net amount.
	TaxMismatch FaultCode = "tax_mismatch"
	// RateMismatch: more was approved than the exchange rate makes of what was spent.
	RateMismatch FaultCode = "rate_mismatch"
	// PostingMismatch: the parts of a posting do not add up, or it is incomplete.
	PostingMismatch FaultCode = "posting_mismatch"
)

// Fault is one thing that is wrong with a document or a posting, with the
// figures. It holds no personal data.
type Fault struct {
	Code    FaultCode
	Field   string // where: "expense 3, allocation 2"
	Value   string // what was found there
	Message string // one clause: "the allocations add up to 99.99, not to 100.00 (0.01 missing)"
}

// Faults is the error of a check: everything that is wrong at once. Reach it
// with errors.As.
type Faults []Fault

// Error returns all faults on one line.
func (fs Faults) Error() string {
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = f.Message + " (" + string(f.Code) + ")"
		if f.Field != "" {
			parts[i] = f.Field + ": " + parts[i]
		}
	}
	return "document: " + strings.Join(parts, "; ")
}

func (fs *Faults) add(code FaultCode, field, value, message string, args ...any) {
	*fs = append(*fs, Fault{Code: code, Field: field, Value: value, Message: fmt.Sprintf(message, args...)})
}

func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// EntryWord is what a person calls an entry of a document of this kind:
// "expense", "line" of an invoice, or "advance".
func (k Kind) EntryWord() string {
	switch k {
	case Invoice:
		return "line"
	case CashAdvance:
		return "advance"
	case Report:
	}
	return "expense"
}

// Check returns all that makes the document unfit to be posted, as Faults, or
// nil. The allocations of an entry add up to it; the entries that are not
// personal add up to the total of a report; all entries and charges add up to
// the total of an invoice; amounts are no finer than the currency's minor unit;
// no entry stands there twice, nor beside its own itemisation.
//
// Of a journaled document all entries count for the total, since nothing of a
// personal one is approved; the journal of each entry adds up to it, and of each
// line of the journal the net amounts and the taxes add up to the gross amount.
func (d Document) Check() error {
	var fs Faults
	if d.Kind != Report && d.Kind != Invoice && d.Kind != CashAdvance {
		fs.add(KindUnknown, "kind", string(d.Kind), "the kind %.40q is neither report, invoice nor cashadvance", string(d.Kind))
	}
	digits, known := MinorUnits(d.Currency)
	if !known {
		fs.add(CurrencyUnknown, "currency", d.Currency, "the currency %.20q is not in ISO 4217", d.Currency)
	}
	fine := func(field string, a decimal.Decimal) {
		if known && tooFine(a, digits) {
			fs.add(AmountTooFine, field, a.String(), "%s is finer than the minor unit of %s (%d decimals)", a, d.Currency, digits)
		}
	}
	for _, date := range []struct {
		field string
		value Date
	}{{"date", d.Date}, {"due date", d.Due}, {"submit date", d.Submitted}, {"approval date", d.Approved}} {
		if _, err := ParseDate(string(date.value)); err != nil {
			fs.add(DateInvalid, date.field, string(date.value), "%.20q is no date", string(date.value))
		}
	}

	fine("total", d.Total)
	word := d.Kind.EntryWord()
	ids := make(map[string]int, len(d.Entries))
	for i, e := range d.Entries {
		if first, twice := ids[e.ID]; twice && e.ID != "" {
			fs.add(EntryRepeated, fmt.Sprintf("%s %d", word, i+1), e.ID, "bears the same id as %s %d", word, first+1)
			continue
		}
		ids[e.ID] = i
	}
	sum := decimal.Zero
	itemised := make(map[string]bool)
	for i, e := range d.Entries {
		field := fmt.Sprintf("%s %d", word, i+1)
		fine(field, e.Amount)
		if at, there := ids[e.Parent]; there && e.Parent != "" && e.Parent != e.ID && !itemised[e.Parent] {
			itemised[e.Parent] = true
			fs.add(ItemisationDoubled, fmt.Sprintf("%s %d", word, at+1), e.Parent,
				"it is itemised by %s and must not be posted beside it", field)
		}
		if !e.Personal || d.Kind == Invoice || d.Journaled {
			sum = sum.Add(e.Amount)
		}
		if known {
			e.checkRate(&fs, field, d.Currency, digits)
		}
		if d.Journaled && d.Kind != Invoice {
			e.checkJournal(&fs, field, d.Currency, digits, known)
			continue
		}
		if len(e.Allocations) == 0 {
			continue
		}
		shares := decimal.Zero
		for j, a := range e.Allocations {
			fine(fmt.Sprintf("%s, allocation %d", field, j+1), a.Amount)
			for _, t := range a.Taxes {
				fine(fmt.Sprintf("%s, allocation %d, tax %s", field, j+1, t.Code), t.Amount)
				fine(fmt.Sprintf("%s, allocation %d, tax %s", field, j+1, t.Code), t.Reclaim)
			}
			shares = shares.Add(a.Amount)
		}
		if !shares.Equal(e.Amount) {
			fs.add(AllocationMismatch, field, shares.String(), "its allocations add up to %s, not to its amount %s (difference %s)",
				money(shares, digits), money(e.Amount, digits), money(shares.Sub(e.Amount), digits))
		}
	}
	for i, c := range d.Charges {
		field := fmt.Sprintf("charge %d (%s)", i+1, c.Kind)
		fine(field, c.Amount)
		if d.Kind == Invoice {
			sum = sum.Add(c.Amount)
		} else if !c.Amount.IsZero() {
			fs.add(TotalMismatch, field, c.Amount.String(), "only an invoice has charges")
		}
	}
	d.checkAdvances(&fs, fine)
	if !sum.Equal(d.Total) {
		what := "the expenses that are not personal"
		switch {
		case d.Kind == Invoice:
			what = "the lines and charges"
		case d.Journaled:
			what = "the approved amounts"
		}
		fs.add(TotalMismatch, "total", d.Total.String(), "%s add up to %s, not to the total %s (difference %s)",
			what, money(sum, digits), money(d.Total, digits), money(sum.Sub(d.Total), digits))
	}
	return fs.err()
}

// Check returns all that is wrong with the posting in itself, as Faults, or
// nil: splits add up to their line, lines and taxes to their invoice, a debit memo
// is below zero and an invoice is not, numbers differ within the set, and what an
// ERP cannot do without is there. So what the accounts change by is what the
// vendors are owed, invoice by invoice.
func (p Posting) Check() error {
	var fs Faults
	if p.Company == "" {
		fs.add(PostingMismatch, "company", "", "no company is named")
	}
	if len(p.Invoices) == 0 {
		fs.add(PostingMismatch, "invoices", "", "there is no invoice")
	}
	numbers := make(map[string]int, len(p.Invoices))
	for i, inv := range p.Invoices {
		field := fmt.Sprintf("invoice %d", i+1)
		if inv.Vendor == "" {
			fs.add(PostingMismatch, field+", vendor", "", "no vendor is named")
		}
		if inv.Number == "" {
			fs.add(PostingMismatch, field+", number", "", "it has no number")
		} else if first, twice := numbers[inv.Number]; twice {
			fs.add(PostingMismatch, field+", number", inv.Number, "it bears the same number as invoice %d", first+1)
		} else {
			numbers[inv.Number] = i
		}
		inv.check(&fs, field)
	}
	return fs.err()
}

func (inv APInvoice) check(fs *Faults, field string) {
	digits, known := MinorUnits(inv.Currency)
	if !known {
		fs.add(CurrencyUnknown, field+", currency", inv.Currency, "the currency %.20q is not in ISO 4217", inv.Currency)
	}
	for _, date := range []struct {
		field    string
		value    Date
		optional bool
	}{{"date", inv.Date, false}, {"apply date", inv.ApplyDate, false}, {"due date", inv.Due, true}} {
		if _, err := ParseDate(string(date.value)); err != nil || date.value == "" && !date.optional {
			fs.add(DateInvalid, field+", "+date.field, string(date.value), "%.20q is no date", string(date.value))
		}
	}
	if inv.DebitMemo != inv.Amount.IsNegative() {
		fs.add(PostingMismatch, field, inv.Amount.String(), "the amount is %s and debit memo is %t; a debit memo is below zero, an invoice is not",
			money(inv.Amount, digits), inv.DebitMemo)
	}
	if len(inv.Lines) == 0 {
		fs.add(PostingMismatch, field, "", "it has no lines")
	}
	lines := decimal.Zero
	for _, t := range inv.Taxes {
		at := fmt.Sprintf("%s, tax %s", field, t.Code)
		lines = lines.Add(t.Amount)
		if t.Code == "" {
			fs.add(PostingMismatch, at, "", "it has no code")
		}
		if known && tooFine(t.Amount, digits) {
			fs.add(AmountTooFine, at, t.Amount.String(), "%s is finer than the minor unit of %s (%d decimals)", t.Amount, inv.Currency, digits)
		}
	}
	for j, l := range inv.Lines {
		at := fmt.Sprintf("%s, line %d", field, j+1)
		lines = lines.Add(l.Amount)
		if l.Order != nil {
			l.checkOrder(fs, at, inv.Currency, digits, known)
			continue
		}
		splits := decimal.Zero
		for k, s := range l.Splits {
			splits = splits.Add(s.Amount)
			if s.Account == "" {
				fs.add(PostingMismatch, fmt.Sprintf("%s, split %d", at, k+1), "", "no GL account is named")
			}
			if known && tooFine(s.Amount, digits) {
				fs.add(AmountTooFine, fmt.Sprintf("%s, split %d", at, k+1), s.Amount.String(),
					"%s is finer than the minor unit of %s (%d decimals)", s.Amount, inv.Currency, digits)
			}
		}
		if !splits.Equal(l.Amount) {
			fs.add(PostingMismatch, at, splits.String(), "the splits add up to %s, not to the line's %s (difference %s)",
				money(splits, digits), money(l.Amount, digits), money(splits.Sub(l.Amount), digits))
		}
	}
	if !lines.Equal(inv.Amount) {
		what := "the lines add"
		if len(inv.Taxes) > 0 {
			what = "the lines and taxes add"
		}
		fs.add(PostingMismatch, field, lines.String(), what+" up to %s, not to the invoice's %s (difference %s)",
			money(lines, digits), money(inv.Amount, digits), money(lines.Sub(inv.Amount), digits))
	}
}

// money writes an amount with the currency's decimals, and with more where it
// has more, so that a difference is never rounded away in an error.
func money(a decimal.Decimal, digits int) string {
	if tooFine(a, digits) {
		return a.String()
	}
	return a.StringFixed(int32(digits))
}
