package concurtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

func reportRoutes() []route {
	const base = "GET /expensereports/v4/users/{user}/context/{context}/reports/{report}"
	scopes := []string{scopeReportRead, scopeReportWrite}
	return []route{
		{base, expense4, scopes, inContext(serveReport4, "TRAVELER", "MANAGER", "PROCESSOR", "PROXY")},
		{base + "/expenses", expense4, scopes, inContext(serveExpenses4, "TRAVELER", "PROXY")},
		{base + "/expenses/{expense}", expense4, scopes, inContext(serveExpense4, "TRAVELER", "MANAGER", "PROXY")},
		{base + "/expenses/{expense}/itemizations", expense4, scopes, inContext(serveItemizations4, "TRAVELER", "PROXY")},
		{base + "/expenses/{expense}/allocations", expense4, scopes, inContext(serveAllocations4, "TRAVELER", "MANAGER")},
		{base + "/allocations/{allocation}", expense4, scopes, inContext(serveAllocation4, "TRAVELER", "PROXY")},
	}
}

// inContext finds the report of the path and checks that its user may see it in
// the context: a traveller sees his own, a manager what waits for him or passed
// him, a processor all. A proxy is anybody of the company: delegates are not
// modelled.
func inContext(handle func(*call, *Report) reply, contexts ...string) func(*call) reply {
	return func(c *call) reply {
		context := c.r.PathValue("context")
		if !slices.Contains(contexts, context) {
			return c.refuseAs(http.StatusBadRequest, "contextNotSupported", "Specified context not supported")
		}
		u := c.company.userByID(c.r.PathValue("user"))
		if u == nil || c.user != nil && c.user != u && context != "PROXY" {
			return c.refuseAs(http.StatusForbidden, "userNotAuthorized", "The user is not known or not authorized")
		}
		r := c.company.report(c.r.PathValue("report"))
		if r == nil {
			return c.refuseAs(http.StatusNotFound, "reportNotFound", "reportId not found")
		}
		if context == "TRAVELER" && u.Login != r.Owner || context == "MANAGER" && u.Login != r.Approver {
			return c.refuseAs(http.StatusForbidden, "userNotAuthorized", "The user is not authorized for this report in this context")
		}
		return handle(c, r)
	}
}

// href returns the address of a report in the Reports v4 service.
func (c *Company) href(base string, r *Report) string {
	return base + "/expensereports/v4/users/" + c.mustUser(r.Owner).ID + "/context/TRAVELER/reports/" + r.ID
}

func selfLink(rel, href string) link4 { return link4{Rel: rel, Href: href, Method: http.MethodGet} }

func serveReport4(c *call, r *Report) reply {
	co, owner, t := c.company, c.company.mustUser(r.Owner), r.totals()
	amount := func(d decimal.Decimal) money { return moneyOf(d, r.Currency) }
	submitted := r.ApprovalStatus != NotSubmitted && r.ApprovalStatus != SentBack
	h := header4{
		ApprovalStatus: approvalName(r.ApprovalStatus), ApprovalStatusID: r.ApprovalStatus, AuditStatus: "NOTR",
		CustomData: r.Custom.wire4(c.base()), Ledger: r.Ledger, LedgerID: undashed(co.policyUUID()),
		PaymentStatus: paymentName(r.PaymentStatus), PaymentStatusID: r.PaymentStatus,
		ApprovedAmount: amount(t.approved), ClaimedAmount: amount(t.claimed), AmountCompanyPaid: amount(t.paidByCompany),
		PaymentConfirmedAmount: amount(decimal.Zero), AmountDueCompany: amount(t.dueCompany),
		AmountDueCompanyCard: amount(t.dueCard), AmountDueEmployee: amount(t.dueEmployee),
		PersonalAmount: amount(t.personal), ReportTotal: amount(t.total), AmountNotApproved: amount(t.claimed.Sub(t.approved)),
		FinancialIntegration: co.opts.FinancialIntegration, CanAddExpense: !submitted, IsSubmitted: submitted,
		IsSentBack: r.ApprovalStatus == SentBack, IsReportEverSentBack: r.EverSentBack, IsReceiptImageRequired: true,
		ImageStatus: "NOT_REQUIRED", ReceiptStatus: "NOT_REQUIRED", DefaultFieldAccess: "RO",
		ReportID: r.ID, ReportNumber: r.Number, Currency: r.Currency, CurrencyCode: r.Currency,
		AnalyticsGroupID: co.policyID, HierarchyNodeID: co.policyID, AllocationFormID: co.policyID,
		Links: []link4{selfLink("self", co.href(c.base(), r))}, ReportDate: r.Date, ReportFormID: co.policyID,
		BusinessPurpose: r.BusinessPurpose, CountryCode: r.Country, PolicyID: co.policyID,
		StartDate: r.Date, EndDate: r.Date, Name: r.Name, Policy: r.Policy, Country: r.Country, UserID: owner.ID,
		Employee: employee4{EmployeeID: owner.EmployeeNumber, EmployeeUUID: owner.ID}, ReportType: r.Type,
		CreationDate: r.CreateDate.UTC().Format("2006-01-02T15:04:05Z"), CanRecall: submitted && r.PaymentStatus == NotPaid,
		ReportVersion: r.Version,
	}
	if r.PaymentStatus == PaymentConfirmed || r.PaymentStatus == Paid {
		h.PaymentConfirmedAmount = amount(t.approved)
	}
	if !r.SubmitDate.IsZero() {
		s := r.SubmitDate.UTC().Format("2006-01-02T15:04:05Z")
		h.SubmitDate = &s
	}
	for _, e := range r.Expenses {
		h.StartDate, h.EndDate = min(h.StartDate, e.Date), max(h.EndDate, e.Date)
	}
	return ok(h)
}

