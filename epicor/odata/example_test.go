package odata_test

import (
	"fmt"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

func ExampleQuery_Encode() {
	q := odata.Query{
		Filter:  odata.And(odata.Eq("VendorID", "O'Neil & Sons"), odata.Eq("Inactive", false)),
		Select:  []string{"VendorNum", "Name"},
		OrderBy: []odata.Order{odata.Asc("VendorNum")},
		Top:     100,
	}
	fmt.Println(q.Filter)
	s, err := q.Encode()
	fmt.Println(s, err)
	// Output:
	// (VendorID eq 'O''Neil & Sons' and Inactive eq false)
	// $filter=%28VendorID%20eq%20%27O%27%27Neil%20%26%20Sons%27%20and%20Inactive%20eq%20false%29&$select=VendorNum%2CName&$orderby=VendorNum&$top=100 <nil>
}
