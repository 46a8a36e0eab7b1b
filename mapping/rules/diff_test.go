package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// again is a later revision of a report.
func again(revision int64, total string, entries ...document.Entry) document.Document {
	d := report(total, entries...)
	d.Revision, d.Approved = revision, "2026-11-03"
	return d
}

// on books an expense to another cost centre.
func on(e document.Entry, c string) document.Entry {
	e.Custom = centre(c)
	return e
}

func differ(t testing.TB, oldNew ...string) *rules.Mapper {
	t.Helper()
	oldNew = append([]string{"settlement: check ", "settlement: ignore "}, oldNew...)
	return rules.New(changed(t, oldNew...), tables(t, ""))
}

// correction is what a second revision posts beside the first.
func correction(t *testing.T, m *rules.Mapper, first, second document.Document) document.Posting {
	t.Helper()
	delta, changed, err := m.Diff(mapped(t, m, first), mapped(t, m, second))
	require.NoError(t, err)
	require.True(t, changed)
	require.NoError(t, delta.Check())
	return delta
}

// parks reports whether a difference is left to a person.
func parks(t *testing.T, m *rules.Mapper, prior, next document.Posting) {
	t.Helper()
	delta, changed, err := m.Diff(prior, next)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, next, delta)
}

func TestR44HundredMovedToAnotherCostCentreOwesNothing(t *testing.T) {
	m := differ(t)
	taxi := entry("1", "TAXI", "CASH", "100")
	require.Equal(t, []string{"invoice CX-A1B2C3-2-E E1042 0.00", "  6410|200|00 -100.00", "  6410|310|00 100.00"},
		brief(correction(t, m, report("100", taxi), again(2, "100", on(taxi, "310")))))
}

func TestR44HundredThatBecameHundredTwentyPostsTwenty(t *testing.T) {
	m := differ(t)
	require.Equal(t, []string{"invoice CX-A1B2C3-2-E E1042 20.00", "  6410|200|00 20.00"},
		brief(correction(t, m, report("100", entry("1", "TAXI", "CASH", "100")), again(2, "120", entry("1", "TAXI", "CASH", "120")))))
}

func TestR44LessThanWasPostedIsADebitMemo(t *testing.T) {
	m := differ(t)
	require.Equal(t, []string{"debit memo CX-A1B2C3-2-ED E1042 -40.00", "  6410|200|00 -40.00"},
		brief(correction(t, m, report("100", entry("1", "TAXI", "CASH", "100")), again(2, "60", entry("1", "TAXI", "CASH", "60")))))
}

func TestR44OtherCounterpartyIsADebitMemoToTheOneAndAnInvoiceToTheOther(t *testing.T) {
	m := differ(t)
	require.Equal(t, []string{
		"invoice CX-A1B2C3-2-C V0090 100.00", "  6410|200|00 100.00", "debit memo CX-A1B2C3-2-ED E1042 -100.00", "  6410|200|00 -100.00",
	}, brief(correction(t, m, report("100", entry("1", "TAXI", "CASH", "100")), again(2, "100", entry("1", "TAXI", "CBCP", "100")))))
}

func TestR44EmployeeWithAnotherVendorGetsTwoNumbers(t *testing.T) {
	m := differ(t)
	prior := mapped(t, m, report("-30", entry("1", "TAXI", "CASH", "-30")))
	next := mapped(t, m, again(2, "20", entry("1", "TAXI", "CASH", "20")))
	next.Invoices[0].Vendor = "V7"
	delta, _, err := m.Diff(prior, next)
	require.NoError(t, err)
	require.Equal(t, []string{
		"invoice CX-A1B2C3-2-E V7 20.00", "  6410|200|00 20.00", "invoice CX-A1B2C3-2-E.2 E1042 30.00", "  6410|200|00 30.00",
	}, brief(delta))
}

func TestR44ReportThatComesToNothingTakesBackAllThatWasPosted(t *testing.T) {
	for name, nothing := range map[string]document.Document{
		"every line is zero": again(2, "0", entry("1", "TAXI", "CASH", "0")),
		"no invoice is left": func() document.Document {
			e := entry("1", "TAXI", "CASH", "100")
			e.Personal = true
			return again(2, "0", e)
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			m := differ(t)
			result, err := m.Map(t.Context(), nothing)
			require.NoError(t, err)
			require.True(t, result.Empty)
			prior := mapped(t, m, report("100", entry("1", "TAXI", "CASH", "100")))
			delta, changed, err := m.Diff(prior, result.Posting)
			require.NoError(t, err)
			require.True(t, changed)
			require.Equal(t, []string{"debit memo CX-A1B2C3-2-ED E1042 -100.00", "  6410|200|00 -100.00"}, brief(delta))
		})
	}
}

