package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// subject is what account rules look at: one share of one entry. The employee
// is not in it, so no cost can follow the person instead of the expense.
type subject struct {
	doc        *document.Document
	entry      *document.Entry
	allocation *document.Allocation // may be nil
	amount     decimal.Decimal
	journal    string // the account that the source's journal names; empty: none
}

// custom returns a custom field of the allocation, else of the entry, else of
// the header, and says which.
func (s subject) custom(field string) (code, from string, ok bool) {
	if s.allocation != nil {
		if code, ok = value(s.allocation.Custom, field); ok {
			return code, fmt.Sprintf("allocation %s %%", s.allocation.Percent.String()), true
		}
	}
	if code, ok = value(s.entry.Custom, field); ok {
		return code, s.doc.Kind.EntryWord(), true
	}
	code, ok = value(s.doc.Custom, field)
	return code, string(s.doc.Kind), ok
}

// word returns a variable of an account, or a condition of a rule.
func (s subject) word(name string) string {
	switch name {
	case "expense_type":
		return strings.TrimSpace(s.entry.Type.Code)
	case "policy":
		return strings.TrimSpace(s.doc.Policy.Code)
	case "country":
		if c := strings.TrimSpace(s.entry.Country); c != "" {
			return c
		}
		return strings.TrimSpace(s.doc.Country)
	case "payment_type":
		return strings.TrimSpace(s.entry.Payment.Code)
	case "ledger":
		return strings.TrimSpace(s.doc.Ledger)
	case "account":
		if s.journal != "" {
			return s.journal
		}
		if s.allocation != nil {
			return strings.TrimSpace(s.allocation.Account)
		}
		return ""
	case "kind":
		return string(s.doc.Kind)
	default:
		code, _, _ := s.custom(name)
		return code
	}
}

// condition is one condition of a rule.
type condition struct {
	name   string
	values []text
}

// conditions are all that a rule has, in a fixed order.
func (w when) conditions() []condition {
	all := []condition{
		{"kind", w.Kind},
		{"expense_type", w.ExpenseType},
		{"policy", w.Policy},
		{"country", w.Country},
		{"payment_type", w.PaymentType},
		{"ledger", w.Ledger},
		{"account", w.Account},
	}
	for _, field := range slices.Sorted(maps.Keys(w.Custom)) {
		all = append(all, condition{field, w.Custom[field]})
	}
	return slices.DeleteFunc(all, func(c condition) bool { return len(c.values) == 0 })
}

func spoken(name string) string { return strings.ReplaceAll(name, "_", " ") }

// account finds the GL account of a share.
func (r *run) account(entry int, sh share, field string, d *draft) string {
	s := subject{doc: &r.doc, entry: &r.doc.Entries[entry], amount: sh.amount, journal: sh.source}
	if sh.allocation >= 0 {
		s.allocation = &s.entry.Allocations[sh.allocation]
	}
	at := r.placeOf(entry, sh)
	if i, found := r.set.index.find(s.word, s.amount.IsNegative()); found {
		rule := r.rules.Accounts.Rules[i]
		named, input := r.set.ruleText(rule), r.set.index.rules[i].spell(s.word)
		account, ok := r.fill(rule, s, at, named, field, d)
		if !ok {
			return ""
		}
		d.because(field+", GL account", account, named, input)
		r.checkAccount(account, at, fmt.Sprintf("rule %q (%s)", rule.Name.value, r.set.at(rule.Name.at)))
		return account
	}
	if account, ok := r.suspend(sh, s, at, field, d); ok {
		return account
	}
	var facts []string
	for _, name := range []string{"expense_type", "policy", "country", "payment_type", "ledger", "account"} {
		if v := s.word(name); v != "" {
			facts = append(facts, spoken(name)+" "+clip(v))
		}
	}
	r.issue(connector.Issue{
		Code: AccountUnmapped, Field: at + ", expense type", Value: s.word("expense_type"),
		Message: "no account rule matches " + strings.Join(facts, ", ") + r.tooMuch(),
		Remedy:  fmt.Sprintf("Add a rule with expense_type: %s under accounts.rules (%s), then replay.", clip(s.word("expense_type")), r.set.at(r.rules.Accounts.At)),
	})
	return ""
}

// fill builds the account of a rule. What the account does not use is not asked
// for: an account without a cost centre needs none.
func (r *run) fill(rule rule, s subject, at, named, field string, d *draft) (account string, ok bool) {
	ok = true
	account, missing := rule.Account.fill(func(word string) string {
		var v string
		switch word {
		case "natural":
			return rule.Natural.value
		case "cost_centre":
			var found bool
			if v, found = r.costCentre(s, at, field, d); !found {
				ok = false
				return "?"
			}
		default:
			if _, is := r.rules.Tables[word]; is {
				var found bool
				if v, found = r.lookup(word, s, at, field, d); !found {
					ok = false
					return "?"
				}
				return v
			}
			v = s.word(word)
		}
		// The source's account may be whole, and so may a table's value, which finance
		// wrote; every other one is a segment.
		if word != "account" && strings.Contains(v, "|") {
			ok = false
			r.issue(connector.Issue{
				Code: SegmentInvalid, Field: at + ", " + spoken(word), Value: v,
				Message: fmt.Sprintf("%q would become a segment of the GL account but holds |, which separates segments", clip(v)),
			})
		}
		return v
	})
	for _, word := range missing {
		ok = false
		r.issue(connector.Issue{
			Code: SegmentMissing, Field: at + ", " + spoken(word),
			Message: fmt.Sprintf("rule %s builds the account %s, but {%s} has no value here", named, rule.Account.value, word),
			Remedy:  fmt.Sprintf("Fill the field in Concur, or write an account without {%s} at rule %s, then replay.", word, named),
		})
	}
	return account, ok
}

