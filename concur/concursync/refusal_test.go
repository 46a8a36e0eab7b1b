package concursync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

func TestOneReportThatIsRefusedForEverParksAndTwentyGoThrough(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at     int
		path   func(concurtest.Report) string
		status int
	}{
		"the header of the first": {0, func(r concurtest.Report) string { return "/reports/" + r.ID }, 403},
		"the header of the last":  {20, func(r concurtest.Report) string { return "/reports/" + r.ID }, 403},
		"its token, it says":      {7, func(r concurtest.Report) string { return "/reports/" + r.ID }, 401},
		"an allocation":           {0, func(r concurtest.Report) string { return r.Expenses[0].ID + "/allocations" }, 403},
		"version 3":               {0, func(r concurtest.Report) string { return "/api/v3.0/expense/reports/" + r.ID }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, nil)
			var reports []concurtest.Report
			for range 21 {
				reports = append(reports, o.approved(lunch("12.50")))
			}
			o.Inject(concurtest.Fault{Path: c.path(reports[c.at]), Status: c.status, Times: -1})
			source := concursync.Reports(o.client, nil)
			for i, r := range reports {
				s, err := source.Fetch(t.Context(), o.ref(r))
				if i == c.at {
					issue := rejectedWith(t, err)
					require.Equal(t, []string{concursync.ReportForbidden, string(connector.ConcurAdmin)}, []string{issue.Code, string(issue.Owner)})
					continue
				}
				require.NoError(t, err)
				require.Equal(t, connector.Ready, s.Phase)
			}
		})
	}
}

func TestRefusalOfAllReportsIsTheConnections(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/expensereports/v4", "/allocations", "/api/v3.0/expense/entries", "/list/v4/items"} {
		o := open(t, nil)
		e := lunch("12.50")
		e.Custom = concurtest.Custom{"custom5": o.centres.Value("200")}
		for range 3 {
			o.approved(e)
		}
		r := o.approved(e)
		o.Inject(concurtest.Fault{Match: within(path), Status: 403, Times: -1})
		_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
		require.ErrorIs(t, err, connector.ErrConnection, path)
	}
}

// A scope that is taken away is seen within a minute, not document by document.
func TestThatOthersCouldBeReadIsNotBelievedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		o.approved(lunch("1"))
		r := o.approved(lunch("12.50"))
		source := concursync.Reports(o.client, nil)
		_, err := source.Fetch(t.Context(), o.ref(r))
		require.NoError(t, err)
		o.Inject(concurtest.Fault{Match: within("/expensereports/v4"), Status: 403, Times: -1})
		time.Sleep(61 * time.Second) //nolint:forbidigo // virtual time
		_, err = source.Fetch(t.Context(), o.ref(r))
		require.ErrorIs(t, err, connector.ErrConnection)
	})
}

func TestRefusalIsNotJudgedWhileOthersCannotBeSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		o.approved(lunch("1"))
		r := o.approved(lunch("12.50"))
		o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: 403, Times: -1})
		o.Inject(concurtest.Fault{Path: "/allocations", Status: 503, Times: -1})
		_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
		require.Error(t, err)
		require.NotErrorIs(t, err, connector.ErrConnection)
		require.NotErrorIs(t, err, connector.ErrRejected)
	})
}

func TestOtherThatIsGoneOrRefusedTooIsPassedOver(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	gone, also, _ := o.approved(lunch("1")), o.approved(lunch("2")), o.approved(lunch("3"))
	r := o.approved(lunch("12.50"))
	o.Inject(concurtest.Fault{Path: "/reports/" + gone.ID, Status: 404, Times: -1})
	o.Inject(concurtest.Fault{Path: "/reports/" + also.ID, Status: 403, Times: -1})
	o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: 403, Times: -1})
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.Equal(t, concursync.ReportForbidden, rejectedWith(t, err).Code)
}

func TestOneInvoiceThatIsRefusedForEverParks(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	bad := o.company.AddApprovedPaymentRequest(invoice(line("480")))
	good := o.company.AddApprovedPaymentRequest(invoice(line("90")))
	o.Inject(concurtest.Fault{Path: "/paymentrequest/" + bad.ID, Status: 403, Times: -1})
	source := concursync.PaymentRequests(o.client, &invoiceOptions)
	_, err := source.Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: bad.ID})
	require.Equal(t, concursync.InvoiceForbidden, rejectedWith(t, err).Code)
	require.Equal(t, connector.Ready, o.invoice(t, good).Phase)
}

func TestRefusalOfAllInvoicesIsTheConnections(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480")))
	o.company.AddApprovedPaymentRequest(invoice(line("90")))
	o.Inject(concurtest.Fault{Match: within("/paymentrequest/"), Status: 403, Times: -1})
	_, err := concursync.PaymentRequests(o.client, &invoiceOptions).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.ErrorIs(t, err, connector.ErrConnection)
}

func TestEveryCodeSaysWhoMendsItAndHow(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, c := range concursync.Codes() {
		require.NotEmpty(t, c.Meaning)
		require.NotEmpty(t, c.Owner)
		require.NotEmpty(t, c.Remedy)
		codes = append(codes, c.Code)
	}
	require.ElementsMatch(t, []string{
		concursync.AllocationPercent, concursync.ExpenseCurrency, concursync.ReportOwnerUnknown,
		concursync.ReportForbidden, concursync.InvoiceForbidden, concursync.FinancialUnreadable, concursync.FinancialStateUnknown,
	}, codes)
}