func TestR44AfterNothingTheWholeIsACorrectionAndNotTheWholeAgain(t *testing.T) {
	m := differ(t)
	nothing, err := m.Map(t.Context(), again(2, "0", entry("1", "TAXI", "CASH", "0")))
	require.NoError(t, err)
	next := mapped(t, m, again(3, "100", entry("1", "TAXI", "CASH", "100")))
	delta, _, err := m.Diff(nothing.Posting, next)
	require.NoError(t, err)
	require.Equal(t, brief(next), brief(delta))
	require.NotEqual(t, next, delta)
}

func TestR44SameAgainUnderOtherTextsDatesAndEntriesChangesNothing(t *testing.T) {
	m := differ(t)
	next := again(2, "100", entry("9", "TAXI", "CASH", "70"), entry("8", "TAXI", "CASH", "30"))
	next.Name, next.Date, next.Entries[0].Merchant = "Another name", "2026-11-01", "Beta"
	_, changed, err := m.Diff(mapped(t, m, report("100", entry("1", "TAXI", "CASH", "100"))), mapped(t, m, next))
	require.NoError(t, err)
	require.False(t, changed)
}

func TestR44BySignMakesADebitMemoBesideTheInvoice(t *testing.T) {
	m := differ(t, "netting: net ", "netting: by_sign ")
	taxi := entry("1", "TAXI", "CASH", "100")
	require.Equal(t, []string{
		"invoice CX-A1B2C3-2-E E1042 100.00", "  6410|310|00 100.00", "debit memo CX-A1B2C3-2-ED E1042 -100.00", "  6410|200|00 -100.00",
	}, brief(correction(t, m, report("100", taxi), again(2, "100", on(taxi, "310")))))
}

func TestR44CorrectionIsOfTheLaterRevisionsDayAndSaysWhatItIs(t *testing.T) {
	m := differ(t)
	inv := correction(t, m, report("100", entry("1", "TAXI", "CASH", "100")), again(2, "120", entry("1", "TAXI", "CASH", "120"))).Invoices[0]
	require.Equal(t, document.Date("2026-11-03"), inv.ApplyDate)
	require.Equal(t, "report A1B2C3 [correction]", inv.Description)
}

func TestR44CorrectionBringsTheFilesThatAreNew(t *testing.T) {
	m := differ(t)
	first, second := entry("1", "TAXI", "CASH", "100"), entry("1", "TAXI", "CASH", "120")
	first.Receipts = []document.Attachment{{ID: "old"}}
	second.Receipts = []document.Attachment{{ID: "old"}, {ID: "new"}}
	require.Equal(t, []document.Attachment{{ID: "new"}}, correction(t, m, report("100", first), again(2, "120", second)).Invoices[0].Attachments)
}

func TestR44TaxOfTheERPIsCorrectedBesideTheCost(t *testing.T) {
	m := differ(t)
	taxed := func(revision int64, gross, reclaim string) document.Document {
		d := journaled(gross, entry("1", "TAXI", "CASH", gross))
		d.Revision = revision
		b := books("COMP", "EMPL", "5", gross)
		b.Taxes = []document.TaxPart{{ReclaimCode: "EU", Amount: dec(reclaim), Reclaim: dec(reclaim)}}
		b.NetOfTax, b.NetOfReclaim = b.Gross.Sub(dec(reclaim)), b.Gross.Sub(dec(reclaim))
		d.Entries[0].Allocations = []document.Allocation{{Amount: b.Gross, Custom: centre("200"), Journal: []document.Journal{b}}}
		return d
	}
	inv := correction(t, m, taxed(1, "119", "19"), taxed(2, "238", "38")).Invoices[0]
	require.Equal(t, "119", inv.Amount.String())
	require.Equal(t, []string{"100", "19"}, []string{inv.Lines[0].Amount.String(), inv.Taxes[0].Amount.String()})
	parks(t, m, mapped(t, m, taxed(1, "119", "19")), func() document.Posting {
		p := mapped(t, m, taxed(2, "119", "19"))
		p.Invoices = slices.Clone(p.Invoices)
		p.Invoices[0].Taxes = []document.InvoiceTax{{Code: "VAT", Rate: "STD", Amount: dec("20")}}
		p.Invoices[0].Amount = dec("120")
		return p
	}())
}

