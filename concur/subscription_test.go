package concur_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func appClient(t *testing.T, s *concurtest.Server, app *concurtest.App, center string) *concur.AppClient {
	t.Helper()
	tokens, err := concur.NewAppTokenSource(
		concur.App{ClientID: app.ClientID, ClientSecret: concur.Secret(app.ClientSecret)}, center,
		&concur.TokenOptions{HTTP: s.Client(), AllowHosts: hostsOf(s)},
	)
	require.NoError(t, err)
	return concur.NewAppClient(tokens, nil)
}

func hostsOf(s *concurtest.Server) (hosts []string) {
	for _, c := range s.DataCenters() {
		hosts = append(hosts, c.URL)
	}
	return hosts
}

func reports(id, endpoint string) concur.SubscriptionInput {
	return concur.SubscriptionInput{ID: id, Topic: concurtest.TopicReports, Endpoint: endpoint}
}

func TestEnsureMakesASubscriptionOnceAndChangesIt(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	c := appClient(t, o.Server, o.Server.App(), o.company.BaseURL())
	ctx := t.Context()
	sub, changed, err := c.Subscriptions.Ensure(ctx, reports("acme.reports", "https://acme.example/events"))
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, ".*", sub.Filter)
	require.Empty(t, sub.CompanyIDs)
	_, changed, err = c.Subscriptions.Ensure(ctx, reports("acme.reports", "https://acme.example/events"))
	require.NoError(t, err)
	require.False(t, changed)
	sub, changed, err = c.Subscriptions.Ensure(ctx, reports("acme.reports", "https://acme.example/other"))
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, "https://acme.example/other", sub.Endpoint)
	subs, err := c.Subscriptions.List(ctx)
	require.NoError(t, err)
	require.Len(t, subs, 1)
}

func TestASubscriptionDeliversOnceACompanysTokenWasObtained(t *testing.T) {
	t.Parallel()
	o := listening(t, &concurtest.Options{ManualDelivery: true})
	var mu sync.Mutex
	var got []string
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e struct{ EventType string }
		_ = json.NewDecoder(r.Body).Decode(&e)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e.EventType)
	}))
	t.Cleanup(endpoint.Close)
	c := appClient(t, o.Server, o.Server.App(), o.company.BaseURL())
	in := reports("acme.reports", endpoint.URL)
	in.Filter = "statusChanged"
	_, _, err := c.Subscriptions.Ensure(t.Context(), in)
	require.NoError(t, err)
	r := o.report("12.50")
	require.Zero(t, o.Server.Pending(), "no company belongs to it yet")
	_, err = o.client.Tokens().Refresh(t.Context())
	require.NoError(t, err)
	sub, err := c.Subscriptions.Get(t.Context(), "acme.reports")
	require.NoError(t, err)
	require.Equal(t, []string{o.company.ID}, sub.CompanyIDs)
	o.company.Republish(r.ID)
	_, err = o.Server.Flush(t.Context())
	require.NoError(t, err)
	mu.Lock()
	require.Equal(t, []string{"statusChanged"}, got)
	mu.Unlock()
	require.NoError(t, c.Subscriptions.Delete(t.Context(), "acme.reports"))
	o.company.Republish(r.ID)
	require.Zero(t, o.Server.Pending())
	_, err = c.Subscriptions.Get(t.Context(), "acme.reports")
	require.ErrorIs(t, err, concur.ErrNotFound)
}

func TestEnsureSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	poor := o.Server.AddApp(concurtest.App{Name: "poor", Scopes: []string{"events.topic.read", "FISVC"}})
	c := appClient(t, o.Server, poor, o.company.BaseURL())
	_, _, err := c.Subscriptions.Ensure(t.Context(), reports("poor.reports", "https://acme.example/events"))
	require.ErrorIs(t, err, concur.ErrForbidden)
	require.ErrorContains(t, err, concurtest.TopicFinancial)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		_, _, err := c.Subscriptions.Ensure(t.Context(), concur.SubscriptionInput{ID: id, Topic: concurtest.TopicFinancial, Endpoint: "https://acme.example/" + id})
		require.NoError(t, err)
	}
	_, _, err = c.Subscriptions.Ensure(t.Context(), concur.SubscriptionInput{ID: "f", Topic: concurtest.TopicFinancial, Endpoint: "https://acme.example/f"})
	require.ErrorIs(t, err, concur.ErrConflict)
	require.Error(t, c.Subscriptions.Put(t.Context(), concur.SubscriptionInput{ID: "f", Topic: concurtest.TopicFinancial, Endpoint: "https://acme.example/f"}))
}

func TestSubscriptionsAreOfOneDataCentre(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	app := o.Server.App()
	here := appClient(t, o.Server, app, o.Server.DataCenters()[1].URL)
	there := appClient(t, o.Server, app, o.Server.DataCenters()[2].URL)
	require.NoError(t, here.Subscriptions.Put(t.Context(), reports("acme.us", "https://acme.example/us")))
	subs, err := there.Subscriptions.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, subs)
	require.Error(t, there.Subscriptions.Put(t.Context(), reports("acme.us", "https://acme.example/eu")), "an id is unique over all")
	require.NoError(t, there.Subscriptions.Put(t.Context(), reports("acme.eu", "https://acme.example/eu")))
}

func TestASubscriptionIsReadAsAnObjectAndAsAnArray(t *testing.T) {
	t.Parallel()
	const one = `{"id":"s","topic":"public.test","filter":".*","webHookConfig":{"endpoint":"https://e"},"applicationId":"a","scope":"","groups":[],"companyIds":["c"]}`
	s := concurtest.New(nil)
	t.Cleanup(s.Close)
	c := appClient(t, s, s.App(), "https://us2.api.concursolutions.com")
	for _, body := range []string{one, "[" + one + "]"} {
		s.Inject(concurtest.Fault{Path: "/events/v4/subscriptions/s", Status: 200, Body: body})
		sub, err := c.Subscriptions.Get(t.Context(), "s")
		require.NoError(t, err)
		require.JSONEq(t, one, string(sub.Raw))
		sub.Raw = nil
		require.Equal(t, &concur.Subscription{
			ID: "s", Topic: "public.test", Filter: ".*", Endpoint: "https://e", ApplicationID: "a", CompanyIDs: []string{"c"}, Groups: []string{},
		}, sub)
	}
}

func TestTheAppsTokenIsAskedForOnceAndAgainWhenItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := concurtest.New(nil)
		t.Cleanup(s.Close)
		tokens, err := concur.NewAppTokenSource(
			concur.App{ClientID: s.App().ClientID, ClientSecret: concur.Secret(s.App().ClientSecret)},
			"https://us2.api.concursolutions.com", &concur.TokenOptions{HTTP: s.Client()},
		)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := tokens.Token(context.Background())
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Len(t, s.CallsTo("/oauth2/"), 1)
		<-time.After(time.Hour)
		_, err = tokens.Token(t.Context())
		require.NoError(t, err)
		require.Len(t, s.CallsTo("/oauth2/"), 2)
	})
}

func TestAnAppTokenGoesToNobodyElse(t *testing.T) {
	t.Parallel()
	_, err := concur.NewAppTokenSource(concur.App{ClientID: "a", ClientSecret: "b"}, "https://evil.example", nil)
	require.Error(t, err)
}
