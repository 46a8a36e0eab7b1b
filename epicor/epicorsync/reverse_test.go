package epicorsync_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

func onSecond() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

// canceller is a sink that cancels what is posted.
func canceller(t *testing.T, srv *epicortest.Server) *epicorsync.InvoiceSink {
	t.Helper()
	return epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), &epicorsync.InvoicesOptions{Reversal: epicorsync.Cancel, Now: onSecond})
}

func TestAPostedSetIsCancelledToNothing(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		srv := server(&epicortest.Options{CancellationKeepsKey: keeps})
		s := canceller(t, srv)
		d := report()
		r, err := s.Deliver(t.Context(), d)
		require.NoError(t, err)
		require.Empty(t, srv.Post(company, r.Made[0].Batch))
		for range 2 {
			r, err = s.Reverse(t.Context(), d)
			require.NoError(t, err)
			require.True(t, r.Final)
		}
		sum := dec("0")
		invs := srv.Invoices(company)
		require.Len(t, invs, 6)
		for _, i := range invs {
			sum = sum.Add(i.Amount)
			if i.Cancels {
				require.Equal(t, "2026-11-02", i.Date.String())
				require.Equal(t, d.Key(), i.ExternalID)
			} else {
				require.Equal(t, i.Number+"-C", i.CancelledBy)
			}
		}
		require.True(t, sum.IsZero())
		require.Empty(t, srv.Post(company, "CX261102U"), "finance posts the cancellations")
		standing, err := s.Standing(t.Context(), "", "")
		require.NoError(t, err)
		require.Empty(t, standing)
		// The next generation is entered beside it.
		d.Generation = 2
		_, err = s.Deliver(t.Context(), d)
		require.NoError(t, err)
	}
}

func TestASetOfWhichOneIsPostedIsCancelledAndDeleted(t *testing.T) {
	srv := server(nil)
	s := canceller(t, srv)
	d := report()
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", "CX-A1B2C3-1-E", map[string]any{"Posted": true})
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, srv.Invoices(company), 2)
}

func TestACancellationWhoseNumberWouldNotFitNeedsAPerson(t *testing.T) {
	srv := server(nil)
	s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), &epicorsync.InvoicesOptions{Reversal: epicorsync.Cancel, NumberLength: 14})
	d := report()
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	_, err = s.Reverse(t.Context(), d)
	require.ErrorIs(t, err, connector.ErrRejected)
	require.Len(t, srv.Invoices(company), 3)
}

func TestALostAnswerOfACancellationIsMadeGoodByTheNextReverse(t *testing.T) {
	srv := server(nil)
	s := canceller(t, srv)
	d := report()
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	srv.Inject(epicortest.Fault{Path: "/CreateCancellationInvoice", Drop: true, When: epicortest.After})
	_, err = s.Reverse(t.Context(), d)
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrRejected)
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, srv.Invoices(company), 6)
	require.Empty(t, srv.Locks(company))
}

func TestTheLengthOfTheTenantHoldsOnceItIsKnown(t *testing.T) {
	srv := server(&epicortest.Options{MaxLength: map[string]int{"APInvHed.InvoiceNum": 12}})
	c := client(t, srv, epicor.Options{})
	_, err := c.Verify(t.Context())
	require.NoError(t, err)
	_, err = epicorsync.Invoices(c, nil).Deliver(t.Context(), one("E1042", "CX-A1B2C3-1-E", "6410|200|00", "1.00"))
	require.Equal(t, epicorsync.NumberTooLong, rejected(t, err).Code)
}
