package concur_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// tokenEndpoint answers token calls at one host.
func tokenEndpoint(t *testing.T, answers map[string]string) *concur.TokenSource {
	t.Helper()
	mock := httpmock.NewMockTransport()
	for base, body := range answers {
		status := http.StatusOK
		if strings.Contains(body, `"error"`) {
			status = http.StatusBadRequest
		}
		mock.RegisterResponder(http.MethodPost, base+"/oauth2/v0/token", httpmock.NewStringResponder(status, body))
	}
	s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, concur.NewMemoryTokenStore(),
		&concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	return s
}

func TestLifetimesAreReadAsTextAndAsNumber(t *testing.T) {
	t.Parallel()
	for name, expires := range map[string]string{"text": `"3600"`, "number": `3600`, "fraction": `3600.0`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tokenEndpoint(t, map[string]string{concur.BootstrapURL: `{"access_token":"a","refresh_token":"r","expires_in":` + expires +
				`,"refresh_expires_in":1517039403,"geolocation":"https://us.api.Concursolutions.com/oauth2/v0/token","scope":"EXPRPT user.read"}`})
			tok, err := s.Connect(t.Context(), "company", "request")
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(time.Hour), tok.Expiry, 20*time.Minute) // it took as long as it took
			require.Equal(t, time.Unix(1517039403, 0).UTC(), tok.RefreshExpiry)
			require.Equal(t, "https://us.api.concursolutions.com", tok.Geolocation)
			require.True(t, tok.HasScope("EXPRPT"))
		})
	}
}

func elsewhere(base string) string {
	return `{"error":"invalid_request","error_description":"user lives elsewhere","code":16,"geolocation":"` + base + `"}`
}

func TestCodeSixteenIsFollowedTwice(t *testing.T) {
	t.Parallel()
	s := tokenEndpoint(t, map[string]string{
		concur.BootstrapURL:                   elsewhere("https://us.api.concursolutions.com"),
		"https://us.api.concursolutions.com":  elsewhere("https://eu2.api.concursolutions.com"),
		"https://eu2.api.concursolutions.com": `{"access_token":"a","refresh_token":"r","expires_in":"3600","geolocation":"https://apj1.api.concursolutions.com"}`,
	})
	tok, err := s.Connect(t.Context(), "company", "request")
	require.NoError(t, err)
	require.Equal(t, "https://apj1.api.concursolutions.com", tok.Geolocation, "the success decides, not the redirect")
}

func TestCodeSixteenIsNotFollowedForEver(t *testing.T) {
	t.Parallel()
	calls := 0
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		calls++
		return httpmock.NewStringResponse(http.StatusBadRequest, elsewhere("https://"+r.URL.Host)), nil
	})
	s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	_, err = s.Connect(t.Context(), "company", "request")
	var refused *concur.TokenError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, concur.TokenElsewhere, refused.Class())
	require.Equal(t, 3, calls, "the first call and two more")
}

