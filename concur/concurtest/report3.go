package concurtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report3 is a report of the Reports v3 page. OrgUnit1..6 and Custom1..20 follow
// the named fields; MarshalJSON adds them.
type report3 struct {
	Name                  string  `json:"Name"`
	Total                 number  `json:"Total"`
	CurrencyCode          string  `json:"CurrencyCode"`
	Country               string  `json:"Country"`
	CountrySubdivision    *string `json:"CountrySubdivision"`
	CreateDate            *string `json:"CreateDate"`
	SubmitDate            *string `json:"SubmitDate"`
	ProcessingPaymentDate *string `json:"ProcessingPaymentDate"`
	PaidDate              *string `json:"PaidDate"`
	ReceiptsReceived      bool    `json:"ReceiptsReceived"`
	UserDefinedDate       string  `json:"UserDefinedDate"`
	LastComment           string  `json:"LastComment"`
	OwnerLoginID          string  `json:"OwnerLoginID"`
	OwnerName             string  `json:"OwnerName"`
	ApproverLoginID       *string `json:"ApproverLoginID"`
	ApproverName          *string `json:"ApproverName"`
	ApprovalStatusName    string  `json:"ApprovalStatusName"`
	ApprovalStatusCode    string  `json:"ApprovalStatusCode"`
	PaymentStatusName     string  `json:"PaymentStatusName"`
	PaymentStatusCode     string  `json:"PaymentStatusCode"`
	LastModifiedDate      *string `json:"LastModifiedDate"`
	PersonalAmount        number  `json:"PersonalAmount"`
	AmountDueEmployee     number  `json:"AmountDueEmployee"`
	AmountDueCompanyCard  number  `json:"AmountDueCompanyCard"`
	TotalClaimedAmount    number  `json:"TotalClaimedAmount"`
	TotalApprovedAmount   number  `json:"TotalApprovedAmount"`
	LedgerName            string  `json:"LedgerName"`
	PolicyID              string  `json:"PolicyID"`
	EverSentBack          bool    `json:"EverSentBack"`
	HasException          bool    `json:"HasException"`
	WorkflowActionURL     string  `json:"WorkflowActionUrl"`

	custom Custom
	id     string
	uri    string
}

type report3Fields report3

// MarshalJSON adds the custom fields and the identifiers after the named fields.
func (r report3) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(report3Fields(r))
	if err != nil {
		return nil, err
	}
	b = b[:len(b)-1]
	add := func(name string, v any) {
		// Strings and flat structs always encode.
		t, _ := json.Marshal(v)
		b = append(b, fmt.Sprintf(",%q:%s", name, t)...)
	}
	for i := 1; i <= 6; i++ {
		add(fmt.Sprintf("OrgUnit%d", i), r.custom.wire3(fmt.Sprintf("orgUnit%d", i)))
	}
	for i := 1; i <= 20; i++ {
		add(fmt.Sprintf("Custom%d", i), r.custom.wire3(fmt.Sprintf("custom%d", i)))
	}
	add("ID", r.id)
	add("URI", r.uri)
	return append(b, '}'), nil
}

type reports3 struct {
	Items    []report3 `json:"Items"`
	NextPage *string   `json:"NextPage"`
}

// zoneless prints an instant as the v3 expense services do: UTC without saying
// so, with up to three digits of a second and none that is zero.
func zoneless(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.999")
	return &s
}

func report3Routes() []route {
	return []route{
		{"GET /api/v3.0/expense/reports", version3, []string{scopeExpense3}, serveReports3},
		{"GET /api/v3.0/expense/reports/{report}", version3, []string{scopeExpense3}, serveReport3},
	}
}

