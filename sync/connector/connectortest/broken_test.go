package connectortest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

func TestSinkThatKeepsTheContractPasses(t *testing.T) { RunSink(t, harness()) }

func TestSourceThatKeepsTheContractPasses(t *testing.T) { RunSource(t, desks()) }

func TestHarnessOfTwoFunctionsIsEnoughForASink(t *testing.T) {
	h := harness()
	RunSink(t, SinkHarness[set]{Open: h.Open, Posting: h.Posting})
}

func TestHarnessOfOneFunctionIsEnoughForASource(t *testing.T) {
	h := desks()
	RunSource(t, SourceHarness[int64]{Open: h.Open, Ready: h.Ready, NotYet: h.NotYet})
}

// faultOf runs one rule and returns what it found, or "". The rule has a clock of
// its own, which moves on only when everybody waits: a toy that waits between
// looking and writing lets all the others in, and only who is stuck runs out of
// time.
func faultOf(t *testing.T, rule func(ctx context.Context, t *testing.T, rep reporter)) (fault string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rec := recorded(func(rep reporter) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			rule(ctx, t, rep)
		})
		fault = strings.Join(rec.faults, "\n")
		<-time.After(time.Second) // callers that the rule did not wait for come to their end
	})
	return fault
}

// sinkFaults runs every rule against a sink and returns the names and texts of
// those that failed.
func sinkFaults(t *testing.T, h SinkHarness[set]) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range sinkRules[set]() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			s, target := h.Open(t)
			r.run(ctx, &sinkCheck[set]{check: check{t: rep, text: r.text}, h: h, tt: t, sink: s, target: target})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

func sourceFaults(t *testing.T, h SourceHarness[int64]) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range sourceRules[int64]() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			s, system := h.Open(t)
			r.run(ctx, &sourceCheck[int64]{check: check{t: rep, text: r.text}, h: h, tt: t, source: s, system: system})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

func TestBrokenSinksAreCaught(t *testing.T) {
	for fault, rule := range map[string]string{
		"posts twice":                "Deliver twice makes one set",
		"no order between processes": "concurrent Deliver makes one set",
		"finds in memory":            "Find looks in the target",
		"reverses what bears no key": "Reverse touches nothing without the key",
		"reverses the first only":    "Reverse leaves nothing with the key",
		"reverses once":              "Reverse is repeatable",
		"takes back in Deliver":      "Deliver never takes back",
		"key without a generation":   "generation 2 after Reverse works",
		"key on the first only":      "every document bears the key",
		"takes a clerk's for ours":   "somebody else's document is different",
		"blind to changes":           "what bears our key and was changed is different",
		"a part is different":        "a part of a set is completed",
		"a part is same":             "a part of a set is completed",
		"claims refusals":            "a lost answer is found",
		"swallows errors":            "a part of a set is completed",
		"rounded totals":             "a receipt adds up",
		"deaf to its context":        "a context that ended is an error",
	} {
		t.Run(fault, func(t *testing.T) {
			found := sinkFaults(t, harness(fault))
			require.Contains(t, found, rule)
			require.Contains(t, found[rule], "the rule: ")
			require.Contains(t, found[rule], "the end: ")
		})
	}
}

func TestBrokenSourcesAreCaught(t *testing.T) {
	for fault, rule := range map[string]string{
		"counts revisions itself":     "the revision is the source's",
		"never a new revision":        "the revision is the source's",
		"unknown is withdrawn":        "Fetch of an unknown document is ErrNotFound",
		"no period":                   "a snapshot that is ready is whole",
		"no totals":                   "a snapshot that is ready is whole",
		"wrong totals":                "a snapshot that is ready is whole",
		"everything is ready":         "a document that is not approved is not ready",
		"content of the day":          "the same document gives the same snapshot",
		"version of the day":          "a version is stable",
		"version that never changes":  "a change is found from the last cursor",
		"always more":                 "a sweep finds every document and ends",
		"one page only":               "a sweep finds every document and ends",
		"ends behind what is to come": "a change is found from the last cursor",
		"another kind":                "a sweep finds every document and ends",
		"deaf to its context":         "a context that ended is an error",
	} {
		t.Run(fault, func(t *testing.T) {
			require.Contains(t, sourceFaults(t, desks(fault)), rule)
		})
	}
}

func TestEveryRuleOfASinkIsBrokenByOneOfTheExamples(t *testing.T) {
	caught := map[string]bool{}
	for _, fault := range []string{
		"posts twice", "no order between processes", "finds in memory", "reverses what bears no key", "reverses the first only",
		"reverses once", "takes back in Deliver", "key without a generation", "key on the first only", "takes a clerk's for ours",
		"blind to changes", "a part is different", "a part is same", "claims refusals", "rounded totals", "deaf to its context",
	} {
		for rule := range sinkFaults(t, harness(fault)) {
			caught[rule] = true
		}
	}
	for _, r := range sinkRules[set]() {
		switch r.name {
		case "Find says absent before", "Find says same after Deliver", "a delivery is its own":
			continue // what breaks these breaks everything
		}
		require.True(t, caught[r.name], "no broken sink is caught by %q", r.name)
	}
}

func TestFaultsNameTheRuleAndTheReason(t *testing.T) {
	found := sinkFaults(t, harness("posts twice"))
	require.Contains(t, found["Deliver twice makes one set"], "must not post an invoice twice")
	for _, r := range sinkRules[set]() {
		require.NotEmpty(t, r.text)
		require.True(t, strings.HasSuffix(r.text, "."), r.name)
	}
}

var (
	_ connector.Sink[set]     = (*sink)(nil)
	_ connector.Source[int64] = (*source)(nil)
	_ connector.Kinder        = (*source)(nil)
)
