package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
)

func TestNamesAreTheVendorsAndAccountsThatTheFileNamesWithTheirPlace(t *testing.T) {
	set, err := rules.Load("dir/mapping.yaml", []byte(`version: 1
company: {default: EPIC06}
counterparties:
  CASH: {to: employee}
  CARD: {vendor: V0088, code: C}
employees:
  pattern: "E{employee_id}"
  vendors: {"7": E0007}
suppliers:
  vendors: {DELTA: V0211}
cost_centres:
  field: {report: custom5, invoice: custom2}
  values: {"1": "100", "2": "200", "one": "100"}
accounts:
  template: "{natural}|{cost_centre}|00"
  rules:
    - {name: meals, when: {expense_type: MEALS}, natural: "6420"}
    - {name: clearing, when: {expense_type: CLEAR}, account: "1490|000|00"}
    - {name: by-policy, when: {expense_type: OTHER}, account: "{policy}|000|00"}
`))
	require.NoError(t, err)
	var got []rules.Name
	for _, n := range set.Names() {
		got = append(got, rules.Name{Kind: n.Kind, Values: n.Values, Path: n.Path, Line: n.Line})
		require.Equal(t, "mapping.yaml", n.File)
		require.Positive(t, n.Column)
	}
	require.Equal(t, []rules.Name{
		{Kind: rules.VendorName, Values: []string{"V0088"}, Path: "counterparties.CARD.vendor", Line: 5},
		{Kind: rules.VendorName, Values: []string{"E0007"}, Path: "employees.vendors.7", Line: 8},
		{Kind: rules.VendorName, Values: []string{"V0211"}, Path: "suppliers.vendors.DELTA", Line: 10},
		{Kind: rules.AccountName, Values: []string{"6420|100|00", "6420|200|00"}, Path: "accounts.rules.meals", Line: 17},
		{Kind: rules.AccountName, Values: []string{"1490|000|00"}, Path: "accounts.rules.clearing", Line: 18},
	}, got)
}
