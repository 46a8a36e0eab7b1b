package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// withPolicy is the example with financial documents and with lines added to its
// policy and its limits.
func withPolicy(t *testing.T, policy, limits string) string {
	t.Helper()
	text := strings.Replace(change(t, "      sweep: 15s", policy+"\n      sweep: 15s"), "      invoices: ", "      financial: {}\n      invoices: ", 1)
	return strings.Replace(text, "    limits: {}", "    limits: "+limits, 1)
}

func TestWhatIsKeptAndGivenBackAndWhatATenantTakesReachTheEngine(t *testing.T) {
	c, err := config.Parse("config.yaml", []byte(withPolicy(t, "      keep_contents: 400d\n      keep_rows: 3650d\n      return: {vendor_missing: 72h, cost_centre_unknown: at_once, any: 10d}",
		"{concurrency: 6, interval: 200ms, burst: 10}")))
	require.NoError(t, err)
	out, _ := c.App(func(string) string { return "" }) // secrets lead nowhere here
	p := out.Tenants[0].Policy
	require.Equal(t, []time.Duration{400 * 24 * time.Hour, 3650 * 24 * time.Hour}, []time.Duration{p.KeepContents, p.KeepRows})
	require.Equal(t, map[string]time.Duration{"vendor_missing": 72 * time.Hour, "cost_centre_unknown": 0, engine.AnyCause: 240 * time.Hour}, p.Return)
	require.Equal(t, engine.Limits{Concurrency: 6, Interval: 200 * time.Millisecond, Burst: 10}, out.Tenants[0].Limits)
}

func TestTimesOfFailingDocumentsAndOfPaymentsReachTheEngine(t *testing.T) {
	for text, want := range map[string][]time.Duration{
		"      max_failing: 36h\n      payments: 5m": {36 * time.Hour, 5 * time.Minute},
		"      payments: never":                      {0, -1},
		"":                                           {0, 0},
	} {
		c, err := config.Parse("config.yaml", []byte(withPolicy(t, text, "{}")))
		require.NoError(t, err)
		out, _ := c.App(func(string) string { return "" }) // secrets lead nowhere here
		p := out.Tenants[0].Policy
		require.Equal(t, want, []time.Duration{p.MaxFailing, p.Payments}, text)
	}
}

func TestLooksForPaymentsOfWhichNobodyIsToldAreRefused(t *testing.T) {
	fs := faults(t, change(t, "      sweep: 15s", "      payments: 5m\n      sweep: 15s"))
	require.Len(t, fs, 1, fs.Error())
	require.Contains(t, fs.Error(), "policy.payments: nobody is told of payments")
	_, err := config.Parse("config.yaml", []byte(change(t, "      sweep: 15s", "      payments: never\n      sweep: 15s")))
	require.NoError(t, err)
}

func TestAPolicyThatContradictsItselfIsRefusedAtItsPlace(t *testing.T) {
	for name, x := range map[string]struct{ policy, limits, want string }{
		"a mistyped code":          {"      return: {vendor_mising: 72h}", "{}", `:\d+:16: .*policy.return.vendor_mising: no document waits .*did you mean "vendor_missing"\?`},
		"a code from nowhere":      {"      return: {qqqqqqqqqqqqq: 72h}", "{}", `no document waits with a code .*any for all`},
		"a word for a time":        {"      return: {any: soon}", "{}", `policy.return.any: "soon" is no duration; write one such as .*, or at_once`},
		"a time for a section":     {"      return: 72h", "{}", `policy.return: want keys with values`},
		"at once where it is none": {"      keep_rows: at_once", "{}", `keep_rows: "at_once" is no duration`},
		"rows that go too early":   {"      keep_rows: 92d", "{}", `keep_rows: the tie-out of a month needs what is older than 92d; write at least 93d`},
		"contents beyond rows":     {"      keep_contents: 101d\n      keep_rows: 100d", "{}", `keep_contents: the contents go with their transfer after 100d`},
		"too many days":            {"      keep_rows: 100001d", "{}", `keep_rows: "100001d" is no duration`},
		"a burst of nothing":       {"", "{burst: 3}", `limits.burst: without an interval`},
		"more than the workers":    {"", "{concurrency: 9}", `limits.concurrency: 9 documents cannot .* by 8 workers`},
		"never for a time":         {"      max_failing: never", "{}", `max_failing: "never" is no duration`},
		"a time back":              {"      max_failing: -1h", "{}", `max_failing: "-1h" is no duration`},
		"no number":                {"", "{concurrency: many}", `limits.concurrency: "many" is no whole number`},
	} {
		t.Run(name, func(t *testing.T) {
			fs := faults(t, withPolicy(t, x.policy, x.limits))
			require.Len(t, fs, 1, fs.Error())
			require.Regexp(t, x.want, fs.Error())
		})
	}
}

func TestReturnWithoutFinancialDocumentsIsRefused(t *testing.T) {
	fs := faults(t, change(t, "      sweep: 15s", "      return: {any: 72h}\n      sweep: 15s"))
	require.Len(t, fs, 1, fs.Error())
	require.Contains(t, fs.Error(), "nothing of this tenant can be given back")
}