func TestSuppliersInvoiceThatChangedIsLeftToAPerson(t *testing.T) {
	m := differ(t)
	later := supplierInvoice("110", line("1", "110"))
	later.Revision++
	parks(t, m, mapped(t, m, supplierInvoice("100", line("1", "100"))), mapped(t, m, later))
}

func TestSuppliersInvoiceThatIsTheSameChangesNothing(t *testing.T) {
	m := differ(t)
	later := supplierInvoice("100", line("1", "100"))
	later.Revision, later.Approved = later.Revision+1, "2026-11-03"
	_, changed, err := m.Diff(mapped(t, m, supplierInvoice("100", line("1", "100"))), mapped(t, m, later))
	require.NoError(t, err)
	require.False(t, changed)
}

func TestSuppliersOtherNumberIsLeftToAPerson(t *testing.T) {
	m := differ(t)
	later := supplierInvoice("100", line("1", "100"))
	later.Number = "INV-20418"
	parks(t, m, mapped(t, m, supplierInvoice("100", line("1", "100"))), mapped(t, m, later))
}

func TestReportInAnotherCurrencyIsLeftToAPerson(t *testing.T) {
	m := differ(t)
	later := again(2, "100", entry("1", "TAXI", "CASH", "100"))
	later.Currency = "EUR"
	parks(t, m, mapped(t, m, report("100", entry("1", "TAXI", "CASH", "100"))), mapped(t, m, later))
}

func TestReportOfAnotherCompanyIsLeftToAPerson(t *testing.T) {
	m := differ(t)
	prior := mapped(t, m, report("100", entry("1", "TAXI", "CASH", "100")))
	next := mapped(t, m, again(2, "120", entry("1", "TAXI", "CASH", "120")))
	prior.Company = "EPIC08"
	parks(t, m, prior, next)
}

func TestRevisionsParkLeavesEveryChangeToAPerson(t *testing.T) {
	m := differ(t, "revisions: delta ", "revisions: park ")
	prior := mapped(t, m, report("100", entry("1", "TAXI", "CASH", "100")))
	parks(t, m, prior, mapped(t, m, again(2, "120", entry("1", "TAXI", "CASH", "120"))))
	_, changed, err := m.Diff(prior, mapped(t, m, again(2, "100", entry("1", "TAXI", "CASH", "100"))))
	require.NoError(t, err)
	require.False(t, changed)
}

// books of a set, by vendor and account; "owed" is what the vendor is owed.
type ledger map[[2]string]decimal.Decimal

func (l ledger) post(p document.Posting) {
	for _, inv := range p.Invoices {
		add := func(account string, d decimal.Decimal) {
			k := [2]string{inv.Vendor, account}
			if l[k] = l[k].Add(d); l[k].IsZero() {
				delete(l, k)
			}
		}
		add("owed", inv.Amount)
		for _, line := range inv.Lines {
			for _, s := range line.Splits {
				add(s.Account, s.Amount)
			}
		}
		for _, tax := range inv.Taxes {
			add("tax "+tax.Code, tax.Amount)
		}
	}
}

func (l ledger) text() map[[2]string]string {
	out := make(map[[2]string]string)
	for k, d := range l {
		out[k] = d.StringFixed(3)
	}
	return out
}

