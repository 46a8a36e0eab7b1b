package concurtest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

const spendSchema = "urn:ietf:params:scim:schemas:extension:spend:2.0:User"

// Spend are an employee's settings for expenses.
type Spend struct {
	Reimbursement string // ACCOUNTS_PAYABLE (default), ADP_PAYROLL, CONCUR_PAY, OTHER
	Ledger        string // default the company's
	Country       string // default the company's
	StateProvince string
	Currency      string // of reimbursement, default the company's
	Test          bool
	// Custom are custom1 to custom22 and orgUnit1 to orgUnit6: of a list the item's
	// code is shown here.
	Custom Custom
}

// method is the code that financial documents have for the reimbursement.
func (s Spend) method() string {
	switch s.Reimbursement {
	case "ADP_PAYROLL":
		return "ADPPAYR"
	case "CONCUR_PAY":
		return "CNQRPAY"
	case "OTHER":
		return "PMTSERV"
	default:
		return "APCHECK"
	}
}

func spendUserRoutes() []route {
	scopes := []string{scopeSpendUsers}
	return []route{
		{"GET /profile/spend/v4.1/Users", scim, scopes, companyOnly(serveSpendUsers)},
		{"GET /profile/spend/v4.1/Users/{id}", scim, scopes, companyOnly(serveSpendUser)},
	}
}

func (c *call) spendWire(u *User) map[string]any {
	data := []map[string]string{}
	for _, id := range u.Spend.Custom.ids() {
		v := u.Spend.Custom[id]
		data = append(data, map[string]string{"id": id, "value": orElse(v.Code, v.Text)})
	}
	o := &c.company.opts
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:ScimResource", spendSchema}, "id": u.ID,
		"meta": map[string]any{
			"resourceType": "User", "created": nil, "lastModified": instant(c.s.now()), "version": nil,
			"location": c.base() + "/profile/spend/v4/Users/" + u.ID,
		},
		spendSchema: map[string]any{
			"reimbursementCurrency": orElse(u.Spend.Currency, o.Currency), "reimbursementType": orElse(u.Spend.Reimbursement, "ACCOUNTS_PAYABLE"),
			"ledgerCode": orElse(u.Spend.Ledger, o.Ledger), "country": orElse(u.Spend.Country, o.Country), "budgetCountryCode": nil,
			"stateProvince": orNull(u.Spend.StateProvince), "locale": "en-US", "cashAdvanceAccountCode": nil, "testEmployee": u.Spend.Test,
			"nonEmployee": false, "biManager": nil, "customData": data,
		},
	}
}

func serveSpendUser(c *call) reply {
	u := c.company.userByID(c.r.PathValue("id"))
	if u == nil {
		return c.refuse(http.StatusNotFound, "Resource not found")
	}
	return ok(c.spendWire(u))
}

var spendFilter = regexp.MustCompile(`^\s*(country|ledgerCode|locale|reimbursementCurrency|reimbursementType|stateProvince)\s+(eq|ne)\s+"([^"]*)"\s*$`)

func serveSpendUsers(c *call) reply {
	q := c.r.URL.Query()
	start, count := 1, 100
	for name, into := range map[string]*int{"startIndex": &start, "count": &count} {
		if v := q.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || name == "count" && n > 100 {
				return c.refuse(http.StatusBadRequest, name+" is invalid")
			}
			*into = n
		}
	}
	var filter []string
	if f := q.Get("filter"); f != "" {
		if filter = spendFilter.FindStringSubmatch(f); filter == nil {
			return c.refuseAs(http.StatusBadRequest, "invalidFilter", "The filter is not supported")
		}
	}
	hits := []map[string]any{}
	for _, u := range c.company.users {
		w := c.spendWire(u)
		if filter != nil {
			spend, _ := w[spendSchema].(map[string]any)
			if strings.EqualFold(textOf(spend, filter[1]), filter[3]) != (filter[2] == "eq") {
				continue
			}
		}
		hits = append(hits, w)
	}
	from := min(start-1, len(hits))
	page := hits[from:min(len(hits), from+count)]
	return ok(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": len(hits), "startIndex": start,
		"itemsPerPage": len(page), "Resources": page,
	})
}
