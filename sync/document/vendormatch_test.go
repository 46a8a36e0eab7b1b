package document_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/document"
)

func TestReconcileVendorsByCodeThenEmployeeNeverByName(t *testing.T) {
	t.Parallel()
	erp := []document.Vendor{
		{ID: "ACME", Name: "Acme Paints Ltd"},
		{ID: "OLD", Name: "Old Vendor", Inactive: true},
		{ID: "NEW", Name: "New Vendor", Unapproved: true},
		{ID: "NORTH", Name: "Northwind Traders GmbH"},
		{ID: "E1042", Name: "Ada Adams", EmployeeID: "1042"},
		{ID: "E7", Name: "Bo Berg", EmployeeID: "7"},
		{ID: "E7B", Name: "Bo Berg", EmployeeID: "7"},
		{ID: "E9", Name: "Cy Cole"},
	}
	person := func(id, name string) document.Employee {
		return document.Employee{Person: document.Person{EmployeeID: id, Login: name + "@acme.example", Name: name}}
	}
	gone := person("1042", "gone")
	gone.Inactive = true
	suppliers := []document.Vendor{
		{ID: "ACME", AddressCode: "MAIN", Name: "Something Else"},
		{ID: "OLD", Name: "Old Vendor"},
		{ID: "NEW", Name: "New Vendor"},
		{ID: "NW", Name: "The Northwind Traders"},
		{ID: "acme", Name: "Unlike"},
		{Name: "Acme Paints"},
	}
	employees := []document.Employee{person("1042", "Ada"), person("7", "Bo"), person("9", "Cy"), person("10", "Di"), person("", "Ed"), gone}
	rule := &document.ReconcileOptions{VendorOf: func(e document.Employee) string {
		if e.EmployeeID == "9" {
			return "E9"
		}
		return ""
	}}
	got := document.ReconcileVendors(suppliers, employees, erp, rule)
	type row struct {
		code        string
		state       document.MatchState
		vendors     []string
		suggestions []string
	}
	var rows []row
	for _, m := range got {
		rows = append(rows, row{m.Code, m.State, m.Vendors, m.Suggestions})
	}
	require.Equal(t, []row{
		{"", document.Missing, nil, []string{"ACME"}},
		{"ACME", document.Matched, []string{"ACME"}, nil},
		{"NEW", document.Inactive, []string{"NEW"}, nil},
		{"NW", document.Missing, nil, []string{"NORTH"}},
		{"OLD", document.Inactive, []string{"OLD"}, nil},
		{"acme", document.Missing, nil, []string{"ACME"}},
		{"", document.Missing, nil, nil},
		{"10", document.Missing, nil, nil},
		{"1042", document.Matched, []string{"E1042"}, nil},
		{"7", document.Ambiguous, []string{"E7", "E7B"}, nil},
		{"9", document.Matched, []string{"E9"}, nil},
	}, rows)

	rand.Shuffle(len(suppliers), func(i, j int) { suppliers[i], suppliers[j] = suppliers[j], suppliers[i] })
	rand.Shuffle(len(employees), func(i, j int) { employees[i], employees[j] = employees[j], employees[i] })
	rand.Shuffle(len(erp), func(i, j int) { erp[i], erp[j] = erp[j], erp[i] })
	require.Equal(t, got, document.ReconcileVendors(suppliers, employees, erp, rule), "the order of the input decides nothing")
}

func TestASupplierIsMatchedByTheRuleWhereThereIsOne(t *testing.T) {
	suppliers := []document.Vendor{{ID: "DELTA"}, {ID: "V0300"}, {ID: "UNKNOWN"}, {ID: "GONE"}}
	erp := []document.Vendor{{ID: "V0211"}, {ID: "V0300"}}
	got := document.ReconcileVendors(suppliers, nil, erp, &document.ReconcileOptions{SupplierOf: func(v document.Vendor) string {
		return map[string]string{"DELTA": "V0211", "V0300": "V0300", "GONE": "V0999"}[v.ID]
	}})
	states := map[string]document.MatchState{}
	for _, m := range got {
		states[m.Code] = m.State
	}
	require.Equal(t, map[string]document.MatchState{
		"DELTA": document.Matched, "V0300": document.Matched, "UNKNOWN": document.Missing, "GONE": document.Missing,
	}, states)
}
