package rules_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func vendors() []document.Vendor {
	return []document.Vendor{
		{ID: "E1042", Name: "Ana Ruiz"},
		{ID: "E1043", Name: "Jo Lindqvist", Inactive: true},
		{ID: "E1046", EmployeeID: "2001"},
		{ID: "V10", TaxID: "55-777"},
		{ID: "V7", EmployeeID: "1044", TaxID: "12-345"},
		{ID: "V8", EmployeeID: "1045", TaxID: "XX1"},
		{ID: "V9", EmployeeID: "1045", TaxID: "xx-1"},
		{ID: "V9001"},
		{ID: "V0088", Name: "AirPlus cards", Hold: true},
		{ID: "V0090", Name: "Company cards"},
		{ID: "V0095", Name: "Paid by the company"},
		{ID: "V0096", Name: "Payroll"},
		{ID: "V0211", Name: "Delta Tooling"},
		{ID: "V0300", Name: "Nordwind"},
		{ID: "V0301", Name: "Nordwind Berlin"},
		{ID: "V0400", Unapproved: true},
	}
}

func accounts() []document.Account {
	return []document.Account{
		{Code: "6410|200|00", Description: "Travel"},
		{Code: "6410|310|00", Description: "Travel"},
		{Code: "6415|200|00"},
		{Code: "6415|310|00"},
		{Code: "6420|200|00", Description: "Meals"},
		{Code: "6420|310|00", To: "2026-09-30"},
		{Code: "6421|200|00"},
		{Code: "6421|310|00", Inactive: true},
		{Code: "5100|200|00", Description: "Tooling"},
		{Code: "5100|310|00", Description: "Tooling"},
		{Code: "5100|200|P1"},
		{Code: "1490|000|00", Description: "Clearing"},
		{Code: "2310|000|00", Description: "Tax"},
		{Code: "1250|000|00", Description: "Cash advances"},
		{Code: "1370|000|00", Description: "Input tax"},
		{Code: "1371|000|00", Description: "Input tax"},
		{Code: "6990|000|00", Description: "Tax that is not reclaimed"},
	}
}

func tables(t testing.TB, firstOpen document.Date) rules.Tables {
	t.Helper()
	all, err := document.NewTables("EPIC06", vendors(), accounts(), &document.TablesOptions{FirstOpen: firstOpen})
	require.NoError(t, err)
	return rules.StaticTables(all)
}

func mapper(t testing.TB) *rules.Mapper {
	t.Helper()
	return rules.New(load(t), tables(t, ""))
}

// changed is the sample file with some text replaced, each of which must stand
// there.
func changed(t testing.TB, oldNew ...string) *rules.Set {
	t.Helper()
	text := read(t)
	for i := 0; i < len(oldNew); i += 2 {
		require.Contains(t, text, oldNew[i], "the sample file has no such text")
		text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
	}
	set, err := rules.Load("conf/mapping.yaml", []byte(text))
	require.NoError(t, err)
	return set
}

func code(c string) document.Value { return document.Value{Code: c} }

func centre(c string) map[string]document.Value {
	return map[string]document.Value{"custom5": code(c)}
}

// entry is an expense: type, payment type, amount.
func entry(id, kind, payment, amount string) document.Entry {
	return document.Entry{
		ID: id, Type: document.Value{Code: kind, Text: strings.ToLower(kind)}, Payment: code(payment), Amount: dec(amount),
		Country: "US", Merchant: "Acme", Custom: centre("200"),
	}
}

func report(total string, entries ...document.Entry) document.Document {
	return document.Document{
		Kind: document.Report, ID: "4D1E5C0F1A2B3C4D5E6F", Number: "A1B2C3", Revision: 1, Name: "Customer visit",
		Policy: code("TRAVEL"), Ledger: "US-GAAP", Country: "US", Currency: "USD",
		Owner: document.Person{ID: "u-1", EmployeeID: "1042", Login: "ana@example.com", Name: "Ana Ruiz"},
		Date:  "2026-10-28", Submitted: "2026-10-29", Approved: "2026-10-30", Total: dec(total), Entries: entries,
	}
}

// line is a line of a supplier's invoice.
func line(id, amount string) document.Entry {
	return document.Entry{
		ID: id, Type: code("TOOLING"), Description: "Drill", Amount: dec(amount),
		Custom: map[string]document.Value{"custom2": code("200")},
	}
}

func supplierInvoice(total string, lines ...document.Entry) document.Document {
	return document.Document{
		Kind: document.Invoice, ID: "P0001", Number: "INV-20417", Revision: 1793000000, Name: "Tooling",
		Policy: code("AP"), Ledger: "US-GAAP", Currency: "USD",
		Supplier: &document.Supplier{Code: "V0211", Name: "Delta Tooling"},
		Date:     "2026-10-20", Due: "2026-11-19", Approved: "2026-10-30", Total: dec(total), Entries: lines,
	}
}

func mapped(t testing.TB, m *rules.Mapper, d document.Document) document.Posting {
	t.Helper()
	result, err := m.Map(t.Context(), d)
	require.NoError(t, err)
	require.False(t, result.Empty)
	require.NoError(t, result.Posting.Check())
	return result.Posting
}

func issues(t testing.TB, m *rules.Mapper, d document.Document) mapping.Issues {
	t.Helper()
	_, err := m.Map(t.Context(), d)
	var found mapping.Issues
	require.ErrorAs(t, err, &found)
	return found
}

func issue(t testing.TB, found mapping.Issues, code string) connector.Issue {
	t.Helper()
	for _, i := range found {
		if i.Code == code {
			return i
		}
	}
	require.Failf(t, "no such issue", "want %s, found %v", code, found)
	return connector.Issue{}
}

// brief writes a posting as finance would: number, vendor and amount of each
// invoice, then account and amount of each split.
func brief(p document.Posting) []string {
	var out []string
	for _, inv := range p.Invoices {
		kind := "invoice"
		if inv.DebitMemo {
			kind = "debit memo"
		}
		out = append(out, strings.Join([]string{kind, inv.Number, inv.Vendor, inv.Amount.StringFixed(2)}, " "))
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				out = append(out, "  "+s.Account+" "+s.Amount.StringFixed(2))
			}
		}
	}
	return out
}
