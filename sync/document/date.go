package document

import (
	"fmt"
	"time"
)

// Date is a calendar date, "2026-10-30", without clock or zone; "" is no date.
type Date string

// ParseDate checks that s is a date or empty.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return "", nil
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fmt.Errorf("document: date %.20q: want YYYY-MM-DD", s)
	}
	return Date(s), nil
}

// DateOf returns the calendar date of t in t's own zone.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return ""
	}
	return Date(t.Format(time.DateOnly))
}

// Month returns the month of d, "2026-10", and "" for no date.
func (d Date) Month() string {
	if len(d) < 7 {
		return ""
	}
	return string(d[:7])
}

// Before reports whether d is an earlier day than o.
func (d Date) Before(o Date) bool { return d < o }
