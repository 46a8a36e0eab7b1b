package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// books is a line of a journal without taxes.
func books(payer, payee, account, gross string) document.Journal {
	return document.Journal{Payer: payer, Payee: payee, Account: account, Gross: dec(gross), NetOfTax: dec(gross), NetOfReclaim: dec(gross)}
}

// vat gives a line of a journal a tax.
func vat(j document.Journal, netOfTax, netOfReclaim, reclaimCode, amount, reclaim string) document.Journal {
	j.NetOfTax, j.NetOfReclaim = dec(netOfTax), dec(netOfReclaim)
	j.Taxes = append(j.Taxes, document.TaxPart{Authority: "DEVAT", ReclaimCode: reclaimCode, Amount: dec(amount), Reclaim: dec(reclaim)})
	return j
}

// journalOf makes a report journaled and its first entry's journal the lines.
func journalOf(lines ...document.Journal) func(*document.Document) {
	return func(d *document.Document) {
		d.Journaled = true
		d.Entries[0].Allocations = []document.Allocation{{Amount: d.Entries[0].Amount, Journal: lines}}
	}
}

// paid is an entry with a journal.
func paid(id, kind, payment, approved string, lines ...document.Journal) document.Entry {
	e := entry(id, kind, payment, approved)
	e.Allocations = []document.Allocation{{Amount: e.Amount, Journal: lines}}
	return e
}

// private is an entry of which nothing is approved.
func private(id, payment string, lines ...document.Journal) document.Entry {
	e := paid(id, "MEALS", payment, "0", lines...)
	e.Personal = true
	return e
}

func journaled(total string, entries ...document.Entry) document.Document {
	d := report(total, entries...)
	d.Journaled = true
	return d
}

// byAccount takes the accounts as the journal names them.
func byAccount(t testing.TB, oldNew ...string) *rules.Mapper {
	t.Helper()
	set := changed(t, append([]string{"  rules:\n", "  rules:\n    - {name: journal, when: {kind: report, account: [HOTEL, TAXI, MEALS]}, account: \"6410|200|00\"}\n"}, oldNew...)...)
	return rules.New(set, tables(t, ""))
}

func TestR01AnAccountChangesByTheGrossAmountAsItStands(t *testing.T) {
	got := mapped(t, mapper(t), journaled("-50.00", paid("1", "TAXI", "CASH", "-50.00", books("EMPL", "COMP", "5", "-50.00"))))
	require.Equal(t, []string{
		"debit memo CX-A1B2C3-1-ED E1042 -50.00",
		"  6410|200|00 -50.00",
	}, brief(got), "the employee owes 50; turned by the direction it would be 50 that he is owed")
}

// movie is the hotel bill of a company card with a private movie on it, and a
// taxi in cash.
func movie() document.Document {
	return journaled("305.00",
		paid("1", "HOTEL", "1000", "125.00", books("COMP", "CBCP", "474230", "125.00")),
		paid("2", "HOTEL", "1000", "125.00", books("COMP", "CBCP", "474230", "125.00")),
		paid("3", "MEALS", "1000", "20.00", books("COMP", "CBCP", "474230", "20.00")),
		private("4", "1000", books("COMP", "CBCP", "199999", "14.00"), books("EMPL", "COMP", "199999", "-14.00")),
		paid("5", "TAXI", "CASH", "35.00", books("COMP", "EMPL", "474230", "35.00")),
	)
}

func TestR03AccountsChangeByWhatCounterpartiesAreOwed(t *testing.T) {
	got := mapped(t, mapper(t), movie())
	accounts, owed := dec("0"), dec("0")
	for _, inv := range got.Invoices {
		owed = owed.Add(inv.Amount)
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				accounts = accounts.Add(s.Amount)
			}
		}
	}
	require.Equal(t, "305.00", accounts.StringFixed(2), "125 + 125 + 20 + 35 + (14 − 14)")
	require.Equal(t, "305.00", owed.StringFixed(2), "CBCP 284 + EMPL 35 − EMPL 14")
}

