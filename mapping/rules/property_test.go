package rules_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// everything is a rule file that can map whatever the generator makes.
const everything = `version: 1
company: {default: EPIC06}
netting: %s
counterparties:
  CASH: employee
  OWN: employee
  CBCP: {vendor: V0090, code: C, personal: employee_owes}
  IBCP: {vendor: V0088, code: AP, personal: skip}
employees: {pattern: "E{employee_id}"}
cost_centres: {field: custom5, unlisted: as_is}
accounts:
  template: "{natural}|{cost_centre}|00"
  rules:
    - {name: all, natural: "6410"}
personal: {account: "1490|000|00"}
charges:
  tax: %s
`

var currencies = map[string]int{"USD": 2, "JPY": 0, "KWD": 3}

// amount draws an amount of whole minor units.
func amount(t *rapid.T, minor int, most int64, label string) decimal.Decimal {
	return decimal.New(rapid.Int64Range(-most, most).Draw(t, label), int32(-minor))
}

// draw makes a document that passes its own check.
func draw(t *rapid.T, kind document.Kind) document.Document {
	currency := rapid.SampledFrom(slices.Sorted(maps.Keys(currencies))).Draw(t, "currency")
	minor := currencies[currency]
	d := report("0")
	if kind == document.Invoice {
		d = supplierInvoice("0")
	}
	d.Currency = currency
	for i := range rapid.IntRange(1, 8).Draw(t, "entries") {
		e := document.Entry{
			ID: fmt.Sprint(i), Type: code("X"), Custom: centre("200"),
			Payment:  code(rapid.SampledFrom([]string{"CASH", "OWN", "CBCP", "IBCP"}).Draw(t, "payment")),
			Personal: kind == document.Report && rapid.IntRange(0, 3).Draw(t, "personal") == 0,
		}
		shares := rapid.IntRange(0, 4).Draw(t, "allocations")
		for range shares {
			a := document.Allocation{Amount: amount(t, minor, 1_000_000, "share"), Custom: centre(rapid.SampledFrom([]string{"200", "310"}).Draw(t, "centre"))}
			e.Allocations = append(e.Allocations, a)
			e.Amount = e.Amount.Add(a.Amount)
		}
		if shares == 0 {
			e.Amount = amount(t, minor, 1_000_000, "amount")
		}
		if !e.Personal {
			d.Total = d.Total.Add(e.Amount)
		}
		d.Entries = append(d.Entries, e)
	}
	if kind == document.Invoice {
		for i := range d.Entries {
			// Charges need a line of an amount to go to.
			d.Entries[i].Amount, d.Entries[i].Allocations = d.Entries[i].Amount.Abs().Add(decimal.New(1, 0)), nil
		}
		d.Total = decimal.Zero
		for _, e := range d.Entries {
			d.Total = d.Total.Add(e.Amount)
		}
		for _, k := range []document.ChargeKind{document.Shipping, document.Tax} {
			c := document.Charge{Kind: k, Amount: amount(t, minor, 10_000, "charge")}
			d.Charges = append(d.Charges, c)
			d.Total = d.Total.Add(c.Amount)
		}
	}
	require.NoError(t, d.Check())
	return d
}

func anyMapper(t testing.TB, netting, tax string) *rules.Mapper {
	t.Helper()
	set, err := rules.Load("m.yaml", fmt.Appendf(nil, everything, netting, tax))
	require.NoError(t, err)
	return rules.New(set, tables(t, ""))
}

// owed is a second, independent reckoning of what each vendor is owed.
func owed(d document.Document) map[string]decimal.Decimal {
	out := make(map[string]decimal.Decimal)
	if d.Kind == document.Invoice {
		out["V0211"] = d.Total
		return out
	}
	for _, e := range d.Entries {
		switch {
		case e.Personal && e.Payment.Code == "CBCP":
			out["V0090"] = out["V0090"].Add(e.Amount)
			out["E1042"] = out["E1042"].Sub(e.Amount)
		case e.Personal:
		case e.Payment.Code == "CBCP":
			out["V0090"] = out["V0090"].Add(e.Amount)
		case e.Payment.Code == "IBCP":
			out["V0088"] = out["V0088"].Add(e.Amount)
		default:
			out["E1042"] = out["E1042"].Add(e.Amount)
		}
	}
	return out
}