// costCentre turns the code of the cost centre into the segment of the account.
func (r *run) costCentre(s subject, at, field string, d *draft) (segment string, ok bool) {
	rules := r.rules.CostCentres
	name := rules.Report.value
	if s.doc.Kind == document.Invoice {
		name = rules.Invoice.value
	}
	code, from, found := s.custom(name)
	if !found {
		r.issue(connector.Issue{
			Code: CostCentreMissing, Field: at + ", cost centre",
			Message: fmt.Sprintf("there is no cost centre: the custom field %q is empty on allocation, %s and header", name, s.doc.Kind.EntryWord()),
			Remedy:  fmt.Sprintf("Enter the cost centre in Concur, or, where another field holds it, correct cost_centres.field (%s), then replay.", r.set.at(rules.At)),
		})
		return "", false
	}
	if line, listed := rules.Values[code]; listed {
		d.reasons = append(d.reasons, mapping.Reason{
			Field: field + ", cost centre", Value: line.value, Rule: "cost_centres (" + r.set.at(line.at) + ")", Input: code + " from " + from, Row: code,
		})
		return line.value, true
	}
	if rules.Unlisted == asIs {
		d.because(field+", cost centre", code, "cost_centres as is ("+r.set.at(rules.At)+")", code+" from "+from)
		return code, true
	}
	r.issue(connector.Issue{
		Code: CostCentreUnknown, Field: at + ", cost centre", Value: code,
		Message: fmt.Sprintf("cost centre %q stands in no line under cost_centres", clip(code)),
		Remedy:  fmt.Sprintf("Add a line %q under cost_centres.values (%s), then replay.", clip(code)+": <segment>", r.set.at(firstPos(rules.ValuesAt, rules.At))),
	})
	return "", false
}

// companies stops a piece of which a share belongs to another company than the
// document: whatever its account is, and also where an order books it.
func (r *run) companies(p piece) {
	if p.entry < 0 {
		return
	}
	e := &r.doc.Entries[p.entry]
	var of []int // allocations
	for _, s := range p.shares {
		if s.allocation >= 0 {
			of = append(of, s.allocation)
		}
	}
	if len(of) == 0 {
		for i := range e.Allocations {
			of = append(of, i)
		}
	}
	if len(of) == 0 {
		r.foreign(subject{doc: &r.doc, entry: e}, r.placeOf(p.entry, share{allocation: -1}))
	}
	for _, i := range of {
		r.foreign(subject{doc: &r.doc, entry: e, allocation: &e.Allocations[i]}, r.placeOf(p.entry, share{allocation: i}))
	}
}

// foreign stops a share that belongs to another company than the document.
func (r *run) foreign(s subject, at string) {
	rules := r.rules.Company
	code, from, found := s.custom(rules.Field.value)
	if rules.Field.value == "" || !found {
		return
	}
	to, listed := rules.Codes[code]
	switch {
	case !listed:
		r.companyUnlisted(at+", "+rules.Field.value, code)
	case to.value != r.company && r.company != "" && !r.doc.Test:
		r.issue(connector.Issue{
			Code: CompanyForeign, Field: at + ", company", Value: to.value,
			Message: fmt.Sprintf("the %s belongs to company %s, the document to %s", from, to.value, r.company),
		})
	}
}

// checkAccount asks the ERP whether the account may be used on the apply date.
func (r *run) checkAccount(account, at, named string) {
	if r.blind {
		return
	}
	a, found := r.tables.Account(account)
	issue := connector.Issue{Field: at + ", GL account", Value: account, Needs: "glaccount/" + account}
	if !found {
		issue.Code = AccountUnknown
		issue.Message = fmt.Sprintf("%s names account %s, which the ERP does not have", named, clip(account))
		issue.Remedy = fmt.Sprintf("Create account %s in the ERP, or name another at %s, then replay.", clip(account), named)
		r.issue(issue)
		return
	}
	if why, open := a.OpenOn(r.apply); !open && (r.apply != "" || a.Inactive) {
		issue.Code = AccountInactive
		issue.Message = fmt.Sprintf("%s names account %s, but %s (apply date %s)", named, clip(account), why, r.apply)
		issue.Remedy = fmt.Sprintf("Name an active account at %s, or change the effective dates of %s in the ERP, then replay.", named, clip(account))
		r.issue(issue)
	}
}
