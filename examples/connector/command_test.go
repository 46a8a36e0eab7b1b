package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpNamesEveryCommand(t *testing.T) {
	r := perform(t, demoHooks{}, "--help")
	require.Zero(t, r.code)
	for _, c := range []string{"demo", "transfers list", "transfers show", "version", "Exit codes"} {
		require.Contains(t, r.stdout, c)
	}
}

func TestAWrongCommandLineIsSomethingToMend(t *testing.T) {
	for _, args := range [][]string{{"dmeo"}, {"demo", "--dta", "x"}, {"transfers", "show"}} {
		r := perform(t, demoHooks{}, args...)
		require.Equal(t, exitMend, r.code, args)
		require.Contains(t, r.stderr, "--help")
		require.Empty(t, r.stdout)
	}
}

func TestADirectoryWithoutDataIsSomethingToMend(t *testing.T) {
	r := perform(t, demoHooks{}, "transfers", "list", "--data", filepath.Join(t.TempDir(), "nothing"))
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, "ml-connector demo")
}

func TestVersionIsPrintedForProgramsToo(t *testing.T) {
	v := decode[struct{ Version, Go string }](t, perform(t, demoHooks{}, "version", "--json"))
	require.NotEmpty(t, v.Version)
	require.Contains(t, v.Go, "go1.")
}
