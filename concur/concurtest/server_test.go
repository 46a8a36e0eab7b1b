package concurtest_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// answer is what came back over the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// object decodes a JSON object, numbers kept as text.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(a.body))
	d.UseNumber()
	require.NoError(t, d.Decode(&m), a.body)
	return m
}

// array decodes a JSON array of objects.
func (a answer) array(t *testing.T) []map[string]any {
	t.Helper()
	var m []map[string]any
	d := json.NewDecoder(strings.NewReader(a.body))
	d.UseNumber()
	require.NoError(t, d.Decode(&m), a.body)
	return m
}

// text, fields, rows and figure read a decoded JSON value; another type reads as
// nothing, which the assertion on the value then shows.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func fields(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func rows(v any) []any {
	a, _ := v.([]any)
	return a
}

func figure(v any) json.Number {
	n, _ := v.(json.Number)
	return n
}

// do sends a request as it is.
func do(t *testing.T, c *http.Client, r *http.Request) answer {
	t.Helper()
	res, err := c.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(b)}
}

// get reads a resource of the company's data centre with a token of its own.
func get(t *testing.T, s *concurtest.Server, co *concurtest.Company, path string) answer {
	t.Helper()
	return getWith(t, s, co.BaseURL()+path, co.AccessToken())
}

func getWith(t *testing.T, s *concurtest.Server, address, token string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	return do(t, s.Client(), r)
}

// token posts a form to the token endpoint at base.
func token(t *testing.T, s *concurtest.Server, base string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth2/v0/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, s.Client(), r)
}

// bootstrap is the form of a company's first token.
func bootstrap(s *concurtest.Server, co *concurtest.Company) url.Values {
	app := s.App()
	return url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "grant_type": {"password"},
		"username": {co.ID}, "password": {co.RequestToken()}, "credtype": {"authtoken"},
	}
}

func refresh(s *concurtest.Server, refreshToken string) url.Values {
	app := s.App()
	return url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "grant_type": {"refresh_token"},
		"refresh_token": {refreshToken},
	}
}

// acme is a company with one manager, one employee and cost centres.
func acme(s *concurtest.Server) (*concurtest.Company, *concurtest.List) {
	co := s.AddCompany("Acme", nil)
	co.AddUser(concurtest.User{Login: "max@acme.example", FirstName: "Max", LastName: "Manager"})
	co.AddUser(concurtest.User{Login: "ada@acme.example", FirstName: "Ada", LastName: "Adams", Manager: "max@acme.example", EmployeeNumber: "E100"})
	return co, co.AddList("Cost Center", concurtest.Item{Code: "100", Name: "Sales"}, concurtest.Item{Code: "200", Name: "Service"})
}

func lunch(amount string) concurtest.Report {
	return concurtest.Report{
		Owner: "ada@acme.example", Name: "March",
		Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount(amount)}},
	}
}

