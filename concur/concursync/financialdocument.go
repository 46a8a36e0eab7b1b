package concursync

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// trimmed is a code without the blanks that pad some of them.
func trimmed(t concur.Text) string { return strings.TrimSpace(string(t)) }

// calendar returns the day that a text names. A calendar date comes with a clock
// at midnight, and no zone may shift it.
func calendar(t concur.Time) document.Date {
	if t.IsZero() {
		return ""
	}
	if text := t.String(); len(text) >= len(time.DateOnly) {
		if d, err := document.ParseDate(text[:len(time.DateOnly)]); err == nil {
			return d
		}
	}
	return document.DateOf(t.Time().UTC())
}

// day returns the day of an instant by the calendar of the options' zone.
func (s *FinancialSource) day(t concur.Time) document.Date {
	if t.IsZero() {
		return ""
	}
	return document.DateOf(t.Time().In(s.opts.Location))
}

// coded turns the customer's fields into codes and texts. One without any value
// is left out.
func (s *FinancialSource) coded(fields map[string]concur.CodedValue) map[string]document.Value {
	var out map[string]document.Value
	for name, f := range fields {
		v := document.Value{Code: trimmed(f.Code), Text: trimmed(f.Value)}
		if v.Code == "" {
			v = document.Value{Code: v.Text}
		}
		if v.Code == "" {
			continue
		}
		if v.Text != "" && v.Text != v.Code && !s.opts.RawCodes {
			v.Code = DecodeCode(v.Code)
		}
		if out == nil {
			out = make(map[string]document.Value)
		}
		out[name] = v
	}
	return out
}

func revisionOf(t concur.Text) (int64, error) {
	if trimmed(t) == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(trimmed(t), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the revision number %.20q is no number", trimmed(t))
	}
	return n, nil
}

func personOf(e concur.DocumentEmployee) document.Person {
	return document.Person{
		EmployeeID: trimmed(e.EmployeeID), Login: trimmed(e.LoginID),
		Name: strings.Join(strings.Fields(string(e.FirstName)+" "+string(e.LastName)), " "),
	}
}

// readable notes which of the instants cannot be read.
func readable(times map[string]concur.Time) error {
	var errs []error
	for name, t := range times {
		if !t.Valid() {
			errs = append(errs, fmt.Errorf("%s is not readable", name))
		}
	}
	return errors.Join(errs...)
}

// expense turns a report with its journal into a document. The header's total may
// be missing; the approved amounts of the entries then make it.
func (s *FinancialSource) expense(d *concur.FinancialDocument) (document.Document, error) {
	in, err := d.Expense()
	if err != nil {
		return document.Document{}, err
	}
	r := in.Report
	doc := document.Document{
		Kind: document.Report, ID: trimmed(r.ReportID), Number: cmp.Or(trimmed(r.ReportNumber), trimmed(r.ReportID)), Name: string(r.ReportName),
		Policy: document.Value{Code: trimmed(r.PolicyID)}, Ledger: trimmed(r.LedgerCode), Country: trimmed(r.CountryCode), Currency: trimmed(r.CurrencyCode),
		Owner: personOf(in.Employee), Date: cmp.Or(calendar(r.UserDefinedDate), s.day(r.SubmitDate)),
		Submitted: s.day(r.SubmitDate), Approved: s.day(r.PaymentProcessingDate), Custom: s.coded(r.Custom), Test: bool(r.IsTest), Journaled: true,
		AdvanceReturn: r.CashAdvanceReturns.Value(), Payroll: yes(r.PayrollPay), PayrollAccount: trimmed(r.PayrollClearingAccount),
	}
	if doc.Revision, err = revisionOf(r.RevisionNumber); err != nil {
		return doc, err
	}
	if err := readable(map[string]concur.Time{
		"reportSubmitDate": r.SubmitDate, "reportPaymentProcessingDate": r.PaymentProcessingDate, "reportUserDefinedDate": r.UserDefinedDate,
	}); err != nil {
		return doc, err
	}
	sum := decimal.Zero
	for i := range in.Entries {
		e, err := s.entry(&in.Entries[i], doc.Currency)
		if err != nil {
			return doc, fmt.Errorf("expense %d: %w", i+1, err)
		}
		sum = sum.Add(e.Amount)
		doc.Entries = append(doc.Entries, e)
	}
	doc.Total = sum
	if r.TotalApprovedAmount.Present() {
		doc.Total = r.TotalApprovedAmount.Value()
	}
	for _, a := range in.CashAdvances {
		doc.Advances = append(doc.Advances, document.Advance{
			ID: trimmed(a.CashAdvanceID), Account: trimmed(a.ClearingAccount), Kind: trimmed(a.TransactionType), Amount: a.Amount.Value(),
		})
	}
	return doc, nil
}

