package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// reason is the one whose field ends so.
func reason(t testing.TB, m *rules.Mapper, d document.Document, field string) mapping.Reason {
	t.Helper()
	result, err := m.Map(t.Context(), d)
	require.NoError(t, err)
	for _, r := range result.Reasons {
		if strings.HasSuffix(r.Field, field) {
			return r
		}
	}
	require.Failf(t, "no such reason", "want %s, found %v", field, result.Reasons)
	return mapping.Reason{}
}

func TestR38NumbersFollowTheTemplate(t *testing.T) {
	set := changed(t, "  prefix: CX-                # default", "  prefix: CX-\n  report: '{prefix}{company}.{code}.{number}_{revision}'")
	m := rules.New(set, tables(t, ""))
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	require.Equal(t, "CX-EPIC06.E.A1B2C3_1", mapped(t, m, doc).Invoices[0].Number)
	require.Equal(t, "numbers.report (mapping.yaml:20)", reason(t, m, doc, ", number").Rule)
}

func TestTermsFollowWhoIsOwed(t *testing.T) {
	set := changed(t, "    code: AP                 # in the invoice number", "    code: AP\n    terms: N45",
		"  code: E                    # default", "  code: E\n  terms: IMM #", "  unlisted: as_is            # default: the", "  terms: N60\n  unlisted: as_is #")
	m := rules.New(set, tables(t, ""))
	terms := make(map[string]string)
	doc := report("30.00", entry("1", "TAXI", "CASH", "10.00"), entry("2", "TAXI", "IBCP", "10.00"), entry("3", "TAXI", "CBCP", "10.00"))
	for _, inv := range mapped(t, m, doc).Invoices {
		terms[inv.Vendor] = inv.Terms
	}
	require.Equal(t, map[string]string{"E1042": "IMM", "V0088": "N45", "V0090": ""}, terms)
	require.Equal(t, "N60", mapped(t, m, supplierInvoice("10.00", line("1", "10.00"))).Invoices[0].Terms)
	require.Regexp(t, `^suppliers.terms \(mapping.yaml:\d+\)$`, reason(t, m, supplierInvoice("10.00", line("1", "10.00")), "terms of payment").Rule)
}

func TestEntryGroupsAreNamedByTheRules(t *testing.T) {
	set := changed(t, "apply_date:", "entry_groups: {report: 'R{day}', invoice: 'I{month}{currency}'}\napply_date:")
	m := rules.New(set, tables(t, ""))
	require.Equal(t, "R261030", mapped(t, m, report("10.00", entry("1", "TAXI", "CASH", "10.00"))).Invoices[0].Group)
	require.Equal(t, "I2610USD", mapped(t, m, supplierInvoice("10.00", line("1", "10.00"))).Invoices[0].Group)
	moved := rules.New(set, tables(t, "2026-11-01"))
	require.Equal(t, "R261101", mapped(t, moved, report("10.00", entry("1", "TAXI", "CASH", "10.00"))).Invoices[0].Group, "the day that decides the period")
}

func TestAnEmployeeIsFoundByTheTaxID(t *testing.T) {
	set := changed(t, "match: [column, pattern]", "match: [column, tax_id, pattern]\n  tax_id: custom9")
	m := rules.New(set, tables(t, ""))
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Custom = map[string]document.Value{"custom9": code("55.777 ")}
	require.Equal(t, "V10", mapped(t, m, doc).Invoices[0].Vendor, "only letters and digits are compared")
	why := reason(t, m, doc, ", vendor")
	require.Regexp(t, `^employees.match tax_id \(mapping.yaml:\d+\)$`, why.Rule)
	require.NotContains(t, why.Input, "777", "a tax id is nobody's business")

	doc.Custom = map[string]document.Value{"custom9": code("999")}
	require.Equal(t, "E1042", mapped(t, m, doc).Invoices[0].Vendor, "the next way is tried")
}

func TestSuspenseTakesWhatNoRuleMatchesUpToItsCap(t *testing.T) {
	set := changed(t, "accounts:\n  template", "accounts:\n  suspense: {account: 1490|000|00, most: {USD: 25.00}}\n  template")
	m := rules.New(set, tables(t, ""))
	doc := report("15.00", entry("1", "YACHT", "CASH", "20.00"), entry("2", "YACHT", "CASH", "-5.00"))
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 15.00", "  1490|000|00 20.00", "  1490|000|00 -5.00"}, brief(mapped(t, m, doc)))
	why := reason(t, m, doc, "split 1, GL account")
	require.Regexp(t, `^accounts.suspense \(mapping.yaml:\d+\)$`, why.Rule)
	require.Equal(t, "no account rule matches expense type YACHT", why.Input)

	// Amounts of both signs count in full, so 20 and 6 are too much.
	doc = report("14.00", entry("1", "YACHT", "CASH", "20.00"), entry("2", "YACHT", "CASH", "-6.00"))
	require.Contains(t, issue(t, issues(t, m, doc), rules.AccountUnmapped).Message, "more than the 25.00 USD of a document that the suspense account takes")

	doc = report("1.00", entry("1", "YACHT", "CASH", "1.00"))
	doc.Currency = "EUR"
	require.Contains(t, issue(t, issues(t, m, doc), rules.AccountUnmapped).Message, "takes nothing in EUR")
}

func TestFaultsOfTheHeadsKeysBearPlaceAndRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"numbers: {report: '{prefix}{number}-{code}'}\n":      `m.yaml:6:19: numbers.report: "{prefix}{number}-{code}" does not use {revision}, without which two invoices would get one number`,
		"numbers: {report: '{number}{revision}-{code}'}\n":    "write something between {number} and {revision}",
		"numbers: {report: '{number}/{revision}-{code}'}\n":   "letters, digits, and . _ - may stand in a number",
		"entry_groups: {report: 'R'}\n":                       "names one group for ever",
		"entry_groups: {report: 'r{day}'}\n":                  "a group's name has capitals and digits",
		"entry_groups: {report: 'CXR{day}{currency}'}\n":      "becomes CXR261030USD, which is longer than the 9 characters",
		"employees: {match: tax_id}\n":                        "employees.tax_id does not say which custom field holds it",
		"employees: {match: tax-id}\n":                        `"tax-id" is none of column, pattern, tax_id; did you mean "tax_id"?`,
		"counterparties: {CASH: {to: employee, terms: N1}}\n": "the employee's terms stand under employees.terms",
		"apply_date: {closed_period: wait}\n":                 `"wait" is none of refuse, next_open, hold`,
	} {
		_, err := rules.Load("m.yaml", []byte(small+text))
		require.ErrorContains(t, err, want)
	}
	for most, want := range map[string]string{
		"{USX: 1}":     `"USX" is no currency of ISO 4217`,
		"{USD: 1.001}": `accounts.suspense.most.USD: "1.001" is no amount above zero with at most 2 decimals`,
		"{JPY: 1.5}":   "at most 0 decimals",
		"{USD: 0}":     "no amount above zero",
		"{USD: -5}":    "no amount above zero",
		"{USD: 1e9}":   "no amount above zero",
		"{USD: lots}":  "no amount above zero",
	} {
		_, err := rules.Load("m.yaml", []byte(strings.Replace(small, "accounts:\n", "accounts:\n  suspense: {account: '1', most: "+most+"}\n", 1)))
		require.ErrorContains(t, err, want)
	}
}
