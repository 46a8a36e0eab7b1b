package document_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/document"
)

func report() document.Document {
	return document.Document{
		Kind: document.Report, ID: "4D1E5C0F1A2B3C4D5E6F", Number: "A1B2C3", Revision: 1, Currency: "USD", Total: dec("412.40"),
		Date: "2026-10-28", Approved: "2026-10-30",
		Entries: []document.Entry{
			{ID: "e1", Amount: dec("305.20")},
			{ID: "e2", Amount: dec("107.20"), Allocations: []document.Allocation{
				{Percent: dec("60"), Amount: dec("64.32")}, {Percent: dec("40"), Amount: dec("42.88")},
			}},
			{ID: "e3", Amount: dec("18.00"), Personal: true},
		},
	}
}

func supplierInvoice() document.Document {
	return document.Document{
		Kind: document.Invoice, ID: "P1", Number: "INV-20417", Currency: "USD", Total: dec("115.75"), Date: "2026-10-28",
		Entries: []document.Entry{{ID: "1", Amount: dec("60.00")}, {ID: "2", Amount: dec("40.00")}},
		Charges: []document.Charge{{Kind: document.Shipping, Amount: dec("7.50")}, {Kind: document.Tax, Amount: dec("8.25")}},
	}
}

func TestDocumentsThatTiePass(t *testing.T) {
	require.NoError(t, report().Check())
	require.NoError(t, supplierInvoice().Check(), "R35: 100.00 + 7.50 + 8.25 = 115.75")
}

func TestDocumentCheckNamesFigures(t *testing.T) {
	for name, c := range map[string]struct {
		doc    document.Document
		change func(*document.Document)
		code   document.FaultCode
		says   string
	}{
		"R04 total of a report": {
			report(), func(d *document.Document) { d.Total = dec("430.40") }, document.TotalMismatch,
			"add up to 412.40, not to the total 430.40 (difference -18.00)",
		},
		"R35 total of an invoice": {
			supplierInvoice(), func(d *document.Document) { d.Total = dec("115.74") }, document.TotalMismatch,
			"add up to 115.75, not to the total 115.74 (difference 0.01)",
		},
		"allocations": {
			report(), func(d *document.Document) { d.Entries[1].Allocations[1].Amount = dec("42.87") }, document.AllocationMismatch,
			"expense 2: its allocations add up to 107.19, not to its amount 107.20 (difference -0.01)",
		},
		"R23 amount finer than a cent": {
			report(), func(d *document.Document) { d.Entries[0].Amount = dec("305.205"); d.Total = dec("412.405") }, document.AmountTooFine,
			"expense 1: 305.205 is finer than the minor unit of USD (2 decimals)",
		},
		"R21 yen with decimals": {
			supplierInvoice(), func(d *document.Document) { d.Currency = "JPY" }, document.AmountTooFine,
			"total: 115.75 is finer than the minor unit of JPY (0 decimals)",
		},
		"unknown currency":        {report(), func(d *document.Document) { d.Currency = "USX" }, document.CurrencyUnknown, `"USX"`},
		"unknown kind":            {report(), func(d *document.Document) { d.Kind = "memo" }, document.KindUnknown, `"memo"`},
		"no date":                 {report(), func(d *document.Document) { d.Approved = "10/30/2026" }, document.DateInvalid, "approval date"},
		"entry twice":             {report(), func(d *document.Document) { d.Entries[2].ID = "e1" }, document.EntryRepeated, "expense 3: bears the same id as expense 1"},
		"R15 parent and children": {report(), func(d *document.Document) { d.Entries[1].Parent, d.Entries[2].Parent = "e1", "e1" }, document.ItemisationDoubled, "expense 1: it is itemised by expense 2"},
		"a charge on a report": {
			report(), func(d *document.Document) { d.Charges = []document.Charge{{Kind: document.Tax, Amount: dec("1.00")}} },
			document.TotalMismatch, "only an invoice has charges",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.change(&c.doc)
			err := c.doc.Check()
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
			var faults document.Faults
			require.ErrorAs(t, err, &faults)
			for _, f := range faults {
				require.Equal(t, c.code, f.Code)
			}
		})
	}
}

func TestDocumentCheckReturnsAllFaultsAtOnce(t *testing.T) {
	d := report()
	d.Currency, d.Total, d.Date = "USX", dec("1"), "soon"
	var faults document.Faults
	require.ErrorAs(t, d.Check(), &faults)
	require.Len(t, faults, 3)
}

func posting() document.Posting {
	split := func(account, amount string) document.Split {
		return document.Split{Account: account, Amount: dec(amount)}
	}
	return document.Posting{
		Company: "EPIC06", Document: "report A1B2C3",
		Invoices: []document.APInvoice{
			{
				Vendor: "E1042", Number: "CX-A1B2C3-1-E", Currency: "USD", Date: "2026-10-28", ApplyDate: "2026-10-30", Amount: dec("55.00"),
				Lines: []document.Line{
					{Amount: dec("51.83"), Splits: []document.Split{split("6410|200|00", "51.83")}},
					{Amount: dec("3.17"), Splits: []document.Split{split("1370|000|00", "1.22"), split("1371|000|00", "1.95")}},
				},
			},
			{
				DebitMemo: true, Vendor: "V0088", Number: "CX-A1B2C3-1-CD", Currency: "USD", Date: "2026-10-28", ApplyDate: "2026-10-30", Amount: dec("-349.00"),
				Lines: []document.Line{{Amount: dec("-349.00"), Splits: []document.Split{split("6410|200|00", "-349.00")}}},
			},
		},
	}
}

