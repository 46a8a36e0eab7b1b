package concurtest

// Scopes that the served resources ask for. Follows the "Scopes" page.
const (
	scopeReportRead   = "expense.report.read"
	scopeReportWrite  = "expense.report.readwrite"
	scopeExpense3     = "EXPRPT"
	scopeInvoice3     = "INVPMT"
	scopeListRead     = "spend.list.read"
	scopeItemRead     = "spend.listitem.read"
	scopeListWrite    = "spend.list.write"
	scopeUserWrite    = "identity.user.coreenterprise.writeonly"
	scopeTax          = "expense.report.tax.readwrite"
	scopeListDelete   = "spend.list.delete"
	scopeItemWrite    = "spend.listitem.write"
	scopeItemDelete   = "spend.listitem.delete"
	scopeVendors3     = "INVVEN"
	scopeUserIDs      = "identity.user.ids.read"
	scopeUserCore     = "identity.user.core.read"
	scopeUserCompany  = "identity.user.enterprise.read"
	scopeEvents       = "events.topic.read"
	scopeUser         = "user.read"
	scopeFinancial    = "FISVC"
	scopeUserEvents   = "identity.user.event.read"
	scopeSpendEvents  = "spend.user.event.read"
	scopeProvision    = "user.provision.read"
	scopeUserCoreMore = "identity.user.coresensitive.read"
	scopeWorkflow     = "expense.report.workflowstatus.write"
	scopePayRead      = "invoice.paymentconfirmation.read"
	scopePayWrite     = "invoice.paymentconfirmation.write"
	scopeOrders3      = "INVPO"
	scopeSpendUsers   = "spend.user.general.read"
	scopeRates        = "expense.exchangerate.writeonly"
	scopeImages       = "IMAGE"
	scopeDocuments    = "spenddocs.receipts.read"
	scopeAccountRead  = "spend.accountingintegration.read"
	scopeAccountWrite = "spend.accountingintegration.write"
)

func allScopes() []string {
	return []string{
		scopeInvoice3, scopeExpense3, scopeFinancial, scopeEvents, scopeReportRead, scopeReportWrite,
		scopeUserCore, scopeUserCoreMore, scopeUserCompany, scopeUserEvents, scopeUserIDs,
		scopeListRead, scopeItemRead, scopeListWrite, scopeListDelete, scopeTax, scopeUserWrite, scopeItemWrite, scopeItemDelete, scopeVendors3, scopeUser,
		scopeWorkflow, scopePayRead, scopePayWrite, scopeOrders3, scopeSpendUsers, scopeRates, scopeImages, scopeDocuments,
		scopeAccountRead, scopeAccountWrite, scopeSpendEvents, scopeProvision,
	}
}
