package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/monitor"
)

// What is stored looks well until Concur is asked: its access token may live, its
// refresh token may have half a year left.
func TestReadinessSaysThatConcurRefusesTheTokenUntilConnectedAgain(t *testing.T) {
	t.Parallel()
	w := newChecked(t, true, nil)
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
