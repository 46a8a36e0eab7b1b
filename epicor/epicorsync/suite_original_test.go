package epicorsync_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
	"github.com/ml-connector/ml-connector/sync/document"
)

// origin is a fake behind a line that can fail.
type origin struct {
	srv *epicortest.Server

	mu         sync.Mutex
	fail, seen int // from which call on the line fails; 0: never
	total      int
}

func (x *origin) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	x.seen++
	x.total++
	fails := x.fail > 0 && x.seen >= x.fail
	x.mu.Unlock()
	if fails {
		return nil, http.ErrServerClosed
	}
	return x.srv.Transport().RoundTrip(r)
}

func originOf(system any) *origin {
	x, _ := system.(*origin)
	return x
}

// originalHarness is what the originals have in common: pages of two rows.
func originalHarness[T any](open func(c *epicor.Client) connector.Original[T]) connectortest.OriginalHarness[T] {
	return connectortest.OriginalHarness[T]{
		Open: func(t *testing.T) (connector.Original[T], any) {
			x := &origin{srv: server(nil)}
			x.srv.AddSegments(company, epicortest.SegmentValue{Segment: 2, Code: "CC-310"}, epicortest.SegmentValue{Segment: 2, Code: "CC-320", Inactive: true})
			cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
			c, err := epicor.NewClient(x.srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: &http.Client{Transport: x}, Tries: 1, PageSize: 2})
			require.NoError(t, err)
			return open(c), x
		},
		Break: func(_ *testing.T, system any, n int) bool {
			x := originOf(system)
			x.mu.Lock()
			defer x.mu.Unlock()
			reached := x.fail > 0 && x.seen >= x.fail
			x.fail, x.seen = n, 0
			return reached
		},
		Calls: func(_ *testing.T, system any) int {
			x := originOf(system)
			x.mu.Lock()
			defer x.mu.Unlock()
			return x.total
		},
	}
}

func TestTheAccountsKeepEveryRuleOfAnOriginal(t *testing.T) {
	h := originalHarness(func(c *epicor.Client) connector.Original[document.ListItem] {
		return epicorsync.AccountsOriginal(c, &epicorsync.AccountsOptions{Now: on("2026-10-30")})
	})
	h.Active = []string{"1900|000|00", "6410|200|00", "6420|200|00"}
	h.Inactive = []string{"6999|200|00", "6500|200|00"} // closed, and not for that day
	h.Change = func(_ *testing.T, system any) {
		originOf(system).srv.AddAccounts(company, epicortest.GLAccount{Account: "6420|200|00", Desc: "Trains"})
	}
	connectortest.RunOriginal(t, h)
}

func TestTheSegmentKeepsEveryRuleOfAnOriginal(t *testing.T) {
	h := originalHarness(func(c *epicor.Client) connector.Original[document.ListItem] {
		return epicorsync.SegmentOriginal(c, "MAIN", 2, nil)
	})
	h.Active = []string{"000", "200", "CC-310"}
	h.Inactive = []string{"CC-320"}
	h.Change = func(_ *testing.T, system any) {
		originOf(system).srv.AddSegments(company, epicortest.SegmentValue{Segment: 2, Code: "CC-310", Name: "North"})
	}
	connectortest.RunOriginal(t, h)
}

func TestTheVendorsKeepEveryRuleOfAnOriginal(t *testing.T) {
	h := originalHarness(func(c *epicor.Client) connector.Original[document.Vendor] {
		return epicorsync.VendorsOriginal(c, &epicorsync.VendorsOptions{EmployeeColumn: "EmpID_c"})
	})
	h.Active = []string{"E1042", "CARDCO", "NOTERMS"}
	h.Inactive = []string{"OLD", "HELD"} // HELD is not approved
	h.Change = func(_ *testing.T, system any) {
		originOf(system).srv.AddVendors(company, epicortest.Vendor{Num: 7, ID: "CARDCO", Name: "Card Company Inc."})
	}
	connectortest.RunOriginal(t, h)
}
