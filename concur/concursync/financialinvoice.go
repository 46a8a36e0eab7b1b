package concursync

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// invoice turns a supplier's invoice into a document. The amounts of its lines
// are those of the journal, with the tax and the freight that it gives each share;
// what of the header's is in no share stays a charge.
func (s *FinancialSource) invoice(d *concur.FinancialDocument) (document.Document, error) {
	in, err := d.Invoice()
	if err != nil {
		return document.Document{}, err
	}
	h := in.Header
	doc := document.Document{
		Kind: document.Invoice, ID: trimmed(h.RequestID), Number: trimmed(h.InvoiceNumber), Name: string(h.Title),
		Policy: document.Value{Code: trimmed(h.ExternalPolicyID), Text: trimmed(h.PolicyName)}, Ledger: trimmed(h.LedgerCode), Currency: trimmed(h.CurrencyCode),
		Owner: personOf(in.Owner),
		Supplier: &document.Supplier{
			Code: trimmed(in.Vendor.VendorCode), AddressCode: trimmed(in.Vendor.RemitToAddressCode), Name: string(in.Vendor.VendorName),
		},
		Submitted: s.day(h.SubmitDate), Approved: s.day(h.ProcessCompleteDate), Total: h.Total.Value(), Custom: s.coded(h.Custom), Test: bool(h.IsTest),
	}
	if doc.ID != "" {
		doc.Attachments = []document.Attachment{{ID: doc.ID, Kind: string(concur.ImageOfInvoice)}}
	}
	if doc.Revision, err = revisionOf(h.RevisionNumber); err != nil {
		return doc, err
	}
	if err := readable(map[string]concur.Time{
		"invoiceDate": h.InvoiceDate, "paymentDueDate": h.PaymentDueDate, "submitDate": h.SubmitDate, "processCompleteDate": h.ProcessCompleteDate,
	}); err != nil {
		return doc, err
	}
	doc.Terms = termsOf(h)
	days := 0
	if doc.Terms != nil {
		days = doc.Terms.Days
	}
	doc.Date, doc.Due = invoiceDates(h.InvoiceDate, h.PaymentDueDate, days)

	lines, tax, shipping := decimal.Zero, decimal.Zero, decimal.Zero
	for i := range in.Lines {
		e, lineTax, lineShipping, err := s.line(&in.Lines[i], i, trimmed(h.PONumber))
		if err != nil {
			return doc, fmt.Errorf("line %d: %w", i+1, err)
		}
		lines, tax, shipping = lines.Add(e.Amount), tax.Add(lineTax), shipping.Add(lineShipping)
		doc.Entries = append(doc.Entries, e)
	}
	doc.Charges = charges(doc.Total.Sub(lines), h.AmountShipping.Value().Sub(shipping), h.AmountTax.Value().Sub(tax), decimal.Zero)
	return doc, nil
}

