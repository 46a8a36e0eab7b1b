package concur_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// withUser is an office that listens nowhere, with a user who has a password and
// lives in another data centre than the first.
func withUser(t *testing.T) (*office, *concur.TokenSource) {
	t.Helper()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	eu := o.AddCompany("Euro", &concurtest.CompanyOptions{DataCenter: "eu2"})
	eu.AddUser(concurtest.User{Login: "eva@euro.example", Password: "secret"})
	eu.AddUser(concurtest.User{Login: "sso@euro.example", Password: "secret", SSO: true})
	o.company = eu
	return o, o.source(t, concur.NewMemoryTokenStore())
}

func TestAUsersPasswordGivesATokenOfTheUsersDataCentre(t *testing.T) {
	t.Parallel()
	o, s := withUser(t)
	token, err := s.ConnectUser(t.Context(), "eva@euro.example", "secret")
	require.NoError(t, err)
	require.Equal(t, "https://eu2.api.concursolutions.com", token.Geolocation)
	require.Len(t, o.CallsTo("/oauth2/v0/token"), 3, "one of the office, one at the landing zone, one where it sends")
}

func TestRefusalsOfUserGrantsAreTyped(t *testing.T) {
	t.Parallel()
	o, s := withUser(t)
	ctx := t.Context()
	codes := map[concur.TokenCode]func() error{
		5:   func() error { _, err := s.ConnectUser(ctx, "eva@euro.example", "wrong"); return err },
		21:  func() error { _, err := s.ConnectUser(ctx, "sso@euro.example", "secret"); return err },
		103: func() error { _, err := s.ConnectCode(ctx, "none", "https://app.example/back"); return err },
		104: func() error {
			q := o.company.Authorize("eva@euro.example", "https://app.example/back", "x")
			_, err := s.ConnectCode(ctx, concur.Secret(q.Get("code")), "https://evil.example")
			return err
		},
		81: func() error { return s.SendOTP(ctx, concur.OTP{Email: "nobody@euro.example"}) },
		83: func() error { _, err := s.ConnectOTP(ctx, concur.OTP{Email: "eva@euro.example"}, "000000"); return err },
	}
	for code, call := range codes {
		var e *concur.TokenError
		require.ErrorAs(t, call(), &e, "code %d", code)
		require.Equal(t, code, e.Code)
	}
}

func TestAOneTimePasswordWantsTheSameParametersAgain(t *testing.T) {
	t.Parallel()
	o, s := withUser(t)
	otp := concur.OTP{Email: "eva@euro.example", Company: "Euro", Parameters: map[string]string{"tenant": "7"}}
	require.NoError(t, s.SendOTP(t.Context(), otp))
	sent := concur.Secret(o.OTP("eva@euro.example"))
	var e *concur.TokenError
	_, err := s.ConnectOTP(t.Context(), concur.OTP{Email: otp.Email, Parameters: map[string]string{"tenant": "8"}}, sent)
	require.ErrorAs(t, err, &e)
	require.Equal(t, concur.TokenCode(84), e.Code)
	_, err = s.ConnectOTP(t.Context(), otp, sent)
	require.NoError(t, err)
}

func TestConsentLeadsToTheUsersToken(t *testing.T) {
	t.Parallel()
	o, s := withUser(t)
	where, err := s.AuthorizeURL(concur.AuthorizeInput{
		DataCenter: "https://www-eu2.api.concursolutions.com", RedirectURI: "https://app.example/back", Scopes: []string{"user.read"}, State: "s1",
	})
	require.NoError(t, err)
	u, err := url.Parse(where)
	require.NoError(t, err)
	require.Equal(t, []string{"www-eu2.api.concursolutions.com", "/oauth2/v0/authorize", "code", "s1"}, []string{u.Host, u.Path, u.Query().Get("response_type"), u.Query().Get("state")})
	_, err = s.AuthorizeURL(concur.AuthorizeInput{DataCenter: "https://evil.example", RedirectURI: "x", State: "y"})
	require.ErrorIs(t, err, concur.ErrHost)

	q := o.company.Authorize("eva@euro.example", "https://app.example/back", "s1")
	_, err = concur.ParseAuthorization(q, "another", nil)
	require.ErrorContains(t, err, "state")
	code, err := concur.ParseAuthorization(q, "s1", nil)
	require.NoError(t, err)
	token, err := s.ConnectCode(t.Context(), code, "https://app.example/back")
	require.NoError(t, err)
	require.Equal(t, "https://eu2.api.concursolutions.com", token.Geolocation)
	_, err = s.ConnectCode(t.Context(), code, "https://app.example/back")
	require.Error(t, err, "a code is spent once")
}

func TestARefusedConsentIsTyped(t *testing.T) {
	t.Parallel()
	_, err := concur.ParseAuthorization(url.Values{"error_code": {"119"}, "error_description": {"consent"}}, "s", nil)
	var e *concur.TokenError
	require.ErrorAs(t, err, &e)
	require.Equal(t, concur.TokenCode(119), e.Code)
}

