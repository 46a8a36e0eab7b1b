// Package audittest tells whether a log keeps the contract of package audit. A
// log needs a few lines:
//
//	func TestLog(t *testing.T) {
//		audittest.Run(t, func(t *testing.T) audit.Log {
//			l, err := mylog.Open(t.Context(), t.TempDir())
//			require.NoError(t, err)
//			t.Cleanup(func() { l.Close() })
//			return l
//		}, nil)
//	}
//
// Each rule of the contract is one subtest. When it fails it prints the rule,
// what it protects, and what the log did instead. The suite does not test that
// a log survives a power cut, nor that its records cannot be changed by other
// means; both are for its author to know and to test.
package audittest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/audit"
)

// Options tell what the suite must know about a log.
type Options struct {
	// Reopen closes the log and opens another one on the same data. Nil: the rule
	// about reopening is skipped.
	Reopen func(t *testing.T, l audit.Log) audit.Log
}

// patience is how long the suite waits before it calls a log stuck, on a machine that
// may be overloaded.
const patience = 2 * time.Minute

// Run checks a log. open returns a new, empty log; it is called once for each
// rule and cleans up through t.
func Run(t *testing.T, open func(t *testing.T) audit.Log, opts *Options) {
	t.Helper()
	if opts == nil {
		opts = &Options{}
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			c := &check{t: t, rule: r, log: open(t)}
			if opts.Reopen != nil {
				c.reopen = func(l audit.Log) audit.Log { return opts.Reopen(t, l) }
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r.run(ctx, c)
		})
	}
}

func rules() []rule {
	return append(append([]rule(nil), appendRules...), readRules...)
}

// rule is one sentence of the contract.
type rule struct {
	name string
	text string // the rule and why it matters
	run  func(ctx context.Context, c *check)
}

// reporter is what the suite needs of *testing.T. The suite's own tests put a
// recorder in its place, to see that broken logs are caught.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Skip(args ...any)
}

// check runs one rule against one log.
type check struct {
	t      reporter
	rule   rule
	log    audit.Log
	reopen func(l audit.Log) audit.Log
}

// failf ends the rule.
func (c *check) failf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("the rule: %s\nthe log: %s", c.rule.text, fmt.Sprintf(format, args...))
	c.t.FailNow()
}

func (c *check) noError(err error, what string, args ...any) {
	c.t.Helper()
	if err != nil {
		c.failf("%s returned an error: %v", fmt.Sprintf(what, args...), err)
	}
}

func (c *check) isError(err, want error, what string, args ...any) {
	c.t.Helper()
	if !errors.Is(err, want) {
		c.failf("%s returned %v, not an error that is %q", fmt.Sprintf(what, args...), err, want)
	}
}

// together runs do n times at once and waits for all of them.
func (c *check) together(ctx context.Context, n int, do func(i int) error) {
	c.t.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- do(i) }()
	}
	for range n {
		select {
		case err := <-errs:
			c.noError(err, "one of %d concurrent callers", n)
		case <-ctx.Done():
			c.failf("some of %d concurrent callers did not come back in time", n)
		}
	}
}

func (c *check) append(ctx context.Context, rs ...audit.Record) {
	c.t.Helper()
	c.noError(c.log.Append(ctx, rs), "Append of record %d to %d of tenant %q", rs[0].Seq, rs[len(rs)-1].Seq, rs[0].Tenant)
}

// all reads every record of a query, page by page.
func (c *check) all(ctx context.Context, q audit.Query) []audit.Record {
	c.t.Helper()
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	var all []audit.Record
	for {
		rs, next, err := c.log.Read(ctx, q)
		c.noError(err, "Read of %+v", q)
		if len(rs) > limit {
			c.failf("Read with limit %d returned %d records", q.Limit, len(rs))
		}
		all = append(all, rs...)
		if next == 0 {
			return all
		}
		if next <= q.After {
			c.failf("Read after %d returned the next %d: it goes round in circles", q.After, next)
		}
		q.After = next
	}
}

// are fails the rule unless the records are the wanted ones, in their order.
func (c *check) are(got, want []audit.Record, what string) {
	c.t.Helper()
	for i := range min(len(got), len(want)) {
		if d := difference(want[i], got[i]); d != "" {
			c.failf("%s returned as its record %d one that differs: %s", what, i+1, d)
		}
	}
	if len(got) != len(want) {
		c.failf("%s returned %d records, not %d", what, len(got), len(want))
	}
}

// lastIs fails the rule unless r is the tenant's newest record.
func (c *check) lastIs(ctx context.Context, r audit.Record) {
	c.t.Helper()
	got, err := c.log.Last(ctx, r.Tenant)
	c.noError(err, "Last of tenant %q", r.Tenant)
	if d := difference(r, got); d != "" {
		c.failf("Last of tenant %q returned a record that differs: %s", r.Tenant, d)
	}
}

// difference names the first field in which two records differ.
func difference(want, got audit.Record) string {
	for _, f := range []struct {
		name      string
		want, got any
	}{
		{"Tenant", want.Tenant, got.Tenant},
		{"Seq", want.Seq, got.Seq},
		{"Time", want.Time.UnixMicro(), got.Time.UnixMicro()},
		{"zone of Time", time.UTC.String(), got.Time.Location().String()},
		{"ID", want.ID, got.ID},
		{"Actor", want.Actor, got.Actor},
		{"Action", want.Action, got.Action},
		{"Subject", want.Subject, got.Subject},
		{"Outcome", want.Outcome, got.Outcome},
		{"Reason", want.Reason, got.Reason},
		{"Detail", string(want.Detail), string(got.Detail)},
		{"Sealed", string(want.Sealed), string(got.Sealed)},
		{"Prev", want.Prev, got.Prev},
		{"Hash", want.Hash, got.Hash},
	} {
		if f.want != f.got {
			return fmt.Sprintf("%s is %s, not %s", f.name, short(f.got), short(f.want))
		}
	}
	return ""
}

// short prints a value that may be long.
func short(v any) string {
	s := fmt.Sprintf("%q", v)
	if _, ok := v.(string); !ok {
		s = fmt.Sprintf("%v", v)
	}
	if len(s) > 120 {
		return fmt.Sprintf("%s… (%d bytes)", s[:100], len(s))
	}
	return s
}

// base is when things happen in the suite: a time with microseconds.
var base = time.Date(2026, 3, 31, 21, 59, 59, 123456000, time.UTC)

// record returns a record in which every field says something else.
func record(tenant string, seq int64) audit.Record {
	return audit.Record{
		Tenant: tenant, Seq: seq, Time: base.Add(time.Duration(seq) * time.Microsecond), ID: fmt.Sprintf("deliver/%d", seq),
		Actor: "engine", Action: "deliver", Subject: fmt.Sprintf("report %d", seq%3), Outcome: "posted", Reason: "approved",
		// Not as an encoder would write it: a log that decodes and encodes again changes the bytes that were hashed.
		Detail: []byte(`{ "b":1.0, "a":"\u00e4<>&", "n":12345678901234567890, "b":2e0 }`),
		Sealed: []byte{0, 0xff, '\'', byte(seq)},
		Prev:   fmt.Sprintf("hash-%d", seq-1), Hash: fmt.Sprintf("hash-%d", seq),
	}
}

// records returns records with the numbers from first to last.
func records(tenant string, first, last int64) []audit.Record {
	var rs []audit.Record
	for seq := first; seq <= last; seq++ {
		rs = append(rs, record(tenant, seq))
	}
	return rs
}
