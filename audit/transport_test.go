package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
)

// vendor answers instead of a network.
type vendor struct {
	answer func(req *http.Request) (*http.Response, error)
	calls  int
}

func (v *vendor) RoundTrip(req *http.Request) (*http.Response, error) {
	v.calls++
	return v.answer(req)
}

func answering(status int, body string) *vendor {
	return &vendor{answer: func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		return response(status, strings.NewReader(body)), nil
	}}
}

func response(status int, body io.Reader) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Concur-Correlationid": {"answer-id"}, "Set-Cookie": {"secret-cookie"}},
		Body: io.NopCloser(body), ContentLength: -1,
	}
}

func scoped(t *testing.T) context.Context {
	t.Helper()
	return audit.NewContext(t.Context(), audit.Scope{Tenant: "acme", Subject: "report A1", Actor: "engine", Attempt: 3})
}

func request(ctx context.Context, t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	require.NoError(t, err)
	return req
}

// failed sends a request that must not be answered and returns its error.
func failed(t *testing.T, rt http.RoundTripper, req *http.Request) error {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	require.Nil(t, resp)
	require.Error(t, err)
	return err
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func detail(t *testing.T, r audit.Record) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(r.Detail, &m))
	return m
}

func TestEachCallIsRecordedBeforeAndAfter(t *testing.T) {
	l := memlog.New()
	v := &vendor{}
	v.answer = func(req *http.Request) (*http.Response, error) {
		require.Len(t, read(t, l), 1, "the first record is durable before anything is sent")
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.Equal(t, `{"amount":1}`, string(body))
		return response(201, strings.NewReader(`{"id":7}`)), nil
	}
	rt := audit.Transport(v, audit.NewTrail(l, nil))
	req := request(scoped(t), t, "POST", "https://user:secret-password@erp.example.com:8443/api/v2/Invoices%2F1?api-key=secret-key", `{"amount":1}`)
	req.Header.Set("Authorization", "Bearer secret-token")
	req.Header.Set("Concur-Correlationid", "request-id")
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, `{"id":7}`, string(body))

	rs := read(t, l)
	require.Len(t, rs, 2)
	for _, r := range rs {
		require.Equal(t, "report A1", r.Subject)
		require.Equal(t, "engine", r.Actor)
		require.NotContains(t, string(r.Detail), "secret")
		require.NotContains(t, string(r.Detail), "amount")
	}
	require.Equal(t, rs[0].ID, rs[1].ID)
	require.Equal(t, audit.ActionCall, rs[0].Action)
	require.Equal(t, map[string]any{
		"method": "POST", "host": "erp.example.com:8443", "path": "/api/v2/Invoices%2F1", "correlation": "request-id",
		"attempt": 3.0, "size": 12.0, "sha256": sum(`{"amount":1}`),
	}, detail(t, rs[0]))
	require.Equal(t, audit.ActionAnswer, rs[1].Action)
	require.Equal(t, audit.OutcomeAnswered, rs[1].Outcome)
	after := detail(t, rs[1])
	delete(after, "ms")
	require.Equal(t, map[string]any{"status": 201.0, "correlation": "answer-id", "attempt": 3.0, "size": 8.0, "sha256": sum(`{"id":7}`)}, after)
	verified(t, l, 2)
}

func TestTwoCallsBearDifferentIDs(t *testing.T) {
	l := memlog.New()
	rt := audit.Transport(answering(200, ""), audit.NewTrail(l, nil))
	for range 2 {
		resp, err := rt.RoundTrip(request(scoped(t), t, "GET", "https://erp.example.com/", ""))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	rs := read(t, l)
	require.Len(t, rs, 4)
	require.NotEqual(t, rs[0].ID, rs[2].ID)
}

func TestNothingIsSentWithoutAScope(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "no tenant": audit.NewContext(t.Context(), audit.Scope{Subject: "report A1"}),
	} {
		l := memlog.New()
		v := answering(200, "")
		err := failed(t, audit.Transport(v, audit.NewTrail(l, nil)), request(ctx, t, "GET", "https://erp.example.com/a?secret=1", ""))
		require.ErrorIs(t, err, audit.ErrUnavailable, name)
		require.ErrorContains(t, err, "audit.NewContext", name)
		require.ErrorContains(t, err, "GET erp.example.com/a", name)
		require.NotContains(t, err.Error(), "secret", name)
		require.Zero(t, v.calls, name)
		require.Empty(t, read(t, l), name)
	}
}

