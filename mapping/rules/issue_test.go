package rules_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// refusal is a document that must park with one code.
type refusal struct {
	code    string
	invoice bool // else a report
	set     []string
	open    document.Date
	change  func(*document.Document)
	want    connector.Issue // the fields that are set
	remedy  string          // part of it
}

var refusals = map[string]refusal{
	"kind":      {code: rules.DocumentKindUnknown, change: func(d *document.Document) { d.Kind = "memo" }, want: connector.Issue{Value: "memo"}},
	"R49 test":  {code: rules.TestDocument, change: func(d *document.Document) { d.Test = true }, want: connector.Issue{Owner: connector.ConcurAdmin}, remedy: "company.test (mapping.yaml:"},
	"ledger":    {code: rules.CompanyUnknown, change: func(d *document.Document) { d.Ledger = "JP" }, want: connector.Issue{Value: "JP"}, remedy: "company.ledgers (mapping.yaml:"},
	"no ledger": {code: rules.CompanyUnknown, set: []string{"  default: EPIC06", "  # none"}, change: func(d *document.Document) { d.Ledger = "" }},
	"R51 company code": {code: rules.CompanyUnknown, change: func(d *document.Document) {
		d.Entries[0].Custom["orgUnit1"] = code("XX")
	}, want: connector.Issue{Field: "expense 1, orgUnit1", Value: "XX"}, remedy: "company.codes"},
	"foreign company": {code: rules.CompanyForeign, change: func(d *document.Document) { d.Ledger = "DE-HGB" }, want: connector.Issue{Value: "EPIC08"}},
	"R51 foreign share": {code: rules.CompanyForeign, change: func(d *document.Document) {
		d.Entries[0].Custom["orgUnit1"] = code("BE01")
	}, want: connector.Issue{Field: "expense 1, company", Value: "EPIC08"}},
	"currency":     {code: rules.CurrencyUnknown, change: func(d *document.Document) { d.Currency = "USX" }, want: connector.Issue{Value: "USX"}},
	"R23 too fine": {code: rules.AmountTooFine, change: func(d *document.Document) { d.Entries[0].Amount = dec("10.005"); d.Total = dec("10.005") }},
	"date":         {code: rules.DateInvalid, change: func(d *document.Document) { d.Due = "soon" }, want: connector.Issue{Field: "due date"}},
	"entry twice":  {code: rules.EntryRepeated, change: func(d *document.Document) { d.Entries = append(d.Entries, d.Entries[0]); d.Total = dec("20.00") }},
	"R15 itemised": {code: rules.ItemisationDoubled, change: func(d *document.Document) {
		d.Entries = append(d.Entries, entry("2", "TAXI", "CASH", "1.00"))
		d.Entries[1].Parent = "1"
		d.Total = dec("11")
	}},
	"allocations":      {code: rules.AllocationMismatch, change: func(d *document.Document) { d.Entries[0].Allocations = []document.Allocation{{Amount: dec("9.99")}} }, want: connector.Issue{Field: "expense 1", Value: "9.99"}},
	"R04 total":        {code: rules.TotalMismatch, change: func(d *document.Document) { d.Total = dec("10.01") }, want: connector.Issue{Field: "total"}},
	"R16 payment type": {code: rules.PaymentTypeUnknown, change: func(d *document.Document) { d.Entries[0].Payment.Code = "TAXA" }, want: connector.Issue{Field: "expense 1, payment type", Value: "TAXA", Owner: connector.Finance}, remedy: `Add "TAXA" under counterparties in mapping.yaml`},
	"no payment type":  {code: rules.PaymentTypeUnknown, change: func(d *document.Document) { d.Entries[0].Payment.Code = " " }},
	"R07 personal": {code: rules.PersonalUnmapped, set: []string{"    personal: skip           # private", "    # private"}, change: func(d *document.Document) {
		e := entry("2", "TAXI", "IBCP", "5.00")
		e.Personal = true
		d.Entries = append(d.Entries, e)
	}, want: connector.Issue{Field: "expense 2", Value: "IBCP"}},
	"R48 Expense Pay": {code: rules.ExpensePay, change: func(d *document.Document) { d.Entries[0].SourcePays = true }, want: connector.Issue{Field: "expense 1", Value: "CASH", Owner: connector.Finance}, remedy: "expense_pay: {vendor: …, code: …}"},
	"R48 Expense Pay of a personal one": {code: rules.ExpensePay, set: []string{"expense_pay: refuse ", "expense_pay: {vendor: V0400, code: X} "}, change: func(d *document.Document) {
		e := entry("2", "TAXI", "CBCP", "5.00")
		e.Personal, e.SourcePays = true, true
		d.Entries = append(d.Entries, e)
	}, want: connector.Issue{Field: "expense 2", Value: "CBCP"}},
	"R48 Expense Pay of a personal one in a journal": {code: rules.ExpensePay, set: []string{"expense_pay: refuse ", "expense_pay: {vendor: V0095, code: X} "}, change: func(d *document.Document) {
		p := private("2", "CBCP", books("COMP", "CBCP", "MEALS", "49.00"), books("EMPL", "COMP", "MEALS", "-49.00"))
		p.SourcePays = true
		*d = journaled("10.00", paid("1", "TAXI", "CASH", "10.00", books("COMP", "EMPL", "TAXI", "10.00")), p)
	}, want: connector.Issue{Field: "expense 2, journal line 1 and elsewhere", Value: "CBCP"}, remedy: "by hand"},
	"R10 advance": {code: rules.CashAdvance, change: func(d *document.Document) {
		d.Settlement = &document.Settlement{Advance: true, ToEmployee: known("1.00"), FromEmployee: known("0")}
	}, want: connector.Issue{Owner: connector.Finance}, remedy: "by hand"},
	"R10 less is due": {code: rules.SettlementMismatch, change: func(d *document.Document) {
		d.Settlement = &document.Settlement{ToEmployee: known("1.00"), FromEmployee: known("0")}
	}, want: connector.Issue{Field: "due to the employee", Value: "1.00", Owner: connector.Finance}, remedy: "counterparties in mapping.yaml"},
	"more is due to cards": {code: rules.SettlementMismatch, change: func(d *document.Document) {
		d.Settlement = &document.Settlement{ToEmployee: known("10.00"), FromEmployee: known("0"), ToCard: known("5.00")}
	}, want: connector.Issue{Field: "due to cards", Value: "5.00"}},
	"R16 journal": {code: rules.PaymentTypeUnknown, change: journalOf(books("COMP", "TAXA", "TAXI", "10.00")), want: connector.Issue{
		Field: "expense 1, journal line 1", Value: "TAXA", Owner: connector.Finance,
	}, remedy: `Add "TAXA" under counterparties in mapping.yaml`},
	"R16 journal without the company": {code: rules.PaymentTypeUnknown, change: journalOf(books("EMPL", "CBCP", "TAXI", "10.00")), want: connector.Issue{Value: "EMPL to CBCP"}},
	"R24 tax":                         {code: rules.TaxMismatch, change: journalOf(vat(books("COMP", "EMPL", "TAXI", "10.00"), "9.00", "9.00", "VA", "1.60", "1.00")), want: connector.Issue{Field: "expense 1, journal line 1", Value: "9"}},
	"R25 tax without an account":      {code: rules.TaxUnmapped, change: journalOf(vat(books("COMP", "EMPL", "TAXI", "10.00"), "8.40", "8.40", "ZZ", "1.60", "1.60")), want: connector.Issue{Field: "expense 1, tax", Value: "ZZ", Owner: connector.Finance}, remedy: `"ZZ: <GL account>" under taxes.reclaim`},
	"R07 tax of a personal expense": {code: rules.TaxUnmapped, change: func(d *document.Document) {
		*d = journaled("10.00", paid("1", "TAXI", "CASH", "10.00", books("COMP", "EMPL", "TAXI", "10.00")), private("2", "CBCP",
			vat(books("COMP", "CBCP", "MEALS", "49.00"), "41.18", "41.18", "VA", "7.82", "7.82"), books("EMPL", "COMP", "MEALS", "-49.00")))
	}, want: connector.Issue{Field: "expense 2, tax", Value: "7.82", Owner: connector.ConcurAdmin}, remedy: "Take the reclaim of tax off"},
	"R29 rate": {code: rules.RateMismatch, change: func(d *document.Document) {
		d.Entries[0].Spent, d.Entries[0].Rate = &document.Money{Amount: dec("8"), Currency: "EUR"}, &document.Rate{Value: dec("1.1")}
	}, want: connector.Issue{Field: "expense 1", Owner: connector.ConcurAdmin}},
	"R10 advance without an account": {code: rules.CashAdvance, change: func(d *document.Document) {
		journalOf(books("COMP", "EMPL", "TAXI", "10.00"))(d)
		d.Advances = []document.Advance{{ID: "CA", Account: "PETTY", Kind: "2", Amount: dec("-5")}}
	}, want: connector.Issue{Field: "cash advance 1", Value: "PETTY"}, remedy: `"PETTY: <GL account>" under cash_advances.accounts (mapping.yaml:`},
	"R11 advance carried forward": {code: rules.CashAdvance, change: func(d *document.Document) {
		journalOf(books("COMP", "EMPL", "TAXI", "10.00"))(d)
		d.Advances = []document.Advance{{ID: "CA", Account: "CADV", Kind: "3", Amount: dec("-5")}}
	}, want: connector.Issue{Field: "cash advance 1", Value: "3"}, remedy: "by hand"},
	"R48 payroll": {code: rules.PayrollPay, change: func(d *document.Document) {
		journalOf(books("COMP", "EMPL", "TAXI", "10.00"))(d)
		d.Payroll, d.PayrollAccount = true, "PAYR"
	}, want: connector.Issue{Value: "PAYR", Owner: connector.Finance}, remedy: "payroll: {vendor: …, code: …}"},
	"R58 an order that is no number": {code: rules.PurchaseOrder, invoice: true, set: []string{"purchase_orders: refuse ", "purchase_orders: match "}, change: func(d *document.Document) {
		d.Entries[0].PO, d.Entries[0].POLine = "PO-7", "1"
	}, want: connector.Issue{Field: "line 1, purchase order", Value: "PO-7"}},
	"R58 freight on an ordered line": {code: rules.ChargeUnspreadable, invoice: true, set: []string{"purchase_orders: refuse ", "purchase_orders: match "}, change: func(d *document.Document) {
		d.Entries[0].PO, d.Entries[0].POLine = "4500017", "1"
		d.Charges, d.Total = []document.Charge{{Kind: document.Shipping, Amount: dec("1.00")}}, dec("11.00")
	}, want: connector.Issue{Field: "line 1, purchase order", Value: "1"}},
	"no employee id":             {code: rules.EmployeeIDMissing, change: func(d *document.Document) { d.Owner.EmployeeID = "" }, want: connector.Issue{Field: "employee", Owner: connector.ConcurAdmin}},
	"employee's vendor":          {code: rules.VendorMissing, change: func(d *document.Document) { d.Owner.EmployeeID = "77" }, want: connector.Issue{Field: "employee", Value: "E77", Needs: "vendor/E77", Owner: connector.Finance}, remedy: `Create vendor "E77" in the ERP, or name another by a line "77: <vendor id>" under employees.vendors in mapping.yaml, then replay.`},
	"linked vendor":              {code: rules.VendorMissing, set: []string{"match: [column, pattern]", "match: column"}, change: func(d *document.Document) { d.Owner.EmployeeID = "77" }, want: connector.Issue{Value: "77", Needs: "employee/77"}},
	"two linked vendors":         {code: rules.VendorAmbiguous, change: func(d *document.Document) { d.Owner.EmployeeID = "1045" }, want: connector.Issue{Value: "V8, V9"}},
	"vendor of another employee": {code: rules.VendorAmbiguous, change: func(d *document.Document) { d.Owner.EmployeeID = "1046" }, want: connector.Issue{Field: "employee", Value: "E1046", Owner: connector.Finance}, remedy: `"1046" under employees.vendors (mapping.yaml:`},
	"tax id of another employee": {code: rules.VendorAmbiguous, set: []string{"match: [column, pattern]", "match: [column, tax_id, pattern]\n  tax_id: custom9"}, change: func(d *document.Document) {
		d.Custom = map[string]document.Value{"custom9": code("12 345")}
	}, want: connector.Issue{Field: "employee", Value: "V7"}},
	"inactive vendor":   {code: rules.VendorInactive, change: func(d *document.Document) { d.Owner.EmployeeID = "1043" }, want: connector.Issue{Value: "E1043", Needs: "vendor/E1043"}},
	"no supplier":       {code: rules.SupplierCodeMissing, invoice: true, change: func(d *document.Document) { d.Supplier = nil }},
	"no supplier code":  {code: rules.SupplierCodeMissing, invoice: true, change: func(d *document.Document) { d.Supplier.Code = " " }},
	"unlisted supplier": {code: rules.SupplierUnlisted, invoice: true, set: []string{"unlisted: as_is ", "unlisted: refuse "}, change: func(*document.Document) {}, want: connector.Issue{Value: "V0211"}, remedy: "suppliers.vendors (mapping.yaml:"},
	"supplier's vendor": {code: rules.VendorMissing, invoice: true, change: func(d *document.Document) { d.Supplier.Code = "SUEDWIND" }, want: connector.Issue{Field: "supplier", Value: "SUEDWIND", Needs: "vendor/SUEDWIND", Owner: connector.Purchasing}},
	"unapproved vendor": {code: rules.VendorUnapproved, invoice: true, change: func(d *document.Document) { d.Supplier.Code = "V0400" }},
	"vendor on hold":    {code: rules.VendorHold, set: []string{"pay_hold: allow ", "pay_hold: refuse "}, change: func(d *document.Document) { d.Entries[0].Payment.Code = "IBCP" }, want: connector.Issue{Field: "payment type IBCP", Value: "V0088"}},
	"no cost centre":    {code: rules.CostCentreMissing, change: func(d *document.Document) { d.Entries[0].Custom = nil }, want: connector.Issue{Field: "expense 1, cost centre"}},
	"cost centre":       {code: rules.CostCentreUnknown, change: func(d *document.Document) { d.Entries[0].Custom = centre("4711") }, want: connector.Issue{Field: "expense 1, cost centre", Value: "4711", Owner: connector.Finance}, remedy: `Add a line "4711: <segment>" under cost_centres.values (mapping.yaml:`},
	"no account rule":   {code: rules.AccountUnmapped, change: func(d *document.Document) { d.Entries[0].Type.Code = "YACHT" }, want: connector.Issue{Field: "expense 1, expense type", Value: "YACHT"}, remedy: "accounts.rules (mapping.yaml:"},
	"no row": {code: rules.TableRowMissing, set: []string{`account: "5100|{cost_centre}|{custom7}"`, `account: "5100|{cost_centre}|{project}"`, "# Which GL account", "tables: {project: {key: custom7, rows: {P1: P1}}}\n# Which"}, change: func(d *document.Document) {
		d.Entries[0].Type.Code = "TOOLS"
		d.Entries[0].Custom["custom7"] = code("P2")
	}, want: connector.Issue{Field: "expense 1, project", Value: "P2", Owner: connector.Finance}, remedy: "(mapping.yaml:"},
	"no segment": {code: rules.SegmentMissing, set: []string{`account: "5100|{cost_centre}|{custom7}"`, `account: "5100|{cost_centre}|{custom8}"`}, change: func(d *document.Document) {
		d.Entries[0].Type.Code = "TOOLS"
		d.Entries[0].Custom["custom7"] = code("P1")
	}, want: connector.Issue{Field: "expense 1, custom8"}},
	"segment with a separator": {code: rules.SegmentInvalid, set: []string{"unlisted: refuse           # default; as_is", "unlisted: as_is #"}, change: func(d *document.Document) { d.Entries[0].Custom = centre("1|2") }, want: connector.Issue{Value: "1|2"}},
	"unknown account": {code: rules.AccountUnknown, change: func(d *document.Document) {
		d.Entries[0].Type.Code = "TOOLS"
		d.Entries[0].Custom["custom7"] = code("P2")
	}, want: connector.Issue{Field: "expense 1, GL account", Value: "5100|200|P2", Needs: "glaccount/5100|200|P2"}, remedy: `rule "projects" (mapping.yaml:`},
	"inactive account": {code: rules.AccountInactive, change: func(d *document.Document) {
		d.Entries[0].Type.Code = "MEALS"
		d.Entries[0].Country = "DE"
		d.Entries[0].Custom = centre("310")
	}, want: connector.Issue{Value: "6421|310|00"}},
	"R62 account closed": {code: rules.AccountInactive, change: func(d *document.Document) { d.Entries[0].Type.Code = "MEALS"; d.Entries[0].Custom = centre("310") }, want: connector.Issue{Value: "6420|310|00", Needs: "glaccount/6420|310|00"}},
	"no number":          {code: rules.NumberMissing, change: func(d *document.Document) { d.Number = " " }},
	"R38 number":         {code: rules.NumberTooLong, invoice: true, change: func(d *document.Document) { d.Number = strings.Repeat("9", 51) }},
	"number with a bell": {code: rules.NumberInvalid, invoice: true, change: func(d *document.Document) { d.Number = "INV\a1" }},
	"no date":            {code: rules.InvoiceDateMissing, change: func(d *document.Document) { d.Date = "" }},
	"no approval date":   {code: rules.ApplyDateMissing, change: func(d *document.Document) { d.Approved = "" }, remedy: "apply_date.from: invoice_date (mapping.yaml:"},
	"R52 closed period":  {code: rules.PeriodClosed, open: "2026-11-01", set: []string{"closed_period: next_open ", "closed_period: refuse "}, change: func(*document.Document) {}, want: connector.Issue{Value: "2026-10-30"}, remedy: "then replay"},
	"R52 held":           {code: rules.PeriodClosed, open: "2026-11-01", set: []string{"closed_period: next_open ", "closed_period: hold "}, change: func(*document.Document) {}, want: connector.Issue{Value: "2026-10-30", Needs: "period/2026-10"}, remedy: "goes on by itself"},
	"tax id twice": {code: rules.VendorAmbiguous, set: []string{"match: [column, pattern]", "match: [column, tax_id, pattern]\n  tax_id: custom9"}, change: func(d *document.Document) {
		d.Custom = map[string]document.Value{"custom9": code("XX 1")}
	}, want: connector.Issue{Field: "employee", Value: "V8, V9", Owner: connector.Finance}},
	"suspense is capped": {code: rules.AccountUnmapped, set: []string{"accounts:\n  template", "accounts:\n  suspense: {account: 1490|000|00, most: {USD: 9.99}}\n  template"}, change: func(d *document.Document) { d.Entries[0].Type.Code = "YACHT" }, want: connector.Issue{Value: "YACHT"}, remedy: "accounts.rules"},
	"charge and no line": {code: rules.ChargeUnspreadable, invoice: true, change: func(d *document.Document) { d.Entries = nil; d.Charges = charges("10.00", "0") }, want: connector.Issue{Value: "shipping 10"}},
	"unknown charge": {code: rules.ChargeUnknown, invoice: true, change: func(d *document.Document) {
		d.Charges = []document.Charge{{Kind: "toll", Amount: dec("1.00")}}
		d.Total = dec("11.00")
	}, want: connector.Issue{Value: "toll"}},
	"R58 purchase order": {code: rules.PurchaseOrder, invoice: true, change: func(d *document.Document) { d.Entries[0].PO = "PO-77" }, want: connector.Issue{Field: "line 1, purchase order", Value: "PO-77"}},
}

