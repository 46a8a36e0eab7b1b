package concurtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
)

// openapi returns the folder of the vendor's OpenAPI files, which are not part of
// this repository: CONCUR_OPENAPI names it.
func openapi(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONCUR_OPENAPI")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			t.Fatal("CONCUR_OPENAPI is not set, and ML_CONNECTOR_NO_SKIP forbids to skip")
		}
		t.Skip("SKIPPED: set CONCUR_OPENAPI to the folder with the vendor's OpenAPI files")
	}
	return dir
}

// files are the vendor's files of the services that the client has, with where
// their paths really begin: what they say of hosts and prefixes does not lead
// there.
func files() map[string]string {
	return map[string]string{
		"v1-0_Image.swagger2.json":                       "/api",
		"v3-0_Allocations.swagger2.json":                 "/api/v3.0",
		"v3-0_Entries.swagger2.json":                     "/api/v3.0",
		"v3-0_Itemizations.swagger2.json":                "/api/v3.0",
		"v3-0_LocalizedData.swagger2.json":               "/api/v3.0",
		"v3-0_PaymentRequest.swagger2.json":              "/api/v3.0",
		"v3-0_PaymentRequestDigest.swagger2.json":        "/api/v3.0",
		"v3-0_PurchaseOrderReceipts.swagger2.json":       "/api/v3.0",
		"v3-0_PurchaseOrders.swagger2.json":              "/api/v3.0",
		"v3-0_Reports.swagger2.json":                     "/api/v3.0",
		"v3-1_Vendors.swagger2.json":                     "/api/v3.1",
		"v4-0_AccountingIntegration.swagger2.json":       "/accountingintegration",
		"v4-0_EventSubscriptionService.swagger.json":     "/events",
		"v4-0_ExchangeRate.swagger2.json":                "",
		"v4-0_FinancialIntegrationService.swagger2.json": "/financialintegration",
		"v4-0_InvoicePay.swagger2.json":                  "/invoice",
		"v4-0_List.swagger2.json":                        "",
		"v4-0_ListItem.swagger2.json":                    "",
		"v4-0_ListItemBulk.swagger2.json":                "",
		"v4-0_Reports.swagger.json":                      "",
		"v4-0_SpendDocuments.swagger2.json":              "",
		"v4-1_Identity.swagger2.json":                    "/profile/identity/v4.1",
	}
}

// unused are operations of those files that the client leaves out on purpose.
func unused() []string {
	return []string{
		// Deprecated by their pages.
		"DELETE /api/v3.0/expense/entries/{id}", "PUT /api/v3.0/expense/itemizations/{id}", "DELETE /api/v3.0/expense/itemizations/{id}",
		// Invoice Pay is for payment providers.
		"GET /invoice/provider-payment/v4/payments",
		"POST /invoice/provider-payment/v4/payments/{paymentId}", "POST /invoice/provider-payment/v4/payments/bulkUpdate",
		"PATCH /invoice/provider-payment/v4/invoices/{invoiceId}/paymentmetadata",
		// What the service can do in general, of which a program has no use.
		"GET /profile/identity/v4.1/Schemas", "GET /profile/identity/v4.1/Schemas/{id}", "GET /profile/identity/v4.1/ServiceProviderConfig",
		"GET /profile/identity/v4.1/ResourceTypes",
	}
}

// repair mends what keeps a file from being read.
func repair(m map[string]any) {
	if _, has := m["info"]; !has {
		m["info"] = map[string]any{"title": "untitled", "version": "0"} // InvoicePay
	}
	delete(m, "security") // ExchangeRate names a scheme that it does not define
	var walk func(v any, inSchema bool)
	walk = func(v any, inSchema bool) {
		switch v := v.(type) {
		case map[string]any:
			if _, isBool := v["required"].(bool); isBool && v["in"] == nil {
				delete(v, "required") // a boolean inside a schema
			}
			if v["type"] == "date" {
				v["type"], v["format"] = "string", "date"
			}
			delete(v, "security")
			if p, ok := v["properties"].(map[string]any); ok {
				for _, name := range []string{"Items", "Vendor", "PaymentRequestDigest", "LocalizationData", "LineItem", "Allocation", "StatusList"} {
					// The files say one object where all samples and answers have an array.
					if one, ok := p[name].(map[string]any); ok && one["$ref"] != nil {
						p[name] = map[string]any{"type": "array", "items": one}
					}
				}
			}
			for k, e := range v {
				walk(e, inSchema || k == "schema" || k == "definitions")
			}
		case []any:
			for _, e := range v {
				walk(e, inSchema)
			}
		}
	}
	walk(m, false)
	if d, ok := m["securityDefinitions"].(map[string]any); ok {
		for name, v := range d {
			if strings.Contains(name, " ") { // ListItemBulk: "JWT Token"
				delete(d, name)
				d[strings.ReplaceAll(name, " ", "")] = v
			}
		}
	}
}

