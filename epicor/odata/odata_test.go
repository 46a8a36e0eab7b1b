package odata_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

func TestLiteralsOfEachTypeHaveTheirOwnForm(t *testing.T) {
	day := odata.Date{Year: 2026, Month: time.October, Day: 30}
	for want, f := range map[string]odata.Filter{
		"VendorID eq 'O''Neil'":               odata.Eq("VendorID", "O'Neil"),
		"Inactive ne true":                    odata.Ne("Inactive", true),
		"VendorNum gt 4711":                   odata.Gt("VendorNum", 4711),
		"SysRevID ge 9007199254740993":        odata.Ge("SysRevID", int64(9007199254740993)),
		"DocInvoiceAmt lt 12.10":              odata.Lt("DocInvoiceAmt", decimal.RequireFromString("12.10")),
		"InvoiceDate le 2026-10-30T00:00:00Z": odata.Le("InvoiceDate", day),
		"ChangedOn gt 2026-10-30T11:30:00Z": odata.Gt("ChangedOn",
			time.Date(2026, 10, 30, 13, 30, 0, 0, time.FixedZone("", 7200))),
		"SysRowID eq 6ba7b810-9dad-11d1-80b4-00c04fd430c8": odata.Eq("SysRowID", odata.GUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
		"PostDate eq null":          odata.IsNull("PostDate"),
		"startswith(Name,'A''B')":   odata.StartsWith("Name", "A'B"),
		"endswith(Name,'x')":        odata.EndsWith("Name", "x"),
		"contains(Name,'50% & co')": odata.Contains("Name", "50% & co"),
	} {
		require.NoError(t, f.Err())
		require.Equal(t, want, f.String())
	}
}

func TestConditionsCombineWithTheirOwnPrecedence(t *testing.T) {
	a, b, c := odata.Eq("A", 1), odata.Eq("B", 2), odata.Eq("C", 3)
	require.Equal(t, "(A eq 1 and (B eq 2 or C eq 3))", odata.And(a, odata.Or(b, c)).String())
	require.Equal(t, "((A eq 1 and B eq 2) or C eq 3)", odata.Or(odata.And(a, b), c).String())
	require.Equal(t, "not ((A eq 1 or B eq 2))", odata.Not(odata.Or(a, b)).String())
	require.Equal(t, "(A eq 1 or A eq 2 or A eq 3)", odata.In("A", 1, 2, 3).String())
	require.Equal(t, "A eq 1", odata.And(odata.Filter{}, a, odata.And()).String())
}

func TestInWithoutValuesMatchesNothing(t *testing.T) {
	require.Equal(t, "false", odata.In[string]("VendorID").String())
}

func TestOrOfNoConditionMatchesNothing(t *testing.T) {
	require.Equal(t, "false", odata.Or().String())
	require.Equal(t, "false", odata.Or(odata.Filter{}).String())
	require.Equal(t, "(A eq 1 and false)", odata.And(odata.Eq("A", 1), odata.Or([]odata.Filter{}...)).String())
	require.Error(t, odata.Or(odata.Eq("A B", 1)).Err())
}

func TestNamesThatAreNoIdentifiersAreRefusedAtEncode(t *testing.T) {
	for _, name := range []string{"", "A B", "A'", "1A", "A/", "/A", "A//B", "A;drop", "A eq 1 or B", "Ä", "A\n"} {
		_, err := odata.Query{Filter: odata.And(odata.Eq("OK", 1), odata.Or(odata.Eq(name, 1)))}.Encode()
		require.Error(t, err, "filter %q", name)
		_, err = odata.Query{Select: []string{name}}.Encode()
		require.Error(t, err, "select %q", name)
		_, err = odata.Query{OrderBy: []odata.Order{odata.Asc(name)}}.Encode()
		require.Error(t, err, "order %q", name)
		_, err = odata.Query{Expand: []string{name}}.Encode()
		require.Error(t, err, "expand %q", name)
		require.Error(t, odata.IsNull(name).Err())
		require.Error(t, odata.Contains(name, "x").Err())
		require.Error(t, odata.In[int](name).Err())
	}
}

func TestValuesThatAServerWouldReadAsSomethingElseAreRefused(t *testing.T) {
	require.Error(t, odata.Eq("A", "\xff").Err())
	require.Error(t, odata.Eq("A", odata.GUID("1 or 1 eq 1")).Err())
	require.Error(t, odata.Eq("A", time.Time{}).Err())
	require.Error(t, odata.Eq("A", odata.Date{}).Err())
	require.Error(t, odata.Not(odata.Filter{}).Err())
}

func TestQueryEncodesEveryOptionInOneOrder(t *testing.T) {
	s, err := odata.Query{
		Filter: odata.Eq("VendorID", "A&B+C"), Select: []string{"VendorNum", "Name"}, Expand: []string{"VendorPPs"},
		OrderBy: []odata.Order{odata.Asc("Company"), odata.Desc("VendorNum")}, Top: 5, Skip: 10, Count: true,
	}.Encode()
	require.NoError(t, err)
	require.Equal(t, "$filter=VendorID%20eq%20%27A%26B%2BC%27&$select=VendorNum%2CName&$expand=VendorPPs"+
		"&$orderby=Company%2CVendorNum%20desc&$top=5&$skip=10&$count=true", s)
}

func TestQueryRefusesNegativePaging(t *testing.T) {
	_, err := odata.Query{Top: -1}.Encode()
	require.Error(t, err)
	_, err = odata.Query{Skip: -1}.Encode()
	require.Error(t, err)
}

func TestKeyEscapesItsPartsForAPath(t *testing.T) {
	k, err := odata.Key("EPIC06", 42, "A/B 'x'?")
	require.NoError(t, err)
	require.Equal(t, "(%27EPIC06%27,42,%27A%2FB%20%27%27x%27%27%3F%27)", k)
	_, err = odata.Key()
	require.Error(t, err)
	_, err = odata.Key(struct{}{})
	require.Error(t, err)
}

// A text literal must decode to the same text, and nothing may follow it.
func FuzzTextStaysInsideItsLiteral(f *testing.F) {
	for _, s := range []string{"", "'", "''", "a' or 1 eq 1 or 'b", "%27", "%", "&$top=1", "\x00\n\r", "ü€😀", "+ "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		enc, err := odata.Query{Filter: odata.Eq("A", s), Top: 1}.Encode()
		if !utf8.ValidString(s) {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		v, err := url.ParseQuery(enc)
		require.NoError(t, err)
		require.Len(t, v, 2)
		require.Equal(t, "1", v.Get("$top"))
		lit, ok := strings.CutPrefix(v.Get("$filter"), "A eq '")
		require.True(t, ok)
		var back strings.Builder
		for {
			i := strings.IndexByte(lit, '\'')
			require.GreaterOrEqual(t, i, 0, "the literal has no end")
			back.WriteString(lit[:i])
			lit = lit[i+1:]
			if lit == "" {
				break
			}
			require.Equal(t, byte('\''), lit[0], "text after the literal's end")
			back.WriteByte('\'')
			lit = lit[1:]
		}
		require.Equal(t, s, back.String())
	})
}
