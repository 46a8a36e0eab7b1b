package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// erp is a registered ERP with what it gave.
type erp struct {
	fields   map[string]any
	rows     map[string][]map[string]any // by accounts, vendors, lists
	requests map[string][]map[string]any // the errors of each request
}

func accountingRoutes() []route {
	const base = "/accountingintegration/v4/companies/{company}/erps"
	read, write := []string{scopeAccountRead, scopeAccountWrite}, []string{scopeAccountWrite}
	own := func(handle func(*call) reply) func(*call) reply {
		return companyOnly(func(c *call) reply {
			if c.r.PathValue("company") != c.company.ID {
				return c.refuse(http.StatusForbidden, "another company")
			}
			return handle(c)
		})
	}
	of := func(handle func(*call, *erp) reply) func(*call) reply {
		return own(func(c *call) reply {
			for _, e := range c.company.erps {
				if e.fields["erpId"] == c.r.PathValue("erp") {
					return handle(c, e)
				}
			}
			return c.refuse(http.StatusNotFound, "no such ERP")
		})
	}
	routes := []route{
		{"POST " + base, accounting4, write, own(serveRegister)},
		{"GET " + base, accounting4, read, own(serveERPs)},
		{"GET " + base + "/{erp}", accounting4, read, of(func(_ *call, e *erp) reply { return ok(e.fields) })},
		{"PATCH " + base + "/{erp}", accounting4, write, of(servePatchERP)},
		{"DELETE " + base + "/{erp}", accounting4, write, of(serveDeleteERP)},
		{"GET " + base + "/{erp}/mappings", accounting4, read, of(serveMappings)},
		{"GET " + base + "/{erp}/requests/{request}", accounting4, read, of(serveRequest)},
		{"GET " + base + "/{erp}/requests/{request}/errors", accounting4, read, of(serveRequestErrors)},
	}
	for _, what := range []string{"accounts", "vendors", "lists"} {
		routes = append(routes,
			route{"GET " + base + "/{erp}/" + what, accounting4, read, of(func(c *call, e *erp) reply { return c.erpPage(e.rows[what], "links") })},
			route{"PATCH " + base + "/{erp}/" + what, accounting4, write, of(func(c *call, e *erp) reply { return c.patchRows(e, what) })},
		)
	}
	return append(routes,
		route{"GET " + base + "/{erp}/taxData", accounting4, read, of(func(c *call, e *erp) reply { return c.erpPage(e.rows["taxData"], "links") })},
		route{"POST " + base + "/{erp}/taxData", accounting4, write, of(func(c *call, e *erp) reply { return c.taxData(e, false) })},
		route{"PUT " + base + "/{erp}/taxData", accounting4, write, of(func(c *call, e *erp) reply { return c.taxData(e, true) })},
	)
}

// taxData adds the tax codes of countries, or puts them in the place of all.
func (c *call) taxData(e *erp, replace bool) reply {
	var in struct {
		DeleteAll bool             `json:"deleteAll"`
		Data      []map[string]any `json:"data"`
	}
	if err := c.decode(&in); err != nil || !in.DeleteAll && len(in.Data) == 0 {
		return c.refuseAs(http.StatusBadRequest, "dataInvalid", "data or deleteAll is required")
	}
	if replace || in.DeleteAll {
		e.rows["taxData"] = nil
	}
	e.rows["taxData"] = append(e.rows["taxData"], in.Data...)
	return c.accepted(e, nil)
}

func serveRegister(c *call) reply {
	m, _, readable := c.fields()
	if !readable || textOf(m, "partnerAppName") == "" || textOf(m, "erpName") == "" || textOf(m, "externalErpId") == "" {
		return c.refuseAs(http.StatusBadRequest, "dataInvalid", "partnerAppName, erpName and externalErpId are required")
	}
	m["erpId"] = c.s.ids.uuid("erp")
	c.company.erps = append(c.company.erps, &erp{fields: m, rows: map[string][]map[string]any{}, requests: map[string][]map[string]any{}})
	return ok(m)
}

func serveERPs(c *call) reply {
	rows := []map[string]any{}
	for _, e := range c.company.erps {
		rows = append(rows, e.fields)
	}
	return ok(map[string]any{"data": rows})
}

func servePatchERP(c *call, e *erp) reply {
	m, _, readable := c.fields()
	if !readable {
		return c.refuseAs(http.StatusBadRequest, "dataInvalid", "the body is not readable")
	}
	for k, v := range m {
		if k != "erpId" {
			e.fields[k] = v
		}
	}
	return ok(e.fields)
}

