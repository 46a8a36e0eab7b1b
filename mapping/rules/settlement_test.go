package rules_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

func known(s string) decimal.NullDecimal { return decimal.NewNullDecimal(dec(s)) }

func personal(e document.Entry) document.Entry {
	e.Personal = true
	return e
}

// mixed is what the settlements below belong to: by the rules the employee gets
// 349.50 less 47.20, and the vendors 302.50, of which 47.20 are private.
func mixed() document.Document {
	return report("604.80",
		entry("1", "HOTEL", "CASH", "349.50"), entry("2", "HOTEL", "CBCP", "200.00"), entry("3", "TAXI", "IBCP", "55.30"),
		personal(entry("4", "MEALS", "CBCP", "47.20")), personal(entry("5", "MEALS", "IBCP", "9.00")))
}

func TestSettlementThatAgreesIsPosted(t *testing.T) {
	for name, s := range map[string]*document.Settlement{
		"not told":                      nil,
		"nothing known":                 {},
		"gross, and what is owed back":  {ToEmployee: known("349.50"), FromEmployee: known("47.20")},
		"netted":                        {ToEmployee: known("302.30"), FromEmployee: known("0")},
		"gross alone":                   {ToEmployee: known("349.50")},
		"netted alone":                  {ToEmployee: known("302.30")},
		"what is owed back alone":       {FromEmployee: known("47.20")},
		"cards without private parts":   {ToCard: known("255.30")},
		"cards with all private parts":  {ToCard: known("311.50")},
		"what the company paid is less": {ToCard: known("0")},
	} {
		t.Run(name, func(t *testing.T) {
			doc := mixed()
			doc.Settlement = s
			require.Len(t, mapped(t, mapper(t), doc).Invoices, 3)
		})
	}
}

func TestSettlementThatDisagreesParks(t *testing.T) {
	for name, c := range map[string]struct {
		settlement document.Settlement
		message    string
	}{
		"R10 an advance": {
			document.Settlement{ToEmployee: known("49.50"), FromEmployee: known("47.20")},
			"by the rules the employee gets 302.30 USD, by Concur 2.30 USD (difference 300.00 USD)",
		},
		"R11 an advance above what was spent": {document.Settlement{ToEmployee: known("0"), FromEmployee: known("50.50")}, "by Concur -50.50 USD"},
		"an advance, the rest not told":       {document.Settlement{ToEmployee: known("2.30")}, "by Concur 2.30 USD"},
		"more than by the rules":              {document.Settlement{ToEmployee: known("400.00"), FromEmployee: known("47.20")}, "by Concur 352.80 USD"},
		"a cent":                              {document.Settlement{ToEmployee: known("302.29"), FromEmployee: known("0")}, "difference 0.01 USD"},
		"more owed back than paid":            {document.Settlement{FromEmployee: known("-400")}, "by Concur 400.00 USD"},
		"more for cards":                      {document.Settlement{ToCard: known("311.51")}, "vendors get 311.50 USD, and by Concur 311.51 USD"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := mixed()
			doc.Settlement = &c.settlement
			found := issues(t, mapper(t), doc)
			require.Len(t, found, 1)
			require.Equal(t, rules.SettlementMismatch, found[0].Code)
			require.Contains(t, found[0].Message, c.message)
		})
	}
}

func TestR10ReportWithAnAdvanceIsNeverPaidInFull(t *testing.T) {
	doc := report("315.00", entry("1", "HOTEL", "CASH", "315.00"))
	doc.Settlement = &document.Settlement{ToEmployee: known("15.00"), FromEmployee: known("0.00")}
	require.Equal(t, rules.SettlementMismatch, issues(t, mapper(t), doc)[0].Code)
}

func TestAdvanceParksWhateverTheAmountsSay(t *testing.T) {
	doc := report("315.00", entry("1", "HOTEL", "CASH", "315.00"))
	doc.Settlement = &document.Settlement{Advance: true, ToEmployee: known("315.00"), FromEmployee: known("0")}
	set := changed(t, "settlement: check ", "settlement: ignore ")
	require.Equal(t, rules.CashAdvance, issues(t, rules.New(set, tables(t, "")), doc)[0].Code)
}

func TestReportWithoutAmountsOfWhichSomethingComesIsNotPassedOver(t *testing.T) {
	for _, s := range []document.Settlement{
		{ToEmployee: known("0"), FromEmployee: known("100")}, {ToEmployee: known("5"), FromEmployee: known("0")}, {ToCard: known("5")}, {Advance: true},
	} {
		doc := report("0.00", entry("1", "HOTEL", "CASH", "0.00"))
		doc.Settlement = &s
		require.NotEmpty(t, issues(t, mapper(t), doc), "%+v", s)
	}
}

func TestSettlementMayBeIgnored(t *testing.T) {
	doc := report("315.00", entry("1", "HOTEL", "CASH", "315.00"))
	doc.Settlement = &document.Settlement{ToEmployee: known("15.00"), FromEmployee: known("0"), ToCard: known("1")}
	set := changed(t, "settlement: check ", "settlement: ignore ")
	require.Len(t, mapped(t, rules.New(set, tables(t, "")), doc).Invoices, 1)
}

