package check

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/monitor"
)

// maxSkew is how far this machine's clock may be from a vendor's: signatures,
// tokens and periods hang on it.
const maxSkew = 5 * time.Second

// clock compares this machine's clock with the Date of answers. The header has
// whole seconds, and an answer is written some time between the call and its
// return: what cannot be explained by both is skew.
type clock struct {
	now func() time.Time

	mu   sync.Mutex
	skew map[string]time.Duration // by system: the smallest seen, positive where we are ahead
	seen map[string]bool
}

func newClock(now func() time.Time) *clock {
	return &clock{now: now, skew: map[string]time.Duration{}, seen: map[string]bool{}}
}

func (c *clock) watch(base http.RoundTripper) http.RoundTripper { return timed{base, c} }

type timed struct {
	base http.RoundTripper
	c    *clock
}

// RoundTrip implements http.RoundTripper.
func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	system := monitor.System(r)
	began := t.c.now()
	res, err := t.base.RoundTrip(r)
	if err == nil {
		if date, dateErr := http.ParseTime(res.Header.Get("Date")); dateErr == nil {
			t.c.saw(system, began, t.c.now(), date)
		}
	}
	return res, err
}

func (c *clock) saw(system string, began, ended, date time.Time) {
	skew := time.Duration(0)
	switch {
	case began.After(date.Add(time.Second)):
		skew = began.Sub(date.Add(time.Second))
	case ended.Before(date):
		skew = -date.Sub(ended)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.seen[system] || skew.Abs() < c.skew[system].Abs() {
		c.skew[system] = skew
	}
	c.seen[system] = true
}

// clock says how the clocks differ.
func (c *checker) clock(seen *clock) {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, system := range []struct{ key, area string }{{"concur", Concur}, {"epicor", Epicor}} {
		if !seen.seen[system.key] {
			continue
		}
		skew := seen.skew[system.key]
		if skew.Abs() <= maxSkew {
			c.ok(system.area, "clock", "agrees with this machine's")
			continue
		}
		direction := "ahead of"
		if skew < 0 {
			direction = "behind"
		}
		c.bad(Wrong, system.area, "clock", Operator, "let this machine's clock follow a time server (NTP)",
			fmt.Sprintf("this machine is %s %s %s", skew.Abs().Round(time.Second), direction, system.area))
	}
}
