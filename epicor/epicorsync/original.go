package epicorsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// AccountsOptions configure an original of GL accounts. Nil, and each field's
// zero value, mean the defaults.
type AccountsOptions struct {
	// COACode is the chart of accounts that is read. Empty: all, which is right
	// where a company has one; an account that stands in two is an error.
	COACode string
	// Prefixes are the beginnings of accounts that are meant, such as "6" for
	// expenses; empty: all.
	Prefixes []string
	// Now is the clock; nil: time.Now. An account whose dates do not hold today is
	// inactive.
	Now func() time.Time
}

// AccountsOriginal returns the GL accounts of a company as an original: the code
// is the whole account, such as "6410|200|00". Documents wait for one as
// "glaccount/6410|200|00". It makes no call.
func AccountsOriginal(c *epicor.Client, opts *AccountsOptions) connector.Original[document.ListItem] {
	var o AccountsOptions
	if opts != nil {
		o = *opts
	}
	today := clock(o.Now)
	return original[document.ListItem](func(ctx context.Context, yield func(connector.Object[document.ListItem], error) bool) {
		q := odata.Query{Select: []string{"Company", "COACode", "GLAccount1", "AccountDesc", "Active", "EffFrom", "EffTo"}}
		if o.COACode != "" {
			q.Filter = odata.Eq("COACode", o.COACode)
		}
		found := false
		for a, err := range c.GLAccounts.List(ctx, q) {
			if err != nil {
				yield(connector.Object[document.ListItem]{}, trouble(err))
				return
			}
			found = true
			code := strings.TrimSpace(a.Account)
			if len(o.Prefixes) > 0 && !slices.ContainsFunc(o.Prefixes, func(p string) bool { return strings.HasPrefix(code, p) }) {
				continue
			}
			item := document.ListItem{Code: code, Name: strings.TrimSpace(a.Description)}
			if !yield(connector.Object[document.ListItem]{
				Key: item.Key(), Needs: []string{need("glaccount", code)}, Content: item,
				Active: a.Active && holds(a.EffFrom, a.EffTo, today()),
			}, nil) {
				return
			}
		}
		if !found {
			// A mistyped chart must not look like one whose accounts are all gone.
			yield(connector.Object[document.ListItem]{}, fmt.Errorf("epicorsync: company %s has no GL accounts (chart of accounts %q): check the chart", c.Company(), o.COACode))
		}
	})
}

// SegmentOriginal returns the values of one segment of a chart of accounts as an
// original, such as the cost centres: epicor.Client.Segments says which segment
// is which. No document waits for one: a mapping asks for the whole GL account.
// An empty chart means all, which is right where a company has one; a value that
// stands in two is an error. It makes no call. Now is the clock, nil: time.Now.
func SegmentOriginal(c *epicor.Client, coaCode string, segment int, now func() time.Time) connector.Original[document.ListItem] {
	today := clock(now)
	return original[document.ListItem](func(ctx context.Context, yield func(connector.Object[document.ListItem], error) bool) {
		q := odata.Query{
			Select: []string{"Company", "COACode", "SegmentNbr", "SegmentCode", "SegmentName", "SegmentDesc", "ActiveFlag", "EffectiveFrom", "EffectiveTo"},
			Filter: odata.Eq("SegmentNbr", segment),
		}
		if coaCode != "" {
			q.Filter = odata.And(odata.Eq("COACode", coaCode), q.Filter)
		}
		found := false
		for v, err := range c.SegmentValues.List(ctx, q) {
			if err != nil {
				yield(connector.Object[document.ListItem]{}, trouble(err))
				return
			}
			found = true
			code := strings.TrimSpace(v.Code)
			if code == "" {
				continue // the blank value of a segment that may be left out
			}
			item := document.ListItem{Code: code, Name: cmp.Or(strings.TrimSpace(v.Name), strings.TrimSpace(v.Description))}
			if !yield(connector.Object[document.ListItem]{
				Key: item.Key(), Content: item, Active: v.Active && holds(v.EffectiveFrom, v.EffectiveTo, today()),
			}, nil) {
				return
			}
		}
		if !found {
			// A mistyped chart must not look like one whose values are all gone.
			yield(connector.Object[document.ListItem]{}, fmt.Errorf("epicorsync: chart of accounts %q has no values of segment %d: check both", coaCode, segment))
		}
	})
}

// VendorsOptions configure an original of vendors. Nil, and each field's zero
// value, mean the defaults.
type VendorsOptions struct {
	// EmployeeColumn is the column of Vendor that holds an employee's id, such as
	// ExternalId or a user-defined one; empty: vendors are not linked to employees.
	EmployeeColumn string
	// IgnoreApproval takes vendors that are not approved as if they were.
	IgnoreApproval bool
	// RefuseHold takes vendors whose payments are held as inactive, so that
	// documents that a mapping refuses because of the hold go on when it ends.
	RefuseHold bool
	// Countries turn the names of countries, as they are written in Epicor, into
	// ISO codes. Two letters are an ISO code as they are.
	Countries map[string]string
	// TermsDays are the days until payment of terms codes, such as "N30": 30.
	TermsDays map[string]int
}