func TestEachFaultParksWithItsCode(t *testing.T) {
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
			if c.invoice {
				doc = supplierInvoice("10.00", line("1", "10.00"))
			}
			c.change(&doc)
			found := issues(t, rules.New(changed(t, c.set...), tables(t, c.open)), doc)
			require.Len(t, found, 1, "one fault is one issue: %v", found)
			got := found[0]
			require.Equal(t, c.code, got.Code)
			for what, pair := range map[string][2]string{
				"field": {c.want.Field, got.Field}, "value": {c.want.Value, got.Value}, "needs": {c.want.Needs, got.Needs},
				"owner": {string(c.want.Owner), string(got.Owner)},
			} {
				if pair[0] != "" {
					require.Equal(t, pair[0], pair[1], what)
				}
			}
			require.NotEmpty(t, got.Message)
			require.NotEmpty(t, got.Owner)
			require.Contains(t, got.Remedy, c.remedy)
			require.NotContains(t, found.Error(), "\n")
		})
	}
}

func TestEveryCodeIsInTheCatalogueAndProven(t *testing.T) {
	proven := map[string]bool{rules.PostingMismatch: true} // the last guard: no document is known that reaches it
	for _, c := range refusals {
		proven[c.code] = true
	}
	for _, c := range rules.Codes() {
		require.True(t, proven[c.Code], "no document proves %s", c.Code)
		require.NotEmpty(t, c.Meaning)
		require.NotEmpty(t, c.Owner)
		require.NotEmpty(t, c.Remedy)
		delete(proven, c.Code)
	}
	require.Empty(t, proven, "codes that are not in the catalogue")
}

