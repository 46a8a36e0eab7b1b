package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// ruled is a rule file with these account rules, from line 8.
func ruled(t testing.TB, lines ...string) *rules.Set {
	t.Helper()
	set, err := rules.Load("m.yaml", []byte(`version: 1
company: {ledgers: {US: EPIC06}}
counterparties: {CASH: employee, CARD: {vendor: V0090, code: C}}
employees: {pattern: "E{employee_id}"}
cost_centres: {field: custom5, unlisted: as_is}
accounts:
  rules:
`+strings.Join(lines, "\n")+"\n"))
	require.NoError(t, err)
	return set
}

func TestLintFindsRulesThatNeverCount(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"shadowed by a broader one": {
			[]string{`    - {name: all-meals, when: {expense_type: MEALS}, account: "1"}`, `    - {name: us-meals, when: {expense_type: MEALS, country: US}, account: "2"}`},
			[]string{`m.yaml:9: rule "us-meals" never counts, because "all-meals" (line 8) comes first and takes all that it matches; put it before, or remove it (rule_shadowed)`},
		},
		"shadowed by one without conditions": {
			[]string{`    - {name: all, account: "1"}`, `    - {name: meals, when: {expense_type: MEALS}, account: "2"}`},
			[]string{`m.yaml:9: rule "meals" never counts, because "all" (line 8) comes`},
		},
		"shadowed by a longer list": {
			[]string{`    - {name: a, when: {expense_type: [X, Y, Z]}, account: "1"}`, `    - {name: b, when: {expense_type: [X, Z], sign: negative}, account: "2"}`},
			[]string{`rule "b" never counts`},
		},
		"taken by several together": {
			[]string{`    - {name: a, when: {expense_type: X}, account: "1"}`, `    - {name: b, when: {expense_type: Y}, account: "1"}`, `    - {name: c, when: {expense_type: [X, Y]}, account: "2"}`},
			[]string{`m.yaml:10: rule "c" never counts, because rules before it take together all that it matches: "a" (line 8), "b" (line 9); put it before, or remove it (rule_unreachable)`},
		},
		"taken by both signs": {
			[]string{`    - {name: a, when: {sign: negative}, account: "1"}`, `    - {name: b, when: {sign: positive}, account: "1"}`, `    - {name: c, account: "2"}`},
			[]string{`rule "c" never counts, because rules before it take together`},
		},
		"shadowed below zero": {
			[]string{`    - {name: a, when: {expense_type: X, sign: negative}, account: "1"}`, `    - {name: b, when: {expense_type: X, country: US, sign: negative}, account: "2"}`},
			[]string{`rule "b" never counts`},
		},
		"a rest is left": {
			[]string{`    - {name: a, when: {expense_type: X}, account: "1"}`, `    - {name: b, when: {expense_type: [X, Y]}, account: "2"}`, `    - {name: c, when: {sign: negative}, account: "1"}`, `    - {name: d, account: "2"}`},
			nil,
		},
		"another field": {
			[]string{`    - {name: a, when: {country: US}, account: "1"}`, `    - {name: b, when: {expense_type: X}, account: "2"}`},
			nil,
		},
		"a payment type that nobody is owed for": {
			[]string{`    - {name: a, when: {payment_type: GONE}, account: "1"}`, `    - {name: b, when: {payment_type: [GONE, CASH]}, account: "1"}`},
			[]string{`rule "a" can never match: payment type GONE stands in no line under counterparties`},
		},
		"a ledger of no company": {
			[]string{`    - {name: a, when: {ledger: DE}, account: "1"}`},
			[]string{`rule "a" can never match: ledger DE stands in no line under company.ledgers`},
		},
		"an invoice has no payment type's counterparty": {
			[]string{`    - {name: a, when: {kind: invoice, payment_type: GONE}, account: "1"}`},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := ruled(t, c.lines...).Lint()
			require.Len(t, found, len(c.want), "%v", found)
			for i, want := range c.want {
				require.Contains(t, found[i].String(), want)
			}
		})
	}
}

func TestLintFindsWhatNothingUses(t *testing.T) {
	text := strings.Replace(small, "accounts:\n", "tables: {site: {key: country, rows: {US: 1}}}\naccounts:\n  template: '{natural}'\n", 1)
	set, err := rules.Load("m.yaml", []byte(text))
	require.NoError(t, err)
	var codes []string
	for _, f := range set.Lint() {
		codes = append(codes, fmt.Sprint(f.Line, f.Code))
	}
	require.Equal(t, []string{"3" + string(rules.TableUnused), "5" + string(rules.TemplateUnused)}, codes)
}

func TestLintFindsNothingInTheSample(t *testing.T) { require.Empty(t, load(t).Lint()) }

func TestARuleThatLintCallsDeadNeverBooks(t *testing.T) {
	set := ruled(t,
		`    - {name: a, when: {expense_type: [X, Y], sign: negative}, account: "1"}`,
		`    - {name: b, when: {expense_type: X}, account: "1"}`,
		`    - {name: dead, when: {expense_type: X, country: US}, account: "1"}`,
		`    - {name: live, when: {expense_type: Y}, account: "1"}`)
	found := set.Lint()
	require.Len(t, found, 1)
	require.Contains(t, found[0].Message, `"dead"`)
	var docs []document.Document
	for _, kind := range []string{"X", "Y"} {
		for _, amount := range []string{"5.00", "-5.00"} {
			for _, country := range []string{"US", "DE"} {
				d := report(amount, entry("1", kind, "CASH", amount))
				d.Ledger, d.Entries[0].Country = "US", country
				docs = append(docs, d)
			}
		}
	}
	cover, err := set.Cover(t.Context(), rules.Unchecked(nil), all(docs...))
	require.NoError(t, err)
	require.Equal(t, len(docs), cover.Mapped)
	i := slices.IndexFunc(cover.Rules, func(u rules.RuleUse) bool { return u.Rule == "dead" })
	require.Zero(t, cover.Rules[i].Splits)
	require.NotZero(t, cover.Rules[3].Splits)
}
