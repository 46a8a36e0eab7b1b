package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
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

func TestWithoutACommandAndWithHelpTheHelpIsPrinted(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"help", "transfers", "list"}} {
		r := perform(t, demoHooks{}, args...)
		require.Zero(t, r.code, args)
		require.Contains(t, r.stdout, "Usage: ml-connector", args)
	}
}

func TestTheFilesToBeginFromAreSound(t *testing.T) {
	_, err := rules.Load("mapping.yaml", []byte(perform(t, demoHooks{}, "example", "mapping").stdout))
	require.NoError(t, err)
	require.Equal(t, exampleConfig, perform(t, demoHooks{}, "example", "config").stdout)
}

func TestAStateThatDoesNotExistIsRefusedWithThoseThatDo(t *testing.T) {
	r := perform(t, demoHooks{}, "transfers", "list", "--state", "foo")
	require.Equal(t, exitMend, r.code)
	for _, state := range []string{"foo", "parked", "delivering", "posted", "skipped"} {
		require.Contains(t, r.stderr, state)
	}
}

func TestALimitBelowOneIsRefused(t *testing.T) {
	for _, args := range [][]string{{"transfers", "list", "--limit", "0"}, {"transfers", "list", "--limit=-1"}, {"audit", "show", "--limit=-1"}} {
		r := perform(t, demoHooks{}, args...)
		require.Equal(t, exitMend, r.code, args)
		require.Contains(t, r.stderr, "at least 1", args)
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
