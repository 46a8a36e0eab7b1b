package document

import (
	"fmt"
	"math/big"
	"sort"

	"github.com/shopspring/decimal"
)

// Allocate splits total by weights, so that the parts add up to total exactly.
// Parts are whole minor units (minor is the number of decimals, see
// MinorUnits); what is left after rounding down goes to the largest remainders,
// the earlier weight first where remainders are equal. A negative total is
// split as its absolute value and negated, so that a refund mirrors its
// purchase.
//
// It fails when total is finer than the minor unit, when a weight is negative,
// or when there is something to split and no weight above zero.
func Allocate(total decimal.Decimal, weights []decimal.Decimal, minor int) ([]decimal.Decimal, error) {
	if minor < 0 || minor > 18 {
		return nil, fmt.Errorf("document: allocate: a minor unit of %d decimals", minor)
	}
	if tooFine(total, minor) {
		return nil, fmt.Errorf("document: allocate: %s is finer than the minor unit of %d decimals", total, minor)
	}
	sum := decimal.Zero
	exp := int32(0)
	for i, w := range weights {
		if w.IsNegative() {
			return nil, fmt.Errorf("document: allocate: weight %d is %s; weights are not negative", i+1, w)
		}
		sum = sum.Add(w)
		exp = min(exp, w.Exponent())
	}
	parts := make([]decimal.Decimal, len(weights))
	if total.IsZero() {
		return parts, nil
	}
	if sum.IsZero() {
		return nil, fmt.Errorf("document: allocate: %s has nowhere to go: no weight above zero", total)
	}

	// Whole numbers from here on: units of the minor unit, weights by their
	// finest decimal. Division of decimals would round.
	units := total.Abs().Shift(int32(minor)).BigInt()
	whole := sum.Shift(-exp).BigInt()
	rest := new(big.Int).Set(units)
	counts := make([]*big.Int, len(weights))
	remainders := make([]*big.Int, len(weights))
	for i, w := range weights {
		share := new(big.Int).Mul(units, w.Shift(-exp).BigInt())
		counts[i], remainders[i] = new(big.Int).QuoRem(share, whole, new(big.Int))
		rest.Sub(rest, counts[i])
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return remainders[order[a]].Cmp(remainders[order[b]]) > 0 })
	// rest is the sum of the remainders divided by the whole, so fewer units are
	// left than there are weights with a remainder.
	for i := range int(rest.Int64()) {
		counts[order[i]].Add(counts[order[i]], big.NewInt(1))
	}
	for i, c := range counts {
		parts[i] = decimal.NewFromBigInt(c, -int32(minor))
		if total.IsNegative() {
			parts[i] = parts[i].Neg()
		}
	}
	return parts, nil
}

// AllocatePercent is Allocate by percentages. They must add up to 100, give or
// take 0.000001 for each of them; anything else is an error that names the
// sum, since a share that nobody claimed must not be spread silently.
func AllocatePercent(total decimal.Decimal, percents []decimal.Decimal, minor int) ([]decimal.Decimal, error) {
	sum := decimal.Zero
	for _, p := range percents {
		sum = sum.Add(p)
	}
	tolerance := decimal.New(int64(len(percents)), -6)
	if off := sum.Sub(decimal.New(100, 0)).Abs(); off.GreaterThan(tolerance) {
		return nil, fmt.Errorf("document: allocate: %d percentages add up to %s, not to 100", len(percents), sum)
	}
	return Allocate(total, percents, minor)
}
