package concurtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestFirstTokenBearsStringLifetimeAndTheCompanysGeolocation(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	a := token(t, s, s.URL, bootstrap(s, co))
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "3600", a.object(t)["expires_in"])
	require.Equal(t, co.BaseURL(), a.object(t)["geolocation"])
	require.NotEmpty(t, a.header.Get("concur-correlationid"))
	r := co.AddApprovedReport(lunch("12.50"))
	u := getWith(t, s, co.BaseURL()+"/profile/identity/v4.1/Users", co.AccessToken())
	t.Log(u.body)
	id := u.object(t)["Resources"].([]any)[1].(map[string]any)["id"].(string)
	for _, p := range []string{"", "/expenses", "/expenses/" + r.Expenses[0].ID, "/expenses/" + r.Expenses[0].ID + "/allocations"} {
		b := getWith(t, s, co.BaseURL()+reportPath(co, r, id)+p, a.object(t)["access_token"].(string))
		t.Log(b.body)
		require.Equal(t, 200, b.status)
	}
	b := get(t, s, co, "/api/v3.0/expense/reports?user=ALL")
	t.Log(b.body)
}
