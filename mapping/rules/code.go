package rules

import (
	"slices"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// The codes of the issues that a Mapper finds. They are stable: documents that
// park with one code are replayed together, and people search for them. Codes
// has the meaning, the owner and the remedy of each.
const (
	// DocumentKindUnknown: the document is neither a report nor an invoice.
	DocumentKindUnknown = "document_kind_unknown"
	// TestDocument: a test transaction must not reach a production company.
	TestDocument = "test_document"
	// CompanyUnknown: no rule names the ERP company.
	CompanyUnknown = "company_unknown"
	// CompanyForeign: the document, or a part of it, belongs to another company.
	CompanyForeign = "company_foreign"
	// CurrencyUnknown: the currency is not in ISO 4217.
	CurrencyUnknown = "currency_unknown"
	// AmountTooFine: an amount is finer than the currency's minor unit.
	AmountTooFine = "amount_too_fine"
	// DateInvalid: a date is no calendar date.
	DateInvalid = "date_invalid"
	// EntryRepeated: an entry stands in the document twice.
	EntryRepeated = "entry_repeated"
	// ItemisationDoubled: an itemised entry stands beside its own children.
	ItemisationDoubled = "itemisation_doubled"
	// AllocationMismatch: allocations do not add up to their entry.
	AllocationMismatch = "allocation_mismatch"
	// TotalMismatch: entries and charges do not add up to the total.
	TotalMismatch = "total_mismatch"
	// PostingMismatch: what the rules made does not add up; nothing is sent.
	PostingMismatch = "posting_mismatch"
	// PaymentTypeUnknown: no counterparty is named for a payment type.
	PaymentTypeUnknown = "payment_type_unknown"
	// PersonalUnmapped: a personal expense on a company-paid card, and no rule.
	PersonalUnmapped = "personal_unmapped"
	// EmployeeIDMissing: the employee has no id to find the vendor by.
	EmployeeIDMissing = "employee_id_missing"
	// SupplierCodeMissing: the supplier has no code to find the vendor by.
	SupplierCodeMissing = "supplier_code_missing"
	// SupplierUnlisted: the supplier's code is in no line of the rules.
	SupplierUnlisted = "supplier_unlisted"
	// VendorMissing: the ERP has no such vendor.
	VendorMissing = "vendor_missing"
	// VendorAmbiguous: the ERP links several vendors to one employee.
	VendorAmbiguous = "vendor_ambiguous"
	// VendorInactive: the vendor is inactive.
	VendorInactive = "vendor_inactive"
	// VendorUnapproved: the vendor is not approved.
	VendorUnapproved = "vendor_unapproved"
	// VendorHold: payments to the vendor are held, and the rules refuse that.
	VendorHold = "vendor_hold"
	// CostCentreMissing: an expense has no cost centre.
	CostCentreMissing = "cost_centre_missing"
	// CostCentreUnknown: the rules do not know the cost centre.
	CostCentreUnknown = "cost_centre_unknown"
	// AccountUnmapped: no account rule matches.
	AccountUnmapped = "account_unmapped"
	// SegmentMissing: a part of the account has no value.
	SegmentMissing = "segment_missing"
	// SegmentInvalid: a part of the account holds the segment separator.
	SegmentInvalid = "segment_invalid"
	// AccountUnknown: the ERP has no such GL account.
	AccountUnknown = "account_unknown"
	// AccountInactive: the GL account may not be used on the apply date.
	AccountInactive = "account_inactive"
	// NumberMissing: the document has no number.
	NumberMissing = "number_missing"
	// NumberTooLong: the supplier's number does not fit, and is never cut.
	NumberTooLong = "number_too_long"
	// NumberInvalid: the supplier's number holds control characters.
	NumberInvalid = "number_invalid"
	// InvoiceDateMissing: the document has no date.
	InvoiceDateMissing = "invoice_date_missing"
	// ApplyDateMissing: the date that decides the period is missing.
	ApplyDateMissing = "apply_date_missing"
	// PeriodClosed: the fiscal period of the apply date is closed.
	PeriodClosed = "period_closed"
	// ChargeUnspreadable: a charge has no line that it could be spread over.
	ChargeUnspreadable = "charge_unspreadable"
	// ChargeUnknown: a charge is neither shipping nor tax.
	ChargeUnknown = "charge_unknown"
	// PurchaseOrder: a line belongs to a purchase order.
	PurchaseOrder = "purchase_order"
)

// Code is a line of the catalogue of issues.
type Code struct {
	Code    string
	Meaning string          // what happened, in general
	Owner   connector.Owner // who can mend it, most of the time
	Remedy  string          // what to do
}

// Codes returns the catalogue: every code that a Mapper may give, in the order
// in which a document is looked at. Messages, pages and guides read from it.
func Codes() []Code {
	return slices.Clone(catalogue)
}

// catalogue is read, never written.
var catalogue = []Code{
	{DocumentKindUnknown, "The document is neither an expense report nor a supplier's invoice.", connector.IT, "Update the connector, or take the document out of the flow."},
	{TestDocument, "The document is a test transaction and the company it would be posted to is not named as a test company.", connector.ConcurAdmin, "Withdraw the test in Concur, or name a test company under company.test."},
	{CompanyUnknown, "No rule says which company of the ERP the document belongs to.", connector.Finance, "Add the ledger or the code under company."},
	{CompanyForeign, "The document, or an allocation of it, belongs to another company than the one this flow posts to.", connector.Finance, "Post it in the company it belongs to, or correct the allocation in Concur."},
	{CurrencyUnknown, "The currency is not in ISO 4217.", connector.ConcurAdmin, "Correct the currency in Concur."},
	{AmountTooFine, "An amount has digits below the currency's minor unit.", connector.ConcurAdmin, "Correct the amount in Concur; nothing is rounded silently."},
	{DateInvalid, "A date is no calendar date.", connector.ConcurAdmin, "Correct the date in Concur."},
	{EntryRepeated, "Two entries bear one id, so that one of them would be paid twice.", connector.IT, "Fetch the document again; if it stays so, report it to SAP Concur."},
	{ItemisationDoubled, "An itemised entry stands beside its own children, so that it would be paid twice.", connector.IT, "Fetch the document again; if it stays so, report it to SAP Concur."},
	{AllocationMismatch, "The allocations of an entry do not add up to its amount.", connector.ConcurAdmin, "Correct the allocations in Concur."},
	{TotalMismatch, "The entries and charges do not add up to the approved total.", connector.ConcurAdmin, "Compare the document with Concur and correct it there; nothing is posted until it ties."},
	{PostingMismatch, "What the rules made of the document does not add up to it. Nothing was sent.", connector.IT, "Report it as a defect, with the mapping's version."},
	{PaymentTypeUnknown, "No counterparty is named for a payment type, so nobody knows who is owed.", connector.Finance, "Add the payment type under counterparties."},
	{PersonalUnmapped, "A personal expense stands on a card that the company pays, and the rules do not say who bears it.", connector.Finance, "Give the counterparty personal: employee_owes or personal: skip."},
	{EmployeeIDMissing, "The employee has no employee id, by which the vendor is found.", connector.ConcurAdmin, "Enter the employee id in the user's profile in Concur."},
	{SupplierCodeMissing, "The supplier has no vendor code. Suppliers are never matched by name.", connector.ConcurAdmin, "Enter the vendor code at the supplier in Concur."},
	{SupplierUnlisted, "The supplier's code is in no line under suppliers.vendors.", connector.Finance, "Add the code under suppliers.vendors."},
	{VendorMissing, "The ERP has no vendor with this id. Vendors are never created by the connector.", connector.Purchasing, "Create the vendor in the ERP, or link another one in the rules."},
	{VendorAmbiguous, "The ERP links several vendors to one employee.", connector.Finance, "Leave one link in the ERP, or name the vendor under employees.vendors."},
	{VendorInactive, "The vendor is inactive in the ERP.", connector.Purchasing, "Activate the vendor in the ERP, or link another one in the rules."},
	{VendorUnapproved, "The vendor is not approved in the ERP.", connector.Purchasing, "Approve the vendor in the ERP."},
	{VendorHold, "Payments to the vendor are held in the ERP, and pay_hold: refuse is set.", connector.Purchasing, "Release the hold in the ERP, or set pay_hold: allow."},
	{CostCentreMissing, "An expense, its allocation and the document's header have no cost centre, and the account needs one.", connector.ConcurAdmin, "Enter the cost centre in Concur, or use an account without one in the rule."},
	{CostCentreUnknown, "The rules do not know the cost centre.", connector.Finance, "Add the cost centre under cost_centres.values."},
	{AccountUnmapped, "No rule under accounts matches the expense.", connector.Finance, "Add a rule under accounts.rules."},
	{SegmentMissing, "A part of the GL account has no value in the document.", connector.ConcurAdmin, "Fill the field in Concur, or change the account of the rule."},
	{SegmentInvalid, "A value that becomes a part of the GL account holds a |, which separates segments.", connector.ConcurAdmin, "Correct the code in Concur."},
	{AccountUnknown, "The ERP has no such GL account.", connector.Finance, "Create the account in the ERP, or correct the rule."},
	{AccountInactive, "The GL account may not be used on the apply date.", connector.Finance, "Choose an active account, or change its effective dates in the ERP."},
	{NumberMissing, "The document has no number.", connector.ConcurAdmin, "Enter the invoice number in Concur."},
	{NumberTooLong, "The supplier's invoice number is longer than the ERP takes. It is never cut, since two numbers could become one.", connector.Finance, "Correct the number in Concur, or enter this invoice by hand."},
	{NumberInvalid, "The supplier's invoice number holds characters that no number has.", connector.ConcurAdmin, "Correct the number in Concur."},
	{InvoiceDateMissing, "The document has no date.", connector.ConcurAdmin, "Enter the date in Concur."},
	{ApplyDateMissing, "The date that decides the fiscal period is missing.", connector.IT, "Choose another date under apply_date.from, or find out why Concur gave none."},
	{PeriodClosed, "The fiscal period of the apply date is closed in the ERP.", connector.Finance, "Open the period, or set apply_date.closed_period: next_open."},
	{ChargeUnspreadable, "A charge cannot be spread, because no line has an amount of its sign.", connector.Finance, "Give the charge an account of its own under charges."},
	{ChargeUnknown, "A charge is neither shipping nor tax.", connector.IT, "Update the connector."},
	{PurchaseOrder, "A line belongs to a purchase order. Booked to a GL account it would be counted twice: once here, once by the receipt.", connector.Purchasing, "Enter it in the ERP against the order, or set purchase_orders: expense where orders are not received there."},
}
