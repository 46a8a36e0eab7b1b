package concurtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

func entry3Routes() []route {
	scopes := []string{scopeExpense3}
	const base = "GET /api/v3.0/expense/"
	return []route{
		{base + "entries", version3, scopes, serveEntries3},
		{base + "entries/{id}", version3, scopes, serveEntry3},
		{base + "itemizations", version3, scopes, serveItemizations3},
		{base + "itemizations/{id}", version3, scopes, serveItemization3},
		{base + "allocations", version3, scopes, serveAllocations3},
		{base + "allocations/{id}", version3, scopes, serveAllocation3},
	}
}

// id3 is version 3's own id of what has an id of 32 digits in version 4: opaque,
// with a dollar sign as the real ones have.
func id3(id string) string {
	if len(id) < 9 {
		return "gWid$" + id
	}
	return "gWid$" + id[:8] + "$" + id[8:]
}

func id4(id string) string { return strings.ReplaceAll(strings.TrimPrefix(id, "gWid$"), "$", "") }

// fields3 is a row of a version 3 service: named fields and the customer's.
type fields3 map[string]any

func (f fields3) custom(custom Custom, customs, orgUnits int) fields3 {
	for i := 1; i <= orgUnits; i++ {
		f[fmt.Sprintf("OrgUnit%d", i)] = custom.wire3(fmt.Sprintf("orgUnit%d", i))
	}
	for i := 1; i <= customs; i++ {
		f[fmt.Sprintf("Custom%d", i)] = custom.wire3(fmt.Sprintf("custom%d", i))
	}
	return f
}

// located is an expense with its report, and the entry that it itemises.
type located struct {
	r         *Report
	e, parent *Expense
}

// each walks over the expenses of all reports, and of an entry over its parts.
func (c *Company) each(f func(located)) {
	for _, r := range c.reports {
		for i := range r.Expenses {
			f(located{r: r, e: &r.Expenses[i]})
			for j := range r.Expenses[i].Itemizations {
				f(located{r: r, e: &r.Expenses[i].Itemizations[j], parent: &r.Expenses[i]})
			}
		}
	}
}

func allocationType(e *Expense) string {
	switch e.allocationState() {
	case "FULLY_ALLOCATED":
		return "F"
	case "PARTIALLY_ALLOCATED":
		return "P"
	default:
		return "N"
	}
}

func url3(what, id string) string {
	return "https://" + legacyHost + "/api/v3.0/expense/" + what + "/" + id
}

func (c *call) common3(l located) fields3 {
	e, r := l.e, l.r
	return fields3{
		"ReportID": r.ID, "ReportOwnerID": r.Owner, "ExpenseTypeCode": e.Type, "ExpenseTypeName": e.TypeName,
		"SpendCategoryCode": e.TypeCode, "SpendCategoryName": e.TypeName, "TransactionDate": e.Date + "T00:00:00",
		"TransactionAmount": short(e.Amount), "PostedAmount": short(e.Posted.Decimal), "ApprovedAmount": short(e.Approved.Decimal),
		"LocationID": nil, "LocationName": orNull(e.City), "LocationSubdivision": nil, "LocationCountry": r.Country,
		"Description": orNull(e.Purpose), "IsPersonal": e.Personal, "IsBillable": e.Billable, "IsImageRequired": false,
		"AllocationType": allocationType(e), "HasComments": false, "HasExceptions": false, "LastModified": zoneless(r.LastModified),
	}.custom(e.Custom, 40, 6)
}

func (c *call) entry3(l located) fields3 {
	e, f := l.e, c.common3(l)
	for k, v := range (fields3{
		"ID": id3(e.ID), "ExpenseID": e.ID, "URI": url3("entries", id3(e.ID)), "PaymentTypeID": e.PaymentType, "PaymentTypeName": e.PaymentName,
		"TransactionCurrencyCode": e.Currency, "ExchangeRate": short(e.Rate), "VendorDescription": orNull(e.Vendor), "VendorListItemID": nil,
		"VendorListItemName": nil, "IsPersonalCardCharge": e.Personal && e.PaymentType != "CASH", "HasImage": false, "ReceiptReceived": false,
		"TaxReceiptType": e.Receipt, "ElectronicReceiptID": nil, "CompanyCardTransactionID": nil, "TripID": nil, "HasItemizations": len(e.Itemizations) > 0,
		"HasAttendees": false, "HasVAT": !e.Tax.IsZero(), "HasAppliedCashAdvance": l.r.Advance.IsPositive() && e.paymentClass() == "CASH", "IsPaidByExpensePay": l.r.ExpensePay, "EmployeeBankAccountID": nil,
		"Journey": nil, "FormID": c.company.policyID,
	}) {
		f[k] = v
	}
	return f
}

func (c *call) itemization3(l located) fields3 {
	f := c.common3(l)
	f["ID"], f["EntryID"], f["URI"] = id3(l.e.ID), id3(l.parent.ID), url3("itemizations", id3(l.e.ID))
	return f
}

