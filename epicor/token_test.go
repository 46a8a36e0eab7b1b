package epicor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

const clientSecret = "identity-secret"

// identity is a fake whose identity provider knows the application app.
func identity(t *testing.T) *epicortest.Server {
	t.Helper()
	o := options()
	o.Clients = []epicortest.Client{{ID: "app", Secret: clientSecret, User: epicortest.DefaultUser, Scope: "kinetic.api", Audience: "kinetic"}}
	srv := epicortest.New(o)
	seed(srv)
	return srv
}

func identityTokens(t *testing.T, srv *epicortest.Server, secret string, change func(*epicor.ClientCredentialsOptions)) epicor.TokenSource {
	t.Helper()
	o := &epicor.ClientCredentialsOptions{
		Scopes: []string{"kinetic.api"}, Audience: "kinetic", HTTP: srv.Client(), AllowHTTP: true, User: epicortest.DefaultUser,
	}
	if change != nil {
		change(o)
	}
	ts, err := epicor.ClientCredentials(srv.IdentityURL(), "app", secret, o)
	require.NoError(t, err)
	return ts
}

func with(t *testing.T, srv *epicortest.Server, cred epicor.Credential) *epicor.Client {
	t.Helper()
	c, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	require.NoError(t, err)
	return c
}

// asked counts the calls whose path holds part.
func asked(srv *epicortest.Server, part string) int {
	n := 0
	for _, call := range srv.Calls() {
		if strings.Contains(call.Path, part) {
			n++
		}
	}
	return n
}

func TestClientCredentialsEnterAnInvoiceAndAreRenewedOnceWhenTheTokenIsRefused(t *testing.T) {
	for _, inHeader := range []bool{false, true} {
		srv := identity(t)
		c := with(t, srv, epicor.Bearer(epicortest.DefaultAPIKey, identityTokens(t, srv, clientSecret, func(o *epicor.ClientCredentialsOptions) { o.InHeader = inHeader })))
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		require.Equal(t, 1, asked(srv, "/identity/"))
		srv.ExpireTokens()
		_, err = c.Vendors.Get(t.Context(), 42)
		require.NoError(t, err)
		srv.EndSessions()
		_, err = c.Vendors.Get(t.Context(), 42)
		require.NoError(t, err)
		require.Equal(t, 3, asked(srv, "/identity/"))
	}
}

func TestATokenOfAnIdentityProviderIsRenewedBeforeItsLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := identity(t)
		tokens := identityTokens(t, srv, clientSecret, nil)
		first, err := tokens.Token(t.Context(), "")
		require.NoError(t, err)
		at := func(d time.Duration) epicor.Token {
			timer := time.NewTimer(d)
			<-timer.C
			tok, err := tokens.Token(t.Context(), "")
			require.NoError(t, err)
			return tok
		}
		require.Equal(t, first, at(58*time.Minute))
		require.NotEqual(t, first, at(2*time.Minute))
	})
}

func TestAWrongSecretAtTheIdentityProviderIsACredentialFaultWithoutTheSecret(t *testing.T) {
	srv := identity(t)
	c := with(t, srv, epicor.Bearer(epicortest.DefaultAPIKey, identityTokens(t, srv, "wrong-secret-of-app", nil)))
	_, err := c.Vendors.Get(t.Context(), 42)
	require.ErrorIs(t, err, epicor.ErrUnauthorized)
	require.ErrorContains(t, err, "invalid_client")
	require.NotContains(t, err.Error(), "wrong-secret-of-app")
	var e *epicor.Error
	require.ErrorAs(t, err, &e)
	require.False(t, e.Retryable())
	// A provider that is away is a passing fault.
	srv.Inject(epicortest.Fault{Path: "/identity/connect/token", Drop: true, Times: -1})
	_, err = c.Vendors.Get(t.Context(), 42)
	require.ErrorAs(t, err, &e)
	require.True(t, e.Retryable())
}

