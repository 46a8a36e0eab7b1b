package epicor_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// fakeEpicor stands in for a Kinetic server, so that the examples run.
func fakeEpicor() (*epicortest.Server, *epicor.Client, error) {
	srv := epicortest.New(options())
	seed(srv)
	c, err := epicor.NewClient(srv.Root(company), credential(), &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	return srv, c, err
}

func ExampleNewClient() {
	cred := epicor.Basic("an API key", "service account", "its password")
	c, err := epicor.NewClient("https://kinetic.example.com/prod/api/v2/odata/EPIC06", cred, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	_, err = epicor.NewClient("http://kinetic.example.com/prod/api/v2/odata/EPIC06", cred, nil)
	fmt.Println(err)
	// Output:
	// epicor client for company EPIC06 at kinetic.example.com
	// epicor: the address of kinetic.example.com is http, so the credential would travel readable: use https; AllowHTTP of the options permits it for tests on the same machine
}

func ExampleEntities_List() {
	_, c, err := fakeEpicor()
	if err != nil {
		fmt.Println(err)
		return
	}
	active := odata.Query{Filter: odata.Eq("Inactive", false), OrderBy: []odata.Order{odata.Asc("VendorID")}}
	for v, err := range c.Vendors.List(context.Background(), active) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(v.VendorID, v.Name)
	}
	// Output:
	// ACME Acme O'Neil & Sons
	// E1042 Ada Lovelace
}

func ExampleAPInvoiceService_Create() {
	_, c, err := fakeEpicor()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	amount := decimal.RequireFromString("120.10")
	in := epicor.APInvoiceInput{
		Key: "report A1B2C3, revision 1", VendorID: "E1042", Number: "CX-A1B2C3-1-E", Currency: "USD",
		Date: epicor.Date{Year: 2026, Month: 10, Day: 28}, ApplyDate: epicor.Date{Year: 2026, Month: 10, Day: 30},
		Lines: []epicor.APInvoiceLineInput{{
			Description: "Dinner with a customer", Amount: amount,
			Splits: []epicor.APInvoiceSplitInput{{Account: "6410|200|00", Amount: amount}},
		}},
	}
	inv, err := c.APInvoices.Create(ctx, in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(inv.Number, inv.Amount, inv.Currency, "in group", inv.Group)

	// A second one with the same vendor and number is refused.
	_, err = c.APInvoices.Create(ctx, in)
	var refused *epicor.APInvoiceError
	var vendor *epicor.Error
	if errors.As(err, &refused) && errors.As(err, &vendor) {
		fmt.Println(refused.Step, refused.Outcome, vendor.Duplicate())
	}
	// Output:
	// CX-A1B2C3-1-E 120.10 USD in group CX261030U
	// header not committed true
}
