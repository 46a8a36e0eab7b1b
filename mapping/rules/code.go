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
	// ExpensePay: the source's own service pays an expense, and no rule says whom
	// the company owes for that.
	ExpensePay = "expense_pay"
	// CashAdvance: a cash advance is set off against the report.
	CashAdvance = "cash_advance"
	// SettlementMismatch: by the rules somebody gets another amount than the
	// source says is due.
	SettlementMismatch = "settlement_mismatch"
	// PayrollPay: the payroll pays the employee, and no rule says whom the company
	// owes for that.
	PayrollPay = "payroll_pay"
	// TaxMismatch: an amount less its taxes is not its net amount.
	TaxMismatch = "tax_mismatch"
	// RateMismatch: more was approved than the exchange rate makes of what was spent.
	RateMismatch = "rate_mismatch"
	// TaxUnmapped: no rule says where a tax that can be reclaimed is booked.
	TaxUnmapped = "tax_unmapped"
	// EmployeeIDMissing: the employee has no id to find the vendor by.
	EmployeeIDMissing = "employee_id_missing"
	// SupplierCodeMissing: the supplier has no code to find the vendor by.
	SupplierCodeMissing = "supplier_code_missing"
	// SupplierUnlisted: the supplier's code is in no line of the rules.
	SupplierUnlisted = "supplier_unlisted"
	// VendorMissing: the ERP has no such vendor.
	VendorMissing = "vendor_missing"
	// VendorAmbiguous: the ERP links several vendors to one employee, or the vendor
	// that the rules find to another.
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
	// TableRowMissing: a table has no row for the document's codes.
	TableRowMissing = "table_row_missing"
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

// Codes returns the catalogue: every code that a Mapper may give, in the order
// in which a document is looked at. Messages, pages and guides read from it.
func Codes() []connector.Code {
	return slices.Clone(catalogue)
}

// theFile stands in the catalogue for the name of the rule file.
const theFile = "the mapping file"

