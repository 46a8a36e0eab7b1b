package concur_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

const us2 = "https://us2.api.concursolutions.com"

// wired is a client whose token is good and whose one answer a test gives.
func wired(t *testing.T) (*concur.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, us2+"/oauth2/v0/token",
		httpmock.NewStringResponder(http.StatusOK, `{"access_token":"fresh","refresh_token":"r2","expires_in":"3600","geolocation":"`+us2+`"}`))
	store := concur.NewMemoryTokenStore()
	_, err := store.Save(t.Context(), concur.Token{AccessToken: "first", RefreshToken: "r1", Geolocation: us2, Expiry: time.Now().Add(time.Hour)}, "")
	require.NoError(t, err)
	tokens, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)
	return concur.NewClient(tokens, &concur.Options{Language: "en"}), mock
}

// answer registers one answer and returns the requests that got it.
func answer(mock *httpmock.MockTransport, method, url string, status int, body string) *[]*http.Request {
	var seen []*http.Request
	mock.RegisterResponder(method, url, func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r)
		return httpmock.NewStringResponse(status, body), nil
	})
	return &seen
}

const (
	ownerID  = "32c2fcc3-b2e8-4907-9672-5b3f49b1c643"
	reportID = "764428DD6A664AF0BFCB"
	inReport = us2 + "/expensereports/v4/users/" + ownerID + "/context/TRAVELER/reports/" + reportID
)

func TestCallBearsTokenAcceptLanguageAndCorrelation(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	seen := answer(mock, http.MethodGet, inReport, 200, `{"reportId":"`+reportID+`"}`)
	_, err := c.Reports.Get(concur.WithCorrelation(t.Context(), "corr-1"), ownerID, reportID)
	require.NoError(t, err)
	h := (*seen)[0].Header
	require.Equal(t, []string{"Bearer first", "application/json", "en", "corr-1"},
		[]string{h.Get("Authorization"), h.Get("Accept"), h.Get("Accept-Language"), h.Get("concur-correlationid")})
}

func TestCorrelationThatCouldSplitAHeaderIsLeftOut(t *testing.T) {
	t.Parallel()
	require.Empty(t, concur.Correlation(concur.WithCorrelation(t.Context(), "a\r\nX: y")))
}

func TestRefusedReadIsRepeatedOnceWithARefreshedToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			var bearers []string
			mock.RegisterResponder(http.MethodGet, inReport, func(r *http.Request) (*http.Response, error) {
				bearers = append(bearers, r.Header.Get("Authorization"))
				if len(bearers) == 1 {
					return httpmock.NewStringResponse(status, ""), nil
				}
				return httpmock.NewStringResponse(200, `{"reportId":"`+reportID+`"}`), nil
			})
			_, err := c.Reports.Get(t.Context(), ownerID, reportID)
			require.NoError(t, err)
			require.Equal(t, []string{"Bearer first", "Bearer fresh"}, bearers)
		})
	}
}

func TestReadRefusedAgainSaysWhich(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{401: concur.ErrUnauthorized, 403: concur.ErrForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			seen := answer(mock, http.MethodGet, inReport, status, "")
			_, err := c.Reports.Get(t.Context(), ownerID, reportID)
			require.ErrorIs(t, err, want)
			require.Len(t, *seen, 2)
		})
	}
}

func TestReadsGoOnThroughRateLimitThenUnauthorizedThenServerError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		r := o.report("12.50")
		for _, status := range []int{429, 401, 500} {
			o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: status})
		}
		_, err := o.client.Reports.Get(t.Context(), o.owner.ID, r.ID)
		require.NoError(t, err)
	})
}

func TestLongRetryAfterIsHandedToTheCaller(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: 429, Header: http.Header{"Retry-After": {"90"}}})
	_, err := o.client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	var e *concur.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 90*time.Second, e.RetryAfter())
	require.ErrorIs(t, err, concur.ErrRateLimited)
}

