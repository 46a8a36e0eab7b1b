package concursync_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// copyTarget is a company of the fake behind a line that can fail.
type copyTarget struct {
	srv     *concurtest.Server
	company *concurtest.Company
	list    *concurtest.List
	client  *concur.Client

	mu         sync.Mutex
	fail, seen int // from which call on the line fails; 0: never
	lose       bool
}

// RoundTrip lets calls for tokens through: they are no calls of the copy.
func (x *copyTarget) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/oauth2/") {
		return x.srv.Transport().RoundTrip(r)
	}
	x.mu.Lock()
	x.seen++
	fails := x.fail > 0 && x.seen >= x.fail
	loses := x.lose && r.Method != http.MethodGet
	x.lose = x.lose && !loses
	x.mu.Unlock()
	if fails {
		return nil, http.ErrServerClosed
	}
	res, err := x.srv.Transport().RoundTrip(r)
	if loses && err == nil {
		_ = res.Body.Close()
		return nil, http.ErrServerClosed
	}
	return res, err
}

func newCopyTarget(t *testing.T, opts *concurtest.Options) *copyTarget {
	t.Helper()
	x := &copyTarget{srv: concurtest.New(opts)}
	t.Cleanup(x.srv.Close)
	x.company = x.srv.AddCompany("Acme", nil)
	x.list = x.company.AddList("Accounts")
	app := x.srv.App()
	tokens, err := concur.NewTokenSource(
		concur.App{ClientID: app.ClientID, ClientSecret: concur.Secret(app.ClientSecret)},
		concursync.TokenStore(memstore.New(), "acme", nil),
		&concur.TokenOptions{HTTP: &http.Client{Transport: x}},
	)
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), x.company.ID, concur.Secret(x.company.RequestToken()))
	require.NoError(t, err)
	x.client = concur.NewClient(tokens, nil)
	return x
}

func copyTargetOf(system any) *copyTarget {
	x, _ := system.(*copyTarget)
	return x
}

// copyHarness is what the two copies have in common.
func copyHarness[T any](opts concurtest.Options, open func(x *copyTarget) connector.Copy[T]) connectortest.CopyHarness[T] {
	return connectortest.CopyHarness[T]{
		Open: func(t *testing.T) (connector.Copy[T], any) {
			x := newCopyTarget(t, &opts)
			return open(x), x
		},
		Again: func(_ *testing.T, system any) connector.Copy[T] { return open(copyTargetOf(system)) },
		Break: func(_ *testing.T, system any, n int) bool {
			x := copyTargetOf(system)
			x.mu.Lock()
			defer x.mu.Unlock()
			reached := x.fail > 0 && x.seen >= x.fail
			x.fail, x.seen = n, 0
			return reached
		},
		Lose: func(_ *testing.T, system any) {
			x := copyTargetOf(system)
			x.mu.Lock()
			defer x.mu.Unlock()
			x.lose = true
		},
	}
}

func TestTheListKeepsEveryRuleOfACopy(t *testing.T) {
	t.Parallel()
	for _, codes := range []concurtest.DeletedCodes{concurtest.DeletedStay, concurtest.DeletedRestore, concurtest.DeletedFree} {
		t.Run("deleted codes "+string(codes), func(t *testing.T) {
			t.Parallel()
			h := copyHarness(concurtest.Options{DeletedCodes: codes}, func(x *copyTarget) connector.Copy[document.ListItem] {
				return concursync.ListCopy(x.client, x.list.ID(), nil)
			})
			h.Object = func(n, version int) (key string, content document.ListItem, text string) {
				item := document.ListItem{Code: fmt.Sprint("CC-", n), Name: fmt.Sprint("Centre - ", n, " / ", version)}
				return item.Key(), item, concursync.EncodeCode(item.Code) + " " + concursync.EncodeName(item.Name)
			}
			h.Offered = func(_ *testing.T, system any) (out []string) {
				for _, item := range copyTargetOf(system).list.Items() {
					if !item.Deleted {
						out = append(out, item.Code+" "+item.Name)
					}
				}
				return out
			}
			h.Refused = func() (string, document.ListItem) {
				item := document.ListItem{Code: "7", Name: "East", Parents: []string{"NOWHERE"}}
				return item.Key(), item
			}
			connectortest.RunCopy(t, h)
		})
	}
}

func TestTheVendorsKeepEveryRuleOfACopy(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]concursync.VendorCopyOptions{"hidden": {}, "deleted": {Delete: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := copyHarness(concurtest.Options{}, func(x *copyTarget) connector.Copy[document.Vendor] {
				return concursync.VendorCopy(x.client, &opts)
			})
			h.Object = func(n, version int) (key string, content document.Vendor, text string) {
				v := supplier(fmt.Sprint("V", n), fmt.Sprint("Vendor ", n, " / ", version)).Content
				return v.ID, v, v.ID + " " + v.Name
			}
			h.Offered = func(_ *testing.T, system any) (out []string) {
				for _, v := range copyTargetOf(system).company.Vendors() {
					if v.Approved == "Y" {
						out = append(out, v.Code+" "+v.Name)
					}
				}
				return out
			}
			// Not approved is what an administrator may decide as well, and that stays.
			h.Withdrawn = !opts.Delete
			h.Refused = func() (string, document.Vendor) {
				v := supplier("US1", "American").Content
				v.Address.Country = "US" // without a state
				return v.ID, v
			}
			connectortest.RunCopy(t, h)
		})
	}
}