// load reads a file, mends it and closes its schemas: a name that one does not
// define is a difference.
func load(t *testing.T, dir, name, prefix string) *openapi3.T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m), name)
	repair(m)
	b, err = json.Marshal(m)
	require.NoError(t, err)
	var doc *openapi3.T
	if _, third := m["components"]; third { // whatever the file's name says
		doc, err = openapi3.NewLoader().LoadFromData(b)
		require.NoError(t, err, name)
	} else {
		var second openapi2.T
		require.NoError(t, json.Unmarshal(b, &second), name)
		doc, err = openapi2conv.ToV3(&second)
		require.NoError(t, err, name)
	}
	doc.Servers = nil
	doc.Security = nil
	doc.Components.SecuritySchemes = nil
	paths := openapi3.NewPaths()
	for p, item := range doc.Paths.Map() {
		paths.Set(prefix+p, item)
	}
	doc.Paths = paths
	require.NoError(t, doc.Validate(t.Context(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation()), name)
	for _, s := range doc.Components.Schemas {
		closeSchema(s, map[*openapi3.Schema]bool{})
	}
	return doc
}

func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil && len(s.AllOf) == 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		closeSchema(p, seen)
	}
	closeSchema(s.Items, seen)
}

// withoutNulls drops members that are null: the files of the older version know no
// null, and the published samples are full of them.
func withoutNulls(b []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return b
	}
	var strip func(v any) any
	strip = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if e == nil {
					delete(v, k)
				} else {
					v[k] = strip(e)
				}
			}
		case []any:
			for i := range v {
				v[i] = strip(v[i])
			}
		}
		return v
	}
	out, err := json.Marshal(strip(v))
	if err != nil {
		return b
	}
	return out
}

// exception is a difference that is meant, with the reason.
type exception struct{ match, why string }

func meant() []exception {
	return []exception{
		{`^(GET|POST) /api/image/.*unsupported content type`, "images and XML are compared by a test of their own"},
		{`^DELETE /api/v3.0/invoice/purchaseorderreceipts: answer 200: .*EOF`, "an empty answer, which the file calls Void"},
		{`^PUT /api/v3.0/expense/entries/\{id\}: answer 200: .*EOF`, "the same"},
		{`^POST /api/v3.0/invoice/paymentrequest: request: .*property "PurchaseOrderNumber" is unsupported`, "the page's name; the file says PurchaseOrderId"},
		{`/v3.0/expense/.*string doesn't match the format "date-time"`, "version 3 prints times without a zone"},
		{`/v3.0/expense/entries.*property "ExpenseID" is unsupported`, "added to the page in 2023, not to the file"},
		{`accountingintegration.*/links: value must be an array`, "links by name in all samples"},
		{`accountingintegration.*property "erpId" is unsupported`, "in all samples of answers"},
		{`accountingintegration.*/features/\*: value is not one of`, "the page has four features"},
		{`paymentrequest/\{id\}: .*VendorRemitAddress: property "(AddressCode|VendorCode)"`, "live answers are reported to have them"},
		{`paymentrequestdigests.*property "(LastModifiedDate|PaymentMethod|ExtractedDate)" is unsupported`, "in the page's table only"},
		{`^GET /events/v4/subscriptions/\{id\}: answer 200: /: value must be an object`, "an array of one in the samples; the client reads both"},
		{`/receiptType/id: value is not one of the allowed values`, "the file lists labels, the samples have the ids N, R, T"},
		{`reportsToApprove: answer 200: /\*/reportType: value is not one of`, "the file has four values in one text"},
		{`/category/value: property "value" is missing`, "required and not defined"},
		{`PATCH /expensereports/v4/users/.*property "reportSource" is unsupported`, "required by the page"},
		{`acknowledgements: request: parameter "acknowledgeRequest" in query`, "the body, modelled as a parameter"},
		{`(acknowledgements|postingconfirmations): answer 200: /\*/systemId: property "systemId" is missing`, "null in the samples"},
		{`/v3.1/invoice/vendors: .*property "CurrenyCode" is missing`, "the file misspells what it requires"},
		{`/representations: answer 200: failed to decode`, "bytes, which the file models as JSON"},
		{`Users/.search: answer 200: /Resources/\*/.* is missing`, "only some attributes were asked for, and the file requires all"},
		{`Users: request: /id: property "id" is missing`, "the file requires the id of who has none yet; the page's sample has none"},
		{`Users/\{id\}: request: /(id|name/givenName): property "[a-zA-Z]+" is missing`, "the page's sample has no id, and not everybody two names"},
		{`Users/\{id\}: request: /Operations/\*/value: value must be an object`, "the page's sample has a text"},
		{`^POST /profile/identity/v4.1/Users: answer 409: status is not supported`, "the file lists no refusal; RFC 7644 has this one"},
		{`Users/.search: request: /: property "schemas" is unsupported`, "required by the page"},
	}
}

