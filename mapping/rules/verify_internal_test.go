package rules

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/document"
)

// No document is known that reaches the last guard, so it is asked itself.
func TestR35TheLastGuardStopsInvoicesThatAreNotTheTotal(t *testing.T) {
	ten := decimal.RequireFromString("10.00")
	p := document.Posting{Company: "EPIC06", Document: "report A1", Invoices: []document.APInvoice{{
		Number: "CX-A1-1-E", Vendor: "E1042", Currency: "USD", Date: "2026-10-28", ApplyDate: "2026-10-30", Amount: ten,
		Lines: []document.Line{{Description: "Taxi", Amount: ten, Splits: []document.Split{{Account: "6410|200|00", Amount: ten}}}},
	}}}
	require.NoError(t, p.Check(), "it adds up in itself")
	guard := func(total, advance string) []string {
		r := &run{set: &Set{}, places: make(map[string]int), doc: document.Document{Total: decimal.RequireFromString(total)}}
		if advance != "" {
			r.doc.Advances = []document.Advance{{Amount: decimal.RequireFromString(advance)}}
		}
		r.verify(p)
		var codes []string
		for _, i := range r.issues {
			codes = append(codes, i.Code)
		}
		return codes
	}
	require.Empty(t, guard("10.00", ""))
	require.Equal(t, []string{PostingMismatch}, guard("10.01", ""))
	require.Empty(t, guard("15.00", "-5.00"), "less the advance")
	require.Equal(t, []string{PostingMismatch}, guard("10.00", "-5.00"))
}
