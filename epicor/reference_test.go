package epicor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

func all[T any](t *testing.T, e *epicor.Entities[T]) []*T {
	t.Helper()
	var out []*T
	for v, err := range e.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		out = append(out, v)
	}
	return out
}

func TestTheCalendarOfTheLedgerIsRead(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 5})
	for m := 1; m <= 12; m++ {
		srv.AddPeriods(company, epicortest.Period{
			Year: 2026, Number: m, Start: date(t, fmt.Sprintf("2026-%02d-01", m)), End: date(t, fmt.Sprintf("2026-%02d-28", m)), Closed: m < 10,
		})
	}
	periods := all(t, c.FiscalPeriods)
	require.Len(t, periods, 12)
	require.True(t, periods[8].AssetsClosed)
	require.Equal(t, "2026-10-01", periods[9].Start.String())
	years := all(t, c.FiscalYears)
	require.Len(t, years, 1)
	require.Equal(t, 12, years[0].Periods)
	require.Equal(t, "2026-12-28", years[0].End.String())
	require.Equal(t, "MAIN", all(t, c.FiscalCalendars)[0].ID)
	p, err := c.FiscalPeriods.Get(t.Context(), "MAIN", 2026, "", 3)
	require.NoError(t, err)
	require.Equal(t, 3, p.Number)
}

func TestChartsCurrenciesAndRatesAreRead(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 1})
	srv.AddCurrencies(company, epicortest.Currency{Code: "EUR", Rate: dec("1.10")}, epicortest.Currency{Code: "JPY", Rate: dec("0.0067"), Inactive: true})
	require.Equal(t, "MAIN", all(t, c.Charts)[0].COACode)
	cs := all(t, c.Currencies)
	require.Len(t, cs, 3)
	require.True(t, cs[1].Inactive)
	require.True(t, cs[2].Base)
	rates := all(t, c.ExchangeRates)
	require.Len(t, rates, 3, "a key with a date in it is paged by too")
	require.Equal(t, "0.0067", rates[1].Rate.String())
}

func TestOrdersTheirLinesAndReleasesAreRead(t *testing.T) {
	srv, c := pair(t, nil)
	ordered(srv)
	o, err := c.PurchaseOrders.Get(t.Context(), 4711)
	require.NoError(t, err)
	require.Equal(t, "ACME", o.VendorID)
	require.Equal(t, "75", o.Total.Value().String())
	require.Len(t, all(t, c.PurchaseOrderLines), 3)
	r, err := c.PurchaseOrderReleases.Get(t.Context(), 4711, 1, 1)
	require.NoError(t, err)
	require.Equal(t, "10", r.Received.Value().String())
}

func TestPaymentsAndTheirVoidsAreRead(t *testing.T) {
	srv, c, inv := posted(t, nil)
	head := srv.Pay(company, "E1042", inv.Number, dec("100.00"), date(t, "2026-11-05"))
	srv.VoidPayment(company, head)
	ps := all(t, c.Payments)
	require.Len(t, ps, 1)
	require.True(t, ps[0].Voided)
	lines := all(t, c.PaymentLines)
	require.Len(t, lines, 2)
	require.False(t, lines[0].Voided)
	require.True(t, lines[1].Voided)
	require.Equal(t, "-100", lines[1].Amount.Value().String())
}

func TestAQueryIsPagedByTheKeyThatTheCallerNames(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	var rows []map[string]any
	for i := range 35 {
		rows = append(rows, map[string]any{"RcvDtl_PONum": i, "RcvDtl_Plant": []string{"MAIN", "WEST"}[i%2], "Calculated_Open": i%3 == 0})
	}
	srv.AddBAQ(company, "zOpen", rows...)
	type row struct {
		Num   int    `json:"RcvDtl_PONum"`
		Plant string `json:"RcvDtl_Plant"`
	}
	srv.ResetCalls()
	open := epicor.NewBAQ[row](c, "zOpen", "RcvDtl_PONum")
	require.Len(t, all(t, open), 35)
	require.Contains(t, srv.Calls()[1].Query, "RcvDtl_PONum%20gt%209")
	require.Len(t, all(t, open.With(map[string]string{"RcvDtl_Plant": "WEST"})), 17)
	_, err := open.Get(t.Context(), 1)
	require.Error(t, err)
	for _, err := range epicor.NewBAQ[row](c, "zOpen/../Vendors").List(t.Context(), odata.Query{}) {
		require.ErrorContains(t, err, "no id of a query")
	}
	for _, err := range epicor.NewBAQ[row](c, "zAbsent").List(t.Context(), odata.Query{}) {
		require.ErrorIs(t, err, epicor.ErrNotFound)
	}
}

func TestAFunctionIsCalledOnceAndAComputingOneIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := pair(t, nil)
		done := 0
		srv.AddFunction(company, "Concur", "Approve", func(in map[string]json.RawMessage) (map[string]any, error) {
			if string(in["number"]) == `""` {
				return nil, errors.New("The number is missing.")
			}
			done++
			return map[string]any{"ok": true}, nil
		})
		out, err := c.CallFunction(t.Context(), "Concur", "Approve", epicor.Params{"number": "1"})
		require.NoError(t, err)
		require.JSONEq(t, "true", string(out["ok"]))
		srv.Inject(epicortest.Fault{Path: "/Approve", Drop: true, When: epicortest.After})
		_, err = c.CallFunction(t.Context(), "Concur", "Approve", epicor.Params{"number": "2"})
		require.Error(t, err)
		require.Equal(t, 2, done)
		srv.Inject(epicortest.Fault{Path: "/Approve", Status: http.StatusServiceUnavailable})
		_, err = c.ComputeFunction(t.Context(), "Concur", "Approve", epicor.Params{"number": "3"})
		require.NoError(t, err)
		_, err = c.CallFunction(t.Context(), "Concur", "Approve", epicor.Params{"number": ""})
		require.ErrorIs(t, err, epicor.ErrInvalid)
		_, err = c.CallFunction(t.Context(), "Concur", "Absent", nil)
		require.ErrorIs(t, err, epicor.ErrNotFound)
	})
}

func TestAFileIsKeptAndAPathIsRefused(t *testing.T) {
	srv, c := pair(t, nil)
	at, err := c.Attachments.Upload(t.Context(), "", "APInvHed", "image.pdf", []byte{0, 1, 2, 255})
	require.NoError(t, err)
	require.Contains(t, at, "image.pdf")
	srv.ResetCalls()
	for _, bad := range []string{"", "..", "a/b.pdf", `a\b.pdf`, "c:x", "a\nb"} {
		_, err := c.Attachments.Upload(t.Context(), "", "APInvHed", bad, nil)
		require.Error(t, err, bad)
	}
	require.Empty(t, srv.Calls())
	_, err = c.Attachments.Download(t.Context(), 99)
	require.ErrorIs(t, err, epicor.ErrNotFound)
}