func TestAnyRevisionsTogetherComeToTheLastOne(t *testing.T) {
	for _, netting := range []string{"net ", "by_sign "} {
		m := differ(t, "netting: net ", "netting: "+netting)
		rapid.Check(t, func(t *rapid.T) {
			stands, numbers := ledger{}, map[string]bool{}
			var prior *document.Posting
			for revision := range int64(rapid.IntRange(2, 6).Draw(t, "revisions")) {
				result, err := m.Map(t.Context(), drawReport(t, revision+1))
				require.NoError(t, err)
				next, send := result.Posting, result.Posting
				switch {
				case prior != nil:
					delta, changed, err := m.Diff(*prior, next)
					require.NoError(t, err)
					if !changed {
						send = document.Posting{}
						break
					}
					require.NotEqual(t, next, delta, "never the whole again")
					send = delta
				case result.Empty:
					continue
				}
				if len(send.Invoices) > 0 {
					require.NoError(t, send.Check(), "balanced")
				}
				for _, inv := range send.Invoices {
					require.False(t, numbers[inv.Number], "%s is free", inv.Number)
					require.LessOrEqual(t, len(inv.Number), 50)
					numbers[inv.Number] = true
				}
				stands.post(send)
				prior = &next
				whole := ledger{}
				whole.post(next)
				require.Equal(t, whole.text(), stands.text())
			}
		})
	}
}

// drawReport draws a report whose entries come, go and change.
func drawReport(t *rapid.T, revision int64) document.Document {
	sum := decimal.Zero
	var entries []document.Entry
	for _, id := range strings.Split("abcd", "")[:rapid.IntRange(1, 4).Draw(t, "entries")] {
		cents := rapid.SampledFrom([]int64{0, 1, 9999, 10000, -10000, -1}).Draw(t, "cents")
		e := entry(id, rapid.SampledFrom([]string{"TAXI", "AIRFR"}).Draw(t, "type"), rapid.SampledFrom([]string{"CASH", "CBCP", "IBCP"}).Draw(t, "payment"), "0")
		e.Amount = decimal.New(cents, -2)
		e = on(e, rapid.SampledFrom([]string{"200", "310"}).Draw(t, "centre"))
		sum = sum.Add(e.Amount)
		entries = append(entries, e)
	}
	d := again(revision, "0", entries...)
	d.Total = sum
	return d
}

var _ mapping.Differ[document.Posting] = (*rules.Mapper)(nil)

// since makes a mapper of the sample rules whose ERP was changed since.
func since(t *testing.T, change func(vendors []document.Vendor, accounts []document.Account)) *rules.Mapper {
	t.Helper()
	v, a := vendors(), accounts()
	change(v, a)
	all, err := document.NewTables("EPIC06", v, a, nil)
	require.NoError(t, err)
	return rules.New(load(t), rules.StaticTables(all))
}

func TestR62ACorrectionBooksNoAccountThatIsClosedByNow(t *testing.T) {
	prior := mapped(t, mapper(t), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	e := entry("1", "TAXI", "CASH", "10.00")
	e.Custom = centre("310")
	d := report("10.00", e)
	d.Revision, d.Approved = 2, "2026-11-05"
	for last, want := range map[document.Date]string{"2026-11-05": "", "2026-11-04": rules.AccountInactive} {
		m := since(t, func(_ []document.Vendor, all []document.Account) {
			for i := range all {
				if all[i].Code == "6410|200|00" {
					all[i].To = last
				}
			}
		})
		_, changed, err := m.Diff(prior, mapped(t, m, d))
		if want == "" {
			require.NoError(t, err)
			require.True(t, changed)
			continue
		}
		var found mapping.Issues
		require.ErrorAs(t, err, &found)
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].Code)
		require.Equal(t, "6410|200|00", found[0].Value)
		require.Equal(t, "glaccount/6410|200|00", found[0].Needs)
	}
}

func TestR62ACorrectionIsForNoVendorThatIsGoneByNow(t *testing.T) {
	prior := mapped(t, mapper(t), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	d := report("10.00", entry("1", "TAXI", "IBCP", "10.00"))
	d.Revision = 2
	for want, change := range map[string]func(*document.Vendor){
		rules.VendorInactive:   func(v *document.Vendor) { v.Inactive = true },
		rules.VendorUnapproved: func(v *document.Vendor) { v.Unapproved = true },
		rules.VendorMissing:    func(v *document.Vendor) { v.ID = "E1042x" },
	} {
		m := since(t, func(all []document.Vendor, _ []document.Account) {
			for i := range all {
				if all[i].ID == "E1042" {
					change(&all[i])
				}
			}
		})
		_, _, err := m.Diff(prior, mapped(t, m, d))
		var found mapping.Issues
		require.ErrorAs(t, err, &found)
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].Code)
		require.Equal(t, "vendor/E1042", found[0].Needs)
	}
}
