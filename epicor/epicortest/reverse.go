package epicortest

import (
	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// cancelInvoice makes an invoice that takes a posted one back: the same lines
// with the opposite sign, unposted, in the given group.
func cancelInvoice(c *call) (results, *fault) { return c.reverse(false) }

// correctInvoice makes an invoice that corrects a posted one: the same lines with
// the opposite sign, and once more with their own, to be changed. Which lines a
// live system makes is an assumption to check on a tenant.
func correctInvoice(c *call) (results, *fault) { return c.reverse(true) }

func (c *call) reverse(correct bool) (results, *fault) {
	if _, f := c.tableset(invoiceTables()); f != nil {
		return nil, f
	}
	src, f := c.invoice(c.int("sourceVendorNum"), c.str("sourceInvoiceNum"))
	if f != nil {
		return nil, f
	}
	g, f := c.openGroup(c.str("groupID"))
	if f != nil {
		return nil, f
	}
	if f := c.reversible(src, g); f != nil {
		return nil, f
	}
	inv := c.reversed(src, g)
	if correct {
		c.restate(inv, src)
	}
	h := inv.hed
	c.co.nextHead++
	h["HeadNum"], h["EntryPerson"], h["GLPosted"] = c.co.nextHead, c.user.Name, false
	h["CancellationInv"], h["CorrectionInv"] = !correct, correct
	h["InvoiceRef"], h["RefCancelledby"], h["TranDocTypeID"] = src.hed["InvoiceNum"], "", c.str("newDocType")
	if !c.s.opts.CancellationKeepsKey {
		h["ExternalID"] = ""
	}
	h.setDay("InvoiceDate", c.day("newInvoiceDate"))
	h["ApplyDate"] = g["ApplyDate"]
	c.co.setPeriod(h, g.day("ApplyDate"))
	u := &updating{c: c, ts: newTableset(invoiceTables()), touched: map[string]*invoice{}}
	for _, n := range keptTables() {
		for _, r := range inv.rows(n) {
			r["SysRowID"] = zeroGUID
			u.changed(r)
		}
	}
	u.total(inv)
	k := c.co.invoiceKey(h.int("VendorNum"), h.str("InvoiceNum"))
	u.touched[k], u.order = inv, []string{k}
	if !correct {
		old := src.clone()
		old.hed["RefCancelledby"] = h["InvoiceNum"]
		u.changed(old.hed)
		of := old.hed.key(c.co.schema[tabHed].key)
		u.touched[of], u.order = old, append(u.order, of)
	}
	u.commit()
	return results{"grpTotalInvAmt": wire.DecimalOf(c.co.groupTotal(g.str("GroupID"))), "lEnableGenLegalNum": false}, nil
}

// reversible refuses what can be neither cancelled nor corrected.
func (c *call) reversible(src *invoice, g row) *fault {
	number := c.str("newInvoiceNum")
	switch by := src.hed.str("RefCancelledby"); {
	case !src.hed.bool("Posted"):
		return business(tabHed, "Posted", "Invoice %s is not posted: delete it.", src.hed.str("InvoiceNum"))
	case by != "":
		return business(tabHed, "RefCancelledby", "Invoice %s was cancelled by %s already.", src.hed.str("InvoiceNum"), by)
	case number == "":
		return business(tabHed, "InvoiceNum", "Invoice number is required.")
	case c.day("newInvoiceDate").IsZero():
		return business(tabHed, "InvoiceDate", "Invoice date is required.")
	}
	if _, ok := c.co.invoices[c.co.invoiceKey(src.hed.int("VendorNum"), number)]; ok {
		return c.s.duplicate(tabHed, "Invoice %s of supplier %s already exists.", number, src.hed.str("VendorNumVendorID"))
	}
	return c.checkPeriod(tabHed, g.day("ApplyDate"))
}

// moved is a copy of an invoice under the new number, in another group.
func (c *call) moved(src *invoice, g row) *invoice {
	inv := src.clone()
	inv.att = nil
	for _, n := range keptTables() {
		for _, r := range inv.rows(n) {
			r["InvoiceNum"] = c.str("newInvoiceNum")
			for col, v := range map[string]any{"GroupID": g["GroupID"], "Posted": false} {
				if _, ok := r[col]; ok {
					r[col] = v
				}
			}
		}
	}
	return inv
}

// reversed is moved with every amount's sign turned round.
func (c *call) reversed(src *invoice, g row) *invoice {
	inv := c.moved(src, g)
	minus := decimal.NewFromInt(-1)
	for _, n := range keptTables() {
		for _, r := range inv.rows(n) {
			for _, col := range []string{
				"DocInvoiceVendorAmt", "ScrDocInvoiceVendorAmt", "DocExtCost", "ScrDocExtCost", "VendorQty", "ScrVendorQty",
				"OurQty", "ScrOurQty", "DocExpAmt", "DocScrExpAmt", "DocTaxAmt", "ScrDocTaxAmt",
			} {
				if _, ok := r[col]; ok {
					r.setNum(col, r.num(col).Mul(minus))
				}
			}
		}
	}
	return inv
}

// restate adds the lines of src once more behind those that take them back; the
// taxes of both are nothing together.
func (c *call) restate(inv, src *invoice) {
	behind := next(src.dtl, "InvoiceLine") - 1
	again := c.moved(src, row{"GroupID": inv.hed["GroupID"]})
	for _, rows := range [][]row{again.dtl, again.exp, again.tglc} {
		for _, r := range rows {
			r["InvoiceLine"] = r.int("InvoiceLine") + behind
		}
	}
	inv.dtl, inv.exp, inv.tglc, inv.tax = append(inv.dtl, again.dtl...), append(inv.exp, again.exp...), append(inv.tglc, again.tglc...), nil
	setAll(inv.hed, decimal.Zero, "DocInvoiceVendorAmt", "ScrDocInvoiceVendorAmt")
}
