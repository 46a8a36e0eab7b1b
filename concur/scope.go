package concur

import (
	"slices"
	"strings"
)

// Feature is a use of the APIs that needs scopes of its own. Follows the Scopes
// page and the pages of the services.
type Feature string

// The features.
const (
	FeatureReports              Feature = "reports"               // Reports, Expenses, Allocations, Comments, Exceptions: reading
	FeatureReportsWrite         Feature = "reports_write"         // the same: writing
	FeatureExpenseTaxes         Feature = "expense_taxes"         // ExpenseTaxes: changing
	FeatureWorkflow             Feature = "workflow"              // Workflow
	FeatureExpenseV3            Feature = "expense_v3"            // ReportsV3, EntriesV3, ItemizationsV3, AllocationsV3
	FeaturePaymentRequests      Feature = "payment_requests"      // PaymentRequests, Digests, LocalizedData
	FeatureVendors              Feature = "vendors"               // Vendors
	FeaturePurchaseOrders       Feature = "purchase_orders"       // PurchaseOrders, PurchaseOrderReceipts
	FeaturePaymentConfirmations Feature = "payment_confirmations" // PaymentConfirmations
	FeatureFinancial            Feature = "financial"             // Financial, and its events
	FeatureLists                Feature = "lists"                 // Lists, ListItems: reading
	FeatureListsWrite           Feature = "lists_write"           // the same: writing and deleting
	FeatureUsers                Feature = "users"                 // Users
	FeatureSpendUsers           Feature = "spend_users"           // SpendUsers
	FeatureExchangeRates        Feature = "exchange_rates"        // ExchangeRates
	FeatureImages               Feature = "images"                // Images
	FeatureSpendDocuments       Feature = "spend_documents"       // SpendDocuments
	FeatureAccounting           Feature = "accounting"            // AccountingIntegration
	FeatureEvents               Feature = "events"                // Subscriptions, Topics; each topic has a scope beside
	FeatureReportEvents         Feature = "report_events"         // TopicExpenseReport
)

// Scopes returns what a feature needs: all of the rows, and of each row one.
func (f Feature) Scopes() [][]string {
	one := func(scopes ...string) [][]string {
		rows := make([][]string, len(scopes))
		for i, s := range scopes {
			rows[i] = strings.Split(s, "|")
		}
		return rows
	}
	switch f {
	case FeatureReports:
		return one("expense.report.read|expense.report.readwrite", "user.read")
	case FeatureReportsWrite:
		return one("expense.report.readwrite", "user.read")
	case FeatureExpenseTaxes:
		return one("expense.report.tax.readwrite")
	case FeatureWorkflow:
		return one("expense.report.workflowstatus.write")
	case FeatureExpenseV3:
		return one("EXPRPT")
	case FeaturePaymentRequests:
		return one("INVPMT")
	case FeatureVendors:
		return one("INVVEN")
	case FeaturePurchaseOrders:
		return one("INVPO")
	case FeaturePaymentConfirmations:
		return one("invoice.paymentconfirmation.read", "invoice.paymentconfirmation.write")
	case FeatureFinancial:
		return one("FISVC")
	case FeatureLists:
		return one("spend.list.read", "spend.listitem.read")
	case FeatureListsWrite:
		return one("spend.list.write", "spend.listitem.write", "spend.listitem.delete")
	case FeatureUsers:
		return one("identity.user.ids.read|identity.user.core.read|identity.user.coresensitive.read", "identity.user.enterprise.read")
	case FeatureSpendUsers:
		return one("spend.user.general.read")
	case FeatureExchangeRates:
		return one("expense.exchangerate.writeonly")
	case FeatureImages:
		return one("IMAGE")
	case FeatureSpendDocuments:
		return one("spenddocs.receipts.read")
	case FeatureAccounting:
		return one("spend.accountingintegration.read", "spend.accountingintegration.write")
	case FeatureEvents:
		return one("events.topic.read")
	case FeatureReportEvents:
		return one("events.topic.read", "expense.report.read|expense.report.readwrite")
	default:
		return nil
	}
}

// MissingScopes compares what was granted (Token.Scopes) with what features need
// and returns what is missing, sorted; scopes of which one is enough stand
// together, "expense.report.read or expense.report.readwrite".
func MissingScopes(granted []string, features ...Feature) []string {
	var missing []string
	for _, f := range features {
		for _, row := range f.Scopes() {
			if !slices.ContainsFunc(row, func(s string) bool { return slices.Contains(granted, s) }) {
				missing = append(missing, strings.Join(row, " or "))
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
