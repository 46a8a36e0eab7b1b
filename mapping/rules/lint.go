package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FindingCode says what kind of Finding it is. It is stable.
type FindingCode string

// The kinds of findings.
const (
	// RuleShadowed: one rule before it takes everything that it could match.
	RuleShadowed FindingCode = "rule_shadowed"
	// RuleUnreachable: several rules before it take everything together, or it asks
	// for what no document that gets this far has.
	RuleUnreachable FindingCode = "rule_unreachable"
	// TableUnused: no account uses the table.
	TableUnused FindingCode = "table_unused"
	// TemplateUnused: every rule has an account of its own.
	TemplateUnused FindingCode = "template_unused"
	// RuleNeverHit: no past document was booked by the rule.
	RuleNeverHit FindingCode = "rule_never_hit"
	// CounterpartyNeverHit: no past document bears the payment type.
	CounterpartyNeverHit FindingCode = "counterparty_never_hit"
)

// Finding is something in rules that is no fault by itself and most likely not
// what was meant.
type Finding struct {
	Code    FindingCode `json:"code"`
	File    string      `json:"file"`
	Line    int         `json:"line,omitempty"`
	Message string      `json:"message"`
}

// String returns "mapping.yaml:48: message (rule_shadowed)".
func (f Finding) String() string {
	at := f.File
	if f.Line != 0 {
		at = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return fmt.Sprintf("%s: %s (%s)", at, f.Message, f.Code)
}

// maxCases is how many combinations of a rule's values are looked through. A rule
// with more of them is not judged.
const maxCases = 4096

// Lint says what in the rules has no effect, by line: rules that can never be
// reached, tables and templates that nothing uses. It looks at the file alone;
// Cover looks at documents.
func (s *Set) Lint() []Finding {
	var out []Finding
	add := func(code FindingCode, at pos, format string, args ...any) {
		out = append(out, Finding{code, s.name, at.line, fmt.Sprintf(format, args...)})
	}
	rules := s.content.Accounts.Rules
	for i, r := range rules {
		if why := s.impossible(r); why != "" {
			add(RuleUnreachable, r.Name.at, "rule %q can never match: %s", clip(r.Name.value), why)
			continue
		}
		takers, all := s.takers(i)
		if !all {
			continue
		}
		names := make([]string, len(takers))
		for n, t := range takers {
			names[n] = fmt.Sprintf("%q (line %d)", clip(rules[t].Name.value), rules[t].Name.at.line)
		}
		if len(names) == 1 {
			add(RuleShadowed, r.Name.at, "rule %q never counts, because %s comes first and takes all that it matches; put it before, or remove it", clip(r.Name.value), names[0])
			continue
		}
		const most = 5
		if len(names) > most {
			names = append(names[:most], fmt.Sprintf("%d more", len(takers)-most))
		}
		add(RuleUnreachable, r.Name.at, "rule %q never counts, because rules before it take together all that it matches: %s; put it before, or remove it", clip(r.Name.value), strings.Join(names, ", "))
	}
	used := make(map[string]bool)
	standard := false
	for _, r := range rules {
		standard = standard || r.Account.at == s.content.Accounts.Template.at
		for _, p := range r.Account.parts {
			used[p.variable] = true
		}
	}
	if t := s.content.Accounts.Template; t.value != "" && !standard {
		add(TemplateUnused, t.at, "accounts.template is used by no rule, since each has an account of its own; remove it")
	}
	for _, name := range slices.Sorted(maps.Keys(s.content.Tables)) {
		if !used[name] {
			add(TableUnused, s.content.Tables[name].At, "table %q is used by no account; write {%s} where its value belongs, or remove it", name, name)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

// impossible says why no document that gets as far as the account rules has what
// the rule asks for; "" where one may.
func (s *Set) impossible(r rule) string {
	listed := func(of []text, known func(string) bool) bool {
		return len(of) == 0 || slices.ContainsFunc(of, func(t text) bool { return known(t.value) })
	}
	c := &s.content
	invoice := slices.ContainsFunc(r.When.Kind, func(t text) bool { return t.value == "invoice" })
	types := func(code string) bool {
		for key := range c.Counterparties {
			// "IBCP/1003" is what a journal has of the payment type 1003; a journal may
			// come with any payment type of the kind IBCP.
			if _, programme, two := strings.Cut(key, "/"); key == code || two && programme == code || isParty(key) {
				return true
			}
		}
		return false
	}
	if !invoice && !listed(r.When.PaymentType, types) {
		return fmt.Sprintf("payment type %s stands in no line under counterparties, so its documents park before", words(r.When.PaymentType))
	}
	ledgers := func(code string) bool { _, ok := c.Company.Ledgers[code]; return ok }
	if len(c.Company.Ledgers) > 0 && c.Company.Field.value == "" && !listed(r.When.Ledger, ledgers) {
		return fmt.Sprintf("ledger %s stands in no line under company.ledgers, so its documents park before", words(r.When.Ledger))
	}
	return ""
}

// isParty reports whether a counterparty's key is one of a journal's codes.
func isParty(key string) bool {
	return slices.Contains([]string{"EMPL", "IBCP", "CBCP", "COPD"}, key)
}

func words(of []text) string {
	out := make([]string, len(of))
	for i, t := range of {
		out[i] = clip(t.value)
	}
	return strings.Join(out, ", ")
}

// takers are the rules before one that take what it matches, in their order, and
// whether they take all of it.
func (s *Set) takers(i int) (takers []int, all bool) {
	f := s.index.rules[i]
	cases := 1
	for _, c := range f.conditions {
		if cases *= len(c.values); cases > maxCases {
			return nil, false
		}
	}
	signs := []bool{false, true}
	switch f.sign {
	case positive:
		signs = signs[:1]
	case negative:
		signs = signs[1:]
	}
	found := make(map[int]bool)
	all = each(f.conditions, nil, func(values []string) bool {
		// What the rule does not ask for has no value here, and no rule that asks for
		// it matches: such a rule does not take all.
		word := func(field string) string {
			for n, c := range f.conditions {
				if c.name == field {
					return values[n]
				}
			}
			return ""
		}
		for _, below := range signs {
			at, ok := s.index.find(word, below)
			if !ok || at >= i {
				return false
			}
			found[at] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(found)), all
}
