package epicortest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func Example() {
	srv := epicortest.New(nil)
	srv.AddVendors(epicortest.DefaultCompany, epicortest.Vendor{ID: "ACME", Name: "Acme Ltd"})

	u := srv.Root(epicortest.DefaultCompany) + "Erp.BO.VendorSvc/Vendors?$select=VendorID,Name"
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, u, http.NoBody)
	req.SetBasicAuth(epicortest.DefaultUser, epicortest.DefaultPassword)
	req.Header.Set("x-api-key", epicortest.DefaultAPIKey)
	res, err := srv.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	var list struct {
		Value []struct{ VendorID, Name string }
	}
	fmt.Println(json.NewDecoder(res.Body).Decode(&list), list.Value)
	// Output: <nil> [{ACME Acme Ltd}]
}