// catalogue is read, never written.
var catalogue = []connector.Code{
	{
		Code: DocumentKindUnknown, Owner: connector.IT,
		Meaning: "The document is neither an expense report, a supplier's invoice nor a cash advance.",
		Remedy:  "Update the connector and replay, or take this kind of document out of the flow.",
	},
	{
		Code: TestDocument, Owner: connector.ConcurAdmin,
		Meaning: "The document is a test transaction and the company it would be posted to is not named as a test company.",
		Remedy:  "Withdraw the test in Concur, or name the ERP's test company as company.test in the mapping file, then replay.",
	},
	{
		Code: CompanyUnknown, Owner: connector.Finance,
		Meaning: "No rule says which company of the ERP the document belongs to.",
		Remedy:  "Add a line with the ERP's company under company.ledgers, or under company.codes where a custom field names it, in the mapping file, then replay.",
	},
	{
		Code: CompanyForeign, Owner: connector.Finance,
		Meaning: "The document, or an allocation of it, belongs to another company than the one this flow posts to.",
		Remedy:  "Post it by the tenant that is connected to that company, or correct the allocation in Concur and let it be approved again.",
	},
	{
		Code: CurrencyUnknown, Owner: connector.ConcurAdmin,
		Meaning: "The currency is not in ISO 4217.",
		Remedy:  "Correct the currency in Concur and let the document be approved again.",
	},
	{
		Code: AmountTooFine, Owner: connector.ConcurAdmin,
		Meaning: "An amount has digits below the currency's minor unit.",
		Remedy:  "Correct the amount in Concur and let the document be approved again; nothing is rounded silently.",
	},
	{
		Code: DateInvalid, Owner: connector.ConcurAdmin,
		Meaning: "A date is no calendar date.",
		Remedy:  "Correct the date in Concur and let the document be approved again.",
	},
	{
		Code: EntryRepeated, Owner: connector.IT,
		Meaning: "Two entries bear one id, so that one of them would be paid twice.",
		Remedy:  "Replay, which fetches the document again; if it stays so, report it to SAP Concur.",
	},
	{
		Code: ItemisationDoubled, Owner: connector.IT,
		Meaning: "An itemised entry stands beside its own children, so that it would be paid twice.",
		Remedy:  "Replay, which fetches the document again; if it stays so, report it to SAP Concur.",
	},
	{
		Code: AllocationMismatch, Owner: connector.ConcurAdmin,
		Meaning: "The allocations of an entry do not add up to its amount.",
		Remedy:  "Correct the allocations in Concur so that they add up to the expense, and let it be approved again.",
	},
	{
		Code: TotalMismatch, Owner: connector.ConcurAdmin,
		Meaning: "The entries and charges do not add up to the approved total.",
		Remedy:  "Compare the document with Concur and correct it there; nothing is posted until it ties.",
	},
	{
		Code: PostingMismatch, Owner: connector.IT,
		Meaning: "What the rules made of the document does not add up to it. Nothing was sent.",
		Remedy:  "Report it as a defect, with the mapping's version.",
	},
	{
		Code: PaymentTypeUnknown, Owner: connector.Finance,
		Meaning: "No counterparty is named for a payment type, so nobody knows who is owed.",
		Remedy:  "Add the payment type under counterparties in the mapping file: employee, or the vendor and code of who is owed, then replay.",
	},
	{
		Code: PersonalUnmapped, Owner: connector.Finance,
		Meaning: "A personal expense stands on a card that the company pays, and the rules do not say who bears it.",
		Remedy:  "Write personal: employee_owes or personal: skip at the payment type under counterparties in the mapping file, then replay.",
	},
	{
		Code: ExpensePay, Owner: connector.Finance,
		Meaning: "Expense Pay, Concur's own payment service, pays an expense. Posted as usual, it would be paid twice.",
		Remedy:  "Make a vendor in the ERP for the Expense Pay clearing account, write its id and a short code into the mapping file as expense_pay: {vendor: …, code: …}, then replay.",
	},
	{
		Code: CashAdvance, Owner: connector.Finance,
		Meaning: "A cash advance, money that the employee already has, is set off against the report, and the account on which it is cleared is not known. Posted without it, he would be paid too much.",
		Remedy:  byHand,
	},
	{
		Code: SettlementMismatch, Owner: connector.Finance,
		Meaning: "By the rules the employee or the cards get another amount than Concur says is due to them, as where a cash advance is set off or a payment type stands for the wrong party.",
		Remedy:  "Compare with the report's totals in Concur. Correct the payment type under counterparties in the mapping file and replay, or, where an advance or a deduction is the cause, enter the report in the ERP by hand.",
	},
	{
		Code: PayrollPay, Owner: connector.Finance,
		Meaning: "The employer's payroll pays the employee. Posted as usual, he would be paid twice.",
		Remedy:  "Make a vendor in the ERP for the payroll's clearing account, write its id and a short code into the mapping file as payroll: {vendor: …, code: …}, then replay.",
	},
	{
		Code: TaxMismatch, Owner: connector.IT,
		Meaning: "An amount of the source's journal less its taxes is not the net amount that stands beside it.",
		Remedy:  "Replay, which fetches the document again; if it stays so, report it to SAP Concur. Nothing is posted until it ties.",
	},
	{
		Code: RateMismatch, Owner: connector.ConcurAdmin,
		Meaning: "More was approved than the exchange rate makes of what was spent. The rate is never used to compute an amount, only to check it.",
		Remedy:  "Correct the exchange rate or the amount in Concur and let the document be approved again.",
	},
	{
		Code: TaxUnmapped, Owner: connector.Finance,
		Meaning: "No rule says where a tax that can be reclaimed is booked.",
		Remedy:  "Add a line with its reclaim code under taxes.reclaim in the mapping file, then replay.",
	},
	{
		Code: EmployeeIDMissing, Owner: connector.ConcurAdmin,
		Meaning: "The employee has no employee id, by which the vendor is found.",
		Remedy:  "Enter the employee id in the user's profile in Concur, then replay.",
	},
	{
		Code: SupplierCodeMissing, Owner: connector.ConcurAdmin,
		Meaning: "The supplier has no vendor code. Suppliers are never matched by name.",
		Remedy:  "Enter the vendor code at the supplier in Concur, then replay.",
	},
	{
		Code: SupplierUnlisted, Owner: connector.Finance,
		Meaning: "The supplier's code is in no line under suppliers.vendors.",
		Remedy:  "Add a line with the supplier's code and the ERP's vendor id under suppliers.vendors in the mapping file, then replay.",
	},
	{
		Code: VendorMissing, Owner: connector.Purchasing,
		Meaning: "The ERP has no vendor with this id. Vendors are never created by the connector.",
		Remedy:  "Create the vendor in the ERP, or name another by a line under suppliers.vendors or employees.vendors in the mapping file, then replay.",
	},
	{
		Code: VendorAmbiguous, Owner: connector.Finance,
		Meaning: "The ERP links several vendors to one employee.",
		Remedy:  "Leave one link in the ERP, or choose by a line with the employee's id under employees.vendors in the mapping file, then replay.",
	},
	{
		Code: VendorInactive, Owner: connector.Purchasing,
		Meaning: "The vendor is inactive in the ERP.",
		Remedy:  "Activate the vendor in the ERP, or name another by a line under suppliers.vendors or employees.vendors in the mapping file, then replay.",
	},
	{
		Code: VendorUnapproved, Owner: connector.Purchasing,
		Meaning: "The vendor is not approved in the ERP.",
		Remedy:  "Approve the vendor in the ERP, then replay.",
	},
	{
		Code: VendorHold, Owner: connector.Purchasing,
		Meaning: "Payments to the vendor are held in the ERP, and pay_hold: refuse is set.",
		Remedy:  "Release the payment hold of the vendor in the ERP, or write pay_hold: allow in the mapping file, then replay.",
	},
	{
		Code: CostCentreMissing, Owner: connector.ConcurAdmin,
		Meaning: "An expense, its allocation and the document's header have no cost centre, and the account needs one.",
		Remedy:  "Enter the cost centre in Concur, or correct cost_centres.field in the mapping file where another field holds it, then replay.",
	},
	{
		Code: CostCentreUnknown, Owner: connector.Finance,
		Meaning: "The rules do not know the cost centre.",
		Remedy:  "Add a line with the cost centre and its segment under cost_centres.values in the mapping file, then replay.",
	},
	{
		Code: AccountUnmapped, Owner: connector.Finance,
		Meaning: "No rule under accounts matches the expense.",
		Remedy:  "Add a rule with the expense type under accounts.rules in the mapping file, then replay.",
	},
	{
		Code: TableRowMissing, Owner: connector.Finance,
		Meaning: "A table that the GL account is built with has no row for the document's codes.",
		Remedy:  "Add the row to the table, in the mapping file under tables, in its CSV file, or in the rows that the connector keeps, then replay.",
	},
	{
		Code: SegmentMissing, Owner: connector.ConcurAdmin,
		Meaning: "A part of the GL account has no value in the document.",
		Remedy:  "Fill the field in Concur, or write an account without it at the rule under accounts.rules in the mapping file, then replay.",
	},
	{
		Code: SegmentInvalid, Owner: connector.ConcurAdmin,
		Meaning: "A value that becomes a part of the GL account holds a |, which separates segments.",
		Remedy:  "Correct the code in Concur, then replay.",
	},
	{
		Code: AccountUnknown, Owner: connector.Finance,
		Meaning: "The ERP has no such GL account.",
		Remedy:  "Create the account in the ERP, or name another at the rule under accounts.rules in the mapping file, then replay.",
	},
	{
		Code: AccountInactive, Owner: connector.Finance,
		Meaning: "The GL account may not be used on the apply date.",
		Remedy:  "Name an active account at the rule under accounts.rules in the mapping file, or change the account's effective dates in the ERP, then replay.",
	},
	{
		Code: NumberMissing, Owner: connector.ConcurAdmin,
		Meaning: "The document has no number.",
		Remedy:  "Enter the invoice number in Concur and let it be approved again.",
	},
	{
		Code: NumberTooLong, Owner: connector.Finance,
		Meaning: "The supplier's invoice number is longer than the ERP takes. It is never cut, since two numbers could become one.",
		Remedy:  "Correct the number in Concur, or enter this invoice in the ERP by hand.",
	},
	{
		Code: NumberInvalid, Owner: connector.ConcurAdmin,
		Meaning: "The supplier's invoice number holds characters that no number has.",
		Remedy:  "Correct the number in Concur and let it be approved again.",
	},
	{
		Code: InvoiceDateMissing, Owner: connector.ConcurAdmin,
		Meaning: "The document has no date.",
		Remedy:  "Enter the date in Concur and let it be approved again.",
	},
	{
		Code: ApplyDateMissing, Owner: connector.IT,
		Meaning: "The date that decides the fiscal period is missing.",
		Remedy:  "Find out why Concur gives none, or write apply_date.from: invoice_date in the mapping file, then replay.",
	},
	{
		Code: PeriodClosed, Owner: connector.Finance,
		Meaning: "The fiscal period of the apply date is closed in the ERP.",
		Remedy:  "Open the period in the ERP, or write apply_date.closed_period: next_open in the mapping file, then replay.",
	},
	{
		Code: ChargeUnspreadable, Owner: connector.Finance,
		Meaning: "A charge cannot be spread, because no line has an amount of its sign.",
		Remedy:  "Give the charge a GL account of its own under charges in the mapping file, then replay.",
	},
	{
		Code: ChargeUnknown, Owner: connector.IT,
		Meaning: "A charge is neither shipping nor tax.",
		Remedy:  "Update the connector, then replay.",
	},
	{
		Code: PurchaseOrder, Owner: connector.Purchasing,
		Meaning: "A line belongs to a purchase order. Booked to a GL account it would be counted twice: once here, once by the receipt.",
		Remedy:  "Enter it in the ERP against the order, or write purchase_orders: expense in the mapping file where orders are not received in the ERP, then replay.",
	},
}
