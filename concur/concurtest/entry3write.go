package concurtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/shopspring/decimal"
)

func entry3WriteRoutes() []route {
	scopes := []string{scopeExpense3}
	const base = "/api/v3.0/expense/"
	return []route{
		{"POST " + base + "reports", version3, scopes, serveCreateReport3},
		{"PUT " + base + "reports/{report}", version3, scopes, serveUpdateReport3},
		{"POST " + base + "entries", version3, scopes, serveCreateEntry3},
		{"PUT " + base + "entries/{id}", version3, scopes, serveUpdateEntry3},
		{"POST " + base + "itemizations", version3, scopes, serveCreateItemization3},
	}
}

// values3 reads the body of a write; names that the specification does not have
// are refused, so that no test relies on one.
func (c *call) values3(names string) (map[string]any, reply, bool) {
	var m map[string]any
	d := json.NewDecoder(c.r.Body)
	d.UseNumber()
	if d.Decode(&m) != nil {
		return nil, c.refuse(http.StatusBadRequest, "the body is not readable"), false
	}
	known := map[string]bool{}
	for _, n := range strings.Fields(names + " Custom OrgUnit Comment") {
		known[n] = true
	}
	for name := range m {
		if !known[name] && !known[strings.TrimRight(name, "0123456789")] {
			return nil, c.refuse(http.StatusBadRequest, name+" is not known"), false
		}
	}
	return m, reply{}, true
}

