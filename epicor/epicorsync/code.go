package epicorsync

import (
	"slices"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// The codes of the issues that a sink finds. They are stable: documents that
// park with one code are replayed together, and people search for them. Codes
// has the meaning, the owner and the remedy of each. Where a mapping finds the
// same fault earlier, it uses the same code.
const (
	// CompanyForeign says that the posting belongs to another company.
	CompanyForeign = "company_foreign"
	// PostingMismatch says that the posting does not add up.
	PostingMismatch = string(document.PostingMismatch)
	// CurrencyUnknown says that the currency is not in ISO 4217.
	CurrencyUnknown = string(document.CurrencyUnknown)
	// AmountTooFine says that an amount is finer than the currency's minor unit.
	AmountTooFine = string(document.AmountTooFine)
	// DateInvalid says that a date is no calendar date.
	DateInvalid = string(document.DateInvalid)
	// NumberTooLong says that an invoice number does not fit.
	NumberTooLong = "number_too_long"
	// InvoiceNumberTaken says that the vendor has another invoice with the number.
	InvoiceNumberTaken = "invoice_number_taken"
	// VendorMissing says that Epicor has no such vendor.
	VendorMissing = "vendor_missing"
	// VendorInactive says that the vendor is inactive.
	VendorInactive = "vendor_inactive"
	// AccountUnknown says that Epicor has no such GL account.
	AccountUnknown = "account_unknown"
	// AccountInactive says that the GL account may not be used on the apply date.
	AccountInactive = "account_inactive"
	// PeriodClosed says that the fiscal period of the apply date is closed.
	PeriodClosed = "period_closed"
	// TermsMissing says that the vendor has no payment terms.
	TermsMissing = "terms_missing"
	// CurrencyNotInEpicor says that Epicor does not know the currency.
	CurrencyNotInEpicor = "currency_not_in_epicor"
	// ValueTooLong says that a text does not fit into its column.
	ValueTooLong = "value_too_long"
	// GroupForeign says that the entry group is somebody else's.
	GroupForeign = "group_foreign"
	// EpicorQuestion says that Epicor asked something instead of saving.
	EpicorQuestion = "epicor_question"
	// InvoiceDiffers says that Epicor saved something else than was entered.
	InvoiceDiffers = "invoice_differs"
	// PostedNeedsCancellation says that a posted invoice has to be taken back.
	PostedNeedsCancellation = "posted_needs_cancellation"
	// POVariance says that the price of an ordered line is not the order's.
	POVariance = "po_variance"
	// ReceiptMissing says that an ordered line has no single receipt to invoice.
	ReceiptMissing = "receipt_missing"
	// SupplierDuplicate says that a supplier's invoice looks like one that is there.
	SupplierDuplicate = "supplier_duplicate"
	// EpicorRefused says that Epicor broke off with a rule that has no code here.
	EpicorRefused = "epicor_refused"
)

// Codes returns the catalogue: every code that a sink may give.
func Codes() []connector.Code { return slices.Clone(catalogue) }

const defect = "Report it as a defect of the mapping, with its version; nothing was sent."

// catalogue is read, never written.
var catalogue = []connector.Code{
	{Code: CompanyForeign, Owner: connector.Finance, Meaning: "The document belongs to another company than the one this flow posts to.", Remedy: "Post it in the company it belongs to, or correct the company in the rules."},
	{Code: PostingMismatch, Owner: connector.IT, Meaning: "What the mapping made does not add up. Nothing was sent.", Remedy: defect},
	{Code: CurrencyUnknown, Owner: connector.ConcurAdmin, Meaning: "The currency is not in ISO 4217.", Remedy: "Correct the currency in Concur."},
	{Code: AmountTooFine, Owner: connector.IT, Meaning: "An amount has digits below the currency's minor unit.", Remedy: defect},
	{Code: DateInvalid, Owner: connector.IT, Meaning: "A date is no calendar date.", Remedy: defect},
	{Code: NumberTooLong, Owner: connector.Finance, Meaning: "The invoice number is longer than Epicor takes. It is never cut, since two numbers could become one.", Remedy: "Correct the number in Concur, or enter this invoice by hand."},
	{Code: InvoiceNumberTaken, Owner: connector.Finance, Meaning: "The vendor has an invoice with this number already, which was not entered by this connector for this document.", Remedy: "Compare the two. If it is the same invoice, skip this document; if not, correct the number at the source."},
	{Code: VendorMissing, Owner: connector.Purchasing, Meaning: "Epicor has no vendor with this id.", Remedy: "Create the vendor in Epicor, or link another one in the rules."},
	{Code: VendorInactive, Owner: connector.Purchasing, Meaning: "The vendor is inactive in Epicor.", Remedy: "Activate the vendor in Epicor, or link another one in the rules."},
	{Code: AccountUnknown, Owner: connector.Finance, Meaning: "Epicor has no such GL account.", Remedy: "Create the account in Epicor, or correct the rule."},
	{Code: AccountInactive, Owner: connector.Finance, Meaning: "The GL account may not be used on the apply date.", Remedy: "Choose an active account, or change its effective dates in Epicor."},
	{Code: PeriodClosed, Owner: connector.Finance, Meaning: "The fiscal period of the apply date is closed in Epicor.", Remedy: "Open the period in Epicor, or set apply_date.closed_period: next_open."},
	{Code: TermsMissing, Owner: connector.Purchasing, Meaning: "The vendor has no payment terms, which Epicor wants of every invoice.", Remedy: "Give the vendor payment terms in Epicor, then replay this document."},
	{Code: CurrencyNotInEpicor, Owner: connector.EpicorAdmin, Meaning: "Epicor does not know the currency.", Remedy: "Set the currency up in Epicor, then replay this document."},
	{Code: ValueTooLong, Owner: connector.EpicorAdmin, Meaning: "A text is longer than its column in Epicor.", Remedy: "Shorten the text in the rules, or widen the column, then replay this document."},
	{Code: GroupForeign, Owner: connector.EpicorAdmin, Meaning: "The entry group bears the name that this connector uses and was created by somebody else.", Remedy: "Post or rename the group in Epicor, or set another prefix for groups; if the connector itself made it, name its Epicor user in the settings."},
	{Code: EpicorQuestion, Owner: connector.EpicorAdmin, Meaning: "Epicor asked a question instead of saving.", Remedy: "Find the rule (often a BPM) that asks and let it not ask the integration's user."},
	{Code: InvoiceDiffers, Owner: connector.EpicorAdmin, Meaning: "What Epicor saved is not what was entered; it was taken back.", Remedy: "Look for what changes invoices of this vendor (tax region, terms, a BPM), mend it, then replay this document."},
	{Code: PostedNeedsCancellation, Owner: connector.Finance, Meaning: "An invoice is posted, so it cannot be deleted.", Remedy: "Cancel the invoice in Epicor, then replay this document."},
	{Code: POVariance, Owner: connector.Purchasing, Meaning: "The amount of an ordered line differs from what its purchase order says by more than is tolerated.", Remedy: "Correct the price of the order in Epicor or the invoice in Concur, or raise the tolerance; then replay this document."},
	{Code: ReceiptMissing, Owner: connector.Purchasing, Meaning: "A line of a purchase order has no receipt in Epicor that could be invoiced, or several and nothing says which.", Remedy: "Enter the receipt of the goods in Epicor, or name its pack slip in Concur where there are several; then replay this document."},
	{Code: SupplierDuplicate, Owner: connector.Finance, Meaning: "The vendor has an invoice of the same amount whose number is the same but for its spelling.", Remedy: "Compare the two. If it is the same invoice, skip this document; if not, write the number in Concur as the supplier does, or enter this invoice in Epicor by hand."},
	{Code: EpicorRefused, Owner: connector.EpicorAdmin, Meaning: "Epicor refused with a rule of its own.", Remedy: "Mend in Epicor what the message names, then replay this document."},
}

// found makes an issue of a code; owner and remedy are the catalogue's.
func found(code, field, value, message string) connector.Issue {
	is := connector.Issue{Code: code, Field: field, Value: value, Message: message}
	if i := slices.IndexFunc(catalogue, func(c connector.Code) bool { return c.Code == code }); i >= 0 {
		is.Owner, is.Remedy = catalogue[i].Owner, catalogue[i].Remedy
	}
	return is
}
