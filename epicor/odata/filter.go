package odata

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Date is a calendar date; its literal is midnight UTC, 2026-10-30T00:00:00Z.
type Date = wire.Date

// Decimal is an exact decimal that keeps its text.
type Decimal = wire.Decimal

// GUID is a value whose literal stands without quotes, as OData 4 wants it.
type GUID string

// Literal is what a column can be compared with.
type Literal interface {
	~string | ~bool | ~int | ~int32 | ~int64 | decimal.Decimal | wire.Decimal | wire.Date | time.Time
}

// Filter is a condition on rows. The zero value is no condition. A Filter that
// was built from a bad name or value carries the error, which Query.Encode
// returns. Filters are values and safe for concurrent use.
type Filter struct {
	text string
	err  error
}

// IsZero reports whether f is no condition.
func (f Filter) IsZero() bool { return f.text == "" && f.err == nil }

// Err returns what is wrong with f: a name that is no identifier, text that is
// not UTF-8, a GUID that is none.
func (f Filter) Err() error { return f.err }

// String returns the filter expression, not escaped for a URL.
func (f Filter) String() string { return f.text }

// Eq is column = v.
func Eq[V Literal](column string, v V) Filter { return compare(column, "eq", v) }

// Ne is column ≠ v.
func Ne[V Literal](column string, v V) Filter { return compare(column, "ne", v) }

// Gt is column > v.
func Gt[V Literal](column string, v V) Filter { return compare(column, "gt", v) }

// Ge is column ≥ v.
func Ge[V Literal](column string, v V) Filter { return compare(column, "ge", v) }

// Lt is column < v.
func Lt[V Literal](column string, v V) Filter { return compare(column, "lt", v) }

// Le is column ≤ v.
func Le[V Literal](column string, v V) Filter { return compare(column, "le", v) }

// IsNull is column = null.
func IsNull(column string) Filter {
	if err := checkName(column); err != nil {
		return Filter{err: err}
	}
	return Filter{text: column + " eq null"}
}

// In is "column equals one of vs", written as a chain of or, since the in
// operator is younger than many servers. Without values nothing matches.
func In[V Literal](column string, vs ...V) Filter {
	if len(vs) == 0 {
		if err := checkName(column); err != nil {
			return Filter{err: err}
		}
		return Filter{text: "false"}
	}
	fs := make([]Filter, 0, len(vs))
	for _, v := range vs {
		fs = append(fs, Eq(column, v))
	}
	return Or(fs...)
}

// StartsWith is "column begins with s".
func StartsWith(column, s string) Filter { return call("startswith", column, s) }

// EndsWith is "column ends with s".
func EndsWith(column, s string) Filter { return call("endswith", column, s) }

// Contains is "column contains s".
func Contains(column, s string) Filter { return call("contains", column, s) }

// And holds where all of fs hold; zero filters are left out. Where none is left
// it is no condition: every row matches.
func And(fs ...Filter) Filter { return join(" and ", fs) }

// Or holds where one of fs holds; zero filters are left out. Where none is left,
// as in Or(conditions...) of an empty slice, nothing matches, as with In: a list
// of what to look for that came out empty must not list every row.
func Or(fs ...Filter) Filter {
	if f := join(" or ", fs); !f.IsZero() {
		return f
	}
	return Filter{text: "false"}
}

// Not holds where f does not. Not of the zero filter is an error, since "no
// condition" has no opposite.
func Not(f Filter) Filter {
	if f.err != nil {
		return f
	}
	if f.text == "" {
		return Filter{err: fmt.Errorf("odata: not of an empty filter")}
	}
	return Filter{text: "not (" + f.text + ")"}
}

