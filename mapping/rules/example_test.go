package rules_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// A report of two expenses, one in cash and one on a company card, becomes two
// AP invoices; a report with an unknown cost centre parks with what to do.
func Example() {
	set, err := rules.LoadFile("testdata/mapping.yaml")
	if err != nil {
		fmt.Println(err) // one line per fault, with its place
		return
	}
	tables, err := document.NewTables("EPIC06",
		[]document.Vendor{{ID: "E1042"}, {ID: "V0090"}},
		[]document.Account{{Code: "6410|200|00"}, {Code: "6420|200|00"}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := rules.New(set, rules.StaticTables(tables))

	report := document.Document{
		Kind: document.Report, ID: "4D1E5C0F1A2B3C4D5E6F", Number: "A1B2C3", Revision: 1, Currency: "USD",
		Owner: document.Person{EmployeeID: "1042"}, Date: "2026-10-28", Approved: "2026-10-30", Total: decimal.RequireFromString("391.20"),
		Entries: []document.Entry{
			{ID: "1", Type: document.Value{Code: "MEALS"}, Country: "US", Payment: document.Value{Code: "CASH"}, Amount: decimal.RequireFromString("107.20")},
			{ID: "2", Type: document.Value{Code: "HOTEL"}, Payment: document.Value{Code: "CBCP"}, Amount: decimal.RequireFromString("284.00")},
		},
		Custom: map[string]document.Value{"custom5": {Code: "200"}},
	}
	result, err := m.Map(context.Background(), report)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, inv := range result.Posting.Invoices {
		fmt.Println(inv.Number, inv.Vendor, inv.Lines[0].Splits[0].Account, inv.Amount.StringFixed(2))
	}

	report.Custom["custom5"] = document.Value{Code: "4711"}
	_, err = m.Map(context.Background(), report)
	var issues mapping.Issues
	if errors.As(err, &issues) {
		fmt.Println(issues[0].Code, issues[0].Value)
		fmt.Println("who:", issues[0].Owner)
		fmt.Println("do:", issues[0].Remedy)
	}
	// Output:
	// CX-A1B2C3-1-C V0090 6410|200|00 284.00
	// CX-A1B2C3-1-E E1042 6420|200|00 107.20
	// cost_centre_unknown 4711
	// who: finance
	// do: Add a line "4711: <segment>" under cost_centres.values (mapping.yaml:99), then replay.
}