func termsOf(h concur.InvoiceHeader) *document.Terms {
	number := func(t concur.Text) int {
		n, err := strconv.Atoi(trimmed(t))
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	t := document.Terms{
		Days: number(h.PaymentTermDays), DiscountDays: number(h.DiscountTermDays), DiscountPercent: h.DiscountPercentage.Value(), Method: trimmed(h.PaymentMethod),
	}
	if t.Days == 0 && t.DiscountDays == 0 && t.DiscountPercent.IsZero() && t.Method == "" {
		return nil
	}
	return &t
}

// invoiceDates reads the invoice's date and its due date. The documentation says
// YYYY-MM-DD, its sample has MM/DD/YYYY, and nothing says that no company has
// DD/MM/YYYY: so the terms prove which it is, where the two dates and the days
// between them are there. Without a proof the sample's form counts.
func invoiceDates(invoice, due concur.Time, days int) (document.Date, document.Date) {
	date, until := calendar(invoice), calendar(due)
	if date == "" || until == "" || days == 0 || apart(date, until) == days {
		return date, until
	}
	if a, b := dayFirst(invoice), dayFirst(due); a != "" && b != "" && apart(a, b) == days {
		return a, b
	}
	return date, until
}

func dayFirst(t concur.Time) document.Date {
	d, err := time.Parse("02/01/2006", t.String())
	if err != nil {
		return ""
	}
	return document.DateOf(d)
}

func apart(a, b document.Date) int {
	from, errA := time.Parse(time.DateOnly, string(a))
	to, errB := time.Parse(time.DateOnly, string(b))
	if errA != nil || errB != nil {
		return -1
	}
	return int(to.Sub(from) / day)
}

// line takes a line of an invoice over.
func (s *FinancialSource) line(in *concur.InvoiceLine, i int, order string) (e document.Entry, tax, shipping decimal.Decimal, err error) {
	e = document.Entry{
		ID:          cmp.Or(trimmed(in.ExternalLineItemID), trimmed(in.Sequence), strconv.Itoa(i+1)),
		Type:        document.Value{Code: trimmed(in.ExpenseTypeCode), Text: trimmed(in.ExpenseTypeName)},
		Description: string(in.Description), PO: trimmed(in.PurchaseOrderNumber), POLine: trimmed(in.POLineNumber),
		Quantity: in.Quantity.Value(), UnitPrice: in.UnitPrice.Value(), PackSlips: packSlips(in.ReceiptNumbers), Custom: s.coded(in.Custom),
	}
	if e.PO == "" && e.POLine != "" {
		e.PO = order
	}
	for k := range in.Allocations {
		a, t, f, err := s.invoiceShare(&in.Allocations[k])
		if err != nil {
			return e, tax, shipping, fmt.Errorf("allocation %d: %w", k+1, err)
		}
		e.Amount, tax, shipping = e.Amount.Add(a.Amount), tax.Add(t), shipping.Add(f)
		e.Allocations = append(e.Allocations, a)
	}
	return e, tax, shipping, nil
}

// invoiceShare takes a share over: net, tax and freight as they are given.
// Whether the gross amount holds the freight is not documented, so either may be.
func (s *FinancialSource) invoiceShare(in *concur.InvoiceAllocation) (a document.Allocation, tax, shipping decimal.Decimal, err error) {
	j := in.Journal
	if !j.Net.Present() && !j.Gross.Present() {
		return a, tax, shipping, errors.New("its journal has no amount")
	}
	a = document.Allocation{
		ID: trimmed(in.Key), Percent: in.Percentage.Value(), Account: cmp.Or(trimmed(j.AccountCode), trimmed(in.AccountCode)), Custom: s.coded(in.Custom),
	}
	for _, t := range j.Taxes {
		tax = tax.Add(t.Amount.Value())
		if !t.Amount.Value().IsZero() {
			a.Taxes = append(a.Taxes, document.TaxPart{Authority: trimmed(t.TaxField), Code: trimmed(t.TaxCode), Amount: t.Amount.Value()})
		}
	}
	shipping = j.Shipping.Value()
	a.Amount = j.Net.Value().Add(tax).Add(shipping)
	switch gross := j.Gross.Value(); {
	case !j.Net.Present():
		a.Amount = gross
	case !j.Gross.Present(), gross.Equal(a.Amount), gross.Add(shipping).Equal(a.Amount):
	default:
		return a, tax, shipping, fmt.Errorf("net %s and tax %s are not the gross amount %s", j.Net, tax, j.Gross)
	}
	return a, tax, shipping, nil
}

// packSlips reads the receipts of goods that a line names. The shape of the
// array's elements is not published: texts, numbers and objects with a
// receiptNumber are taken, anything else is left out.
func packSlips(raw json.RawMessage) []string {
	var items []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var out []string
	for _, item := range items {
		var text concur.Text
		var object struct {
			Number concur.Text `json:"receiptNumber"`
		}
		if json.Unmarshal(item, &text) != nil && json.Unmarshal(item, &object) == nil {
			text = object.Number
		}
		if n := trimmed(text); n != "" {
			out = append(out, n)
		}
	}
	return out
}
