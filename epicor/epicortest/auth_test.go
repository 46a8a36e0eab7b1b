package epicortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func TestRefusalsOfCredentialsAreToldApartByTheirTextAlone(t *testing.T) {
	k := newKit(t, &epicortest.Options{
		Users: []epicortest.User{
			{Name: "ok", Password: "pw"},
			{Name: "denied", Password: "pw", Denied: []epicortest.Right{{Service: "Erp.BO.VendorSvc", Method: "Vendors"}}},
		},
		Keys: []epicortest.APIKey{
			{Key: "all"},
			{Key: "elsewhere", Companies: []string{"EPIC07"}},
			{Key: "narrow", Scope: []epicortest.Right{{Company: co, Service: "Erp.BO.GLAccountSvc"}}},
		},
	})
	for _, c := range []struct {
		name, user, password, key, message string
		status                             int
	}{
		{"wrong password", "ok", "no", "all", "Invalid username or password.", 401},
		{"unknown user", "who", "pw", "all", "Invalid username or password.", 401},
		{"unknown key", "ok", "pw", "guess", "Invalid API Key guess.\r\nCompany EPIC06.", 401},
		{"no key", "ok", "pw", "", "Invalid API Key .\r\nCompany EPIC06.", 401},
		{"key of another company", "ok", "pw", "elsewhere", "Invalid API Key elsewhere.\r\nCompany EPIC06.", 401},
		{"denied method", "denied", "pw", "all", "Access denied (Erp.BO.Vendor.Vendors).", 401},
		{"outside the key's scope", "ok", "pw", "narrow", "The access scope of the API key does not allow Erp.BO.Vendor.Vendors.", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := *k
			one.t, one.user, one.password, one.key = t, c.user, c.password, c.key
			e := one.get(c.status, "Erp.BO.VendorSvc/Vendors")
			require.Equal(t, c.message, e["ErrorMessage"])
			require.Equal(t, "System.UnauthorizedAccessException", e["ErrorType"])
			require.NotContains(t, e, "ErrorDetails")
			require.NotEmpty(t, e["CorrelationId"])
		})
	}
	k.user, k.password, k.key = "ok", "pw", "narrow"
	k.get(200, "Erp.BO.GLAccountSvc/GLAccounts")
}

// takeToken logs in at the Token Resource.
func takeToken(t *testing.T, k *kit, req *http.Request) string {
	t.Helper()
	res, err := k.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, 200, res.StatusCode)
	var a struct {
		AccessToken string
		ExpiresIn   int
		TokenType   string
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&a))
	require.Equal(t, 600, a.ExpiresIn)
	require.Equal(t, "Bearer", a.TokenType)
	return a.AccessToken
}

func headerLogin(t *testing.T, k *kit) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.srv.TokenURL(), http.NoBody)
	require.NoError(t, err)
	req.Header.Set("username", k.user)
	req.Header.Set("password", k.password)
	req.Header.Set("Accept", "application/json")
	return req
}

func TestBearerHoldsUntilItRunsOut(t *testing.T) {
	clock := now()
	k := newKit(t, &epicortest.Options{TokenLife: 10 * time.Minute, Now: func() time.Time { return clock }})
	k.bearer = takeToken(t, k, headerLogin(t, k))
	k.get(200, "Erp.BO.VendorSvc/Vendors")
	clock = clock.Add(10 * time.Minute)
	e := k.get(401, "Erp.BO.VendorSvc/Vendors")
	require.Equal(t, "The security token has expired.", e["ErrorMessage"])
	k.bearer = takeToken(t, k, headerLogin(t, k))
	k.get(200, "Erp.BO.VendorSvc/Vendors")
}

func TestFormLoginAtTheOtherAddressGivesABearer(t *testing.T) {
	k := newKit(t, &epicortest.Options{TokenLife: 10 * time.Minute})
	form := strings.NewReader("grant_type=password&username=" + k.user + "&password=" + k.password)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.srv.URL+"/api/v2/TokenResource.svc/token", form)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	k.bearer = takeToken(t, k, req)
	k.get(200, "Erp.BO.VendorSvc/Vendors")
}

func TestTokenResourceAnswersXMLUnlessJSONIsAccepted(t *testing.T) {
	k := newKit(t, nil)
	req := headerLogin(t, k)
	req.Header.Del("Accept")
	res, err := k.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, res.Header.Get("Content-Type"), "xml")
	require.Contains(t, string(b), "<AccessToken>")
}

func TestEndedSessionAnswers410AndExpiredTokens401(t *testing.T) {
	k := newKit(t, &epicortest.Options{TokenLife: 10 * time.Minute})
	k.bearer = takeToken(t, k, headerLogin(t, k))
	k.srv.EndSessions()
	require.Equal(t, "Ice.Common.InvalidSessionException", k.get(410, "Erp.BO.VendorSvc/Vendors")["ErrorType"])
	k.bearer = takeToken(t, k, headerLogin(t, k))
	k.srv.ExpireTokens()
	k.get(401, "Erp.BO.VendorSvc/Vendors")
}

func TestReasonPhraseComesInBothSpellings(t *testing.T) {
	k := newKit(t, nil)
	seen := map[any]bool{}
	for range 4 {
		seen[k.get(404, "Erp.BO.VendorSvc/Nothing")["ReasonPhrase"]] = true
	}
	require.Equal(t, map[any]bool{"REST API Exception": true, "REST Api Exception": true}, seen)
}

func TestTransportWorksInsideABubbleOfVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := epicortest.New(nil)
		srv.Inject(epicortest.Fault{Path: "/Vendors", Delay: time.Hour})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.Root(co)+"Erp.BO.VendorSvc/Vendors", http.NoBody)
		require.NoError(t, err)
		req.SetBasicAuth(epicortest.DefaultUser, epicortest.DefaultPassword)
		req.Header.Set("x-api-key", epicortest.DefaultAPIKey)
		start := time.Now()
		res, err := srv.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

func TestFaultsAnswerHTMLAndEmptyBodies(t *testing.T) {
	k := newKit(t, nil)
	k.srv.Inject(epicortest.Fault{Path: "/Vendors", Status: 503, Body: "<html>busy</html>", Header: http.Header{"Retry-After": {"7"}}})
	k.srv.Inject(epicortest.Fault{Path: "/Vendors", Status: 502})
	a, err := k.do(http.MethodGet, "Erp.BO.VendorSvc/Vendors", nil)
	require.NoError(t, err)
	require.Equal(t, 503, a.status)
	require.Equal(t, "7", a.header.Get("Retry-After"))
	require.Equal(t, "<html>busy</html>", string(a.body))
	a, err = k.do(http.MethodGet, "Erp.BO.VendorSvc/Vendors", nil)
	require.NoError(t, err)
	require.Equal(t, 502, a.status)
	require.Empty(t, a.body)
	require.Len(t, k.srv.Calls(), 2)
}
