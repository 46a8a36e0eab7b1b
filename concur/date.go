package concur

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Time is an instant that keeps the text it was read with, since the vendor
// writes instants in half a dozen forms. A text that cannot be read is kept
// too: Valid tells. Times without a zone are taken as UTC, which the vendor
// documents for some services only: an assumption to check on a live tenant.
type Time struct {
	t    time.Time
	text string
}

// TimeOf returns a Time for t, in UTC with milliseconds.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	t = t.UTC()
	return Time{t: t, text: t.Format("2006-01-02T15:04:05.000Z")}
}

// ParseTime reads every form in which the services write an instant: RFC 3339
// with and without fraction, +0000 without a colon, no zone at all, a space in
// place of the T, a bare date, and MM/DD/YYYY. The empty text is the zero Time.
func ParseTime(s string) (Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Time{}, nil
	}
	if len(s) > 40 {
		return Time{}, fmt.Errorf("concur: time of %d characters: want a date and time such as 2026-10-30T08:00:00Z", len(s))
	}
	// time.Parse takes a fraction of any length wherever seconds stand.
	for _, layout := range []string{
		time.RFC3339,
		"2006-01-02T15:04:05-0700",
		"2006-01-02T15:04:05",
		"2006-01-02 15:04:05",
		"2006-01-02T15:04",
		time.DateOnly,
		"01/02/2006",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return Time{t: t.UTC(), text: s}, nil
		}
	}
	return Time{}, fmt.Errorf("concur: time %q: want a date and time such as 2026-10-30T08:00:00Z", s)
}

// Time returns the instant in UTC, the zero time when there is none or it could
// not be read.
func (t Time) Time() time.Time { return t.t }

// IsZero reports whether there is no instant.
func (t Time) IsZero() bool { return t.t.IsZero() }

// Valid reports whether the text, if there was one, could be read.
func (t Time) Valid() bool { return t.text == "" || !t.t.IsZero() }

// String returns the text that t was read with.
func (t Time) String() string { return t.text }

// MarshalJSON writes the text that t was read with, null for none.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.text == "" {
		return []byte("null"), nil
	}
	return json.Marshal(t.text)
}

// UnmarshalJSON reads a text or null. A text that is no time is kept and is not
// an error: one broken stamp must not make a whole document unreadable.
func (t *Time) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return fmt.Errorf("time: %w", err)
	}
	v, err := ParseTime(s)
	if err != nil {
		v = Time{text: s}
	}
	*t = v
	return nil
}
