package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/shopspring/decimal"
)

// Attendee is somebody whom an expense was for.
type Attendee struct {
	ID     string // UUID of a person in the customer's list of attendees
	Amount decimal.Decimal
}

// Attendees returns who took part in an expense.
func (c *Company) Attendees(expenseID string) []Attendee {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return slices.Clone(c.attendees[expenseID])
}

// taxCodes are the codes that a tax of an expense was given.
type taxCodes struct {
	Tax, Reclaim string
	Custom       Custom
}

func expense4Routes() []route {
	const (
		report  = "/expensereports/v4/users/{user}/context/{context}/reports/{report}"
		system  = "/expensereports/v4/reports/{report}"
		expense = "/expenses/{expense}"
	)
	read, write := []string{scopeReportRead, scopeReportWrite}, []string{scopeReportWrite}
	of := func(h func(*call, *Report, *Expense) reply) func(*call, *Report) reply {
		return func(c *call, r *Report) reply {
			e, _ := r.find(c.r.PathValue("expense"))
			if e == nil {
				return c.refuseAs(http.StatusNotFound, "expenseNotFound", "expenseId not found")
			}
			return h(c, r, e)
		}
	}
	return []route{
		{"GET " + report + expense + "/attendees", expense4, read, inContext(of(serveAttendees), "TRAVELER", "MANAGER", "PROXY")},
		{"GET " + system + expense + "/attendees", expense4, read, companyOnly(bySystem(of(serveAttendees)))},
		{"POST " + report + expense + "/attendees", expense4, write, inContext(of(serveAssociate), "TRAVELER", "PROXY")},
		{"DELETE " + report + expense + "/attendees", expense4, write, inContext(of(serveRemoveAttendees), "TRAVELER", "PROXY")},
		{"GET " + system + expense + "/taxes", expense4, append(read, scopeTax), companyOnly(bySystem(of(serveTaxes)))},
		{"PATCH " + system + expense + "/tax/{tax}", expense4, []string{scopeTax}, companyOnly(bySystem(of(servePatchTax)))},
		{"GET " + report + "/requestassociations", expense4, read, inContext(serveRequests, "TRAVELER", "MANAGER", "PROCESSOR", "PROXY")},
		{"GET " + system + "/cashAdvances", expense4, read, bySystem(serveCashAdvances)},
		{"POST " + system + "/cashAdvances", expense4, write, bySystem(serveSetCashAdvances)},
		{"DELETE " + system + "/cashAdvances", expense4, write, bySystem(serveRemoveCashAdvances)},
		{"GET " + system + "/formFields", expense4, read, bySystem(func(c *call, _ *Report) reply { return c.form("Name", "Purpose") })},
		{"GET " + system + expense + "/formFields", expense4, read, bySystem(of(func(c *call, _ *Report, _ *Expense) reply { return c.form("ExpName", "TransactionDate", "Custom1") }))},
	}
}

func serveAttendees(c *call, r *Report, e *Expense) reply {
	rows := []map[string]any{}
	for _, a := range c.company.attendees[e.ID] {
		rows = append(rows, map[string]any{
			"attendeeId": a.ID, "customData": []any{}, "isAmountUserEdited": false, "isTraveling": false, "associatedAttendeeCount": 1,
			"versionNumber": 1, "transactionAmount": moneyOf(a.Amount, e.Currency), "approvedAmount": moneyOf(a.Amount.Mul(e.Rate).Round(2), r.Currency),
		})
	}
	return ok(map[string]any{"noShowAttendeeCount": 0, "expenseAttendeeList": rows})
}

func serveAssociate(c *call, r *Report, e *Expense) reply {
	var in struct {
		List []struct {
			ID     string          `json:"attendeeId"`
			Amount json.Number     `json:"transactionAmount"`
			Edited bool            `json:"isAmountUserEdited"`
			Travel bool            `json:"isTraveling"`
			Count  int             `json:"associatedAttendeeCount"`
			Custom json.RawMessage `json:"customData"`
		} `json:"expenseAttendeeList"`
		NoShow int `json:"noShowAttendeeCount"`
	}
	if err := c.decode(&in); err != nil || len(in.List) == 0 || len(in.List) > 500 {
		return c.bad("expenseAttendeeList", "1 to 500 attendees are required")
	}
	have := c.company.attendees[e.ID]
	for _, row := range in.List {
		amount := e.Amount.DivRound(decimal.NewFromInt(int64(len(in.List))), 2)
		if row.Amount != "" {
			d, err := decimal.NewFromString(row.Amount.String())
			if err != nil {
				return c.bad("transactionAmount", "is not a number")
			}
			amount = d
		}
		if row.ID == "" {
			return c.bad("attendeeId", "is required")
		}
		have = append(have, Attendee{ID: row.ID, Amount: amount})
	}
	if c.company.attendees == nil {
		c.company.attendees = map[string][]Attendee{}
	}
	c.company.attendees[e.ID] = have
	return reply{status: http.StatusCreated, body: map[string]string{"uri": c.company.href(c.base(), r) + "/expenses/" + e.ID + "/attendees"}}
}

func serveRemoveAttendees(c *call, _ *Report, e *Expense) reply {
	delete(c.company.attendees, e.ID)
	return none()
}

