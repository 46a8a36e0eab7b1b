package concursync

import (
	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/document"
)

// shareOut gives allocations their amounts where the vendor gives percentages
// only: by largest remainder, so that they add up to the amount.
func shareOut(as []document.Allocation, amount decimal.Decimal, currency, field string) error {
	minor, known := document.MinorUnits(currency)
	if !known {
		minor = 2 // the document's own check names the currency
	}
	percents := make([]decimal.Decimal, len(as))
	for i, a := range as {
		percents[i] = a.Percent
	}
	amounts, err := document.AllocatePercent(amount, percents, minor)
	if err != nil {
		return rejection(AllocationPercent, field, "", "its allocations cannot be turned into amounts", err)
	}
	for i := range as {
		as[i].Amount = amounts[i]
	}
	return nil
}
