package rules_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

func all(docs ...document.Document) iter.Seq2[document.Document, error] {
	return func(yield func(document.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// past are documents of last month: two that post, one that parks, one of nothing.
func past() []document.Document {
	one := report("130.00", entry("1", "TAXI", "CASH", "100.00"), entry("2", "MEALS", "CBCP", "50.00"), entry("3", "HOTEL", "CASH", "-20.00"))
	two := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	two.Number, two.Currency = "B1", "EUR"
	three := report("7.00", entry("1", "YACHT", "CASH", "7.00"))
	three.Number = "C1"
	four := report("0.00", entry("1", "TAXI", "CASH", "0.00"))
	four.Number = "D1"
	return []document.Document{one, two, three, four}
}

func TestCoverageIsByValueAndByRule(t *testing.T) {
	c, err := load(t).Cover(t.Context(), tables(t, ""), all(past()...))
	require.NoError(t, err)
	require.Equal(t, []int{4, 2, 1, 1}, []int{c.Documents, c.Mapped, c.Empty, c.Parked})
	require.Equal(t, "137", c.Total["USD"].String())
	require.Equal(t, "130", c.Covered["USD"].String())
	require.Equal(t, "10", c.Covered["EUR"].String())
	use := make(map[string]rules.RuleUse)
	for _, u := range c.Rules {
		use[u.Rule] = u
	}
	require.Equal(t, 2, use["travel"].Documents)
	require.Equal(t, 2, use["travel"].Splits)
	require.Equal(t, "100", use["travel"].Value["USD"].String())
	require.Equal(t, "10", use["travel"].Value["EUR"].String())
	require.Equal(t, "20", use["travel-refund"].Value["USD"].String(), "without regard to the sign")
	require.Equal(t, []rules.Gap{{
		Code: rules.AccountUnmapped, Value: "YACHT", Documents: 1, Amount: rules.Value{"USD": dec("7.00")}, Examples: []string{"report C1"},
		Remedy: c.Gaps[0].Remedy,
	}}, c.Gaps)
	require.Contains(t, c.Gaps[0].Remedy, "Add a rule with expense_type: YACHT")
}

func TestCoverageNamesWhatNeverCounts(t *testing.T) {
	c, err := load(t).Cover(t.Context(), tables(t, ""), all(past()...))
	require.NoError(t, err)
	never := make(map[rules.FindingCode][]string)
	for _, f := range c.Findings {
		never[f.Code] = append(never[f.Code], f.Message)
	}
	require.Equal(t, []string{
		`rule "meals-abroad" booked nothing of 4 documents`, `rule "projects" booked nothing of 4 documents`, `rule "invoices" booked nothing of 4 documents`,
	}, never[rules.RuleNeverHit])
	require.Contains(t, never[rules.CounterpartyNeverHit], `counterparty "IBCP" stands in none of 4 documents`)
	require.NotContains(t, never[rules.CounterpartyNeverHit], `counterparty "CBCP" stands in none of 4 documents`)
}

func TestCoverageCountsSuspenseAndFixedAccountsApart(t *testing.T) {
	set := changed(t, "accounts:\n  template", "accounts:\n  suspense: {account: 1490|000|00, most: {USD: 25.00}}\n  template")
	inv := supplierInvoice("108.25", line("1", "100.00"))
	inv.Charges = charges("0", "8.25")
	c, err := set.Cover(t.Context(), tables(t, ""), all(report("7.00", entry("1", "YACHT", "CASH", "7.00")), inv))
	require.NoError(t, err)
	n := len(c.Rules)
	require.Equal(t, "accounts.suspense", c.Rules[n-2].Rule)
	require.Equal(t, "7", c.Rules[n-2].Value["USD"].String())
	require.Equal(t, "fixed", c.Rules[n-1].Rule)
	require.Equal(t, "8.25", c.Rules[n-1].Value["USD"].String())
}

func TestUncheckedTakesWhatTheRulesNameToExist(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Owner.EmployeeID = "77777"
	doc.Ledger = "DE-HGB"
	p := mapped(t, rules.New(load(t), rules.Unchecked(nil)), doc)
	require.Equal(t, "EPIC08", p.Company)
	require.Equal(t, "E77777", p.Invoices[0].Vendor)
	set := changed(t, "match: [column, pattern]", "match: [column]", `  pattern: "E{employee_id}"`, "")
	require.Equal(t, "vendor of employee 77777", mapped(t, rules.New(set, rules.Unchecked(nil)), doc).Invoices[0].Vendor)
}

func TestCompareSaysWhatAnotherVersionMakesOfPastDocuments(t *testing.T) {
	after := changed(t, `      natural: "6410"`, `      natural: "6415"`, "[AIRFR, HOTEL, TAXI, TRAIN, CARMI]", "[AIRFR, HOTEL, TAXI, TRAIN, CARMI, YACHT]",
		`      when: {expense_type: MEALS, country: US}`, `      when: {expense_type: MEALZ, country: US}`, `      when: {expense_type: MEALS}`, `      when: {expense_type: MEALX}`)
	meals := report("3.00", entry("1", "MEALS", "CASH", "3.00"))
	meals.Number = "M1"
	docs := append(past()[1:], meals)
	c, err := rules.Compare(t.Context(), load(t), after, tables(t, ""), all(docs...))
	require.NoError(t, err)
	require.Equal(t, map[rules.Outcome]int{rules.Same: 1, rules.Changed: 1, rules.NowPosts: 1, rules.NowParks: 1}, c.Counts)
	require.Equal(t, load(t).Version(), c.Before)
	require.Equal(t, after.Version(), c.After)

	moved := c.Different[0]
	require.Equal(t, "report B1", moved.Document)
	require.Equal(t, []rules.Change{{
		Field: "invoice 1, line 1, split 1, GL account", Before: "6410|200|00", After: "6415|200|00",
		RuleBefore: moved.Changes[0].RuleBefore, RuleAfter: moved.Changes[0].RuleAfter,
	}}, moved.Changes)
	require.Contains(t, moved.Changes[0].RuleAfter, "travel (mapping.yaml:")
	require.Equal(t, rules.NowPosts, c.Different[1].Outcome)
	require.Equal(t, rules.AccountUnmapped, c.Different[1].Issues[0].Code, "why it parked")
	require.Equal(t, rules.NowParks, c.Different[2].Outcome)
	require.Equal(t, rules.AccountUnmapped, c.Different[2].Issues[0].Code, "why it parks")

	got := make(map[string]string)
	for _, m := range c.Moves {
		got[m.Currency+" "+m.Account] = m.Amount.StringFixed(2)
	}
	require.Equal(t, map[string]string{"EUR 6410|200|00": "-10.00", "EUR 6415|200|00": "10.00", "USD 6415|200|00": "7.00", "USD 6420|200|00": "-3.00"}, got)
}

func TestCompareShowsAmountsAndKindsThatChange(t *testing.T) {
	after := changed(t, "netting: net ", "netting: by_sign ")
	c, err := rules.Compare(t.Context(), load(t), after, tables(t, ""), all(report("21.00", entry("1", "MEALS", "CASH", "35.00"), entry("2", "HOTEL", "CASH", "-14.00"))))
	require.NoError(t, err)
	require.Equal(t, 1, c.Counts[rules.Changed])
	require.Contains(t, c.Different[0].Changes, rules.Change{Field: "invoice 1, amount", Before: "21 USD", After: "35 USD"})
	require.Contains(t, c.Different[0].Changes, rules.Change{Field: "invoice 2", After: "debit memo"})
	require.Empty(t, c.Moves, "the accounts get the same")
}

func TestADocumentThatCannotBeReadEndsTheLook(t *testing.T) {
	broken := errors.New("no such file")
	docs := func(yield func(document.Document, error) bool) { yield(document.Document{}, broken) }
	_, err := load(t).Cover(t.Context(), tables(t, ""), docs)
	require.ErrorIs(t, err, broken)
	_, err = rules.Compare(t.Context(), load(t), load(t), tables(t, ""), docs)
	require.ErrorIs(t, err, broken)
}

func TestAnotherDayIsNoOtherEffectAlthoughTheGroupIsNamedAfterIt(t *testing.T) {
	m := rules.New(changed(t, "apply_date:", "entry_groups: {report: 'R{day}'}\napply_date:"), tables(t, ""))
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	one := mapped(t, m, doc)
	doc.Revision, doc.Approved = 2, "2026-11-02"
	_, different, err := m.Diff(one, mapped(t, m, doc))
	require.NoError(t, err)
	require.False(t, different)
}
