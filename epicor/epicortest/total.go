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
	// Reports come with thousands of expenses: each is looked at once.
	spent := map[int64]decimal.Decimal{}
	for _, e := range inv.exp {
		spent[e.int("InvoiceLine")] = spent[e.int("InvoiceLine")].Add(e.num("DocExpAmt"))
	}
	for _, l := range inv.dtl {
		cost, spent := l.num("DocExtCost"), spent[l.int("InvoiceLine")]
		sum = sum.Add(cost)
		s := setting{row: l}
		s.copy(h, "CurrencyCode", "Posted", "VendorNumVendorID", "VendorNumName")
		s.nums(cost, "DocLineTotal")
		s.nums(base(cost), "ExtCost", "LineTotal")
		s.nums(base(cost).Mul(u.c.co.shown(h)), "ScrExtCost")
		s.nums(spent, "DocLineExpenses")
		s.nums(base(spent), "LineExpenses")
		s.nums(cost.Sub(spent), "DocVariance")
		s.nums(base(cost.Sub(spent)), "Variance")
		u.stampChanged(s)
	}
	exp := u.c.co.schema[tabExp].key
	accounts := make(map[string]row, len(inv.tglc))
	for _, g := range inv.tglc {
		accounts[g.key(exp)] = g
	}
	for _, e := range inv.exp {
		s := setting{row: e}
		s.copy(h, "CurrencyCode", "Posted")
		s.nums(base(e.num("DocExpAmt")), "ExpAmt")
		s.nums(base(e.num("DocScrExpAmt")), "ScrExpAmt")
		if g, ok := accounts[e.key(exp)]; ok {
			s.set("GLAccount", g["GLAccount"])
			s.set("ExpDispGLAcct", g["GLAccount"])
			s.set("COACode", g["COACode"])
			s.set("GLAccountDesc", g["GLAccountAccountDesc"])
		}
		u.stampChanged(s)
	}
	of := setting{row: h}
	tax := decimal.Zero
	for _, t := range inv.tax {
		s := setting{row: t}
		s.copy(h, "CurrencyCode", "Posted")
		s.nums(base(t.num("DocTaxAmt")), "TaxAmt")
		tax = tax.Add(t.num("DocTaxAmt"))
		u.stampChanged(s)
	}
	of.nums(tax, "DocTaxAmt")
	of.nums(base(tax), "TaxAmt")
	lines := sum
	if !u.c.s.opts.TaxApart {
		sum = sum.Add(tax)
	}
	of.nums(sum, "DocInvoiceAmt", "DocInvoiceBal", "DocUnpostedBal")
	of.nums(base(sum), "InvoiceAmt", "InvoiceBal", "UnpostedBal")
	of.nums(sum.Mul(sign(h)), "ScrDocInvoiceAmt")
	of.nums(base(sum).Mul(sign(h)), "ScrInvoiceAmt")
	of.nums(lines.Mul(sign(h)), "ScrDocInvLineTotal")
	of.nums(base(lines).Mul(sign(h)), "ScrInvLineTotal")
	of.nums(base(h.num("DocInvoiceVendorAmt")), "InvoiceVendorAmt", "ScrInvoiceVendorAmt")
	of.nums(h.num("DocInvoiceVendorAmt").Sub(lines.Add(tax).Mul(sign(h))), "DocInvoiceVariance")
	of.nums(base(h.num("DocInvoiceVariance")), "InvoiceVariance")
	if h.day("DueDate").IsZero() {
		was := h["DueDate"]
		h.setDay("DueDate", due(h))
		of.changed = of.changed || compare(h["DueDate"], was) != 0
	}
	u.stampChanged(of)
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

// setting sets columns of a row and knows whether one of them changed. Each is
// set once.
type setting struct {
	row     row
	changed bool
}

func (s *setting) set(col string, v any) {
	s.changed = s.changed || compare(v, s.row[col]) != 0
	s.row[col] = v
}

// copy sets columns to what they are in another row.
func (s *setting) copy(from row, cols ...string) {
	for _, c := range cols {
		s.set(c, from[c])
	}
}

// nums sets decimal columns, leaving the text of those that hold the number already.
func (s *setting) nums(v decimal.Decimal, cols ...string) {
	for _, c := range cols {
		if !s.row.num(c).Equal(v) {
			s.set(c, wire.DecimalOf(v))
		}
	}
}

// stampChanged raises the version of a row that was changed.
func (u *updating) stampChanged(s setting) {
	if s.changed {
		u.c.s.stamp(s.row)
	}
}

// setAll sets decimal columns, leaving the text of those that hold the number already.
func setAll(r row, v decimal.Decimal, cols ...string) {
	s := setting{row: r}
	s.nums(v, cols...)
}