func TestR05ATotalOfZeroIsNoReasonToSkip(t *testing.T) {
	got := mapped(t, mapper(t), journaled("0",
		private("1", "1000", books("COMP", "CBCP", "cbcp180", "49.00"), books("EMPL", "COMP", "cbcp180", "-49.00")),
		private("2", "COPD", books("COMP", "COPD", "compaid374", "32.00"), books("EMPL", "COMP", "compaid374", "-32.00")),
	))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 49.00",
		"  1490|000|00 49.00",
		"debit memo CX-A1B2C3-1-ED E1042 -81.00",
		"  1490|000|00 -49.00",
		"  1490|000|00 -32.00",
		"invoice CX-A1B2C3-1-P V0095 32.00",
		"  1490|000|00 32.00",
	}, brief(got))

	result, err := mapper(t).Map(t.Context(), journaled("0", paid("1", "TAXI", "CASH", "0", books("COMP", "EMPL", "1", "0"))))
	require.NoError(t, err)
	require.True(t, result.Empty, "where every line is zero there is nothing to post")
}

func TestR06OneDocumentForEachCounterpartyAndSign(t *testing.T) {
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 284.00",
		"  6410|200|00 125.00",
		"  6410|200|00 125.00",
		"  6420|200|00 20.00",
		"  1490|000|00 14.00",
		"invoice CX-A1B2C3-1-E E1042 21.00",
		"  1490|000|00 -14.00",
		"  6410|200|00 35.00",
	}, brief(mapped(t, mapper(t), movie())), "net")

	split := rules.New(changed(t, "netting: net ", "netting: by_sign "), tables(t, ""))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 284.00",
		"  6410|200|00 125.00",
		"  6410|200|00 125.00",
		"  6420|200|00 20.00",
		"  1490|000|00 14.00",
		"invoice CX-A1B2C3-1-E E1042 35.00",
		"  6410|200|00 35.00",
		"debit memo CX-A1B2C3-1-ED E1042 -14.00",
		"  1490|000|00 -14.00",
	}, brief(mapped(t, split, movie())), "split by sign")
}

func TestR07TheCompanysCardIsPaidAndTheEmployeeOwesHisPart(t *testing.T) {
	got := mapped(t, mapper(t), journaled("700.00",
		paid("1", "HOTEL", "1000", "700.00", books("COMP", "CBCP", "474230", "700.00")),
		private("2", "1000", books("COMP", "CBCP", "199999", "300.00"), books("EMPL", "COMP", "199999", "-300.00")),
	))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 1000.00",
		"  6410|200|00 700.00",
		"  1490|000|00 300.00",
		"debit memo CX-A1B2C3-1-ED E1042 -300.00",
		"  1490|000|00 -300.00",
	}, brief(got), "the clearing account nets to 0, the expense is 700")
}

func TestR07TaxThatIsNotReclaimedStaysInTheClearingOfAPrivateExpense(t *testing.T) {
	apart := rules.New(changed(t, "  # kept:", "  kept:"), tables(t, ""))
	got := mapped(t, apart, journaled("0.00", private("1", "CBCP",
		vat(books("COMP", "CBCP", "MEALS", "49.00"), "41.18", "49.00", "", "7.82", "0"), books("EMPL", "COMP", "MEALS", "-49.00"))))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 49.00", "  1490|000|00 49.00", "debit memo CX-A1B2C3-1-ED E1042 -49.00", "  1490|000|00 -49.00",
	}, brief(got))
}

func TestR08WhatTheJournalLeavesOutIsNotRepaired(t *testing.T) {
	doc := journaled("300.00",
		paid("1", "HOTEL", "IBCP", "250.00", books("COMP", "IBCP", "474230", "250.00")),
		paid("2", "HOTEL", "IBCP", "50.00", books("COMP", "IBCP", "474230", "50.00")),
	)
	got := mapped(t, mapper(t), doc)
	require.Equal(t, "invoice CX-A1B2C3-1-AP V0088 300.00", brief(got)[0], "325 on the card, 25 of it private and not in the document")
	require.Len(t, got.Invoices, 1)
}

