package epicortest

import (
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// The methods here make and change rows of the tableset that the caller sends;
// none of them commits anything.

// entry is a method that takes an invoice tableset and gives it back changed.
func (c *call) entry(change func(ts *tableset) (results, *fault)) (results, *fault) {
	ts, f := c.tableset(invoiceTables())
	if f != nil {
		return nil, f
	}
	out, f := change(ts)
	if f == nil {
		f = c.bad
	}
	if f != nil {
		return nil, f
	}
	if out == nil {
		out = results{}
	}
	out["ds"] = ts
	return out, nil
}

func invoiceGet(c *call) (results, *fault) {
	inv, f := c.invoice(c.int("vendorNum"), c.str("invoiceNum"))
	if f != nil {
		return nil, f
	}
	return results{"returnObj": inv.set()}, nil
}

func (c *call) invoice(vendorNum int64, number string) (*invoice, *fault) {
	if c.bad != nil {
		return nil, c.bad
	}
	inv, ok := c.co.invoices[c.co.invoiceKey(vendorNum, number)]
	if !ok {
		return nil, notFound("Record not found.")
	}
	return inv, nil
}

func newHeader(debitMemo bool) func(*call) (results, *fault) {
	return func(c *call) (results, *fault) {
		return c.entry(func(ts *tableset) (results, *fault) {
			g, f := c.openGroup(c.str("cGroupID"))
			if f != nil {
				return nil, f
			}
			h := c.co.schema[tabHed].blank()
			h["Company"], h["GroupID"], h["DebitMemo"] = c.co.seed.ID, g["GroupID"], debitMemo
			h["ApplyDate"], h["FiscalYear"], h["FiscalPeriod"] = g["ApplyDate"], g["FiscalYear"], g["FiscalPeriod"]
			h["FiscalCalendarID"], h["OpenPayable"], h["EntryPerson"] = c.co.seed.Calendar, true, c.user.Name
			h["CurrencyCode"], h["BaseCurrencyID"] = c.co.seed.Currency, c.co.seed.Currency
			h.setNum("ExchangeRate", decimal.NewFromInt(1))
			for _, col := range []string{"InvoiceDate", "TaxPoint", "TaxRateDate"} {
				h.setDay(col, c.s.today())
			}
			h["SystemTranType"], h["InvoiceTypeDesc"] = "APInvoice", "Invoice"
			if debitMemo {
				h["SystemTranType"], h["InvoiceTypeDesc"] = "DebitMemo", "Debit Memo"
			}
			ts.add(tabHed, h)
			return nil, nil
		})
	}
}

func changeVendor(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		if f := c.bools("confirmCheck"); f != nil {
			return nil, f
		}
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		if h.str("RowMod") == updated {
			return nil, business(tabHed, "VendorNum", "The supplier of a saved invoice cannot be changed.")
		}
		v, ok := c.co.vendorByID(c.str("ProposedVendorID"))
		if !ok {
			return nil, business(tabHed, "VendorNumVendorID", "Supplier is not valid.")
		}
		if v.bool("Inactive") {
			return nil, business(tabHed, "VendorNumVendorID", "Supplier %s is inactive.", v.str("VendorID"))
		}
		for to, from := range map[string]string{
			"VendorNum": "VendorNum", "VendorNumVendorID": "VendorID", "VendorNumName": "Name",
			"VendorNumCurrencyCode": "CurrencyCode", "VendorNumTermsCode": "TermsCode", "TermsCode": "TermsCode",
			"CurrencyCode": "CurrencyCode", "TaxRegionCode": "TaxRegionCode", "PayHold": "PayHold",
			"VendorPayHold": "PayHold", "VendorInactive": "Inactive", "PMUID": "PMUID",
		} {
			h[to] = v[from]
		}
		rate, ok := c.co.rates[h.str("CurrencyCode")]
		if !ok {
			return nil, business(tabHed, "CurrencyCode", "Currency %s is not valid.", h.str("CurrencyCode"))
		}
		h.setNum("ExchangeRate", rate)
		h.setDay("DueDate", due(h))
		msg := ""
		if v.bool("PayHold") {
			msg = "Supplier " + v.str("VendorID") + " is on payment hold."
		}
		return results{"confirmMsg": msg}, nil
	})
}

