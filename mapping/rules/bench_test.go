package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// sized is a mapper with so many rules, in seven shapes, and so many rows of a
// table and of cost centres.
func sized(b *testing.B, ruleCount, rows int) *rules.Mapper {
	b.Helper()
	var text, csv strings.Builder
	text.WriteString(`version: 1
company: {default: EPIC06}
counterparties: {CASH: employee, CBCP: {vendor: V0090, code: C}}
employees: {pattern: "E{employee_id}"}
cost_centres: {field: custom5, unlisted: as_is}
tables:
  site: {key: custom7, file: sites.csv}
accounts:
  template: "6410|{cost_centre}|{site}"
  rules:
`)
	for i := range ruleCount - 1 {
		when := []string{
			fmt.Sprintf("expense_type: T%d", i),
			fmt.Sprintf("expense_type: [T%d, U%d, W%d], country: [US, DE]", i, i, i),
			fmt.Sprintf("policy: P%d, expense_type: HOTEL", i),
			fmt.Sprintf("custom: {custom7: S%d}, sign: negative", i),
			fmt.Sprintf("kind: invoice, custom: {custom8: X%d}", i),
			fmt.Sprintf("payment_type: CASH, custom: {custom9: Y%d}", i),
			fmt.Sprintf("ledger: L%d", i),
		}[i%7]
		fmt.Fprintf(&text, "    - {name: r%d, when: {%s}}\n", i, when)
	}
	text.WriteString("    - {name: last}\n")
	csv.WriteString("site,segment\n")
	for i := range rows {
		fmt.Fprintf(&csv, "S%d,%02d\n", i, i%100)
	}
	set, err := rules.LoadFS(fstest.MapFS{
		"m.yaml": {Data: []byte(text.String())}, "sites.csv": {Data: []byte(csv.String())},
	}, "m.yaml")
	require.NoError(b, err)
	has, err := document.NewTables("EPIC06", vendors(), []document.Account{{Code: "6410|200|07"}}, nil)
	require.NoError(b, err)
	return rules.New(set, rules.StaticTables(has))
}

// typical is a report of twenty expenses that no rule but the last one takes, so
// that as many as there are have to be passed over.
func typical() document.Document {
	var entries []document.Entry
	for i := range 20 {
		e := entry(fmt.Sprint(i), "HOTEL", []string{"CASH", "CBCP"}[i%2], "10.00")
		e.Custom["custom7"] = code("S7")
		entries = append(entries, e)
	}
	return report("200.00", entries...)
}

// BenchmarkSizeOfRules holds a mapping with 10,000 rules and 100,000 rows of a
// table against one with 10 rules and 100 rows: the ratio of their times, of
// alternating runs, shall be 1.5 at most.
func BenchmarkSizeOfRules(b *testing.B) {
	small, large := sized(b, 10, 100), sized(b, 10_000, 100_000)
	doc := typical()
	once := func(m *rules.Mapper) time.Duration {
		const repeat = 20
		began := time.Now()
		for range repeat {
			if _, err := m.Map(b.Context(), doc); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began) / repeat
	}
	once(small)
	once(large)
	var of [2][]time.Duration
	b.ResetTimer()
	for b.Loop() {
		of[0], of[1] = append(of[0], once(small)), append(of[1], once(large))
	}
	b.StopTimer()
	slices.Sort(of[0])
	slices.Sort(of[1])
	few, many := of[0][len(of[0])/2], of[1][len(of[1])/2]
	hundredths := many * 100 / few
	b.Logf("10 rules, 100 rows: %s; 10,000 rules, 100,000 rows: %s; ratio %d.%02d of %d runs each", few, many, hundredths/100, hundredths%100, len(of[0]))
	b.ReportMetric(0, "ns/op") // of a pair: says nothing
	if len(of[0]) >= 5 && hundredths > 150 {
		b.Errorf("the ratio shall be 1.5 at most")
	}
}