func TestR09LinesOfOneEntryMayGoToTwo(t *testing.T) {
	got := mapped(t, mapper(t), journaled("305.00",
		paid("1", "HOTEL", "1003", "125.00", books("COMP", "IBCP", "99999", "125.00")),
		paid("2", "MEALS", "1003", "20.00", books("COMP", "IBCP", "600", "20.00")),
		paid("3", "HOTEL", "1003", "125.00", books("COMP", "IBCP", "99999", "125.00")),
		paid("4", "TAXI", "CASH", "35.00", books("COMP", "EMPL", "88888", "21.00"), books("COMP", "IBCP", "88888", "14.00")),
	))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-AP V0088 284.00",
		"  6410|200|00 125.00",
		"  6420|200|00 20.00",
		"  6410|200|00 125.00",
		"  6410|200|00 14.00",
		"invoice CX-A1B2C3-1-E E1042 21.00",
		"  6410|200|00 21.00",
	}, brief(got))
}

// spent is 315.00 of an employee's own money.
func spent(advances ...string) document.Document {
	d := journaled("315.00",
		paid("1", "TAXI", "CASH", "245.00", books("COMP", "EMPL", "109", "245.00")),
		paid("2", "MEALS", "CASH", "60.00", books("COMP", "EMPL", "105", "5.00"), books("COMP", "EMPL", "105", "55.00")),
		paid("3", "TAXI", "CASH", "10.00", books("COMP", "EMPL", "130", "10.00")),
	)
	for _, a := range advances {
		d.Advances = append(d.Advances, document.Advance{ID: "CA1", Account: "CADV", Kind: "2", Amount: dec(a)})
	}
	return d
}

func TestR10AnAdvanceLowersWhatTheEmployeeGets(t *testing.T) {
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 15.00",
		"  6410|200|00 245.00",
		"  6420|200|00 5.00",
		"  6420|200|00 55.00",
		"  6410|200|00 10.00",
		"  1250|000|00 -245.00",
		"  1250|000|00 -55.00",
	}, brief(mapped(t, mapper(t), spent("-245.00", "-55.00"))), "315 − (245 + 55) = 15")
}

func TestR11AnAdvanceAboveWhatWasSpentIsOwed(t *testing.T) {
	d := spent("-85.00", "-245.00", "-60.00", "-10.00")
	d.AdvanceReturn = dec("85.00")
	got := mapped(t, mapper(t), d)
	require.Equal(t, "debit memo CX-A1B2C3-1-ED E1042 -85.00", brief(got)[0])
	clearing := dec("0")
	for _, l := range got.Invoices[0].Lines {
		for _, s := range l.Splits {
			if s.Account == "1250|000|00" {
				clearing = clearing.Add(s.Amount)
			}
		}
	}
	require.Equal(t, "-400.00", clearing.StringFixed(2), "DR 315 + DR employee 85 = CR 400")
}

// expensePaid is a report of which Expense Pay pays the employee all, with an
// advance.
func expensePaid(advance string) document.Document {
	e := paid("1", "HOTEL", "CASH", "315.00", books("COMP", "EMPL", "HOTEL", "315.00"))
	e.SourcePays = true
	d := journaled("315.00", e)
	d.Advances = []document.Advance{{ID: "A", Account: "CADV", Kind: "2", Amount: dec(advance)}}
	return d
}

func TestR10AnAdvanceLowersWhatExpensePayPays(t *testing.T) {
	m := byAccount(t, "\nexpense_pay: refuse", "\nexpense_pay: {vendor: V0211, code: X}")
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-X V0211 15.00", "  6410|200|00 315.00", "  1250|000|00 -300.00",
	}, brief(mapped(t, m, expensePaid("-300.00"))), "Expense Pay pays 15.00, and the employee owes nothing")
	require.Equal(t, []string{
		"debit memo CX-A1B2C3-1-ED E1042 -85.00", "  1250|000|00 -85.00",
		"invoice CX-A1B2C3-1-X V0211 0.00", "  6410|200|00 315.00", "  1250|000|00 -315.00",
	}, brief(mapped(t, m, expensePaid("-400.00"))), "above what was spent, the employee owes it himself")
}