func (c *call) report3(r *Report) report3 {
	t, owner := r.totals(), c.company.mustUser(r.Owner)
	w := report3{
		Name: r.Name, Total: short(t.total), CurrencyCode: r.Currency, Country: r.Country,
		CreateDate: zoneless(r.CreateDate), SubmitDate: zoneless(r.SubmitDate),
		ProcessingPaymentDate: zoneless(r.ProcessingDate), PaidDate: zoneless(r.PaidDate),
		UserDefinedDate: r.Date + "T00:00:00", LastComment: r.LastComment, OwnerLoginID: owner.Login, OwnerName: owner.name(),
		ApprovalStatusName: approvalName(r.ApprovalStatus), ApprovalStatusCode: r.ApprovalStatus,
		PaymentStatusName: paymentName(r.PaymentStatus), PaymentStatusCode: r.PaymentStatus,
		LastModifiedDate: zoneless(r.LastModified), PersonalAmount: short(t.personal), AmountDueEmployee: short(t.dueEmployee),
		AmountDueCompanyCard: short(t.dueCard), TotalClaimedAmount: short(t.claimed), TotalApprovedAmount: short(t.approved),
		LedgerName: r.Ledger, PolicyID: "gWm" + c.company.policyID, EverSentBack: r.EverSentBack,
		custom: r.Custom, id: r.ID, uri: "https://" + legacyHost + "/api/v3.0/expense/reports/" + r.ID,
	}
	if u := c.company.userByLogin(r.Approver); u != nil {
		name := u.name()
		w.ApproverLoginID, w.ApproverName = &u.Login, &name
	}
	return w
}

// serveReport3 wants the owner's login: a company's token owns no report, and
// ALL is not allowed for a single one.
func serveReport3(c *call) reply {
	user := c.r.URL.Query().Get("user")
	if user == "" || strings.EqualFold(user, "ALL") {
		return c.refuse(http.StatusBadRequest, "The user parameter must be the login of the report's owner")
	}
	r := c.company.report(c.r.PathValue("report"))
	if r == nil || !strings.EqualFold(r.Owner, user) {
		return c.refuse(http.StatusNotFound, "The report does not exist or is not owned by the user")
	}
	rep := ok(c.report3(r))
	rep.root = "Report"
	return rep
}

func serveReports3(c *call) reply {
	q := c.r.URL.Query()
	keep, err := c.report3Filter(q)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	limit, from, err := limitOffset(q, 25, 100)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	reports := c.company.reports
	if c.s.opts.ReportsByChange {
		reports = slices.SortedStableFunc(slices.Values(reports), func(a, b *Report) int { return a.LastModified.Compare(b.LastModified) })
	}
	out, last := reports3{Items: []report3{}}, 0
	for i := from; i < len(reports); i++ {
		r := reports[i]
		if !keep(r) {
			continue
		}
		if len(out.Items) == limit {
			out.NextPage = c.nextPage(q, last)
			break
		}
		out.Items, last = append(out.Items, c.report3(r)), i+1
	}
	rep := ok(out)
	rep.root = "Reports"
	return rep
}

// limitOffset reads the paging parameters of the v3 services. A limit beyond
// highest is cut to it: what the vendor does is not documented.
func limitOffset(q url.Values, def, highest int) (limit, from int, err error) {
	limit = def
	if v := q.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 {
			return 0, 0, fmt.Errorf("limit %q is not a positive number", v)
		}
	}
	if v := q.Get("offset"); v != "" {
		if from, err = openCursor(v); err != nil {
			return 0, 0, fmt.Errorf("offset %q is invalid", v)
		}
	}
	return min(limit, highest), from, nil
}

// nextPage is the absolute address of the next page: the query as it was with
// another offset.
func (c *call) nextPage(q url.Values, position int) *string {
	next := url.Values{}
	for k, v := range q {
		next[k] = v
	}
	next.Set("offset", sealCursor(position))
	base := "https://" + legacyHost
	if c.s.opts.OwnNextPage {
		base = c.base()
	}
	s := base + c.r.URL.EscapedPath() + "?" + next.Encode()
	return &s
}

