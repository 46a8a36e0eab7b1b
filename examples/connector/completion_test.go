package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// completions asks a real bash what it would offer.
func completions(t *testing.T, line ...string) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	r := perform(t, demoHooks{}, "completion", "bash")
	require.Zero(t, r.code, r.stderr)
	script := r.stdout + "\nCOMP_WORDS=(" + strings.Join(line, " ") + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_ml_connector\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
	c := exec.CommandContext(t.Context(), bash, "--norc", "-c", script)
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.Fields(string(out))
}

func TestCompletionOffersCommandsAndTheirFlags(t *testing.T) {
	require.Equal(t, []string{"serve"}, completions(t, "ml-connector", "serv"))
	require.ElementsMatch(t, []string{"list", "show"}, only(completions(t, "ml-connector", "transfers", "''")))
	require.Contains(t, completions(t, "ml-connector", "check", "-c", "x.yaml", "--w"), "--write")
	require.Contains(t, completions(t, "ml-connector", "fakes", "appr"), "approve")
}

// only leaves flags out.
func only(words []string) []string {
	var out []string
	for _, w := range words {
		if !strings.HasPrefix(w, "-") {
			out = append(out, w)
		}
	}
	return out
}

func TestCompletionIsPrintedForEachShell(t *testing.T) {
	require.Contains(t, perform(t, demoHooks{}, "completion", "zsh").stdout, "bashcompinit")
	fish := perform(t, demoHooks{}, "completion", "fish").stdout
	require.Contains(t, fish, "complete -c ml-connector -f -n '__fish_use_subcommand' -a serve -d '")
	require.Contains(t, fish, "-n '__fish_seen_subcommand_from transfers; and __fish_seen_subcommand_from show' -l json")
	require.Equal(t, exitMend, perform(t, demoHooks{}, "completion", "tcsh").code)
}
