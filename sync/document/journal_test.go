package document_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/sync/document"
)

// line is a line of a journal without taxes.
func line(payer, payee, account, gross string) document.Journal {
	return document.Journal{Payer: payer, Payee: payee, Account: account, Gross: dec(gross), NetOfTax: dec(gross), NetOfReclaim: dec(gross)}
}

// journaled is an entry with one allocation.
func journaled(id, approved string, lines ...document.Journal) document.Entry {
	return document.Entry{ID: id, Amount: dec(approved), Allocations: []document.Allocation{{Amount: dec(approved), Journal: lines}}}
}

// hotel is a stay on a company card with a private movie, and a taxi in cash.
func hotel() document.Document {
	movie := journaled("e4", "0", line("COMP", "CBCP", "199999", "14"), line("EMPL", "COMP", "199999", "-14"))
	movie.Personal = true
	return document.Document{
		Kind: document.Report, ID: "7F00502973D84DEFA49E", Number: "A1B2C3", Revision: 1, Currency: "USD", Total: dec("305.00"), Journaled: true,
		Date: "2026-06-06", Approved: "2026-06-07",
		Entries: []document.Entry{
			journaled("e1", "125", line("COMP", "CBCP", "474230", "125")),
			journaled("e2", "125", line("COMP", "CBCP", "474230", "125")),
			journaled("e3", "20", line("COMP", "CBCP", "474230", "20")),
			movie,
			journaled("e5", "35", line("COMP", "EMPL", "474230", "35")),
		},
	}
}

// taxed is 55.00 with two taxes that are reclaimed in part.
func taxed() document.Document {
	j := document.Journal{
		Payer: "COMP", Payee: "EMPL", Account: "474210", Gross: dec("55"), NetOfTax: dec("48.68"), NetOfReclaim: dec("51.83"),
		Taxes: []document.TaxPart{
			{Authority: "GST", ReclaimCode: "SG", Amount: dec("2.43"), Reclaim: dec("1.22")},
			{Authority: "PST", ReclaimCode: "SG", Amount: dec("3.89"), Reclaim: dec("1.95")},
		},
	}
	return document.Document{
		Kind: document.Report, ID: "R1", Number: "R1", Currency: "CAD", Total: dec("55"), Journaled: true,
		Entries: []document.Entry{journaled("e1", "55", j)},
	}
}

func TestR04AJournalThatTiesPasses(t *testing.T) {
	require.NoError(t, hotel().Check(), "125 + 125 + 20 + (14 − 14) + 35 = 305")
	require.NoError(t, taxed().Check(), "R24: 55 − 6.32 = 48.68, 55 − 3.17 = 51.83")
}

func TestJournalCheckNamesFigures(t *testing.T) {
	for name, c := range map[string]struct {
		doc    document.Document
		change func(*document.Document)
		code   document.FaultCode
		says   string
	}{
		"R04 an entry is not its journal": {
			hotel(), func(d *document.Document) {
				d.Entries[4].Allocations[0].Journal[0] = line("COMP", "EMPL", "474230", "34.99")
			},
			document.AllocationMismatch, "expense 5: its journal adds up to 34.99, not to the approved 35.00 (difference -0.01)",
		},
		"R04 the total is not its entries": {
			hotel(), func(d *document.Document) { d.Total = dec("319") }, document.TotalMismatch,
			"the approved amounts add up to 305.00, not to the total 319.00 (difference -14.00)",
		},
		"R07 what is private does not net": {
			hotel(), func(d *document.Document) {
				d.Entries[3].Allocations[0].Journal = d.Entries[3].Allocations[0].Journal[:1]
			},
			document.AllocationMismatch, "expense 4: its journal adds up to 14.00, not to the approved 0.00 (difference 14.00)",
		},
		"R04 an entry without any journal": {
			hotel(), func(d *document.Document) { d.Entries[0].Allocations = nil }, document.AllocationMismatch,
			"expense 1: its journal adds up to 0.00, not to the approved 125.00 (difference -125.00)",
		},
		"R24 net of tax": {
			taxed(), func(d *document.Document) { d.Entries[0].Allocations[0].Journal[0].NetOfTax = dec("48.69") }, document.TaxMismatch,
			"expense 1, journal line 1: 55.00 less 6.32 of tax is 48.68, not the net of tax 48.69 (difference -0.01)",
		},
		"R24 net of reclaim": {
			taxed(), func(d *document.Document) { d.Entries[0].Allocations[0].Journal[0].Taxes[0].Reclaim = dec("1.21") }, document.TaxMismatch,
			"55.00 less 3.16 of tax that is reclaimed is 51.84, not the net of reclaim 51.83 (difference 0.01)",
		},
		"R23 a tax finer than a cent": {
			taxed(), func(d *document.Document) { d.Entries[0].Allocations[0].Journal[0].Taxes[0].Reclaim = dec("1.215") }, document.AmountTooFine,
			"expense 1, journal line 1: 1.215 is finer than the minor unit of CAD",
		},
		"R10 an advance above zero": {
			hotel(), func(d *document.Document) { d.Advances = []document.Advance{{ID: "A", Amount: dec("5")}} }, document.TotalMismatch,
			"cash advance 1: 5 is set off, and what is set off is below zero",
		},
		"R11 more is returned than was set off": {
			hotel(), func(d *document.Document) {
				d.Advances, d.AdvanceReturn = []document.Advance{{ID: "A", Amount: dec("-5")}}, dec("5.01")
			}, document.TotalMismatch, "5.01 is returned of advances of 5",
		},
		"R29 more than the rate gives": {
			hotel(), func(d *document.Document) {
				d.Entries[4].Spent, d.Entries[4].Rate = &document.Money{Amount: dec("31"), Currency: "EUR"}, &document.Rate{Value: dec("0.89294902"), Divide: true}
			}, document.RateMismatch, "expense 5: 31 EUR at 0.89294902 is 34.72 USD, and 35.00 was approved",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.change(&c.doc)
			err := c.doc.Check()
			require.ErrorContains(t, err, c.says)
			var faults document.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1)
			require.Equal(t, c.code, faults[0].Code)
		})
	}
}