func TestAllIssuesOfADocumentComeAtOnce(t *testing.T) {
	doc := report("99.00",
		entry("1", "YACHT", "CASH", "10.00"), entry("2", "TAXI", "TAXA", "20.00"), entry("3", "TAXI", "CASH", "30.00"))
	doc.Entries[2].Custom = centre("4711")
	doc.Owner.EmployeeID, doc.Ledger, doc.Approved = "77", "JP", ""
	found := issues(t, mapper(t), doc)
	codes := make([]string, len(found))
	for i, f := range found {
		codes[i] = f.Code
	}
	require.Equal(t, []string{
		rules.TotalMismatch, rules.CompanyUnknown, rules.ApplyDateMissing, rules.PaymentTypeUnknown,
		rules.VendorMissing, rules.AccountUnmapped, rules.CostCentreUnknown,
	}, codes)
}

func TestOneFaultAtManyPlacesIsToldOnce(t *testing.T) {
	doc := report("30.00", entry("1", "TAXI", "CASH", "10.00"), entry("2", "TAXI", "CASH", "10.00"), entry("3", "TAXI", "CASH", "10.00"))
	for i := range doc.Entries {
		doc.Entries[i].Custom = centre("4711")
	}
	found := issues(t, mapper(t), doc)
	require.Len(t, found, 1)
	require.Equal(t, "expense 1, cost centre and elsewhere", found[0].Field)
}

