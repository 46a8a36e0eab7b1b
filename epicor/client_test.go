package epicor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"go/ast"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

func TestNewClientTakesTheRootWithOrWithoutTheCompany(t *testing.T) {
	for base, company := range map[string]string{
		"https://k.example/prod/api/v2/odata/EPIC06":  "",
		"https://k.example/prod/api/v2/odata/EPIC06/": "EPIC06",
		"https://k.example/prod/api/v2/odata":         "EPIC06",
		"https://k.example/prod/api/v2/odata/":        "EPIC06",
	} {
		mock := httpmock.NewMockTransport()
		mock.RegisterResponder(http.MethodGet, "https://k.example/prod/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors",
			httpmock.NewStringResponder(200, `{"value":[]}`))
		c, err := epicor.NewClient(base, credential(), &epicor.Options{Company: company, HTTP: &http.Client{Transport: mock}})
		require.NoError(t, err, base)
		require.Equal(t, "EPIC06", c.Company())
		_, err = c.Vendors.ListPage(t.Context(), odata.Query{}, "")
		require.NoError(t, err, base)
	}
}

func TestNewClientRefusesAnAddressThatWouldBeUnsafeOrAmbiguous(t *testing.T) {
	for name, c := range map[string]struct {
		base string
		opts epicor.Options
	}{
		"http":            {base: "http://k.example/api/v2/odata/EPIC06"},
		"another company": {base: "https://k.example/api/v2/odata/EPIC06", opts: epicor.Options{Company: "EPIC07"}},
		"no company":      {base: "https://k.example/api/v2/odata"},
		"no odata root":   {base: "https://k.example/api/v1"},
		"user info":       {base: "https://u:secret@k.example/api/v2/odata/EPIC06"},
		"query":           {base: "https://k.example/api/v2/odata/EPIC06?a=b"},
		"no host":         {base: "/api/v2/odata/EPIC06"},
		"no URL":          {base: "https://k.example:secret/%zz"},
		"odd company":     {base: "https://k.example/api/v2/odata", opts: epicor.Options{Company: "../EPIC07"}},
		"page size":       {base: "https://k.example/api/v2/odata/EPIC06", opts: epicor.Options{PageSize: -1}},
		"key column":      {base: "https://k.example/api/v2/odata/EPIC06", opts: epicor.Options{Invoices: epicor.InvoiceOptions{KeyColumn: "A or B"}}},
		"group prefix":    {base: "https://k.example/api/v2/odata/EPIC06", opts: epicor.Options{Invoices: epicor.InvoiceOptions{GroupPrefix: "LONG"}}},
		"no certificate check": {base: "https://k.example/api/v2/odata/EPIC06", opts: epicor.Options{
			HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
		}},
	} {
		_, err := epicor.NewClient(c.base, credential(), &c.opts)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret", name)
	}
	_, err := epicor.NewClient("https://k.example/api/v2/odata/EPIC06", nil, nil)
	require.Error(t, err)
}

func TestACertificateIsCheckedAgainstTheGivenAuthorities(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"value":[]}`)
	}))
	defer srv.Close()
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())

	c, err := epicor.NewClient(srv.URL+"/api/v2/odata/EPIC06", credential(), &epicor.Options{RootCAs: pool})
	require.NoError(t, err)
	_, err = c.Vendors.ListPage(t.Context(), odata.Query{}, "")
	require.NoError(t, err)

	c, err = epicor.NewClient(srv.URL+"/api/v2/odata/EPIC06", credential(), &epicor.Options{Tries: 1})
	require.NoError(t, err)
	_, err = c.Vendors.ListPage(t.Context(), odata.Query{}, "")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}

func TestEveryCallBearsKeyCredentialCompanyAndLicence(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Plant: "MfgSys", Language: "en", License: "00000003-b615-4300-957b-34956697f040"})
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	for _, call := range srv.Calls() {
		require.Equal(t, epicortest.DefaultAPIKey, call.Header.Get("x-api-key"))
		require.True(t, strings.HasPrefix(call.Header.Get("Authorization"), "Basic "))
		require.JSONEq(t, `{"Company":"EPIC06","Plant":"MfgSys","Language":"en"}`, call.Header.Get("CallSettings"))
		require.JSONEq(t, `{"ClaimedLicense":"00000003-b615-4300-957b-34956697f040"}`, call.Header.Get("License"))
		require.Equal(t, "application/json", call.Header.Get("Accept"))
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	tokens, err := epicor.TokenResource("https://k.example/TokenResource.svc/", "svc", "pass-word", nil)
	require.NoError(t, err)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{
		epicor.Basic("key-1", "svc", "pass-word"), epicor.Bearer("key-1", tokens), tokens, epicor.StaticToken("tok-en"),
		epicor.Bearer("key-1", epicor.StaticToken("tok-en")),
		epicor.Token{Value: "tok-en"},
		epicor.Secret("tok-en"),
	} {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		log.Info("x", "v", v)
	}
	c, err := epicor.NewClient("https://k.example/api/v2/odata/EPIC06", epicor.Basic("key-1", "svc", "pass-word"), nil)
	require.NoError(t, err)
	fmt.Fprintf(&out, "%v %+v %#v", c, c, c)
	for _, secret := range []string{"key-1", "pass-word", "tok-en"} {
		require.NotContains(t, out.String(), secret)
	}
}

// hold accepts one connection after another and hands them to serve.
func hold(t *testing.T, serve func(n int64, w http.ResponseWriter)) (url string, posts *atomic.Int64) {
	t.Helper()
	posts = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			serve(posts.Add(1), w)
			return
		}
		_, _ = io.WriteString(w, `{"value":[]}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, posts
}

