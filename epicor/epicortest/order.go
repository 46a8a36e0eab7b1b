package epicortest

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Order seeds a purchase order.
type Order struct {
	Num      int
	VendorID string
	Currency string // "" is the vendor's
	Held     bool
	Lines    []OrderLine
}

// OrderLine is a line of an Order, with one release of its whole quantity.
type OrderLine struct {
	PartNum     string
	Description string
	Quantity    decimal.Decimal
	UnitCost    decimal.Decimal // in the order's currency
	Receipts    []Receipt
}

// Receipt is what arrived of an OrderLine.
type Receipt struct {
	PackSlip string
	PackLine int // 0 is the number of the order's line
	Quantity decimal.Decimal
}

// Tables of the receipts that can be invoiced. Their tableset stands in no
// published schema; the names are those that integrations in the field use.
const (
	tabReceipts     = "APUninvoicedReceipts"
	tabReceiptLines = "APUninvoicedRcptLines"
	tabSelected     = "APSelectedRcptLines"
	tabReceiptTotal = "APReceiptTotals"
)

func receiptOrder() []string {
	return []string{tabReceipts, tabReceiptLines, tabSelected, tabReceiptTotal}
}

func receiptTables() []*table {
	var out []*table
	for _, name := range receiptOrder() {
		t := &table{name: name, key: []string{"Company", "VendorNum", "PONum", "POLine", "PackSlip", "PackLine"}}
		for _, c := range []string{"Company", "PurPoint", "PackSlip", "PartNum", "LineDesc", "InvoiceNum", "RowMod"} {
			t.columns = append(t.columns, column{name: c, kind: text, def: ""})
		}
		for _, c := range []string{"VendorNum", "PONum", "POLine", "PORelNum", "PackLine"} {
			t.columns = append(t.columns, column{name: c, kind: integer, def: int64(0)})
		}
		for _, c := range []string{"VendorQty", "DocUnitCost", "DocExtCost"} {
			t.columns = append(t.columns, column{name: c, kind: number, def: number.zero()})
		}
		t.columns = append(t.columns, column{name: "SelectLine", kind: boolean, def: false})
		t.index()
		out = append(out, t)
	}
	return out
}

// AddOrders adds purchase orders with their receipts, or replaces those that exist.
func (s *Server) AddOrders(companyID string, orders ...Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, o := range orders {
		s.addOrder(co, o)
	}
}

func (s *Server) addOrder(co *company, o Order) {
	v, ok := co.vendorByID(o.VendorID)
	if !ok {
		panic(fmt.Sprintf("epicortest: company %s has no vendor %q", co.seed.ID, o.VendorID))
	}
	orDefault(&o.Currency, v.str("CurrencyCode"))
	h := s.seedRow(co, tabOrder, nil)
	h["PONum"], h["OpenOrder"], h["VendorNum"], h["VendorVendorID"], h["VendorName"] = int64(o.Num), true, v["VendorNum"], v["VendorID"], v["Name"]
	h["CurrencyCode"], h["TermsCode"], h["OrderHeld"], h["Approve"], h["ApprovalStatus"] = o.Currency, v["TermsCode"], o.Held, true, "A"
	h.setDay("OrderDate", s.today())
	h.setDay("ChangeDate", s.today())
	sum := decimal.Zero
	for i, l := range o.Lines {
		orDefault(&l.Description, l.PartNum)
		d := s.seedRow(co, tabOrderDtl, nil)
		d["PONUM"], d["POLine"], d["OpenLine"], d["LineDesc"], d["PartNum"] = int64(o.Num), int64(i+1), true, l.Description, l.PartNum
		d["VendorNum"], d["IUM"], d["PUM"] = v["VendorNum"], "EA", "EA"
		d.setNum("OrderQty", l.Quantity)
		setAll(d, l.UnitCost, "UnitCost", "DocUnitCost")
		d.setNum("DocExtCost", l.UnitCost.Mul(l.Quantity))
		co.more[tabOrderDtl].put(d)
		sum = sum.Add(l.UnitCost.Mul(l.Quantity))
		r := s.seedRow(co, tabOrderRel, nil)
		r["PONum"], r["POLine"], r["PORelNum"], r["OpenRelease"] = int64(o.Num), int64(i+1), int64(1), true
		r.setNum("RelQty", l.Quantity)
		got := decimal.Zero
		for _, rc := range l.Receipts {
			if rc.PackLine == 0 {
				rc.PackLine = i + 1
			}
			got = got.Add(rc.Quantity)
			x := co.schema[tabReceiptLines].blank()
			x["Company"], x["VendorNum"], x["PONum"], x["POLine"], x["PORelNum"] = co.seed.ID, v["VendorNum"], int64(o.Num), int64(i+1), int64(1)
			x["PackSlip"], x["PackLine"], x["PartNum"], x["LineDesc"] = rc.PackSlip, int64(rc.PackLine), l.PartNum, l.Description
			x.setNum("VendorQty", rc.Quantity)
			x.setNum("DocUnitCost", l.UnitCost)
			x.setNum("DocExtCost", l.UnitCost.Mul(rc.Quantity))
			co.receipts = append(co.receipts, x)
		}
		r.setNum("ReceivedQty", got)
		co.more[tabOrderRel].put(r)
	}
	h.setNum("DocTotalOrder", sum)
	co.more[tabOrder].put(h)
}

