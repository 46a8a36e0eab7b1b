package epicorsync_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// commits reports whether a call changes something.
func commits(path string) bool {
	for _, m := range []string{"/Update", "/UpdateMaster", "/DeleteByID", "/LockAPGroup", "/UnlockAPGroup"} {
		if strings.HasSuffix(path, m) {
			return true
		}
	}
	return false
}

// Whatever befalls one call of a delivery of three documents or of its reversal,
// looking and going on as an engine does ends in one right set, or in nothing.
func TestWhateverBefallsOneCallASetIsWholeAndItsReversalComplete(t *testing.T) {
	sweepASet(t, 0)
}

// Lines that are saved together, to the same end.
func TestWhateverBefallsOneCallASetWhoseLinesAreSavedTogetherIsWhole(t *testing.T) {
	sweepASet(t, 2)
}

func sweepASet(t *testing.T, lines int) {
	setup := func(t testing.TB) (*epicortest.Server, *epicorsync.InvoiceSink) {
		t.Helper()
		srv := server(&epicortest.Options{WholeRows: lines == 0})
		return srv, epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1, Invoices: epicor.InvoiceOptions{LinesAtOnce: lines}}), nil)
	}
	var delivering, reversing []epicortest.Call
	synctest.Test(t, func(t *testing.T) {
		srv, s := setup(t)
		_, err := s.Deliver(t.Context(), report())
		require.NoError(t, err)
		delivering = srv.Calls()
		srv.ResetCalls()
		_, err = s.Reverse(t.Context(), report())
		require.NoError(t, err)
		reversing = srv.Calls()
	})
	var cells atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d cells: a set of three documents in %d calls, its reversal in %d", cells.Load(), len(delivering), len(reversing))
	})
	for name, f := range map[string]epicortest.Fault{
		"500 after commit":  {Status: http.StatusInternalServerError, When: epicortest.After},
		"drop before":       {Drop: true},
		"drop after commit": {Drop: true, When: epicortest.After},
		"HTML 200":          {Status: http.StatusOK, Body: "<html>welcome</html>", When: epicortest.After},
		"truncated":         {Truncate: true, When: epicortest.After},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i, call := range delivering {
					if sampled && i%3 != len(name)%3 || !commits(call.Path) && f.When == epicortest.After {
						continue // as before: nothing was committed
					}
					cells.Add(1)
					at := fmt.Sprintf("deliver, call %d", i)
					srv, s := setup(t)
					f.Skip = i
					srv.Inject(f)
					_, err := s.Deliver(t.Context(), report())
					require.NotErrorIs(t, err, connector.ErrRejected, at)
					for range 3 {
						f := find(t, s, report())
						if f.Presence == connector.Same {
							break
						}
						require.NotEqual(t, connector.Different, f.Presence, "%s: %s", at, f.Why)
						_, err = s.Deliver(t.Context(), report())
						require.NoError(t, err, at)
					}
					require.Equal(t, connector.Same, find(t, s, report()).Presence, at)
					require.Len(t, srv.Invoices(company), 3, at)
					for _, inv := range srv.Invoices(company) {
						require.True(t, inv.Balanced(), at)
					}
					got, err := s.Standing(t.Context(), "", "")
					require.NoError(t, err, at)
					require.Equal(t, "305", epicorsync.Totals(got)[0].Amount.String(), at)
				}
				srv, s := setup(t)
				for i, call := range reversing {
					if sampled && i%3 != len(name)%3 || !commits(call.Path) && f.When == epicortest.After {
						continue
					}
					cells.Add(1)
					at := fmt.Sprintf("reverse, call %d", i)
					_, err := s.Deliver(t.Context(), report())
					require.NoError(t, err, at)
					f.Skip = i
					srv.Inject(f)
					if _, err = s.Reverse(t.Context(), report()); err != nil {
						require.NotErrorIs(t, err, connector.ErrRejected, at)
						_, err = s.Reverse(t.Context(), report())
						require.NoError(t, err, at)
					}
					srv.ClearFaults()
					require.Empty(t, srv.Invoices(company), at)
					require.Equal(t, connector.Absent, find(t, s, report()).Presence, at)
				}
			})
		})
	}
}

func TestTheSinkWorksOverRealSocketsToo(t *testing.T) {
	srv := server(nil)
	require.NoError(t, srv.Listen("127.0.0.1:0"))
	t.Cleanup(srv.Close)
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{AllowHTTP: true})
	require.NoError(t, err)
	s := epicorsync.Invoices(c, nil)
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 2, Drop: true, When: epicortest.After})
	_, err = s.Deliver(t.Context(), report())
	require.Error(t, err)
	commits := 0
	for _, call := range srv.Calls() {
		if call.Path == "/api/v2/odata/EPIC06/Erp.BO.APInvoiceSvc/UpdateMaster" {
			commits++
		}
	}
	require.Equal(t, 3, commits)
	require.Equal(t, connector.Partial, find(t, s, report()).Presence)
	_, err = s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.Equal(t, connector.Same, find(t, s, report()).Presence)
	require.Len(t, srv.Invoices(company), 3)
}
