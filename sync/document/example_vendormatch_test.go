package document_test

import (
	"fmt"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Two suppliers and an employee of the source against the vendor master.
func ExampleReconcileVendors() {
	suppliers := []document.Vendor{{ID: "ACME", Name: "Acme Paints"}, {ID: "NW", Name: "Northwind Traders"}}
	employees := []document.Employee{{Person: document.Person{EmployeeID: "1042", Name: "Ada Adams"}}}
	erp := []document.Vendor{
		{ID: "ACME", Name: "Acme Paints Ltd", Inactive: true},
		{ID: "NORTH", Name: "Northwind Traders GmbH"},
		{ID: "E1042", EmployeeID: "1042"},
	}
	for _, m := range document.ReconcileVendors(suppliers, employees, erp, nil) {
		fmt.Println(m.Party, m.Code, m.State, m.Vendors, "-", m.Why, m.Suggestions)
	}
	// Output:
	// supplier ACME inactive [ACME] - same code, but it is inactive []
	// supplier NW missing [] - no vendor has this code [NORTH]
	// employee 1042 matched [E1042] - linked by employee id 1042 []
}
