package screen

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func TestAmountHasTheDigitsOfItsCurrencyAndCommas(t *testing.T) {
	for _, c := range []struct{ amount, currency, want string }{
		{"18310.02", "USD", "18,310.02"},
		{"0", "EUR", "0.00"},
		{"-349", "USD", "-349.00"},
		{"-1234567.5", "EUR", "-1,234,567.50"},
		{"999", "JPY", "999"},
		{"1000", "JPY", "1,000"},
		{"12.3456", "KWD", "12.3456"},
		{"50.00000000", "USD", "50.00"},
		{"0.001", "USD", "0.001"},
		{"7.5", "???", "7.50"},
	} {
		require.Equal(t, c.want, Amount(decimal.RequireFromString(c.amount), c.currency))
	}
}

func TestATableFitsTheScreenByCuttingWhatGives(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{Writer: &out, Width: 40}
	table := Table{Columns: []Column{{Title: "number"}, {Title: "name", Gives: true}, {Title: "amount", Right: true}}}
	table.Add("CX-A1B2C3-1-E", "Köln Werkzeuge und Maschinen GmbH", "1,234.00")
	table.Add("INV-1", "Ana", "5.00")
	table.Write(s)
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	require.Len(t, lines, 3)
	for _, l := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(l), 40, l)
	}
	require.Contains(t, lines[1], "CX-A1B2C3-1-E", "a number is never cut")
	require.Contains(t, lines[1], "…")
	require.True(t, strings.HasSuffix(lines[1], "1,234.00"))
	require.True(t, strings.HasSuffix(lines[2], "    5.00"), "amounts stand to the right")
}

func TestATableWithoutALimitCutsNothing(t *testing.T) {
	var out bytes.Buffer
	table := Table{Columns: []Column{{Title: "name", Gives: true}}}
	table.Add(strings.Repeat("x", 300))
	table.Write(&Screen{Writer: &out})
	require.Contains(t, out.String(), strings.Repeat("x", 300))
}

func TestWrapBreaksBetweenWords(t *testing.T) {
	require.Equal(t, []string{"one two", "three"}, Wrap("one two  three", 8))
	require.Equal(t, []string{"one two three"}, Wrap("one two three", 0))
	require.Equal(t, []string{"extraordinarily", "x"}, Wrap("extraordinarily x", 5))
}

func TestThereIsNoColourWhereNobodyLooksOn(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()); require.NoError(t, w.Close()) }()
	s := New(w, func(string) string { return "" })
	require.False(t, s.Terminal)
	require.Equal(t, "text", s.Paint(Bad, "text"))
	require.Equal(t, "\x1b[31mtext\x1b[0m", (&Screen{Colour: true}).Paint(Bad, "text"))
}

func TestProgressWithoutATerminalWritesOneLineForEachRest(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&Screen{Writer: &out}, time.Now(), false)
	p.Step("1", "report 5948ABCD", "received", false)
	p.Step("1", "report A1B2C3", "waiting", true)
	p.Step("1", "report A1B2C3", "waiting", true)
	p.Step("1", "report A1B2C3", "delivering", false)
	p.Step("1", "report A1B2C3", "posted", true)
	p.Done()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2, out.String())
	require.Contains(t, lines[0], "waiting")
	require.Contains(t, lines[1], "posted")
}

func TestProgressOnATerminalCountsADocumentOnceAndWipesItself(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&Screen{Writer: &out, Terminal: true, Width: 80}, time.Now(), false)
	p.Step("1", "report 5948ABCD", "received", false)
	p.Step("1", "report A1B2C3", "posted", true)
	p.Step("2", "report 9F22K1", "received", false)
	require.Contains(t, p.line(), "1 of 2 documents")
	p.Done()
	require.True(t, strings.HasSuffix(out.String(), "\r\x1b[2K"))
	require.NotContains(t, out.String(), "\n")
}

func TestProgressForProgramsIsSilent(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&Screen{Writer: &out, Terminal: true}, time.Now(), true)
	p.Step("1", "report A1B2C3", "posted", true)
	p.Done()
	require.Empty(t, out.String())
}