// text3 is a text or a number.
func text3(m map[string]any, name string) string {
	switch v := m[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// custom3In sets the customer's fields: texts, or the ids of list items as this
// version prints them.
func (c *call) custom3In(onto Custom, m map[string]any) Custom {
	out := Custom{}
	for k, v := range onto {
		out[k] = v
	}
	for name := range m {
		var id string
		if n, found := strings.CutPrefix(name, "Custom"); found {
			id = "custom" + n
		} else if n, found := strings.CutPrefix(name, "OrgUnit"); found {
			id = "orgUnit" + n
		} else {
			continue
		}
		text := text3(m, name)
		v := Text(text)
		for _, l := range c.company.lists {
			for _, it := range l.items {
				if item := (Value{Text: it.name, Code: it.short, ItemID: it.id}); *(Custom{"x": item}).wire3("x").ListItemID == text {
					v = item
				}
			}
		}
		out[id] = v
	}
	return out
}

// owner3 is whose report is meant: the one that user names, or the token's own.
func (c *call) owner3() (*User, reply, bool) {
	login := c.r.URL.Query().Get("user")
	u := c.user
	if login != "" {
		u = c.company.userByLogin(login)
	}
	if u == nil {
		return nil, c.refuse(http.StatusBadRequest, "The user parameter must be the login of the report's owner"), false
	}
	if c.user != nil && c.user != u {
		return nil, c.refuse(http.StatusForbidden, "The user may not write reports of others"), false
	}
	return u, reply{}, true
}

// draft3 finds a report of the owner that may still be written.
func (c *call) draft3(id string) (*Report, reply, bool) {
	u, refused, fine := c.owner3()
	if !fine {
		return nil, refused, false
	}
	r := c.company.report(id)
	switch {
	case r == nil || r.Owner != u.Login:
		return nil, c.refuse(http.StatusNotFound, "The report does not exist or is not owned by the user"), false
	case submitted(r):
		return nil, c.refuse(http.StatusBadRequest, "The report is submitted"), false
	}
	return r, reply{}, true
}

func created3(what, id string) reply {
	rep := ok(map[string]string{"ID": id, "URI": url3(what, id)})
	rep.root = "CreateResponse"
	return rep
}

const report3Names = "Name PolicyID Purpose UserDefinedDate"

func (c *call) fillReport3(r *Report, m map[string]any) {
	r.Name, r.BusinessPurpose = orElse(text3(m, "Name"), r.Name), orElse(text3(m, "Purpose"), r.BusinessPurpose)
	date, _, _ := strings.Cut(text3(m, "UserDefinedDate"), "T")
	r.Date, r.LastComment = orElse(date, r.Date), orElse(text3(m, "Comment"), r.LastComment)
	r.Custom = c.custom3In(r.Custom, m)
}

func serveCreateReport3(c *call) reply {
	u, refused, fine := c.owner3()
	if !fine {
		return refused
	}
	m, refused, fine := c.values3(report3Names)
	if !fine {
		return refused
	}
	if text3(m, "Name") == "" {
		return c.refuse(http.StatusBadRequest, "Name is required")
	}
	co := c.company
	r := &Report{
		ID: c.s.ids.upper("report", 20), Number: c.s.ids.upper("number", 6), Owner: u.Login, Approver: u.Manager,
		Currency: co.opts.Currency, Country: co.opts.Country, Policy: co.opts.Policy, Ledger: co.opts.Ledger, Type: "Regular",
		Date: c.s.today(), ApprovalStatus: NotSubmitted, PaymentStatus: NotPaid, CreateDate: c.s.now(), LastModified: c.s.now(),
	}
	c.fillReport3(r, m)
	co.reports = append(co.reports, r)
	co.announceReport("reportCreated", r)
	return created3("reports", r.ID)
}

func serveUpdateReport3(c *call) reply {
	r, refused, fine := c.draft3(c.r.PathValue("report"))
	if !fine {
		return refused
	}
	m, refused, fine := c.values3(report3Names)
	if !fine {
		return refused
	}
	c.fillReport3(r, m)
	c.changed(r)
	return created3("reports", r.ID) // the page's words say no content, its sample this
}

const entry3Names = `Description ExchangeRate ExpenseTypeCode IsBillable IsPersonal Journey LocationID PaymentTypeID ReportID
	TaxReceiptType TransactionAmount TransactionCurrencyCode TransactionDate VendorDescription VendorListItemID`

// fillExpense3 sets what the body names.
func (c *call) fillExpense3(e *Expense, m map[string]any) error {
	for name, into := range map[string]*string{
		"ExpenseTypeCode": &e.Type, "PaymentTypeID": &e.PaymentType, "TransactionCurrencyCode": &e.Currency, "Description": &e.Purpose,
		"VendorDescription": &e.Vendor, "TaxReceiptType": &e.Receipt,
	} {
		*into = orElse(text3(m, name), *into)
	}
	date, _, _ := strings.Cut(text3(m, "TransactionDate"), "T")
	e.Date = orElse(date, e.Date)
	for name, into := range map[string]*decimal.Decimal{"TransactionAmount": &e.Amount, "ExchangeRate": &e.Rate} {
		if m[name] == nil {
			continue
		}
		d, err := decimal.NewFromString(text3(m, name))
		if err != nil {
			return fmt.Errorf("%s is not a number", name)
		}
		*into = d
	}
	for name, into := range map[string]*bool{"IsPersonal": &e.Personal, "IsBillable": &e.Billable} {
		if v, found := m[name].(bool); found {
			*into = v
		}
	}
	e.Posted, e.Approved = decimal.NullDecimal{}, decimal.NullDecimal{}
	e.Custom = c.custom3In(e.Custom, m)
	return nil
}

func missing3(m map[string]any, names string) string {
	for _, n := range strings.Fields(names) {
		if text3(m, n) == "" {
			return n
		}
	}
	return ""
}

func serveCreateEntry3(c *call) reply {
	m, refused, fine := c.values3(entry3Names)
	if !fine {
		return refused
	}
	if n := missing3(m, "ReportID ExpenseTypeCode PaymentTypeID TransactionAmount TransactionCurrencyCode TransactionDate"); n != "" {
		return c.refuse(http.StatusBadRequest, n+" is required")
	}
	r, refused, fine := c.draft3(text3(m, "ReportID"))
	if !fine {
		return refused
	}
	var e Expense
	if err := c.fillExpense3(&e, m); err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	e.ID = c.s.ids.upper("expense", 32)
	r.Expenses = c.company.complete(r, nil, append(r.Expenses, e))
	c.changed(r)
	return created3("entries", id3(e.ID))
}

func serveUpdateEntry3(c *call) reply {
	m, refused, fine := c.values3(entry3Names)
	if !fine {
		return refused
	}
	for _, r := range c.company.reports {
		e, parent := r.find(id4(c.r.PathValue("id")))
		if e == nil || parent != nil {
			continue
		}
		if _, refused, fine = c.draft3(r.ID); !fine {
			return refused
		}
		if id := text3(m, "ReportID"); id != "" && !strings.EqualFold(id, r.ID) {
			return c.refuse(http.StatusBadRequest, "the expense is not in the report")
		}
		if err := c.fillExpense3(e, m); err != nil {
			return c.refuse(http.StatusBadRequest, err.Error())
		}
		r.Expenses = c.company.complete(r, nil, r.Expenses)
		c.changed(r)
		return reply{status: http.StatusOK}
	}
	return c.refuse(http.StatusNotFound, "The entry does not exist or is not owned by the user")
}

func serveCreateItemization3(c *call) reply {
	m, refused, fine := c.values3("Description EntryID ExpenseTypeCode IsBillable IsPersonal TransactionAmount TransactionDate")
	if !fine {
		return refused
	}
	if n := missing3(m, "EntryID ExpenseTypeCode TransactionAmount TransactionDate"); n != "" {
		return c.refuse(http.StatusBadRequest, n+" is required")
	}
	for _, r := range c.company.reports {
		parent, above := r.find(id4(text3(m, "EntryID")))
		if parent == nil || above != nil {
			continue
		}
		if _, refused, fine = c.draft3(r.ID); !fine {
			return refused
		}
		var e Expense
		if err := c.fillExpense3(&e, m); err != nil {
			return c.refuse(http.StatusBadRequest, err.Error())
		}
		e.ID = c.s.ids.upper("expense", 32)
		parent.Itemizations = append(parent.Itemizations, e)
		// The entry keeps the amount that was spent; what is posted and approved of it
		// is what its parts say.
		parent.Posted, parent.Approved = decimal.NullDecimal{}, decimal.NullDecimal{}
		r.Expenses = c.company.complete(r, nil, r.Expenses)
		c.changed(r)
		return created3("itemizations", id3(e.ID))
	}
	return c.refuse(http.StatusNotFound, "The entry does not exist or is not owned by the user")
}
