package concurtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestV3DatesHaveNoZoneAndNoTrailingZeros(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		nanos int
		want  string
	}{
		{0, "2026-10-30T10:00:00"},
		{500_000_000, "2026-10-30T10:00:00.5"},
		{570_000_000, "2026-10-30T10:00:00.57"},
		{123_456_789, "2026-10-30T10:00:00.123"},
	} {
		s := concurtest.NewServer(t, &concurtest.Options{Now: newClock(time.Date(2026, 10, 30, 10, 0, 0, tt.nanos, time.UTC)).now})
		co, _ := acme(s)
		co.AddReport(lunch("12.50"))
		r := fields(rows(get(t, s, co, "/api/v3.0/expense/reports?user=ALL").object(t)["Items"])[0])
		require.Equal(t, tt.want, r["LastModifiedDate"])
		require.Nil(t, r["SubmitDate"])
	}
}

func TestV3AmountsAreNumbersWithTheirOwnDigits(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, centres := acme(s)
	co.AddReport(trip(centres))
	r := fields(rows(get(t, s, co, "/api/v3.0/expense/reports?user=ALL").object(t)["Items"])[0])
	require.Equal(t, json.Number("483.37"), r["Total"])
	require.Equal(t, json.Number("15"), r["PersonalAmount"])
	require.Equal(t, json.Number("418.37"), r["TotalApprovedAmount"])
	require.Nil(t, r["Custom1"])
	require.Equal(t, map[string]any{"Type": "Text", "Value": "Berlin", "Code": nil, "ListItemID": nil}, r["Custom2"])
	require.Equal(t, "100", fields(r["OrgUnit1"])["Code"])
}

func TestV3SearchWithoutUserFindsNothingForACompany(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	co.AddReport(lunch("1"))
	require.JSONEq(t, `{"Items":[],"NextPage":null}`, get(t, s, co, "/api/v3.0/expense/reports").body)
}

func TestV3SearchFilters(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC))
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now})
	co, _ := acme(s)
	for _, name := range []string{"draft", "submitted", "approved", "paid"} {
		r := lunch("1")
		r.Name = name
		id := co.AddReport(r).ID
		if name != "draft" {
			co.Submit(id)
		}
		if name == "approved" || name == "paid" {
			co.Approve(id)
		}
		if name == "paid" {
			co.Pay(id)
		}
		clk.forward(time.Hour)
	}
	for _, tt := range []struct{ query, want string }{
		{"user=ALL", "draft submitted approved paid"},
		{"user=ADA@acme.example", "draft submitted approved paid"},
		{"user=max@acme.example", ""},
		{"user=ALL&paymentStatusCode=P_PROC,P_PAID", "approved paid"},
		{"user=ALL&approvalStatusCode=A_PEND", "submitted"},
		{"user=ALL&modifiedDateAfter=2026-10-30T11:00:00.000", "approved paid"},
		{"user=ALL&modifiedDateAfter=2026-10-30T10:59:59", "submitted approved paid"},
		{"user=ALL&modifiedDateBefore=2026-10-30T11:00:00.000", "draft"},
		{"user=ALL&modifiedDateAfter=2026-10-31", ""},
		{"user=ALL&processingPaymentDateAfter=2026-10-01", "approved paid"},
		{"user=ALL&paidDateAfter=2026-10-01", "paid"},
		{"user=ALL&submitDateBefore=2026-10-30T12:00:00", "submitted"},
		{"user=ALL&approverLoginID=max@acme.example&countryCode=US", "draft submitted approved paid"},
	} {
		var got []string
		for _, r := range rows(get(t, s, co, "/api/v3.0/expense/reports?"+tt.query).object(t)["Items"]) {
			got = append(got, text(fields(r)["Name"]))
		}
		require.Equal(t, tt.want, strings.Join(got, " "), tt.query)
	}
	for _, query := range []string{
		"user=nobody@acme.example", "user=ALL&modifiedDateAfter=2026-10-30T11:00:00Z", "user=ALL&limit=0", "user=ALL&offset=zzz", "user=ALL&color=red",
	} {
		require.Equal(t, 400, get(t, s, co, "/api/v3.0/expense/reports?"+query).status, query)
	}
}

func TestV3NextPagePointsToTheLegacyHostAndKeepsTheQuery(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	for i := range 5 {
		r := lunch("1")
		r.Name = fmt.Sprint(i)
		co.AddReport(r)
	}
	var got []string
	next := "/api/v3.0/expense/reports?user=ALL&limit=2&currencyCode=USD"
	for pages := 1; ; pages++ {
		page := get(t, s, co, next).object(t)
		for _, r := range rows(page["Items"]) {
			got = append(got, text(fields(r)["Name"]))
		}
		if page["NextPage"] == nil {
			require.Equal(t, 3, pages)
			break
		}
		u, err := url.Parse(text(page["NextPage"]))
		require.NoError(t, err)
		require.Equal(t, "https://www.concursolutions.com", u.Scheme+"://"+u.Host)
		require.Equal(t, "USD", u.Query().Get("currencyCode"))
		next = u.RequestURI()
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
}

func TestV3NextPageHasTheOwnHostByOption(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{OwnNextPage: true})
	co, _ := acme(s)
	co.AddReport(lunch("1"))
	co.AddReport(lunch("2"))
	page := get(t, s, co, "/api/v3.0/expense/reports?user=ALL&limit=1").object(t)
	require.True(t, strings.HasPrefix(text(page["NextPage"]), co.BaseURL()+"/api/"), page["NextPage"])
}

func TestV3SingleReportWantsTheOwnersLogin(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	r := co.AddReport(lunch("1"))
	for query, want := range map[string]int{
		"?user=ada@acme.example": 200, "": 400, "?user=ALL": 400, "?user=max@acme.example": 404,
	} {
		require.Equal(t, want, get(t, s, co, "/api/v3.0/expense/reports/"+r.ID+query).status, query)
	}
}

func TestV3AnswersXMLUnlessJSONIsAccepted(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	co.AddReport(lunch("1"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, co.BaseURL()+"/api/v3.0/expense/reports?user=ALL", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+co.AccessToken())
	a := do(t, s.Client(), r)
	require.Equal(t, 200, a.status)
	require.True(t, strings.HasPrefix(a.body, "<Reports><Items><Name>March</Name>"), a.body)
}