func (co *company) purchase(num int64) (row, bool) {
	return co.more[tabOrder].get(row{"Company": co.seed.ID, "PONum": num}.key(co.more[tabOrder].def.key))
}

// changeRefOrder makes an order the reference of a new header, with its vendor.
func changeRefOrder(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		o, ok := c.co.purchase(c.int("ProposedRefPONum"))
		if !ok {
			return nil, business(tabHed, "REFPONum", "PO number is not valid.")
		}
		if n := h.int("VendorNum"); n != 0 && n != o.int("VendorNum") {
			return nil, business(tabHed, "REFPONum", "PO %d is of another supplier.", o.int("PONum"))
		}
		h["REFPONum"] = o["PONum"]
		return results{"confirmMsg": ""}, nil
	})
}

func changeOrder(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		o, ok := c.co.purchase(c.int("ProposedPONum"))
		if !ok || o.int("VendorNum") != l.int("VendorNum") {
			return business(tabDtl, "PONum", "PO number is not valid.")
		}
		l["PONum"] = o["PONum"]
		return nil
	})
}

// changeOrderLine takes part, text and cost of the order's line.
func changeOrderLine(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		d, ok := c.co.more[tabOrderDtl].get(row{"Company": c.co.seed.ID, "PONUM": l["PONum"], "POLine": c.int("ProposedPOLine")}.key(c.co.more[tabOrderDtl].def.key))
		if !ok {
			return business(tabDtl, "POLine", "PO line is not valid.")
		}
		l["POLine"], l["PartNum"], l["Description"] = d["POLine"], d["PartNum"], d["LineDesc"]
		setAll(l, d.num("DocUnitCost"), "DocScrUnitCost", "DocUnitCost")
		return nil
	})
}

func changeOrderRelease(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		r, ok := c.co.more[tabOrderRel].get(row{
			"Company": c.co.seed.ID, "PONum": l["PONum"], "POLine": l["POLine"], "PORelNum": c.int("ProposedPORelNum"),
		}.key(c.co.more[tabOrderRel].def.key))
		if !ok {
			return business(tabDtl, "PORelNum", "PO release is not valid.")
		}
		l["PORelNum"] = r["PORelNum"]
		q := r.num("RelQty")
		setAll(l, q, "ScrVendorQty", "ScrOurQty")
		setAll(l, q.Mul(c.co.shown(l)), "VendorQty", "OurQty")
		c.setExtCost(l, q.Mul(l.num("DocScrUnitCost")))
		return nil
	})
}