// writes are all methods of the package that are sent once.
func writes() map[string]func(context.Context, *epicor.Client) error {
	return map[string]func(context.Context, *epicor.Client) error{
		"UpdateMaster": func(ctx context.Context, c *epicor.Client) error {
			_, _, err := c.APInvoices.UpdateMaster(ctx, epicor.NewTableset(), "G", "APInvHed")
			return err
		},
		"DeleteByID": func(ctx context.Context, c *epicor.Client) error { return c.APInvoices.DeleteByID(ctx, 1, "N") },
		"InvoiceSelectedLines": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.APInvoices.InvoiceSelectedLines(ctx, epicor.NewTableset())
			return err
		},
		"CreateCancellationInvoice": func(ctx context.Context, c *epicor.Client) error {
			return c.APInvoices.CreateCancellationInvoice(ctx, "G", "N", 1, "N-C", epicor.Date{Year: 2026, Month: 10, Day: 30}, "")
		},
		"SubmitToAgent": func(ctx context.Context, c *epicor.Client) error {
			return c.APInvoicePosting.SubmitToAgent(ctx, epicor.NewTableset(), "agent", 0, 0, "")
		},
		"RunDirect": func(ctx context.Context, c *epicor.Client) error {
			return c.APInvoicePosting.RunDirect(ctx, epicor.NewTableset())
		},
		"Update": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.APInvoices.Update(ctx, epicor.NewTableset())
			return err
		},
		"DeleteMaster": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.APInvoices.DeleteMaster(ctx, epicor.NewTableset(), "G", 1, "N")
			return err
		},
		"CreateCorrectionInvoice": func(ctx context.Context, c *epicor.Client) error {
			return c.APInvoices.CreateCorrectionInvoice(ctx, "G", "N", 1, "N-C", epicor.Date{Year: 2026, Month: 10, Day: 30}, "")
		},
		"CreateAPInvGrp": func(ctx context.Context, c *epicor.Client) error { return c.APInvoices.CreateAPInvGrp(ctx, "G", "H") },
		"group's Update": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.APInvoiceGroups.Update(ctx, epicor.NewTableset())
			return err
		},
		"group's DeleteByID": func(ctx context.Context, c *epicor.Client) error { return c.APInvoiceGroups.DeleteByID(ctx, "G") },
		"CallFunction": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.CallFunction(ctx, "Library", "Function", nil)
			return err
		},
		"Call": func(ctx context.Context, c *epicor.Client) error {
			_, err := c.Call(ctx, "Erp.BO.POSvc", "Update", nil)
			return err
		},
	}
}

