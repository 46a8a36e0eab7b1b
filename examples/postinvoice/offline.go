package main

import (
	"context"
	"io"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// offline enters the invoice into a Kinetic in memory that loses an answer on the
// way, as networks do.
func offline(ctx context.Context, out io.Writer) error {
	srv := epicortest.New(nil)
	srv.AddVendors(epicortest.DefaultCompany, epicortest.Vendor{ID: "E1042", Name: "Ada Lovelace"})
	srv.AddAccounts(epicortest.DefaultCompany, epicortest.GLAccount{Account: "6410|200|00", Desc: "Travel"})
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 1, Drop: true, When: epicortest.After})
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	client, err := epicor.NewClient(srv.Root(epicortest.DefaultCompany), cred, &epicor.Options{HTTP: srv.Client(), AllowHTTP: true})
	if err != nil {
		return err
	}
	return post(ctx, client, "E1042", "6410|200|00", epicor.Date{Year: 2026, Month: 10, Day: 30}, out)
}
