package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/ml-connector/ml-connector/sync/document"
)

// The variables that a template may use.
var (
	accountWords = []string{"natural", "cost_centre", "expense_type", "policy", "country", "payment_type", "ledger", "account"}
	invoiceWords = []string{"kind", "number", "name", "revision", "owner", "employee_id"}
	lineWords    = append([]string{"expense_type", "expense_code", "merchant", "description", "date", "country"}, invoiceWords...)
)

func (r *reader) accounts(n ast.Node, path string, c *accounts) {
	c.At = place(n)
	var items *ast.SequenceNode
	r.object(n, path,
		key{"template", false, func(n ast.Node, p string) { c.Template = r.account(n, p) }},
		key{"rules", true, func(n ast.Node, p string) {
			seq, ok := n.(*ast.SequenceNode)
			if !ok || len(seq.Values) == 0 {
				r.fail(place(n), "%s: want a list of rules, found %s", p, what(n))
				return
			}
			items = seq
		}},
		key{"suspense", false, func(n ast.Node, p string) { r.suspense(n, p, &c.Suspense) }},
	)
	if items == nil {
		return
	}
	names := make(map[string]pos)
	ranks := make(map[int]text)
	ranked := 0
	for i, item := range items.Values {
		rule, rank := r.rule(item, fmt.Sprintf("%s.rules[%d]", path, i+1), c.Template)
		if rule.Name.value != "" {
			if first, twice := names[rule.Name.value]; twice {
				r.fail(rule.Name.at, "the rule name %q stands already at line %d; reasons must name one rule", clip(rule.Name.value), first.line)
			}
			names[rule.Name.value] = rule.Name.at
		}
		if rank.value == "" {
			rule.Rank = i + 1
		} else {
			ranked++
			if other, twice := ranks[rule.Rank]; twice {
				r.fail(rank.at, "rank %d stands already at line %d; which rule comes first must not depend on the order of the file", rule.Rank, other.at.line)
			}
			ranks[rule.Rank] = rank
		}
		c.Rules = append(c.Rules, rule)
	}
	if ranked != 0 && ranked != len(c.Rules) {
		r.fail(place(items.Values[0]), "%d of %d rules have a rank; give all of them one, or none (then the order of the file counts)", ranked, len(c.Rules))
	}
	slices.SortStableFunc(c.Rules, func(a, b rule) int { return cmp.Compare(a.Rank, b.Rank) })
	// From here on only the order counts, so that 10, 20 and 1, 2 are the same
	// rules and have the same version.
	for i := range c.Rules {
		c.Rules[i].Rank = i + 1
	}
}

func (r *reader) rule(n ast.Node, path string, standard template) (out rule, rank text) {
	r.object(n, path,
		key{"name", true, func(n ast.Node, p string) { out.Name = r.text(n, p) }},
		key{"rank", false, func(n ast.Node, p string) {
			rank = r.text(n, p)
			v, err := strconv.Atoi(rank.value)
			if rank.value != "" && (err != nil || v < 0 || v > math.MaxInt32) {
				r.fail(rank.at, "%s: %q is no whole number from 0; the lowest rank comes first", p, clip(rank.value))
			}
			out.Rank = v
		}},
		key{"when", false, func(n ast.Node, p string) { r.when(n, p, &out.When) }},
		key{"natural", false, func(n ast.Node, p string) {
			out.Natural = r.text(n, p)
			r.segment(out.Natural, p)
		}},
		key{"account", false, func(n ast.Node, p string) { out.Account = r.account(n, p) }},
	)
	at := firstPos(out.Name.at, place(n))
	if out.Account.value == "" {
		if standard.value == "" {
			r.fail(at, "%s has no account, and accounts.template is missing; give one of them", path)
		}
		out.Account = standard
	}
	switch uses := out.Account.uses("natural"); {
	case uses && out.Natural.value == "":
		r.fail(at, "%s: the account %q uses {natural}; give the rule natural: with the main account", path, clip(out.Account.value))
	case !uses && out.Natural.value != "" && out.Account.value != "":
		r.fail(out.Natural.at, "%s.natural: the account %q does not use {natural}; remove one of them", path, clip(out.Account.value))
	}
	return out, rank
}

// account reads the template of an account, which may use tables.
func (r *reader) account(n ast.Node, path string) template {
	return r.template(r.text(n, path), path, true, slices.Concat(accountWords, r.tableNames)...)
}

func (r *reader) when(n ast.Node, path string, w *when) {
	into := func(list *[]text) func(ast.Node, string) {
		return func(n ast.Node, p string) { *list = r.values(n, p) }
	}
	r.object(n, path,
		key{"kind", false, func(n ast.Node, p string) {
			w.Kind = r.values(n, p)
			for _, k := range w.Kind {
				if words := []string{string(document.Report), string(document.Invoice), string(document.CashAdvance)}; !slices.Contains(words, k.value) && k.value != "" {
					r.fail(k.at, "%s: %q is none of report, invoice, cashadvance%s", p, clip(k.value), nearest(k.value, words))
				}
			}
		}},
		key{"expense_type", false, into(&w.ExpenseType)},
		key{"policy", false, into(&w.Policy)},
		key{"country", false, into(&w.Country)},
		key{"payment_type", false, into(&w.PaymentType)},
		key{"ledger", false, into(&w.Ledger)},
		key{"account", false, into(&w.Account)},
		key{"sign", false, func(n ast.Node, p string) { w.Sign = r.word(n, p, positive, negative) }},
		key{"custom", false, func(n ast.Node, p string) {
			w.Custom = make(map[string][]text)
			for _, pair := range r.pairs(n, p) {
				at := p + "." + clip(pair.key.value)
				if !customField.MatchString(pair.key.value) {
					r.fail(pair.key.at, "%s: there is no such custom field; they are called custom1 … custom40 and orgUnit1 … orgUnit6", at)
				}
				w.Custom[pair.key.value] = r.values(pair.value, at)
			}
		}},
	)
}

// values is a list whose order says nothing: sorted, so that it is no part of
// the version.
func (r *reader) values(n ast.Node, path string) []text {
	out := r.list(n, path)
	slices.SortFunc(out, func(a, b text) int { return cmp.Compare(a.value, b.value) })
	return out
}

// templates are all account templates of the file, each once.
func (c accounts) templates() []template {
	out := []template{c.Template}
	for _, rule := range c.Rules {
		if rule.Account.at != c.Template.at {
			out = append(out, rule.Account)
		}
	}
	return out
}
