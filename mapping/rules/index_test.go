package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// oneRule is a rule as the test itself understands it.
type oneRule struct {
	types, countries, projects []string
	sign                       string
}

func (r oneRule) yaml(i int) string {
	var when []string
	list := func(name string, values []string) {
		if len(values) > 0 {
			when = append(when, name+": ["+strings.Join(values, ", ")+"]")
		}
	}
	list("expense_type", r.types)
	list("country", r.countries)
	if len(r.projects) > 0 {
		when = append(when, "custom: {custom7: ["+strings.Join(r.projects, ", ")+"]}")
	}
	if r.sign != "" {
		when = append(when, "sign: "+r.sign)
	}
	return fmt.Sprintf("    - {name: r%d, when: {%s}, account: \"%d\"}\n", i, strings.Join(when, ", "), i)
}

func (r oneRule) takes(e document.Entry) bool {
	of := func(values []string, v string) bool { return len(values) == 0 || slices.Contains(values, v) }
	return of(r.types, e.Type.Code) && of(r.countries, e.Country) && of(r.projects, e.Custom["custom7"].Code) &&
		(r.sign == "" || (r.sign == "negative") == e.Amount.IsNegative())
}

// someOf draws a list of the first values of an alphabet; long ones make more
// combinations than a rule is filed under.
func someOf(t *rapid.T, prefix, label string) []string {
	n := rapid.SampledFrom([]int{0, 0, 1, 2, 5, 30}).Draw(t, label)
	out := make([]string, 0, n)
	for range n {
		out = append(out, fmt.Sprintf("%s%d", prefix, rapid.IntRange(0, 30).Draw(t, label)))
	}
	return out
}

func TestTheFirstRuleThatMatchesIsFoundHoweverRulesAreFiled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []oneRule
		text := "version: 1\ncompany: {default: EPIC06}\ncounterparties: {CASH: employee}\nemployees: {pattern: \"E{employee_id}\"}\naccounts:\n  rules:\n"
		known := []document.Account{{Code: "last"}}
		for i := range rapid.IntRange(0, 12).Draw(rt, "rules") {
			r := oneRule{
				someOf(rt, "T", "types"), someOf(rt, "C", "countries"), someOf(rt, "P", "projects"),
				rapid.SampledFrom([]string{"", "", "positive", "negative"}).Draw(rt, "sign"),
			}
			all = append(all, r)
			text += r.yaml(i)
			known = append(known, document.Account{Code: fmt.Sprint(i)})
		}
		set, err := rules.Load("m.yaml", []byte(text+"    - {name: last, account: last}\n"))
		require.NoError(rt, err)
		has, err := document.NewTables("EPIC06", vendors(), known, nil)
		require.NoError(rt, err)

		e := entry("1", fmt.Sprintf("T%d", rapid.IntRange(0, 30).Draw(rt, "type")), "CASH", rapid.SampledFrom([]string{"1.00", "-1.00"}).Draw(rt, "amount"))
		e.Country = fmt.Sprintf("C%d", rapid.IntRange(0, 30).Draw(rt, "country"))
		e.Custom["custom7"] = code(fmt.Sprintf("P%d", rapid.IntRange(0, 30).Draw(rt, "project")))
		want := "last"
		if at := slices.IndexFunc(all, func(r oneRule) bool { return r.takes(e) }); at >= 0 {
			want = fmt.Sprint(at)
		}
		got := mapped(t, rules.New(set, rules.StaticTables(has)), report(e.Amount.String(), e))
		require.Equal(rt, want, got.Invoices[0].Lines[0].Splits[0].Account)
	})
}
