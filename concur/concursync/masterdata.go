package concursync

import (
	"context"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Vendors reads all suppliers of Concur Invoice, one per address, for
// document.ReconcileVendors.
func Vendors(ctx context.Context, c *concur.Client) ([]document.Vendor, error) {
	var out []document.Vendor
	for v, err := range c.Vendors.List(ctx, concur.VendorQuery{Limit: 1000}) {
		if err != nil {
			return nil, translate(err)
		}
		if v == nil {
			continue
		}
		out = append(out, document.Vendor{
			ID: string(v.VendorCode), AddressCode: string(v.AddressCode), Name: string(v.VendorName),
			Currency: string(v.CurrencyCode), TaxID: string(v.TaxID), Unapproved: !bool(v.Approved),
			Address: document.Address{
				Line1: string(v.Address1), Line2: string(v.Address2), Line3: string(v.Address3), City: string(v.City),
				State: string(v.State), PostalCode: string(v.PostalCode), Country: string(v.CountryCode),
			},
		})
	}
	return out, nil
}

// Employees reads all users of the company, for document.ReconcileVendors. The
// employee id is the employee number of the identity profile.
func Employees(ctx context.Context, c *concur.Client) ([]document.Employee, error) {
	var out []document.Employee
	for u, err := range c.Users.List(ctx, concur.UserQuery{Count: 1000}) {
		if err != nil {
			return nil, translate(err)
		}
		if u == nil {
			continue
		}
		out = append(out, document.Employee{
			Person:   document.Person{ID: u.ID, EmployeeID: u.Enterprise.EmployeeNumber, Login: u.UserName, Name: u.DisplayName},
			Inactive: !bool(u.Active),
		})
	}
	return out, nil
}