// uninvoicedReceipts lists what was received of a vendor and is on no invoice.
func uninvoicedReceipts(c *call) (results, *fault) {
	if _, f := c.tableset(receiptOrder()); f != nil {
		return nil, f
	}
	if _, f := c.openInvoice(c.int("InVendorNum"), c.str("InInvoiceNum")); f != nil {
		return nil, f
	}
	po := c.int("InPONum")
	ts := newTableset(receiptOrder())
	for _, r := range c.co.receipts {
		if r.int("VendorNum") == c.int("InVendorNum") && (po == 0 || r.int("PONum") == po) && r.str("InvoiceNum") == "" {
			ts.rows[tabReceiptLines] = append(ts.rows[tabReceiptLines], r.clone())
		}
	}
	return results{"ds": ts}, nil
}

// selectReceiptLines moves the lines that are marked to the selected ones.
func selectReceiptLines(c *call) (results, *fault) {
	ts, f := c.tableset(receiptOrder())
	if f != nil {
		return nil, f
	}
	if f := c.bools("InDropShip", "InGRNIClearing"); f != nil {
		return nil, f
	}
	var left []row
	for _, r := range ts.rows[tabReceiptLines] {
		if !r.bool("SelectLine") || r.str("RowMod") != updated {
			left = append(left, r)
			continue
		}
		if r.int("PONum") != c.int("InPONum") || r.str("PackSlip") != c.str("InPackSlip") || r.str("PurPoint") != c.str("InPurPoint") {
			return nil, business(tabReceiptLines, "PackSlip", "The selected line is not of receipt %s.", c.str("InPackSlip"))
		}
		r["InvoiceNum"] = c.str("InvoiceNum")
		ts.rows[tabSelected] = append(ts.rows[tabSelected], r)
	}
	ts.rows[tabReceiptLines] = left
	return results{"ds": ts}, nil
}

// invoiceReceiptLines commits the selected lines as lines of the invoice.
func invoiceReceiptLines(c *call) (results, *fault) {
	ts, f := c.tableset(receiptOrder())
	if f != nil {
		return nil, f
	}
	for _, r := range ts.rows[tabSelected] {
		inv, f := c.openInvoice(r.int("VendorNum"), r.str("InvoiceNum"))
		if f != nil {
			return nil, f
		}
		var stored row
		for _, x := range c.co.receipts {
			if x.same(r, c.co.schema[tabReceiptLines].key) {
				stored = x
			}
		}
		if stored == nil || stored.str("InvoiceNum") != "" {
			return nil, business(tabSelected, "PackSlip", "Receipt %s line %d was invoiced already.", r.str("PackSlip"), r.int("PackLine"))
		}
		l := c.blankLine(inv, lineReceipt, "Receipt")
		for _, col := range []string{"PONum", "POLine", "PORelNum", "PackSlip", "PackLine", "PartNum", "PurPoint"} {
			l[col] = stored[col]
		}
		l["Description"] = stored["LineDesc"]
		q := stored.num("VendorQty")
		setAll(l, q, "ScrVendorQty", "ScrOurQty")
		setAll(l, q.Mul(c.co.shown(l)), "VendorQty", "OurQty")
		setAll(l, stored.num("DocUnitCost"), "DocScrUnitCost", "DocUnitCost")
		c.setExtCost(l, q.Mul(stored.num("DocUnitCost")))
		l["RowMod"] = added
		one := newTableset(invoiceTables())
		one.rows[tabDtl] = []row{l}
		if _, f := c.apply(one); f != nil {
			return nil, f
		}
		stored["InvoiceNum"] = r["InvoiceNum"]
	}
	ts.rows[tabSelected] = nil
	return results{"ds": ts, "opLOCMsg": ""}, nil
}

// release makes the receipts of an invoice's lines free for another one.
func (co *company) release(inv *invoice) {
	for _, x := range co.receipts {
		if x.int("VendorNum") == inv.hed.int("VendorNum") && x.str("InvoiceNum") == inv.hed.str("InvoiceNum") {
			x["InvoiceNum"] = ""
		}
	}
}