func TestR10AnAdvanceStopsWhereExpensePayPaysAPartOnly(t *testing.T) {
	d := expensePaid("-300.00")
	d.Entries = append(d.Entries, paid("2", "TAXI", "CASH", "20.00", books("COMP", "EMPL", "TAXI", "20.00")))
	d.Total = dec("335.00")
	found := issues(t, byAccount(t, "\nexpense_pay: refuse", "\nexpense_pay: {vendor: V0211, code: X}"), d)
	require.Len(t, found, 1)
	require.Equal(t, rules.CashAdvance, found[0].Code)
	require.Contains(t, found[0].Remedy, "by hand")
}

func TestR11AnAdvanceAboveWhatThePayrollPaysIsOwedByTheEmployee(t *testing.T) {
	d := spent("-400.00")
	d.Payroll, d.AdvanceReturn = true, dec("85.00")
	got := brief(mapped(t, byAccount(t, "\npayroll: refuse", "\npayroll: {vendor: V0096, code: R}"), d))
	require.Equal(t, []string{"debit memo CX-A1B2C3-1-ED E1042 -85.00", "  1250|000|00 -85.00", "invoice CX-A1B2C3-1-R V0096 0.00"}, got[:3])
}

func TestR12AnIssuedAdvanceIsADocumentOfItsOwn(t *testing.T) {
	d := journaled("7000.00", paid("E2A0", "", "Cash", "7000.00", books("COMP", "EMPL", "CADV", "7000.00")))
	d.Kind, d.ID, d.Number = document.CashAdvance, "E2A086D30B88AE4683BC48ADE47B8116", "E2A086D30B88AE4683BC48ADE47B8116"
	require.Equal(t, []string{
		"invoice CX-E2A086D30B88AE4683BC48ADE47B8116-1-E E1042 7000.00",
		"  1250|000|00 7000.00",
	}, brief(mapped(t, mapper(t), d)))
}

func TestR13BelowZeroIsADebitMemo(t *testing.T) {
	require.Equal(t, []string{
		"debit memo CX-A1B2C3-1-PD V0095 -349.00",
		"  6415|200|00 -349.00",
	}, brief(mapped(t, mapper(t), journaled("-349.00", paid("1", "AIRFR", "COPD", "-349.00", books("COPD", "COMP", "474230", "-349.00"))))))
}

func TestR14MixedSignsAboveZeroAreOneInvoice(t *testing.T) {
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 70.00",
		"  6410|200|00 120.00",
		"  6415|200|00 -50.00",
	}, brief(mapped(t, mapper(t), journaled("70.00",
		paid("1", "HOTEL", "CASH", "120.00", books("COMP", "EMPL", "1", "120.00")),
		paid("2", "HOTEL", "CASH", "-50.00", books("EMPL", "COMP", "1", "-50.00")),
	))))
}

func TestR16ACardProgrammeComesBeforeTheKindOfCard(t *testing.T) {
	m := rules.New(changed(t, "  EMPL: employee", "  EMPL: employee\n  IBCP/1003: {vendor: V0211, code: B}"), tables(t, ""))
	got := mapped(t, m, journaled("30.00",
		paid("1", "TAXI", "1003", "10.00", books("COMP", "IBCP", "1", "10.00")),
		paid("2", "TAXI", "1004", "20.00", books("COMP", "IBCP", "1", "20.00")),
	))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-AP V0088 20.00", "  6410|200|00 20.00",
		"invoice CX-A1B2C3-1-B V0211 10.00", "  6410|200|00 10.00",
	}, brief(got))
}

func TestR17AllocatedAmountsAreTakenAsGiven(t *testing.T) {
	e := paid("1", "MEALS", "COPD", "25.00")
	e.Allocations = []document.Allocation{
		{Percent: dec("50"), Amount: dec("12.50"), Journal: []document.Journal{books("COMP", "COPD", "474230", "12.50")}},
		// Not what 50 % would be: the amount counts.
		{Percent: dec("50"), Amount: dec("12.50"), Journal: []document.Journal{books("COMP", "COPD", "474230", "12.49"), books("COMP", "COPD", "474230", "0.01")}},
	}
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-P V0095 25.00", "  6420|200|00 12.50", "  6420|200|00 12.49", "  6420|200|00 0.01",
	}, brief(mapped(t, mapper(t), journaled("25.00", e))))
}

