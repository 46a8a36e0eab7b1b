package screen

import (
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Amount returns an amount with the digits of its currency and with commas
// between thousands: 18,310.02.
func Amount(amount decimal.Decimal, currency string) string {
	digits, known := document.MinorUnits(currency)
	if !known {
		digits = 2
	}
	for int32(digits) < -amount.Exponent() && !amount.Equal(amount.Truncate(int32(digits))) {
		digits++ // what is finer than its currency is shown as it is, not as it should be
	}
	text := amount.StringFixed(int32(digits))
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, rest, cut := strings.Cut(text, ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if cut {
		return sign + b.String() + "." + rest
	}
	return sign + b.String()
}

// Money returns an amount with its currency before it: USD 412.40.
func Money(amount decimal.Decimal, currency string) string {
	return currency + " " + Amount(amount, currency)
}