// Each request that the client sends and each answer that the server gives is
// what the vendor's OpenAPI files say, but for the exceptions above.
func TestCallsAreWhatTheVendorsFilesSay(t *testing.T) {
	t.Parallel()
	dir := openapi(t)
	w := newWalk(t)
	w.all()
	type spec struct {
		name   string
		router routers.Router
	}
	var specs []spec
	operations := map[string]bool{} // covered or not
	for name, prefix := range files() {
		doc := load(t, dir, name, prefix)
		router, err := gorillamux.NewRouter(doc)
		require.NoError(t, err, name)
		specs = append(specs, spec{name, router})
		for p, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				operations[method+" "+p] = false
			}
		}
	}
	slices.SortFunc(specs, func(a, b spec) int { return strings.Compare(a.name, b.name) })
	differences := map[string]int{}
	outside := map[string]bool{}
	checked := 0
	for _, c := range w.s.Calls() {
		u := &url.URL{Scheme: "http", Host: c.Host, Path: c.Path, RawQuery: c.Query}
		found := false
		for _, sp := range specs {
			req, err := http.NewRequestWithContext(t.Context(), c.Method, u.String(), bytes.NewReader(withoutNulls(c.Request)))
			require.NoError(t, err)
			req.Header = c.Header.Clone()
			route, params, err := sp.router.FindRoute(req)
			if err != nil {
				continue
			}
			found = true
			checked++
			operation := c.Method + " " + route.Path
			operations[operation] = true
			for _, d := range compare(t.Context(), req, route, params, c.Status, c.Response) {
				differences[operation+": "+d]++
			}
		}
		if !found {
			outside[c.Method+" "+shapeOf(c.Path)] = true
		}
	}
	exceptions, used := meant(), map[string]bool{}
	for _, d := range slices.Sorted(maps.Keys(differences)) {
		i := slices.IndexFunc(exceptions, func(e exception) bool { return regexp.MustCompile(e.match).MatchString(d) })
		if i < 0 {
			t.Errorf("%s (%d times)", d, differences[d])
			continue
		}
		used[exceptions[i].match] = true
	}
	for _, e := range exceptions {
		require.True(t, used[e.match], "nothing needs the exception %q any more", e.match)
	}
	covered, left := 0, []string{}
	for o, is := range operations {
		switch {
		case is:
			covered++
			require.NotContains(t, unused(), o, "an operation that is used")
		case !slices.Contains(unused(), o):
			left = append(left, o)
		}
	}
	slices.Sort(left)
	require.Empty(t, left, "operations of the services that neither the client has nor the list of those left out")
	t.Logf("%d calls checked; %d of %d operations of %d files covered, %d left out on purpose; %d exceptions; %d operations that no file describes:\n%s",
		checked, covered, len(operations), len(files()), len(unused()), len(exceptions), len(outside), strings.Join(slices.Sorted(maps.Keys(outside)), "\n"))
}

var identifier = regexp.MustCompile(`/(gWid[^/]+|[0-9A-Fa-f-]{8,}|[0-9A-F]{16,})`)

// shapeOf replaces identifiers in a path.
func shapeOf(path string) string { return identifier.ReplaceAllString(path, "/{id}") }

// compare returns what differs, one line each.
func compare(ctx context.Context, req *http.Request, route *routers.Route, params map[string]string, status int, answer []byte) []string {
	var out []string
	options := &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	known := map[string]bool{}
	for _, p := range append(slices.Clone(route.Operation.Parameters), route.PathItem.Parameters...) {
		known[strings.ToLower(p.Value.Name)] = true
	}
	for name := range req.URL.Query() {
		if !known[strings.ToLower(name)] {
			out = append(out, "request: query "+name+" is not described")
		}
	}
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	out = append(out, lines("request", openapi3filter.ValidateRequest(ctx, in))...)
	if status >= 400 && len(answer) == 0 {
		return out
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if len(answer) > 0 && answer[0] == '<' {
		header.Set("Content-Type", "application/xml")
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: header, Options: options}
	response.SetBodyBytes(withoutNulls(answer))
	return append(out, lines(fmt.Sprint("answer ", status), openapi3filter.ValidateResponse(ctx, response))...)
}

// lines flattens an error into one line for each difference.
func lines(what string, err error) []string {
	if err == nil {
		return nil
	}
	var many openapi3.MultiError
	if errors.As(err, &many) && len(many) > 0 {
		var out []string
		for _, e := range many {
			out = append(out, lines(what, e)...)
		}
		return out
	}
	var request *openapi3filter.RequestError
	if errors.As(err, &request) && request.Err != nil && request.Parameter == nil {
		var inner openapi3.MultiError
		if errors.As(request.Err, &inner) {
			return lines(what, request.Err)
		}
	}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		at := regexp.MustCompile(`/\d+`).ReplaceAllString("/"+strings.Join(schema.JSONPointer(), "/"), "/*")
		return []string{what + ": " + at + ": " + schema.Reason}
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return []string{what + ": " + text}
}