func TestR25TheCostIsNetOfReclaimAndEachTaxHasItsLine(t *testing.T) {
	d := journaled("55.00", paid("1", "TAXI", "CASH", "55.00", canada()))
	d.Currency = "CAD"
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 55.00", "  6410|200|00 51.83", "  1371|000|00 1.22", "  1371|000|00 1.95",
	}, brief(mapped(t, mapper(t), d)), "51.83 + 1.22 + 1.95 = 55.00")

	apart := rules.New(changed(t, "  # kept:", "  kept:"), tables(t, ""))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 55.00", "  6410|200|00 48.68", "  1371|000|00 1.22", "  1371|000|00 1.95", "  6990|000|00 3.15",
	}, brief(mapped(t, apart, d)), "48.68 + 3.15 that is kept + 3.17 that is reclaimed = 55.00")
}

func canada() document.Journal {
	j := vat(books("COMP", "EMPL", "474210", "55.00"), "48.68", "51.83", "SG", "2.43", "1.22")
	return vat(j, "48.68", "51.83", "SG", "3.89", "1.95")
}

func TestR25ATaxMayBeOneOfTheERP(t *testing.T) {
	m := rules.New(changed(t, `    SG: {account: "1371|000|00"}`, "    SG: {code: GST, rate: STD}"), tables(t, ""))
	d := journaled("55.00", paid("1", "TAXI", "CASH", "55.00", canada()))
	d.Currency = "CAD"
	got := mapped(t, m, d)
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 55.00", "  6410|200|00 51.83"}, brief(got))
	require.Len(t, got.Invoices[0].Taxes, 1)
	tax := got.Invoices[0].Taxes[0]
	require.Equal(t, "GST STD 3.17", tax.Code+" "+tax.Rate+" "+tax.Amount.StringFixed(2))
}

func TestR26TaxIsNeverComputedFromARate(t *testing.T) {
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 10.00", "  6410|200|00 8.40", "  1370|000|00 1.60",
	}, brief(mapped(t, mapper(t), journaled("10.00", paid("1", "TAXI", "CASH", "10.00",
		vat(books("COMP", "EMPL", "37", "10.00"), "8.40", "8.40", "VA", "1.60", "1.60"))))), "16 % of 8.40 would be 1.34")
}

func TestR27TaxThatIsNotReclaimedStaysInTheCost(t *testing.T) {
	d := journaled("100.00", paid("1", "TAXI", "CASH", "100.00", vat(books("COMP", "EMPL", "37", "100.00"), "84.03", "100.00", "", "15.97", "0")))
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 100.00", "  6410|200|00 100.00"}, brief(mapped(t, mapper(t), d)))
	apart := rules.New(changed(t, "  # kept:", "  kept:"), tables(t, ""))
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 100.00", "  6410|200|00 84.03", "  6990|000|00 15.97"}, brief(mapped(t, apart, d)))
}

func TestR28NothingIsConverted(t *testing.T) {
	lunch, dinner := paid("1", "MEALS", "CASH", "26.88", books("COMP", "EMPL", "1", "26.88")), paid("2", "MEALS", "CASH", "29.12", books("COMP", "EMPL", "1", "29.12"))
	rate := &document.Rate{Value: dec("0.89294902"), Divide: true}
	lunch.Spent, lunch.Rate = &document.Money{Amount: dec("24"), Currency: "EUR"}, rate
	dinner.Spent, dinner.Rate = &document.Money{Amount: dec("26"), Currency: "EUR"}, rate
	got := mapped(t, mapper(t), journaled("56.00", lunch, dinner))
	require.Equal(t, "invoice CX-A1B2C3-1-E E1042 56.00", brief(got)[0], "50 EUR at once would be 55.99")
	require.Equal(t, "USD", got.Invoices[0].Currency)
}

