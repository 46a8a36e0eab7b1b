package app

import (
	"context"
	"fmt"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/document"
)

// MatchVendors compares a tenant's suppliers and employees in Concur with
// Epicor's vendors, by the rules that its documents are posted by. It reads and
// changes nothing.
func (a *App) MatchVendors(ctx context.Context, name string) ([]document.VendorMatch, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	ctx = a.scope(ctx, name, "vendors")
	var suppliers []document.Vendor
	if t.invoices != nil {
		if suppliers, err = concursync.Vendors(ctx, t.concur); err != nil {
			return nil, fmt.Errorf("read Concur's suppliers: %w", err)
		}
	}
	employees, err := concursync.Employees(ctx, t.concur)
	if err != nil {
		return nil, fmt.Errorf("read Concur's employees: %w", err)
	}
	o := t.cfg.Epicor.Tables
	erp, err := epicorsync.Vendors(ctx, t.epicor, &epicorsync.VendorsOptions{EmployeeColumn: o.EmployeeColumn, IgnoreApproval: o.IgnoreApproval})
	if err != nil {
		return nil, fmt.Errorf("read Epicor's vendors: %w", err)
	}
	set := t.mapper.Set()
	return document.ReconcileVendors(suppliers, employees, erp, &document.ReconcileOptions{
		VendorOf:   func(e document.Employee) string { return set.VendorOfEmployee(e.Person) },
		SupplierOf: func(v document.Vendor) string { return set.VendorOfSupplier(v.ID, v.AddressCode) },
	}), nil
}
