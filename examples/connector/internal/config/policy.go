package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// AnyCode stands in policy.return for every code that is not named there.
const AnyCode = "any"

// MinKeepRows is the shortest time that a transfer's row is kept: the tie-out of
// a month asks the ledger which document an AP invoice belongs to, until its
// papers are closed.
const MinKeepRows = 93 * 24 * time.Hour

// defaultWorkers are the engine's.
const defaultWorkers = 8

// judgePolicy notes what contradicts itself in how documents behave over time.
func (c *Config) judgePolicy(t *Tenant, check func(ok bool, key, what, remedy string)) {
	p := t.Policy
	if len(p.Return) > 0 {
		check(t.Concur.Financial != nil, "policy.return", "nothing of this tenant can be given back: Concur is told only what became of financial documents",
			"add concur.financial where SAP Concur switched the Financial Integration Service on, or remove it")
	}
	check(p.Payments <= 0 || t.Concur.Financial != nil, "policy.payments", "nobody is told of payments: Concur is told only of those of financial documents",
		"add concur.financial where SAP Concur switched the Financial Integration Service on, or remove it")
	var codes []string
	for _, e := range catalogue.Entries() {
		codes = append(codes, e.Code.Code)
	}
	for _, code := range slices.Sorted(maps.Keys(p.Return)) {
		if code == AnyCode || catalogue.Known(code) {
			continue
		}
		remedy := "write one of those in docs/errors, or " + AnyCode + " for all that are not named"
		if near := nearest(code, codes); near != "" {
			remedy = fmt.Sprintf("did you mean %q?", near)
		}
		check(false, "policy.return."+code, fmt.Sprintf("no document waits with a code %.60q", code), remedy)
	}
	check(p.KeepRows == 0 || p.KeepRows >= MinKeepRows, "policy.keep_rows", fmt.Sprintf("the tie-out of a month needs what is older than %s", days(p.KeepRows)),
		fmt.Sprintf("write at least %s, or nothing: transfers are then kept for ever", days(MinKeepRows)))
	check(p.KeepRows == 0 || p.KeepContents <= p.KeepRows, "policy.keep_contents", fmt.Sprintf("the contents go with their transfer after %s, which is earlier", days(p.KeepRows)),
		"write a time up to keep_rows, or remove it")
	l := t.Limits
	check(l.Burst == 0 || l.Interval > 0, "limits.burst", "without an interval nothing is held back", "give limits.interval, or remove it")
	workers := c.Workers
	if workers == 0 {
		workers = defaultWorkers
	}
	check(l.Concurrency <= workers, "limits.concurrency", fmt.Sprintf("%d documents cannot be worked on at once by %d workers", l.Concurrency, workers), "write a smaller number, or raise workers")
}

// days says a time in whole days where it is some.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// returns is Return as the engine takes it.
func (p Policy) returns() map[string]time.Duration {
	if len(p.Return) == 0 {
		return nil
	}
	out := maps.Clone(p.Return)
	if after, ok := out[AnyCode]; ok {
		delete(out, AnyCode)
		out[engine.AnyCause] = after
	}
	return out
}
