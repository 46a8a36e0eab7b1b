package epicorsync_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
)

// paidTarget is a fake with invoices of ours and one of somebody else, of which
// something is paid.
type paidTarget struct {
	srv    *epicortest.Server
	keys   []string // by invoice, "" for the one of somebody else
	paid   []string // the key of each payment
	first  int      // the first payment
	broken bool
}

func (x *paidTarget) RoundTrip(r *http.Request) (*http.Response, error) {
	if x.broken {
		return nil, http.ErrServerClosed
	}
	return x.srv.Transport().RoundTrip(r)
}

func (x *paidTarget) payer(t *testing.T) *epicorsync.InvoiceSink {
	t.Helper()
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(x.srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: &http.Client{Transport: x}, Tries: 1, PageSize: 2})
	require.NoError(t, err)
	return epicorsync.Invoices(c, nil)
}

// pay pays one dollar of the n-th invoice.
func (x *paidTarget) pay(n int) string {
	head := x.srv.Pay(company, "E1042", fmt.Sprint("PAPER-", n), dec("1.00"), epicortest.Date{Year: 2026, Month: 11, Day: 3})
	if x.first == 0 {
		x.first = head
	}
	x.paid = append(x.paid, x.keys[n])
	return x.keys[n]
}

func TestPaymentsKeepEveryRuleOfTheContract(t *testing.T) {
	as := func(v any) *paidTarget {
		x, _ := v.(*paidTarget)
		return x
	}
	connectortest.RunPayer(t, connectortest.PayerHarness{
		Open: func(t *testing.T) (connector.Payer, any) {
			x := &paidTarget{srv: server(nil)}
			s := x.payer(t)
			for n := range 3 {
				number := fmt.Sprint("PAPER-", n)
				d := one("E1042", number, "6410|200|00", "10.00")
				d.Ref.ID = number
				_, err := s.Deliver(t.Context(), d)
				require.NoError(t, err)
				x.keys = append(x.keys, d.Key())
			}
			x.srv.EditInvoice(company, "E1042", "PAPER-2", map[string]any{"ExternalID": "typed by hand"})
			x.keys[2] = ""
			for _, n := range []int{0, 1, 2, 1, 0} {
				x.pay(n)
			}
			return s, x
		},
		Paid: func(_ *testing.T, v any) []string { return as(v).paid },
		Pay:  func(_ *testing.T, v any) string { return as(v).pay(1) },
		TakeBack: func(_ *testing.T, v any) string {
			as(v).srv.VoidPayment(company, as(v).first)
			as(v).paid = append(as(v).paid, as(v).keys[0])
			return as(v).keys[0]
		},
		Again: func(t *testing.T, v any) connector.Payer { return as(v).payer(t) },
		Break: func(_ *testing.T, v any, broken bool) { as(v).broken = broken },
	})
}
