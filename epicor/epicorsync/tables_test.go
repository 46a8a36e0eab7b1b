package epicorsync_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

func TestASnapshotHoldsVendorsAndAccountsAsEpicorHasThem(t *testing.T) {
	srv := server(nil)
	r := epicorsync.Tables(client(t, srv, epicor.Options{}), &epicorsync.TablesOptions{EmployeeColumn: "EmpID_c", FirstOpen: "2026-10-01"})
	tables, err := r.Snapshot(t.Context())
	require.NoError(t, err)
	require.Equal(t, company, tables.Company())
	require.Equal(t, document.Date("2026-10-01"), tables.FirstOpen())
	v, ok := tables.Vendor("E1042")
	require.True(t, ok)
	require.Equal(t, document.Vendor{ID: "E1042", Name: "Ada Lovelace", Currency: "USD", EmployeeID: "1042"}, v)
	require.Equal(t, []string{"E1042"}, tables.VendorsOf("1042"))
	v, _ = tables.Vendor("OLD")
	require.True(t, v.Inactive)
	v, _ = tables.Vendor("HELD")
	require.True(t, v.Hold && v.Unapproved)
	a, ok := tables.Account("6500|200|00")
	require.True(t, ok)
	require.Equal(t, document.Account{Code: "6500|200|00", Description: "6500|200|00", From: "2026-01-01", To: "2026-10-29"}, a)
	a, _ = tables.Account("6999|200|00")
	require.True(t, a.Inactive)
}

func TestApprovalIsIgnoredWhereACompanyDoesNotUseIt(t *testing.T) {
	r := epicorsync.Tables(client(t, server(nil), epicor.Options{}), &epicorsync.TablesOptions{IgnoreApproval: true})
	tables, err := r.Snapshot(t.Context())
	require.NoError(t, err)
	v, _ := tables.Vendor("HELD")
	require.False(t, v.Unapproved)
}

func TestASnapshotIsWholeBeyondTheSilentHundred(t *testing.T) {
	srv := server(nil)
	for i := range 250 {
		srv.AddVendors(company, epicortest.Vendor{ID: fmt.Sprintf("V%03d", i)})
		srv.AddAccounts(company, epicortest.GLAccount{Account: fmt.Sprintf("7%03d|1|2", i)})
	}
	tables, err := epicorsync.Tables(client(t, srv, epicor.Options{}), nil).Snapshot(t.Context())
	require.NoError(t, err)
	for i := range 250 {
		_, ok := tables.Vendor(fmt.Sprintf("V%03d", i))
		require.True(t, ok)
		_, ok = tables.Account(fmt.Sprintf("7%03d|1|2", i))
		require.True(t, ok)
	}
}

func TestASnapshotIsKeptUntilItIsOldOrRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := server(nil)
		r := epicorsync.Tables(client(t, srv, epicor.Options{}), &epicorsync.TablesOptions{MaxAge: time.Minute})
		first, err := r.Snapshot(t.Context())
		require.NoError(t, err)
		srv.AddVendors(company, epicortest.Vendor{ID: "NEW"})
		again, err := r.Snapshot(t.Context())
		require.NoError(t, err)
		require.Same(t, first, again)

		fresh, err := r.Refresh(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first.Version(), fresh.Version())
		_, ok := fresh.Vendor("NEW")
		require.True(t, ok)

		srv.RemoveVendors(company, 43)
		time.Sleep(61 * time.Second) //nolint:forbidigo // virtual time of the bubble
		old, err := r.Snapshot(t.Context())
		require.NoError(t, err)
		require.Equal(t, first.Version(), old.Version())
	})
}

func TestManyMappingsShareOneReading(t *testing.T) {
	srv := server(nil)
	r := epicorsync.Tables(client(t, srv, epicor.Options{}), nil)
	done := make(chan error)
	for range 20 {
		go func() { _, err := r.Snapshot(t.Context()); done <- err }()
	}
	for range 20 {
		require.NoError(t, <-done)
	}
	require.Len(t, srv.Calls(), 2)
}

func TestAReadingThatFailsIsTransientAndACredentialFaultIsNot(t *testing.T) {
	srv := server(nil)
	r := epicorsync.Tables(client(t, srv, epicor.Options{Tries: 1}), nil)
	srv.Inject(epicortest.Fault{Status: http.StatusBadGateway})
	_, err := r.Snapshot(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrConnection)
	_, err = r.Snapshot(t.Context())
	require.NoError(t, err)
	srv.RemoveKey(epicortest.DefaultAPIKey)
	_, err = r.Refresh(t.Context())
	require.ErrorIs(t, err, connector.ErrConnection)
}
