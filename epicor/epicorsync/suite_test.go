package epicorsync_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
	"github.com/ml-connector/ml-connector/sync/document"
)

// target is a fake behind a line that can fail.
type target struct {
	srv *epicortest.Server

	mu         sync.Mutex
	fail, seen int // which call that changes something fails; 0: none
	lose       bool
}

// changing reports the calls that commit something.
func changing(path string) bool {
	for _, m := range []string{"/Update", "/UpdateMaster", "/DeleteByID", "/CreateCancellationInvoice"} {
		if strings.HasSuffix(path, m) {
			return true
		}
	}
	return false
}

func (x *target) RoundTrip(r *http.Request) (*http.Response, error) {
	if !changing(r.URL.Path) {
		return x.srv.Transport().RoundTrip(r)
	}
	x.mu.Lock()
	x.seen++
	fails := x.fail > 0 && x.seen >= x.fail
	loses := x.lose
	x.lose = false
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

func (x *target) sink(t *testing.T, opts epicorsync.InvoicesOptions) connector.Sink[document.Posting] {
	t.Helper()
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(x.srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: &http.Client{Transport: x}, Tries: 1})
	require.NoError(t, err)
	return epicorsync.Invoices(c, &opts)
}

func harness(opts epicorsync.InvoicesOptions) connectortest.SinkHarness[document.Posting] {
	as := func(v any) *target {
		x, _ := v.(*target)
		return x
	}
	return connectortest.SinkHarness[document.Posting]{
		Open: func(t *testing.T) (connector.Sink[document.Posting], any) {
			x := &target{srv: server(nil)}
			return x.sink(t, opts), x
		},
		Again: func(t *testing.T, v any) connector.Sink[document.Posting] { return as(v).sink(t, opts) },
		Posting: func(n int) document.Posting {
			p := report().Posting
			for i := range p.Invoices {
				p.Invoices[i].Number = strings.Replace(p.Invoices[i].Number, "A1B2C3", "A1B2C"+string(rune('3'+n)), 1)
			}
			p.Invoices[0].Lines[0] = line("6410|200|00", decimal.NewFromInt(int64(250+n)).String())
			p.Invoices[0].Amount = decimal.NewFromInt(int64(284 + n))
			return p
		},
		Totals: func(p document.Posting) []connector.Total {
			sum := decimal.Zero
			for _, i := range p.Invoices {
				sum = sum.Add(i.Amount)
			}
			return []connector.Total{{Company: company, Currency: "USD", Amount: sum}}
		},
		Change: func(p document.Posting) document.Posting {
			p.Invoices = append([]document.APInvoice{}, p.Invoices...)
			p.Invoices[1].Lines = []document.Line{line("6410|200|00", "36.00")}
			p.Invoices[1].Amount = decimal.NewFromInt(36)
			return p
		},
		Keys: func(_ *testing.T, v any) []string {
			var out []string
			for _, i := range as(v).srv.Invoices(company) {
				if i.CancelledBy == "" && !i.Cancels {
					out = append(out, i.ExternalID)
				}
			}
			return out
		},
		Foreign: func(t *testing.T, v any, p document.Posting) {
			cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
			c, err := epicor.NewClient(as(v).srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: as(v).srv.Client()})
			require.NoError(t, err)
			for _, i := range p.Invoices {
				date, err := epicor.ParseDate(string(i.Date))
				require.NoError(t, err)
				in := epicor.APInvoiceInput{
					Key: "typed", VendorID: i.Vendor, Number: i.Number, Currency: i.Currency, Date: date, ApplyDate: date, DebitMemo: i.DebitMemo,
					Lines: []epicor.APInvoiceLineInput{{Amount: i.Amount, Splits: []epicor.APInvoiceSplitInput{{Account: "6410|200|00", Amount: i.Amount}}}},
				}
				_, err = c.APInvoices.Create(t.Context(), in)
				require.NoError(t, err)
				as(v).srv.EditInvoice(company, i.Vendor, i.Number, map[string]any{"ExternalID": ""})
			}
		},
		Break: func(_ *testing.T, v any, n int) bool {
			x := as(v)
			x.mu.Lock()
			defer x.mu.Unlock()
			reached := x.fail > 0 && x.seen >= x.fail
			x.fail, x.seen = n, 0
			return reached
		},
		Lose: func(_ *testing.T, v any) {
			x := as(v)
			x.mu.Lock()
			defer x.mu.Unlock()
			x.lose = true
		},
	}
}

func TestTheSinkKeepsEveryRuleOfTheContract(t *testing.T) {
	connectortest.RunSink(t, harness(epicorsync.InvoicesOptions{}))
}

func TestTheSinkThatCancelsKeepsEveryRuleOfTheContract(t *testing.T) {
	connectortest.RunSink(t, harness(epicorsync.InvoicesOptions{Reversal: epicorsync.Cancel}))
}
