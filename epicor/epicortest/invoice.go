package epicortest

import (
	"slices"

	"github.com/shopspring/decimal"
)

// invoice is one AP invoice with everything that hangs on it.
type invoice struct {
	hed  row
	dtl  []row
	exp  []row
	tglc []row
	tax  []row
	att  []row
}

func (i *invoice) clone() *invoice {
	copies := func(rs []row) []row {
		out := make([]row, len(rs))
		for n, r := range rs {
			out[n] = r.clone()
		}
		return out
	}
	return &invoice{hed: i.hed.clone(), dtl: copies(i.dtl), exp: copies(i.exp), tglc: copies(i.tglc), tax: copies(i.tax), att: copies(i.att)}
}

func (i *invoice) rows(table string) []row {
	switch table {
	case tabHed:
		return []row{i.hed}
	case tabDtl:
		return i.dtl
	case tabExp:
		return i.exp
	case tabTGLC:
		return i.tglc
	case tabTax:
		return i.tax
	case tabAttach:
		return i.att
	default:
		return nil
	}
}

// set returns the invoice as a tableset.
func (i *invoice) set() *tableset {
	ts := newTableset(invoiceTables())
	for _, n := range keptTables() {
		ts.rows[n] = i.rows(n)
	}
	return ts
}

// keptTables are the tables of an invoice that the fake keeps rows of.
func keptTables() []string { return []string{tabHed, tabDtl, tabExp, tabTGLC, tabTax, tabAttach} }

// shown is the factor between a stored amount of a line or expense and the same
// amount on the screen.
func (co *company) shown(r row) decimal.Decimal {
	if co.trueSign {
		return decimal.NewFromInt(1)
	}
	return sign(r)
}

// sign is -1 for a debit memo, whose lines are stored negative.
func sign(r row) decimal.Decimal {
	if r.bool("DebitMemo") {
		return decimal.NewFromInt(-1)
	}
	return decimal.NewFromInt(1)
}

func (co *company) invoiceKey(vendorNum int64, number string) string {
	return row{"Company": co.seed.ID, "VendorNum": vendorNum, "InvoiceNum": number}.key(co.schema[tabHed].key)
}

// updating collects the changes of one call; nothing is seen outside before commit.
type updating struct {
	c       *call
	ts      *tableset
	touched map[string]*invoice // nil: deleted
	order   []string            // keys in the order in which they were touched
	grown   []string            // keys of new lines, which get a default expense
}

// apply works through every marked row of a tableset and commits all or none.
func (c *call) apply(ts *tableset) (*updating, *fault) {
	u := &updating{c: c, ts: ts, touched: map[string]*invoice{}}
	steps := []struct {
		table string
		step  func(row) *fault
	}{
		{tabHed, u.header}, {tabDtl, u.line}, {tabExp, u.expense}, {tabTGLC, u.account}, {tabTax, u.tax}, {tabAttach, u.attach},
	}
	for _, st := range steps {
		for _, r := range ts.changes(st.table) {
			if f := st.step(r); f != nil {
				return nil, f
			}
		}
		if st.table == tabDtl {
			u.defaults()
		}
	}
	for _, k := range u.order {
		inv := u.touched[k]
		if inv == nil {
			continue
		}
		if _, f := c.openGroup(inv.hed.str("GroupID")); f != nil {
			return nil, f
		}
		u.total(inv)
	}
	u.commit()
	return u, nil
}

func (u *updating) commit() {
	co := u.c.co
	for _, k := range u.order {
		inv := u.touched[k]
		_, existed := co.invoices[k]
		switch {
		case inv == nil:
			co.release(co.invoices[k])
			delete(co.invoices, k)
			co.order = slices.DeleteFunc(co.order, func(x string) bool { return x == k })
		case existed:
			co.invoices[k] = inv
		default:
			co.invoices[k] = inv
			co.order = append(co.order, k)
		}
	}
}