// userID looks a login up as a client does.
func userID(t *testing.T, s *concurtest.Server, co *concurtest.Company, login string) string {
	t.Helper()
	body := `{"schemas":["urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest"],"filter":"userName eq \"` + login + `\""}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, co.BaseURL()+"/profile/identity/v4.1/Users/.search", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+co.AccessToken())
	found := rows(do(t, s.Client(), r).object(t)["Resources"])
	require.Len(t, found, 1)
	return text(fields(found[0])["id"])
}

// path is the address of a report in the traveller's context.
func path(r concurtest.Report, user string) string {
	return "/expensereports/v4/users/" + user + "/context/TRAVELER/reports/" + r.ID
}

// clock is a server's clock that a test moves.
type clock struct{ at atomic.Int64 }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.at.Store(t.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

func TestEachDataCenterListensForItself(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{DataCenters: []string{"us2", "eu2", "apj1"}})
	var names []string
	urls := map[string]bool{}
	for _, dc := range s.DataCenters() {
		names, urls[dc.URL] = append(names, dc.Name), true
	}
	require.Equal(t, []string{"glz", "us2", "eu2", "apj1"}, names)
	require.Len(t, urls, 4)
	require.Equal(t, s.URL, s.DataCenters()[0].URL)
}

// It is not parallel, so that no other test takes the port in between.
func TestStartListensOnTheGivenAddress(t *testing.T) {
	for try := 0; ; try++ {
		free := concurtest.NewServer(t, nil)
		addr := strings.TrimPrefix(free.URL, "http://")
		free.Close()
		s := concurtest.New(nil)
		defer s.Close()
		if err := s.Start(addr); err != nil && try < 10 {
			continue // another process has the port by now
		}
		require.Equal(t, "http://"+addr, s.URL)
		return
	}
}

func TestTransportKnowsTheVendorsHostsAndNoOthers(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, _ := acme(s)
	for host, want := range map[string]int{
		"us2.api.concursolutions.com":     200,
		"www-us2.api.concursolutions.com": 200,
		"US2.api.Concursolutions.com":     200,
		"eu2.api.concursolutions.com":     401,
		"glz.api.concursolutions.com":     404,
		"www.concursolutions.com":         401,
	} {
		a := getWith(t, s, "https://"+host+"/list/v4/lists", co.AccessToken())
		require.Equal(t, want, a.status, host)
	}
	for _, host := range []string{"us2.api.concursolutions.com.evil.example", "us2.api.concursolutions.com:8443", "apj1.api.concursolutions.com"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/list/v4/lists", nil)
		require.NoError(t, err)
		res, err := s.Client().Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		require.ErrorContains(t, err, "no such host", host)
	}
}

func TestAFaultBeforeTheCommitLeavesTheRefreshTokenUsable(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	old := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	s.Inject(concurtest.Fault{Path: "/oauth2/v0/token", Status: 502, Body: "<html>Bad Gateway</html>"})
	a := token(t, s, co.BaseURL(), refresh(s, old))
	require.Equal(t, 502, a.status)
	require.Equal(t, "<html>Bad Gateway</html>", a.body)
	require.NotEmpty(t, a.header.Get(concurtest.CorrelationHeader))
	require.Equal(t, 200, token(t, s, co.BaseURL(), refresh(s, old)).status)
}

func TestAFaultAfterTheCommitHasSpentTheRefreshToken(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	old := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	s.Inject(concurtest.Fault{Path: "/oauth2/v0/token", Drop: true, When: concurtest.After})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, co.BaseURL()+"/oauth2/v0/token", strings.NewReader(refresh(s, old).Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.Client().Do(r)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err)
	require.EqualValues(t, "108", figure(token(t, s, co.BaseURL(), refresh(s, old)).object(t)["code"]))
}

func TestCallsShowTheCorrelationIDOfTheAnswer(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	a := get(t, s, co, "/list/v4/lists")
	calls := s.CallsTo("/list/v4")
	require.Len(t, calls, 1)
	require.Equal(t, a.header.Get(concurtest.CorrelationHeader), calls[0].Correlation)
	require.Equal(t, []string{"Accept", "Accept-Encoding", "Authorization", "User-Agent"}, slices.Sorted(maps.Keys(calls[0].Header)))
}

func TestACorrelationIDOfTheCallerComesBack(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, co.BaseURL()+"/list/v4/lists", nil)
	require.NoError(t, err)
	r.Header.Set("Concur-Correlationid", "mine")
	require.Equal(t, "mine", do(t, s.Client(), r).header.Get("concur-correlationid"))
}

func TestIdentifiersAreTheSameInEachRun(t *testing.T) {
	t.Parallel()
	var ids [2]string
	for i := range ids {
		s := concurtest.New(nil)
		co, _ := acme(s)
		ids[i] = co.ID + co.AddReport(lunch("1")).ID
		s.Close()
	}
	require.Equal(t, ids[0], ids[1])
}
