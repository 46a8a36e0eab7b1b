// Package odata builds the query options of an OData 4 request from values:
// conditions, columns, order, paging. Nothing is ever pasted from strings, so
// nothing that a caller passes can break out of a literal or add an option.
//
//	q := odata.Query{
//		Filter:  odata.And(odata.Eq("VendorID", "O'Neil"), odata.Eq("Inactive", false)),
//		Select:  []string{"VendorNum", "VendorID", "Name"},
//		OrderBy: []odata.Order{odata.Asc("VendorNum")},
//		Top:     100,
//	}
//	s, err := q.Encode() // $filter=%28VendorID%20eq%20%27O%27%27Neil%27…
//
// Column names are checked against the form of an identifier; values are
// written as literals of their own type. What is wrong comes back from Encode,
// once, however deep in a filter it was built. All types are values, immutable
// and safe for concurrent use.
//
// The forms follow OData 4.0 part 2 (URL conventions) as the Kinetic REST v2
// guide uses them.
package odata

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Query is the query options of one request. The zero value asks for
// everything in the server's own order.
type Query struct {
	Filter  Filter
	Select  []string // columns; empty: all
	OrderBy []Order
	Expand  []string // navigation properties
	Top     int      // at most so many rows; 0: no limit of ours
	Skip    int      // leave out so many rows
	Count   bool     // also ask how many rows there are
}

// Order is a column to sort by.
type Order struct {
	Column string
	Desc   bool
}

// Asc sorts by column, smallest first.
func Asc(column string) Order { return Order{Column: column} }

// Desc sorts by column, largest first.
func Desc(column string) Order { return Order{Column: column, Desc: true} }

// Encode returns the options for a URL, without "?", always in the same order.
// It returns the first error of the filter or of a name, and one for a negative
// Top or Skip.
func (q Query) Encode() (string, error) {
	var parts []string
	add := func(name, value string) { parts = append(parts, name+"="+escape(value)) }
	if q.Filter.err != nil {
		return "", q.Filter.err
	}
	if q.Filter.text != "" {
		add("$filter", q.Filter.text)
	}
	if len(q.Select) > 0 {
		s, err := names(q.Select)
		if err != nil {
			return "", err
		}
		add("$select", s)
	}
	if len(q.Expand) > 0 {
		s, err := names(q.Expand)
		if err != nil {
			return "", err
		}
		add("$expand", s)
	}
	if len(q.OrderBy) > 0 {
		cols := make([]string, 0, len(q.OrderBy))
		for _, o := range q.OrderBy {
			if err := checkName(o.Column); err != nil {
				return "", err
			}
			if o.Desc {
				cols = append(cols, o.Column+" desc")
			} else {
				cols = append(cols, o.Column)
			}
		}
		add("$orderby", strings.Join(cols, ","))
	}
	if q.Top < 0 || q.Skip < 0 {
		return "", fmt.Errorf("odata: top %d and skip %d must not be negative", q.Top, q.Skip)
	}
	if q.Top > 0 {
		add("$top", strconv.Itoa(q.Top))
	}
	if q.Skip > 0 {
		add("$skip", strconv.Itoa(q.Skip))
	}
	if q.Count {
		add("$count", "true")
	}
	return strings.Join(parts, "&"), nil
}

func names(cols []string) (string, error) {
	for _, c := range cols {
		if err := checkName(c); err != nil {
			return "", err
		}
	}
	return strings.Join(cols, ","), nil
}

// escape is url.QueryEscape with %20 for a space: "+" is only form encoding,
// and some servers keep it as a plus sign.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Key returns the key of one row as it stands behind a set's name in a path:
// ('EPIC06',42), escaped. Parts are in the order of the set's key. At least one
// part is needed.
func Key(parts ...any) (string, error) {
	if len(parts) == 0 {
		return "", fmt.Errorf("odata: a key needs at least one part")
	}
	lits := make([]string, 0, len(parts))
	for _, p := range parts {
		l, err := FormatLiteral(p)
		if err != nil {
			return "", fmt.Errorf("odata: key: %w", err)
		}
		lits = append(lits, url.PathEscape(l))
	}
	return "(" + strings.Join(lits, ",") + ")", nil
}
