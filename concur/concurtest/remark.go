package concurtest

import (
	"net/http"
	"slices"
	"time"
)

// remark is a comment on a report or an expense.
type remark struct {
	report, expense string
	text, author    string
	at              time.Time
}

// ReportFault is an exception that a report, an expense or an allocation is
// marked with.
type ReportFault struct {
	Report, Expense, Allocation string // ids; "" on the level above
	Code, Visibility            string
	Blocking                    bool
	Message                     string
}

// ReportFaults returns the exceptions of a report.
func (c *Company) ReportFaults(reportID string) []ReportFault {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var out []ReportFault
	for _, f := range c.faults {
		if f.Report == reportID {
			out = append(out, *f)
		}
	}
	return out
}

func remarkRoutes() []route {
	const (
		report = "/expensereports/v4/users/{user}/context/{context}/reports/{report}"
		system = "/expensereports/v4/reports/{report}"
	)
	read, write := []string{scopeReportRead, scopeReportWrite}, []string{scopeReportWrite}
	var routes []route
	for _, prefix := range []string{report, system} {
		wrap := func(h func(*call, *Report) reply) func(*call) reply { return companyOnly(bySystem(h)) }
		if prefix == report {
			wrap = func(h func(*call, *Report) reply) func(*call) reply {
				return inContext(h, "TRAVELER", "MANAGER", "PROCESSOR", "PROXY")
			}
		}
		for _, place := range []string{"", "/expenses/{expense}"} {
			routes = append(routes,
				route{"GET " + prefix + place + "/comments", expense4, read, wrap(serveComments)},
				route{"POST " + prefix + place + "/comments", expense4, write, wrap(serveAddComment)},
				route{"PUT " + prefix + place + "/comments", expense4, write, wrap(servePutComment)},
				route{"DELETE " + prefix + place + "/comments", expense4, write, wrap(serveDeleteComment)},
			)
		}
		for _, place := range []string{"", "/expenses/{expense}", "/expenses/{expense}/allocations/{allocation}"} {
			routes = append(routes, route{"GET " + prefix + place + "/exceptions", expense4, read, wrap(serveExceptions)})
			if prefix == system {
				routes = append(routes,
					route{"PUT " + prefix + place + "/exceptions", expense4, write, wrap(servePutException)},
					route{"DELETE " + prefix + place + "/exceptions/{code}", expense4, write, wrap(serveDeleteException)},
				)
			}
		}
	}
	return routes
}

// place checks that the expense of the path is one of the report's.
func (c *call) place(r *Report) (expense string, refused *reply) {
	if expense = c.r.PathValue("expense"); expense == "" {
		return "", nil
	}
	if e, _ := r.find(expense); e == nil {
		rep := c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
		return "", &rep
	}
	return expense, nil
}

func (c *call) remarks(r *Report, expense string) []*remark {
	return slices.DeleteFunc(slices.Clone(c.company.remarks), func(m *remark) bool { return m.report != r.ID || m.expense != expense })
}

func serveComments(c *call, r *Report) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	rows := []map[string]any{}
	all := c.remarks(r, expense)
	for i, m := range all {
		owner := c.employee4(r.Owner)
		rows = append(rows, map[string]any{
			"comment": m.text, "author": c.employee4(m.author), "createdForEmployee": owner, "createdForEmployeeId": owner.EmployeeUUID,
			"creationDate": instant(m.at), "expenseId": optional(m.expense), "isAuditorComment": false, "isLatest": i == len(all)-1,
			"stepInstanceId": c.company.policyID,
		})
	}
	return ok(rows)
}

func (c *call) comment(r *Report, keep func(expense, text string) int) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	var in struct {
		Comment string `json:"comment"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if in.Comment == "" || len([]rune(in.Comment)) > 2000 {
		return c.bad("comment", "must have 1 to 2000 characters")
	}
	status := keep(expense, in.Comment)
	if status == http.StatusNotFound {
		return c.refuseAs(status, "commentNotFound", "There is no comment")
	}
	if expense == "" {
		r.LastComment = in.Comment
	}
	return reply{status: status, body: map[string]string{"uri": c.base() + c.r.URL.Path}}
}

func serveAddComment(c *call, r *Report) reply {
	return c.comment(r, func(expense, text string) int {
		c.company.remarks = append(c.company.remarks, &remark{report: r.ID, expense: expense, text: text, author: c.actor(r, r.Owner), at: c.s.now()})
		return http.StatusCreated
	})
}

func servePutComment(c *call, r *Report) reply {
	return c.comment(r, func(expense, text string) int {
		all := c.remarks(r, expense)
		if len(all) == 0 {
			return http.StatusNotFound
		}
		all[len(all)-1].text = text
		return http.StatusOK
	})
}

func serveDeleteComment(c *call, r *Report) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	all := c.remarks(r, expense)
	if len(all) == 0 {
		return c.refuseAs(http.StatusNotFound, "commentNotFound", "There is no comment")
	}
	c.company.remarks = slices.DeleteFunc(c.company.remarks, func(m *remark) bool { return m == all[len(all)-1] })
	return none()
}

func serveExceptions(c *call, r *Report) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	rows := []map[string]any{}
	for _, f := range c.company.faults {
		if f.Report != r.ID || expense != "" && f.Expense != expense || !isOrAny(c.r.PathValue("allocation"), f.Allocation) {
			continue
		}
		rows = append(rows, map[string]any{
			"exceptionCode": f.Code, "exceptionVisibility": f.Visibility, "isBlocking": f.Blocking, "message": f.Message,
			"expenseId": optional(f.Expense), "parentExpenseId": nil, "allocationId": optional(f.Allocation),
		})
	}
	return ok(rows)
}

func servePutException(c *call, r *Report) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	var in struct {
		Code       string `json:"exceptionCode"`
		Visibility string `json:"exceptionVisibility"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	if in.Code == "" || len(in.Code) > 8 {
		return c.bad("exceptionCode", "must have 1 to 8 characters")
	}
	if !slices.Contains([]string{"ALL", "APPROVER_PROCESSOR", "PROCESSOR"}, in.Visibility) {
		return c.bad("exceptionVisibility", "is none of the values")
	}
	f := &ReportFault{Report: r.ID, Expense: expense, Allocation: c.r.PathValue("allocation"), Code: in.Code, Visibility: in.Visibility, Message: in.Code}
	c.company.faults = slices.DeleteFunc(c.company.faults, func(o *ReportFault) bool { return f.same(o) })
	c.company.faults = append(c.company.faults, f)
	return reply{status: http.StatusOK, body: map[string]string{"uri": c.base() + c.r.URL.Path}}
}

func (f *ReportFault) same(o *ReportFault) bool {
	return f.Report == o.Report && f.Expense == o.Expense && f.Allocation == o.Allocation && f.Code == o.Code
}

func serveDeleteException(c *call, r *Report) reply {
	expense, refused := c.place(r)
	if refused != nil {
		return *refused
	}
	f := &ReportFault{Report: r.ID, Expense: expense, Allocation: c.r.PathValue("allocation"), Code: c.r.PathValue("code")}
	n := len(c.company.faults)
	c.company.faults = slices.DeleteFunc(c.company.faults, func(o *ReportFault) bool { return f.same(o) })
	if len(c.company.faults) == n {
		return c.refuseAs(http.StatusNotFound, "exceptionNotFound", "There is no such exception")
	}
	return none()
}
