package rules_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

var _ mapping.Differ[document.Posting] = (*rules.Mapper)(nil)

func posted(number, account string, madeUp bool) document.Posting {
	ten := decimal.RequireFromString("10.00")
	return document.Posting{Company: "C", Document: "report A1", Invoices: []document.APInvoice{{
		Vendor: "E1", Number: number, MadeUp: madeUp, Currency: "USD", Date: "2026-10-30", ApplyDate: "2026-10-30", Amount: ten,
		Lines: []document.Line{{Description: "Lunch", Amount: ten, Splits: []document.Split{{Account: account, Amount: ten}}}},
	}}}
}

func TestDiffIgnoresTheRevisionInANumberThatWeMadeUp(t *testing.T) {
	_, changed, err := (&rules.Mapper{}).Diff(posted("CX-A1-1-E", "6420|200|00", true), posted("CX-A1-2-E", "6420|200|00", true))
	require.NoError(t, err)
	require.False(t, changed)
}

func TestDiffSeesAnotherAccount(t *testing.T) {
	_, changed, err := (&rules.Mapper{}).Diff(posted("CX-A1-1-E", "6420|200|00", true), posted("CX-A1-2-E", "6420|310|00", true))
	require.NoError(t, err)
	require.True(t, changed)
}

func TestDiffSeesAnotherNumberOfASupplier(t *testing.T) {
	_, changed, err := (&rules.Mapper{}).Diff(posted("INV-1", "6420|200|00", false), posted("INV-2", "6420|200|00", false))
	require.NoError(t, err)
	require.True(t, changed)
}
