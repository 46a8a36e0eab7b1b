package concurtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

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

func reportPath(co *concurtest.Company, r concurtest.Report, user string) string {
	_ = co
	return "/expensereports/v4/users/" + user + "/context/TRAVELER/reports/" + r.ID
}
