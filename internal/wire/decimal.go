// Package wire holds the value types that both vendors' wire formats share: an
// exact decimal that keeps its text and a calendar date without a time zone.
//
// The client packages export them as aliases, so that a value can be handed
// from one to the other without conversion.
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// maxDecimalText bounds what is parsed: the longest amount that either vendor
// documents has 23 digits, and a decimal with a huge exponent would cost memory.
const maxDecimalText = 64

// maxExponent bounds |exponent| for the same reason.
const maxExponent = 40

// Decimal is an exact decimal number that keeps the text it was read with:
// 10.00000000 stays so, and 12.10 goes out as the JSON number 12.10. It is never
// converted through a binary floating point number.
//
// The zero value is "absent": it reads as 0, encodes as 0, and is left out by
// JSON's omitzero, which keeps a 0 that was given. That is why there is no method
// IsZero: ask Present whether a number was given, and Value whether it is 0.
// Decimal is a value; it is safe for concurrent use.
type Decimal struct{ text string }

// ParseDecimal reads a decimal from text such as "12.10", "-0.5", "0E-8" or
// "1e3". Surrounding space is allowed; the empty text is the absent value.
func ParseDecimal(s string) (Decimal, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Decimal{}, nil
	}
	if len(s) > maxDecimalText {
		return Decimal{}, fmt.Errorf("decimal of %d characters: at most %d are read", len(s), maxDecimalText)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Decimal{}, fmt.Errorf("decimal %q is not a number", s)
	}
	if e := d.Exponent(); e > maxExponent || e < -maxExponent {
		return Decimal{}, fmt.Errorf("decimal %q has an exponent beyond %d", s, maxExponent)
	}
	return Decimal{text: s}, nil
}

// DecimalOf gives d the text of v, without losing or adding a digit.
func DecimalOf(v decimal.Decimal) Decimal {
	if e := v.Exponent(); e < 0 {
		return Decimal{text: v.StringFixed(-e)}
	}
	return Decimal{text: v.String()}
}

// Value returns d as an arithmetic decimal; the absent value is 0.
func (d Decimal) Value() decimal.Decimal {
	if d.text == "" {
		return decimal.Zero
	}
	// The text was checked when it came in.
	v, err := decimal.NewFromString(d.text)
	if err != nil {
		return decimal.Zero
	}
	return v
}

// Present reports whether a number was given at all.
func (d Decimal) Present() bool { return d.text != "" }

// Equal reports whether d and o are the same number, whatever their texts.
func (d Decimal) Equal(o Decimal) bool { return d.Value().Equal(o.Value()) }

// String returns the text that d was read with, "0" when absent.
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// MarshalJSON encodes d as a JSON number with its own text.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d.text == "" {
		return []byte("0"), nil
	}
	if json.Valid([]byte(d.text)) {
		return []byte(d.text), nil
	}
	// Texts such as "+1" or ".5" are numbers but not JSON numbers.
	return []byte(DecimalOf(d.Value()).text), nil
}

// UnmarshalJSON reads a JSON number, a string that holds one, null or "".
func (d *Decimal) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		v, err := ParseDecimal(s)
		if err != nil {
			return err
		}
		*d = v
		return nil
	}
	if bytes.Equal(b, []byte("null")) {
		*d = Decimal{}
		return nil
	}
	v, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