func (co *company) vendorByID(id string) (row, bool) {
	for _, v := range co.vendors.rows {
		if v.str("VendorID") == id {
			return v, true
		}
	}
	return nil, false
}

// changeInvoiceDate sets the invoice date. The fiscal period follows it even
// though the apply date stays, so the apply date has to be set afterwards.
func changeInvoiceDate(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		d := c.day("ProposedInvoiceDate")
		h["RecalcAmts"] = c.str("recalcAmts")
		if d.IsZero() {
			return nil, business(tabHed, "InvoiceDate", "Invoice date is required.")
		}
		for _, col := range []string{"InvoiceDate", "TaxPoint", "TaxRateDate"} {
			h.setDay(col, d)
		}
		h.setDay("DueDate", due(h))
		c.co.setPeriod(h, d)
		return results{"cMessageText": ""}, nil
	})
}

func changeApplyDate(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		d := c.day("NewApplyDate")
		if n := c.int("VendorNum"); n != h.int("VendorNum") {
			return nil, business(tabHed, "VendorNum", "VendorNum %d is not that of the changed invoice.", n)
		}
		if n := c.str("InvoiceNum"); n != h.str("InvoiceNum") {
			return nil, business(tabHed, "InvoiceNum", "InvoiceNum %s is not that of the changed invoice.", n)
		}
		h["RecalcAmts"] = c.str("recalcAmts")
		if f := c.checkPeriod(tabHed, d); f != nil {
			return nil, f
		}
		h.setDay("ApplyDate", d)
		c.co.setPeriod(h, d)
		return results{"DateMessage": ""}, nil
	})
}

// changeVendorAmount sets the check total, in document currency. On a debit memo
// it is given and stored positive ("sign flipped") while DocInvoiceAmt is
// negative; an assumption to check on a live tenant.
func changeVendorAmount(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		v := c.num("ProposedInvoiceVendorAmt")
		setAll(h, v, "DocInvoiceVendorAmt", "ScrDocInvoiceVendorAmt")
		setAll(h, v.Mul(h.num("ExchangeRate")).Round(2), "InvoiceVendorAmt", "ScrInvoiceVendorAmt")
		return nil, nil
	})
}

func changeCurrency(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		code := c.str("ProposedCurrencyCode")
		rate, ok := c.co.rates[code]
		if !ok {
			return nil, business(tabHed, "CurrencyCode", "Currency %s is not valid.", code)
		}
		h["CurrencyCode"] = code
		h.setNum("ExchangeRate", rate)
		return nil, nil
	})
}

func changeDueDate(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		h.setDay("DueDate", c.day("ProposedDueDate"))
		return nil, nil
	})
}

func changeTerms(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		h, f := ts.current(tabHed)
		if f != nil {
			return nil, f
		}
		h["TermsCode"] = c.str("ProposedTermsCode")
		h.setDay("DueDate", due(h))
		return nil, nil
	})
}

// Types of lines.
const (
	lineMisc       = "M"
	lineReceipt    = "R"
	lineUnreceived = "U"
)

func newLine(kind, description string) func(*call) (results, *fault) {
	return func(c *call) (results, *fault) { return c.newLine(kind, description) }
}

func (c *call) newLine(kind, description string) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		inv, f := c.openInvoice(c.int("iVendorNum"), c.str("cInvoiceNum"))
		if f != nil {
			return nil, f
		}
		l := c.blankLine(inv, kind, description)
		l["InvoiceLine"] = max(next(inv.dtl, "InvoiceLine"), next(c.ofInvoice(ts.rows[tabDtl], inv), "InvoiceLine"))
		ts.add(tabDtl, l)
		return nil, nil
	})
}

// blankLine is a new line of an invoice, with its next number.
func (c *call) blankLine(inv *invoice, kind, description string) row {
	l := c.co.schema[tabDtl].blank()
	for _, col := range []string{"Company", "VendorNum", "InvoiceNum", "DebitMemo", "GroupID", "CurrencyCode", "VendorNumVendorID", "VendorNumName"} {
		l[col] = inv.hed[col]
	}
	l["InvoiceLine"] = next(inv.dtl, "InvoiceLine")
	l["LineType"], l["LineTypeDescription"], l["CostPerCode"] = kind, description, "E"
	return l
}

