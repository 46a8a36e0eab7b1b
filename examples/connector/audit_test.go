package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAChainIsComparedWithTheHashThatWasNoted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	require.Zero(t, perform(t, demoHooks{}, "demo", "--json", "--data", dir).code)
	verify := func(args ...string) result {
		return perform(t, demoHooks{}, append([]string{"audit", "verify", "--data", dir}, args...)...)
	}
	noted := decode[[]verdict](t, verify("--json"))[0]
	seq := fmt.Sprint(noted.Last)

	require.Zero(t, verify("--at-least", seq, "--hash", noted.Hash).code)

	r := verify("--at-least", seq, "--hash", strings.Repeat("0", len(noted.Hash)))
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stdout, "made anew")

	r = verify("--at-least", fmt.Sprint(noted.Last+1), "--hash", noted.Hash)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stdout, "cut off")

	r = verify("--hash", noted.Hash)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "--at-least")
}
