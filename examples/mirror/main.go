// Mirror copies reference data from Epicor to SAP Concur: GL accounts
// and cost centres into two lists, vendors into the vendors of Concur Invoice.
//
//	go run ./examples/mirror
//
// runs against both vendors in memory. What it does is the function copies; the
// two clients are the only thing that changes for real systems.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mirror:", err)
		os.Exit(1)
	}
}

const tenant = "acme"

// names of the three mirrors, in the order in which they are added.
const (
	accounts = "gl-accounts"
	centres  = "cost-centres"
	vendors  = "vendors"
)

// places says where in Concur the copies are.
type places struct {
	accountList, centreList string // UUIDs of the lists
	country                 string // of vendors whose address has none
}

// copies adds the three mirrors. With e.Run they work once an hour; RunMirror
// runs one of them now.
func copies(e *engine.Engine, from *epicor.Client, to *concur.Client, at places) error {
	err := engine.AddMirror(e, engine.Mirror[document.ListItem]{
		Tenant: tenant, Name: accounts,
		Original: epicorsync.AccountsOriginal(from, nil),
		Copy:     concursync.ListCopy(to, at.accountList, nil),
	})
	if err != nil {
		return err
	}
	err = engine.AddMirror(e, engine.Mirror[document.ListItem]{
		Tenant: tenant, Name: centres,
		Original: epicorsync.SegmentOriginal(from, "MAIN", 2, nil),
		Copy:     concursync.ListCopy(to, at.centreList, nil),
	})
	if err != nil {
		return err
	}
	return engine.AddMirror(e, engine.Mirror[document.Vendor]{
		Tenant: tenant, Name: vendors,
		Original: epicorsync.VendorsOriginal(from, &epicorsync.VendorsOptions{TermsDays: map[string]int{"N30": 30}}),
		Copy:     concursync.VendorCopy(to, &concursync.VendorCopyOptions{Country: at.country}),
	})
}

func run(ctx context.Context, out io.Writer) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	e, err := engine.New(memstore.New(), audit.NewTrail(memlog.New(), nil), nil)
	if err != nil {
		return err
	}
	if err := copies(e, s.epicor, s.concur, s.at()); err != nil {
		return err
	}
	for _, round := range []string{"first run", "second run"} {
		fmt.Fprintf(out, "%s\n", round)
		for _, name := range e.Mirrors(tenant) {
			r, err := e.RunMirror(ctx, tenant, name, false, engine.Act{})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  %-12s  %d read, %d sent, %d unchanged, %d retired\n", r.Name, r.Read, r.Sent, r.Unchanged, r.Retired)
		}
	}
	fmt.Fprintln(out, "in Concur's list of cost centres")
	for _, item := range s.centres.Items() {
		fmt.Fprintf(out, "  %-8s %s\n", item.Code, item.Name)
	}
	return nil
}