// openInvoice finds a saved invoice that lines can be added to.
func (c *call) openInvoice(vendorNum int64, number string) (*invoice, *fault) {
	inv, f := c.invoice(vendorNum, number)
	if f != nil {
		return nil, f
	}
	if inv.hed.bool("Posted") {
		return nil, business(tabHed, "Posted", "Invoice %s is posted and cannot be changed.", number)
	}
	if _, f := c.openGroup(inv.hed.str("GroupID")); f != nil {
		return nil, f
	}
	return inv, nil
}

func (c *call) ofInvoice(rows []row, inv *invoice) []row {
	k := c.co.schema[tabHed].key
	var out []row
	for _, r := range rows {
		if r.same(inv.hed, k) {
			out = append(out, r)
		}
	}
	return out
}

// line returns the changed line of a tableset.
func (c *call) line(change func(l row) *fault) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		l, f := ts.current(tabDtl)
		if f != nil {
			return nil, f
		}
		return nil, change(l)
	})
}

func changePart(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		l["PartNum"] = c.str("ProposedPartNum")
		return nil
	})
}

func changeQuantity(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		q := c.num("ProposedVendorQty")
		setAll(l, q, "ScrVendorQty", "ScrOurQty")
		setAll(l, q.Mul(c.co.shown(l)), "VendorQty", "OurQty")
		c.setExtCost(l, q.Mul(l.num("DocScrUnitCost")))
		return nil
	})
}

func changeUnitCost(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		v := c.num("ProposedUnitCost")
		setAll(l, v, "DocScrUnitCost", "DocUnitCost")
		c.setExtCost(l, v.Mul(l.num("ScrVendorQty")))
		return nil
	})
}

// changeExtCost sets a line's amount in document currency, as on the screen: a
// debit memo's is given positive and stored negative. The unit cost follows.
func changeExtCost(c *call) (results, *fault) {
	return c.line(func(l row) *fault {
		v := c.num("ProposedExtCost")
		c.setExtCost(l, v)
		if q := l.num("ScrVendorQty"); !q.IsZero() {
			setAll(l, v.DivRound(q, 5), "DocScrUnitCost", "DocUnitCost")
		}
		return nil
	})
}

func (c *call) setExtCost(l row, shown decimal.Decimal) {
	setAll(l, shown, "ScrDocExtCost")
	setAll(l, shown.Mul(c.co.shown(l)), "DocExtCost", "DocLineTotal")
}

// blankExpense is a new expense row of a line.
func (c *call) blankExpense(l row, seq int64) row {
	e := c.co.schema[tabExp].blank()
	for _, col := range []string{"Company", "VendorNum", "InvoiceNum", "InvoiceLine", "DebitMemo", "GroupID", "CurrencyCode"} {
		e[col] = l[col]
	}
	e["InvExpSeq"], e["COACode"], e["AllowUpdate"] = seq, c.co.seed.COACode, true
	return e
}

// blankTGLC is a new GL account row of an expense.
func (c *call) blankTGLC(e row) row {
	g := c.co.schema[tabTGLC].blank()
	for _, col := range []string{"Company", "VendorNum", "InvoiceNum", "InvoiceLine", "InvExpSeq", "GroupID", "CurrencyCode"} {
		g[col] = e[col]
	}
	g["RelatedToFile"], g["GLAcctContext"], g["RecordType"] = tabExp, "Expense", "A"
	g["Key1"], g["Key2"] = strconv.FormatInt(e.int("VendorNum"), 10), e["InvoiceNum"]
	g["Key3"], g["Key4"] = strconv.FormatInt(e.int("InvoiceLine"), 10), strconv.FormatInt(e.int("InvExpSeq"), 10)
	g["TGLCTranNum"], g["COACode"], g["UserCanModify"] = int64(1), c.co.seed.COACode, true
	return g
}

