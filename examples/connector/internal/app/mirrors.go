package app

import (
	"context"
	"fmt"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// Names of a tenant's mirrors.
const (
	AccountMirror    = "gl-accounts"
	CostCentreMirror = "cost-centres"
	VendorsMirror    = "vendors"
)

// Mirrors says which reference data of Epicor is kept up to date in Concur. The
// zero value: none; GL accounts and vendors are watched all the same.
type Mirrors struct {
	AccountList   string // UUID of the list for GL accounts; empty: they are not mirrored
	CentreList    string // UUID of the list for cost centres; empty: they are not mirrored
	CentreSegment int    // which segment of the chart of accounts they are
	Vendors       *VendorMirror
	Policy        engine.MirrorPolicy
}

// VendorMirror says how vendors are mirrored.
type VendorMirror struct {
	Original epicorsync.VendorsOptions
	Copy     concursync.VendorCopyOptions
}

// mirror adds a tenant's mirrors to the engine. GL accounts and vendors are
// watched also where they are not copied to Concur, so that documents that wait
// for one go on when it appears.
func (a *App) mirror(w *tenant) error {
	m, coa := w.cfg.Mirrors, w.cfg.Epicor.Tables.COACode
	var accounts connector.Copy[document.ListItem]
	if m.AccountList != "" {
		accounts = concursync.ListCopy(w.concur, m.AccountList, nil)
	}
	original := epicorsync.AccountsOriginal(w.epicor, &epicorsync.AccountsOptions{COACode: coa})
	if err := addMirror(a, w, AccountMirror, original, accounts); err != nil {
		return err
	}
	if m.CentreList != "" {
		original := epicorsync.SegmentOriginal(w.epicor, coa, m.CentreSegment, nil)
		if err := addMirror(a, w, CostCentreMirror, original, concursync.ListCopy(w.concur, m.CentreList, nil)); err != nil {
			return err
		}
	}
	if v := m.Vendors; v != nil {
		return addMirror(a, w, VendorsMirror, epicorsync.VendorsOriginal(w.epicor, &v.Original), concursync.VendorCopy(w.concur, &v.Copy))
	}
	watched := epicorsync.VendorsOriginal(w.epicor, &epicorsync.VendorsOptions{EmployeeColumn: w.cfg.Epicor.Tables.EmployeeColumn})
	return addMirror[document.Vendor](a, w, VendorsMirror, watched, nil)
}

func addMirror[T any](a *App, w *tenant, name string, original connector.Original[T], to connector.Copy[T]) error {
	err := engine.AddMirror(a.Engine, engine.Mirror[T]{
		Tenant: w.cfg.Name, Name: name, Original: original, Copy: to, Policy: &w.cfg.Mirrors.Policy,
		// Documents that wait for what came are mapped again at once: with tables that show it.
		Appeared: func(ctx context.Context, _ []string) error {
			return a.appeared(ctx, w)
		},
	})
	if err != nil {
		return fmt.Errorf("mirror %s: %w", name, err)
	}
	return nil
}