func yes(t concur.Text) bool { return strings.EqualFold(trimmed(t), "Y") }

func (s *FinancialSource) entry(in *concur.DocumentEntry, currency string) (document.Entry, error) {
	if !in.Date.Valid() {
		return document.Entry{}, errors.New("entryDate is not readable")
	}
	e := document.Entry{
		ID: trimmed(in.EntryID), Date: calendar(in.Date), Type: document.Value{Code: trimmed(in.ExpenseTypeCode), Text: trimmed(in.ExpenseTypeName)},
		Payment: document.Value{Code: trimmed(in.PaymentType), Text: trimmed(in.PaymentTypeName)}, Description: string(in.Description),
		Merchant: string(in.VendorDescription), Country: trimmed(in.CountryCode), Amount: in.ApprovedAmount.Value(), Personal: bool(in.IsPersonal),
		SourcePays: yes(in.ExpensePay), Clearing: trimmed(in.ClearingAccount), Custom: s.coded(in.Custom),
	}
	if c := trimmed(in.TransactionCurrency); c != "" && c != currency && in.TransactionAmount.Present() {
		e.Spent = &document.Money{Amount: in.TransactionAmount.Value(), Currency: c}
		if in.ExchangeRate.Present() {
			e.Rate = &document.Rate{Value: in.ExchangeRate.Value(), Divide: trimmed(in.ExchangeRateDirection) == "D"}
		}
	}
	if id := trimmed(in.ReceiptID); id != "" {
		e.Receipts = []document.Attachment{{ID: id, Kind: string(concur.ImageByID)}}
	}
	for i := range in.Allocations {
		a, err := s.allocation(&in.Allocations[i])
		if err != nil {
			return e, fmt.Errorf("allocation %d: %w", i+1, err)
		}
		e.Allocations = append(e.Allocations, a)
	}
	return e, nil
}

// allocation takes a share over with its journal. Its amount is what the journal
// says, which is the share already.
func (s *FinancialSource) allocation(in *concur.DocumentAllocation) (document.Allocation, error) {
	a := document.Allocation{ID: trimmed(in.AllocationID), Percent: in.Percentage.Value(), Custom: s.coded(in.Custom)}
	if err := sharedTax(in); err != nil {
		return a, err
	}
	for i, l := range in.Journal {
		if !l.Gross.Present() {
			return a, fmt.Errorf("journal line %d has no amountGross", i+1)
		}
		j := document.Journal{Account: trimmed(l.AccountCode), Payer: trimmed(l.Payer), Payee: trimmed(l.Payee), Gross: l.Gross.Value()}
		tax, reclaim := decimal.Zero, decimal.Zero
		for _, t := range in.TaxesOf(l) {
			part := document.TaxPart{
				Authority: trimmed(t.AuthorityLabel), Code: trimmed(t.TaxCode), ReclaimCode: trimmed(t.ReclaimCode),
				Amount: t.Amount.Value(), Reclaim: t.Reclaim.Value(),
			}
			tax, reclaim = tax.Add(part.Amount), reclaim.Add(part.Reclaim)
			j.Taxes = append(j.Taxes, part)
		}
		// What is not there cannot contradict.
		j.NetOfTax, j.NetOfReclaim = j.Gross.Sub(tax), j.Gross.Sub(reclaim)
		if l.NetOfTax.Present() {
			j.NetOfTax = l.NetOfTax.Value()
		}
		if l.NetOfReclaim.Present() {
			j.NetOfReclaim = l.NetOfReclaim.Value()
		}
		a.Amount = a.Amount.Add(j.Gross)
		a.Journal = append(a.Journal, j)
	}
	return a, nil
}

// sharedTax refuses a tax that stands in two lines of the journal of which one
// has no net amounts: they alone would show that the whole tax belongs to neither,
// and it would be reclaimed twice.
func sharedTax(in *concur.DocumentAllocation) error {
	first, bare := make(map[string]int), make(map[int]bool)
	for i, l := range in.Journal {
		bare[i] = !l.NetOfTax.Present() || !l.NetOfReclaim.Present()
		for _, t := range in.TaxesOf(l) {
			if t.Amount.Value().IsZero() && t.Reclaim.Value().IsZero() {
				continue
			}
			k, there := first[t.GUID]
			if there && (bare[k] || bare[i]) {
				return fmt.Errorf("one tax stands in the journal lines %d and %d, and without net amounts nothing says how much of it is whose", k+1, i+1)
			}
			if !there {
				first[t.GUID] = i
			}
		}
	}
	return nil
}

