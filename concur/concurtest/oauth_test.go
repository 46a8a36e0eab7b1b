package concurtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestFirstTokenNamesTheCompanysDataCenterAndAStringLifetime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC)
	s := concurtest.NewServer(t, &concurtest.Options{Now: newClock(start).now})
	co := s.AddCompany("Euro", &concurtest.CompanyOptions{DataCenter: "eu2"})
	a := token(t, s, s.URL, bootstrap(s, co))
	require.Equal(t, 200, a.status, a.body)
	o := a.object(t)
	require.Equal(t, "3600", o["expires_in"])
	require.Equal(t, "Bearer", o["token_type"])
	require.Equal(t, s.DataCenters()[2].URL, o["geolocation"])
	require.NotEmpty(t, o["refresh_token"])
	seconds, err := figure(o["refresh_expires_in"]).Int64()
	require.NoError(t, err)
	require.Equal(t, start.Add(183*24*time.Hour).Unix(), seconds)
	require.Contains(t, strings.Fields(text(o["scope"])), "EXPRPT")
}

func TestExpiresInIsANumberByOption(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{NumericExpiresIn: true, AccessTokenLifetime: time.Minute})
	co, _ := acme(s)
	require.Equal(t, json.Number("60"), token(t, s, s.URL, bootstrap(s, co)).object(t)["expires_in"])
}

func TestTokenEndpointRefusesWithTheDocumentedCode(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Now())
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now})
	co, _ := acme(s)
	other := s.AddApp(concurtest.App{Name: "other"})
	disabled := s.AddApp(concurtest.App{Name: "off", Disabled: true})
	stale := co.RequestToken()
	clk.forward(24 * time.Hour)
	set := func(k, v string) func(url.Values) { return func(f url.Values) { f.Set(k, v) } }
	del := func(k string) func(url.Values) { return func(f url.Values) { f.Del(k) } }
	for _, tt := range []struct {
		name   string
		change func(url.Values)
		code   string
	}{
		{"no client", del("client_id"), "62"},
		{"no secret", del("client_secret"), "63"},
		{"unknown client", set("client_id", "nobody"), "61"},
		{"wrong secret", set("client_secret", "wrong"), "64"},
		{"disabled client", func(f url.Values) {
			f.Set("client_id", disabled.ClientID)
			f.Set("client_secret", disabled.ClientSecret)
		}, "59"},
		{"no grant type", del("grant_type"), "65"},
		{"unknown grant type", set("grant_type", "magic"), "60"},
		{"no user", del("username"), "51"},
		{"no password", del("password"), "52"},
		{"unknown company", set("username", "3b241101-e2bb-4255-8caf-4136c566a962"), "100"},
		{"wrong request token", set("password", "at-wrong"), "5"},
		{"request token after 24 hours", set("password", stale), "5"},
		{"request token of another app", set("password", co.RequestTokenFor(other)), "136"},
		{"no credtype", del("credtype"), "5"},
		{"invalid credtype", set("credtype", "magic"), "120"},
		{"more scope than granted", set("scope", "EXPRPT everything"), "54"},
		{"refresh without a token", set("grant_type", "refresh_token"), "106"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form := bootstrap(s, co)
			tt.change(form)
			a := token(t, s, s.URL, form)
			require.Equal(t, 400, a.status, a.body)
			o := a.object(t)
			require.Equal(t, json.Number(tt.code), o["code"])
			require.NotEmpty(t, o["error"])
			require.NotEmpty(t, o["error_description"])
			require.Equal(t, a.header.Get("concur-correlationid"), o["concur-correlationid"])
		})
	}
}

func TestTokenCallMustBePlainFormInTheBody(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	form := bootstrap(s, co).Encode()
	for _, tt := range []struct{ name, contentType, query, body, code string }{
		{"charset", "application/x-www-form-urlencoded; charset=utf-8", "", form, "135"},
		{"JSON", "application/json", "", "{}", "135"},
		{"query string", "application/x-www-form-urlencoded", "?" + form, "", "62"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/v0/token"+tt.query, strings.NewReader(tt.body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", tt.contentType)
			require.Equal(t, json.Number(tt.code), do(t, s.Client(), r).object(t)["code"])
		})
	}
}

func TestRequestTokenCanBeUsedAgainWithin24Hours(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	form := bootstrap(s, co)
	require.Equal(t, 200, token(t, s, s.URL, form).status)
	require.Equal(t, 200, token(t, s, s.URL, form).status)
}

func TestRefreshRotatesAndRefusesTheOldToken(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	first := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	second := text(token(t, s, co.BaseURL(), refresh(s, first)).object(t)["refresh_token"])
	require.NotEqual(t, first, second)
	require.Equal(t, json.Number("108"), token(t, s, co.BaseURL(), refresh(s, first)).object(t)["code"])
	require.Equal(t, 200, token(t, s, co.BaseURL(), refresh(s, second)).status)
}

func TestRefreshKeepsTheTokenByOption(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{KeepRefreshToken: true})
	co, _ := acme(s)
	first := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	require.Equal(t, first, token(t, s, co.BaseURL(), refresh(s, first)).object(t)["refresh_token"])
}