// result is what an update answers: the touched invoices as they stand now.
func (u *updating) result() *tableset {
	ts := newTableset(invoiceTables())
	for _, k := range u.order {
		inv := u.c.co.invoices[k]
		if inv == nil {
			continue
		}
		for _, n := range keptTables() {
			ts.rows[n] = append(ts.rows[n], inv.rows(n)...)
		}
	}
	return ts
}

// open returns the working copy of the invoice that a row belongs to.
func (u *updating) open(r row) (*invoice, *fault) {
	k := u.c.co.invoiceKey(r.int("VendorNum"), r.str("InvoiceNum"))
	if inv, ok := u.touched[k]; ok {
		if inv == nil {
			return nil, notFound("Record not found.")
		}
		return inv, nil
	}
	inv, ok := u.c.co.invoices[k]
	if !ok {
		return nil, notFound("Record not found.")
	}
	if inv.hed.bool("Posted") {
		return nil, business(tabHed, "Posted", "Invoice %s is posted and cannot be changed.", r.str("InvoiceNum"))
	}
	inv = inv.clone()
	u.touched[k] = inv
	u.order = append(u.order, k)
	return inv, nil
}

func (u *updating) header(r row) *fault {
	switch r.str("RowMod") {
	case added:
		return u.newHeader(r)
	case deleted:
		return u.deleteHeader(r)
	}
	inv, f := u.open(r)
	if f != nil {
		return f
	}
	if f := u.c.stored(u.ts, u.c.co.schema[tabHed], r, inv.hed); f != nil {
		return f
	}
	if r.bool("DebitMemo") != inv.hed.bool("DebitMemo") {
		return business(tabHed, "DebitMemo", "The type of the document cannot be changed after it was created.")
	}
	if r.str("GroupID") != inv.hed.str("GroupID") {
		return business(tabHed, "GroupID", "The group of an invoice cannot be changed here.")
	}
	h := r.clone()
	for _, col := range []string{"SysRowID", "Posted", "GLPosted", "EntryPerson", "HeadNum"} {
		h[col] = inv.hed[col]
	}
	screen(h, inv.hed, "ScrDocInvoiceVendorAmt", "DocInvoiceVendorAmt", decimal.NewFromInt(1))
	if f := u.c.checkHeader(h); f != nil {
		return f
	}
	u.changed(h)
	inv.hed = h
	return nil
}

func (u *updating) newHeader(r row) *fault {
	co := u.c.co
	h := r.clone()
	if h.str("InvoiceNum") == "" {
		return business(tabHed, "InvoiceNum", "Invoice number is required.")
	}
	if f := u.c.checkHeader(h); f != nil {
		return f
	}
	k := h.key(co.schema[tabHed].key)
	if _, ok := co.invoices[k]; ok || u.touched[k] != nil {
		return u.c.s.duplicate(tabHed, "Invoice %s of supplier %s already exists.", h.str("InvoiceNum"), h.str("VendorNumVendorID"))
	}
	screen(h, nil, "ScrDocInvoiceVendorAmt", "DocInvoiceVendorAmt", decimal.NewFromInt(1))
	co.nextHead++
	h["HeadNum"], h["EntryPerson"], h["SysRowID"] = co.nextHead, u.c.user.Name, zeroGUID
	h["Posted"], h["GLPosted"], h["OpenPayable"] = false, false, true
	u.changed(h)
	u.touched[k] = &invoice{hed: h}
	u.order = append(u.order, k)
	return nil
}

func (u *updating) deleteHeader(r row) *fault {
	inv, f := u.open(r)
	if f != nil {
		return f
	}
	if f := u.c.stored(u.ts, u.c.co.schema[tabHed], r, inv.hed); f != nil {
		return f
	}
	if f := u.c.deletable(inv); f != nil {
		return f
	}
	u.touched[inv.hed.key(u.c.co.schema[tabHed].key)] = nil
	return nil
}