func TestR31WhatWasApprovedCounts(t *testing.T) {
	e := entry("1", "TAXI", "CASH", "80.00")
	e.Spent, e.Rate = &document.Money{Amount: dec("100.00"), Currency: "USD"}, &document.Rate{Value: dec("1")}
	for range 2 {
		e.Allocations = append(e.Allocations, document.Allocation{
			Percent: dec("50"), Amount: dec("40.00"), Journal: []document.Journal{vat(books("COMP", "EMPL", "1", "40.00"), "33.60", "33.60", "VA", "6.40", "6.40")},
		})
	}
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 80.00", "  6410|200|00 33.60", "  1370|000|00 6.40", "  6410|200|00 33.60", "  1370|000|00 6.40",
	}, brief(mapped(t, mapper(t), journaled("80.00", e))), "of 100.00 claimed; the tax of 16.00 became 12.80")
}

func TestR32MileageIsTakenAsGiven(t *testing.T) {
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 24.30", "  6410|200|00 24.30"},
		brief(mapped(t, mapper(t), journaled("24.30", paid("1", "CARMI", "CASH", "24.30", books("COMP", "EMPL", "1", "24.30"))))))
}

func TestR33TheTaxablePartOfAnAllowanceHasItsAccount(t *testing.T) {
	m := byAccount(t, "when: {kind: report, account: [HOTEL, TAXI, MEALS]}, account: \"6410|200|00\"", "when: {kind: report, account: TAXABLE}, account: \"6420|200|00\"")
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 50.00", "  6410|200|00 24.00", "  6420|200|00 26.00"},
		brief(mapped(t, m, journaled("50.00", paid("1", "TAXI", "CASH", "50.00", books("COMP", "EMPL", "FREE", "24.00"), books("COMP", "EMPL", "TAXABLE", "26.00"))))))
}

func TestR48ExpensePayAndPayrollAreOwedInsteadOfTheEmployee(t *testing.T) {
	own := paid("1", "TAXI", "CASH", "23.00", books("COMP", "EMPL", "1", "23.00"))
	own.SourcePays = true
	doc := journaled("79.10", own, paid("2", "HOTEL", "IBCP", "56.10", books("COMP", "IBCP", "1", "56.10")))
	pays := rules.New(changed(t, "expense_pay: refuse ", "expense_pay: {vendor: V0095, code: X} ", "COPD: {vendor: V0095, code: P}", "COPD: {vendor: V0095, code: X}"), tables(t, ""))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-AP V0088 56.10", "  6410|200|00 56.10",
		"invoice CX-A1B2C3-1-X V0095 23.00", "  6410|200|00 23.00",
	}, brief(mapped(t, pays, doc)), "23.00 of 79.10 must not be paid again")

	doc = spent("-15.00")
	doc.Payroll = true
	payroll := rules.New(changed(t, "payroll: refuse ", "payroll: {vendor: V0096, code: R} "), tables(t, ""))
	require.Equal(t, "invoice CX-A1B2C3-1-R V0096 300.00", brief(mapped(t, payroll, doc))[0])
	require.Len(t, mapped(t, payroll, doc).Invoices, 1, "nothing is owed to the employee")
}

func TestR50TheCostCentreIsThatOfTheAllocation(t *testing.T) {
	e := entry("1", "TAXI", "CASH", "25.00") // of cost centre 200
	e.Allocations = []document.Allocation{
		{Amount: dec("12.50"), Custom: centre("310"), Journal: []document.Journal{books("COMP", "EMPL", "1", "12.50")}},
		{Amount: dec("12.50"), Journal: []document.Journal{books("COMP", "EMPL", "1", "12.50")}},
	}
	require.Equal(t, []string{"invoice CX-A1B2C3-1-E E1042 25.00", "  6410|310|00 12.50", "  6410|200|00 12.50"},
		brief(mapped(t, mapper(t), journaled("25.00", e))))
}

func TestR51AShareOfAnotherCompanyStops(t *testing.T) {
	e := entry("1", "MEALS", "COPD", "25.00")
	for _, company := range []string{"0021", "BE01"} {
		e.Allocations = append(e.Allocations, document.Allocation{
			Percent: dec("50"), Amount: dec("12.50"), Custom: map[string]document.Value{"orgUnit1": code(company)}, Journal: []document.Journal{books("COMP", "COPD", "1", "12.50")},
		})
	}
	found := issues(t, mapper(t), journaled("25.00", e))
	require.Len(t, found, 1)
	require.Equal(t, rules.CompanyForeign, found[0].Code)
	require.Equal(t, "expense 1, allocation 2, company", found[0].Field)
}

