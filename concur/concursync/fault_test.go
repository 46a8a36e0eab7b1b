package concursync_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// faults are what a network and a busy vendor do to one call.
var faults = map[string]concurtest.Fault{
	"429":           {Status: 429},
	"429 then wait": {Status: 429, Header: http.Header{"Retry-After": {"3"}}},
	"401":           {Status: 401},
	"403":           {Status: 403},
	"500":           {Status: 500, Body: "<html>oops</html>"},
	"503":           {Status: 503},
	"lost answer":   {Drop: true, When: concurtest.After},
	"lost call":     {Drop: true},
	"half answer":   {Truncate: true},
}

// rich is a report of every kind of expense.
func rich(o *office) concurtest.Report {
	e := lunch("12.50")
	e.Custom = concurtest.Custom{"custom5": o.centres.Value("200")}
	return o.approved(
		e,
		concurtest.Expense{Type: "HOTEL", PaymentType: "CBCP", Itemizations: []concurtest.Expense{
			{Type: "LODGE", Amount: concurtest.Amount("250")}, {Type: "MEALS", Amount: concurtest.Amount("50")},
		}},
		concurtest.Expense{Type: "TAXI", Amount: concurtest.Amount("100"), Allocations: []concurtest.Allocation{
			{Percentage: concurtest.Amount("33.33"), Custom: concurtest.Custom{"custom5": o.centres.Value("200-7")}}, {Percentage: concurtest.Amount("66.67")},
		}},
	)
}

func TestOneFaultInAnyCallOfAFetchChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		r := rich(o)
		o.ResetCalls()
		want := o.fetch(t, r, nil)
		var calls []string
		for _, c := range o.Calls() {
			if call := c.Method + " " + c.Path; !slices.Contains(calls, call) {
				calls = append(calls, call)
			}
		}
		n := 0
		for _, call := range calls {
			for name, f := range faults {
				f.Match = func(r *http.Request) bool { return r.Method+" "+r.URL.Path == call }
				o.Inject(f)
				got, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
				require.NoError(t, err, "%s at %s", name, call)
				require.Equal(t, want, got, "%s at %s", name, call)
				o.ClearFaults()
				n++
			}
		}
		t.Logf("%d faults at %d calls", n, len(calls))
	})
}

func TestOneFaultInAnyCallOfASweepLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		for range 5 {
			o.approved(lunch("12.50"))
		}
		opts := &concursync.ReportsOptions{PageSize: 2}
		want, _ := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(opts)), "")
		for name, f := range faults {
			for _, path := range []string{"/expense/reports", "/.search"} {
				for skip := range 3 {
					f.Path, f.Skip = path, skip
					o.Inject(f)
					got, _ := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(opts)), "")
					require.Equal(t, want, got, "%s at %s", name, path)
					o.ClearFaults()
				}
			}
		}
	})
}