func newExpense(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		inv, f := c.openInvoice(c.int("vendorNum"), c.str("invoiceNum"))
		if f != nil {
			return nil, f
		}
		n := c.int("invoiceLine")
		on := func(rows []row) []row {
			var out []row
			for _, r := range rows {
				if r.int("InvoiceLine") == n {
					out = append(out, r)
				}
			}
			return out
		}
		lines := on(inv.dtl)
		if len(lines) == 0 {
			return nil, business(tabExp, "InvoiceLine", "Invoice line %d is not valid.", n)
		}
		seq := max(next(on(inv.exp), "InvExpSeq"), next(on(c.ofInvoice(ts.rows[tabExp], inv)), "InvExpSeq"))
		ts.add(tabExp, c.blankExpense(lines[0], seq))
		return nil, nil
	})
}

// changeExpense sets an expense's amount in document currency, as on the screen.
func changeExpense(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		e, f := ts.current(tabExp)
		if f != nil {
			return nil, f
		}
		v := c.num("ProposedAmt")
		setAll(e, v, "DocScrExpAmt")
		setAll(e, v.Mul(c.co.shown(e)), "DocExpAmt")
		return nil, nil
	})
}

func newTGLC(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		inv, f := c.openInvoice(c.int("vendorNum"), c.str("invoiceNum"))
		if f != nil {
			return nil, f
		}
		line, seq := c.int("invoiceLine"), c.int("invExpSeq")
		for _, e := range append(c.ofInvoice(ts.rows[tabExp], inv), inv.exp...) {
			if e.int("InvoiceLine") == line && e.int("InvExpSeq") == seq {
				ts.add(tabTGLC, c.blankTGLC(e))
				return nil, nil
			}
		}
		return nil, business(tabTGLC, "InvExpSeq", "Invoice expense %d of line %d is not valid.", seq, line)
	})
}

// setAccount fills an account and its segments.
func setAccount(g row, account string) {
	g["GLAccount"], g["GLAccountGLAcctDisp"] = account, account
	segs := strings.Split(account, "|")
	for i := 1; i <= 20; i++ {
		g[segment(i)] = ""
		if i <= len(segs) {
			g[segment(i)] = segs[i-1]
		}
	}
}

// checkAccount keeps the rules of a GL account that is to be saved: it exists,
// is active on the apply date, and its segments say the same as the whole. That a
// live tenant refuses segments that disagree is an assumption; segments that are
// all empty are filled from the account.
func (c *call) checkAccount(inv *invoice, g, old row) *fault {
	account := g.str("GLAccount")
	if old != nil && account == old.str("GLAccount") && joined(g) == joined(old) {
		return nil
	}
	if g.str("COACode") == "" {
		g["COACode"] = c.co.seed.COACode
	}
	switch j := joined(g); {
	case account == "" && j != "":
		account = j
	case j == "":
	case j != account:
		return business(tabTGLC, "GLAccount", "GL account %s does not agree with its segments %s.", account, j)
	}
	a, ok := c.co.accounts.get(row{
		"Company": c.co.seed.ID, "COACode": g.str("COACode"), "GLAccount1": account,
	}.key(c.co.accounts.def.key))
	d := inv.hed.day("ApplyDate")
	switch {
	case !ok:
		return business(tabTGLC, "GLAccount", "GL account %s is not valid.", account)
	case !a.bool("Active"):
		return business(tabTGLC, "GLAccount", "GL account %s is inactive.", account)
	case d.Before(a.day("EffFrom")):
		return business(tabTGLC, "GLAccount", "GL account %s is not effective before %s.", account, a.day("EffFrom"))
	case !a.day("EffTo").IsZero() && a.day("EffTo").Before(d):
		return business(tabTGLC, "GLAccount", "GL account %s is not effective after %s.", account, a.day("EffTo"))
	}
	setAccount(g, account)
	g["GLAccountAccountDesc"] = a["AccountDesc"]
	return nil
}

// joined is the account that the segment columns say.
func joined(g row) string {
	last := 0
	segs := make([]string, 20)
	for i := 1; i <= 20; i++ {
		if segs[i-1] = g.str(segment(i)); segs[i-1] != "" {
			last = i
		}
	}
	return strings.Join(segs[:last], "|")
}