// VendorsOriginal returns the vendors of a company as an original. Documents
// wait for one as "vendor/ACME", and for the vendor of an employee as
// "employee/1042". It makes no call.
func VendorsOriginal(c *epicor.Client, opts *VendorsOptions) connector.Original[document.Vendor] {
	var o VendorsOptions
	if opts != nil {
		o = *opts
	}
	return original[document.Vendor](func(ctx context.Context, yield func(connector.Object[document.Vendor], error) bool) {
		for v, err := range readVendors(ctx, c, o) {
			if err != nil {
				yield(connector.Object[document.Vendor]{}, err)
				return
			}
			obj := connector.Object[document.Vendor]{
				Key: v.ID, Needs: []string{need("vendor", v.ID)}, Content: v,
				Active: !v.Inactive && !v.Unapproved && (!v.Hold || !o.RefuseHold),
			}
			if v.EmployeeID != "" {
				obj.Needs = append(obj.Needs, need("employee", v.EmployeeID))
			}
			if !yield(obj, nil) {
				return
			}
		}
	})
}

// Vendors reads all vendors of a company, for document.ReconcileVendors.
func Vendors(ctx context.Context, c *epicor.Client, opts *VendorsOptions) ([]document.Vendor, error) {
	var o VendorsOptions
	if opts != nil {
		o = *opts
	}
	var out []document.Vendor
	for v, err := range readVendors(ctx, c, o) {
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func readVendors(ctx context.Context, c *epicor.Client, o VendorsOptions) iter.Seq2[document.Vendor, error] {
	return func(yield func(document.Vendor, error) bool) {
		cols := []string{
			"Company", "VendorNum", "VendorID", "Name", "CurrencyCode", "TermsCode", "TaxPayerID", "Inactive", "Approved", "PayHold",
			"Address1", "Address2", "Address3", "City", "State", "ZIP", "Country", "EMailAddress",
		}
		if o.EmployeeColumn != "" {
			cols = append(cols, o.EmployeeColumn)
		}
		reader := TableReader{opts: TablesOptions{EmployeeColumn: o.EmployeeColumn}}
		for v, err := range c.Vendors.List(ctx, odata.Query{Select: cols}) {
			if err != nil {
				yield(document.Vendor{}, trouble(err))
				return
			}
			if !yield(document.Vendor{
				ID: strings.TrimSpace(v.VendorID), Name: v.Name, Currency: v.CurrencyCode, TaxID: v.TaxPayerID,
				EmployeeID: strings.TrimSpace(reader.employee(v)),
				Inactive:   v.Inactive, Unapproved: !v.Approved && !o.IgnoreApproval, Hold: v.PayHold,
				Address: document.Address{
					Line1: v.Address1, Line2: v.Address2, Line3: v.Address3, City: v.City, State: v.State,
					PostalCode: v.ZIP, Country: country(v.Country, o.Countries),
				},
				Email: v.EMailAddress, TermsDays: o.TermsDays[v.TermsCode],
			}, nil) {
				return
			}
		}
	}
}

// country returns the ISO code of a country as Epicor writes it, "" where
// nobody says what it is.
func country(name string, codes map[string]string) string {
	name = strings.TrimSpace(name)
	for of, code := range codes {
		if strings.EqualFold(strings.TrimSpace(of), name) {
			return strings.ToUpper(code)
		}
	}
	if len(name) == 2 {
		return strings.ToUpper(name)
	}
	return ""
}

// original is an Original that is one function.
type original[T any] func(ctx context.Context, yield func(connector.Object[T], error) bool)

// Objects implements connector.Original.
func (o original[T]) Objects(ctx context.Context) iter.Seq2[connector.Object[T], error] {
	return func(yield func(connector.Object[T], error) bool) { o(ctx, yield) }
}

func clock(now func() time.Time) func() epicor.Date {
	if now == nil {
		now = time.Now
	}
	return func() epicor.Date {
		y, m, d := now().Date()
		return epicor.Date{Year: y, Month: m, Day: d}
	}
}

// holds reports whether a day lies between two, both included and both optional.
func holds(from, to, day epicor.Date) bool {
	return (from.IsZero() || !day.Before(from)) && (to.IsZero() || !to.Before(day))
}

// trouble is the error of a call that only looks, in the contract's words.
func trouble(err error) error {
	var e *epicor.Error
	if errors.As(err, &e) && lasting(e) {
		return fmt.Errorf("%w: %s: %w", connector.ErrConnection, fix(e), err)
	}
	return fmt.Errorf("epicorsync: %w", err)
}