func TestR48ReportOfWhichNobodySaysWhoPaysItParksUnlessExpensePayIsNotUsed(t *testing.T) {
	doc := report("315.00", entry("1", "HOTEL", "CASH", "315.00"))
	doc.Settlement = &document.Settlement{PayerUnknown: true, ToEmployee: known("315.00"), FromEmployee: known("0")}
	for _, pay := range []string{"refuse", "{vendor: V0301, code: X}"} {
		set := changed(t, "expense_pay: refuse ", "expense_pay: "+pay+" ")
		require.Equal(t, rules.ExpensePay, issues(t, rules.New(set, tables(t, "")), doc)[0].Code, pay)
	}
	unused := rules.New(changed(t, "expense_pay: refuse ", "expense_pay: none "), tables(t, ""))
	require.Len(t, mapped(t, unused, doc).Invoices, 1)

	doc.Entries[0].SourcePays = true
	require.Equal(t, rules.ExpensePay, issues(t, unused, doc)[0].Code, "what is said to be unused is used")
}

func TestUnknownPaymentTypeIsNoMismatchBesides(t *testing.T) {
	doc := report("20.00", entry("1", "HOTEL", "CASH", "15.00"), entry("2", "HOTEL", "TAXA", "5.00"))
	doc.Settlement = &document.Settlement{ToEmployee: known("20.00"), FromEmployee: known("0")}
	require.Len(t, issues(t, mapper(t), doc), 1)
}

func TestR48ExpensePayIsOwedToItsOwnVendor(t *testing.T) {
	set := changed(t, "expense_pay: refuse ", "expense_pay: {vendor: V0301, code: X} ")
	doc := report("79.10", entry("1", "HOTEL", "CASH", "23.00"), entry("2", "HOTEL", "IBCP", "50.10"), entry("3", "TAXI", "CASH", "6.00"))
	doc.Entries[0].SourcePays, doc.Entries[1].SourcePays = true, true
	doc.Settlement = &document.Settlement{ToEmployee: known("29.00"), FromEmployee: known("0"), ToCard: known("50.10")}
	result, err := rules.New(set, tables(t, "")).Map(t.Context(), doc)
	require.NoError(t, err)
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 6.00", "  6410|200|00 6.00",
		"invoice CX-A1B2C3-1-X V0301 73.10", "  6410|200|00 23.00", "  6410|200|00 50.10",
	}, brief(result.Posting))
	require.Contains(t, result.Reasons, mapping.Reason{
		Field: "invoice 2, vendor", Value: "V0301", Rule: "expense_pay (mapping.yaml:50)", Input: "payment type CASH",
	})

	doc.Settlement.ToCard = known("50.11")
	_, err = rules.New(set, tables(t, "")).Map(t.Context(), doc)
	require.Error(t, err, "what the employee is owed through Expense Pay is due to no card")

	doc.Settlement.ToCard, doc.Settlement.ToEmployee = known("50.10"), known("6.00")
	_, err = rules.New(set, tables(t, "")).Map(t.Context(), doc)
	require.Error(t, err, "what Expense Pay pays is still the employee's by Concur")
}

func TestTotalThatDoesNotTieIsNoMismatchBesides(t *testing.T) {
	doc := report("20.00", entry("1", "HOTEL", "CASH", "15.00"))
	doc.Settlement = &document.Settlement{ToEmployee: known("20.00"), FromEmployee: known("0")}
	found := issues(t, mapper(t), doc)
	require.Len(t, found, 1)
	require.Equal(t, rules.TotalMismatch, found[0].Code)
}

func TestPersonalExpenseIsLookedAtThoughItsSharesAreEmpty(t *testing.T) {
	e := personal(entry("2", "HOTEL", "IBCP", "85.00"))
	e.Allocations = []document.Allocation{{Percent: dec("100"), Custom: centre("200")}}
	set := changed(t, "    personal: skip           # private", "    # private")
	found := issues(t, rules.New(set, tables(t, "")), report("10.00", entry("1", "TAXI", "CASH", "10.00"), e))
	issue(t, found, rules.PersonalUnmapped)
}

func TestACardThatGivesBackMoreThanWasSpentContradictsNothing(t *testing.T) {
	doc := report("-118.93", entry("1", "HOTEL", "CASH", "20.00"), entry("2", "HOTEL", "CBCP", "-138.93"))
	doc.Settlement = &document.Settlement{ToEmployee: known("20.00"), FromEmployee: known("0"), ToCard: known("0")}
	require.Len(t, mapped(t, mapper(t), doc).Invoices, 2)
	doc.Settlement.ToCard = known("0.01")
	require.Equal(t, rules.SettlementMismatch, issues(t, mapper(t), doc)[0].Code)
}

func TestACardThatGivesBackLowersNothingOfWhatIsDueToAnother(t *testing.T) {
	doc := report("142.85", entry("1", "HOTEL", "IBCP", "182.88"), entry("2", "HOTEL", "CBCP", "-40.03"))
	doc.Settlement = &document.Settlement{ToEmployee: known("0"), FromEmployee: known("0"), ToCard: known("182.88")}
	require.Len(t, mapped(t, mapper(t), doc).Invoices, 2)
	doc.Settlement.ToCard = known("182.89")
	require.Equal(t, rules.SettlementMismatch, issues(t, mapper(t), doc)[0].Code)
}
