package document

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// checkJournal says what of an entry's journal does not tie.
func (e Entry) checkJournal(fs *Faults, field, currency string, digits int, known bool) {
	sum := decimal.Zero
	for i, a := range e.Allocations {
		for k, j := range a.Journal {
			at := field
			if len(e.Allocations) > 1 {
				at += fmt.Sprintf(", allocation %d", i+1)
			}
			at += fmt.Sprintf(", journal line %d", k+1)
			sum = sum.Add(j.Gross)
			j.check(fs, at, currency, digits, known)
		}
	}
	if !sum.Equal(e.Amount) {
		fs.add(AllocationMismatch, field, sum.String(), "its journal adds up to %s, not to the approved %s (difference %s)",
			money(sum, digits), money(e.Amount, digits), money(sum.Sub(e.Amount), digits))
	}
}

func (j Journal) check(fs *Faults, field, currency string, digits int, known bool) {
	tax, reclaim := decimal.Zero, decimal.Zero
	amounts := []decimal.Decimal{j.Gross, j.NetOfTax, j.NetOfReclaim}
	for _, t := range j.Taxes {
		tax, reclaim = tax.Add(t.Amount), reclaim.Add(t.Reclaim)
		amounts = append(amounts, t.Amount, t.Reclaim)
	}
	for _, a := range amounts {
		if known && tooFine(a, digits) {
			fs.add(AmountTooFine, field, a.String(), "%s is finer than the minor unit of %s (%d decimals)", a, currency, digits)
			return
		}
	}
	if net := j.Gross.Sub(tax); !net.Equal(j.NetOfTax) {
		fs.add(TaxMismatch, field, j.NetOfTax.String(), "%s less %s of tax is %s, not the net of tax %s (difference %s)",
			money(j.Gross, digits), money(tax, digits), money(net, digits), money(j.NetOfTax, digits), money(net.Sub(j.NetOfTax), digits))
	}
	if net := j.Gross.Sub(reclaim); !net.Equal(j.NetOfReclaim) {
		fs.add(TaxMismatch, field, j.NetOfReclaim.String(), "%s less %s of tax that is reclaimed is %s, not the net of reclaim %s (difference %s)",
			money(j.Gross, digits), money(reclaim, digits), money(net, digits), money(j.NetOfReclaim, digits), money(net.Sub(j.NetOfReclaim), digits))
	}
}

// checkAdvances says what of the cash advances of a report cannot be.
func (d Document) checkAdvances(fs *Faults, fine func(field string, a decimal.Decimal)) {
	sum := decimal.Zero
	for i, a := range d.Advances {
		field := fmt.Sprintf("cash advance %d", i+1)
		fine(field, a.Amount)
		sum = sum.Add(a.Amount)
		if a.Amount.IsPositive() {
			fs.add(TotalMismatch, field, a.Amount.String(), "%s is set off, and what is set off is below zero", a.Amount)
		}
	}
	fine("cash advance return", d.AdvanceReturn)
	if len(d.Advances) > 0 && (!d.Journaled || d.Kind != Report) {
		fs.add(TotalMismatch, "cash advances", "", "only a journaled report has cash advances")
	}
	if d.AdvanceReturn.IsNegative() || d.AdvanceReturn.IsPositive() && d.AdvanceReturn.GreaterThan(sum.Neg()) {
		fs.add(TotalMismatch, "cash advance return", d.AdvanceReturn.String(), "%s is returned of advances of %s", d.AdvanceReturn, sum.Neg())
	}
}

// rateDecimals is how many decimals a source's exchange rate has.
const rateDecimals = 8

// checkRate holds the approved amount against the exchange rate. Less than what
// the rate gives may have been approved; more is a fault. One unit is the
// rounding of the amount, and the rest is that of the rate.
func (e Entry) checkRate(fs *Faults, field, currency string, digits int) {
	if e.Rate == nil || e.Spent == nil || !e.Rate.Value.IsPositive() || e.Amount.IsZero() {
		return
	}
	converted := e.Spent.Amount.Mul(e.Rate.Value)
	if e.Rate.Divide {
		converted = e.Spent.Amount.DivRound(e.Rate.Value, rateDecimals)
	}
	slack := decimal.New(1, -int32(digits)).Add(converted.Abs().Mul(decimal.New(1, -rateDecimals)).DivRound(e.Rate.Value, rateDecimals))
	if e.Amount.Sign() == converted.Sign() && e.Amount.Abs().Sub(converted.Abs()).LessThanOrEqual(slack) {
		return
	}
	fs.add(RateMismatch, field, e.Amount.String(), "%s %s at %s is %s %s, and %s was approved",
		e.Spent.Amount, e.Spent.Currency, e.Rate.Value, converted.Round(int32(digits)).StringFixed(int32(digits)), currency, money(e.Amount, digits))
}

// checkOrder says what of an ordered line cannot be entered.
func (l Line) checkOrder(fs *Faults, field, currency string, digits int, known bool) {
	if l.Order.Order <= 0 || l.Order.Line <= 0 {
		fs.add(PostingMismatch, field, fmt.Sprintf("%d/%d", l.Order.Order, l.Order.Line), "the purchase order and its line are numbers above zero")
	}
	if len(l.Splits) > 0 {
		fs.add(PostingMismatch, field, "", "an ordered line is booked by its order and has no splits")
	}
	if known && tooFine(l.Amount, digits) {
		fs.add(AmountTooFine, field, l.Amount.String(), "%s is finer than the minor unit of %s (%d decimals)", l.Amount, currency, digits)
	}
}
