package concurtest

import (
	"net/http"
	"slices"
)

// The calls that write to the Reports v4 services.
func reportWriteRoutes() []route {
	const (
		user   = "/expensereports/v4/users/{user}"
		report = user + "/context/{context}/reports/{report}"
		system = "/expensereports/v4/reports/{report}"
	)
	write, read, flow := []string{scopeReportWrite}, []string{scopeReportRead, scopeReportWrite}, []string{scopeWorkflow}
	return []route{
		{"POST " + user + "/context/{context}/reports", expense4, write, serveCreateReport},
		{"PATCH " + report, expense4, write, inContext(servePatchReport, "TRAVELER", "PROXY")},
		{"PATCH " + system, expense4, write, companyOnly(bySystem(servePatchSubmitted))},
		{"DELETE " + system, expense4, write, bySystem(serveDeleteReport)},
		{"PATCH " + system + "/expenses/{expense}", expense4, write, companyOnly(bySystem(servePatchExpense))},
		{"DELETE " + system + "/expenses/{expense}", expense4, write, bySystem(serveDeleteExpense)},
		{"PATCH " + report + "/allocations/{allocation}", expense4, write, inContext(servePatchAllocation, "TRAVELER", "PROXY")},
		{"GET " + user + "/context/{context}/reportsToApprove", expense4, read, serveToApprove},
		{"PATCH " + user + "/reports/{report}/submit", expense4, flow, serveSubmit},
		{"PATCH " + system + "/approve", expense4, flow, companyOnly(bySystem(serveApprove))},
		{"PATCH " + report + "/approve", expense4, flow, inContext(serveApprove, "MANAGER")},
		{"PATCH " + system + "/sendBack", expense4, flow, companyOnly(bySystem(serveSendBack))},
		{"PATCH " + report + "/sendBack", expense4, flow, inContext(serveSendBack, "MANAGER")},
		{"PATCH " + report + "/recall", expense4, flow, inContext(serveRecall, "TRAVELER", "PROXY")},
		{"GET " + user + "/reports/{report}/costObjectsForApprover", expense4, read, serveCostObjects},
	}
}

// bySystem finds the report of a path without a user.
func bySystem(handle func(*call, *Report) reply) func(*call) reply {
	return func(c *call) reply {
		r := c.company.report(c.r.PathValue("report"))
		if r == nil {
			return c.refuseAs(http.StatusNotFound, "reportNotFound", "reportId not found")
		}
		return handle(c, r)
	}
}

func (c *call) bad(source, message string) reply {
	rep := c.refuseAs(http.StatusBadRequest, "validationError", "Validation failed")
	if e, ok := rep.body.(errorV4); ok {
		e.ValidationErrors = []validationError{{ID: "invalid", Source: source, Message: message}}
		rep.body = e
	}
	return rep
}

func none() reply { return reply{status: http.StatusNoContent} }

func submitted(r *Report) bool {
	return r.ApprovalStatus != NotSubmitted && r.ApprovalStatus != SentBack
}

type customInput struct {
	ID          string  `json:"id"`
	Value       string  `json:"value"`
	IsValid     *bool   `json:"isValid"`
	ListItemURL *string `json:"listItemUrl"`
}

// setCustom sets fields by the ids of list items or by texts.
func (c *call) setCustom(custom Custom, in []customInput) Custom {
	out := Custom{}
	for k, v := range custom {
		out[k] = v
	}
	for _, f := range in {
		v := Text(f.Value)
		for _, l := range c.company.lists {
			for _, it := range l.items {
				if undashed(it.id) == undashed(f.Value) {
					v = Value{Text: it.name, Code: it.short, ItemID: it.id}
				}
			}
		}
		out[f.ID] = v
	}
	return out
}

