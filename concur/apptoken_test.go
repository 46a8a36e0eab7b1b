package concur_test

import (
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

func TestSubscriptionsAreKeptWhereTheCallerSaysWhateverTheTokenSays(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, us2+"/oauth2/v0/token",
		httpmock.NewStringResponder(http.StatusOK, `{"access_token":"app","expires_in":3600,"geolocation":"https://eu2.api.concursolutions.com"}`))
	seen := answer(mock, http.MethodGet, us2+"/events/v4/topics", http.StatusOK, `["public.test"]`)
	tokens, err := concur.NewAppTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, us2, &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	topics, err := concur.NewAppClient(tokens, nil).Topics.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"public.test"}, topics)
	require.Equal(t, "Bearer app", (*seen)[0].Header.Get("Authorization"))
}

// What a service answers to a write never panics, and an outcome has one error
// for each part.
func FuzzAnswersOfWrites(f *testing.F) {
	f.Add(206, `{"status":"PARTIAL_SUCCESS","recordsSucceeded":1,"recordsFailed":1,"errors":[{"id":"item.deleted","message":"x","listItem":{"shortCode":"A"}}]}`)
	f.Add(200, `{"Vendor":[{"VendorCode":"A","AddressCode":"MAIN","StatusList":[{"Type":"SUCCESS"}]}],"RequestRunSummary":"Number of Failed Vendors - 0"}`)
	f.Add(200, `{"Vendor":{"StatusList":{}},"Items":null}`)
	f.Add(400, `{"status":"FAILURE","errors":[{}]}`)
	f.Add(200, `null`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 599 {
			t.Skip("no status")
		}
		c, mock := wired(t)
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			return httpmock.NewStringResponse(status, body), nil
		})
		each, err := c.ListItems.BulkCreate(t.Context(), listID, parts("A", "B"))
		require.True(t, err != nil || len(each) == 2)
		each, err = c.Vendors.Create(t.Context(), []concur.VendorInput{vendor("A"), vendor("B")})
		require.True(t, err != nil || len(each) == 2)
		_ = c.Vendors.Delete(t.Context(), "A", "MAIN")
	})
}
