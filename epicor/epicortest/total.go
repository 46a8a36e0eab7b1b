package epicortest

import (
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// total brings an invoice's sums, base currency and display columns up to date,
// and raises the version of the rows that this changes.
func (u *updating) total(inv *invoice) {
	h := inv.hed
	rate := h.num("ExchangeRate")
	if rate.IsZero() {
		rate = decimal.NewFromInt(1)
	}
	base := func(d decimal.Decimal) decimal.Decimal { return d.Mul(rate).Round(2) }
	sum := decimal.Zero
	for _, l := range inv.dtl {
		before := l.clone()
		cost := l.num("DocExtCost")
		sum = sum.Add(cost)
		spent := decimal.Zero
		for _, e := range inv.exp {
			if e.int("InvoiceLine") == l.int("InvoiceLine") {
				spent = spent.Add(e.num("DocExpAmt"))
			}
		}
		l["CurrencyCode"], l["Posted"] = h["CurrencyCode"], h["Posted"]
		l["VendorNumVendorID"], l["VendorNumName"] = h["VendorNumVendorID"], h["VendorNumName"]
		setAll(l, cost, "DocLineTotal")
		setAll(l, base(cost), "ExtCost", "LineTotal")
		setAll(l, base(cost).Mul(u.c.co.shown(h)), "ScrExtCost")
		setAll(l, spent, "DocLineExpenses")
		setAll(l, base(spent), "LineExpenses")
		setAll(l, cost.Sub(spent), "DocVariance")
		setAll(l, base(cost.Sub(spent)), "Variance")
		u.bump(l, before)
	}
	for _, e := range inv.exp {
		before := e.clone()
		e["CurrencyCode"], e["Posted"] = h["CurrencyCode"], h["Posted"]
		setAll(e, base(e.num("DocExpAmt")), "ExpAmt")
		setAll(e, base(e.num("DocScrExpAmt")), "ScrExpAmt")
		exp := u.c.co.schema[tabExp].key
		for _, g := range inv.tglc {
			if g.key(exp) == e.key(exp) {
				e["GLAccount"], e["ExpDispGLAcct"], e["COACode"] = g["GLAccount"], g["GLAccount"], g["COACode"]
				e["GLAccountDesc"] = g["GLAccountAccountDesc"]
			}
		}
		u.bump(e, before)
	}
	before := h.clone()
	tax := decimal.Zero
	for _, t := range inv.tax {
		was := t.clone()
		t["CurrencyCode"], t["Posted"] = h["CurrencyCode"], h["Posted"]
		setAll(t, base(t.num("DocTaxAmt")), "TaxAmt")
		tax = tax.Add(t.num("DocTaxAmt"))
		u.bump(t, was)
	}
	setAll(h, tax, "DocTaxAmt")
	setAll(h, base(tax), "TaxAmt")
	lines := sum
	if !u.c.s.opts.TaxApart {
		sum = sum.Add(tax)
	}
	setAll(h, sum, "DocInvoiceAmt", "DocInvoiceBal", "DocUnpostedBal")
	setAll(h, base(sum), "InvoiceAmt", "InvoiceBal", "UnpostedBal")
	setAll(h, sum.Mul(sign(h)), "ScrDocInvoiceAmt")
	setAll(h, base(sum).Mul(sign(h)), "ScrInvoiceAmt")
	setAll(h, lines.Mul(sign(h)), "ScrDocInvLineTotal")
	setAll(h, base(lines).Mul(sign(h)), "ScrInvLineTotal")
	setAll(h, base(h.num("DocInvoiceVendorAmt")), "InvoiceVendorAmt", "ScrInvoiceVendorAmt")
	setAll(h, h.num("DocInvoiceVendorAmt").Sub(lines.Add(tax).Mul(sign(h))), "DocInvoiceVariance")
	setAll(h, base(h.num("DocInvoiceVariance")), "InvoiceVariance")
	if h.day("DueDate").IsZero() {
		h.setDay("DueDate", due(h))
	}
	u.bump(h, before)
}

// due reads terms such as N30 as net days; any other code is due at once.
func due(h row) Date {
	d := h.day("InvoiceDate")
	code := h.str("TermsCode")
	if len(code) < 2 || code[0] != 'N' || d.IsZero() {
		return d
	}
	n, err := strconv.Atoi(code[1:])
	if err != nil || n < 0 || n > 999 {
		return d
	}
	return wire.DateOf(d.Time().AddDate(0, 0, n))
}

// setAll sets decimal columns, leaving the text of those that hold the number already.
func setAll(r row, v decimal.Decimal, cols ...string) {
	for _, c := range cols {
		if !r.num(c).Equal(v) {
			r.setNum(c, v)
		}
	}
}

// bump raises a row's version when its columns differ from before.
func (u *updating) bump(r, before row) {
	for c, v := range r {
		if compare(v, before[c]) != 0 {
			u.c.s.stamp(r)
			return
		}
	}
}
