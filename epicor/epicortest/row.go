package epicortest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// kind is the type of a column.
type kind byte

const (
	text    kind = 's' // string
	integer kind = 'i' // int64
	number  kind = 'n' // wire.Decimal
	boolean kind = 'b' // bool
	date    kind = 'd' // day, or nil where there is none
	guid    kind = 'g' // lower-case string
)

// day is a date column's value; Kinetic writes it with a midnight clock.
type day wire.Date

// MarshalJSON writes the date as Kinetic does.
func (d day) MarshalJSON() ([]byte, error) {
	return []byte(`"` + wire.Date(d).String() + `T00:00:00"`), nil
}

// row is one record: column name to string, int64, wire.Decimal, bool, day or nil.
type row map[string]any

func (r row) clone() row { return maps.Clone(r) }

func (r row) str(col string) string {
	s, ok := r[col].(string)
	if !ok {
		return ""
	}
	return s
}

func (r row) int(col string) int64 {
	n, ok := r[col].(int64)
	if !ok {
		return 0
	}
	return n
}

func (r row) bool(col string) bool {
	b, ok := r[col].(bool)
	return ok && b
}

func (r row) num(col string) decimal.Decimal {
	n, ok := r[col].(wire.Decimal)
	if !ok {
		return decimal.Zero
	}
	return n.Value()
}

func (r row) day(col string) wire.Date {
	d, ok := r[col].(day)
	if !ok {
		return wire.Date{}
	}
	return wire.Date(d)
}

func (r row) setNum(col string, v decimal.Decimal) { r[col] = wire.DecimalOf(v) }

func (r row) setDay(col string, d wire.Date) {
	if d.IsZero() {
		r[col] = nil
		return
	}
	r[col] = day(d)
}

// key joins the key columns into one comparable text.
func (r row) key(cols []string) string {
	b := make([]byte, 0, 64)
	for _, c := range cols {
		switch v := r[c].(type) {
		case string:
			b = append(b, v...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		default:
			b = fmt.Append(b, v)
		}
		b = append(b, 0)
	}
	return string(b)
}

// same reports whether two rows have one key. The last columns of a key tell
// most rows apart, so they are looked at first.
func (r row) same(other row, cols []string) bool {
	for _, c := range slices.Backward(cols) {
		if r[c] != other[c] {
			return false
		}
	}
	return true
}

// zero is a column's value when nobody gave one.
func (k kind) zero() any {
	switch k {
	case text:
		return ""
	case integer:
		return int64(0)
	case number:
		return wire.Decimal{}
	case boolean:
		return false
	case guid:
		return zeroGUID
	case date:
		return nil
	default:
		return nil
	}
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

// read turns a decoded JSON value (numbers as json.Number) into a column's value.
// Numbers in strings are taken, as the vendor's JSON reader takes them.
func (k kind) read(v any) (any, error) {
	if v == nil {
		return k.zero(), nil
	}
	switch k {
	case text:
		if s, ok := v.(string); ok {
			return s, nil
		}
		if n, ok := v.(json.Number); ok {
			return n.String(), nil
		}
	case guid:
		if s, ok := v.(string); ok {
			if !isGUID(s) {
				return nil, fmt.Errorf("%.50q is not a GUID", s)
			}
			return strings.ToLower(s), nil
		}
	case boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case integer:
		if s, ok := scalar(v); ok {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%.50q is not an integer", s)
			}
			return n, nil
		}
	case number:
		if s, ok := scalar(v); ok {
			d, err := wire.ParseDecimal(s)
			if err != nil {
				return nil, err
			}
			return d, nil
		}
	case date:
		if s, ok := v.(string); ok {
			if s == "" {
				return nil, nil
			}
			d, err := readDay(s)
			if err != nil {
				return nil, err
			}
			return day(d), nil
		}
	}
	return nil, fmt.Errorf("cannot convert %T to the column's type", v)
}

func scalar(v any) (string, bool) {
	switch x := v.(type) {
	case json.Number:
		return x.String(), true
	case string:
		return strings.TrimSpace(x), true
	default:
		return "", false
	}
}

// readDay reads a date as a server in UTC does: an offset moves the day, which
// is how a client's local midnight becomes the day before.
func readDay(s string) (wire.Date, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return wire.DateOf(t.UTC()), nil
		}
	}
	return wire.Date{}, fmt.Errorf("%.50q is not a date", s)
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// compare orders two values of one column; nil comes first, as in a database.
func compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y)
		}
	case int64:
		switch y := b.(type) {
		case int64:
			return cmp.Compare(x, y)
		case wire.Decimal:
			return decimal.NewFromInt(x).Cmp(y.Value())
		}
	case wire.Decimal:
		switch y := b.(type) {
		case wire.Decimal:
			return x.Value().Cmp(y.Value())
		case int64:
			return x.Value().Cmp(decimal.NewFromInt(y))
		}
	case bool:
		if y, ok := b.(bool); ok {
			return cmp.Compare(b2i(x), b2i(y))
		}
	case day:
		if y, ok := b.(day); ok {
			return wire.Date(x).Time().Compare(wire.Date(y).Time())
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// encode writes JSON without HTML escapes, as the vendor does.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