func serveCreateReport(c *call) reply {
	u := c.company.userByID(c.r.PathValue("user"))
	if u == nil || c.user != nil && c.user != u {
		return c.refuseAs(http.StatusForbidden, "userNotAuthorized", "The user is not known or not authorized")
	}
	if !slices.Contains([]string{"TRAVELER", "PROXY"}, c.r.PathValue("context")) {
		return c.refuseAs(http.StatusBadRequest, "contextNotSupported", "Specified context not supported")
	}
	var in struct {
		Name            string        `json:"name"`
		PolicyID        string        `json:"policyId"`
		BusinessPurpose string        `json:"businessPurpose"`
		Comment         string        `json:"comment"`
		CountryCode     string        `json:"countryCode"`
		SubDivision     string        `json:"countrySubDivisionCode"`
		ReportDate      string        `json:"reportDate"`
		StartDate       string        `json:"startDate"`
		EndDate         string        `json:"endDate"`
		CustomData      []customInput `json:"customData"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if in.Name == "" {
		return c.bad("name", "is required")
	}
	co := c.company
	once := c.r.Header.Get("idempotency-id")
	if made := co.report(co.once[once]); once != "" && made != nil {
		return reply{status: http.StatusCreated, body: map[string]string{"uri": co.href(c.base(), made)}}
	}
	r := &Report{
		ID: c.s.ids.upper("report", 20), Number: c.s.ids.upper("number", 6), Owner: u.Login, Approver: u.Manager, Name: in.Name,
		BusinessPurpose: in.BusinessPurpose, Currency: co.opts.Currency, Country: orElse(in.CountryCode, co.opts.Country),
		Policy: co.opts.Policy, Ledger: co.opts.Ledger, Type: "Regular", Date: orElse(in.ReportDate, c.s.today()), Custom: c.setCustom(nil, in.CustomData),
		ApprovalStatus: NotSubmitted, PaymentStatus: NotPaid, CreateDate: c.s.now(), LastModified: c.s.now(), LastComment: in.Comment,
	}
	co.reports = append(co.reports, r)
	if once != "" {
		if co.once == nil {
			co.once = map[string]string{}
		}
		co.once[once] = r.ID
	}
	co.announceReport("reportCreated", r)
	return reply{status: http.StatusCreated, body: map[string]string{"uri": co.href(c.base(), r)}}
}

type reportPatch struct {
	Name            *string       `json:"name"`
	BusinessPurpose *string       `json:"businessPurpose"`
	Comment         string        `json:"comment"`
	ReportDate      string        `json:"reportDate"`
	CustomData      []customInput `json:"customData"`
	Source          string        `json:"reportSource"`
}

func (c *call) patchReport(r *Report) reply {
	var in reportPatch
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if !slices.Contains([]string{"EA", "MOB", "OTHER", "SE", "TA", "TR", "UI"}, in.Source) {
		return c.bad("reportSource", "is required")
	}
	if in.Name != nil {
		r.Name = *in.Name
	}
	if in.BusinessPurpose != nil {
		r.BusinessPurpose = *in.BusinessPurpose
	}
	r.LastComment, r.Date = orElse(in.Comment, r.LastComment), orElse(in.ReportDate, r.Date)
	r.Custom = c.setCustom(r.Custom, in.CustomData)
	c.changed(r)
	return none()
}

func (c *call) changed(r *Report) {
	r.Version++
	r.LastModified = c.s.now()
	c.company.announceReport("reportUpdated", r)
}

func servePatchReport(c *call, r *Report) reply {
	if submitted(r) {
		return c.refuseAs(http.StatusForbidden, "reportSubmitted", "The report is submitted")
	}
	return c.patchReport(r)
}

func servePatchSubmitted(c *call, r *Report) reply {
	if r.PaymentStatus == Paid {
		return c.refuseAs(http.StatusBadRequest, "reportPaid", "The report is paid")
	}
	return c.patchReport(r)
}

func serveDeleteReport(c *call, r *Report) reply {
	if submitted(r) {
		return c.refuseAs(http.StatusConflict, "reportSubmitted", "The report is submitted")
	}
	c.company.reports = slices.DeleteFunc(c.company.reports, func(o *Report) bool { return o == r })
	r.LastModified = c.s.now()
	c.company.announceReport("reportDeleted", r)
	return none()
}

func servePatchExpense(c *call, r *Report) reply {
	e, _ := r.find(c.r.PathValue("expense"))
	if e == nil {
		return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
	}
	var in struct {
		BusinessPurpose *string       `json:"businessPurpose"`
		Rejected        *bool         `json:"isExpenseRejected"`
		Paper           *bool         `json:"isPaperReceiptReceived"`
		CustomData      []customInput `json:"customData"`
		Source          string        `json:"expenseSource"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if in.Source == "" {
		return c.bad("expenseSource", "is required")
	}
	if in.BusinessPurpose != nil {
		e.Purpose = *in.BusinessPurpose
	}
	if in.Rejected != nil {
		e.Rejected = *in.Rejected
	}
	e.Custom = c.setCustom(e.Custom, in.CustomData)
	c.changed(r)
	return none()
}

func serveDeleteExpense(c *call, r *Report) reply {
	id := c.r.PathValue("expense")
	e, parent := r.find(id)
	switch {
	case e == nil:
		return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
	case submitted(r):
		return c.refuseAs(http.StatusConflict, "reportSubmitted", "The report is submitted")
	}
	deleted := e.ID // e points into what is about to move
	other := func(o Expense) bool { return o.ID == deleted }
	if parent != nil {
		parent.Itemizations = slices.DeleteFunc(parent.Itemizations, other)
	} else {
		r.Expenses = slices.DeleteFunc(r.Expenses, other)
	}
	c.changed(r)
	return none()
}

func servePatchAllocation(c *call, r *Report) reply {
	var in struct {
		ExpenseIDs []string `json:"expenseIds"`
		Allocation struct {
			CustomData []customInput `json:"customData"`
		} `json:"allocation"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if len(in.ExpenseIDs) == 0 {
		return c.bad("expenseIds", "is required")
	}
	for _, id := range in.ExpenseIDs {
		e, _ := r.find(id)
		if e == nil {
			continue
		}
		for i := range e.Allocations {
			if e.Allocations[i].ID == c.r.PathValue("allocation") {
				e.Allocations[i].Custom = c.setCustom(e.Allocations[i].Custom, in.Allocation.CustomData)
				c.changed(r)
				return none()
			}
		}
	}
	return c.refuseAs(http.StatusNotFound, "allocationNotFound", "allocationId not found")
}

func (c *call) employee4(login string) employee4 {
	if u := c.company.userByLogin(login); u != nil {
		return employee4{EmployeeID: u.EmployeeNumber, EmployeeUUID: u.ID}
	}
	return employee4{}
}

func serveToApprove(c *call) reply {
	u := c.company.userByID(c.r.PathValue("user"))
	if u == nil || c.r.PathValue("context") != "MANAGER" || c.user != nil && c.user != u {
		return c.refuseAs(http.StatusForbidden, "userNotAuthorized", "The user is not known or not authorized")
	}
	rows := []map[string]any{}
	for _, r := range c.company.reports {
		if r.Approver != u.Login || r.ApprovalStatus != PendingApproval {
			continue
		}
		t := r.totals()
		rows = append(rows, map[string]any{
			"name": r.Name, "reportDate": r.Date, "reportId": r.ID, "reportNumber": r.Number, "submitDate": r.SubmitDate.Format("2006-01-02"),
			"approver": c.employee4(r.Approver), "employee": c.employee4(r.Owner), "amountDueEmployee": moneyOf(t.dueEmployee, r.Currency),
			"claimedAmount": moneyOf(t.claimed, r.Currency), "totalApprovedAmount": moneyOf(t.approved, r.Currency), "hasExceptions": false,
			"reportType": r.Type,
		})
	}
	return ok(rows)
}

// move changes the status of a report as its people do.
func (c *call) move(r *Report, to Status, from ...string) reply {
	if !slices.Contains(from, r.ApprovalStatus) {
		return c.refuseAs(http.StatusBadRequest, "workflowNotAllowed", "The action is not allowed in the report's current state")
	}
	c.company.advance(r, to)
	return none()
}

func (c *call) actor(r *Report, otherwise string) string {
	if c.user != nil {
		return c.user.Login
	}
	return otherwise
}

func serveSubmit(c *call) reply {
	u := c.company.userByID(c.r.PathValue("user"))
	r := c.company.report(c.r.PathValue("report"))
	switch {
	case r == nil:
		return c.refuseAs(http.StatusNotFound, "reportNotFound", "reportId not found")
	case u == nil || u.Login != r.Owner || c.user != nil && c.user != u:
		return c.refuseAs(http.StatusForbidden, "userNotAuthorized", "The user is not known or not authorized")
	case len(r.Expenses) == 0:
		return c.bad("expenses", "a report needs an expense")
	case !submitted(r):
		r.SubmitDate = c.s.now()
	}
	return c.move(r, Status{Approval: PendingApproval, Payment: NotPaid, StepCode: "MANAGER", Actor: r.Owner}, NotSubmitted, SentBack)
}

type stepInput struct {
	Comment  string `json:"comment"`
	Rejected string `json:"expenseRejectedComment"`
	Status   string `json:"statusId"`
	Instance string `json:"expectedWorkflowStepInstanceId"`
	Code     string `json:"expectedStepCode"`
	Sequence int    `json:"expectedStepSequence"`
}

func (c *call) stepInput(r *Report) (stepInput, *reply) {
	var in stepInput
	if err := c.decode(&in); err != nil {
		rep := c.bad("body", err.Error())
		return in, &rep
	}
	if in.Code != "" && r.ApprovalStatus != ExternalCheck {
		rep := c.bad("expectedStepCode", "is only possible in a step of external validation")
		return in, &rep
	}
	return in, nil
}

func openStates() []string {
	return []string{Submitted, PendingApproval, PendingCost, PendingBudget, AccountingReview, ExternalCheck}
}

func serveApprove(c *call, r *Report) reply {
	in, refused := c.stepInput(r)
	if refused != nil {
		return *refused
	}
	if in.Rejected == "" && slices.ContainsFunc(r.Expenses, func(e Expense) bool { return e.Rejected }) {
		return c.bad("expenseRejectedComment", "is required")
	}
	if slices.Contains(openStates(), r.ApprovalStatus) {
		r.ProcessingDate = c.s.now()
	}
	return c.move(r, Status{
		Approval: orElse(in.Status, Approved), Payment: ProcessingPayment, StepCode: "PROCESSOR", Actor: c.actor(r, r.Approver), Comment: in.Comment,
		Silent: c.company.opts.SilentSteps,
	}, openStates()...)
}

func serveSendBack(c *call, r *Report) reply {
	in, refused := c.stepInput(r)
	if refused != nil {
		return *refused
	}
	if in.Comment == "" {
		return c.bad("comment", "is required")
	}
	return c.move(r, Status{Approval: SentBack, Payment: NotPaid, StepCode: "SENDBACK", Actor: c.actor(r, r.Approver), Comment: in.Comment}, append(openStates(), Approved)...)
}

func serveRecall(c *call, r *Report) reply {
	if c.user == nil {
		return c.refuseAs(http.StatusForbidden, "userTokenRequired", "A user token is required")
	}
	return c.move(r, Status{Approval: SentBack, Payment: NotPaid, StepCode: "RECALL", Actor: r.Owner}, openStates()...)
}

// serveCostObjects groups the expenses by the value of their first custom field
// that is a list: what the vendor takes for a cost object is configured.
func serveCostObjects(c *call) reply {
	r := c.company.report(c.r.PathValue("report"))
	if r == nil {
		return c.refuseAs(http.StatusNotFound, "reportNotFound", "reportId not found")
	}
	rows := []map[string]any{}
	for i := range r.Expenses {
		e := &r.Expenses[i]
		name := "None"
		for _, id := range e.Custom.ids() {
			if v := e.Custom[id]; v.ItemID != "" {
				name = v.Text
				break
			}
		}
		rows = append(rows, map[string]any{
			"name": name, "approverId": c.r.PathValue("user"), "approvedAmount": moneyOf(e.Approved.Decimal, r.Currency),
			"claimedAmount": moneyOf(e.Posted.Decimal, r.Currency), "isOwnedByCaller": true, "isFullyApproved": r.ApprovalStatus == Approved,
			"isApprovableAsUser": true, "isApprovableAsDelegate": false,
			"expenses": []map[string]any{{
				"id": e.ID, "approvedAmount": moneyOf(e.Approved.Decimal, r.Currency), "postedAmount": moneyOf(e.Posted.Decimal, r.Currency),
			}},
		})
	}
	return ok(rows)
}
