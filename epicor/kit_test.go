package epicor_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

const company = epicortest.DefaultCompany

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func date(t testing.TB, s string) epicor.Date {
	t.Helper()
	d, err := epicor.ParseDate(s)
	require.NoError(t, err)
	return d
}

// seed gives a server vendors, accounts and a default account for expenses.
func seed(srv *epicortest.Server) {
	srv.AddVendors(company,
		epicortest.Vendor{Num: 42, ID: "E1042", Name: "Ada Lovelace"},
		epicortest.Vendor{Num: 7, ID: "ACME", Name: "Acme O'Neil & Sons"},
		epicortest.Vendor{Num: 8, ID: "OLD", Inactive: true},
	)
	srv.AddAccounts(company,
		epicortest.GLAccount{Account: "6410|200|00", Desc: "Meals"},
		epicortest.GLAccount{Account: "6420|200|00", Desc: "Travel"},
		epicortest.GLAccount{Account: "6430|300|00", Desc: "Hotel"},
		epicortest.GLAccount{Account: "1900|000|00", Desc: "Clearing"},
		epicortest.GLAccount{Account: "6999|200|00", Desc: "Closed", Inactive: true},
	)
}

func options() *epicortest.Options {
	return &epicortest.Options{WholeRows: true, Companies: []epicortest.Company{{
		ID: company, DefaultAccount: "1900|000|00",
		UDColumns: map[string]map[string]any{"APInvHed": {"ConcurKey_c": "", "Seen_c": "kept"}, "APInvDtl": {"Note_c": "line"}},
	}}}
}

func credential() epicor.Credential {
	return epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
}

// pair is a fake without sockets and a client that talks to it.
func pair(t testing.TB, opts *epicor.Options) (*epicortest.Server, *epicor.Client) {
	t.Helper()
	srv := epicortest.New(options())
	seed(srv)
	return srv, client(t, srv, opts)
}

func client(t testing.TB, srv *epicortest.Server, opts *epicor.Options) *epicor.Client {
	t.Helper()
	o := epicor.Options{}
	if opts != nil {
		o = *opts
	}
	o.AllowHTTP = true
	if o.HTTP == nil {
		o.HTTP = srv.Client()
	}
	c, err := epicor.NewClient(srv.Root(company), credential(), &o)
	require.NoError(t, err)
	return c
}

// meal is an invoice of three lines with two splits each.
func meal(t testing.TB) epicor.APInvoiceInput {
	t.Helper()
	return epicor.APInvoiceInput{
		Key: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", VendorID: "E1042", Number: "CX-A1B2C3-1-E", Currency: "USD",
		Date: date(t, "2026-10-28"), ApplyDate: date(t, "2026-10-30"), Description: "Report A1B2C3",
		Lines: []epicor.APInvoiceLineInput{
			{Description: "Dinner <3 guests>", Amount: dec("120.10"), Splits: []epicor.APInvoiceSplitInput{
				{Account: "6410|200|00", Amount: dec("80.07")}, {Account: "6430|300|00", Amount: dec("40.03")},
			}},
			{Description: "Refund", Amount: dec("-20.00"), Splits: []epicor.APInvoiceSplitInput{
				{Account: "6410|200|00", Amount: dec("-15.00")}, {Account: "6420|200|00", Amount: dec("-5.00")},
			}},
			{Description: "Taxi", Amount: dec("33.33"), Splits: []epicor.APInvoiceSplitInput{
				{Account: "6420|200|00", Amount: dec("11.11")}, {Account: "6430|300|00", Amount: dec("22.22")},
			}},
		},
	}
}

// queryAll asks for everything.
var queryAll odata.Query
