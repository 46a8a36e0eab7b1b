package concurtest

import (
	"github.com/shopspring/decimal"
)

// Amount reads an exact decimal, such as "12.50", for the fields of documents.
// It panics when s is no number.
func Amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// Exactly is Amount for a field whose absence means something else than zero.
func Exactly(s string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(s))
}

// number is a JSON number with the text that the vendor gives it.
type number string

// MarshalJSON writes the text as it is.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// padded prints d as Reports v4 does: eight decimals, and 0E-8 for nothing.
func padded(d decimal.Decimal) number {
	if d.IsZero() {
		return "0E-8"
	}
	return number(d.StringFixed(8))
}

// short prints d as the v3 services do: no more digits than it has.
func short(d decimal.Decimal) number { return number(d.String()) }

// money is an amount of Reports v4.
type money struct {
	Value        number `json:"value"`
	CurrencyCode string `json:"currencyCode"`
}

func moneyOf(d decimal.Decimal, currency string) money {
	return money{Value: padded(d), CurrencyCode: currency}
}

// text8 prints d as the payment requests do: a string with eight decimals.
func text8(d decimal.Decimal) string { return d.StringFixed(8) }
