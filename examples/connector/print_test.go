package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

func TestAmountsForProgramsHaveTheDigitsOfTheirCurrency(t *testing.T) {
	for _, c := range []struct{ currency, in, out string }{
		{"USD", "412.4", "412.40"},
		{"EUR", "-7", "-7.00"},
		{"JPY", "1200", "1200"},
		{"KWD", "1.5", "1.500"},
		{"USD", "0.125", "0.125"},
		{"???", "1.5", "1.5"},
	} {
		var b bytes.Buffer
		total := connector.Total{Currency: c.currency, Amount: decimal.RequireFromString(c.in)}
		p := &program{stdout: &b}
		require.NoError(t, p.print([]any{total}))
		var back []struct{ Amount string }
		require.NoError(t, json.Unmarshal(b.Bytes(), &back))
		require.Equal(t, c.out, back[0].Amount)
	}
}

func TestWhatIsPrintedForProgramsIsOtherwiseAsItIs(t *testing.T) {
	var b bytes.Buffer
	v := map[string]any{
		"number": "12.5", "approved": "2026-11-24", "currency": "USD", "posted": true, "list": []any{}, "none": nil, "map": map[string]any{},
		"html": "<&>", "big": json.Number("12345678901234567890.10"), "in": []any{map[string]any{"amount": "3"}},
	}
	p := &program{stdout: &b}
	require.NoError(t, p.print(v))
	//nolint:testifylint // the layout and the order count
	require.Equal(t, `{
  "approved": "2026-11-24",
  "big": 12345678901234567890.10,
  "currency": "USD",
  "html": "<&>",
  "in": [
    {
      "amount": "3.00"
    }
  ],
  "list": [],
  "map": {},
  "none": null,
  "number": "12.5",
  "posted": true
}
`, b.String())
}

func TestNamesInJSONAreLowerCaseWithUnderscores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	outputs := []result{perform(t, demoHooks{}, "demo", "--json", "--data", dir)}
	for _, args := range [][]string{
		{"transfers", "list"},
		{"transfers", "show", "A1B2C3"},
		{"audit", "verify"},
		{"replay", "--all", "--plan"},
	} {
		outputs = append(outputs, perform(t, demoHooks{}, append(args, "--json", "--data", dir)...))
	}
	outputs = append(outputs, perform(t, demoHooks{}, "version", "--json"))
	for _, r := range outputs {
		require.Zero(t, r.code, r.stderr)
		for _, name := range regexp.MustCompile(`(?m)^ *"([^"]*)":`).FindAllStringSubmatch(r.stdout, -1) {
			require.Regexp(t, `^[a-z][a-z0-9_]*$`, name[1])
		}
	}
}
