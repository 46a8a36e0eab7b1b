package concursync

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// document turns a payment request into a document. Its allocations have no
// amounts yet. Its revision is the time of its last submit, in seconds.
func (s *PaymentRequestSource) document(r *concur.PaymentRequest, owner string) (document.Document, error) {
	for name, t := range map[string]concur.Time{"LastSubmitDate": r.LastSubmitDate, "WorkflowCompleteDate": r.WorkflowCompleteDate} {
		if !t.Valid() {
			return document.Document{}, fmt.Errorf("concursync: invoice %s: %s is not readable", r.ID, name)
		}
	}
	local := func(t concur.Time) document.Date {
		if t.IsZero() {
			return ""
		}
		return document.DateOf(t.Time().In(s.opts.Location))
	}
	doc := document.Document{
		Kind: document.Invoice, ID: r.ID, Number: string(r.InvoiceNumber), Name: string(r.Name),
		Policy: document.Value{Code: string(r.ExternalPolicyID)}, Ledger: string(r.LedgerCode),
		Country: string(r.CountryCode), Currency: string(r.CurrencyCode),
		Owner: document.Person{ID: owner, Name: string(r.EmployeeName)},
		Supplier: &document.Supplier{
			Code: string(r.VendorRemitAddress.VendorCode), AddressCode: string(r.VendorRemitAddress.AddressCode),
			Name: string(r.VendorRemitAddress.Name),
		},
		Date: dateOf(r.InvoiceDate), Due: dateOf(r.PaymentDueDate),
		Submitted: local(r.LastSubmitDate), Approved: local(r.WorkflowCompleteDate),
		Total:  r.TotalApprovedAmount.Value(),
		Custom: texts(r.Custom), Test: bool(r.IsTestTransaction),
	}
	if !r.LastSubmitDate.IsZero() {
		doc.Revision = r.LastSubmitDate.Time().Unix()
	}
	lines, lineTax := decimal.Zero, decimal.Zero
	for i, l := range r.LineItems {
		e := entryOf(l)
		if e.ID == "" {
			e.ID = fmt.Sprint(i + 1)
		}
		if e.PO == "" && bool(l.IsMatched) {
			e.PO = string(r.PurchaseOrderNumber)
		}
		lines, lineTax = lines.Add(e.Amount), lineTax.Add(l.Tax.Value())
		doc.Entries = append(doc.Entries, e)
	}
	doc.Charges = charges(doc.Total.Sub(lines), r.ShippingAmount.Value(), r.TaxAmount.Value(), lineTax)
	return doc, nil
}

func entryOf(l concur.LineItem) document.Entry {
	amount := l.ApprovedLineItemAmount
	for _, other := range []concur.Decimal{l.RequestedLineItemAmount, l.TotalPrice} {
		if !amount.Present() {
			amount = other
		}
	}
	e := document.Entry{
		ID: string(l.LineItemID), Type: document.Value{Code: string(l.ExpenseTypeCode)},
		Description: string(l.Description), Amount: amount.Value(),
		PO: string(l.PurchaseOrderNumber), POLine: string(l.MatchedPurchaseOrderLineItemID),
		Quantity: l.Quantity.Value(), UnitPrice: l.UnitPrice.Value(), Custom: texts(l.Custom),
	}
	for _, a := range l.Allocations {
		e.Allocations = append(e.Allocations, document.Allocation{
			Percent: a.Percentage.Value(), Account: string(a.AllocationAccountCode), Custom: texts(a.Custom),
		})
	}
	return e
}

func texts(fields map[string]concur.Text) map[string]document.Value {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]document.Value, len(fields))
	for name, text := range fields {
		out[name] = document.Value{Code: string(text)}
	}
	return out
}

// charges returns what stands on an invoice's header beside its lines. The
// documentation does not say whether the lines' amounts hold their tax, nor
// whether the header's tax holds the lines', so the arithmetic decides: of the
// three readings the one is taken that leaves no rest. When none does, all the
// header says is returned, and the document's own check names the difference.
func charges(rest, shipping, tax, lineTax decimal.Decimal) []document.Charge {
	beside := tax
	for _, reading := range []decimal.Decimal{tax, tax.Sub(lineTax), decimal.Zero} {
		if rest.Sub(shipping).Equal(reading) {
			beside = reading
			break
		}
	}
	var cs []document.Charge
	if !shipping.IsZero() {
		cs = append(cs, document.Charge{Kind: document.Shipping, Amount: shipping})
	}
	if !beside.IsZero() {
		cs = append(cs, document.Charge{Kind: document.Tax, Amount: beside})
	}
	return cs
}