// checkHeader keeps the rules of a header that is to be saved.
func (c *call) checkHeader(h row) *fault {
	v, f := c.vendor(h)
	if f != nil {
		return f
	}
	if h.day("InvoiceDate").IsZero() {
		return business(tabHed, "InvoiceDate", "Invoice date is required.")
	}
	if f := c.checkPeriod(tabHed, h.day("ApplyDate")); f != nil {
		return f
	}
	if h.str("TermsCode") == "" {
		return business(tabHed, "TermsCode", "Terms code is required.")
	}
	rate, ok := c.co.rates[h.str("CurrencyCode")]
	if !ok {
		return business(tabHed, "CurrencyCode", "Currency %s is not valid.", h.str("CurrencyCode"))
	}
	if !h.bool("LockRate") {
		h.setNum("ExchangeRate", rate)
	}
	h["VendorNumVendorID"], h["VendorNumName"] = v["VendorID"], v["Name"]
	if _, f := c.openGroup(h.str("GroupID")); f != nil {
		return f
	}
	return nil
}

// vendor finds the supplier of a header by its internal number.
func (c *call) vendor(h row) (row, *fault) {
	v, ok := c.co.vendors.get(h.key(c.co.vendors.def.key))
	switch {
	case !ok:
		return nil, business(tabHed, "VendorNum", "Supplier is not valid.")
	case v.bool("Inactive"):
		return nil, business(tabHed, "VendorNum", "Supplier %s is inactive.", v.str("VendorID"))
	}
	return v, nil
}

// screen settles a stored amount and its twin on the screen: the one that was
// changed wins, the screen's where both were. Integrations in the field set either.
func screen(r, old row, scr, doc string, sign decimal.Decimal) {
	shown, kept := r.num(scr), r.num(doc)
	was := decimal.Zero
	if old != nil {
		was = old.num(scr)
	}
	if shown.Equal(kept.Mul(sign)) {
		return
	}
	if shown.Equal(was) {
		r.setNum(scr, kept.Mul(sign))
		return
	}
	r.setNum(doc, shown.Mul(sign))
}

// changed marks a row as written now by the caller.
func (u *updating) changed(r row) {
	r["RowMod"] = unchanged
	if _, ok := r["ChangedBy"]; ok {
		r["ChangedBy"] = u.c.user.Name
		r.setDay("ChangeDate", u.c.s.today())
	}
	u.c.s.stamp(r)
}

// deletable refuses to take away what is posted or in another user's hands.
func (c *call) deletable(inv *invoice) *fault {
	if inv.hed.bool("Posted") {
		return business(tabHed, "Posted", "Invoice %s is posted and cannot be deleted.", inv.hed.str("InvoiceNum"))
	}
	if g, ok := c.co.group(inv.hed.str("GroupID")); ok {
		return c.notLocked(g)
	}
	return nil
}

func (c *call) deleteInvoice(key string) *fault {
	inv, ok := c.co.invoices[key]
	if !ok {
		return notFound("Record not found.")
	}
	if f := c.deletable(inv); f != nil {
		return f
	}
	c.co.release(inv)
	c.co.unlinkCancelled(inv)
	delete(c.co.invoices, key)
	c.co.order = slices.DeleteFunc(c.co.order, func(x string) bool { return x == key })
	return nil
}

// next returns one more than the highest number of a column in rows.
func next(rows []row, col string) int64 {
	n := int64(0)
	for _, r := range rows {
		n = max(n, r.int(col))
	}
	return n + 1
}

// unlinkCancelled makes a cancelled invoice count again when what cancelled it is deleted.
func (co *company) unlinkCancelled(inv *invoice) {
	if !inv.hed.bool("CancellationInv") {
		return
	}
	k := co.invoiceKey(inv.hed.int("VendorNum"), inv.hed.str("InvoiceRef"))
	if src, ok := co.invoices[k]; ok {
		src = src.clone()
		src.hed["RefCancelledby"] = ""
		co.invoices[k] = src
	}
}
