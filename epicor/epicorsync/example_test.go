package epicorsync_test

import (
	"context"
	"fmt"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// A delivery of three documents is entered, found again by its key, tied out and
// taken back.
func ExampleInvoices() {
	srv := server(nil)
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, sink := context.Background(), epicorsync.Invoices(c, nil)

	receipt, err := sink.Deliver(ctx, report())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range receipt.Made {
		fmt.Println(m.Number, m.Totals[0].Amount.StringFixed(2), m.Totals[0].Currency, "group", m.Batch)
	}
	finding, err := sink.Find(ctx, report())
	fmt.Println(finding.Presence, err)

	standing, err := sink.Standing(ctx, "2026-10-01", "2026-10-31")
	fmt.Println(epicorsync.Totals(standing)[0].Amount.StringFixed(2), err)

	receipt, err = sink.Reverse(ctx, report())
	fmt.Println(receipt.Notes, err)
	// Output:
	// CX-A1B2C3-1-C 284.00 USD group CX261030U
	// CX-A1B2C3-1-E 35.00 USD group CX261030U
	// CX-A1B2C3-1-ED -14.00 USD group CX261030U
	// same <nil>
	// 305.00 <nil>
	// [CX-A1B2C3-1-C: deleted CX-A1B2C3-1-E: deleted CX-A1B2C3-1-ED: deleted] <nil>
}
