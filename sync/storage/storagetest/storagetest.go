// Package storagetest tells whether a backend keeps the contract of package
// storage. A backend needs a few lines, and no other test of what a store must
// do:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Store {
//			s, err := mystore.Open(t.Context(), t.TempDir())
//			require.NoError(t, err)
//			t.Cleanup(func() { s.Close() })
//			return s
//		}, nil)
//	}
//
// Each rule of the contract is one subtest. When it fails it prints the rule,
// what it protects, and what the store did instead. The suite does not test
// that a store survives a power cut; how a backend is made durable is for its
// author to know and to test.
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// Options tell what the suite must know about a backend.
type Options struct {
	// Lag is how long Due, Queues and List may show an older state. 0: not at all.
	// The contract allows up to a minute.
	Lag time.Duration
	// Reopen closes the store and opens another one on the same data. Nil: the
	// rules about reopening are skipped.
	Reopen func(t *testing.T, s storage.Store) storage.Store
}

// patience is how long the suite waits before it calls a store stuck, on a machine that
// may be overloaded.
const patience = 2 * time.Minute

// Run checks a backend. open returns a new, empty store; it is called once for
// each rule and cleans up through t.
func Run(t *testing.T, open func(t *testing.T) storage.Store, opts *Options) {
	t.Helper()
	if opts == nil {
		opts = &Options{}
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			c := &check{t: t, rule: r, lag: opts.Lag, store: open(t)}
			if opts.Reopen != nil {
				c.reopen = func(s storage.Store) storage.Store { return opts.Reopen(t, s) }
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience+2*opts.Lag)
			defer cancel()
			r.run(ctx, c)
		})
	}
}

// rule is one sentence of the contract.
type rule struct {
	name string
	text string // the rule and why it matters
	run  func(ctx context.Context, c *check)
}

func rules() []rule {
	var all []rule
	for _, group := range [][]rule{ledgerRules, casRules, dueRules, listRules, valueRules, contentRules, storeRules} {
		all = append(all, group...)
	}
	return all
}

// reporter is what the suite needs of *testing.T. The suite's own tests put a
// recorder in its place, to see that broken stores are caught.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Skip(args ...any)
}

// check runs one rule against one store.
type check struct {
	t      reporter
	rule   rule
	lag    time.Duration
	store  storage.Store
	reopen func(s storage.Store) storage.Store
}

// failf ends the rule.
func (c *check) failf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("the rule: %s\nthe store: %s", c.rule.text, fmt.Sprintf(format, args...))
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

// eventually waits for as long as the store may lag until look returns "".
func (c *check) eventually(ctx context.Context, look func() string) {
	c.t.Helper()
	deadline := time.Now().Add(c.lag)
	for {
		fault := look()
		if fault == "" {
			return
		}
		if !time.Now().Before(deadline) {
			c.failf("%s", fault)
		}
		again := time.NewTimer(min(20*time.Millisecond, c.lag))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			c.failf("%s", fault)
		}
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

// within fails the rule if do does not come back: a store that holds a lock
// between pages is stuck for ever, and so would the test be.
func (c *check) within(ctx context.Context, do func() error, what string) {
	c.t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		c.noError(err, "%s", what)
	case <-ctx.Done():
		c.failf("%s did not come back in time", what)
	}
}

// create writes a row and returns it with its Rev.
func (c *check) create(ctx context.Context, t storage.Transfer) storage.Transfer {
	c.t.Helper()
	t, err := c.store.Create(ctx, t)
	c.noError(err, "Create of %q", t.ID)
	return t
}

func (c *check) update(ctx context.Context, t storage.Transfer) storage.Transfer {
	c.t.Helper()
	t, err := c.store.Update(ctx, t)
	c.noError(err, "Update of %q with its current Rev", t.ID)
	return t
}

func (c *check) get(ctx context.Context, id storage.ID) storage.Transfer {
	c.t.Helper()
	t, err := c.store.Get(ctx, id)
	c.noError(err, "Get of %q", id)
	return t
}

// same fails the rule unless the rows are equal, Rev included.
func (c *check) same(want, got storage.Transfer, what string) {
	c.t.Helper()
	if d := difference(want, got); d != "" {
		c.failf("%s returned a row that differs: %s", what, d)
	}
}

// difference names the first field in which two rows differ.
func difference(want, got storage.Transfer) string {
	for _, f := range []struct {
		name      string
		want, got any
	}{
		{"ID", want.ID, got.ID},
		{"Rev", want.Rev, got.Rev},
		{"Flow", want.Flow, got.Flow},
		{"Queue", want.Queue, got.Queue},
		{"Due", want.Due.UnixMicro(), got.Due.UnixMicro()},
		{"Due.IsZero()", want.Due.IsZero(), got.Due.IsZero()},
		{"Wakes", want.Wakes, got.Wakes},
		{"Hint", want.Hint, got.Hint},
		{"State", want.State, got.State},
		{"Cause", want.Cause, got.Cause},
		{"Period", want.Period, got.Period},
		{"Format", want.Format, got.Format},
		{"Data", string(want.Data), string(got.Data)},
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

func id(document string) storage.ID {
	return storage.ID{Tenant: "acme", Target: "epicor-ap", Document: document}
}

// row returns a row in which every field says something else.
func row(document string) storage.Transfer {
	return storage.Transfer{
		ID: id(document), Flow: "reports-to-ap", Queue: "acme/reports/epicor", Due: base, Wakes: 3,
		Hint: "owner=7f3c correlation=91aa", State: "parked", Cause: "cost_centre_unknown", Period: "2026-03",
		Format: 2, Data: []byte(`{"revisions":[1]}`),
	}
}
