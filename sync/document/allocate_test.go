package document_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/sync/document"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func decs(ss ...string) []decimal.Decimal {
	out := make([]decimal.Decimal, len(ss))
	for i, s := range ss {
		out[i] = dec(s)
	}
	return out
}

func fixed(ds []decimal.Decimal, digits int32) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.StringFixed(digits)
	}
	return out
}

func TestAllocateGivesTheWorkedFigures(t *testing.T) {
	for name, c := range map[string]struct {
		total   string
		weights []string
		minor   int
		want    []string
	}{
		"R18 three thirds":                     {"100.00", []string{"1", "1", "1"}, 2, []string{"33.34", "33.33", "33.33"}},
		"R19 six sixths":                       {"10.00", []string{"1", "1", "1", "1", "1", "1"}, 2, []string{"1.67", "1.67", "1.67", "1.67", "1.66", "1.66"}},
		"R19 five cents over three":            {"0.05", []string{"1", "1", "1"}, 2, []string{"0.02", "0.02", "0.01"}},
		"R20 a negative total mirrors":         {"-100.00", []string{"1", "1", "1"}, 2, []string{"-33.34", "-33.33", "-33.33"}},
		"R21 yen have no decimals":             {"1000", []string{"1", "1", "1"}, 0, []string{"334", "333", "333"}},
		"R21 Kuwaiti dinars have three":        {"1.000", []string{"1", "1", "1"}, 3, []string{"0.334", "0.333", "0.333"}},
		"R35 shipping over 60 and 40":          {"7.50", []string{"60", "40"}, 2, []string{"4.50", "3.00"}},
		"the largest remainder, not the first": {"0.01", []string{"1", "3", "2"}, 2, []string{"0.00", "0.01", "0.00"}},
		"nothing to split":                     {"0", []string{"0", "0"}, 2, []string{"0.00", "0.00"}},
		"a weight of zero takes nothing":       {"1.00", []string{"0", "5"}, 2, []string{"0.00", "1.00"}},
		"R23 eight decimals on the wire":       {"50.00000000", []string{"50.00000000", "50"}, 2, []string{"25.00", "25.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := document.Allocate(dec(c.total), decs(c.weights...), c.minor)
			require.NoError(t, err)
			require.Equal(t, c.want, fixed(got, int32(c.minor)))
		})
	}
}

func TestAllocateRefusesWhatItCannotSplit(t *testing.T) {
	for name, c := range map[string]struct {
		total   string
		weights []string
		minor   int
		says    string
	}{
		"finer than the minor unit": {"1.005", []string{"1"}, 2, "1.005 is finer"},
		"a negative weight":         {"1.00", []string{"1", "-1"}, 2, "weight 2 is -1"},
		"no weight above zero":      {"1.00", []string{"0"}, 2, "nowhere to go"},
		"no weights":                {"1.00", nil, 2, "nowhere to go"},
		"an impossible minor unit":  {"1.00", []string{"1"}, -1, "-1 decimals"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := document.Allocate(dec(c.total), decs(c.weights...), c.minor)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestR22PercentagesMustAddUpToOneHundred(t *testing.T) {
	_, err := document.AllocatePercent(dec("10.00"), decs("33.33", "33.33", "33.33"), 2)
	require.ErrorContains(t, err, "add up to 99.99")

	got, err := document.AllocatePercent(dec("10.00"), decs("33.333333", "33.333333", "33.333333"), 2)
	require.NoError(t, err)
	require.Equal(t, []string{"3.34", "3.33", "3.33"}, fixed(got, 2))
}

func TestAllocationTiesForAnyTotalWeightsAndMinorUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.IntRange(0, 4).Draw(t, "minor")
		total := decimal.New(rapid.Int64().Draw(t, "units"), int32(-minor))
		weights := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) decimal.Decimal {
			return decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "weight"), rapid.Int32Range(-8, 2).Draw(t, "exponent"))
		}), 1, 40).Draw(t, "weights")
		weights[0] = weights[0].Add(decimal.New(1, -8))

		got, err := document.Allocate(total, weights, minor)
		require.NoError(t, err)

		sum, all := decimal.Zero, decimal.Zero
		for i, part := range got {
			sum, all = sum.Add(part), all.Add(weights[i])
			require.True(t, part.Equal(part.Truncate(int32(minor))), "part %s is finer than the minor unit", part)
			require.True(t, part.IsZero() || part.Sign() == total.Sign())
		}
		require.True(t, sum.Equal(total), "%s of %s", sum, total)
		for i, part := range got {
			// |part − exact| < one unit, without dividing: |part·W − total·w| < unit·W.
			off := part.Mul(all).Sub(total.Mul(weights[i])).Abs()
			require.True(t, off.LessThan(decimal.New(1, int32(-minor)).Mul(all)), "part %d is off by a unit or more", i)
		}

		mirror, err := document.Allocate(total.Neg(), weights, minor)
		require.NoError(t, err)
		for i := range got {
			require.True(t, got[i].Equal(mirror[i].Neg()), "a refund mirrors its purchase")
		}
	})
}

func TestMinorUnitsFollowISO4217(t *testing.T) {
	for code, want := range map[string]int{"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KRW": 0, "KWD": 3, "TND": 3, "CLF": 4, "HUF": 2, "ISK": 0, "ZWG": 2} {
		got, ok := document.MinorUnits(code)
		require.True(t, ok, code)
		require.Equal(t, want, got, code)
	}
	for _, code := range []string{"", "US", "usd", "XAU", "XXX", "SD ", "ED A", "DAF", "USDX"} {
		_, ok := document.MinorUnits(code)
		require.False(t, ok, code)
	}
}

func TestPercentagesMayMissHundredByAMillionthForEach(t *testing.T) {
	half := dec("50")
	for second, ok := range map[string]bool{"50.000002": true, "49.999998": true, "50.000003": false, "49.999997": false, "50.001": false} {
		_, err := document.AllocatePercent(dec("10.00"), []decimal.Decimal{half, dec(second)}, 2)
		require.Equal(t, ok, err == nil, second)
	}
}
