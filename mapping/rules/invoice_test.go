package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// spreadTax is the sample file with tax spread instead of a line of its own.
func spreadTax(t testing.TB) *rules.Mapper {
	t.Helper()
	return rules.New(changed(t,
		"  tax:                       # spread is the default here too\n    account: \"2310|000|00\"\n    description: Tax\n", "  tax: spread\n",
	), tables(t, ""))
}

func charges(shipping, tax string) []document.Charge {
	return []document.Charge{{Kind: document.Shipping, Amount: dec(shipping)}, {Kind: document.Tax, Amount: dec(tax)}}
}

func TestR35ShippingIsSpreadAndTaxIsALine(t *testing.T) {
	doc := supplierInvoice("115.75", line("1", "60.00"), line("2", "40.00"))
	doc.Charges = charges("7.50", "8.25")
	p := mapped(t, mapper(t), doc)
	require.Equal(t, []string{
		"invoice INV-20417 V0211 115.75", "  5100|200|00 64.50", "  5100|200|00 43.00", "  2310|000|00 8.25",
	}, brief(p))
	require.Equal(t, "Tax", p.Invoices[0].Lines[2].Description)
	require.Empty(t, p.Invoices[0].Lines[2].Entry)
}

func TestChargesAreSpreadOverAllocationsToo(t *testing.T) {
	split := line("1", "60.00")
	split.Allocations = []document.Allocation{
		{Percent: dec("50"), Amount: dec("30.00"), Custom: map[string]document.Value{"custom2": code("200")}},
		{Percent: dec("50"), Amount: dec("30.00"), Custom: map[string]document.Value{"custom2": code("310")}},
	}
	doc := supplierInvoice("115.75", split, line("2", "40.00"))
	doc.Charges = charges("7.50", "8.25")
	// Tax: 8.25 over 60/40 is 4.95 and 3.30; 4.95 over halves is 2.48 and 2.47.
	require.Equal(t, []string{
		"invoice INV-20417 V0211 115.75", "  5100|200|00 34.73", "  5100|310|00 34.72", "  5100|200|00 46.30",
	}, brief(mapped(t, spreadTax(t), doc)))
}

func TestOrderOfChargesChangesNothing(t *testing.T) {
	doc := supplierInvoice("100.02", line("1", "33.33"), line("2", "33.33"), line("3", "33.33"))
	doc.Charges = charges("0.01", "0.02")
	one := mapped(t, spreadTax(t), doc)
	doc.Charges[0], doc.Charges[1] = doc.Charges[1], doc.Charges[0]
	require.Equal(t, one, mapped(t, spreadTax(t), doc))
}

func TestACreditLineTakesNoShipping(t *testing.T) {
	doc := supplierInvoice("95.00", line("1", "100.00"), line("2", "-10.00"))
	doc.Charges = charges("5.00", "0")
	require.Equal(t, []string{
		"invoice INV-20417 V0211 95.00", "  5100|200|00 105.00", "  5100|200|00 -10.00",
	}, brief(mapped(t, mapper(t), doc)))
}

func TestSuppliersNumberIsNeverChanged(t *testing.T) {
	doc := supplierInvoice("10.00", line("1", "10.00"))
	doc.Number = "Re. 2026/00 017-ä"
	inv := mapped(t, mapper(t), doc).Invoices[0]
	require.Equal(t, "Re. 2026/00 017-ä", inv.Number)
	require.False(t, inv.MadeUp)
	require.Equal(t, document.Date("2026-11-19"), inv.Due)
}

func TestASuppliersCreditKeepsItsNumber(t *testing.T) {
	doc := supplierInvoice("-10.00", line("1", "-10.00"))
	require.Equal(t, []string{"debit memo INV-20417 V0211 -10.00", "  5100|200|00 -10.00"}, brief(mapped(t, mapper(t), doc)))
}

func TestBySignNeverSplitsASuppliersInvoice(t *testing.T) {
	set := changed(t, "netting: net ", "netting: by_sign ")
	p := mapped(t, rules.New(set, tables(t, "")), supplierInvoice("60.00", line("1", "100.00"), line("2", "-40.00")))
	require.Len(t, p.Invoices, 1, "its number can stand only once")
}

func TestR38TooLongSuppliersNumberIsRefused(t *testing.T) {
	doc := supplierInvoice("10.00", line("1", "10.00"))
	doc.Number = strings.Repeat("1", 50)
	mapped(t, mapper(t), doc)
	doc.Number += "1"
	require.Contains(t, issue(t, issues(t, mapper(t), doc), rules.NumberTooLong).Message, "51 characters and the ERP takes 50")
}

func TestSupplierIsMatchedByAddressThenCode(t *testing.T) {
	for _, c := range []struct{ code, address, want string }{
		{"NORDWIND", "", "V0300"}, {"NORDWIND", "KIEL", "V0300"}, {"NORDWIND ", " BERLIN", "V0301"}, {"V0211", "X", "V0211"},
	} {
		doc := supplierInvoice("10.00", line("1", "10.00"))
		doc.Supplier.Code, doc.Supplier.AddressCode = c.code, c.address
		require.Equal(t, c.want, mapped(t, mapper(t), doc).Invoices[0].Vendor)
	}
}

func TestPurchaseOrderLinesMayBeExpensedBySetting(t *testing.T) {
	doc := supplierInvoice("10.00", line("1", "10.00"))
	doc.Entries[0].PO = "PO-1"
	set := changed(t, "purchase_orders: refuse ", "purchase_orders: expense ")
	mapped(t, rules.New(set, tables(t, "")), doc)
	issue(t, issues(t, mapper(t), doc), rules.PurchaseOrder)
}

func TestAChargeThatTakesALineAwayLeavesTheNextOneSpreadable(t *testing.T) {
	doc := supplierInvoice("1.00", line("1", "2.00"))
	doc.Charges = charges("-2.00", "1.00")
	require.Equal(t, []string{"invoice INV-20417 V0211 1.00", "  5100|200|00 1.00"}, brief(mapped(t, spreadTax(t), doc)))
}