// After is "the row comes behind the one with this key", in the ascending order
// of the columns: (A gt 1 or (A eq 1 and B gt 'x')). It is what reading by key
// begins each page with. Values are text, whole numbers, dates, or booleans, of
// which false comes first. As many values as columns are needed.
func After(columns []string, values []any) Filter {
	if len(columns) == 0 || len(columns) != len(values) {
		return Filter{err: fmt.Errorf("odata: %d values for a key of %d columns", len(values), len(columns))}
	}
	var ways, same []Filter
	for i, column := range columns {
		eq := compareAny(column, "eq", values[i])
		gt := compareAny(column, "gt", values[i])
		if b, ok := values[i].(bool); ok {
			if gt = Eq(column, true); b {
				gt = Filter{text: "false"}
			}
		}
		if gt.text != "false" {
			ways = append(ways, And(append(slices.Clone(same), gt)...))
		}
		same = append(same, eq)
	}
	switch {
	case len(ways) == 0:
		return Filter{text: "false"}
	case len(ways) == 1:
		return ways[0]
	}
	if _, ok := values[0].(bool); ok {
		return Or(ways...)
	}
	// The bound is implied, but it lets a database begin at the right place.
	return And(compareAny(columns[0], "ge", values[0]), Or(ways...))
}

func join(op string, fs []Filter) Filter {
	parts := make([]string, 0, len(fs))
	for _, f := range fs {
		if f.err != nil {
			return f
		}
		if f.text != "" {
			parts = append(parts, f.text)
		}
	}
	switch len(parts) {
	case 0:
		return Filter{}
	case 1:
		return Filter{text: parts[0]}
	}
	return Filter{text: "(" + strings.Join(parts, op) + ")"}
}

func compare[V Literal](column, op string, v V) Filter { return compareAny(column, op, v) }

func compareAny(column, op string, v any) Filter {
	if err := checkName(column); err != nil {
		return Filter{err: err}
	}
	lit, err := FormatLiteral(v)
	if err != nil {
		return Filter{err: fmt.Errorf("odata: column %s: %w", column, err)}
	}
	return Filter{text: column + " " + op + " " + lit}
}

func call(fn, column, s string) Filter {
	if err := checkName(column); err != nil {
		return Filter{err: err}
	}
	lit, err := FormatLiteral(s)
	if err != nil {
		return Filter{err: fmt.Errorf("odata: column %s: %w", column, err)}
	}
	return Filter{text: fn + "(" + column + "," + lit + ")"}
}

// FormatLiteral returns the literal of v, not escaped for a URL: text in quotes
// with quotes doubled, dates and times in UTC without quotes, numbers as they
// are written. Text that is not UTF-8, a GUID that is none and a zero date are
// errors: a server would compare with something else than v.
func FormatLiteral(v any) (string, error) {
	switch x := v.(type) {
	case GUID:
		if !isGUID(string(x)) {
			return "", fmt.Errorf("%.40q is not a GUID", string(x))
		}
		return string(x), nil
	case decimal.Decimal:
		return wire.DecimalOf(x).String(), nil
	case wire.Decimal:
		return x.Value().String(), nil
	case wire.Date:
		if x.IsZero() {
			return "", fmt.Errorf("no date to compare with")
		}
		return x.String() + "T00:00:00Z", nil
	case time.Time:
		if x.IsZero() {
			return "", fmt.Errorf("no time to compare with")
		}
		return x.UTC().Format("2006-01-02T15:04:05.999999999Z"), nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.String:
		s := r.String()
		if !utf8.ValidString(s) {
			return "", fmt.Errorf("text is not UTF-8")
		}
		return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
	case reflect.Bool:
		return strconv.FormatBool(r.Bool()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(r.Int(), 10), nil
	default:
		return "", fmt.Errorf("no literal for a %T", v)
	}
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
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

// checkName takes identifiers and paths of identifiers (Vendor/Name), nothing else.
func checkName(name string) error {
	start := true
	ok := name != ""
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_':
			start = false
		case c >= '0' && c <= '9':
			ok = ok && !start
		case c == '/':
			ok = ok && !start
			start = true
		default:
			ok = false
		}
	}
	if !ok || start {
		return fmt.Errorf("odata: %.60q is not a name", name)
	}
	return nil
}
