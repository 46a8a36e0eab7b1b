package epicorsync_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// Each test here is a rule of docs/reference/accounting-rules.md with its worked
// figures.

func TestR36FiftyDeliveriesMakeOneSet(t *testing.T) {
	srv, s := setup(t)
	for range 50 {
		_, err := s.Deliver(t.Context(), report())
		require.NoError(t, err)
	}
	require.Len(t, srv.Invoices(company), 3)
}

func TestR41AnUnknownOutcomeIsReadBack(t *testing.T) {
	srv, s := setup(t)
	d := one("CARDCO", "CX-284-1-C", "6410|200|00", "284.00")
	srv.Inject(epicortest.Fault{Path: "/Update", Skip: 1, Status: http.StatusGatewayTimeout, When: epicortest.After})
	if _, err := s.Deliver(t.Context(), d); err != nil {
		require.NotErrorIs(t, err, connector.ErrRejected)
		_, err = s.Deliver(t.Context(), d)
		require.NoError(t, err)
	}
	require.Equal(t, connector.Same, find(t, s, d).Presence)
	require.Len(t, srv.Invoices(company), 1, "no second invoice of 284.00")
	require.Equal(t, "284", srv.Invoices(company)[0].Amount.String())
}

func TestR42WhenOneFailsTheOthersAreTakenBack(t *testing.T) {
	srv, s := setup(t)
	d := report()
	d.Posting.Invoices[2].Lines[0].Splits[0].Account = "6999|200|00" // 284 and 35 are saved, 14 fails
	_, err := s.Deliver(t.Context(), d)
	require.ErrorIs(t, err, connector.ErrRejected)
	require.NotEmpty(t, srv.Invoices(company))
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Invoices(company))
	require.Equal(t, connector.Absent, find(t, s, d).Presence)
}

func TestR43WhatIsPostedIsCancelledAndTheRestDeleted(t *testing.T) {
	srv := server(nil)
	s := epicorsync.Invoices(client(t, srv, epicor.Options{}), &epicorsync.InvoicesOptions{Reversal: epicorsync.Cancel})
	d := one("E1042", "CX-35-1-E", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Invoices(company), "an unposted one is deleted")

	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	sum := dec("0")
	for _, inv := range srv.Invoices(company) {
		sum = sum.Add(inv.Amount)
	}
	require.Len(t, srv.Invoices(company), 2)
	require.True(t, sum.IsZero(), "35.00 and its cancellation of −35.00")
}

func TestR46PostedIsPromisedOnlyWhenItIs(t *testing.T) {
	srv := server(nil)
	s := epicorsync.Invoices(client(t, srv, epicor.Options{}), &epicorsync.InvoicesOptions{Final: epicorsync.Posted})
	d := report()
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.False(t, r.Final, "the group is saved")
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	require.True(t, find(t, s, d).Receipt.Final, "the group is posted")
}
