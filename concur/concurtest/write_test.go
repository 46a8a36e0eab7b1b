package concurtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// send writes to a resource of the company's data centre.
func send(t *testing.T, s *concurtest.Server, co *concurtest.Company, method, path, body string) answer {
	t.Helper()
	return sendWith(t, s, co.AccessToken(), method, co.BaseURL()+path, body)
}

func sendWith(t *testing.T, s *concurtest.Server, token, method, address, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	return do(t, s.Client(), r)
}

// appToken is a token of the app itself.
func appToken(t *testing.T, s *concurtest.Server, base string) string {
	t.Helper()
	a := token(t, s, base, url.Values{
		"client_id": {s.App().ClientID}, "client_secret": {s.App().ClientSecret}, "grant_type": {"client_credentials"},
	})
	return text(a.object(t)["access_token"])
}

func TestABulkCallIsNoTransaction(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	l := co.AddList("Accounts", concurtest.Item{Code: "1"})
	path := "/list/v4/lists/" + l.ID() + "/bulk"
	a := send(t, s, co, http.MethodPost, path, `{"requests":[{"shortCode":"2","value":"Two"},{"shortCode":"1","value":"One"},{"shortCode":"a","value":"Child","parentCode":"2"}]}`)
	require.Equal(t, 206, a.status)
	o := a.object(t)
	require.Equal(t, "PARTIAL_SUCCESS", o["status"])
	require.Equal(t, []json.Number{"2", "1"}, []json.Number{figure(o["recordsSucceeded"]), figure(o["recordsFailed"])})
	fault := fields(rows(o["errors"])[0])
	require.Equal(t, "item.duplicate.code", fault["id"])
	require.Equal(t, "1", fields(fault["listItem"])["shortCode"])
	require.Equal(t, map[string]string{"1": "1", "2": "Two", "2-a": "Child"}, l.Names())

	for body, want := range map[string]string{
		`{"requests":[]}`: "request.validation.error",
		`{"requests":[` + strings.Repeat(`{"shortCode":"x","value":"x"},`, 250) + `{"shortCode":"y","value":"y"}]}`: "request.validation.error",
	} {
		a := send(t, s, co, http.MethodPost, path, body)
		require.Equal(t, 400, a.status)
		require.Equal(t, want, fields(a.object(t)["error"])["id"])
	}
	require.Equal(t, 400, send(t, s, co, http.MethodPost, path, `{"requests":[{"shortCode":"1","value":"One"}]}`).status)
	require.Equal(t, 201, send(t, s, co, http.MethodPost, path, `{"requests":[{"shortCode":"3","value":"Three"}]}`).status)
}

func TestDeletedCodesFollowTheSetting(t *testing.T) {
	t.Parallel()
	for setting, want := range map[concurtest.DeletedCodes][3]string{
		concurtest.DeletedStay:    {"item.duplicate.code", "item.deleted", "item.deleted"},
		concurtest.DeletedRestore: {"item.duplicate.code", "item.deleted", ""},
		concurtest.DeletedFree:    {"", "", ""},
	} {
		s := concurtest.NewServer(t, &concurtest.Options{DeletedCodes: setting})
		co := s.AddCompany("Acme", nil)
		l := co.AddList("Accounts", concurtest.Item{Code: "1"})
		path := "/list/v4/lists/" + l.ID() + "/bulk"
		require.Equal(t, 200, send(t, s, co, http.MethodPatch, path, `{"requests":[{"code":"1","deleted":true}]}`).status)
		for i, call := range [][2]string{
			{http.MethodPost, `{"requests":[{"shortCode":"1","value":"Again"}]}`},
			{http.MethodPatch, `{"requests":[{"code":"1","value":"Again"}]}`},
			{http.MethodPatch, `{"requests":[{"code":"1","value":"Again","deleted":false}]}`},
		} {
			got := ""
			if errs := rows(send(t, s, co, call[0], path, call[1]).object(t)["errors"]); len(errs) > 0 {
				got = text(fields(errs[0])["id"])
			}
			require.Equal(t, want[i], got, "%s: call %d", setting, i)
		}
	}
}

func TestAHyphenIsRefusedUnlessItIsLetIn(t *testing.T) {
	t.Parallel()
	for keep, want := range map[bool]int{false: 400, true: 201} {
		s := concurtest.NewServer(t, &concurtest.Options{KeepHyphens: keep})
		co := s.AddCompany("Acme", nil)
		l := co.AddList("Accounts")
		a := send(t, s, co, http.MethodPost, "/list/v4/lists/"+l.ID()+"/bulk", `{"requests":[{"shortCode":"1-2","value":"x"}]}`)
		require.Equal(t, want, a.status)
	}
}

func TestVendorsFailOneByOneUnder200(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	record := func(code, more string) string {
		return `{"VendorCode":"` + code + `","AddressCode":"A1","VendorName":"V","CurrencyCode":"USD"` + more + `}`
	}
	a := send(t, s, co, http.MethodPost, "/api/v3.1/invoice/vendors", `{"Vendor":[`+strings.Join([]string{
		record("OK", `,"CountryCode":"US","State":"WA","PaymentTerms":"30"`),
		record("NOSTATE", `,"CountryCode":"US"`),
		record("TERMS", `,"CountryCode":"DE","PaymentTerms":"1000"`),
		record("NOCOUNTRY", ``),
		record("ok", `,"CountryCode":"DE"`),
	}, ",")+`]}`)
	require.Equal(t, 200, a.status)
	o := a.object(t)
	require.Contains(t, o["RequestRunSummary"], "Failed Vendors - 4")
	var kinds []string
	for _, v := range rows(o["Vendor"]) {
		kinds = append(kinds, text(fields(rows(fields(v)["StatusList"])[0])["Type"]))
	}
	require.Equal(t, []string{"SUCCESS", "ERROR", "ERROR", "ERROR", "ERROR"}, kinds)
	require.Len(t, co.Vendors(), 1)
	require.Equal(t, 400, send(t, s, co, http.MethodPut, "/api/v3.1/invoice/vendors", `{}`).status)
}