// elsewhere is the code of a company that is not the flow's.
func elsewhere(company string) map[string]document.Value {
	return map[string]document.Value{"orgUnit1": code(company), "custom5": code("200"), "custom2": code("200")}
}

func TestR51AnOrderedLineOfAnotherCompanyStops(t *testing.T) {
	l := line("1", "100.00")
	l.PO, l.POLine, l.Quantity, l.UnitPrice = "4711", "1", dec("10"), dec("10")
	l.Allocations = []document.Allocation{{Percent: dec("100"), Amount: dec("100.00"), Custom: elsewhere("BE01")}}
	found := issues(t, rules.New(changed(t, "purchase_orders: refuse ", "purchase_orders: match "), tables(t, "")), supplierInvoice("100.00", l))
	require.Len(t, found, 1)
	require.Equal(t, rules.CompanyForeign, found[0].Code)
}

func TestR51APrivateExpenseOfAnotherCompanyStops(t *testing.T) {
	plain := entry("2", "HOTEL", "CBCP", "300.00")
	plain.Personal, plain.Custom = true, elsewhere("BE01")
	found := issues(t, mapper(t), report("700.00", entry("1", "HOTEL", "CBCP", "700.00"), plain))
	require.Len(t, found, 1, "not journaled")
	require.Equal(t, rules.CompanyForeign, found[0].Code)

	p := private("2", "CBCP", books("COMP", "CBCP", "MEALS", "49.00"), books("EMPL", "COMP", "MEALS", "-49.00"))
	p.Allocations[0].Custom = elsewhere("BE01")
	found = issues(t, mapper(t), journaled("10.00", paid("1", "TAXI", "CASH", "10.00", books("COMP", "EMPL", "TAXI", "10.00")), p))
	require.Len(t, found, 1, "journaled")
	require.Equal(t, rules.CompanyForeign, found[0].Code)
}

func TestR51ACompanyCodeOfTheHeaderThatIsNotListedStops(t *testing.T) {
	d := journaled("7000.00", paid("1", "", "Cash", "7000.00", books("COMP", "EMPL", "CADV", "7000.00")))
	d.Kind, d.Ledger, d.Custom = document.CashAdvance, "", elsewhere("ZZ99")
	found := issues(t, mapper(t), d)
	require.Len(t, found, 1, "a cash advance, whose accounts are fixed")
	require.Equal(t, rules.CompanyUnknown, found[0].Code)
	require.Equal(t, "ZZ99", found[0].Value)

	d = report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	d.Entries[0].Custom["orgUnit1"] = code("0021") // ours, though the header's is not known
	d.Custom = map[string]document.Value{"orgUnit1": code("ZZ99")}
	found = issues(t, mapper(t), d)
	require.Len(t, found, 1, "the ledger and the expenses do not overrule it")
	require.Equal(t, "header, orgUnit1", found[0].Field)
}

func TestR58ALineOfAnOrderStaysOne(t *testing.T) {
	d := supplierInvoice("62.00", line("1", "52.00"), line("2", "10.00"))
	d.Entries[0].PO, d.Entries[0].POLine, d.Entries[0].PORelease, d.Entries[0].PackSlips = "4500017", "1", "2", []string{"PS-9"}
	d.Entries[0].Quantity, d.Entries[0].UnitPrice = dec("10"), dec("5.20")
	got := mapped(t, rules.New(changed(t, "purchase_orders: refuse ", "purchase_orders: match "), tables(t, "")), d)
	require.Equal(t, []string{"invoice INV-20417 V0211 62.00", "  5100|200|00 10.00"}, brief(got))
	o := got.Invoices[0].Lines[0].Order
	require.NotNil(t, o)
	require.Equal(t, document.OrderLine{Order: 4500017, Line: 1, Release: 2, PackSlip: "PS-9", Quantity: dec("10"), UnitPrice: dec("5.20")}, *o)
	require.Empty(t, got.Invoices[0].Lines[0].Splits)
}

