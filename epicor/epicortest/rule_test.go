package epicortest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func TestBrokenRulesAreRefusedWithTheirField(t *testing.T) {
	header := func(change func(h record)) func(*kit) (string, record) {
		return func(k *kit) (string, record) {
			ds := k.newHeader(asInvoice, "INV-1", "10")
			change(changed(k.t, ds, "APInvHed"))
			return "UpdateMaster", master(ds, "APInvHed")
		}
	}
	gl := func(a string) func(*kit) (string, record) {
		return func(k *kit) (string, record) {
			ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
			account(edit(k.t, ds, "APInvExpTGLC", 0), a)
			return "UpdateMaster", master(ds, "APInvExpTGLC")
		}
	}
	vendor := func(id string) func(*kit) (string, record) {
		return func(k *kit) (string, record) {
			ds := k.ds(invoices+asInvoice, record{"ds": record{}, "cGroupID": "G1"})
			return "ChangeVendorID", record{"ds": ds, "ProposedVendorID": id, "confirmCheck": false}
		}
	}
	for _, c := range []struct {
		name, message, field string
		act                  func(*kit) (string, record)
	}{
		{"unknown vendor", "Supplier is not valid.", "APInvHed.VendorNumVendorID", vendor("NOBODY")},
		{"inactive vendor", "Supplier OLD is inactive.", "APInvHed.VendorNumVendorID", vendor("OLD")},
		{"vendor that no key knows", "Supplier is not valid.", "APInvHed.VendorNum", header(func(h record) { h["VendorNum"] = 99 })},
		{"vendor inactive by key", "Supplier OLD is inactive.", "APInvHed.VendorNum", header(func(h record) { h["VendorNum"] = 43 })},
		{"no number", "Invoice number is required.", "APInvHed.InvoiceNum", header(func(h record) { h["InvoiceNum"] = "" })},
		{
			"number of 51 characters", "The value of InvoiceNum is longer than the 50 characters that the column holds.", "APInvHed.InvoiceNum",
			header(func(h record) { h["InvoiceNum"] = strings.Repeat("9", 51) }),
		},
		{"no terms", "Terms code is required.", "APInvHed.TermsCode", header(func(h record) { h["TermsCode"] = "" })},
		{"unknown currency", "Currency XXX is not valid.", "APInvHed.CurrencyCode", header(func(h record) { h["CurrencyCode"] = "XXX" })},
		{"no date", "Invoice date is required.", "APInvHed.InvoiceDate", header(func(h record) { h["InvoiceDate"] = nil })},
		{"closed period", "Fiscal period 2026/9 is closed.", "APInvHed.ApplyDate", header(func(h record) { h["ApplyDate"] = "2026-09-30" })},
		{
			"foreign company", "Company EPIC07 is not the company of this session.", "APInvHed.Company",
			header(func(h record) { h["Company"] = "EPIC07" }),
		},
		{"unknown group", "Group G9 is not valid.", "APInvGrp.GroupID", func(*kit) (string, record) {
			return asInvoice, record{"ds": record{}, "cGroupID": "G9"}
		}},
		{"no group", "Group is required.", "APInvGrp.GroupID", func(*kit) (string, record) {
			return asInvoice, record{"ds": record{}, "cGroupID": ""}
		}},
		{"group of another invoice", "The invoice is of group G2, not of G1.", "APInvHed.GroupID", header(func(h record) { h["GroupID"] = "G2" })},
		{"locked group", "Group G1 is locked by user anna.", "APInvGrp.ActiveUserID", func(k *kit) (string, record) {
			ds := k.newHeader(asInvoice, "INV-1", "10")
			k.srv.LockGroup(co, "G1", "anna")
			return "UpdateMaster", master(ds, "APInvHed")
		}},
		{"unknown account", "GL account 1|2|3 is not valid.", "APInvExpTGLC.GLAccount", gl("1|2|3")},
		{"inactive account", "GL account 6430|200|00 is inactive.", "APInvExpTGLC.GLAccount", gl("6430|200|00")},
		{"expired account", "GL account 6440|200|00 is not effective after 2026-09-30.", "APInvExpTGLC.GLAccount", gl("6440|200|00")},
		{
			"segments that disagree", "GL account 6410|200|00 does not agree with its segments 9999|000|00.", "APInvExpTGLC.GLAccount",
			func(k *kit) (string, record) {
				ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
				edit(k.t, ds, "APInvExpTGLC", 0)["GLAccount"] = "6410|200|00"
				return "UpdateMaster", master(ds, "APInvExpTGLC")
			},
		},
		{"nothing to change", "Table APInvDtl has no row with RowMod A or U to change.", "APInvDtl.RowMod", func(k *kit) (string, record) {
			return "ChangeExtCost", record{"ds": k.header(asInvoice, "INV-1", "1"), "ProposedExtCost": 1}
		}},
		{"closed period by method", "Fiscal period 2026/9 is closed.", "APInvHed.ApplyDate", func(k *kit) (string, record) {
			return "OnChangeofApplyDateWithDateCheck", record{
				"ds": k.newHeader(asInvoice, "INV-1", "1"), "VendorNum": 42, "InvoiceNum": "INV-1", "recalcAmts": "", "NewApplyDate": "2026-09-30",
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := ready(t, nil)
			k.srv.ClosePeriod(co, 2026, 9)
			method, in := c.act(k)
			before := len(k.srv.Invoices(co))
			msg, field := k.refused(invoices+method, in)
			require.Equal(t, c.message, msg)
			require.Equal(t, c.field, field)
			require.Len(t, k.srv.Invoices(co), before)
		})
	}
}

func TestOneRefusedRowCommitsNoneOfTheOthers(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
	edit(t, ds, "APInvHed", 0)["Description"] = "changed"
	account(edit(t, ds, "APInvExpTGLC", 0), "1|2|3")
	k.refused(invoices+"Update", record{"ds": ds})
	require.Equal(t, "Travel", k.srv.Invoices(co)[0].Description)
}

func TestAStaleRowIsRefused(t *testing.T) {
	k := ready(t, nil)
	ds := k.header(asInvoice, "INV-1", "1")
	k.srv.EditInvoice(co, "ACME", "INV-1", map[string]any{"Description": "by a clerk"})
	edit(t, ds, "APInvHed", 0)["Description"] = "by us"
	msg, _ := k.refused(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Contains(t, msg, "modified by another user")
	require.Equal(t, "by a clerk", k.srv.Invoices(co)[0].Description)
}

func TestThePeriodFollowsTheInvoiceDateUntilTheApplyDateIsSet(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "1")
	ds = k.ds(invoices+"ChangeInvoiceDateEx", record{"ds": ds, "ProposedInvoiceDate": "2026-08-15", "recalcAmts": ""})
	h := changed(t, ds, "APInvHed")
	require.Equal(t, json.Number("8"), h["FiscalPeriod"])
	require.Equal(t, "2026-10-30T00:00:00", h["ApplyDate"])
	ds = k.ds(invoices+"OnChangeofApplyDateWithDateCheck", record{
		"ds": ds, "VendorNum": 42, "InvoiceNum": "INV-1", "recalcAmts": "", "NewApplyDate": "2026-10-01",
	})
	h = changed(t, ds, "APInvHed")
	require.Equal(t, json.Number("10"), h["FiscalPeriod"])
	require.Equal(t, "2026-10-01T00:00:00", h["ApplyDate"])
}

func TestAZoneMovesTheDay(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "1")
	ds = k.ds(invoices+"ChangeInvoiceDateEx", record{"ds": ds, "ProposedInvoiceDate": "2026-10-28T00:00:00+02:00", "recalcAmts": ""})
	require.Equal(t, "2026-10-27T00:00:00", changed(t, ds, "APInvHed")["InvoiceDate"])
}

func TestBaseAmountsFollowTheRate(t *testing.T) {
	k := ready(t, nil)
	k.srv.AddCurrencies(co, epicortest.Currency{Code: "EUR", Rate: decimal.RequireFromString("1.25")})
	k.invoice("INV-1", "10")
	h := k.get(200, invoices+"APInvoices('EPIC06',42,'INV-1')")
	require.Equal(t, json.Number("10"), h["DocInvoiceAmt"])
	require.Equal(t, json.Number("12.50"), h["InvoiceAmt"])
}
