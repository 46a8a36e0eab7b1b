package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

func TestWorkedReportsBecomeInvoices(t *testing.T) {
	personal := entry("p", "HOTEL", "CBCP", "300.00")
	personal.Personal = true
	ownCash := entry("q", "MEALS", "CASH", "18.00")
	ownCash.Personal = true
	onIBCP := entry("s", "HOTEL", "IBCP", "25.00")
	onIBCP.Personal = true
	split := entry("a", "HOTEL", "CASH", "25.00")
	split.Allocations = []document.Allocation{
		{Percent: dec("50"), Amount: dec("12.50"), Custom: centre("200")},
		{Percent: dec("50"), Amount: dec("12.50"), Custom: centre("310")},
	}

	for name, c := range map[string]struct {
		doc  document.Document
		want []string
	}{
		"two accounts of one employee": {report("412.40", entry("1", "AIRFR", "CASH", "305.20"), entry("2", "MEALS", "CASH", "107.20")), []string{
			"invoice CX-A1B2C3-1-E E1042 412.40", "  6410|200|00 305.20", "  6420|200|00 107.20",
		}},
		"R06 one document per counterparty, netted": {report("305.00",
			entry("1", "HOTEL", "CBCP", "284.00"), entry("2", "MEALS", "CASH", "35.00"), entry("3", "HOTEL", "CASH", "-14.00")), []string{
			"invoice CX-A1B2C3-1-C V0090 284.00", "  6410|200|00 284.00",
			"invoice CX-A1B2C3-1-E E1042 21.00", "  6420|200|00 35.00", "  6415|200|00 -14.00",
		}},
		"R13 net negative is a debit memo": {report("-349.00", entry("1", "AIRFR", "IBCP", "-349.00")), []string{
			"debit memo CX-A1B2C3-1-APD V0088 -349.00", "  6415|200|00 -349.00",
		}},
		"R14 mixed signs, net above zero": {report("70.00", entry("1", "HOTEL", "CASH", "120.00"), entry("2", "HOTEL", "CASH", "-50.00")), []string{
			"invoice CX-A1B2C3-1-E E1042 70.00", "  6410|200|00 120.00", "  6415|200|00 -50.00",
		}},
		"R07 personal on a company card": {report("700.00", entry("1", "HOTEL", "CBCP", "700.00"), personal), []string{
			"invoice CX-A1B2C3-1-C V0090 1000.00", "  6410|200|00 700.00", "  1490|000|00 300.00",
			"debit memo CX-A1B2C3-1-ED E1042 -300.00", "  1490|000|00 -300.00",
		}},
		"R08 personal on IBCP is left out": {report("300.00", entry("1", "HOTEL", "IBCP", "300.00"), onIBCP), []string{
			"invoice CX-A1B2C3-1-AP V0088 300.00", "  6410|200|00 300.00",
		}},
		"a personal expense on own money is left out": {report("35.00", entry("1", "MEALS", "CASH", "35.00"), ownCash), []string{
			"invoice CX-A1B2C3-1-E E1042 35.00", "  6420|200|00 35.00",
		}},
		"R05 a total of zero is posted": {report("0.00", entry("1", "HOTEL", "CBCP", "81.00"), entry("2", "HOTEL", "CASH", "-81.00")), []string{
			"invoice CX-A1B2C3-1-C V0090 81.00", "  6410|200|00 81.00",
			"debit memo CX-A1B2C3-1-ED E1042 -81.00", "  6415|200|00 -81.00",
		}},
		"a counterparty that nets to zero still moves cost": {report("0.00", entry("1", "HOTEL", "CASH", "50.00"), entry("2", "MEALS", "CASH", "-50.00")), []string{
			"invoice CX-A1B2C3-1-E E1042 0.00", "  6410|200|00 50.00", "  6420|200|00 -50.00",
		}},
		"R17 allocations as they are given": {report("25.00", split), []string{
			"invoice CX-A1B2C3-1-E E1042 25.00", "  6410|200|00 12.50", "  6410|310|00 12.50",
		}},
		"R28 R32 amounts are taken, never computed": {report("56.00", entry("1", "TAXI", "CASH", "26.88"), entry("2", "CARMI", "CASH", "29.12")), []string{
			"invoice CX-A1B2C3-1-E E1042 56.00", "  6410|200|00 26.88", "  6410|200|00 29.12",
		}},
		"lines of zero have no effect": {report("10.00", entry("1", "TAXI", "CASH", "10.00"), entry("2", "NOSUCH", "NOSUCH", "0.00")), []string{
			"invoice CX-A1B2C3-1-E E1042 10.00", "  6410|200|00 10.00",
		}},
		"two payment types of one counterparty share an invoice": {report("30.00", entry("1", "TAXI", "CASH", "10.00"), entry("2", "TAXI", "1000", "20.00")), []string{
			"invoice CX-A1B2C3-1-E E1042 30.00", "  6410|200|00 10.00", "  6410|200|00 20.00",
		}},
		"R56 codes are trimmed": {report("10.00", entry("1", "TAXI   ", " CASH", "10.00")), []string{
			"invoice CX-A1B2C3-1-E E1042 10.00", "  6410|200|00 10.00",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, brief(mapped(t, mapper(t), c.doc)))
		})
	}
}

