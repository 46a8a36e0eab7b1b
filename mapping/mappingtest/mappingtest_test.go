package mappingtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/mappingtest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// sheet is a document, and a posting, of the tests.
type sheet struct {
	Text string `json:"text"`
}

// shout is a mapper: it makes capitals, refuses numbers and stumbles over "down".
type shout struct{}

func (shout) Map(_ context.Context, in sheet) (mapping.Result[sheet], error) {
	switch {
	case in.Text == "down":
		return mapping.Result[sheet]{}, errors.New("connection refused")
	case in.Text == "":
		return mapping.Result[sheet]{Empty: true}, nil
	case strings.ContainsAny(in.Text, "0123456789"):
		return mapping.Result[sheet]{}, mapping.Issues{{Code: "number", Value: in.Text, Owner: connector.Finance}}
	}
	return mapping.Result[sheet]{
		Posting: sheet{strings.ToUpper(in.Text)},
		Reasons: []mapping.Reason{{Field: "text", Value: strings.ToUpper(in.Text), Rule: "capitals", Input: in.Text}},
	}, nil
}

// folder is where the inner run looks, when this binary is run by a test below.
const folder = "MAPPINGTEST_FOLDER"

func TestInner(t *testing.T) {
	dir := os.Getenv(folder)
	if dir == "" {
		t.Skip("it is run by the other tests of this package")
	}
	mappingtest.Run(t, dir, shout{})
}

// run runs TestInner in a process of its own, since a failing Run would fail
// its test.
func run(t *testing.T, dir string, env ...string) (output string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInner$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, folder+"="+dir)...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func cases(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestOutcomesThatWereWrittenAreFoundAgain(t *testing.T) {
	dir := cases(t, map[string]string{
		"posted.in.json": `{"text":"hi"}`, "parked.in.json": `{"text":"h1"}`, "empty.in.json": `{"text":""}`,
	})
	out, ok := run(t, dir, "MAPPINGTEST_UPDATE=1")
	require.True(t, ok, out)
	parked, err := os.ReadFile(filepath.Join(dir, "parked.out.json"))
	require.NoError(t, err)
	require.JSONEq(t, `{"issues":[{"code":"number","value":"h1","owner":"finance"}]}`, string(parked))

	out, ok = run(t, dir)
	require.True(t, ok, out)
	require.Contains(t, out, "--- PASS: TestInner/posted")
}

func TestFailuresNameFileAndLine(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"another outcome": {
			map[string]string{"a.in.json": `{"text":"hi"}`, "a.out.json": "{\n  \"posting\": {\n    \"text\": \"HO\"\n  }\n}\n"},
			[]string{"--- FAIL: TestInner/a", "a.out.json: line 3 differs", `want "text": "HO"`, `got "text": "HI"`, "MAPPINGTEST_UPDATE=1"},
		},
		"no outcome":        {map[string]string{"a.in.json": `{"text":"hi"}`}, []string{"a.out.json", "MAPPINGTEST_UPDATE=1"}},
		"no case":           {nil, []string{"holds no case"}},
		"an unknown key":    {map[string]string{"a.in.json": `{"txt":"hi"}`}, []string{`unknown field "txt"`}},
		"a transient error": {map[string]string{"a.in.json": `{"text":"down"}`}, []string{"a transient error: connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, ok := run(t, cases(t, c.files))
			require.False(t, ok)
			for _, want := range c.want {
				require.Contains(t, out, want)
			}
		})
	}
}