func TestTokenIsNeverSentToAForeignHost(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		"https://evil.example", "http://us2.api.concursolutions.com", "https://us2.api.concursolutions.com@evil.example",
		"https://us2.api.concursolutions.com.evil.example", "https://evil.example/.api.concursolutions.com",
		"https://us2.api.concursolutions.com:8443", "https://a.b.api.concursolutions.com", "https://api.concursolutions.com",
		"https://us2.api.concursolutions.com.", `https://evil.example\.api.concursolutions.com`, "https://evil.example#.api.concursolutions.com",
		"https://evil.example?.api.concursolutions.com", "https://0x7f.1", "https://[::1]", "//us2.api.concursolutions.com", "us2.api.concursolutions.com",
		"https://us2%2eapi.concursolutions.com", "https://ｕs2.api.concursolutions.com", "javascript:alert(1)", "https://", "",
	} {
		t.Run(hostile, func(t *testing.T) {
			t.Parallel()
			s := tokenEndpoint(t, map[string]string{concur.BootstrapURL: elsewhere(strings.ReplaceAll(hostile, `\`, `\\`))})
			_, err := s.Connect(t.Context(), "company", "request")
			require.Error(t, err)
			require.NotContains(t, err.Error(), "no responder found", "the host was called")
		})
	}
}

func TestRefreshAnsweredWithAForeignHostKeepsTheRotatedRefreshToken(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, "https://us2.api.concursolutions.com/oauth2/v0/token",
		httpmock.NewStringResponder(http.StatusOK, `{"access_token":"a2","refresh_token":"r2","expires_in":"3600","geolocation":"https://evil.example"}`))
	store := concur.NewMemoryTokenStore()
	_, err := store.Save(t.Context(), concur.Token{RefreshToken: "r1", Geolocation: "https://us2.api.concursolutions.com"}, "")
	require.NoError(t, err)
	s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	_, err = s.Token(t.Context())
	require.ErrorContains(t, err, "none of SAP Concur's")
	stored, _, err := store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "r2", string(stored.RefreshToken))
	require.Equal(t, "https://us2.api.concursolutions.com", stored.Geolocation)
}

func TestEveryDocumentedTokenCodeHasAClassAndARemedy(t *testing.T) {
	t.Parallel()
	classes := map[concur.TokenClass][]concur.TokenCode{
		concur.TokenReconnect: {5, 19, 53, 100, 101, 102, 103, 105, 108, 136},
		concur.TokenAccount:   {10, 11, 12, 13, 14, 20, 21, 123, 139},
		concur.TokenElsewhere: {16},
		concur.TokenApp:       {54, 59, 60, 61, 64, 104, 107, 115},
		concur.TokenWait:      {82, 134},
		concur.TokenRequest:   {51, 52, 55, 56, 57, 58, 62, 63, 65, 80, 81, 83, 84, 85, 106, 109, 117, 118, 119, 120, 121, 122, 124, 135},
	}
	for class, codes := range classes {
		for _, code := range codes {
			t.Run(fmt.Sprint(int(code)), func(t *testing.T) {
				t.Parallel()
				s := tokenEndpoint(t, map[string]string{concur.BootstrapURL: fmt.Sprintf(`{"code":%d,"error":"invalid_grant","error_description":"no"}`, code)})
				_, err := s.Connect(t.Context(), "company", "request")
				var refused *concur.TokenError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, class, refused.Class())
				require.Contains(t, err.Error(), refused.Remedy())
				require.Equal(t, class == concur.TokenWait, refused.Retryable())
				unauthorized := class == concur.TokenReconnect || class == concur.TokenAccount || class == concur.TokenApp
				require.Equal(t, unauthorized, errors.Is(err, concur.ErrUnauthorized))
			})
		}
	}
}

func TestTokenRefusalWithoutAKnownCodeIsClassedByItsStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		class  concur.TokenClass
	}{
		{400, `{"error":"invalid_grant"}`, concur.TokenReconnect},
		{401, ``, concur.TokenWait},
		{401, `{"error":"unknown_word"}`, concur.TokenReconnect},
		{403, `{"code":9999}`, concur.TokenAccount},
		{408, `<html>slow</html>`, concur.TokenWait},
		{425, ``, concur.TokenWait},
		{400, `{"error":"invalid_client","code":9999}`, concur.TokenApp},
		{403, `<html>no</html>`, concur.TokenWait},
		{501, `{}`, concur.TokenWait},
		{400, `not json`, concur.TokenRequest},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			mock.RegisterResponder(http.MethodPost, concur.BootstrapURL+"/oauth2/v0/token", httpmock.NewStringResponder(c.status, c.body))
			s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
			require.NoError(t, err)
			_, err = s.Connect(t.Context(), "company", "request")
			var refused *concur.TokenError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.class, refused.Class())
		})
	}
}

func TestMaintenanceAsksToWait(t *testing.T) {
	t.Parallel()
	s := tokenEndpoint(t, map[string]string{concur.BootstrapURL: `{"code":134,"error":"invalid_request"}`})
	_, err := s.Connect(t.Context(), "company", "request")
	var wait interface{ RetryAfter() time.Duration }
	require.ErrorAs(t, err, &wait)
	require.Equal(t, time.Minute, wait.RetryAfter())
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	tok := concur.Token{AccessToken: "hush", RefreshToken: "hush", Company: "c"}
	app := concur.App{ClientID: "id", ClientSecret: "hush"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", app.ClientSecret)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", tok, "app", app)
	text := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %s", tok, tok, tok, tok, app, app, app, app) + log.String()
	require.NotContains(t, text, "hush")
}

func TestSecretsDoNotEncodeAsJSON(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(concur.App{ClientID: "id", ClientSecret: "hush"})
	require.Error(t, err)
}

func TestStoredTokenComesBackWhole(t *testing.T) {
	t.Parallel()
	tok := concur.Token{
		AccessToken: "a", RefreshToken: "r", Expiry: time.Unix(1_800_000_000, 0).UTC(), RefreshExpiry: time.Unix(1_900_000_000, 0).UTC(),
		Geolocation: "https://us2.api.concursolutions.com", Scopes: []string{"EXPRPT"}, Company: "c",
	}
	b, err := tok.MarshalBinary()
	require.NoError(t, err)
	var back concur.Token
	require.NoError(t, back.UnmarshalBinary(b))
	require.Equal(t, tok, back)
}

func TestAppWithoutSecretIsRefusedAtConstruction(t *testing.T) {
	t.Parallel()
	_, err := concur.NewTokenSource(concur.App{ClientID: "id"}, concur.NewMemoryTokenStore(), nil)
	require.ErrorContains(t, err, "client secret")
}

func TestOAuth2AdapterGivesTheAccessToken(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	tok, err := o.tokens.OAuth2(t.Context()).Token()
	require.NoError(t, err)
	require.True(t, tok.Valid())
	require.Empty(t, tok.RefreshToken)
}