func serveExpenses4(c *call, r *Report) reply {
	rows := []summary4{}
	for i := range r.Expenses {
		rows = append(rows, c.summary(r, &r.Expenses[i]))
		if c.r.URL.Query().Get("includeItemizations") == "true" {
			for j := range r.Expenses[i].Itemizations {
				rows = append(rows, c.summary(r, &r.Expenses[i].Itemizations[j]))
			}
		}
	}
	return ok(rows)
}

func serveItemizations4(c *call, r *Report) reply {
	e, parent := r.find(c.r.PathValue("expense"))
	if e == nil || parent != nil {
		return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
	}
	rows := []summary4{}
	for i := range e.Itemizations {
		rows = append(rows, c.summary(r, &e.Itemizations[i]))
	}
	return ok(rows)
}

func serveExpense4(c *call, r *Report) reply {
	e, parent := r.find(c.r.PathValue("expense"))
	if e == nil {
		return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
	}
	amount := func(d decimal.Decimal) money { return moneyOf(d, r.Currency) }
	net, netReclaim := amount(e.Posted.Decimal.Sub(e.Tax)), amount(e.Posted.Decimal.Sub(e.TaxReclaim))
	d := detail4{
		summary4: c.summary(r, e), CanAllocate: len(e.Itemizations) == 0, CustomData: e.Custom.wire4(c.base()),
		ExpenseTaxSummary: taxSummary4{
			TotalTaxPosted: amount(e.Tax), TotalTaxAdjusted: amount(e.Tax), TotalReclaimPosted: amount(e.TaxReclaim),
			TotalReclaimAdjusted: amount(e.TaxReclaim), NetTax: net, NetAdjustedTax: net,
			NetReclaim: netReclaim, NetReclaimAdjusted: netReclaim, VATTotal: amount(e.Tax),
		},
		IsExpenseBillable: e.Billable, IsExpenseRejected: e.Rejected, ReceiptType: receipt4{ID: e.Receipt, Status: receiptName(e.Receipt)},
		TaxRateLocation: "HOME", LastModifiedDate: r.LastModified.UTC().Format("2006-01-02T15:04:05Z"),
	}
	if parent != nil {
		d.ParentExpenseID = &parent.ID
	}
	return ok(d)
}

func receiptName(id string) string {
	switch id {
	case "T":
		return "Tax Receipt"
	case "N":
		return "No Receipt"
	default:
		return "Receipt"
	}
}

