package rules

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Value is an amount by currency, without regard to signs: how much of the
// documents something concerns.
type Value map[string]decimal.Decimal

func (v Value) add(currency string, amount decimal.Decimal) {
	v[currency] = v[currency].Add(amount.Abs())
}

// RuleUse is how often documents were booked by an account rule.
type RuleUse struct {
	Rule      string `json:"rule"` // its name; "accounts.suspense"; "fixed" for accounts that other sections name
	Line      int    `json:"line,omitempty"`
	Documents int    `json:"documents"`
	Splits    int    `json:"splits"`
	Value     Value  `json:"value,omitempty"`
}

// Gap is why documents park, by the code of the issue and its value.
type Gap struct {
	Code      string   `json:"code"`
	Value     string   `json:"value,omitempty"`
	Documents int      `json:"documents"`
	Amount    Value    `json:"amount"`             // of the whole documents
	Examples  []string `json:"examples,omitempty"` // their numbers, the first few
	Remedy    string   `json:"remedy,omitempty"`
}

// Coverage is what rules make of documents. Its amounts are added without their
// signs, so that a refund counts as much as an expense of the same amount: they
// are not what is owed.
type Coverage struct {
	Version   string    `json:"version"` // of the rules
	Documents int       `json:"documents"`
	Mapped    int       `json:"mapped"`
	Empty     int       `json:"empty"` // nothing to post
	Parked    int       `json:"parked"`
	Total     Value     `json:"total"`   // of all documents
	Covered   Value     `json:"covered"` // of those that are mapped
	Rules     []RuleUse `json:"rules"`   // every account rule, in the order in which they are tried
	Gaps      []Gap     `json:"gaps"`    // the most frequent first
	Findings  []Finding `json:"findings"`
}

// examples are how many documents a Gap names.
const examples = 5

// Cover maps documents and says which rules book how much of them, which never
// count, and what parks. tables are the ERP's, or Unchecked. An error is one of
// the documents', or of the tables.
func (s *Set) Cover(ctx context.Context, tables Tables, docs iter.Seq2[document.Document, error]) (*Coverage, error) {
	m := New(s, tables)
	out := &Coverage{Version: s.version, Total: Value{}, Covered: Value{}, Gaps: []Gap{}, Findings: []Finding{}}
	at := make(map[string]int)
	for i, r := range s.content.Accounts.Rules {
		at[s.ruleText(r)] = i
		out.Rules = append(out.Rules, RuleUse{Rule: r.Name.value, Line: r.Name.at.line, Value: Value{}})
	}
	var suspense, fixed RuleUse
	suspense = RuleUse{Rule: "accounts.suspense", Line: s.content.Accounts.Suspense.Account.at.line, Value: Value{}}
	fixed = RuleUse{Rule: "fixed", Value: Value{}}
	types := make(map[string]bool)
	gaps := make(map[[2]string]*Gap)
	for doc, err := range docs {
		if err != nil {
			return nil, err
		}
		out.Documents++
		out.Total.add(doc.Currency, doc.Total)
		partiesOf(doc, types)
		result, err := m.Map(ctx, doc)
		var issues mapping.Issues
		switch {
		case errors.As(err, &issues):
			out.Parked++
			gapsOf(doc, issues, gaps)
			continue
		case err != nil:
			return nil, err
		case result.Empty:
			out.Empty++
			continue
		}
		out.Mapped++
		out.Covered.add(doc.Currency, doc.Total)
		seen := make(map[*RuleUse]bool)
		for _, reason := range result.Reasons {
			split, is := splitOf(result.Posting, reason)
			if !is {
				continue
			}
			use := &fixed
			if i, known := at[reason.Rule]; known {
				use = &out.Rules[i]
			} else if strings.HasPrefix(reason.Rule, "accounts.suspense ") {
				use = &suspense
			}
			use.Splits++
			use.Value.add(doc.Currency, split.Amount)
			if !seen[use] {
				seen[use] = true
				use.Documents++
			}
		}
	}
	for i := range out.Rules {
		if u := &out.Rules[i]; u.Splits == 0 && out.Documents > 0 {
			out.Findings = append(out.Findings, Finding{
				RuleNeverHit, s.name, u.Line, fmt.Sprintf("rule %q booked nothing of %d documents", clip(u.Rule), out.Documents),
			})
		}
	}
	s.neverOwed(out, types)
	for _, u := range []RuleUse{suspense, fixed} {
		if u.Splits > 0 {
			out.Rules = append(out.Rules, u)
		}
	}
	for _, g := range gaps {
		out.Gaps = append(out.Gaps, *g)
	}
	slices.SortFunc(out.Gaps, func(a, b Gap) int {
		if a.Documents != b.Documents {
			return b.Documents - a.Documents
		}
		return strings.Compare(a.Code+"\x00"+a.Value, b.Code+"\x00"+b.Value)
	})
	return out, nil
}

// neverOwed adds the counterparties that no document named.
func (s *Set) neverOwed(out *Coverage, types map[string]bool) {
	var found []Finding
	for key, c := range s.content.Counterparties {
		if !types[key] && out.Documents > 0 {
			found = append(found, Finding{
				CounterpartyNeverHit, s.name, c.At.line, fmt.Sprintf("counterparty %q stands in none of %d documents", clip(key), out.Documents),
			})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return a.Line - b.Line })
	out.Findings = append(out.Findings, found...)
}

// partiesOf notes by what keys a document may name its counterparties.
func partiesOf(d document.Document, into map[string]bool) {
	for _, e := range d.Entries {
		payment := strings.TrimSpace(e.Payment.Code)
		into[payment] = true
		for _, a := range e.Allocations {
			for _, j := range a.Journal {
				if code, ok := j.Counterparty(); ok {
					into[code], into[code+"/"+payment] = true, true
				}
			}
		}
	}
}

func gapsOf(doc document.Document, issues mapping.Issues, gaps map[[2]string]*Gap) {
	seen := make(map[[2]string]bool)
	for _, i := range issues {
		key := [2]string{i.Code, i.Value}
		if seen[key] {
			continue
		}
		seen[key] = true
		g := gaps[key]
		if g == nil {
			g = &Gap{Code: i.Code, Value: i.Value, Amount: Value{}, Remedy: i.Remedy}
			gaps[key] = g
		}
		g.Documents++
		g.Amount.add(doc.Currency, doc.Total)
		if len(g.Examples) < examples {
			g.Examples = append(g.Examples, strings.TrimSpace(string(doc.Kind)+" "+doc.Number))
		}
	}
}

// splitOf finds the split whose GL account a reason gives.
func splitOf(p document.Posting, r mapping.Reason) (document.Split, bool) {
	var inv, line, split int
	rest, is := strings.CutSuffix(r.Field, ", GL account")
	if !is {
		return document.Split{}, false
	}
	if _, err := fmt.Sscanf(rest, "invoice %d, line %d, split %d", &inv, &line, &split); err != nil ||
		inv < 1 || inv > len(p.Invoices) || line < 1 || line > len(p.Invoices[inv-1].Lines) ||
		split < 1 || split > len(p.Invoices[inv-1].Lines[line-1].Splits) {
		return document.Split{}, false
	}
	return p.Invoices[inv-1].Lines[line-1].Splits[split-1], true
}