func TestR06BySignMakesADebitMemoBesideTheInvoice(t *testing.T) {
	set := changed(t, "netting: net ", "netting: by_sign ")
	doc := report("305.00", entry("1", "HOTEL", "CBCP", "284.00"), entry("2", "MEALS", "CASH", "35.00"), entry("3", "HOTEL", "CASH", "-14.00"))
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-C V0090 284.00", "  6410|200|00 284.00",
		"invoice CX-A1B2C3-1-E E1042 35.00", "  6420|200|00 35.00",
		"debit memo CX-A1B2C3-1-ED E1042 -14.00", "  6415|200|00 -14.00",
	}, brief(mapped(t, rules.New(set, tables(t, "")), doc)))
}

func TestHeadOfAReportsInvoice(t *testing.T) {
	p := mapped(t, mapper(t), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	require.Equal(t, "EPIC06", p.Company)
	require.Equal(t, "report A1B2C3", p.Document)
	inv := p.Invoices[0]
	require.True(t, inv.MadeUp)
	require.Equal(t, "USD", inv.Currency)
	require.Equal(t, document.Date("2026-10-28"), inv.Date)
	require.Equal(t, document.Date("2026-10-30"), inv.ApplyDate, "the final approval decides the period")
	require.Equal(t, "report A1B2C3", inv.Description)
	require.Equal(t, "taxi Acme", inv.Lines[0].Description)
	require.Equal(t, "1", inv.Lines[0].Entry)
}

func TestR05OnlyAllZeroIsEmpty(t *testing.T) {
	doc := report("0.00", entry("1", "NOSUCH", "NOSUCH", "0.00"))
	doc.Ledger = "NOSUCH"
	result, err := mapper(t).Map(t.Context(), doc)
	require.NoError(t, err)
	require.True(t, result.Empty)
	require.NotEmpty(t, result.Version)
	require.Empty(t, result.Posting.Invoices)
}

func TestReportOfPersonalExpensesAloneIsEmpty(t *testing.T) {
	own := entry("1", "MEALS", "CASH", "18.00")
	own.Personal = true
	result, err := mapper(t).Map(t.Context(), report("0.00", own))
	require.NoError(t, err)
	require.True(t, result.Empty)
}

func TestR30ForeignCurrencyStaysAsItIs(t *testing.T) {
	doc := report("80.32", entry("1", "HOTEL", "CASH", "80.32"))
	doc.Currency = "GBP"
	doc.Entries[0].Spent = &document.Money{Amount: dec("100.00"), Currency: "USD"}
	inv := mapped(t, mapper(t), doc).Invoices[0]
	require.Equal(t, "GBP", inv.Currency)
	require.Equal(t, "80.32", inv.Amount.String())
}

func TestR38NumberBearsTheRevision(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Revision = 2
	require.Equal(t, "CX-A1B2C3-2-E", mapped(t, mapper(t), doc).Invoices[0].Number)
}

func TestR39NumbersThatDoNotFitBearAHash(t *testing.T) {
	numbered := func(number string) string {
		doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
		doc.Number = number
		return mapped(t, mapper(t), doc).Invoices[0].Number
	}
	const long = "REPORT-NUMBER-THAT-IS-MUCH-LONGER-THAN-AN-ERP-TAKES-"
	a, b := numbered(long+"1"), numbered(long+"2")
	require.Len(t, a, 50)
	require.Equal(t, byte('-'), a[41])
	require.Equal(t, a[:42], b[:42])
	require.NotEqual(t, a, b, "two numbers never become one")
	require.Equal(t, a, numbered(long+"1"), "the same whenever it is mapped")

	odd := numbered("A/1 Ü")
	require.Regexp(t, `^CX-A_1__-1-E-[A-Z2-7]{8}$`, odd)
	require.NotEqual(t, odd, numbered("A/1 Ö"))
}

func TestEmployeeIsMatchedByLineThenColumnThenPattern(t *testing.T) {
	for id, want := range map[string]string{"9001": "V9001", "1044": "V7", "1042": "E1042"} {
		doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
		doc.Owner.EmployeeID = id
		require.Equal(t, want, mapped(t, mapper(t), doc).Invoices[0].Vendor)
	}
}

func TestR50CostCentreComesFromAllocationThenEntryThenHeader(t *testing.T) {
	e := entry("1", "TAXI", "CASH", "30.00")
	e.Custom = centre("310")
	e.Allocations = []document.Allocation{
		{Percent: dec("50"), Amount: dec("10.00"), Custom: centre("200")},
		{Percent: dec("50"), Amount: dec("20.00"), Custom: centre("  ")},
	}
	h := entry("2", "TAXI", "CASH", "5.00")
	h.Custom = nil
	doc := report("35.00", e, h)
	doc.Custom = centre("2000   ")
	require.Equal(t, []string{
		"invoice CX-A1B2C3-1-E E1042 35.00", "  6410|200|00 10.00", "  6410|310|00 20.00", "  6410|200|00 5.00",
	}, brief(mapped(t, mapper(t), doc)))
}

func TestAccountTemplateTakesCustomFields(t *testing.T) {
	e := entry("1", "TOOLS", "CASH", "30.00")
	e.Custom["custom7"] = code("P1")
	require.Equal(t, "5100|200|P1", mapped(t, mapper(t), report("30.00", e)).Invoices[0].Lines[0].Splits[0].Account)
}

func TestRanksDecideWhichRuleComesFirst(t *testing.T) {
	text := `version: 1
company: {default: EPIC06}
counterparties: {CASH: employee}
employees: {pattern: "E{employee_id}"}
accounts:
  rules:
    - {name: every, rank: 20, account: "6420|200|00"}
    - {name: taxi, rank: 10, account: "6410|200|00", when: {expense_type: TAXI}}
`
	set, err := rules.Load("m.yaml", []byte(text))
	require.NoError(t, err)
	p := mapped(t, rules.New(set, tables(t, "")), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	require.Equal(t, "6410|200|00", p.Invoices[0].Lines[0].Splits[0].Account)
}

func TestR52ClosedPeriodMovesOnlyTheApplyDate(t *testing.T) {
	inv := mapped(t, rules.New(load(t), tables(t, "2026-11-01")), report("10.00", entry("1", "TAXI", "CASH", "10.00"))).Invoices[0]
	require.Equal(t, document.Date("2026-11-01"), inv.ApplyDate)
	require.Equal(t, document.Date("2026-10-28"), inv.Date)
	require.Equal(t, "report A1B2C3 [period of 2026-10-30 closed]", inv.Description)
}

func TestApplyDateMayBeTheInvoiceDate(t *testing.T) {
	set := changed(t, "from: approved ", "from: invoice_date ")
	inv := mapped(t, rules.New(set, tables(t, "")), report("10.00", entry("1", "TAXI", "CASH", "10.00"))).Invoices[0]
	require.Equal(t, document.Date("2026-10-28"), inv.ApplyDate)
}

func TestDescriptionsAreCutToTheirLength(t *testing.T) {
	set := changed(t, `line: "{expense_type} {merchant}"`, `line: {text: "{merchant}", max: 10}`)
	e := entry("1", "TAXI", "CASH", "10.00")
	e.Merchant = "Köln\nHauptbahnhof"
	inv := mapped(t, rules.New(set, tables(t, "")), report("10.00", e)).Invoices[0]
	require.Equal(t, "Köln Haup…", inv.Lines[0].Description)
}

func TestR49TestDocumentGoesToTheTestCompanyOnly(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Test = true
	set := changed(t, "# test: EPICTEST ", "test: EPICTEST ")

	found := issues(t, rules.New(set, tables(t, "")), doc)
	require.Equal(t, "EPIC06", issue(t, found, rules.TestDocument).Value)

	all, err := document.NewTables("EPICTEST", vendors(), accounts(), nil)
	require.NoError(t, err)
	require.Equal(t, "EPICTEST", mapped(t, rules.New(set, rules.StaticTables(all)), doc).Company)
}
