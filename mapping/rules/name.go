package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// NameKind says what a name in a rule file is of.
type NameKind string

// The kinds of names.
const (
	VendorName  NameKind = "vendor"
	AccountName NameKind = "account"
)

// Name is what a rule file calls a vendor or a GL account of the ERP, to be
// looked up there before documents need it.
type Name struct {
	Kind NameKind
	// Values is the one that is named or, of a rule whose account depends on the
	// cost centre alone, those that the file's cost centres lead to: not all of them
	// need to exist.
	Values       []string
	Path         string // "suppliers.vendors.DELTA", "accounts.rules.tooling"
	File         string
	Line, Column int
}

// Place is the name's place: "mapping.yaml:48:7".
func (n Name) Place() string { return fmt.Sprintf("%s:%d:%d", n.File, n.Line, n.Column) }

// Names returns the vendors and GL accounts that the rules name outright, by
// line. What they make of a document's own values, such as a vendor from an
// employee's number, is not among them.
func (s *Set) Names() []Name {
	c := &s.content
	var out []Name
	add := func(kind NameKind, t text, path string, values ...string) {
		if t.value != "" && len(values) > 0 {
			out = append(out, Name{Kind: kind, Values: values, Path: path, File: s.name, Line: t.at.line, Column: t.at.column})
		}
	}
	one := func(kind NameKind, t text, path string) { add(kind, t, path, t.value) }
	for _, key := range slices.Sorted(maps.Keys(c.Counterparties)) {
		one(VendorName, c.Counterparties[key].Vendor, "counterparties."+key+".vendor")
	}
	for key, t := range c.Employees.Vendors {
		one(VendorName, t, "employees.vendors."+key)
	}
	for key, t := range c.Suppliers.Vendors {
		one(VendorName, t, "suppliers.vendors."+key)
	}
	one(AccountName, c.Personal.Account, "personal.account")
	one(AccountName, c.Charges.Shipping.Account, "charges.shipping.account")
	one(AccountName, c.Charges.Tax.Account, "charges.tax.account")
	for _, r := range c.Accounts.Rules {
		at := r.Account.text
		if r.Natural.value != "" {
			at = r.Natural // the template is the file's, not the rule's
		}
		add(AccountName, at, "accounts.rules."+r.Name.value, c.accountsOf(r.Account, r.Natural.value)...)
	}
	slices.SortStableFunc(out, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return out
}

// accountsOf returns what a template leads to, where it depends on nothing but
// the natural account and the cost centre.
func (c *content) accountsOf(t template, natural string) []string {
	segments := map[string]bool{}
	centres := false
	for _, p := range t.parts {
		switch p.variable {
		case "":
		case "natural":
			if natural == "" {
				return nil
			}
		case "cost_centre":
			centres = true
		default:
			return nil
		}
	}
	if centres {
		for _, v := range c.CostCentres.Values {
			segments[v.value] = true
		}
	} else {
		segments[""] = true
	}
	var out []string
	for segment := range segments {
		account := ""
		for _, p := range t.parts {
			switch p.variable {
			case "natural":
				account += natural
			case "cost_centre":
				account += segment
			default:
				account += p.fixed
			}
		}
		out = append(out, account)
	}
	slices.Sort(out)
	return out
}
