package rules

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/document"
)

// The variables of numbers and of entry groups.
var (
	numberWords = []string{"prefix", "number", "revision", "code", "company"}
	groupWords  = []string{"day", "month", "currency"}
)

// numberTemplate reads how invoices that we number ourselves are numbered. No two
// of them may get one number: what tells them apart has to stand in it, with
// something between that no reading takes for a part of it.
func (r *reader) numberTemplate(n ast.Node, path string) template {
	t := r.template(r.text(n, path), path, false, numberWords...)
	if len(t.parts) == 0 {
		return t
	}
	for _, word := range []string{"number", "revision", "code"} {
		if !t.uses(word) {
			r.fail(t.at, "%s: %q does not use {%s}, without which two invoices would get one number", path, clip(t.value), word)
		}
	}
	for i, p := range t.parts {
		if p.fixed != "" && !numberText.MatchString(p.fixed) {
			r.fail(t.at, "%s: %q: letters, digits, and . _ - may stand in a number", path, clip(t.value))
		}
		// A prefix is the same for all, so nothing can be mistaken for its end.
		if i > 0 && p.variable != "" && t.parts[i-1].variable != "" && t.parts[i-1].variable != "prefix" {
			r.fail(t.at, "%s: %q: write something between {%s} and {%s}, such as -, or 1 and 12 is the same as 11 and 2", path, clip(t.value), t.parts[i-1].variable, p.variable)
		}
	}
	return t
}

// entryGroups reads how the ERP's entry groups are named.
func (r *reader) entryGroups(n ast.Node, path string, c *entryGroups) {
	one := func(t *template) func(ast.Node, string) {
		return func(n ast.Node, p string) {
			*t = r.template(r.text(n, p), p, false, groupWords...)
			if len(t.parts) == 0 {
				return
			}
			if !t.uses("day") && !t.uses("month") {
				r.fail(t.at, "%s: %q names one group for ever; use {day} or {month} of the apply date", p, clip(t.value))
			}
			for _, part := range t.parts {
				if strings.ContainsFunc(part.fixed, func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') }) {
					r.fail(t.at, "%s: %q: a group's name has capitals and digits", p, clip(t.value))
				}
			}
			if name, _ := t.fill(groupWord(document.APInvoice{Currency: "USD", ApplyDate: "2026-10-30"})); len(name) > maxGroup {
				r.fail(t.at, "%s: %q becomes %s, which is longer than the %d characters of a group's name", p, clip(t.value), clip(name), maxGroup)
			}
		}
	}
	r.object(n, path,
		key{string(document.Report), false, one(&c.Report)},
		key{string(document.Invoice), false, one(&c.Invoice)},
	)
}

// maxGroup is how long the name of an entry group may be. The vendor's schema
// gives no length; nine is what GroupID has in practice, to be checked on a live
// tenant.
const maxGroup = 9

// groupWord gives the values of an entry group's variables.
func groupWord(inv document.APInvoice) func(word string) string {
	date := strings.ReplaceAll(string(inv.ApplyDate), "-", "")
	return func(word string) string {
		switch {
		case word == "currency":
			return inv.Currency
		case len(date) != len("20261030"):
			return ""
		case word == "day":
			return date[2:]
		default:
			return date[2:6]
		}
	}
}

// suspense reads the account of what no rule matches, and its caps.
func (r *reader) suspense(n ast.Node, path string, c *suspense) {
	r.object(n, path,
		key{"account", true, func(n ast.Node, p string) { c.Account = r.text(n, p) }},
		key{"most", true, func(n ast.Node, p string) {
			c.Most = make(map[string]decimal.Decimal)
			for currency, t := range r.table(n, p) {
				digits, known := document.MinorUnits(currency)
				if !known {
					r.fail(t.at, "%s: %q is no currency of ISO 4217", p, clip(currency))
					continue
				}
				most, ok := plainAmount(t.value)
				if !ok || !most.IsPositive() || !most.Equal(most.Truncate(int32(digits))) {
					r.fail(t.at, "%s.%s: %q is no amount above zero with at most %d decimals", p, currency, clip(t.value), digits)
					continue
				}
				c.Most[currency] = most
			}
		}},
	)
}

// plainAmount reads an amount as a person writes it: digits, and a point.
func plainAmount(s string) (decimal.Decimal, bool) {
	if s == "" || len(s) > 20 || strings.ContainsFunc(s, func(c rune) bool { return c != '.' && (c < '0' || c > '9') }) {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(s)
	return d, err == nil
}
