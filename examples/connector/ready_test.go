package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/monitor"
)

// What is stored looks well until Concur is asked: its access token may live, its
// refresh token may have half a year left.
func TestReadinessSaysThatConcurRefusesTheTokenUntilConnectedAgain(t *testing.T) {
	t.Parallel()
	// With 403, which the older services answer, a token that was just given is not asked for again.
	w := newChecked(t, true, &worldOptions{concur: concurtest.Options{InvalidTokenStatus: http.StatusUnauthorized}})
	f := configFlags{Config: w.path}
	a, _, err := f.open(t.Context(), &program{getenv: w.opts.Getenv}, false, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	token := func() monitor.Part {
		for _, p := range monitor.Ready(t.Context(), a).Parts {
			if p.Name == "brightwater token" {
				return p
			}
		}
		return monitor.Part{}
	}
	require.NoError(t, a.Engine.Sweep(t.Context(), "brightwater", app.ReportFlow))
	require.True(t, token().OK)

	w.company.Revoke()
	w.company.ExpireTokens()
	require.Error(t, a.Engine.Sweep(t.Context(), "brightwater", app.ReportFlow))
	part := token()
	require.False(t, part.OK)
	require.True(t, part.Mend)
	require.Contains(t, part.What, "code 108")
	require.Contains(t, part.What, "connect again: ml-connector connect")

	// Another process connects it.
	w.write(fakesRequestToken, w.company.RequestToken()+"\n")
	r := perform(t, demoHooks{}, "connect", "-c", w.path, "--request-token", "file:"+filepath.Join(w.dir, fakesRequestToken))
	require.Zero(t, r.code, r.stderr)
	require.True(t, token().OK)
}

// A data directory may be there before a tenant is connected: a secret was stored,
// or another tenant came first.
func TestCommandsThatNeedConcurNameTheCommandThatConnects(t *testing.T) {
	t.Parallel()
	w := newChecked(t, false, nil)
	require.NoError(t, app.Mark(w.data, app.Marker{Kind: app.Live, Sealed: true}))
	for _, args := range [][]string{{"reconcile"}, {"vendors", "reconcile"}, {"sync", "run"}, {"subscribe"}} {
		r := perform(t, demoHooks{}, append(args, "-c", w.path)...)
		require.Equal(t, exitMend, r.code, "%v: %s", args, r.stderr)
		require.Contains(t, r.stderr, concur.ErrNoToken.Error()+", with a company request token: ", args)
		require.Regexp(t, ` connect\n$`, r.stderr, args)
	}
}
