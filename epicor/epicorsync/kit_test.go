package epicorsync_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

const company = epicortest.DefaultCompany

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

type delivery = connector.Delivery[document.Posting]

func server(opts *epicortest.Options) *epicortest.Server {
	if opts == nil {
		opts = &epicortest.Options{}
	}
	opts.Companies = []epicortest.Company{{
		ID: company, DefaultAccount: "1900|000|00",
		UDColumns: map[string]map[string]any{"Vendor": {"EmpID_c": ""}},
	}}
	srv := epicortest.New(opts)
	srv.AddVendors(company,
		epicortest.Vendor{Num: 42, ID: "E1042", Name: "Ada Lovelace", UD: map[string]any{"EmpID_c": "1042"}},
		epicortest.Vendor{Num: 7, ID: "CARDCO", Name: "Card Company"},
		epicortest.Vendor{Num: 8, ID: "OLD", Inactive: true},
		epicortest.Vendor{Num: 9, ID: "NOTERMS", NoTerms: true},
		epicortest.Vendor{Num: 10, ID: "HELD", PayHold: true, Unapproved: true},
	)
	srv.AddAccounts(company,
		epicortest.GLAccount{Account: "6410|200|00", Desc: "Meals"},
		epicortest.GLAccount{Account: "6420|200|00", Desc: "Travel"},
		epicortest.GLAccount{Account: "1900|000|00", Desc: "Clearing"},
		epicortest.GLAccount{Account: "6999|200|00", Desc: "Closed", Inactive: true},
		epicortest.GLAccount{
			Account: "6500|200|00", EffFrom: epicortest.Date{Year: 2026, Month: 1, Day: 1},
			EffTo: epicortest.Date{Year: 2026, Month: 10, Day: 29},
		},
	)
	return srv
}

func client(t testing.TB, srv *epicortest.Server, opts epicor.Options) *epicor.Client {
	t.Helper()
	opts.AllowHTTP, opts.HTTP = true, srv.Client()
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(srv.Root(company), cred, &opts)
	require.NoError(t, err)
	return c
}

func setup(t testing.TB) (*epicortest.Server, *epicorsync.InvoiceSink) {
	t.Helper()
	srv := server(nil)
	return srv, epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), nil)
}

func line(account, amount string) document.Line {
	return document.Line{
		Description: "Line " + account, Amount: dec(amount),
		Splits: []document.Split{{Account: account, Amount: dec(amount)}},
	}
}

// report is a set of three: a card vendor, an employee, and a debit memo.
func report() delivery {
	inv := func(vendor, number string, lines ...document.Line) document.APInvoice {
		sum := decimal.Zero
		for _, l := range lines {
			sum = sum.Add(l.Amount)
		}
		return document.APInvoice{
			Vendor: vendor, Number: number, MadeUp: true, Currency: "USD", Date: "2026-10-28", ApplyDate: "2026-10-30",
			Description: "Report A1B2C3", Amount: sum, DebitMemo: sum.IsNegative(), Lines: lines,
		}
	}
	return delivery{
		Tenant: "acme", Target: "epicor-ap", Ref: connector.Ref{Kind: "report", ID: "A1B2C3"}, Revision: 1, Generation: 1,
		Posting: document.Posting{
			Company: company, Document: "report A1B2C3",
			Invoices: []document.APInvoice{
				inv("CARDCO", "CX-A1B2C3-1-C", line("6410|200|00", "250.00"), line("6420|200|00", "34.00")),
				inv("E1042", "CX-A1B2C3-1-E", line("6410|200|00", "35.00")),
				inv("E1042", "CX-A1B2C3-1-ED", line("6420|200|00", "-14.00")),
			},
		},
	}
}

func one(vendor, number, account, amount string) delivery {
	d := report()
	d.Ref.ID = "X-" + number
	inv := d.Posting.Invoices[1]
	inv.Vendor, inv.Number, inv.Amount = vendor, number, dec(amount)
	inv.Lines = []document.Line{line(account, amount)}
	d.Posting.Invoices = []document.APInvoice{inv}
	return d
}

func find(t testing.TB, s *epicorsync.InvoiceSink, d delivery) connector.Finding {
	t.Helper()
	f, err := s.Find(t.Context(), d)
	require.NoError(t, err)
	return f
}

// rejected returns the one issue of a Rejection.
func rejected(t testing.TB, err error) connector.Issue {
	t.Helper()
	require.ErrorIs(t, err, connector.ErrRejected)
	var r *connector.Rejection
	require.ErrorAs(t, err, &r)
	require.Len(t, r.Issues, 1)
	require.NotEmpty(t, r.Issues[0].Owner)
	require.NotEmpty(t, r.Issues[0].Remedy)
	return r.Issues[0]
}
