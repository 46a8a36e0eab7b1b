package concurtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

func parses(layout, s string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

// tree is a JSON object in the making.
type tree map[string]any

// coded adds the customer's fields, each as a code and a value, null where there
// is none. Documents have all of them.
func (o tree) coded(prefix string, customs, orgUnits int, custom Custom) tree {
	put := func(name, id string) {
		v, found := custom[id]
		o[prefix+name+"Code"], o[prefix+name+"Value"] = nil, nil
		switch {
		case !found:
		case v.ItemID != "":
			o[prefix+name+"Code"], o[prefix+name+"Value"] = v.Code, v.Text
		default:
			o[prefix+name+"Code"] = v.Text
		}
	}
	for i := 1; i <= customs; i++ {
		put(fmt.Sprintf("Custom%d", i), fmt.Sprintf("custom%d", i))
	}
	for i := 1; i <= orgUnits; i++ {
		put(fmt.Sprintf("OrgUnit%d", i), fmt.Sprintf("orgUnit%d", i))
	}
	return o
}

func yes(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

// amount prints as documents do: 0E-8 for nothing, else with the digits it has.
func amount(d decimal.Decimal) number {
	if d.IsZero() {
		return "0E-8"
	}
	return number(d.String())
}

func isoMillis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

func (c *Company) employeeDocument(login string) tree {
	o := tree{"employeeId": "", "employeeFirstName": "", "employeeLastName": "", "employeeMI": nil, "loginId": login, "employeeReimbursementMethodCode": nil}
	if u := c.userByLogin(login); u != nil {
		o["employeeId"], o["employeeFirstName"], o["employeeLastName"] = u.EmployeeNumber, u.FirstName, u.LastName
		o["employeeReimbursementMethodCode"] = u.Spend.method()
		return o.coded("employee", 21, 6, u.Spend.Custom)
	}
	return o.coded("employee", 21, 6, nil)
}

// expenseDocument makes the journal of a report. Follows the Financial Documents
// Schema page and the published documents: of an itemised expense the parts, and
// amounts that are the allocated share already.
func (c *Company) expenseDocument(r *Report, revision int) json.RawMessage {
	header := tree{
		"reportId": r.ID, "reportKey": 1 + len(c.financial), "reportNumber": r.Number, "reportName": r.Name, "ledgerCode": r.Ledger,
		"policyId": c.policyID, "employeeCurrencyAlphaCode": r.Currency, "homeCountryCode": r.Country,
		"totalApprovedAmount": amount(r.totals().approved), "cashAdvanceReturnsAmount": number("0E-8"), "isTest": "N",
		"payrollPayIndicator": "N", "payrollPaymentClearingAccountCode": nil, "reportCreationDate": isoMillis(r.CreateDate),
		"reportSubmitDate": isoMillis(r.SubmitDate), "reportPaymentProcessingDate": isoMillis(r.ProcessingDate),
		"reportUserDefinedDate": r.Date + "T00:00:00.000Z", "reportStartDate": nil, "reportEndDate": nil,
		"revisionNumber": fmt.Sprint(revision), "versionId": "4",
	}
	entries := []any{}
	for i := range r.Expenses {
		e := &r.Expenses[i]
		if len(e.Itemizations) == 0 {
			entries = append(entries, c.entryDocument(r, e))
		}
		for j := range e.Itemizations {
			entries = append(entries, c.entryDocument(r, &e.Itemizations[j]))
		}
	}
	return encodeJSON(tree{
		"employee": c.employeeDocument(r.Owner), "report": header.coded("report", 20, 6, r.Custom), "expenseEntry": entries,
		"cashAdvanceApplication": []any{},
	})
}

func (c *Company) entryDocument(r *Report, e *Expense) tree {
	allocations := []any{}
	as := e.Allocations
	if len(as) == 0 {
		as = []Allocation{{
			ID: reverse(e.ID), Percentage: decimal.NewFromInt(100), AccountCode: orElse(e.AccountCode, "Pending Client"),
			Amount: e.Posted, Approved: e.Approved, Custom: e.Custom,
		}}
	}
	tax, reclaim := e.Tax, e.TaxReclaim
	for i, a := range as {
		share, shareReclaim := tax, reclaim
		if i < len(as)-1 {
			share = e.Tax.Mul(a.Percentage).DivRound(decimal.NewFromInt(100), 2)
			shareReclaim = e.TaxReclaim.Mul(a.Percentage).DivRound(decimal.NewFromInt(100), 2)
		}
		tax, reclaim = tax.Sub(share), reclaim.Sub(shareReclaim)
		allocations = append(allocations, c.allocationDocument(r, e, a, share, shareReclaim))
	}
	direction := "M"
	if e.Divide {
		direction = "D"
	}
	o := tree{
		"entryId": strings.ToUpper(e.ID), "legacyEntryId": 1, "entryDate": e.Date + "T00:00:00.000Z", "entryDescription": e.Purpose,
		"expenseTypeCode": e.Type, "expenseTypeName": e.TypeName, "entryCurrAlphaCode": e.Currency,
		"reportEntryTransactionAmount": amount(e.Amount), "entryApprovedAmount": amount(e.Approved.Decimal),
		"entryExchangeRate": amount(e.Rate), "entryExchangeRateDirection": direction, "reportEntryPatKey": e.PaymentType,
		"reportEntryPaymentTypeCode": e.PaymentName, "reportEntryPaymentTypeName": e.PaymentName, "clearingAccountCode": nil,
		"liabilityAccountCode": nil, "entryVendorCode": nil, "entryVendorDescription": e.Vendor, "entryLocationName": e.City,
		"entryLocationCityName": e.City, "entryCountryCode": r.Country, "entryCountrySubCode": nil, "entryIsBillable": yes(e.Billable),
		"entryIsPersonal": yes(e.Personal), "entryReceiptId": nil, "entryElectronicReceiptId": nil, "entryReceiptType": e.Receipt,
		"expensePayIndicator": "N", "expensePayAccountingIndicator": "N", "offsetPayType": "N", "allocation": allocations,
	}
	return o.coded("entry", 40, 6, e.Custom)
}

// allocationDocument has one line of the journal, and for a personal expense on a
// card of the company's a second one by which the employee owes it back.
func (c *Company) allocationDocument(r *Report, e *Expense, a Allocation, tax, reclaim decimal.Decimal) tree {
	gross := a.Approved.Decimal
	payee := "EMPL"
	if e.PaymentType != "CASH" {
		payee = e.PaymentType
	}
	if e.Personal {
		gross, tax, reclaim = a.Amount.Decimal, decimal.Zero, decimal.Zero
	}
	line := func(payer, payee string, gross, tax, reclaim decimal.Decimal, guids []string) tree {
		return tree{
			"journalAccountCode": a.AccountCode, "journalPayer": payer, "journalPayee": payee, "amountGross": amount(gross),
			"amountNetOfTax": amount(gross.Sub(tax)), "amountNetOfReclaim": amount(gross.Sub(reclaim)), "amountGrossCard": nil,
			"cardTransactionReferenceNumber": nil, "accountingTransactionType": nil, "taxGuid": guids,
		}
	}
	taxes, guids := []any{}, []string{}
	if !tax.IsZero() {
		guid := c.s.ids.upper("tax", 32)
		guids = append(guids, guid)
		taxes = append(taxes, tree{
			"taxGuid": guid, "taxAuthorityLabel": "VAT", "taxCode": "", "taxReclaimCode": "", "nonDomesticCode": "HOME", "taxSource": "SYST",
			"amountTax": amount(tax), "amountReclaim": amount(reclaim), "locationCountryCode": r.Country, "locationCountrySubCode": "",
		})
	}
	journal := []any{}
	switch {
	case e.Personal && payee == "EMPL":
		// What the employee paid for himself is nobody's.
	case e.Personal:
		journal = append(journal, line("COMP", payee, gross, tax, reclaim, guids), line("EMPL", "COMP", gross.Neg(), tax, reclaim, []string{}))
	default:
		journal = append(journal, line("COMP", payee, gross, tax, reclaim, guids))
	}
	o := tree{"allocationId": a.ID, "allocationPercentage": number(a.Percentage.String()), "journal": journal, "tax": taxes}
	return o.coded("allocation", 20, 0, a.Custom)
}

// invoiceDocument makes the journal of a payment request.
func (c *Company) invoiceDocument(p *PaymentRequest, revision int) json.RawMessage {
	american := func(day string) any {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return nil
		}
		return t.Format("01/02/2006") // as the sample has it
	}
	texts := func(prefix string, n int, custom map[string]string) tree {
		o := tree{}
		for i := 1; i <= n; i++ {
			o[fmt.Sprintf("%sCustom%dCode", prefix, i)], o[fmt.Sprintf("%sCustom%dValue", prefix, i)] = nil, nil
			if v := custom[fmt.Sprintf("Custom%d", i)]; v != "" {
				o[fmt.Sprintf("%sCustom%dCode", prefix, i)] = v
			}
		}
		return o
	}
	header := texts("request", 24, p.Custom)
	for k, v := range (tree{
		"requestId": p.ID, "reqKey": 1 + len(c.financial), "vendorInvoiceNumber": p.InvoiceNumber, "requestTitle": p.Name,
		"requestDescription": orNull(p.Description), "currencyAlphaCode": p.Currency, "requestTotal": number(text8(p.Amount.Decimal)),
		"amountNetInvoice": number(text8(p.Amount.Decimal.Sub(p.taxes()))), "amountShippingTotal": padded(p.Shipping),
		"amountTax": padded(p.taxes()), "invoiceDate": american(p.InvoiceDate), "paymentDueDate": american(p.DueDate), "postingDate": nil,
		"invoiceReceivedDate": american(p.ReceivedDate), "submitDate": isoMillis(p.SubmitDate), "requestCreationDate": isoMillis(p.CreateDate),
		"processCompleteDate": isoMillis(p.ApprovalDate), "netPaymentTermDays": fmt.Sprint(p.PaymentTermsDays), "discountPercentage": nil,
		"discountTermsDays": nil, "payMethodType": p.PaymentMethod, "ledgerCode": p.Ledger, "ledgerName": p.Ledger, "policyName": p.Policy,
		"externalPolicyId": p.Policy, "poNumber": orNull(p.PurchaseOrderNumber), "multiplePurchaseOrder": "N", "deliverySlipNumber": nil,
		"vendorTaxId": orNull(p.Vendor.TaxID), "clearingAccountCode": nil, "invoicePayIndicator": "N", "isTest": "N",
		"revisionNumber": fmt.Sprint(revision), "versionId": "4",
	}) {
		header[k] = v
	}
	lines := []any{}
	for i, l := range p.Lines {
		line := texts("lineItem", 20, l.Custom)
		allocations, net, tax := []any{}, l.Amount, l.Tax
		for j, a := range l.Allocations {
			shareNet, shareTax := net, tax
			if j < len(l.Allocations)-1 {
				shareNet = l.Amount.Mul(a.Percentage).DivRound(decimal.NewFromInt(100), 2)
				shareTax = l.Tax.Mul(a.Percentage).DivRound(decimal.NewFromInt(100), 2)
			}
			net, tax = net.Sub(shareNet), tax.Sub(shareTax)
			o := texts("allocation", 20, a.Custom)
			journal := tree{
				"accountCode": a.AccountCode, "amountNet": number(text8(shareNet)), "amountGross": number(text8(shareNet.Add(shareTax))),
				"amountShipping": number("0"), "tax": nil,
			}
			if !shareTax.IsZero() {
				journal["tax"] = []any{tree{"amountTax": number(text8(shareTax)), "taxCode": l.TaxCode, "taxField": "TaxAmount"}}
			}
			o["allocationKey"], o["allocationPercentage"], o["allocationAccountCode"], o["journal"] = j+1, number(text8(a.Percentage)), a.AccountCode, journal
			allocations = append(allocations, o)
		}
		for k, v := range (tree{
			"lineItemSequenceOrder": i + 1, "lineItemDescription": l.Description, "lineItemQuantity": number(text8(l.Quantity)),
			"lineItemUnitPrice": number(text8(l.Amount.DivRound(l.Quantity, 8))), "expenseTypeCode": fmt.Sprintf("%-7s", l.ExpenseType),
			"expenseTypeName": l.ExpenseType, "lineItemCode": orNull(l.ItemCode), "lineItemPurchaseOrderNumber": orNull(l.PONumber), "poLineNumber": nil,
			"externalLineItemId": nil, "lineItemDeliverySlipNumber": nil, "receiptNumbers": []any{}, "allocation": allocations,
		}) {
			line[k] = v
		}
		lines = append(lines, line)
	}
	return encodeJSON(tree{
		"requestHeader": header, "ownerEmployee": c.employeeDocument(p.Owner), "lineItem": lines,
		"vendor": tree{
			"vendorCode": p.Vendor.Code, "vendorName": p.Vendor.Name, "vendorRemitToAddressCode": p.Vendor.AddressCode,
			"vendorShipFromAddressCode": nil, "vendorContactFirstName": nil, "vendorContactLastName": nil,
		},
	})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// taxes are those of the header and of the lines.
func (p *PaymentRequest) taxes() decimal.Decimal {
	sum := p.Tax
	for _, l := range p.Lines {
		sum = sum.Add(l.Tax)
	}
	return sum
}

// ready puts a document that was finally approved into the queue of a company that
// has the Financial Integration Service.
func (c *Company) ready(kind, businessID string, document func(revision int) json.RawMessage) {
	if !c.opts.FinancialIntegration {
		return
	}
	revision := 1
	if d := c.newest(businessID); d != nil {
		revision = d.Revision + 1
	}
	c.queue(FinancialDocument{Kind: kind, BusinessID: businessID, Revision: revision, Document: document(revision)})
}