func TestAnswerThatBreaksOffIsRetryableAndNamesTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		r := o.report("12.50")
		o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Truncate: true, Times: -1})
		_, err := o.client.Reports.Get(t.Context(), o.owner.ID, r.ID)
		var e *concur.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Retryable())
		require.Equal(t, "Reports.Get", e.Operation)
	})
}

func TestAnswerThatIsNotJSONIsAnErrorWithoutItsContent(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, inReport, 200, `<html>ada@acme.example</html>`)
	_, err := c.Reports.Get(t.Context(), ownerID, reportID)
	require.ErrorContains(t, err, "not the JSON")
	require.NotContains(t, err.Error(), "ada@")
}

func TestIDsCannotReachAnotherResource(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "..", "../../users", "a/b", "a?b=c", "a#b", "%2e%2e", strings.Repeat("a", 400)} {
		t.Run(fmt.Sprintf("%.20s", id), func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			var paths []string
			mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				paths = append(paths, r.URL.EscapedPath())
				return httpmock.NewStringResponse(404, ""), nil
			})
			_, err := c.Reports.Get(t.Context(), ownerID, id)
			require.Error(t, err)
			for _, p := range paths {
				require.Equal(t, 8, strings.Count(p, "/"), p)
				require.NotContains(t, p, "/..")
			}
		})
	}
}

func TestDollarSignInAnIDIsEscaped(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	var path string
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		path = r.URL.EscapedPath()
		return httpmock.NewStringResponse(200, `{}`), nil
	})
	_, err := c.ReportsV3.Get(t.Context(), "gWm$p", "ada@acme.example")
	require.NoError(t, err)
	require.Equal(t, "/api/v3.0/expense/reports/gWm%24p", path)
}

func TestCancelledCallReturnsTheContextsError(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := o.client.Reports.Get(ctx, o.owner.ID, reportID)
	require.ErrorIs(t, err, context.Canceled)
}

func TestErrorBodiesAreReadInEveryShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, code, message string
		details             int
	}{
		"v3 object":       {`{"Error":{"Message":"Report not found","Server-Time":"2026-10-30T08:00:00","Id":"abc"}}`, "abc", "Report not found", 0},
		"v3 message":      {`{"Message":"Invalid token"}`, "", "Invalid token", 0},
		"v3 XML":          {`<Error><Message>No such report</Message><Server-Time/><Id>x1</Id></Error>`, "x1", "No such report", 0},
		"v4 expense":      {`{"timestamp":"2026-10-30T08:00:00Z","httpStatus":"400 Bad Request","errorMessage":"Report is wrong","errorId":"report.wrong","validationErrors":[{"source":"name","id":"x","message":"too long"}],"path":"/r"}`, "report.wrong", "Report is wrong", 1},
		"list v4":         {`{"httpStatus":"400 - Bad Request","error":{"id":"list.is.managed","message":"List is managed"},"validationErrors":[{"source":"a","message":"b"}]}`, "list.is.managed", "List is managed", 1},
		"accounting":      {`{"errorCode":"E1","errorMessage":"bad","validationErrors":[{"errorCode":"E2","errorMessage":"c"}]}`, "E1", "bad", 1},
		"SCIM":            {`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter","detail":"Filter is wrong","urn:ietf:params:scim:api:messages:concur:2.0:Error":{"messages":[{"code":"V1","message":"m","schemaPath":"userName","type":"error"}]}}`, "invalidFilter", "Filter is wrong", 1},
		"spend documents": {`{"timestamp":"t","status":400,"message":"no document"}`, "", "no document", 0},
		"payment":         {`{"errors":[{"errorCode":"P1","errorMessage":"no payment"}]}`, "", "", 1},
		"FIS":             {`{"message":"refused","fiReturnCode":"116","postingResultBlob":"…"}`, "116", "refused", 0},
		"OAuth2":          {`{"code":61,"error":"invalid_client","error_description":"no client"}`, "61", "no client", 0},
		"HTML":            {`<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>x</body></html>`, "", "502 Bad Gateway", 0},
		"empty":           {``, "", "", 0},
		"text":            {"upstream\nfailed", "", "upstream failed", 0},
		"array":           {`[1,2]`, "", "[1,2]", 0},
		"broken JSON":     {`{"Message":`, "", `{"Message":`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := wired(t)
			answer(mock, http.MethodGet, inReport, 400, c.body)
			_, err := client.Reports.Get(t.Context(), ownerID, reportID)
			var e *concur.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, []any{c.code, c.message, c.details}, []any{e.Code, e.Message, len(e.Details)})
			require.ErrorIs(t, err, concur.ErrInvalid)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestStatusDecidesWhatAnErrorIs(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		400: concur.ErrInvalid, 404: concur.ErrNotFound, 409: concur.ErrConflict, 412: concur.ErrConflict, 422: concur.ErrInvalid,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			answer(mock, http.MethodGet, inReport, status, "")
			_, err := c.Reports.Get(t.Context(), ownerID, reportID)
			for _, s := range []error{
				concur.ErrNotFound, concur.ErrUnauthorized, concur.ErrForbidden, concur.ErrConflict, concur.ErrRateLimited, concur.ErrInvalid,
			} {
				require.Equal(t, errors.Is(s, want), errors.Is(err, s), s)
			}
		})
	}
}