func TestSubscriptionsWantTheAppsToken(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	require.Equal(t, 403, get(t, s, co, "/events/v4/subscriptions").status)
	app := appToken(t, s, co.BaseURL())
	require.Equal(t, 200, getWith(t, s, co.BaseURL()+"/events/v4/subscriptions", app).status)
	require.Equal(t, 403, getWith(t, s, co.BaseURL()+"/list/v4/lists", app).status)
	for body, want := range map[string]int{
		`{"id":"ok.1","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"https://acme.example"}}`:  200,
		`{"id":"Big","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"https://acme.example"}}`:   400,
		`{"id":"http","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"http://acme.example"}}`:   400,
		`{"id":"topic","topic":"none","filter":".*","webHookConfig":{"endpoint":"https://acme.example"}}`:        403,
		`{"id":"regexp","topic":"public.test","filter":"(","webHookConfig":{"endpoint":"https://acme.example"}}`: 400,
	} {
		require.Equal(t, want, sendWith(t, s, app, http.MethodPut, co.BaseURL()+"/events/v4/subscriptions/webhook", body).status, body)
	}
	require.Len(t, s.Subscriptions(), 1)
}

func TestACompanyThatAnAppIsMadeForIsSubscribedAtOnce(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	s.App().AllowedPrincipals = []string{co.ID}
	app := appToken(t, s, co.BaseURL())
	sendWith(t, s, app, http.MethodPut, co.BaseURL()+"/events/v4/subscriptions/webhook",
		`{"id":"s","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"https://acme.example"}}`)
	subs := getWith(t, s, co.BaseURL()+"/events/v4/subscriptions", app).array(t)
	require.Equal(t, []any{co.ID}, subs[0]["companyIds"])
}

// The answers of writes have the names of the vendor's specification as well.
func TestAnswersOfWritesHaveTheNamesOfTheSpecification(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CONCUR_OPENAPI")
	if dir == "" {
		t.Skip("CONCUR_OPENAPI is not set: no answer was compared with the vendor's specification")
	}
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	l := co.AddList("Accounts", concurtest.Item{Code: "1"})
	bulk := "/list/v4/lists/" + l.ID() + "/bulk"
	app := appToken(t, s, co.BaseURL())
	const subscription = `{"id":"s","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"https://acme.example"}}`
	const vendor = `{"VendorCode":"V","AddressCode":"A","VendorName":"V","CountryCode":"DE","CurrencyCode":"EUR"}`
	for _, tt := range []struct {
		where, file, schema string
		a                   answer
	}{
		{"newlist", "v4-0_List.swagger2.json", "ListResponse", send(t, s, co, http.MethodPost, "/list/v4/lists", `{"value":"New"}`)},
		{"newitem", "v4-0_ListItem.swagger2.json", "ListItem", send(t, s, co, http.MethodPost, "/list/v4/items", `{"listId":"`+l.ID()+`","shortCode":"2","value":"Two"}`)},
		{"create", "v4-0_ListItemBulk.swagger2.json", "BulkListItemResponse", send(t, s, co, http.MethodPost, bulk, `{"requests":[{"shortCode":"1","value":"x"},{"shortCode":"9","value":"x"}]}`)},
		{"change", "v4-0_ListItemBulk.swagger2.json", "BulkListItemResponse", send(t, s, co, http.MethodPatch, bulk, `{"requests":[{"code":"none","value":"x"}]}`)},
		{"refused", "v4-0_ListItemBulk.swagger2.json", "ErrorMessage", send(t, s, co, http.MethodPost, bulk, `{"requests":[]}`)},
		{"newvendor", "v3-1_Vendors.swagger2.json", "VendorCollection", send(t, s, co, http.MethodPost, "/api/v3.1/invoice/vendors", `{"Vendor":[`+vendor+`]}`)},
		{"vendors", "v3-1_Vendors.swagger2.json", "VendorCollection", get(t, s, co, "/api/v3.1/invoice/vendors")},
		{"subscribed", "v4-0_EventSubscriptionService.swagger.json", "SubscriptionSaveSuccess", sendWith(t, s, app, http.MethodPut, co.BaseURL()+"/events/v4/subscriptions/webhook", subscription)},
		{"subscription", "v4-0_EventSubscriptionService.swagger.json", "PublicWebhookSubscription", getWith(t, s, co.BaseURL()+"/events/v4/subscriptions/s", app)},
	} {
		b, err := os.ReadFile(filepath.Join(dir, tt.file))
		require.NoError(t, err)
		var spec specification
		require.NoError(t, json.Unmarshal(b, &spec), tt.file)
		d := spec.named(tt.schema)
		require.NotEmpty(t, d.Properties, "%s has no schema %s", tt.file, tt.schema)
		var v any
		require.NoError(t, json.Unmarshal([]byte(tt.a.body), &v), tt.where)
		require.NotEmpty(t, v, tt.where)
		spec.compare(tt.where, d, v, func(difference string) {
			switch {
			case strings.Contains(difference, ".CurrenyCode"): // the specification's own misspelling of CurrencyCode
			case difference == "missing newlist.category.value": // required, and not defined
			default:
				t.Error(difference)
			}
		})
	}
}
