// Thirdsystem shows how a system that this module has never heard of becomes
// the target of a flow. Tally (erp.go) is a toy ERP; sink.go makes it a
// connector.Sink and is all that has to be written; the test runs the suite that
// tells whether the sink keeps its contract.
//
//	go run ./examples/thirdsystem
//
// posts one expense report, loses the answer of the second bill on the way, and
// prints what stands in Tally: each bill once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "thirdsystem:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	erp := &Tally{suppliers: []string{"E1042", "CARD-AMEX"}}
	erp.fault = loseAnswer(2)

	settled := make(chan engine.Change, 1)
	e, err := engine.New(memstore.New(), audit.NewTrail(memlog.New(), nil), &engine.Options{
		Observer: engine.Observer{Changed: func(c engine.Change) {
			if c.To == engine.Confirmed || c.To == engine.Parked {
				settled <- c
			}
		}},
	})
	if err != nil {
		return err
	}
	err = engine.Add(e, engine.Flow[document.Document, document.Posting]{
		Tenant: "acme", Name: "reports-to-tally", Target: "tally",
		Source: desk{}, Mapper: book{}, Sink: sink{erp},
		Policy: &engine.Policy{MinWait: 10 * time.Millisecond, Sweep: -1},
	})
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(work) }()
	err = e.Notify(ctx, connector.Notice{Tenant: "acme", Ref: connector.Ref{Kind: "report", ID: "R1"}})
	if err == nil {
		select {
		case c := <-settled:
			fmt.Fprintf(out, "report R1: %s\n", c.To)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	stop()
	if err := errors.Join(err, <-stopped); err != nil {
		return err
	}
	for _, b := range erp.bills {
		fmt.Fprintf(out, "bill %s of %-9s %s %s\n", b.Number, b.Supplier, b.Amount.StringFixed(2), b.Currency)
		for _, l := range b.Lines {
			fmt.Fprintf(out, "  %-8s %6s  %s\n", l.Text, l.Amount.StringFixed(2), l.Account)
		}
	}
	return nil
}

// loseAnswer makes the n-th change succeed without its caller hearing of it.
func loseAnswer(n int) func(done bool) error {
	return func(done bool) error {
		if done {
			n--
			if n == 0 {
				return errors.New("connection reset by peer")
			}
		}
		return nil
	}
}

// desk is a source with one approved report. With a real one, its
// concursync.Reports stands here.
type desk struct{}

func (desk) Changes(context.Context, connector.Cursor) (connector.Page[document.Document], error) {
	return connector.Page[document.Document]{}, nil
}

func (desk) Fetch(_ context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	amount := decimal.RequireFromString
	doc := document.Document{
		Kind: document.Report, ID: ref.ID, Number: "R1", Revision: 1, Currency: "USD",
		Owner: document.Person{EmployeeID: "E1042"}, Total: amount("262.50"),
		Entries: []document.Entry{
			{ID: "1", Description: "Hotel", Payment: document.Value{Code: "CARD"}, Amount: amount("250.00")},
			{ID: "2", Description: "Lunch", Payment: document.Value{Code: "CASH"}, Amount: amount("12.50")},
		},
	}
	return connector.Snapshot[document.Document]{
		Ref: ref, Revision: 1, Phase: connector.Ready, Period: "2026-10", Content: doc,
		Totals: []connector.Total{{Company: "ACME", Currency: "USD", Amount: doc.Total}},
	}, nil
}

// book is a mapper in a few lines: who paid gets a bill. mapping/rules does this
// with rules from a file.
type book struct{}

func (book) Map(_ context.Context, doc document.Document) (mapping.Result[document.Posting], error) {
	on := document.DateOf(time.Date(2026, time.October, 30, 0, 0, 0, 0, time.UTC))
	p := document.Posting{Company: "ACME", Document: "report " + doc.Number}
	for _, e := range doc.Entries {
		vendor := doc.Owner.EmployeeID
		if e.Payment.Code == "CARD" {
			vendor = "CARD-AMEX"
		}
		p.Invoices = append(p.Invoices, document.APInvoice{
			Vendor: vendor, Number: doc.Number, MadeUp: true, Currency: doc.Currency, Date: on, ApplyDate: on, Amount: e.Amount,
			Lines: []document.Line{{Description: e.Description, Amount: e.Amount, Splits: []document.Split{{Account: "6410", Amount: e.Amount}}}},
		})
	}
	return mapping.Result[document.Posting]{Posting: p, Version: "1"}, nil
}
