package epicor_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
)

const set = `{"APInvHed":[{"Company":"EPIC06","DocInvoiceAmt":10.00000000,"Seen_c":"<é>","Name":null,"SysRowID":"1","RowMod":""}],` +
	`"APInvDtl":[],"ExtensionTables":[],"Odd":[1,2],"Note":{"a":1}}`

func tableset(t testing.TB, s string) *epicor.Tableset {
	t.Helper()
	ts := epicor.NewTableset()
	require.NoError(t, json.Unmarshal([]byte(s), ts))
	return ts
}

func encoded(t testing.TB, ts *epicor.Tableset) string {
	t.Helper()
	b, err := ts.MarshalJSON()
	require.NoError(t, err)
	return string(b)
}

func TestATablesetGoesBackAsItCame(t *testing.T) {
	require.Zero(t, strings.Compare(set, encoded(t, tableset(t, set))), "the bytes differ") // JSONEq would not see the order
	require.Equal(t, `{}`, encoded(t, epicor.NewTableset()))
}

func TestAChangedRowHasItsOldSelfUnmarkedBeforeIt(t *testing.T) {
	ts := tableset(t, set)
	row := ts.Rows("APInvHed")[0]
	require.NoError(t, ts.Change("APInvHed", row))
	require.NoError(t, ts.Change("APInvHed", row)) // a second time changes nothing
	require.NoError(t, row.Set("Name", "new"))
	rows := ts.Rows("APInvHed")
	require.Len(t, rows, 2)
	require.Equal(t, epicor.Unchanged, rows[0].Mod())
	require.Equal(t, "null", string(rows[0].Raw("Name")))
	require.Equal(t, epicor.Changed, rows[1].Mod())
	require.Equal(t, "new", rows[1].Text("Name"))
	require.Equal(t, rows[0].Columns(), rows[1].Columns())
	require.Equal(t, []*epicor.Row{row}, ts.Current("APInvHed"))
	require.Error(t, ts.Change("APInvDtl", row))
}

func TestADeletedRowIsMarkedAndNoLongerCurrent(t *testing.T) {
	ts := tableset(t, set)
	require.NoError(t, ts.Delete("APInvHed", ts.Rows("APInvHed")[0]))
	require.Equal(t, epicor.Deleted, ts.Rows("APInvHed")[0].Mod())
	require.Empty(t, ts.Current("APInvHed"))
}

func TestColumnsAreReadAndSetByTheirType(t *testing.T) {
	row := tableset(t, set).Rows("APInvHed")[0]
	require.Equal(t, "10.00000000", row.Decimal("DocInvoiceAmt").String())
	require.Equal(t, int64(10), row.Int("DocInvoiceAmt"))
	require.Empty(t, row.Text("Name"))
	require.Empty(t, row.Text("DocInvoiceAmt"))
	require.False(t, row.Has("None"))
	for want, v := range map[string]any{
		`12.10`: dec("12.10"), `"a<b>&"`: "a<b>&", `true`: true, `null`: nil, `"2026-10-30T00:00:00"`: date(t, "2026-10-30"), `7`: 7,
	} {
		require.NoError(t, row.Set("New", v))
		require.Equal(t, want, string(row.Raw("New")))
	}
	require.NoError(t, row.Set("New", epicor.Date{}))
	require.Equal(t, `null`, string(row.Raw("New")))
	require.NoError(t, row.Set("New", date(t, "2026-10-30")))
	require.Equal(t, date(t, "2026-10-30"), row.Date("New"))
}

func TestATablesetThatCannotGoBackWholeIsRefused(t *testing.T) {
	for _, s := range []string{`[]`, `null`, `"x"`, `{"A":[{"B":1,"B":2}]}`, `{"A":[],"A":[]}`, `{"A":[{"B":1,"\u0042":2}]}`} {
		require.Error(t, json.Unmarshal([]byte(s), epicor.NewTableset()), s)
	}
}

// What a tableset does not understand goes back to the byte, and what the
// scanner takes apart is what encoding/json reads.
func FuzzTablesetIsLossless(f *testing.F) {
	for _, s := range []string{set, `{}`, ` { "a" : [ { "b\"" : "\\" , "c":[{}]} ] } `, `{"a":[{"x":1e5,"y":-0.10},{"x":[]}],"b":"]}"}`, `{"é":[{"é":"é"}]}`, `{"a":[[1]],"b":[{}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ts := epicor.NewTableset()
		if ts.UnmarshalJSON(b) != nil {
			return
		}
		out, err := ts.MarshalJSON()
		require.NoError(t, err)
		var a, z any
		in := json.NewDecoder(bytes.NewReader(b))
		in.UseNumber()
		require.NoError(t, in.Decode(&a))
		back := json.NewDecoder(bytes.NewReader(out))
		back.UseNumber()
		require.NoError(t, back.Decode(&z))
		require.Equal(t, a, z)
		again := epicor.NewTableset()
		require.NoError(t, again.UnmarshalJSON(out))
		require.Equal(t, string(out), encoded(t, again))
	})
}
