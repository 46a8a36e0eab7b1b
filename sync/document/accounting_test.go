package document_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Each test here is a rule of docs/reference/accounting-rules.md with its worked
// figures.

func allocated(t *testing.T, total string, minor int, weights ...string) []string {
	t.Helper()
	got, err := document.Allocate(dec(total), decs(weights...), minor)
	require.NoError(t, err)
	return fixed(got, int32(minor))
}

func TestR15AnItemisedEntryIsNeverPostedBesideItsParts(t *testing.T) {
	d := report()
	d.Total = dec("325.00")
	d.Entries = []document.Entry{{ID: "room", Parent: "stay", Amount: dec("250")}, {ID: "tax", Parent: "stay", Amount: dec("50")}, {ID: "meal", Parent: "stay", Amount: dec("25")}}
	require.NoError(t, d.Check(), "250 + 50 + 25 = 325")
	d.Entries, d.Total = append(d.Entries, document.Entry{ID: "stay", Amount: dec("325")}), dec("650")
	require.ErrorContains(t, d.Check(), "itemisation_doubled")
}

func TestR18TheRestGoesToTheLargestRemainders(t *testing.T) {
	require.Equal(t, []string{"33.34", "33.33", "33.33"}, allocated(t, "100.00", 2, "1", "1", "1"))
}

func TestR19ManySmallSharesAddUpToo(t *testing.T) {
	require.Equal(t, []string{"1.67", "1.67", "1.67", "1.67", "1.66", "1.66"}, allocated(t, "10.00", 2, "1", "1", "1", "1", "1", "1"))
	require.Equal(t, []string{"0.02", "0.02", "0.01"}, allocated(t, "0.05", 2, "1", "1", "1"))
}

func TestR20ARefundMirrorsItsPurchase(t *testing.T) {
	require.Equal(t, []string{"-33.34", "-33.33", "-33.33"}, allocated(t, "-100.00", 2, "1", "1", "1"))
}

func TestR21TheMinorUnitIsTheCurrencys(t *testing.T) {
	yen, _ := document.MinorUnits("JPY")
	dinar, _ := document.MinorUnits("KWD")
	require.Equal(t, []string{"334", "333", "333"}, allocated(t, "1000", yen, "1", "1", "1"))
	require.Equal(t, []string{"0.334", "0.333", "0.333"}, allocated(t, "1.000", dinar, "1", "1", "1"))
}

func TestR23AmountsAreExactAndNoFinerThanTheMinorUnit(t *testing.T) {
	require.True(t, decimal.RequireFromString("0E-8").IsZero())
	require.True(t, dec("50.00000000").Equal(dec("50.00")))
	require.Equal(t, "0.30", dec("0.10").Add(dec("0.20")).StringFixed(2))
	d := report()
	d.Entries[0].Amount, d.Total = dec("305.205"), dec("412.405")
	require.ErrorContains(t, d.Check(), "305.205 is finer than the minor unit of USD")
	d.Entries[0].Amount, d.Total = dec("305.20000000"), dec("412.40000000")
	require.NoError(t, d.Check(), "zeros do not count")
}

func TestR24GrossLessTaxesIsNet(t *testing.T) {
	j := document.Journal{
		Payer: "COMP", Payee: "EMPL", Gross: dec("100"), NetOfTax: dec("88.50"), NetOfReclaim: dec("96.46"),
		Taxes: []document.TaxPart{{Amount: dec("4.42"), Reclaim: dec("2.21")}, {Amount: dec("7.08"), Reclaim: dec("1.33")}},
	}
	d := hotel()
	d.Entries, d.Total = []document.Entry{journaled("e1", "100", j)}, dec("100")
	require.NoError(t, d.Check(), "100 − (4.42 + 7.08) = 88.50, 100 − 3.54 = 96.46")
	d.Entries[0].Allocations[0].Journal[0].NetOfReclaim = dec("96.45")
	require.ErrorContains(t, d.Check(), "tax_mismatch")
}