func TestPostingsThatTiePass(t *testing.T) {
	require.NoError(t, posting().Check())
}

func TestPostingCheckNamesFigures(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*document.Posting)
		says   string
	}{
		"R34 vendor amount": {
			func(p *document.Posting) { p.Invoices[0].Amount = dec("54.99") },
			"invoice 1: the lines add up to 55.00, not to the invoice's 54.99 (difference 0.01)",
		},
		"splits": {
			func(p *document.Posting) { p.Invoices[0].Lines[1].Splits[0].Amount = dec("1.21") },
			"invoice 1, line 2: the splits add up to 3.16, not to the line's 3.17 (difference -0.01)",
		},
		"R38 numbers distinct": {
			func(p *document.Posting) { p.Invoices[1].Number = "CX-A1B2C3-1-E" },
			"invoice 2, number: it bears the same number as invoice 1",
		},
		"R13 debit memo above zero": {func(p *document.Posting) { p.Invoices[0].DebitMemo = true }, "invoice 1: the amount is 55.00 and debit memo is true"},
		"R13 invoice below zero":    {func(p *document.Posting) { p.Invoices[1].DebitMemo = false }, "invoice 2: the amount is -349.00 and debit memo is false"},
		"no company":                {func(p *document.Posting) { p.Company = "" }, "company: no company is named"},
		"no vendor":                 {func(p *document.Posting) { p.Invoices[0].Vendor = "" }, "invoice 1, vendor"},
		"no number":                 {func(p *document.Posting) { p.Invoices[0].Number = "" }, "invoice 1, number: it has no number"},
		"no account":                {func(p *document.Posting) { p.Invoices[0].Lines[0].Splits[0].Account = "" }, "invoice 1, line 1, split 1: no GL account"},
		"no apply date":             {func(p *document.Posting) { p.Invoices[0].ApplyDate = "" }, "invoice 1, apply date"},
		"no invoices":               {func(p *document.Posting) { p.Invoices = nil }, "there is no invoice"},
		"no lines":                  {func(p *document.Posting) { p.Invoices[0].Lines, p.Invoices[0].Amount = nil, dec("0") }, "invoice 1: it has no lines"},
		"unknown currency":          {func(p *document.Posting) { p.Invoices[0].Currency = "" }, "invoice 1, currency"},
		"a split finer than the cents": {func(p *document.Posting) {
			p.Invoices[0].Lines[1].Splits[0].Amount, p.Invoices[0].Lines[1].Splits[1].Amount = dec("1.225"), dec("1.945")
		}, "invoice 1, line 2, split 1: 1.225 is finer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := posting()
			c.change(&p)
			err := p.Check()
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestR54DatesNeverShiftByZone(t *testing.T) {
	d, err := document.ParseDate("2018-02-17")
	require.NoError(t, err)
	require.Equal(t, "2018-02", d.Month())
	_, err = document.ParseDate("2018-02-30")
	require.Error(t, err)
}

func TestTablesHaveOneVersionInAnyOrder(t *testing.T) {
	v1, v2 := document.Vendor{ID: "E1 ", EmployeeID: "1"}, document.Vendor{ID: "E2", EmployeeID: "1"}
	a1, a2 := document.Account{Code: "1"}, document.Account{Code: "2", Inactive: true}
	one, err := document.NewTables("C", []document.Vendor{v1, v2}, []document.Account{a1, a2}, nil)
	require.NoError(t, err)
	two, err := document.NewTables("C", []document.Vendor{v2, v1}, []document.Account{a2, a1}, nil)
	require.NoError(t, err)
	require.Equal(t, one.Version(), two.Version())
	require.Equal(t, []string{"E1", "E2"}, two.VendorsOf("1"))

	a2.Inactive = false
	three, err := document.NewTables("C", []document.Vendor{v1, v2}, []document.Account{a1, a2}, nil)
	require.NoError(t, err)
	require.NotEqual(t, one.Version(), three.Version(), "a changed row is another version")
}

func TestTablesRefuseTwoRowsWithOneCode(t *testing.T) {
	_, err := document.NewTables("C", []document.Vendor{{ID: "E1"}, {ID: "E1 "}}, nil, nil)
	require.ErrorContains(t, err, `"E1"`)
	_, err = document.NewTables("C", nil, []document.Account{{Code: "1"}, {Code: "1"}}, nil)
	require.ErrorContains(t, err, `"1"`)
}

func TestR62AccountIsJudgedOnTheApplyDate(t *testing.T) {
	a := document.Account{Code: "6410|200|00", From: "2026-01-01", To: "2026-10-31"}
	_, open := a.OpenOn("2026-10-31")
	require.True(t, open)
	why, open := a.OpenOn("2026-11-01")
	require.False(t, open)
	require.Equal(t, "it closed on 2026-10-31", why)
	why, open = a.OpenOn("2025-12-31")
	require.False(t, open)
	require.Equal(t, "it opens on 2026-01-01", why)
}