func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	h := &hooked{Log: memlog.New(), before: func([]audit.Record) error { return errors.New("disk full") }}
	v := answering(200, "")
	body := &closing{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(scoped(t), "POST", "https://erp.example.com/", body)
	require.NoError(t, err)
	err = failed(t, audit.Transport(v, audit.NewTrail(h, nil)), req)
	require.ErrorIs(t, err, audit.ErrUnavailable)
	require.Zero(t, v.calls)
	require.True(t, body.closed, "a RoundTripper closes the body whatever happens")
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestAnswerThatCannotBeRecordedIsWithheld(t *testing.T) {
	h := &hooked{Log: memlog.New()}
	h.before = func(rs []audit.Record) error {
		if rs[0].Action == audit.ActionAnswer {
			return errors.New("disk full")
		}
		return nil
	}
	v := answering(201, "posted")
	err := failed(t, audit.Transport(v, audit.NewTrail(h, nil)), request(scoped(t), t, "POST", "https://erp.example.com/", "x"))
	require.ErrorIs(t, err, audit.ErrUnavailable)
	require.ErrorContains(t, err, "outcome is unknown")
	require.Equal(t, 1, v.calls)
}

func TestFailedCallIsRecordedByItsClass(t *testing.T) {
	for class, cause := range map[string]error{
		"connection refused":     &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"connection closed":      &url.Error{Op: "Post", URL: "https://x/?secret", Err: io.ErrUnexpectedEOF},
		"host name not resolved": &net.DNSError{Err: "no such host", Name: "secret.example.com"},
		"deadline exceeded":      context.DeadlineExceeded,
		"cancelled":              context.Canceled,
		"timeout":                &net.OpError{Op: "read", Err: timeout{}},
		"tls":                    errors.New("tls: failed to verify certificate of secret"),
		"other":                  errors.New("secret"),
	} {
		l := memlog.New()
		v := &vendor{answer: func(*http.Request) (*http.Response, error) { return nil, cause }}
		err := failed(t, audit.Transport(v, audit.NewTrail(l, nil)), request(scoped(t), t, "POST", "https://erp.example.com/", "x"))
		require.ErrorIs(t, err, cause)
		require.NotErrorIs(t, err, audit.ErrUnavailable)
		r := read(t, l)[1]
		require.Equal(t, audit.OutcomeFailed, r.Outcome)
		require.Equal(t, class, r.Reason)
		require.NotContains(t, string(r.Detail), "secret")
	}
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestCallIsRecordedAfterItsContextEnded(t *testing.T) {
	l := memlog.New()
	ctx, cancel := context.WithCancel(scoped(t))
	v := &vendor{answer: func(*http.Request) (*http.Response, error) { cancel(); return nil, ctx.Err() }}
	err := failed(t, audit.Transport(v, audit.NewTrail(l, nil)), request(ctx, t, "POST", "https://erp.example.com/", "x"))
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, read(t, l), 2)
}

func TestAnswerThatBreaksOffKeepsItsStatus(t *testing.T) {
	l := memlog.New()
	v := &vendor{answer: func(*http.Request) (*http.Response, error) {
		return response(200, io.MultiReader(strings.NewReader("half"), failing{})), nil
	}}
	resp, err := audit.Transport(v, audit.NewTrail(l, nil)).RoundTrip(request(scoped(t), t, "GET", "https://erp.example.com/", ""))
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "half", string(got))
	r := read(t, l)[1]
	require.Equal(t, audit.OutcomeFailed, r.Outcome)
	require.Equal(t, "connection closed", r.Reason)
	require.EqualValues(t, 200, detail(t, r)["status"])
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLargeAnswerStreams(t *testing.T) {
	const limit = 8 << 20
	whole := bytes.Repeat([]byte("0123456789abcdef"), (limit+limit/2)/16)
	l := memlog.New()
	v := &vendor{answer: func(*http.Request) (*http.Response, error) { return response(200, bytes.NewReader(whole)), nil }}
	resp, err := audit.Transport(v, audit.NewTrail(l, nil)).RoundTrip(request(scoped(t), t, "GET", "https://erp.example.com/", ""))
	require.NoError(t, err)
	d := detail(t, read(t, l)[1])
	require.Equal(t, true, d["truncated"])
	require.EqualValues(t, limit, d["size"])
	require.Equal(t, sum(string(whole[:limit])), d["sha256"])
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.True(t, bytes.Equal(whole, got))
}

func TestFormIsRecordedWithoutItsHash(t *testing.T) {
	l := memlog.New()
	req := request(scoped(t), t, "POST", "https://us.api.concursolutions.com/oauth2/v0/token", "grant_type=password&password=1234")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	resp, err := audit.Transport(answering(200, "{}"), audit.NewTrail(l, nil)).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	d := detail(t, read(t, l)[0])
	require.NotContains(t, d, "sha256")
	require.EqualValues(t, 33, d["size"])
}

func TestRequestThatCannotBeRepeatedStaysSo(t *testing.T) {
	var sent *http.Request
	v := &vendor{answer: func(req *http.Request) (*http.Response, error) { sent = req; return response(200, http.NoBody), nil }}
	rt := audit.Transport(v, audit.NewTrail(memlog.New(), nil))
	req := request(scoped(t), t, "POST", "https://erp.example.com/", "x")
	req.GetBody = nil
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Nil(t, sent.GetBody)
	require.NotSame(t, req, sent, "a RoundTripper leaves the request alone")

	resp, err = rt.RoundTrip(request(scoped(t), t, "PUT", "https://erp.example.com/", "x"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	again, err := sent.GetBody()
	require.NoError(t, err)
	body, err := io.ReadAll(again)
	require.NoError(t, err)
	require.Equal(t, "x", string(body))
}

func TestDurationOfACallIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memlog.New()
		v := &vendor{answer: func(*http.Request) (*http.Response, error) {
			wait := time.NewTimer(1500 * time.Millisecond)
			<-wait.C
			return response(200, http.NoBody), nil
		}}
		resp, err := audit.Transport(v, audit.NewTrail(l, nil)).RoundTrip(request(scoped(t), t, "GET", "https://erp.example.com/", ""))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.EqualValues(t, 1500, detail(t, read(t, l)[1])["ms"])
	})
}

func TestScopeTravelsInTheContext(t *testing.T) {
	_, ok := audit.FromContext(t.Context())
	require.False(t, ok)
	want := audit.Scope{Tenant: "acme", Subject: "report A1", Actor: "jane", Attempt: 2}
	got, ok := audit.FromContext(audit.NewContext(t.Context(), want))
	require.True(t, ok)
	require.Equal(t, want, got)
}
