package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
	"github.com/ml-connector/ml-connector/sync/document"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// report R1: confirmed
	// bill R1 of CARD-AMEX 250.00 USD
	//   Hotel    250.00  6410
	// bill R1 of E1042     12.50 USD
	//   Lunch     12.50  6410
}

func posting(n int) document.Posting {
	p := document.Posting{Company: "ACME", Document: fmt.Sprint("report ", n)}
	for i, vendor := range []string{"E1042", "CARD-AMEX", "CARD-VISA"} {
		amount := decimal.New(int64(100*n+i), -2)
		if i == 2 {
			amount = amount.Neg() // a credit
		}
		p.Invoices = append(p.Invoices, document.APInvoice{
			Vendor: vendor, Number: fmt.Sprint("R", n), MadeUp: true, Currency: "USD", Amount: amount,
			Lines: []document.Line{{Description: "Hotel", Amount: amount, Splits: []document.Split{{Account: "6410", Amount: amount}}}},
		})
	}
	return p
}

// tally returns the ERP that a harness's function is given.
func tally(t *testing.T, target any) *Tally {
	t.Helper()
	erp, ok := target.(*Tally)
	require.True(t, ok)
	return erp
}

// This is all that a sink needs to be proven.
func TestTheSinkKeepsTheContract(t *testing.T) {
	calls, limit := 0, 0
	connectortest.RunSink(t, connectortest.SinkHarness[document.Posting]{
		Open: func(*testing.T) (connector.Sink[document.Posting], any) {
			erp := &Tally{suppliers: []string{"E1042", "CARD-AMEX", "CARD-VISA"}}
			return sink{erp}, erp
		},
		Posting: posting,
		Totals: func(p document.Posting) (totals []connector.Total) {
			for _, inv := range p.Invoices {
				totals = append(totals, connector.Total{Company: p.Company, Currency: inv.Currency, Amount: inv.Amount})
			}
			return totals
		},
		Change: func(p document.Posting) document.Posting {
			p.Invoices[0].Lines[0].Splits[0].Account = "6420"
			return p
		},
		Again: func(t *testing.T, target any) connector.Sink[document.Posting] { return sink{tally(t, target)} },
		Keys: func(t *testing.T, target any) (keys []string) {
			for _, b := range tally(t, target).bills {
				if !b.Cancelled {
					keys = append(keys, b.Reference)
				}
			}
			return keys
		},
		Foreign: func(t *testing.T, target any, p document.Posting) {
			for _, b := range bills(connector.Delivery[document.Posting]{Posting: p, Generation: 1}) {
				b.Reference = ""
				_, err := tally(t, target).Create(t.Context(), b)
				require.NoError(t, err)
			}
		},
		Break: func(t *testing.T, target any, n int) (reached bool) {
			reached = limit > 0 && calls >= limit
			calls, limit = 0, n
			tally(t, target).fault = func(done bool) error {
				if done {
					return nil
				}
				if calls++; limit > 0 && calls >= limit {
					return errors.New("out of order")
				}
				return nil
			}
			return reached
		},
		Lose: func(t *testing.T, target any) { tally(t, target).fault = loseAnswer(1) },
	})
}

func TestAnUnknownSupplierIsForAPersonToMend(t *testing.T) {
	_, err := sink{&Tally{}}.Deliver(t.Context(), connector.Delivery[document.Posting]{Posting: posting(1), Generation: 1})
	var rejection *connector.Rejection
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, "supplier_unknown", rejection.Issues[0].Code)
	require.Equal(t, "E1042", rejection.Issues[0].Value)
}