func TestNoneOfTheThreeLastingRefusalsRenewsAToken(t *testing.T) {
	for name, text := range map[string]string{
		"password": "Invalid username or password.",
		"key":      `Invalid API Key abc.\r\nCompany EPIC06.`,
		"right":    "Access denied (Erp.BO.Vendor.Vendors).",
	} {
		srv := identity(t)
		c := with(t, srv, epicor.Bearer(epicortest.DefaultAPIKey, identityTokens(t, srv, clientSecret, nil)))
		srv.Inject(epicortest.Fault{Path: "/Vendors", Status: http.StatusUnauthorized, Times: -1, Body: fmt.Sprintf(
			`{"HttpStatus":401,"ReasonPhrase":"REST API Exception","ErrorMessage":"%s","ErrorType":"System.UnauthorizedAccessException"}`, text)})
		for _, err := range c.Vendors.List(t.Context(), queryAll) {
			var e *epicor.Error
			require.ErrorAs(t, err, &e, name)
			require.False(t, e.Expired(), name)
			require.NotContains(t, err.Error(), "abc")
		}
		require.Equal(t, 1, asked(srv, "/identity/"), name)
		require.Equal(t, 1, asked(srv, "/Vendors"), name)
	}
}

func TestTheTokenResourceTakesHeadersAFormAndClientIDs(t *testing.T) {
	for name, o := range map[string]epicor.TokenResourceOptions{
		"headers": {}, "form": {Style: epicor.TokenForm}, "client in headers": {ClientID: true}, "client in a form": {ClientID: true, Style: epicor.TokenForm},
	} {
		for _, address := range []string{"/TokenResource.svc/", "/api/v2/TokenResource.svc/token"} {
			srv := identity(t)
			user, password := epicortest.DefaultUser, epicortest.DefaultPassword
			if o.ClientID {
				user, password = "app", clientSecret
			}
			o.AllowHTTP, o.HTTP = true, srv.Client()
			tokens, err := epicor.TokenResource(srv.URL+address, user, password, &o)
			require.NoError(t, err, name)
			_, err = with(t, srv, epicor.Bearer(epicortest.DefaultAPIKey, tokens)).Vendors.Get(t.Context(), 42)
			require.NoError(t, err, name)
		}
	}
	_, err := epicor.TokenResource("https://k.example/TokenResource.svc/", "u", "p", &epicor.TokenResourceOptions{Style: "carrier pigeon"})
	require.Error(t, err)
}

func TestACredentialIsOpenedForEachCallAndARotatedOneTakenAtOnce(t *testing.T) {
	srv, _ := pair(t, nil)
	password, opens := epicortest.DefaultPassword, 0
	cred := epicor.CredentialFunc(func(context.Context) (epicor.Credential, error) {
		opens++
		if password == "" {
			return nil, errors.New("the vault is locked")
		}
		return epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, password), nil
	})
	c := with(t, srv, cred)
	_, err := c.Vendors.Get(t.Context(), 42)
	require.NoError(t, err)
	srv.AddUsers(epicortest.User{Name: epicortest.DefaultUser, Password: "rotated-password"})
	_, err = c.Vendors.Get(t.Context(), 42)
	require.ErrorIs(t, err, epicor.ErrUnauthorized)
	password = "rotated-password"
	_, err = c.Vendors.Get(t.Context(), 42)
	require.NoError(t, err)
	require.Equal(t, 3, opens)
	password = ""
	srv.ResetCalls()
	_, err = c.Vendors.Get(t.Context(), 42)
	require.ErrorContains(t, err, "the vault is locked")
	require.Empty(t, srv.Calls())
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", cred, cred, cred), "password")
}

func TestAnOpenedCredentialStillKeepsOutOfForeignGroupsAndErrorTexts(t *testing.T) {
	srv, _ := pair(t, nil)
	c := with(t, srv, epicor.CredentialFunc(func(context.Context) (epicor.Credential, error) {
		return epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword), nil
	}))
	srv.AddGroups(company, epicortest.Group{ID: "CX261030U"})
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.ErrorIs(t, err, epicor.ErrGroupForeign)
	srv.Inject(epicortest.Fault{Path: "/Vendors", Status: http.StatusBadRequest, Body: `{"ErrorMessage":"seen ` + epicortest.DefaultPassword + `","ErrorType":"Ice.X"}`})
	for _, err := range c.Vendors.List(t.Context(), queryAll) {
		require.ErrorContains(t, err, "seen [redacted]")
	}
}

func TestCredentialsOfAnIdentityProviderDoNotPrint(t *testing.T) {
	srv := identity(t)
	tokens := identityTokens(t, srv, clientSecret, nil)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", tokens, tokens, tokens, tokens), clientSecret)
	_, err := epicor.ClientCredentials("http://login.example/token", "app", "s", nil)
	require.ErrorContains(t, err, "https")
	_, err = epicor.ClientCredentials("https://login.example/token", "", "s", nil)
	require.Error(t, err)
	_, err = url.Parse(srv.IdentityURL())
	require.NoError(t, err)
}
