package rules

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// taxes says what becomes of the taxes inside an amount. Amounts are the
// source's; no rate is ever applied.
type taxes struct {
	At      pos              `json:"-"`
	Reclaim map[string]taxTo // by reclaim code, else tax code, else authority
	Invoice map[string]taxTo // of a line of an invoice, by tax code; an unlisted one stays in the cost
	Kept    text             // account of tax that cannot be reclaimed; empty: it stays in the cost
}

// taxTo is where a tax goes: a GL account, or a tax of the ERP.
type taxTo struct {
	At         pos `json:"-"`
	Account    text
	Code, Rate text
}

type cashAdvances struct {
	At       pos             `json:"-"`
	Accounts map[string]text // the source's clearing account -> GL account
}

func (r *reader) taxes(n ast.Node, path string, c *taxes) {
	c.At = place(n)
	r.object(n, path,
		key{"reclaim", false, func(n ast.Node, p string) { c.Reclaim = r.taxTable(n, p) }},
		key{"invoice", false, func(n ast.Node, p string) { c.Invoice = r.taxTable(n, p) }},
		key{"kept", false, func(n ast.Node, p string) { c.Kept = r.text(n, p) }},
	)
}

func (r *reader) taxTable(n ast.Node, path string) map[string]taxTo {
	out := make(map[string]taxTo)
	for _, p := range r.pairs(n, path) {
		to, at := taxTo{At: p.key.at}, path+"."+clip(p.key.value)
		if v, plain := scalar(p.value); plain && v != "" {
			to.Account = r.text(p.value, at)
		} else {
			r.object(p.value, at,
				key{"account", false, func(n ast.Node, p string) { to.Account = r.text(n, p) }},
				key{"code", false, func(n ast.Node, p string) { to.Code = r.text(n, p) }},
				key{"rate", false, func(n ast.Node, p string) { to.Rate = r.text(n, p) }},
			)
			if (to.Account.value == "") == (to.Code.value == "") {
				r.fail(to.At, "%s: say where the tax goes: either account: with a GL account, or code: with a tax of the ERP", at)
			}
		}
		out[p.key.value] = to
	}
	return out
}

func (r *reader) cashAdvances(n ast.Node, path string, c *cashAdvances) {
	c.At = place(n)
	r.object(n, path, key{"accounts", true, func(n ast.Node, p string) { c.Accounts = r.table(n, p) }})
}

// reclaimed takes the taxes of a line of the journal out of its cost where they
// can be reclaimed, and where the rules book the rest apart. What becomes a tax of
// the ERP stands in whole; the others are pieces of their own.
func (r *run) reclaimed(entry, allocation int, of []document.TaxPart, whole *piece) []piece {
	var out []piece
	kept := decimal.Zero
	for _, t := range of {
		kept = kept.Add(t.Amount.Sub(t.Reclaim))
		if t.Reclaim.IsZero() {
			continue
		}
		code := cmp.Or(strings.TrimSpace(t.ReclaimCode), strings.TrimSpace(t.Code), strings.TrimSpace(t.Authority))
		to, listed := r.rules.Taxes.Reclaim[code]
		if !listed {
			r.issue(connector.Issue{
				Code: TaxUnmapped, Field: r.placeOf(entry, share{allocation: allocation}) + ", tax", Value: code,
				Message: fmt.Sprintf("no rule says where the tax %q, which can be reclaimed, is booked", clip(code)),
				Remedy:  fmt.Sprintf("Add a line %q under taxes.reclaim in %s, then replay.", clip(code)+": <GL account>", r.set.name),
			})
			continue
		}
		if p, apart := r.taxPiece(entry, to, t, t.Reclaim, "taxes.reclaim", whole); apart {
			out = append(out, p)
		}
	}
	if account := r.rules.Taxes.Kept; account.value != "" && !kept.IsZero() {
		whole.shares[0].amount = whole.shares[0].amount.Sub(kept)
		out = append(out, piece{entry: entry, description: "Tax that is not reclaimed", shares: []share{{
			allocation: -1, amount: kept, account: account.value, rule: "taxes.kept (" + r.set.at(account.at) + ")",
		}}})
	}
	return out
}

// taxPiece books a tax where it goes; apart is false where it became a tax of the
// ERP.
func (r *run) taxPiece(entry int, to taxTo, t document.TaxPart, amount decimal.Decimal, section string, whole *piece) (p piece, apart bool) {
	if to.Account.value == "" {
		whole.taxes = append(whole.taxes, document.InvoiceTax{Code: to.Code.value, Rate: to.Rate.value, Amount: amount})
		return piece{}, false
	}
	name := cmp.Or(strings.TrimSpace(t.Authority), strings.TrimSpace(t.Code), strings.TrimSpace(t.ReclaimCode))
	return piece{entry: entry, description: strings.TrimSpace("Tax " + name), shares: []share{{
		allocation: -1, amount: amount, account: to.Account.value, rule: section + " (" + r.set.at(to.At) + ")",
	}}}, true
}

// lineTaxes takes the taxes of a line of an invoice out of its cost where the
// rules name them. Every other one stays in it.
func (r *run) lineTaxes(entry int, whole *piece) []piece {
	var out []piece
	for i := range whole.shares {
		s := &whole.shares[i]
		if s.allocation < 0 {
			continue
		}
		for _, t := range r.doc.Entries[entry].Allocations[s.allocation].Taxes {
			to, listed := r.rules.Taxes.Invoice[strings.TrimSpace(t.Code)]
			if !listed || t.Amount.IsZero() {
				continue
			}
			s.amount = s.amount.Sub(t.Amount)
			if p, apart := r.taxPiece(entry, to, t, t.Amount, "taxes.invoice", whole); apart {
				out = append(out, p)
			}
		}
	}
	return out
}

// addTax adds a tax to those of an invoice, one for each code and rate.
func addTax(all []document.InvoiceTax, t document.InvoiceTax) []document.InvoiceTax {
	for i := range all {
		if all[i].Code == t.Code && all[i].Rate == t.Rate {
			all[i].Amount = all[i].Amount.Add(t.Amount)
			return all
		}
	}
	return append(all, t)
}
