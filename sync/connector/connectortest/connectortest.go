// Package connectortest tells whether an end keeps the contract of package
// connector. A sink needs a few lines:
//
//	func TestSink(t *testing.T) {
//		connectortest.RunSink(t, connectortest.SinkHarness[Posting]{
//			Open:    func(t *testing.T) (connector.Sink[Posting], any) { … },
//			Posting: func(n int) Posting { … },
//		})
//	}
//
// and a source likewise with RunSource. A source that wants to be told passes
// RunAcknowledger as well, and a sink that tells of payments RunPayer; the two ends
// of a mirror have RunOriginal and RunCopy. Open gives an end over a system of its own, best the
// vendor's fake; the optional functions let the suite see more and break more.
//
// Each rule of the contract is one subtest. When it fails it prints the rule,
// what it protects, and what the end did instead.
package connectortest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// patience is how long the suite waits before it calls an end stuck.
const patience = 60 * time.Second

// reporter is what the suite needs of *testing.T. The suite's own tests put a
// recorder in its place, to see that broken ends are caught.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Skip(args ...any)
}

// check is one rule on its way.
type check struct {
	t    reporter
	text string
}

// needs skips a rule that cannot be checked without a function of the harness.
func (c *check) needs(have bool, what string) {
	c.t.Helper()
	if !have {
		c.t.Skip("the harness has no " + what)
	}
}

// failf ends the rule.
func (c *check) failf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("the rule: %s\nthe end: %s", c.text, fmt.Sprintf(format, args...))
	c.t.FailNow()
}

func (c *check) noError(err error, what string, args ...any) {
	c.t.Helper()
	if err != nil {
		c.failf("%s returned an error: %v", fmt.Sprintf(what, args...), err)
	}
}

// within fails the rule if do does not come back.
func (c *check) within(ctx context.Context, what string, do func() error) error {
	c.t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		c.failf("%s did not come back in time", what)
		return nil
	}
}

// cancelled fails the rule unless do returns an error soon when its context has
// ended.
func (c *check) cancelled(ctx context.Context, what string, do func(ctx context.Context) error) {
	c.t.Helper()
	over, cancel := context.WithCancel(ctx)
	cancel()
	err := c.within(ctx, what, func() error { return do(over) })
	if err == nil {
		c.failf("%s returned nil with a context that had ended", what)
	}
	c.noClaim(err, what+" with a context that had ended")
}

// noClaim fails the rule when an error says more than that it did not work.
func (c *check) noClaim(err error, what string) {
	c.t.Helper()
	for _, claim := range []error{connector.ErrRejected, connector.ErrWithdrawn, connector.ErrNotFound} {
		if errors.Is(err, claim) {
			c.failf("%s claims %q: %v", what, claim, err)
		}
	}
}

// sum adds totals up by company and currency. Text is what is compared, so that
// 12.1 and 12.10 are the same.
func sum(totals []connector.Total) map[string]string {
	amounts := map[string]decimal.Decimal{}
	for _, t := range totals {
		at := t.Company + " " + t.Currency
		amounts[at] = amounts[at].Add(t.Amount)
	}
	out := map[string]string{}
	for at, a := range amounts {
		if !a.IsZero() {
			out[at] = a.String()
		}
	}
	return out
}

// each runs one subtest for each rule.
func each(t *testing.T, rules int, rule func(i int) (name string, run func(ctx context.Context, t *testing.T))) {
	t.Helper()
	for i := range rules {
		name, run := rule(i)
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			run(ctx, t)
		})
	}
}
