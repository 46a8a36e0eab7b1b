package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// completed is what bash offers behind words.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	r := perform(t, demoHooks{}, "completion", "bash")
	require.Zero(t, r.code, r.stderr)
	quoted := make([]string, 0, len(words)+1)
	for _, w := range append([]string{"ml-connector"}, words...) {
		quoted = append(quoted, "'"+w+"'")
	}
	// What is passed is this test's own.
	c := exec.CommandContext(t.Context(), bash, "--norc", "-c", r.stdout+"\nCOMP_WORDS=("+strings.Join(quoted, " ")+"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _ml_connector; printf '%s\\n' \"${COMPREPLY[@]}\"")
	out, err := c.Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

func TestBashCompletesCommandsAndFlags(t *testing.T) {
	require.Contains(t, completed(t, ""), "reconcile")
	require.Equal(t, []string{"run"}, completed(t, "sync", "r"))
	require.Equal(t, []string{"--html"}, completed(t, "reconcile", "--ht"))
	require.Contains(t, completed(t, "audit", "show", "A1B2C3", "--"), "--bodies")
}

func TestEveryShellHasEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := perform(t, demoHooks{}, "completion", shell)
		require.Zero(t, r.code, r.stderr)
		for _, command := range []string{"replay", "reconcile", "vendors", "audit", "sync", "serve", "transfers"} {
			require.Contains(t, r.stdout, command, shell)
		}
	}
}