// taxAuthority is the one authority that taxes an expense here.
func (c *call) taxAuthority(e *Expense) string { return reverse(e.ID) }

func serveTaxes(c *call, _ *Report, e *Expense) reply {
	rows := []map[string]any{}
	if !e.Tax.IsZero() {
		codes := c.company.taxes[e.ID]
		rows = append(rows, map[string]any{
			"customData": codes.Custom.wire4(c.base()), "taxAuthorityId": c.taxAuthority(e), "taxAuthorityName": "VAT", "taxLabel": "VAT",
			"taxCode": optional(codes.Tax), "reclaimCode": optional(codes.Reclaim), "taxFormId": c.company.policyID,
			"taxRateTypeId": nil, "taxRateTypeName": nil, "taxReclaimConfigurationId": nil,
			"taxTransactionAmount": short(e.Tax.DivRound(e.Rate, 2)), "taxPostedAmount": short(e.Tax),
			"reclaimTransactionAmount": short(e.TaxReclaim.DivRound(e.Rate, 2)), "taxReclaimPostedAmount": short(e.TaxReclaim),
		})
	}
	return ok(map[string]any{"expenseTaxes": rows})
}

func servePatchTax(c *call, r *Report, e *Expense) reply {
	if e.Tax.IsZero() || c.r.PathValue("tax") != c.taxAuthority(e) {
		return c.refuseAs(http.StatusNotFound, "taxNotFound", "taxAuthorityId not found")
	}
	var in struct {
		TaxCode     *string       `json:"taxCode"`
		ReclaimCode *string       `json:"reclaimCode"`
		Tax         json.Number   `json:"taxTransactionAmount"`
		Reclaim     json.Number   `json:"reclaimTransactionAmount"`
		Custom      []customInput `json:"customData"`
	}
	if err := c.decode(&in); err != nil {
		return c.bad("body", err.Error())
	}
	for _, amount := range []struct {
		text json.Number
		into *decimal.Decimal
	}{{in.Tax, &e.Tax}, {in.Reclaim, &e.TaxReclaim}} {
		if amount.text == "" {
			continue
		}
		d, err := decimal.NewFromString(amount.text.String())
		if err != nil {
			return c.bad("taxTransactionAmount", "is not a number")
		}
		*amount.into = d.Mul(e.Rate).Round(2)
	}
	if c.company.taxes == nil {
		c.company.taxes = map[string]taxCodes{}
	}
	codes := c.company.taxes[e.ID]
	if in.TaxCode != nil {
		codes.Tax = *in.TaxCode
	}
	if in.ReclaimCode != nil {
		codes.Reclaim = *in.ReclaimCode
	}
	codes.Custom = c.setCustom(codes.Custom, in.Custom)
	c.company.taxes[e.ID] = codes
	c.changed(r)
	return none()
}

func idRows(ids []string) []map[string]string {
	rows := []map[string]string{}
	for _, id := range ids {
		rows = append(rows, map[string]string{"id": id})
	}
	return rows
}

func serveRequests(_ *call, r *Report) reply {
	return ok(map[string]any{"requests": idRows(r.Requests)})
}

func serveCashAdvances(_ *call, r *Report) reply {
	return ok(map[string]any{"cashAdvances": idRows(r.CashAdvances)})
}

func serveSetCashAdvances(c *call, r *Report) reply {
	var in struct {
		IDs []string `json:"cashAdvanceIds"`
	}
	if err := c.decode(&in); err != nil || len(in.IDs) == 0 {
		return c.bad("cashAdvanceIds", "is required")
	}
	if slices.ContainsFunc(in.IDs, func(id string) bool { return !isUUID(id) }) {
		return c.bad("cashAdvanceIds", "is not known")
	}
	r.CashAdvances = slices.Clone(in.IDs) // all that were there go
	return reply{status: http.StatusCreated, body: map[string]string{"uri": c.base() + "/expensereports/v4/reports/" + r.ID + "/cashAdvances"}}
}

func serveRemoveCashAdvances(c *call, r *Report) reply {
	ids := c.r.URL.Query()["cashAdvanceIds"]
	if len(ids) == 0 {
		return c.bad("cashAdvanceIds", "is required")
	}
	r.CashAdvances = slices.DeleteFunc(slices.Clone(r.CashAdvances), func(id string) bool { return slices.Contains(ids, id) })
	return none()
}

// form prints the fields of a form; what stands on one is the customer's to say.
func (c *call) form(ids ...string) reply {
	rows := []map[string]any{}
	for i, id := range ids {
		rows = append(rows, map[string]any{
			"parentFieldId": nil, "controlType": "Edit", "dataType": "String", "defaultValue": nil, "fieldAccess": "RW", "fieldId": id,
			"formFieldId": c.s.ids.upper("formfield", 32), "fieldName": id, "fieldSequence": i + 1, "hasLineSeparator": false, "isCopyDownSource": false,
			"listId": nil, "listLevel": nil, "isExternalList": false, "maximumLength": 64, "isRequired": i == 0, "tooltip": nil,
			"validationExpression": nil, "validationMessage": nil, "itemizationCopyDownAction": "None", "requiredForAutoSave": i == 0,
			"referenceLink": nil, "targetFieldSettings": nil,
		})
	}
	return ok(rows)
}