func (c *call) summary(r *Report, e *Expense) summary4 {
	amount := func(d decimal.Decimal) money { return moneyOf(d, r.Currency) }
	claimed := e.Posted.Decimal
	if e.Personal {
		claimed = decimal.Zero
	}
	href := c.company.href(c.base(), r) + "/expenses/" + e.ID
	s := summary4{
		ExpenseID: e.ID, ApproverAdjustedAmount: amount(e.Approved.Decimal), AllocationState: e.allocationState(),
		ApprovedAmount: amount(e.Approved.Decimal), BusinessPurpose: e.Purpose, ClaimedAmount: amount(claimed),
		ExchangeRate:    rate4{Value: number(e.Rate.StringFixed(14)), Operation: "MULTIPLY"},
		ExpenseType:     expenseType4{ID: e.Type, Name: e.TypeName, Code: e.TypeCode},
		IsImageRequired: true, IsPersonalExpense: e.Personal,
		PaymentType:  paymentType4{ID: e.PaymentType, Name: e.PaymentName, Code: e.paymentClass()},
		PostedAmount: amount(e.Posted.Decimal), TransactionAmount: moneyOf(e.Amount, e.Currency), TransactionDate: e.Date,
		AttendeeCount: 1,
		Links: []link4{
			selfLink("self", href), selfLink("itemizations", href+"/itemizations"), selfLink("comments", href+"/comments"),
		},
	}
	if e.Divide {
		s.ExchangeRate.Operation = "DIVIDE"
	}
	if e.Vendor != "" {
		s.Vendor = &vendor4{Name: e.Vendor, Description: e.Vendor}
	}
	if e.City != "" {
		s.Location = &location4{ID: c.company.policyID, Name: e.City, City: e.City, CountryCode: r.Country}
	}
	if len(e.Allocations) > 0 {
		s.AllocationSetID = &e.Allocations[0].ID
	}
	return s
}

func (e *Expense) allocationState() string {
	percent := decimal.Zero
	for _, a := range e.Allocations {
		percent = percent.Add(a.Percentage)
	}
	switch {
	case len(e.Allocations) == 0:
		return "NOT_ALLOCATED"
	case percent.LessThan(decimal.NewFromInt(100)):
		return "PARTIALLY_ALLOCATED"
	default:
		return "FULLY_ALLOCATED"
	}
}

func serveAllocations4(c *call, r *Report) reply {
	e, _ := r.find(c.r.PathValue("expense"))
	if e == nil {
		return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
	}
	return ok(c.allocations(r, e))
}

func serveAllocation4(c *call, r *Report) reply {
	id := c.r.PathValue("allocation")
	for i := range r.Expenses {
		for _, e := range append([]Expense{r.Expenses[i]}, r.Expenses[i].Itemizations...) {
			for _, a := range c.allocations(r, &e) {
				if strings.EqualFold(a.AllocationID, id) {
					return ok(a)
				}
			}
		}
	}
	return c.refuseAs(http.StatusNotFound, "allocationNotFound", "allocationId not found")
}

func (c *call) allocations(r *Report, e *Expense) []allocation4 {
	as, system := e.Allocations, false
	if len(as) == 0 && len(e.Itemizations) == 0 && !c.s.opts.NoSystemAllocation {
		system = true
		as = []Allocation{{
			ID: reverse(e.ID), Percentage: decimal.NewFromInt(100), AccountCode: orElse(e.AccountCode, "Pending Client"),
			Amount: e.Posted, Approved: e.Approved, Custom: e.Custom,
		}}
	}
	rows := []allocation4{}
	for _, a := range as {
		w := allocation4{
			CustomData: []customData4{}, AllocationID: a.ID, AccountCode: a.AccountCode,
			AllocationAmount: cents(a.Amount, r.Currency), ApprovedAmount: cents(a.Approved, r.Currency),
			ClaimedAmount: cents(a.Amount, r.Currency), ExpenseID: e.ID, IsSystemAllocation: system,
			Percentage: padded(a.Percentage),
		}
		for _, d := range a.Custom.wire4("") {
			w.CustomData = append(w.CustomData, customData4{ID: d.ID, Value: d.Value, IsValid: d.IsValid})
		}
		rows = append(rows, w)
	}
	return rows
}

// cents prints an amount of an allocation: with its own digits, two at least.
func cents(d decimal.NullDecimal, currency string) money {
	return money{Value: number(d.Decimal.StringFixed(max(2, -d.Decimal.Exponent()))), CurrencyCode: currency}
}

// reverse makes the id of a system allocation out of that of its expense.
func reverse(id string) string {
	b := []byte(id)
	slices.Reverse(b)
	return string(b)
}

// policyUUID is the identifier of the company's configuration.
func (c *Company) policyUUID() string { return dashed(c.policyID) }
