package main

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/document"
)

func matches() []matchView {
	match := func(state document.MatchState, code, name string) matchView {
		return matchView{"brightwater", document.VendorMatch{Party: document.SupplierParty, Code: code, Name: name, State: state, Why: "because"}}
	}
	return []matchView{
		match(document.Matched, "V1", "Acme"), match(document.Missing, "@SUM(A1)", `=HYPERLINK("http://evil.example","x")`),
		match(document.Ambiguous, "V3", "+49 Ltd"), match(document.Inactive, "V4", "-2+3"),
	}
}

func TestASpreadsheetTakesNoNameForAFormula(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeCSV(&b, matches()))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 5)
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" {
				require.NotContains(t, "=+-@\t\r\n", cell[:1], cell)
			}
		}
	}
	require.Equal(t, `'=HYPERLINK("http://evil.example","x")`, rows[2][5], "the text itself is kept")
}

func TestAScreenShowsWhatIsAmissAndCountsTheRest(t *testing.T) {
	var b bytes.Buffer
	p := &program{stdout: &b, screen: screen.New(&b, func(string) string { return "" })}
	require.NoError(t, (&vendorsReconcileCommand{}).write(p, matches(), false))
	require.Contains(t, b.String(), "1 matched, 1 missing, 1 ambiguous, 1 inactive")
	require.NotContains(t, b.String(), "Acme")
	b.Reset()
	require.NoError(t, (&vendorsReconcileCommand{State: []string{"matched"}}).write(p, matches(), false))
	require.Contains(t, b.String(), "Acme")
}
