package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

const counterparties = `version: 1
company: {ledgers: {DEFAULT: EPIC06}}
counterparties: {CASH: employee}
employees:
  match: [pattern]
  pattern: "E{employee_id}"
  vendors: {"7": BOSS}
suppliers:
  vendors: {DELTA: V0211, DELTA/KOELN: V0212}
cost_centres: {field: {report: custom5, invoice: custom2}, values: {"100": "100"}}
accounts:
  template: "{natural}|{cost_centre}|00"
  rules: [{name: all, natural: "6410"}]
`

func TestCounterpartiesOfRulesAreToldWithoutADocument(t *testing.T) {
	set, err := rules.Load("mapping.yaml", []byte(counterparties))
	require.NoError(t, err)
	require.Equal(t, "V0211", set.VendorOfSupplier(" DELTA ", "MAIN"))
	require.Equal(t, "V0212", set.VendorOfSupplier("DELTA", "KOELN"), "the line of the address goes first")
	require.Equal(t, "OTHER", set.VendorOfSupplier("OTHER", ""), "an unlisted code is taken as it is")
	require.Empty(t, set.VendorOfSupplier("", "MAIN"))
	require.Equal(t, "E1042", set.VendorOfEmployee(document.Person{EmployeeID: "1042"}))
	require.Equal(t, "BOSS", set.VendorOfEmployee(document.Person{EmployeeID: "7"}))
	require.Empty(t, set.VendorOfEmployee(document.Person{Login: "nobody@example.com"}), "without an id the pattern leads nowhere")
}