// report3Filter reads the search parameters that are served; others that the
// page names are refused rather than ignored, so that nobody relies on them.
func (c *call) report3Filter(q url.Values) (func(*Report) bool, error) {
	var all []func(*Report) bool
	user := q.Get("user")
	switch {
	case user == "":
		// Without user a token sees its own reports, and a company has none.
		all = append(all, func(r *Report) bool { return c.user != nil && c.user.Login == r.Owner })
	case strings.EqualFold(user, "ALL"):
	case c.company.userByLogin(user) == nil:
		return nil, fmt.Errorf("user %q does not exist", user)
	default:
		all = append(all, func(r *Report) bool { return strings.EqualFold(r.Owner, user) })
	}
	for name, values := range q {
		v := values[0]
		get := report3Date(strings.TrimSuffix(strings.TrimSuffix(name, "Before"), "After"))
		switch {
		case slices.Contains([]string{"user", "limit", "offset"}, name) || v == "":
		case name == "approvalStatusCode":
			all = append(all, oneOf(v, func(r *Report) string { return r.ApprovalStatus }))
		case name == "paymentStatusCode":
			all = append(all, oneOf(v, func(r *Report) string { return r.PaymentStatus }))
		case name == "currencyCode":
			all = append(all, oneOf(v, func(r *Report) string { return r.Currency }))
		case name == "countryCode":
			all = append(all, oneOf(v, func(r *Report) string { return r.Country }))
		case name == "expenseTypeCode":
			all = append(all, anyExpense(func(e *Expense) bool { return e.Type == v }))
		case name == "paymentType":
			all = append(all, anyExpense(func(e *Expense) bool { return e.PaymentType == v }))
		case name == "vendorName":
			all = append(all, anyExpense(func(e *Expense) bool { return e.Vendor == v }))
		case name == "hasVAT":
			all = append(all, is(v, anyExpense(func(e *Expense) bool { return !e.Tax.IsZero() })))
		case name == "hasBillableExpenses":
			all = append(all, is(v, anyExpense(func(e *Expense) bool { return e.Billable })))
		case name == "approverLoginID":
			all = append(all, oneOf(strings.ToLower(v), func(r *Report) string { return strings.ToLower(r.Approver) }))
		case get != nil:
			at, err := parseZoneless(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			before := strings.HasSuffix(name, "Before")
			all = append(all, func(r *Report) bool {
				t := get(r)
				return !t.IsZero() && (before && t.Before(at) || !before && t.After(at))
			})
		default:
			return nil, fmt.Errorf("the parameter %q is not supported", name)
		}
	}
	return func(r *Report) bool {
		return !slices.ContainsFunc(all, func(f func(*Report) bool) bool { return !f(r) })
	}, nil
}

func report3Date(name string) func(*Report) time.Time {
	switch name {
	case "createDate":
		return func(r *Report) time.Time { return r.CreateDate }
	case "submitDate":
		return func(r *Report) time.Time { return r.SubmitDate }
	case "processingPaymentDate":
		return func(r *Report) time.Time { return r.ProcessingDate }
	case "paidDate":
		return func(r *Report) time.Time { return r.PaidDate }
	case "modifiedDate":
		return func(r *Report) time.Time { return r.LastModified }
	case "entryTransactionDate":
		// The last one of the report: which counts is not documented.
		return func(r *Report) time.Time {
			var last time.Time
			for i := range r.Expenses {
				if t, err := time.Parse(time.DateOnly, r.Expenses[i].Date); err == nil && t.After(last) {
					last = t
				}
			}
			return last
		}
	case "userDefinedDate":
		return func(r *Report) time.Time {
			t, _ := time.Parse(time.DateOnly, r.Date)
			return t
		}
	default:
		return nil
	}
}

// anyExpense asks for one expense or part of one that fits.
func anyExpense(fits func(*Expense) bool) func(*Report) bool {
	return func(r *Report) bool {
		for i := range r.Expenses {
			if fits(&r.Expenses[i]) {
				return true
			}
			for j := range r.Expenses[i].Itemizations {
				if fits(&r.Expenses[i].Itemizations[j]) {
					return true
				}
			}
		}
		return false
	}
}

func is(wanted string, f func(*Report) bool) func(*Report) bool {
	return func(r *Report) bool { return f(r) == strings.EqualFold(wanted, "true") }
}

func oneOf(list string, get func(*Report) string) func(*Report) bool {
	codes := strings.Split(list, ",")
	for i := range codes {
		codes[i] = strings.TrimSpace(codes[i])
	}
	return func(r *Report) bool { return slices.Contains(codes, get(r)) }
}

// parseZoneless reads the two documented forms of a date parameter; a zone is
// refused, since the page has none.
func parseZoneless(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("date %q: want yyyy-MM-dd or yyyy-MM-ddTHH:mm:ss.SSS without a zone", s)
}