func TestR29TheRateIsOnlyACheck(t *testing.T) {
	for name, c := range map[string]struct {
		spent, rate, approved string
		divide, ok            bool
	}{
		"24 / 0.89294902 = 26.88":                          {"24", "0.89294902", "26.88", true, true},
		"26 / 0.89294902 = 29.12":                          {"26", "0.89294902", "29.12", true, true},
		"75 × 0.80321754 = 60.24":                          {"75", "0.80321754", "60.24", false, true},
		"25 × 0.80321754 = 20.08":                          {"25", "0.80321754", "20.08", false, true},
		"a cent of tolerance":                              {"25", "0.80321754", "20.09", false, true},
		"two cents are too many":                           {"25", "0.80321754", "20.10", false, false},
		"the other direction":                              {"75", "0.80321754", "93.37", false, false},
		"R31 less may be approved":                         {"75", "0.80321754", "40.00", false, true},
		"a refund":                                         {"-75", "0.80321754", "-60.24", false, true},
		"a refund is not a purchase":                       {"-75", "0.80321754", "60.24", false, false},
		"ten million yen at a rate of few digits":          {"10000000", "0.00634521", "63452.14", false, true},
		"ten million yen at a rate of few digits, too far": {"10000000", "0.00634521", "63452.25", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := hotel()
			d.Entries, d.Total = []document.Entry{journaled("e1", c.approved, line("COMP", "EMPL", "1", c.approved))}, dec(c.approved)
			d.Entries[0].Spent, d.Entries[0].Rate = &document.Money{Amount: dec(c.spent), Currency: "EUR"}, &document.Rate{Value: dec(c.rate), Divide: c.divide}
			err := d.Check()
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "rate_mismatch")
		})
	}
}

func TestR01TheCounterpartyIsTheSideThatIsNotTheCompany(t *testing.T) {
	for _, c := range []struct {
		payer, payee, want string
		ok                 bool
	}{
		{"COMP", "EMPL", "EMPL", true},
		{"EMPL", "COMP", "EMPL", true},
		{"COPD", "COMP", "COPD", true},
		{" COMP ", "CBCP ", "CBCP", true},
		{"COMP", "COMP", "", false},
		{"EMPL", "CBCP", "", false},
		{"COMP", "", "", false},
		{"", "COMP", "", false},
	} {
		got, ok := document.Journal{Payer: c.payer, Payee: c.payee}.Counterparty()
		require.Equal(t, c.want, got, "%q to %q", c.payer, c.payee)
		require.Equal(t, c.ok, ok, "%q to %q", c.payer, c.payee)
	}
}

func TestCashAdvancesAreDocumentsOfTheirOwn(t *testing.T) {
	d := document.Document{
		Kind: document.CashAdvance, ID: "E2A0", Number: "E2A0", Currency: "USD", Total: dec("7000"), Journaled: true,
		Entries: []document.Entry{journaled("E2A0", "7000", line("COMP", "EMPL", "CASH", "7000"))},
	}
	require.NoError(t, d.Check())
	d.Advances = []document.Advance{{ID: "x", Amount: dec("-1")}}
	require.ErrorContains(t, d.Check(), "only a journaled report has cash advances")
}

