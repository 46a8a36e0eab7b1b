package audit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
)

// rot is a sealer whose ciphertext holds no plain text.
type rot struct{ err error }

func (r rot) Seal(_ context.Context, tenant, person string, plain []byte) ([]byte, error) {
	out := []byte(tenant + "|" + person + "|")
	for _, b := range plain {
		out = append(out, b^0x5a)
	}
	return out, r.err
}

func (r rot) Open(_ context.Context, tenant, person string, sealed []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(string(sealed), tenant+"|"+person+"|")
	if !ok {
		return nil, errors.New("sealed for somebody else")
	}
	out := []byte(rest)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out, nil
}

// exchanged makes one call and returns the trail and its two records.
func exchanged(t *testing.T, method, url, contentType, body, answer string) (*audit.Trail, []audit.Record) {
	t.Helper()
	log := memlog.New()
	trail := audit.NewTrail(log, &audit.TrailOptions{Sealer: rot{}})
	ctx := audit.NewContext(t.Context(), audit.Scope{Tenant: "acme", Subject: "report/A1", Person: "p1"})
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Api-Key", "header-canary")
	res, err := audit.Transport(answering(200, answer), trail).RoundTrip(req)
	require.NoError(t, err)
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, answer, string(got))
	rs, _, err := log.Read(t.Context(), audit.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Len(t, rs, 2)
	_, err = trail.Verify(t.Context(), "acme")
	require.NoError(t, err)
	return trail, rs
}

func TestTransportSealsWhatWasSaidInBothDirections(t *testing.T) {
	trail, rs := exchanged(t, "POST", "https://x.example.com/a?user=ada", "application/json", `{"Name":"Ada","amount":12.10}`, `{"ok":"Ada"}`)
	sent, err := trail.Exchange(t.Context(), rs[0])
	require.NoError(t, err)
	require.Equal(t, audit.Exchange{Person: "p1", Query: "user=ada", Body: `{"Name":"Ada","amount":12.10}`}, sent)
	answered, err := trail.Exchange(t.Context(), rs[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":"Ada"}`, answered.Body)
}

func TestWhatIsSealedStandsNowhereInTheOpen(t *testing.T) {
	_, rs := exchanged(t, "POST", "https://x.example.com/a?user=canary-1", "application/json", `{"Name":"canary-2"}`, `{"ok":"canary-3"}`)
	for _, r := range rs {
		require.NotContains(t, string(r.Detail)+r.Reason+r.Subject+string(r.Sealed), "canary")
	}
}

func TestSecretsAreNotEvenSealed(t *testing.T) {
	trail, rs := exchanged(t, "POST", "https://x.example.com/a", "application/json",
		`{"client_secret":"canary","nested":[{"x-api-key":"canary","password":"canary"}]}`,
		`{"access_token":"canary","AccessToken":"canary","refresh_token":"canary","RefreshToken":"canary","scope":"s"}`)
	for _, r := range rs {
		x, err := trail.Exchange(t.Context(), r)
		require.NoError(t, err)
		require.NotContains(t, x.Body, "canary")
		require.Contains(t, x.Body, "[removed]")
	}
}

func TestOfAFormNothingIsKept(t *testing.T) {
	trail, rs := exchanged(t, "POST", "https://x.example.com/token", "application/x-www-form-urlencoded", "password=canary", "{}")
	x, err := trail.Exchange(t.Context(), rs[0])
	require.NoError(t, err)
	require.Equal(t, audit.Exchange{Person: "p1", Left: "form"}, x)
}

func TestNothingIsSentWhenItCannotBeSealed(t *testing.T) {
	trail := audit.NewTrail(memlog.New(), &audit.TrailOptions{Sealer: rot{err: errors.New("no key")}})
	ctx := audit.NewContext(t.Context(), audit.Scope{Tenant: "acme"})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.example.com/a?b=c", nil)
	require.NoError(t, err)
	called := false
	_, err = audit.Transport(roundTrip(func(*http.Request) (*http.Response, error) {
		called = true
		return nil, errors.New("not reached")
	}), trail).RoundTrip(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, audit.ErrUnavailable)
	require.False(t, called)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