func TestALostAnswerOnAWarmConnectionIsNeverSentAgain(t *testing.T) {
	faults := map[string]func(w http.ResponseWriter){
		"closed": func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"reset": func(w http.ResponseWriter) {
			h, ok := w.(http.Hijacker)
			if !ok {
				return
			}
			if conn, _, err := h.Hijack(); err == nil {
				if tcp, ok := conn.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				_ = conn.Close()
			}
		},
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"503": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"429": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"307": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"401": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"ErrorMessage":"token ran out","ErrorType":"System.UnauthorizedAccessException"}`)
		},
	}
	for method, write := range writes() {
		for fault, strike := range faults {
			t.Run(method+"/"+fault, func(t *testing.T) {
				url, posts := hold(t, func(_ int64, w http.ResponseWriter) { strike(w) })
				c, err := epicor.NewClient(url+"/api/v2/odata/EPIC06", epicor.Bearer("k", epicor.StaticToken("t")), &epicor.Options{AllowHTTP: true})
				require.NoError(t, err)
				// Warm the connection, so that net/http itself would resend.
				_, err = c.Vendors.ListPage(t.Context(), odata.Query{}, "")
				require.NoError(t, err)
				require.Error(t, write(t.Context(), c))
				require.EqualValues(t, 1, posts.Load())
			})
		}
	}
}

// A method that commits and is missing above would go untested.
func TestEveryMethodThatCommitsIsTriedOnAWarmConnection(t *testing.T) {
	files, consts := source(t)
	var tried, sent []string
	for name := range writes() {
		tried = append(tried, strings.TrimPrefix(name, "group's "))
	}
	calls(files, func(name string, args []ast.Expr) {
		if name != "Call" || len(args) != 4 {
			return
		}
		method, ok := literal(args[2], consts)
		require.True(t, ok, "a method that is no literal")
		sent = append(sent, method)
	})
	require.Greater(t, len(sent), 9)
	require.Subset(t, tried, sent)
}

func TestAComputationIsRepeatedLikeARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := pair(t, nil)
		srv.Inject(epicortest.Fault{Path: "/GetNewAPInvHedInvoice", Drop: true, Times: 2})
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
	})
}

func TestATokenThatRanOutIsRenewedOnceForAReadAndAWriteGoesOn(t *testing.T) {
	srv := epicortest.NewServer(t, options())
	seed(srv)
	tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, epicortest.DefaultPassword, &epicor.TokenResourceOptions{AllowHTTP: true})
	require.NoError(t, err)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, tokens), &epicor.Options{AllowHTTP: true})
	require.NoError(t, err)
	read := func() error { _, err := c.Vendors.Get(t.Context(), 42); return err }
	require.NoError(t, read())
	for name, end := range map[string]func(){"401": srv.ExpireTokens, "410": srv.EndSessions} {
		end()
		require.NoError(t, read(), name)
		end()
		err := c.APInvoices.DeleteByID(t.Context(), 42, "none")
		var e *epicor.Error
		require.ErrorAs(t, err, &e, name)
		require.True(t, e.Expired(), name)
		require.True(t, e.Retryable(), name)
		require.True(t, e.Refused() || name == "410", name)
		require.ErrorIs(t, c.APInvoices.DeleteByID(t.Context(), 42, "none"), epicor.ErrNotFound, name)
	}
	tokenCalls := 0
	for _, call := range srv.Calls() {
		if strings.Contains(call.Path, "TokenResource") {
			tokenCalls++
		}
	}
	require.Equal(t, 5, tokenCalls) // one, and one for each end
}

func TestManyCallersShareOneRenewal(t *testing.T) {
	srv := epicortest.NewServer(t, options())
	seed(srv)
	tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, epicortest.DefaultPassword, &epicor.TokenResourceOptions{AllowHTTP: true})
	require.NoError(t, err)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, tokens), &epicor.Options{AllowHTTP: true})
	require.NoError(t, err)
	done := make(chan error)
	for range 20 {
		go func() { _, err := c.Vendors.Get(t.Context(), 42); done <- err }()
	}
	for range 20 {
		require.NoError(t, <-done)
	}
	n := 0
	for _, call := range srv.Calls() {
		if strings.Contains(call.Path, "TokenResource") {
			n++
		}
	}
	require.Equal(t, 1, n)
}

func TestATokenIsRenewedBeforeItsLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := epicortest.New(options())
		seed(srv)
		tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, epicortest.DefaultPassword,
			&epicor.TokenResourceOptions{AllowHTTP: true, HTTP: srv.Client()})
		require.NoError(t, err)
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
		require.NotEqual(t, first, at(time.Minute))
	})
}

func TestAWrongPasswordAtTheTokenResourceIsNoPassingFault(t *testing.T) {
	srv := epicortest.NewServer(t, options())
	tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, "wrong", &epicor.TokenResourceOptions{AllowHTTP: true})
	require.NoError(t, err)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, tokens), &epicor.Options{AllowHTTP: true})
	require.NoError(t, err)
	_, err = c.Vendors.Get(t.Context(), 42)
	require.ErrorIs(t, err, epicor.ErrUnauthorized)
	var e *epicor.Error
	require.ErrorAs(t, err, &e)
	require.False(t, e.Expired())
}