func TestAnyDocumentThatTiesBecomesAPostingThatTies(t *testing.T) {
	mappers := map[string]*rules.Mapper{
		"net, spread":     anyMapper(t, "net", "spread"),
		"by sign, a line": anyMapper(t, "by_sign", `{account: "2310|000|00"}`),
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := draw(rt, rapid.SampledFrom([]document.Kind{document.Report, document.Invoice}).Draw(rt, "kind"))
		m := mappers[rapid.SampledFrom(slices.Sorted(maps.Keys(mappers))).Draw(rt, "rules")]
		result, err := m.Map(t.Context(), d)
		require.NoError(rt, err)

		got := make(map[string]decimal.Decimal)
		if !result.Empty {
			require.NoError(rt, result.Posting.Check())
		}
		for _, inv := range result.Posting.Invoices {
			got[inv.Vendor] = got[inv.Vendor].Add(inv.Amount)
		}
		for vendor, amount := range owed(d) {
			require.True(rt, amount.Equal(got[vendor]), "%s is owed %s, posted %s", vendor, amount, got[vendor])
			delete(got, vendor)
		}
		require.Empty(rt, got, "nobody else is owed anything")
	})
}

func TestMappingIsPure(t *testing.T) {
	m := mapper(t)
	doc := report("30.00", entry("1", "TOOLS", "CASH", "10.00"), entry("2", "HOTEL", "CBCP", "20.00"))
	for i := range doc.Entries {
		doc.Entries[i].Custom["custom7"] = code("P1")
		for n := range 20 {
			doc.Entries[i].Custom[fmt.Sprintf("custom%d", 10+n)] = code(fmt.Sprint(n))
		}
	}
	want, err := m.Map(t.Context(), doc)
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			// Another map with the same fields, filled in another order.
			again := doc
			again.Entries = slices.Clone(doc.Entries)
			for i := range again.Entries {
				keys := slices.Collect(maps.Keys(doc.Entries[i].Custom))
				rand.Shuffle(len(keys), func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
				custom := make(map[string]document.Value)
				for _, k := range keys {
					custom[k] = doc.Entries[i].Custom[k]
				}
				again.Entries[i].Custom = custom
			}
			got, err := m.Map(t.Context(), again)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("mapped again: %v, %v", got, err)
			}
		})
	}
	group.Wait()
}

func TestMappingLeavesTheDocumentAsItWas(t *testing.T) {
	doc := supplierInvoice("115.75", line("1", "60.00"), line("2", "40.00"))
	doc.Charges = charges("7.50", "8.25")
	before := fmt.Sprintf("%+v", doc)
	mapped(t, mapper(t), doc)
	require.Equal(t, before, fmt.Sprintf("%+v", doc))
}

func TestInvoicesDoNotFollowTheOrderOfExpenses(t *testing.T) {
	doc := report("30.00", entry("1", "TAXI", "CASH", "10.00"), entry("2", "HOTEL", "CBCP", "20.00"))
	one := mapped(t, mapper(t), doc)
	slices.Reverse(doc.Entries)
	require.Equal(t, brief(one), brief(mapped(t, mapper(t), doc)))
}

func TestVersionNamesRulesAndTables(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	version := func(m *rules.Mapper) string {
		result, err := m.Map(t.Context(), doc)
		require.NoError(t, err)
		return result.Version
	}
	one := version(mapper(t))
	require.Regexp(t, "^[0-9a-f]{32}$", one)
	require.Equal(t, one, version(mapper(t)))
	require.NotEqual(t, one, version(rules.New(load(t), tables(t, "2026-01-01"))), "other tables")
	require.NotEqual(t, one, version(rules.New(changed(t, `"310": "310"`, `"310": "311"`), tables(t, ""))), "other rules")
}