// cashAdvance turns an issued cash advance into a document with one entry. Its
// journal is taken to be in the employee's currency, as all that is reimbursed
// is: an assumption to check on a live tenant, since the published documents have
// only rates of 1. The rate then holds it against what was asked for, in whichever
// of both directions it fits, since none is documented.
func (s *FinancialSource) cashAdvance(d *concur.FinancialDocument) (document.Document, error) {
	in, err := d.CashAdvance()
	if err != nil {
		return document.Document{}, err
	}
	c := in.CashAdvance
	id := trimmed(c.ID)
	doc := document.Document{
		Kind: document.CashAdvance, ID: id, Number: id, Revision: 1, Name: string(c.Name), Country: trimmed(c.CountryCode),
		Currency: cmp.Or(trimmed(c.EmployeeCurrencyCode), trimmed(c.CurrencyCode)), Owner: personOf(in.Employee),
		Date: cmp.Or(s.day(c.IssuedDate), s.day(c.RequestDate)), Submitted: s.day(c.RequestDate), Approved: s.day(c.IssuedDate),
		Test: bool(c.IsTest), Journaled: true,
	}
	if err := readable(map[string]concur.Time{"issuedDate": c.IssuedDate, "requestDate": c.RequestDate}); err != nil {
		return doc, err
	}
	e := document.Entry{ID: id, Date: doc.Date, Type: document.Value{Code: string(document.CashAdvance)}, Description: string(c.Purpose), Clearing: trimmed(c.ClearingAccount)}
	// PaymentMethod is 1 where Expense Pay pays.
	e.SourcePays = yes(c.ExpensePay) || trimmed(c.PaymentMethod) == "1"
	var a document.Allocation
	for i, l := range in.Journal {
		if !l.Amount.Present() {
			return doc, fmt.Errorf("journal line %d has no amount", i+1)
		}
		// The sign is that of debit and credit, whatever is printed.
		amount := l.Amount.Value().Abs()
		switch side := trimmed(l.DebitOrCredit); side {
		case "DR":
		case "CR":
			amount = amount.Neg()
		default:
			return doc, fmt.Errorf("journal line %d is neither DR nor CR (%.10q)", i+1, side)
		}
		e.Payment.Code = trimmed(l.PaymentCode)
		a.Amount = a.Amount.Add(amount)
		a.Journal = append(a.Journal, document.Journal{
			Account: cmp.Or(trimmed(l.AccountCode), trimmed(c.ClearingAccount)), Payer: trimmed(l.Payer), Payee: trimmed(l.Payee),
			Gross: amount, NetOfTax: amount, NetOfReclaim: amount,
		})
	}
	e.Amount, e.Allocations, doc.Total = a.Amount, []document.Allocation{a}, a.Amount
	if spent := trimmed(c.CurrencyCode); spent != doc.Currency && c.ExchangeRate.Present() {
		e.Spent = &document.Money{Amount: c.Amount.Value(), Currency: spent}
		e.Rate = &document.Rate{Value: c.ExchangeRate.Value(), Divide: divides(c.Amount.Value(), c.ExchangeRate.Value(), e.Amount)}
	} else if c.Amount.Present() && !c.Amount.Equal(concurDecimal(e.Amount)) {
		return doc, fmt.Errorf("%s was asked for, and the journal adds up to %s", c.Amount, e.Amount)
	}
	doc.Entries = []document.Entry{e}
	return doc, nil
}

// divides reports whether an amount divided by the rate comes nearer to what was
// made of it than multiplied.
func divides(amount, rate, made decimal.Decimal) bool {
	if !rate.IsPositive() {
		return false
	}
	by := made.Sub(amount.DivRound(rate, 8)).Abs()
	return by.LessThan(made.Sub(amount.Mul(rate)).Abs())
}

// concurDecimal is an amount as the client writes it.
func concurDecimal(d decimal.Decimal) concur.Decimal {
	out, err := concur.ParseDecimal(d.String())
	if err != nil {
		return concur.Decimal{} // a decimal's own text is always read
	}
	return out
}
