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

// payments reads on until nothing more is there, without repeats.
func payments(t *testing.T, s *epicorsync.InvoiceSink, seen map[string]bool, at connector.Cursor) (ps []connector.Payment, next connector.Cursor) {
	t.Helper()
	for {
		page, next, more, err := s.Payments(t.Context(), at)
		require.NoError(t, err)
		for _, p := range page {
			if !seen[p.ID] {
				ps = append(ps, p)
			}
			seen[p.ID] = true
		}
		if at = next; !more {
			return ps, at
		}
	}
}

func TestPaymentsOfOurInvoicesAreToldWithWhatTheyLeave(t *testing.T) {
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	srv := server(&epicortest.Options{Now: func() time.Time { return now }})
	s := epicorsync.Invoices(client(t, srv, epicor.Options{PageSize: 1}), nil)
	d := report()
	d.Posting.Invoices = d.Posting.Invoices[:1]
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	day := epicortest.Date{Year: 2026, Month: 11, Day: 3}
	seen := map[string]bool{}
	none, at := payments(t, s, seen, "")
	require.Empty(t, none)
	srv.Pay(company, "CARDCO", "CX-A1B2C3-1-C", dec("100.00"), day)
	rest := srv.Pay(company, "CARDCO", "CX-A1B2C3-1-C", dec("184.00"), day)
	ps, at := payments(t, s, seen, at)
	require.Len(t, ps, 2)
	require.Equal(t, epicorsync.PaymentPartial, ps[0].Kind)
	require.Equal(t, epicorsync.PaymentComplete, ps[1].Kind)
	require.Equal(t, d.Key(), ps[0].Key)
	require.Equal(t, "100", ps[0].Amount.Amount.String())
	require.Equal(t, "USD", ps[0].Amount.Currency)
	require.Equal(t, "2026-11-03", ps[0].Date.Format(time.DateOnly))
	now = now.AddDate(0, 0, 1)
	srv.VoidPayment(company, rest)
	ps, at = payments(t, s, seen, at)
	require.Len(t, ps, 1)
	require.Equal(t, epicorsync.PaymentReturned, ps[0].Kind)
	require.Equal(t, "184", ps[0].Amount.Amount.String())
	ps, _ = payments(t, s, seen, at)
	require.Empty(t, ps)
}

func TestPaymentsOfOthersAreNotTold(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "PAPER-1", "6410|200|00", "10.00")
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", "PAPER-1", map[string]any{"ExternalID": "typed by hand"})
	srv.Pay(company, "E1042", "PAPER-1", dec("10.00"), epicortest.Date{Year: 2026, Month: 11, Day: 3})
	ps, _, _, err := s.Payments(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, ps)
	_, _, _, err = s.Payments(t.Context(), "nonsense")
	require.Error(t, err)
}

func TestTheFirstOpenDayIsReadFromTheCalendar(t *testing.T) {
	srv := server(nil)
	c := client(t, srv, epicor.Options{})
	tables := func(o epicorsync.TablesOptions) string {
		t.Helper()
		snap, err := epicorsync.Tables(c, &o).Snapshot(t.Context())
		require.NoError(t, err)
		return string(snap.FirstOpen())
	}
	closedBy := epicorsync.TablesOptions{ClosedColumn: "FAClosedPeriod"}
	require.Empty(t, tables(closedBy), "no period is known")
	day := func(m time.Month, d int) epicortest.Date { return epicortest.Date{Year: 2026, Month: m, Day: d} }
	srv.AddPeriods(company,
		epicortest.Period{Year: 2026, Number: 8, Start: day(8, 1), End: day(8, 31)},
		epicortest.Period{Year: 2026, Number: 9, Start: day(9, 1), End: day(9, 30), Closed: true},
		epicortest.Period{Year: 2026, Number: 10, Start: day(10, 1), End: day(10, 31)},
		epicortest.Period{Year: 2026, Number: 11, Start: day(11, 1), End: day(11, 30)},
	)
	require.Equal(t, "2026-10-01", tables(closedBy))
	snap, err := epicorsync.Tables(c, &closedBy).Snapshot(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, "2026-11-30", snap.LastDay())
	srv.ClosePeriod(company, 2026, 10)
	srv.ClosePeriod(company, 2026, 11)
	require.Equal(t, "2026-12-01", tables(closedBy), "nothing is open, and nothing may slip through")
	require.Equal(t, "2026-01-01", tables(epicorsync.TablesOptions{ClosedColumn: "FAClosedPeriod", FirstOpen: "2026-01-01"}))
	require.Empty(t, tables(epicorsync.TablesOptions{}))
	_, err = epicorsync.Tables(c, &epicorsync.TablesOptions{ClosedColumn: "Closed_c"}).Snapshot(t.Context())
	require.Error(t, err)
}

func TestR47ADocumentIsPaidWhenAllOfItsInvoicesAre(t *testing.T) {
	srv := server(nil)
	s := epicorsync.Invoices(client(t, srv, epicor.Options{}), nil)
	r, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, r.Made[0].Batch))
	day := epicortest.Date{Year: 2026, Month: 11, Day: 3}
	seen := map[string]bool{}
	srv.Pay(company, "E1042", "CX-A1B2C3-1-E", dec("35.00"), day)
	ps, at := payments(t, s, seen, "")
	require.Len(t, ps, 1)
	require.Equal(t, epicorsync.PaymentPartial, ps[0].Kind, "the card is still owed 284.00")
	srv.Pay(company, "CARDCO", "CX-A1B2C3-1-C", dec("284.00"), day)
	ps, _ = payments(t, s, seen, at)
	require.Len(t, ps, 1)
	require.Equal(t, epicorsync.PaymentComplete, ps[0].Kind)
}
