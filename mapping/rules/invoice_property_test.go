package rules_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/document"
)

// dealt deals whole units out by weights: first what each gets for certain, then
// one each to whoever is owed the largest rest, the earlier one first. It is built
// otherwise than the package's own: unit by unit, on plain numbers.
func dealt(units int64, weights []int64) []int64 {
	sign, whole := int64(1), int64(0)
	if units < 0 {
		sign, units = -1, -units
	}
	for _, w := range weights {
		whole += w
	}
	out, left := make([]int64, len(weights)), units
	for i, w := range weights {
		out[i] = units * w / whole
		left -= out[i]
	}
	served := make([]bool, len(weights))
	for ; left > 0; left-- {
		best := -1
		for i, w := range weights {
			if !served[i] && (best < 0 || units*w%whole > units*weights[best]%whole) {
				best = i
			}
		}
		served[best] = true
		out[best]++
	}
	for i := range out {
		out[i] *= sign
	}
	return out
}

// percentages are shares in hundredths of a percent, together 100 %.
func percentages(r *rand.Rand) []int64 {
	out, left := []int64{}, int64(10_000)
	for range r.IntN(3) {
		if left < 2 {
			break
		}
		p := 1 + r.Int64N(left-1)
		out, left = append(out, p), left-p
	}
	return append(out, left)
}

// plainShare is a share of a line of a supplier's invoice.
type plainShare struct {
	amount, listed int64 // listed: of it, a tax that the rules name
	centre         string
}

// supplied makes a supplier's invoice with allocations by percentages, taxes and
// charges, and says what it comes to by plain numbers.
func supplied(t *testing.T, r *rand.Rand, taxSpread bool) (d document.Document, digits int, owed, accounts map[string]int64) {
	t.Helper()
	n := r.IntN(3)
	digits = []int{2, 0, 3}[n]
	money := func(units int64) decimal.Decimal { return dec(amountOf(units, digits)) }
	d = supplierInvoice("0")
	d.Currency = []string{"USD", "JPY", "KWD"}[n]
	var lines [][]plainShare
	var sums []int64
	total := int64(0)
	for i := range 1 + r.IntN(5) {
		amount := 1000 + r.Int64N(1e6)
		if i > 0 && r.IntN(5) == 0 {
			amount = -1 - r.Int64N(900) // a credit, smaller than what the first line asks for
		}
		percents := percentages(r)
		parts := dealt(amount, percents)
		weights := make([]decimal.Decimal, len(percents))
		for k, p := range percents {
			weights[k] = decimal.New(p, -2)
		}
		given, err := document.AllocatePercent(money(amount), weights, digits)
		require.NoError(t, err)
		e := line(fmt.Sprint(i), amountOf(amount, digits))
		shares := make([]plainShare, len(parts))
		for k, part := range parts {
			require.True(t, given[k].Equal(money(part)), "%s of %s by %v: %s, by the second calculation %s", weights[k], e.Amount, percents, given[k], money(part))
			shares[k] = plainShare{amount: part, centre: []string{"200", "2000", "310"}[r.IntN(3)]}
			a := document.Allocation{Percent: weights[k], Amount: money(part), Custom: map[string]document.Value{"custom2": code(shares[k].centre)}}
			if r.IntN(3) == 0 {
				shares[k].listed = part / (2 + r.Int64N(9))
				a.Taxes = append(a.Taxes, document.TaxPart{Code: "V1", Amount: money(shares[k].listed)})
			}
			if r.IntN(4) == 0 { // stays in the cost
				a.Taxes = append(a.Taxes, document.TaxPart{Code: "V9", Amount: money(part / 7)})
			}
			e.Allocations = append(e.Allocations, a)
		}
		d.Entries, lines, sums = append(d.Entries, e), append(lines, shares), append(sums, amount)
		total += amount
	}
	shipping, tax := r.Int64N(9000)-500, r.Int64N(9000)
	d.Charges = []document.Charge{{Kind: document.Shipping, Amount: money(shipping)}, {Kind: document.Tax, Amount: money(tax)}}
	d.Total = money(total + shipping + tax)

	// A charge goes to the lines that are asked for, by their amounts, and in each to
	// its shares.
	extra := make([][]int64, len(lines))
	for i := range lines {
		extra[i] = make([]int64, len(lines[i]))
	}
	spread := func(units int64) {
		weights := make([]int64, len(sums))
		for i, s := range sums {
			weights[i] = max(s, 0)
		}
		for i, part := range dealt(units, weights) {
			within := make([]int64, len(lines[i]))
			for k, s := range lines[i] {
				within[k] = max(s.amount, -s.amount)
			}
			for k, u := range dealt(part, within) {
				extra[i][k] += u
			}
		}
	}
	accounts = map[string]int64{}
	spread(shipping)
	if taxSpread {
		spread(tax)
	} else {
		accounts["2310|000|00"] += tax
	}
	for i, shares := range lines {
		for k, s := range shares {
			segment := map[string]string{"200": "200", "2000": "200", "310": "310"}[s.centre]
			accounts["5100|"+segment+"|00"] += s.amount - s.listed + extra[i][k]
			accounts["1370|000|00"] += s.listed
		}
	}
	return d, digits, map[string]int64{"V0211": total + shipping + tax}, accounts
}

// Suppliers' invoices too are what the second calculation makes of them: by GL
// account and cost centre, with charges and percentages.
func TestASecondCalculationAgreesOnSuppliersInvoices(t *testing.T) {
	apart, spread := mapper(t), spreadTax(t)
	for seed := range *documents {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		m, taxSpread := apart, seed%2 == 0
		if taxSpread {
			m = spread
		}
		d, digits, owed, accounts := supplied(t, r, taxSpread)
		result, err := m.Map(t.Context(), d)
		require.NoError(t, err, "seed %d", seed)
		require.NoError(t, result.Posting.Check(), "seed %d", seed)
		agree(t, result.Posting, digits, owed, accounts)
	}
}