func TestRefreshTokenLivesSixMonthsFromTheLastRefresh(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Now())
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now})
	co, _ := acme(s)
	tok := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	clk.forward(182 * 24 * time.Hour)
	tok = text(token(t, s, co.BaseURL(), refresh(s, tok)).object(t)["refresh_token"])
	clk.forward(184 * 24 * time.Hour)
	require.Equal(t, json.Number("108"), token(t, s, co.BaseURL(), refresh(s, tok)).object(t)["code"])
}

func TestARevokedCompanyCannotRefresh(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	tok := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	co.Revoke()
	require.Equal(t, json.Number("108"), token(t, s, co.BaseURL(), refresh(s, tok)).object(t)["code"])
}

func TestCode16NamesWhereTheCompanyLives(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	tok := text(token(t, s, s.URL, bootstrap(s, co)).object(t)["refresh_token"])
	us, eu := s.DataCenters()[1].URL, s.DataCenters()[2].URL
	for name, a := range map[string]answer{
		"refresh elsewhere":     token(t, s, eu, refresh(s, tok)),
		"refresh at the glz":    token(t, s, s.URL, refresh(s, tok)),
		"first token elsewhere": token(t, s, eu, bootstrap(s, co)),
	} {
		require.Equal(t, 400, a.status, name)
		require.Equal(t, json.Number("16"), a.object(t)["code"], name)
		require.Equal(t, us, a.object(t)["geolocation"], name)
	}
	co.Move("eu2")
	require.Equal(t, eu, token(t, s, us, refresh(s, tok)).object(t)["geolocation"])
	require.Equal(t, 200, token(t, s, eu, refresh(s, tok)).status)
}

func TestAnAppsTokenHasNoRefreshTokenAndReadsNoCompanyData(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	app, us := s.App(), s.DataCenters()[1].URL
	a := token(t, s, us, url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "grant_type": {"client_credentials"},
	}).object(t)
	require.NotContains(t, a, "refresh_token")
	require.Equal(t, us, a["geolocation"])
	require.Equal(t, 403, getWith(t, s, us+"/list/v4/lists", text(a["access_token"])).status)
}

func TestRefuseTokensAnswersWithTheCodeSoOften(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	s.RefuseTokens(1, 134)
	require.Equal(t, json.Number("134"), token(t, s, s.URL, bootstrap(s, co)).object(t)["code"])
	require.Equal(t, 200, token(t, s, s.URL, bootstrap(s, co)).status)
}

func TestResourcesCheckTheToken(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Now())
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now})
	co, _ := acme(s)
	expired := co.AccessToken()
	clk.forward(time.Hour)
	us, eu := s.DataCenters()[1].URL, s.DataCenters()[2].URL
	const v4, v3 = "/list/v4/lists", "/api/v3.0/expense/reports?user=ALL"
	for _, tt := range []struct {
		name, address, token string
		status               int
	}{
		{"valid", us + v4, co.AccessToken(), 200},
		{"unknown at a v4 service", us + v4, "nonsense", 401},
		{"unknown at a v3 service", us + v3, "nonsense", 403},
		{"expired at a v4 service", us + v4, expired, 401},
		{"expired at a v3 service", us + v3, expired, 403},
		{"of another data centre", eu + v4, co.AccessToken(), 401},
		{"without the scope at a v4 service", us + v4, co.AccessToken("EXPRPT"), 403},
		{"without the scope at a v3 service", us + v3, co.AccessToken("spend.list.read"), 403},
		{"at the landing zone", s.URL + v4, co.AccessToken(), 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := getWith(t, s, tt.address, tt.token)
			require.Equal(t, tt.status, a.status, a.body)
			require.NotEmpty(t, a.header.Get("concur-correlationid"))
		})
	}
}

func TestWrongDataCenterStatusIsASetting(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{WrongDataCenterStatus: 404})
	co, _ := acme(s)
	require.Equal(t, 404, getWith(t, s, s.DataCenters()[2].URL+"/list/v4/lists", co.AccessToken()).status)
}

func TestEachServiceRefusesInItsOwnWords(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	for path, field := range map[string]string{
		"/expensereports/v4/users/x/context/TRAVELER/reports/y": "errorMessage",
		"/api/v3.0/expense/reports/x":                           "Error",
		"/list/v4/lists":                                        "error",
		"/profile/identity/v4.1/Users":                          "urn:ietf:params:scim:api:messages:concur:2.0:Error",
	} {
		a := getWith(t, s, co.BaseURL()+path, "nonsense")
		require.NotEmpty(t, a.object(t)[field], path)
	}
}

func TestV3ErrorIsXMLUnlessJSONIsAccepted(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, co.BaseURL()+"/api/v3.0/expense/reports", nil)
	require.NoError(t, err)
	a := do(t, s.Client(), r)
	require.Equal(t, 401, a.status)
	require.Contains(t, a.header.Get("Content-Type"), "xml")
	require.True(t, strings.HasPrefix(a.body, "<Error><Message>Authorization header is missing</Message><Server-Time>"), a.body)
}

func TestExpireTokensEndsTheCompanysAccessTokensOnly(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	other := s.AddCompany("Other", nil)
	mine, theirs := co.AccessToken(), other.AccessToken()
	co.ExpireTokens()
	require.Equal(t, 401, getWith(t, s, co.BaseURL()+"/list/v4/lists", mine).status)
	require.Equal(t, 200, getWith(t, s, other.BaseURL()+"/list/v4/lists", theirs).status)
}
