package epicor

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Date is a calendar date without clock or zone. Kinetic writes dates with a
// midnight clock; the clock and a zone are dropped without moving the day.
type Date = wire.Date

// Decimal is an exact decimal that keeps the text it was read with.
type Decimal = wire.Decimal

// ParseDate reads "2026-10-30", also with a clock behind it; "" is no date.
func ParseDate(s string) (Date, error) { return wire.ParseDate(s) }

// DateOf is the calendar date of t in its own zone.
func DateOf(t time.Time) Date { return wire.DateOf(t) }

// ParseDecimal reads a decimal such as "12.10"; "" is the absent value.
func ParseDecimal(s string) (Decimal, error) { return wire.ParseDecimal(s) }

// Secret is text that never prints: fmt, slog and encoding/json show
// "[redacted]" in its place.
type Secret string

const redacted = "[redacted]"

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// decodeRow reads the columns that dst has fields for and returns the others
// untouched. dst is a pointer to a struct with json tags and without methods.
func decodeRow(b []byte, dst any) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(b, dst); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	t := reflect.TypeOf(dst).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		delete(all, name)
	}
	for name := range all {
		if strings.HasPrefix(name, "@odata.") || strings.HasPrefix(name, "odata.") {
			delete(all, name)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// segments takes the values of the columns SegValue1 to SegValue20 out of extra.
func segments(extra map[string]json.RawMessage) ([]string, error) {
	var vs []string
	last := 0
	for i := 1; i <= 20; i++ {
		name := fmt.Sprintf("SegValue%d", i)
		var v string
		if raw, ok := extra[name]; ok {
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			delete(extra, name)
		}
		vs = append(vs, v)
		if v != "" {
			last = i
		}
	}
	return vs[:last], nil
}