func TestIssuesHoldNoPersonalData(t *testing.T) {
	for name, c := range refusals {
		doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
		if c.invoice {
			doc = supplierInvoice("10.00", line("1", "10.00"))
		}
		doc.Name, doc.Owner.Name, doc.Owner.Login = "Ana's operation", "Ana Ruiz", "ana@example.com"
		c.change(&doc)
		text := issues(t, rules.New(changed(t, c.set...), tables(t, c.open)), doc).Error()
		for _, secret := range []string{"Ana", "ana@", "operation"} {
			require.NotContains(t, text, secret, name)
		}
	}
}

func TestALoginIsInNoMessage(t *testing.T) {
	const login = "ana@example.com"
	for want, v := range map[string]document.Vendor{
		rules.VendorMissing:    {ID: "V1"},
		rules.VendorInactive:   {ID: login, Inactive: true},
		rules.VendorUnapproved: {ID: login, Unapproved: true},
		rules.VendorHold:       {ID: login, Hold: true},
		rules.VendorAmbiguous:  {ID: login, EmployeeID: "2001"},
	} {
		all, err := document.NewTables("EPIC06", []document.Vendor{v}, accounts(), nil)
		require.NoError(t, err)
		m := rules.New(changed(t, `"E{employee_id}"`, `"{login}"`, "pay_hold: allow ", "pay_hold: refuse "), rules.StaticTables(all))
		found := issues(t, m, report("10.00", entry("1", "TAXI", "CASH", "10.00")))
		require.Len(t, found, 1)
		got := found[0]
		require.Equal(t, want, got.Code)
		require.Equal(t, login, got.Value, "whoever may see it")
		require.True(t, got.Personal)
		require.NotContains(t, got.Message+got.Remedy+got.Field+got.Needs, "ana@", want)
	}
}

type broken struct{ err error }

func (b broken) Snapshot(context.Context) (*document.Tables, error) { return nil, b.err }

func TestTablesThatCannotBeReadAreNoIssue(t *testing.T) {
	down := errors.New("connection refused")
	_, err := rules.New(load(t), broken{down}).Map(t.Context(), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	require.ErrorIs(t, err, down)
	var found mapping.Issues
	require.NotErrorAs(t, err, &found)

	_, err = rules.New(load(t), broken{}).Map(t.Context(), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	require.ErrorContains(t, err, "there are none")
}
