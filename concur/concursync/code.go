package concursync

import (
	"slices"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// The codes of the issues that the sources of this package find. They are
// stable: documents that park with one code are replayed together.
const (
	// AllocationPercent: the percentages of an entry's allocations do not add up
	// to 100, so that they cannot be turned into amounts.
	AllocationPercent = "allocation_percent"
	// ExpenseCurrency: an expense is approved in another currency than its report.
	ExpenseCurrency = "expense_currency"
	// ReportOwnerUnknown: nobody says whose the report is, without which it cannot
	// be read.
	ReportOwnerUnknown = "report_owner_unknown"
	// ReportForbidden: Concur refuses one report and lets others be read.
	ReportForbidden = "report_forbidden"
	// InvoiceForbidden: Concur refuses one invoice and lets others be read.
	InvoiceForbidden = "invoice_forbidden"
	// FinancialUnreadable: a financial document cannot be read.
	FinancialUnreadable = "financial_unreadable"
	// FinancialStateUnknown: a financial document is in a state in which nobody can
	// say whether it is to be posted.
	FinancialStateUnknown = "financial_state_unknown"
)

// Codes lists the codes of the issues that this package makes.
func Codes() []connector.Code { return slices.Clone(catalogue) }

// catalogue is read, never written.
var catalogue = []connector.Code{
	{
		Code: AllocationPercent, Owner: connector.ConcurAdmin,
		Meaning: "The percentages of an entry's allocations do not add up to 100, so they cannot be turned into amounts.",
		Remedy:  "Correct the allocations in Concur so that they add up to 100 %, then replay this document.",
	},
	{
		Code: ExpenseCurrency, Owner: connector.ConcurAdmin,
		Meaning: "An expense is approved in another currency than its report, so its amount cannot be added to the others.",
		Remedy:  "Look at the expense in Concur and report it to SAP Concur; nothing is converted here. Replay this document when it is mended.",
	},
	{
		Code: ReportOwnerUnknown, Owner: connector.ConcurAdmin,
		Meaning: "Concur reads a report by its owner. Neither the event nor the list of changed reports says who that is, or the owner is no user any more.",
		Remedy:  "See in Concur whose the report is and whether that user still exists. Activate the user and replay, or enter the report in the ERP by hand.",
	},
	{
		Code: ReportForbidden, Owner: connector.ConcurAdmin,
		Meaning: "Concur refuses this report to the connector and lets others be read.",
		Remedy:  "Let the connector's app read the group or policy that this report belongs to, then replay; or enter the report in the ERP by hand.",
	},
	{
		Code: InvoiceForbidden, Owner: connector.ConcurAdmin,
		Meaning: "Concur refuses this invoice to the connector and lets others be read.",
		Remedy:  "Let the connector's app read the group or policy that this invoice belongs to, then replay; or enter the invoice in the ERP by hand.",
	},
	{
		Code: FinancialUnreadable, Owner: connector.ConcurAdmin,
		Meaning: "A financial document in Concur's queue cannot be read, so nothing of it is posted.",
		Remedy:  "Recall the document in Concur and let it be approved again, which makes a new one; if that is not readable either, report it to SAP Concur with the document's id.",
	},
	{
		Code: FinancialStateUnknown, Owner: connector.ConcurAdmin,
		Meaning: "A financial document is in a state of which it is not known whether it is to be posted. Nothing is posted.",
		Remedy:  "See in Concur what became of the document. Replay it when it is ready or acknowledged again; where it was posted otherwise, leave it.",
	},
}

// rejection makes an issue of a code; owner and remedy are the catalogue's.
func rejection(code, field, value, message string, err error) *connector.Rejection {
	issue := connector.Issue{Code: code, Field: field, Value: value, Message: message}
	if i := slices.IndexFunc(catalogue, func(c connector.Code) bool { return c.Code == code }); i >= 0 {
		issue.Owner, issue.Remedy = catalogue[i].Owner, catalogue[i].Remedy
	}
	return &connector.Rejection{Issues: []connector.Issue{issue}, Err: err}
}
