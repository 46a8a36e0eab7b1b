package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Date is a calendar date without clock or zone: an invoice date is the same
// day wherever it is read. The zero value is "no date". Date is a value and
// comparable with ==.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a calendar date. It takes "2026-10-30" and any text that
// begins so and goes on with a time ("2026-10-30T00:00:00Z", "2026-10-30
// 00:00:00.0"), whose clock and zone are dropped without moving the day. The
// empty text is the zero Date.
func ParseDate(s string) (Date, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Date{}, nil
	}
	day := s
	if len(s) > 10 {
		if s[10] != 'T' && s[10] != ' ' {
			return Date{}, fmt.Errorf("date %.40q: want YYYY-MM-DD", s)
		}
		day = s[:10]
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return Date{}, fmt.Errorf("date %.40q: want YYYY-MM-DD", s)
	}
	return DateOf(t), nil
}

// DateOf returns the calendar date of t in t's own zone.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return Date{}
	}
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Time returns midnight UTC of d, the zero time for no date.
func (d Date) Time() time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// Before reports whether d is an earlier day than o.
func (d Date) Before(o Date) bool { return d.Time().Before(o.Time()) }

// String returns "2026-10-30", and "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// MarshalJSON encodes d as "2026-10-30", no date as null.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads what ParseDate reads, and null.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("date: %w", err)
	}
	if s == nil {
		*d = Date{}
		return nil
	}
	v, err := ParseDate(*s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}