func TestLegacyOverloadInA400IsRetryable(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, inReport, 400, `{"Message":"Too many requests, resend shortly"}`)
	_, err := c.Reports.Get(t.Context(), ownerID, reportID)
	var e *concur.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Retryable())
}

func TestErrorTextHoldsNoAddressAndNoToken(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, inReport, 404, `{"Message":"user ada@acme.example with Bearer eyJhbGciOi.eyJzdWIi.c2ln has no report"}`)
	_, err := c.Reports.Get(t.Context(), ownerID, reportID)
	require.ErrorContains(t, err, "has no report")
	require.NotContains(t, err.Error(), "ada")
	require.NotContains(t, err.Error(), "eyJ")
}

func TestTimesAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-10-30T10:00:00Z":         at,
		"2026-10-30T10:00:00.500Z":     at.Add(500 * time.Millisecond),
		"2026-10-30T12:00:00+02:00":    at,
		"2026-10-30T10:00:00.000+0000": at,
		"2026-10-30T12:00:00+0200":     at,
		"2026-10-30T10:00:00":          at,
		"2026-10-30T10:00:00.57":       at.Add(570 * time.Millisecond),
		"2026-10-30 10:00:00.0":        at,
		"2026-10-30 10:00:00":          at,
		"2026-10-30":                   at.Truncate(24 * time.Hour),
		"10/30/2026":                   at.Truncate(24 * time.Hour),
		" 2026-10-30T10:00:00Z ":       at,
		"":                             {},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := concur.ParseTime(text)
			require.NoError(t, err)
			require.Equal(t, want, got.Time())
		})
	}
}

func TestTextThatIsNoTimeIsKeptAndSaysSo(t *testing.T) {
	t.Parallel()
	var v concur.Time
	require.NoError(t, v.UnmarshalJSON([]byte(`"2020-13-16T18:08:51.309Z"`)))
	require.False(t, v.Valid())
	b, err := v.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `"2020-13-16T18:08:51.309Z"`, string(b))
}

func TestACallBeyondTheLimitWaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, concurtest.New(&concurtest.Options{CallsPerMinute: 3}))
		defer o.Close()
		<-time.After(time.Until(time.Now().Truncate(time.Minute).Add(58 * time.Second))) // two seconds to the next minute
		began := time.Now()
		for range 4 {
			_, err := o.client.Users.Get(t.Context(), o.owner.ID)
			require.NoError(t, err)
		}
		require.Equal(t, 2*time.Second, time.Since(began).Round(time.Second))
		<-time.After(time.Until(time.Now().Truncate(time.Minute).Add(60 * time.Second)))
		for range 3 {
			_, err := o.client.Users.Get(t.Context(), o.owner.ID)
			require.NoError(t, err)
		}
		_, err := o.client.Users.Get(t.Context(), o.owner.ID)
		var e *concur.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, concur.ErrRateLimited)
		require.Equal(t, time.Minute, e.RetryAfter(), "longer than a call waits by itself")
	})
}