func TestPostingCheckCountsTaxesAndOrderedLines(t *testing.T) {
	with := func(change func(*document.APInvoice)) error {
		p := posting()
		p.Invoices = p.Invoices[:1]
		inv := &p.Invoices[0]
		inv.Lines = []document.Line{
			{Amount: dec("40"), Order: &document.OrderLine{Order: 4500017, Line: 1}},
			{Amount: dec("11.83"), Splits: []document.Split{{Account: "6410", Amount: dec("11.83")}}},
		}
		inv.Taxes = []document.InvoiceTax{{Code: "GST", Rate: "STD", Amount: dec("1.22")}, {Code: "PST", Rate: "STD", Amount: dec("1.95")}}
		change(inv)
		return p.Check()
	}
	require.NoError(t, with(func(*document.APInvoice) {}), "R34: 40.00 + 11.83 + 1.22 + 1.95 = 55.00")
	for name, c := range map[string]struct {
		change func(*document.APInvoice)
		says   string
	}{
		"R34 a tax is missing": {
			func(inv *document.APInvoice) { inv.Taxes = inv.Taxes[:1] },
			"the lines and taxes add up to 53.05, not to the invoice's 55.00 (difference -1.95)",
		},
		"a tax without a code":         {func(inv *document.APInvoice) { inv.Taxes[0].Code = "" }, "it has no code"},
		"R23 a tax finer than a cent":  {func(inv *document.APInvoice) { inv.Taxes[0].Amount, inv.Taxes[1].Amount = dec("1.225"), dec("1.945") }, "1.225 is finer"},
		"no order":                     {func(inv *document.APInvoice) { inv.Lines[0].Order.Order = 0 }, "numbers above zero"},
		"an ordered line with a split": {func(inv *document.APInvoice) { inv.Lines[0].Splits = inv.Lines[1].Splits }, "has no splits"},
		"an ordered line finer than a cent": {func(inv *document.APInvoice) {
			inv.Lines[0].Amount, inv.Taxes[0].Amount = dec("39.999"), dec("1.221")
		}, "39.999 is finer"},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, with(c.change), c.says) })
	}
}

// What was stored before these fields came is read as it was meant.
func TestContentsWithoutTheNewFieldsAreRead(t *testing.T) {
	const old = `{"kind":"report","id":"4D1E","number":"A1B2C3","revision":1,"policy":{"code":"P"},"currency":"USD","owner":{"id":"u"},"date":"2026-10-28",` +
		`"approved":"2026-10-30","total":"107.20","entries":[{"id":"e2","type":{"code":"TAXI"},"amount":"107.20","allocations":[{"percent":"60","amount":"64.32"},{"percent":"40","amount":"42.88"}]}]}`
	var d document.Document
	require.NoError(t, json.Unmarshal([]byte(old), &d))
	require.NoError(t, d.Check())
	require.False(t, d.Journaled)

	const oldPosting = `{"company":"EPIC06","document":"report A1B2C3","invoices":[{"vendor":"E1042","number":"CX-A1B2C3-1-E","currency":"USD","date":"2026-10-28",` +
		`"apply_date":"2026-10-30","amount":"55","lines":[{"description":"x","amount":"55","splits":[{"account":"6410","amount":"55"}]}]}]}`
	var p document.Posting
	require.NoError(t, json.Unmarshal([]byte(oldPosting), &p))
	require.NoError(t, p.Check())
	again, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, oldPosting, string(again), "and is written as it was, so that its content keeps its name")
}

func TestMoneyIsExactWhenItIsEncodedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := dec(rapid.StringMatching(`-?[0-9]{1,15}(\.[0-9]{1,8})?`).Draw(t, "amount"))
		in := document.Document{
			Total: amount, AdvanceReturn: amount, Entries: []document.Entry{{
				Amount: amount, Rate: &document.Rate{Value: amount}, Allocations: []document.Allocation{{
					Amount: amount, Journal: []document.Journal{{Gross: amount, NetOfTax: amount, NetOfReclaim: amount, Taxes: []document.TaxPart{{Amount: amount, Reclaim: amount}}}},
				}},
			}},
		}
		b, err := json.Marshal(in)
		require.NoError(t, err)
		var out document.Document
		require.NoError(t, json.Unmarshal(b, &out))
		j := out.Entries[0].Allocations[0].Journal[0]
		for _, got := range []interface{ String() string }{out.Total, out.AdvanceReturn, out.Entries[0].Amount, out.Entries[0].Rate.Value, j.Gross, j.NetOfTax, j.NetOfReclaim, j.Taxes[0].Amount, j.Taxes[0].Reclaim} {
			require.Equal(t, amount.String(), got.String())
		}
		again, err := json.Marshal(out)
		require.NoError(t, err)
		require.Equal(t, string(b), string(again))
	})
}