func serveDeleteERP(c *call, e *erp) reply {
	c.company.erps = slices.DeleteFunc(c.company.erps, func(o *erp) bool { return o == e })
	return none()
}

func serveMappings(c *call, e *erp) reply {
	return ok(map[string]any{"erpId": e.fields["erpId"], "features": []any{}, "files": []any{}})
}

// erpPageSize is small, so that tests meet a second page: the vendor cuts pages
// by their size, up to 1 MB.
const erpPageSize = 50

func (c *call) erpPage(rows []map[string]any, links string) reply {
	from, _ := strconv.Atoi(c.r.URL.Query().Get("next"))
	from = max(0, min(from, len(rows)))
	to := min(len(rows), from+erpPageSize)
	page := rows[from:to]
	if page == nil {
		page = []map[string]any{}
	}
	out := map[string]any{"data": page}
	if to < len(rows) {
		out[links] = map[string]any{"next": map[string]string{"href": c.r.URL.Path + "?next=" + strconv.Itoa(to)}}
	}
	return ok(out)
}

// patchRows answers at once and does the work at once too; the vendor takes its
// time and tells the end by an event, as this does.
func (c *call) patchRows(e *erp, what string) reply {
	var in struct {
		DeleteAll bool             `json:"deleteAll"`
		Data      []map[string]any `json:"data"`
	}
	if err := c.decode(&in); err != nil || !in.DeleteAll && len(in.Data) == 0 {
		return c.refuseAs(http.StatusBadRequest, "dataInvalid", "data or deleteAll is required")
	}
	if in.DeleteAll {
		e.rows[what] = nil
	}
	id := c.s.ids.uuid("erprequest")
	errors := []map[string]any{}
	for _, row := range in.Data {
		key := textOf(row, "id")
		at := slices.IndexFunc(e.rows[what], func(o map[string]any) bool { return textOf(o, "id") == key })
		deleted, _ := row["isDeleted"].(bool)
		switch {
		case key == "":
			values, _ := json.Marshal(row) // maps of JSON values always encode
			errors = append(errors, map[string]any{
				"companyId": c.company.ID, "requestId": id, "errorCode": "dataInvalid.requestIdProcessingErrors",
				"errorMessage": "Failed to validate the input data", "objectType": strings.ToUpper(strings.TrimSuffix(what, "s")), "values": string(values),
				"validationErrors": []map[string]string{{"source": "id", "errorMessage": "id is required", "errorCode": "id.required"}},
			})
		case deleted && at >= 0:
			e.rows[what] = slices.Delete(e.rows[what], at, at+1)
		case deleted:
		case at >= 0:
			e.rows[what][at] = row
		default:
			e.rows[what] = append(e.rows[what], row)
		}
	}
	return c.acceptedAs(e, id, errors)
}

func (c *call) accepted(e *erp, errors []map[string]any) reply {
	return c.acceptedAs(e, c.s.ids.uuid("erprequest"), errors)
}

func (c *call) acceptedAs(e *erp, id string, errors []map[string]any) reply {
	if errors == nil {
		errors = []map[string]any{}
	}
	e.requests[id] = errors
	c.company.publish(Event{
		Topic: "public.concur.spend.accountingintegration", Type: "data.statusUpdated",
		Facts: map[string]any{
			"companyId": c.company.ID, "erpId": e.fields["erpId"], "partnerId": c.token.app.ClientID,
			"data": map[string]any{"requestId": id, "status": requestStatus(errors)},
		},
	}, "public.concur.spend.accountingintegration", id)
	return reply{status: http.StatusAccepted, body: map[string]any{
		"status": "PROCESSING", "requestId": id, "links": map[string]any{
			"self":   map[string]string{"href": "/v4/companies/" + c.company.ID + "/erps/" + c.r.PathValue("erp") + "/requests/" + id},
			"errors": map[string]string{"href": "/v4/companies/" + c.company.ID + "/erps/" + c.r.PathValue("erp") + "/requests/" + id + "/errors"},
		},
	}}
}

func requestStatus(errors []map[string]any) string {
	if len(errors) > 0 {
		return "PARTIAL"
	}
	return "SUCCESS"
}

func serveRequest(c *call, e *erp) reply {
	errors, found := e.requests[c.r.PathValue("request")]
	if !found {
		return c.refuse(http.StatusNotFound, "no such request")
	}
	return ok(map[string]any{"status": requestStatus(errors), "requestId": c.r.PathValue("request")})
}

func serveRequestErrors(c *call, e *erp) reply {
	errors, found := e.requests[c.r.PathValue("request")]
	if !found {
		return c.refuse(http.StatusNotFound, "no such request")
	}
	return c.erpPage(errors, "_links")
}