func TestTaxesOfInvoiceLinesLeaveTheCostWhereTheRulesNameThem(t *testing.T) {
	d := supplierInvoice("119.00", line("1", "119.00"))
	d.Entries[0].Allocations = []document.Allocation{{Amount: dec("119.00"), Taxes: []document.TaxPart{{Code: "V1", Amount: dec("19.00")}}}}
	require.Equal(t, []string{"invoice INV-20417 V0211 119.00", "  5100|200|00 100.00", "  1370|000|00 19.00"}, brief(mapped(t, mapper(t), d)))
	d.Entries[0].Allocations[0].Taxes[0].Code = "V9"
	require.Equal(t, []string{"invoice INV-20417 V0211 119.00", "  5100|200|00 119.00"}, brief(mapped(t, mapper(t), d)), "an unlisted one stays in it")
}

func TestReceiptsGoWithTheInvoiceOfTheirExpense(t *testing.T) {
	d := movie()
	d.Entries[0].Receipts = []document.Attachment{{ID: "IMG1", Kind: "receipt"}}
	d.Entries[4].Receipts = []document.Attachment{{ID: "IMG2", Kind: "receipt"}}
	got := mapped(t, mapper(t), d)
	require.Equal(t, []document.Attachment{{ID: "IMG1", Kind: "receipt"}}, got.Invoices[0].Attachments)
	require.Equal(t, []document.Attachment{{ID: "IMG2", Kind: "receipt"}}, got.Invoices[1].Attachments)
}

func TestR52ADayBehindTheCalendarStops(t *testing.T) {
	all, err := document.NewTables("EPIC06", vendors(), accounts(), &document.TablesOptions{FirstOpen: "2026-10-01", LastDay: "2026-10-30"})
	require.NoError(t, err)
	m := rules.New(load(t), rules.StaticTables(all))
	d := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	mapped(t, m, d) // the last day itself
	d.Approved = "2099-01-01"
	found := issues(t, m, d)
	require.Len(t, found, 1)
	require.Equal(t, rules.PeriodClosed, found[0].Code)
	require.Contains(t, found[0].Message, "ends on 2026-10-30")
}

func TestR52TheFirstOpenDayIsOpen(t *testing.T) {
	for open, want := range map[document.Date]document.Date{"2026-10-29": "2026-10-30", "2026-10-30": "2026-10-30", "2026-10-31": "2026-10-31"} {
		got := mapped(t, rules.New(load(t), tables(t, open)), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
		require.Equal(t, want, got.Invoices[0].ApplyDate)
		require.Equal(t, open == "2026-10-31", strings.Contains(got.Invoices[0].Description, "closed"), "moved only where it must be")
	}
}

func TestR62TheApplyDateDecidesAndNotTheInvoicesDate(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00")) // of 28 October, approved on the 30th
	on := func(a document.Account) *rules.Mapper {
		a.Code = "6410|200|00"
		all, err := document.NewTables("EPIC06", vendors(), []document.Account{a}, nil)
		require.NoError(t, err)
		return rules.New(load(t), rules.StaticTables(all))
	}
	mapped(t, on(document.Account{From: "2026-10-30"}), doc)
	require.Equal(t, rules.AccountInactive, issues(t, on(document.Account{To: "2026-10-29"}), doc)[0].Code)
}

func TestR11AnAdvanceOfWhichNothingWasSpentIsOwed(t *testing.T) {
	d := journaled("0.00", paid("1", "HOTEL", "CASH", "0.00", books("COMP", "EMPL", "HOTEL", "0.00")))
	d.Advances = []document.Advance{{ID: "A", Account: "CADV", Kind: "2", Amount: dec("-85.00")}}
	d.AdvanceReturn = dec("85.00")
	require.Equal(t, []string{"debit memo CX-A1B2C3-1-ED E1042 -85.00", "  1250|000|00 -85.00"}, brief(mapped(t, mapper(t), d)),
		"every line is zero, and the advance is not")
}
