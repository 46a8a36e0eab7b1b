package concur

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Decimal is an exact decimal number that keeps the text it was read with, such
// as 10.00000000 or 0E-8. It reads JSON numbers and strings; the zero value is
// "absent". Value returns it for arithmetic.
type Decimal = wire.Decimal

// ParseDecimal reads a decimal from text such as "12.10" or "0E-8".
func ParseDecimal(s string) (Decimal, error) { return wire.ParseDecimal(s) }

// Date is a calendar date without clock or zone, such as an invoice date.
type Date = wire.Date

// ParseDate reads "2026-10-30" and any text that begins so and goes on with a
// time, which is dropped without moving the day.
func ParseDate(s string) (Date, error) { return wire.ParseDate(s) }

// Amount is money as the version 4 services write it. Value is exact and in
// the currency's main unit; Value.Present tells null from 0.
type Amount struct {
	Value        Decimal `json:"value"`
	CurrencyCode string  `json:"currencyCode"` // ISO 4217
}

// LooseAmount is an Amount that also reads a bare number or text, which has no
// currency.
type LooseAmount struct{ Amount }

// UnmarshalJSON reads an amount, a number or a text.
func (a *LooseAmount) UnmarshalJSON(b []byte) error {
	var read Amount
	var err error
	if kind(bytes.TrimSpace(b)) == '{' {
		err = json.Unmarshal(b, &read)
	} else {
		err = json.Unmarshal(b, &read.Value)
	}
	if err == nil {
		a.Amount = read
	}
	return err
}

// Text is a text that also reads a JSON number, boolean or null: the older
// services do not agree with their own documentation on what is a string. Null
// reads as "".
type Text string

// UnmarshalJSON reads any JSON scalar.
func (t *Text) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	*t = Text(s)
	return nil
}

// Flag is a truth value that also reads "true", "Y", "1" and null. Whatever is
// none of these is false.
type Flag bool

// UnmarshalJSON reads any JSON scalar.
func (f *Flag) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "y", "yes", "1":
		*f = true
	default:
		*f = false
	}
	return nil
}

func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || bytes.Equal(b, []byte("null")):
		return "", nil
	case b[0] == '"':
		if in := b[1:max(1, len(b)-1)]; len(b) > 1 && bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
			return string(in), nil
		}
		var s string
		err := json.Unmarshal(b, &s)
		return s, err
	case b[0] == '{' || b[0] == '[':
		return "", fmt.Errorf("want a text, a number or a truth value, not %q", b[:1])
	default:
		return string(b), nil
	}
}

// collection reads an array that may come bare, wrapped in an object of one
// named array ({"LineItem":[…]}), or as a single object: forms that the older
// services' XML heritage left behind.
func collection[T any](b []byte, names ...string) ([]T, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.Equal(b, []byte("null")) || bytes.Equal(b, []byte(`""`)) {
		return nil, nil
	}
	if b[0] == '[' {
		var ts []T
		err := json.Unmarshal(b, &ts)
		return ts, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return nil, err
	}
	for _, n := range names {
		if inner, ok := object[n]; ok {
			return collection[T](inner)
		}
	}
	if len(object) == 0 {
		return nil, nil
	}
	var t T
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	return []T{t}, nil
}