func TestARevokedConnectionHasToBeMadeAnew(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	before, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.tokens.Revoke(t.Context()))
	_, err = o.tokens.Token(t.Context())
	require.ErrorIs(t, err, concur.ErrNoToken)
	stolen := concur.NewMemoryTokenStore()
	before.Expiry = time.Time{}
	_, err = stolen.Save(t.Context(), before, "")
	require.NoError(t, err)
	_, err = o.source(t, stolen).Token(t.Context())
	var e *concur.TokenError
	require.ErrorAs(t, err, &e)
	require.Equal(t, concur.TokenCode(108), e.Code)
}

func TestARefreshGoesOnWithTheOtherSecretDuringRotation(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	second := o.AddSecret(o.App())
	o.RetireSecret(o.App())
	_, err := o.tokens.Refresh(t.Context())
	var e *concur.TokenError
	require.ErrorAs(t, err, &e)
	require.Equal(t, concur.TokenCode(64), e.Code)

	app := o.app()
	app.OtherSecret = concur.Secret(second)
	s, err := concur.NewTokenSource(app, o.store, &concur.TokenOptions{HTTP: o.Client()})
	require.NoError(t, err)
	o.ResetCalls()
	_, err = s.Refresh(t.Context())
	require.NoError(t, err)
	require.Len(t, o.CallsTo("/oauth2/v0/token"), 2)
	_, err = s.Refresh(t.Context())
	require.NoError(t, err)
	require.Len(t, o.CallsTo("/oauth2/v0/token"), 3, "the secret that was taken is used from then on")
}

func TestAppSecretsAreRotatedByTheApp(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	c := appClient(t, o.Server, o.App(), "https://us2.api.concursolutions.com")
	made, err := c.Secrets.Create(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, made.Secret)
	encoded, err := json.Marshal(made)
	require.NoError(t, err)
	require.NotContains(t, string(encoded)+fmt.Sprintf("%v %s", made, made.Raw), string(made.Secret))
	require.NoError(t, c.Secrets.SetActive(t.Context(), made.ID, true))
	require.ErrorIs(t, c.Secrets.Delete(t.Context(), made.ID), concur.ErrInvalid)
	app := o.app()
	app.ClientSecret = made.Secret
	s, err := concur.NewTokenSource(app, o.store, &concur.TokenOptions{HTTP: o.Client()})
	require.NoError(t, err)
	_, err = s.Refresh(t.Context())
	require.NoError(t, err)
}

func TestKeepAliveRefreshesWhatIsAboutToEndAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, concurtest.New(nil))
		defer o.Close()
		token, err := o.tokens.Token(t.Context())
		require.NoError(t, err)
		life, known := token.RefreshLife(time.Now())
		require.True(t, known)
		require.Equal(t, 183*24*time.Hour, life.Round(time.Hour))
		refreshed, err := o.tokens.KeepAlive(t.Context(), 30*24*time.Hour)
		require.NoError(t, err)
		require.False(t, refreshed)
		<-time.After(160 * 24 * time.Hour) // the bubble's clock
		refreshed, err = o.tokens.KeepAlive(t.Context(), 30*24*time.Hour)
		require.NoError(t, err)
		require.True(t, refreshed)
		token, err = o.tokens.Token(t.Context())
		require.NoError(t, err)
		life, _ = token.RefreshLife(time.Now())
		require.Equal(t, 183*24*time.Hour, life.Round(time.Hour))
	})
}

func TestMissingScopesNameWhatEachFeatureLacks(t *testing.T) {
	t.Parallel()
	granted := []string{"expense.report.readwrite", "EXPRPT"}
	require.Equal(t, []string{"FISVC", "user.read"}, concur.MissingScopes(granted, concur.FeatureReports, concur.FeatureExpenseV3, concur.FeatureFinancial))
	require.Equal(t, []string{"expense.report.read or expense.report.readwrite"}, concur.MissingScopes([]string{"user.read"}, concur.FeatureReports))
	require.Empty(t, concur.MissingScopes(granted, concur.FeatureExpenseV3))
	require.Equal(t, []string{"events.topic.read", "expense.report.read or expense.report.readwrite"}, concur.MissingScopes(nil, concur.FeatureReportEvents))
}

func TestWhatWasGrantedOpensEveryFeatureOfTheFake(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	token, err := o.tokens.Token(t.Context())
	require.NoError(t, err)
	require.Empty(t, concur.MissingScopes(token.Scopes,
		concur.FeatureReports, concur.FeatureReportsWrite, concur.FeatureWorkflow, concur.FeatureExpenseV3, concur.FeaturePaymentRequests, concur.FeatureVendors,
		concur.FeaturePurchaseOrders, concur.FeaturePaymentConfirmations, concur.FeatureFinancial, concur.FeatureLists, concur.FeatureListsWrite,
		concur.FeatureUsers, concur.FeatureSpendUsers, concur.FeatureExchangeRates, concur.FeatureImages, concur.FeatureSpendDocuments,
		concur.FeatureAccounting, concur.FeatureEvents, concur.FeatureReportEvents,
	))
}
