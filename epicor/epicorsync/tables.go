package epicorsync

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/document"
)

// DefaultMaxAge is how old a snapshot of the tables may be unless the options
// say otherwise.
const DefaultMaxAge = 5 * time.Minute

// TablesOptions are the optional parts of a TableReader. The zero value of each
// field is a good default.
type TablesOptions struct {
	// MaxAge is how old a snapshot may be; 0: DefaultMaxAge.
	MaxAge time.Duration
	// COACode is the chart of accounts that is read; empty: all, which is right
	// where a company has one.
	COACode string
	// EmployeeColumn is the column of Vendor that holds an employee's id, such as
	// ExternalId or a user-defined one; empty: vendors are not linked to employees.
	EmployeeColumn string
	// IgnoreApproval takes vendors that are not approved as if they were, for
	// companies that do not use the approval.
	IgnoreApproval bool
	// FirstOpen is the first day that may be posted to; empty: as ClosedColumn
	// says, else not known.
	FirstOpen document.Date
	// ClosedColumn is the column of FiscalPer, a truth, that says that a period is
	// closed for payables: one of the customer's own (…_c), or FAClosedPeriod, which
	// says it for fixed assets, where both are closed together. The first open day
	// is then read from the fiscal calendar. The vendor's schema has no such column
	// for payables.
	ClosedColumn string
	// Calendar is the fiscal calendar; empty: all, which is right where a company
	// has one.
	Calendar string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// TableReader reads the vendors and GL accounts of an Epicor company for a
// mapping and keeps them a short while. A snapshot never changes; its version is
// a hash of its rows. It is safe for concurrent use: one reading is under way at
// a time, whoever waits for it.
type TableReader struct {
	c    *epicor.Client
	opts TablesOptions

	turn chan struct{} // held by whoever may look at the fields below
	last *document.Tables
	read time.Time
}

// Tables returns a reader of the vendors and GL accounts of the company of c.
// Nothing is read before the first Snapshot.
func Tables(c *epicor.Client, opts *TablesOptions) *TableReader {
	r := &TableReader{c: c, turn: make(chan struct{}, 1)}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.MaxAge == 0 {
		r.opts.MaxAge = DefaultMaxAge
	}
	if r.opts.Now == nil {
		r.opts.Now = time.Now
	}
	return r
}

// Snapshot returns the tables as they were at most MaxAge ago. An error is a
// fault of the connection (connector.ErrConnection) or a passing one.
func (r *TableReader) Snapshot(ctx context.Context) (*document.Tables, error) {
	return r.get(ctx, r.opts.MaxAge)
}

// Refresh reads the tables anew, for those who know that something changed.
func (r *TableReader) Refresh(ctx context.Context) (*document.Tables, error) {
	return r.get(ctx, -1)
}

func (r *TableReader) get(ctx context.Context, maxAge time.Duration) (*document.Tables, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	began := r.opts.Now()
	if age := began.Sub(r.read); r.last != nil && age >= 0 && age <= maxAge {
		return r.last, nil
	}
	t, err := r.load(ctx)
	if err != nil {
		return nil, trouble(err)
	}
	r.last, r.read = t, began
	return t, nil
}

func (r *TableReader) load(ctx context.Context) (*document.Tables, error) {
	cols := []string{"Company", "VendorNum", "VendorID", "Name", "CurrencyCode", "TaxPayerID", "Inactive", "Approved", "PayHold"}
	if r.opts.EmployeeColumn != "" {
		cols = append(cols, r.opts.EmployeeColumn)
	}
	var vendors []document.Vendor
	for v, err := range r.c.Vendors.List(ctx, odata.Query{Select: cols}) {
		if err != nil {
			return nil, err
		}
		vendors = append(vendors, document.Vendor{
			ID: v.VendorID, Name: v.Name, Currency: v.CurrencyCode, TaxID: v.TaxPayerID, EmployeeID: r.employee(v),
			Inactive: v.Inactive, Unapproved: !v.Approved && !r.opts.IgnoreApproval, Hold: v.PayHold,
		})
	}
	q := odata.Query{Select: []string{"Company", "COACode", "GLAccount1", "AccountDesc", "Active", "EffFrom", "EffTo"}}
	if r.opts.COACode != "" {
		q.Filter = odata.Eq("COACode", r.opts.COACode)
	}
	var accounts []document.Account
	for a, err := range r.c.GLAccounts.List(ctx, q) {
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, document.Account{
			Code: a.Account, Description: a.Description, Inactive: !a.Active,
			From: document.Date(a.EffFrom.String()), To: document.Date(a.EffTo.String()),
		})
	}
	first, end, err := r.calendar(ctx)
	if err != nil {
		return nil, err
	}
	return document.NewTables(r.c.Company(), vendors, accounts, &document.TablesOptions{FirstOpen: first, LastDay: end})
}

// calendar reads the first day behind the last closed period that stands in an
// open one, "" where no period is closed; and the last day that any period has.
func (r *TableReader) calendar(ctx context.Context) (first, end document.Date, err error) {
	if r.opts.FirstOpen != "" || r.opts.ClosedColumn == "" {
		return r.opts.FirstOpen, "", nil
	}
	q := odata.Query{Select: []string{"StartDate", "EndDate", r.opts.ClosedColumn}}
	if r.opts.Calendar != "" {
		q.Filter = odata.Eq("FiscalCalendarID", r.opts.Calendar)
	}
	var starts []epicor.Date
	var last, latest epicor.Date
	for p, err := range r.c.FiscalPeriods.List(ctx, q) {
		if err != nil {
			return "", "", err
		}
		if latest.Before(p.End) {
			latest = p.End
		}
		closed := p.AssetsClosed
		if r.opts.ClosedColumn != "FAClosedPeriod" {
			raw, ok := p.Extra[r.opts.ClosedColumn]
			if !ok || json.Unmarshal(raw, &closed) != nil {
				return "", "", fmt.Errorf("the column %s of FiscalPer says not whether a period is closed", r.opts.ClosedColumn)
			}
		}
		switch {
		case !closed:
			starts = append(starts, p.Start)
		case last.Before(p.End):
			last = p.End
		}
	}
	end = document.Date(latest.String())
	if last.IsZero() {
		return "", end, nil
	}
	var open epicor.Date
	for _, d := range starts {
		if last.Before(d) && (open.IsZero() || d.Before(open)) {
			open = d
		}
	}
	if open.IsZero() {
		// Nothing is open: no document may slip through as if this were not known.
		open = epicor.DateOf(last.Time().AddDate(0, 0, 1))
	}
	return document.Date(open.String()), end, nil
}

// employee reads the employee's id out of the column that the options name.
func (r *TableReader) employee(v *epicor.Vendor) string {
	switch r.opts.EmployeeColumn {
	case "":
		return ""
	case "ExternalId":
		return v.ExternalID
	}
	var s string
	if json.Unmarshal(v.Extra[r.opts.EmployeeColumn], &s) != nil {
		return ""
	}
	return s
}