// rows3 are the allocations of an expense, or the implicit one.
func (c *call) rows3(l located) []fields3 {
	as, hidden := l.e.Allocations, false
	if len(as) == 0 && len(l.e.Itemizations) == 0 {
		hidden = true
		as = []Allocation{{ID: reverse(l.e.ID), Percentage: decimal.NewFromInt(100), AccountCode: orElse(l.e.AccountCode, "Pending Client"), Custom: l.e.Custom}}
	}
	var rows []fields3
	for _, a := range as {
		f := fields3{
			"ID": id3(a.ID), "URI": url3("allocations", id3(a.ID)), "EntryID": id3(l.e.ID), "Percentage": text8(a.Percentage),
			"IsPercentEdited": false, "IsHidden": hidden, "AccountCode1": a.AccountCode, "AccountCode2": nil,
		}
		rows = append(rows, f.custom(a.Custom, 20, 0))
	}
	return rows
}

// visible reports whether the caller may see a report: user selects it, and a
// user's own token sees its own.
func (c *call) visible(r *Report) bool {
	user := c.r.URL.Query().Get("user")
	switch {
	case user == "":
		return c.user != nil && c.user.Login == r.Owner
	case strings.EqualFold(user, "ALL"):
		return true
	default:
		return strings.EqualFold(user, r.Owner)
	}
}

// page3 cuts rows into a page.
func (c *call) page3(root string, rows []fields3, highest int) reply {
	q := c.r.URL.Query()
	limit, from, err := limitOffset(q, 25, highest)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	from = min(from, len(rows))
	to := min(len(rows), from+limit)
	out := struct {
		Items    []fields3 `json:"Items"`
		NextPage *string   `json:"NextPage"`
	}{Items: rows[from:to]}
	if out.Items == nil {
		out.Items = []fields3{}
	}
	if to < len(rows) {
		out.NextPage = c.nextPage(q, to)
	}
	rep := ok(out)
	rep.root = root
	return rep
}

func serveEntries3(c *call) reply {
	q := c.r.URL.Query()
	var rows []fields3
	c.company.each(func(l located) {
		if l.parent == nil && c.visible(l.r) && isOrAny(q.Get("reportID"), l.r.ID) && isOrAny(q.Get("expenseTypeCode"), l.e.Type) &&
			isOrAny(q.Get("paymentTypeID"), l.e.PaymentType) && isOrAny(q.Get("isBillable"), strconv.FormatBool(l.e.Billable)) &&
			isOrAny(q.Get("hasVAT"), strconv.FormatBool(!l.e.Tax.IsZero())) && isOrAny(q.Get("hasAttendees"), "false") {
			rows = append(rows, c.entry3(l))
		}
	})
	return c.page3("Entries", rows, 100)
}

func isOrAny(want, got string) bool { return want == "" || strings.EqualFold(want, got) }

func serveItemizations3(c *call) reply {
	q := c.r.URL.Query()
	var rows []fields3
	c.company.each(func(l located) {
		if l.parent != nil && c.visible(l.r) && isOrAny(q.Get("reportID"), l.r.ID) && isOrAny(q.Get("entryID"), id3(l.parent.ID)) &&
			isOrAny(q.Get("expenseTypeCode"), l.e.Type) {
			rows = append(rows, c.itemization3(l))
		}
	})
	return c.page3("Itemizations", rows, 100)
}

// serveAllocations3 knows no user: the ids are enough.
func serveAllocations3(c *call) reply {
	q := c.r.URL.Query()
	var rows []fields3
	c.company.each(func(l located) {
		entry, item := q.Get("entryID"), q.Get("itemizationID")
		if !isOrAny(q.Get("reportID"), l.r.ID) || item != "" && (l.parent == nil || id4(item) != l.e.ID) ||
			entry != "" && id4(entry) != l.e.ID && (l.parent == nil || id4(entry) != l.parent.ID) {
			return
		}
		rows = append(rows, c.rows3(l)...)
	})
	return c.page3("Allocations", rows, 100)
}

func (c *call) one3(root, what string, find func(l located, id string) fields3) reply {
	var hit fields3
	id := id4(c.r.PathValue("id"))
	c.company.each(func(l located) {
		if hit == nil && c.visible(l.r) {
			hit = find(l, id)
		}
	})
	if hit == nil {
		return c.refuse(http.StatusNotFound, "The "+what+" does not exist or is not owned by the user")
	}
	rep := ok(hit)
	rep.root = root
	return rep
}

func serveEntry3(c *call) reply {
	return c.one3("Entry", "entry", func(l located, id string) fields3 {
		if l.parent != nil || !strings.EqualFold(l.e.ID, id) {
			return nil
		}
		return c.entry3(l)
	})
}

func serveItemization3(c *call) reply {
	return c.one3("Itemization", "itemization", func(l located, id string) fields3 {
		if l.parent == nil || !strings.EqualFold(l.e.ID, id) {
			return nil
		}
		return c.itemization3(l)
	})
}

func serveAllocation3(c *call) reply {
	return c.one3("Allocation", "allocation", func(l located, id string) fields3 {
		for _, f := range c.rows3(l) {
			if f["ID"] == id3(id) {
				return f
			}
		}
		return nil
	})
}
