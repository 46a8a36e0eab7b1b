package concursync_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

func TestWithoutFromNoSweepReachesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		o.approved(lunch("1"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		s := concursync.Reports(o.client, nil)
		found, next := sweep(t.Context(), t, s, "")
		require.Empty(t, found, "it was posted before the connector came")
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		later := o.approved(lunch("2"))
		for range 3 {
			found, next = sweep(t.Context(), t, concursync.Reports(o.client, nil), next)
			require.Equal(t, []string{later.ID}, slices.Collect(maps.Keys(found)), "and the overlap does not reach back either")
		}
	})
}

func TestFirstSweepThatFailsKeepsItsBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		first, err := concursync.Reports(o.client, nil).Changes(t.Context(), "")
		require.NoError(t, err)
		require.True(t, first.More)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		r := o.approved(lunch("2"))
		o.Inject(concurtest.Fault{Path: "/expense/reports", Status: 400, Body: `{"Message":"no"}`})
		_, err = concursync.Reports(o.client, nil).Changes(t.Context(), first.Next)
		require.Error(t, err)
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		found, _ := sweep(t.Context(), t, concursync.Reports(o.client, nil), first.Next)
		require.Contains(t, found, r.ID)
	})
}

func TestOverlapNeverReachesBeforeFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		o.approved(lunch("1"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		opts := &concursync.ReportsOptions{From: time.Now()}
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		r := o.approved(lunch("2"))
		var next connector.Cursor
		for range 2 {
			var found map[string]change
			found, next = sweep(t.Context(), t, concursync.Reports(o.client, opts), next)
			require.Equal(t, []string{r.ID}, slices.Collect(maps.Keys(found)))
		}
	})
}

func TestInvoicesFromBeforeTheBeginningAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, explicit := range map[string]bool{"default": false, "from": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := openInvoices(t, nil)
				o.company.AddApprovedPaymentRequest(invoice(line("480")))
				time.Sleep(time.Hour) //nolint:forbidigo // virtual time
				opts := invoiceOptions
				if opts.From = (time.Time{}); explicit {
					opts.From = time.Now()
				}
				_, next := sweep(t.Context(), t, concursync.PaymentRequests(o.client, &opts), "")
				time.Sleep(time.Hour) //nolint:forbidigo // virtual time
				p := o.company.AddApprovedPaymentRequest(invoice(line("90")))
				found, _ := sweep(t.Context(), t, concursync.PaymentRequests(o.client, &opts), next)
				require.Equal(t, []string{p.ID}, slices.Collect(maps.Keys(found)))
			})
		})
	}
}

func TestSweepThatBeginsAnewDoesNotReachBackEither(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		o.approved(lunch("1"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		s := concursync.Reports(o.client, &concursync.ReportsOptions{PageSize: 2})
		_, next := sweep(t.Context(), t, s, "")
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		for range 5 {
			o.approved(lunch("2"))
		}
		p, err := s.Changes(t.Context(), next)
		require.NoError(t, err)
		o.Inject(concurtest.Fault{Path: "/api/v3.0/expense/reports", Status: 400, Body: `{"Message":"offset is invalid"}`})
		found, _ := sweep(t.Context(), t, s, p.Next)
		require.Len(t, found, 5)
	})
}

// A digest need not say when it changed; then the filter of whole days decides.
func TestDigestsAreAskedForFromTheDayBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	opts := invoiceOptions
	opts.From = time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	o.ResetCalls()
	_, _ = sweep(t.Context(), t, concursync.PaymentRequests(o.client, &opts), "")
	calls := o.Calls()
	require.Contains(t, calls[len(calls)-1].Query, "2026-10-04")
}

// The list is ordered by change: when the first row changes after its page was
// read, the first row of the next page moves into the page that was read.
func TestReportThatMovesWhileTheListIsPagedIsFoundByTheNextSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, &concurtest.Options{ReportsByChange: true})
		var reports []concurtest.Report
		for range 5 {
			reports = append(reports, o.approved(lunch("1")))
			time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		}
		s := concursync.Reports(o.client, fromLongAgo(&concursync.ReportsOptions{PageSize: 2}))
		first, err := s.Changes(t.Context(), "")
		require.NoError(t, err)
		o.company.EditReport(reports[0].ID, func(r *concurtest.Report) { r.Name = "April" })
		rest, next := sweep(t.Context(), t, s, first.Next)
		require.NotContains(t, rest, reports[2].ID, "it moved past the reader")
		found, _ := sweep(t.Context(), t, s, next)
		require.Contains(t, found, reports[2].ID)
	})
}

func TestSweepsOfManyPagesGoForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		s := concursync.Reports(o.client, fromLongAgo(&concursync.ReportsOptions{PageSize: 2}))
		var next connector.Cursor
		var ids []string
		add := func() {
			for range 3 {
				ids = append(ids, o.approved(lunch("1")).ID)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		}
		for round := range 6 {
			add()
			var found map[string]change
			found, next = sweep(t.Context(), t, s, next)
			for _, id := range ids[3*round:] {
				require.Contains(t, found, id)
			}
			require.LessOrEqual(t, len(found), 3*4, "what was seen twice stays behind")
		}
		_, next = sweep(t.Context(), t, s, next)
		found, _ := sweep(t.Context(), t, s, next)
		require.LessOrEqual(t, len(found), 3)
	})
}
