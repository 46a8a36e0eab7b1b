package epicortest

import (
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// invoice is one AP invoice with everything that hangs on it.
type invoice struct {
	hed  row
	dtl  []row
	exp  []row
	tglc []row
}

func (i *invoice) clone() *invoice {
	copies := func(rs []row) []row {
		out := make([]row, len(rs))
		for n, r := range rs {
			out[n] = r.clone()
		}
		return out
	}
	return &invoice{hed: i.hed.clone(), dtl: copies(i.dtl), exp: copies(i.exp), tglc: copies(i.tglc)}
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
	default:
		return nil
	}
}

// set returns the invoice as a tableset.
func (i *invoice) set() *tableset {
	ts := newTableset(invoiceTables())
	for _, n := range []string{tabHed, tabDtl, tabExp, tabTGLC} {
		ts.rows[n] = i.rows(n)
	}
	return ts
}

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

// update collects the changes of one call; nothing is seen outside before commit.
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
		{tabHed, u.header}, {tabDtl, u.line}, {tabExp, u.expense}, {tabTGLC, u.account},
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
		for _, n := range []string{tabHed, tabDtl, tabExp, tabTGLC} {
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

// child finds the stored row that a changed row of a child table means.
func (u *updating) child(table string, r row) (*invoice, int, *fault) {
	inv, f := u.open(r)
	if f != nil {
		return nil, 0, f
	}
	t := u.c.co.schema[table]
	rows := inv.rows(table)
	i := slices.IndexFunc(rows, func(x row) bool { return x.key(t.key) == r.key(t.key) })
	if i < 0 {
		return nil, 0, notFound("Record not found.")
	}
	return inv, i, u.c.stored(u.ts, t, r, rows[i])
}

func (u *updating) line(r row) *fault {
	dtl := u.c.co.schema[tabDtl]
	if r.str("RowMod") == added {
		inv, f := u.open(r)
		if f != nil {
			return f
		}
		if slices.ContainsFunc(inv.dtl, func(x row) bool { return x.key(dtl.key) == r.key(dtl.key) }) {
			return u.c.s.duplicate(tabDtl, "Line %d already exists.", r.int("InvoiceLine"))
		}
		l := r.clone()
		l["DebitMemo"], l["GroupID"] = inv.hed["DebitMemo"], inv.hed["GroupID"]
		u.lineAmounts(l, nil)
		l["SysRowID"] = zeroGUID
		u.changed(l)
		inv.dtl = append(inv.dtl, l)
		u.grown = append(u.grown, l.key(dtl.key))
		return nil
	}
	inv, i, f := u.child(tabDtl, r)
	if f != nil {
		return f
	}
	old := inv.dtl[i]
	if r.str("RowMod") == deleted {
		inv.dtl = slices.Delete(inv.dtl, i, i+1)
		u.dropChildren(inv, dtl, old)
		return nil
	}
	l := r.clone()
	l["SysRowID"], l["DebitMemo"] = old["SysRowID"], old["DebitMemo"]
	u.lineAmounts(l, old)
	u.changed(l)
	inv.dtl[i] = l
	u.follow(inv, old, l)
	return nil
}

func (u *updating) lineAmounts(l, old row) {
	screen(l, old, "ScrDocExtCost", "DocExtCost", u.c.co.shown(l))
	screen(l, old, "ScrVendorQty", "VendorQty", u.c.co.shown(l))
	l["OurQty"], l["ScrOurQty"] = l["VendorQty"], l["ScrVendorQty"]
}

// follow keeps a line's only expense at the line's amount while nobody split it.
func (u *updating) follow(inv *invoice, old, l row) {
	if old.num("DocExtCost").Equal(l.num("DocExtCost")) {
		return
	}
	var of []row
	for _, e := range inv.exp {
		if e.key(u.c.co.schema[tabDtl].key) == l.key(u.c.co.schema[tabDtl].key) {
			of = append(of, e)
		}
	}
	if len(of) == 1 && of[0].num("DocExpAmt").Equal(old.num("DocExtCost")) {
		of[0]["DocExpAmt"], of[0]["DocScrExpAmt"] = l["DocExtCost"], l["ScrDocExtCost"]
		u.changed(of[0])
	}
}

func (u *updating) dropChildren(inv *invoice, t *table, parent row) {
	for _, list := range []*[]row{&inv.exp, &inv.tglc} {
		*list = slices.DeleteFunc(*list, func(x row) bool { return x.key(t.key) == parent.key(t.key) })
	}
}

// defaults gives each new line the expense row and the GL account row that the
// system makes by itself: the line's whole amount on the default account.
func (u *updating) defaults() {
	co := u.c.co
	t := co.schema[tabDtl]
	for _, k := range u.order {
		inv := u.touched[k]
		if inv == nil {
			continue
		}
		for _, l := range inv.dtl {
			if !slices.Contains(u.grown, l.key(t.key)) {
				continue
			}
			e := u.c.blankExpense(l, 1)
			e["DocExpAmt"], e["DocScrExpAmt"] = l["DocExtCost"], l["ScrDocExtCost"]
			u.changed(e)
			g := u.c.blankTGLC(e)
			setAccount(g, co.seed.DefaultAccount)
			u.changed(g)
			inv.exp, inv.tglc = append(inv.exp, e), append(inv.tglc, g)
		}
	}
	u.grown = nil
}

func (u *updating) expense(r row) *fault {
	exp := u.c.co.schema[tabExp]
	if r.str("RowMod") == added {
		inv, f := u.open(r)
		if f != nil {
			return f
		}
		line := u.c.co.schema[tabDtl].key
		if !slices.ContainsFunc(inv.dtl, func(x row) bool { return x.key(line) == r.key(line) }) {
			return business(tabExp, "InvoiceLine", "Invoice line %d is not valid.", r.int("InvoiceLine"))
		}
		if slices.ContainsFunc(inv.exp, func(x row) bool { return x.key(exp.key) == r.key(exp.key) }) {
			return u.c.s.duplicate(tabExp, "Expense %d already exists.", r.int("InvExpSeq"))
		}
		e := r.clone()
		e["DebitMemo"], e["GroupID"] = inv.hed["DebitMemo"], inv.hed["GroupID"]
		screen(e, nil, "DocScrExpAmt", "DocExpAmt", u.c.co.shown(e))
		e["SysRowID"] = zeroGUID
		u.changed(e)
		inv.exp = append(inv.exp, e)
		return nil
	}
	inv, i, f := u.child(tabExp, r)
	if f != nil {
		return f
	}
	old := inv.exp[i]
	if r.str("RowMod") == deleted {
		inv.exp = slices.Delete(inv.exp, i, i+1)
		inv.tglc = slices.DeleteFunc(inv.tglc, func(x row) bool { return x.key(exp.key) == old.key(exp.key) })
		return nil
	}
	e := r.clone()
	e["SysRowID"], e["DebitMemo"] = old["SysRowID"], old["DebitMemo"]
	screen(e, old, "DocScrExpAmt", "DocExpAmt", u.c.co.shown(e))
	u.changed(e)
	inv.exp[i] = e
	return nil
}

func (u *updating) account(r row) *fault {
	if r.str("RowMod") == added {
		inv, f := u.open(r)
		if f != nil {
			return f
		}
		exp := u.c.co.schema[tabExp].key
		if !slices.ContainsFunc(inv.exp, func(x row) bool { return x.key(exp) == r.key(exp) }) {
			return business(tabTGLC, "InvExpSeq", "Invoice expense %d is not valid.", r.int("InvExpSeq"))
		}
		if slices.ContainsFunc(inv.tglc, func(x row) bool { return x.key(exp) == r.key(exp) }) {
			return business(tabTGLC, "GLAcctContext", "The expense %d of line %d has its GL account already: change that row.",
				r.int("InvExpSeq"), r.int("InvoiceLine"))
		}
		g := r.clone()
		if f := u.c.checkAccount(inv, g, nil); f != nil {
			return f
		}
		g["SysRowID"] = zeroGUID
		u.changed(g)
		inv.tglc = append(inv.tglc, g)
		return nil
	}
	inv, i, f := u.child(tabTGLC, r)
	if f != nil {
		return f
	}
	old := inv.tglc[i]
	if r.str("RowMod") == deleted {
		inv.tglc = slices.Delete(inv.tglc, i, i+1)
		return nil
	}
	g := r.clone()
	if f := u.c.checkAccount(inv, g, old); f != nil {
		return f
	}
	g["SysRowID"], g["IsModifiedByUser"] = old["SysRowID"], true
	u.changed(g)
	inv.tglc[i] = g
	return nil
}

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
	setAll(h, sum, "DocInvoiceAmt", "DocInvoiceBal", "DocUnpostedBal")
	setAll(h, base(sum), "InvoiceAmt", "InvoiceBal", "UnpostedBal")
	setAll(h, sum.Mul(sign(h)), "ScrDocInvoiceAmt", "ScrDocInvLineTotal")
	setAll(h, base(sum).Mul(sign(h)), "ScrInvoiceAmt", "ScrInvLineTotal")
	setAll(h, base(h.num("DocInvoiceVendorAmt")), "InvoiceVendorAmt", "ScrInvoiceVendorAmt")
	setAll(h, h.num("DocInvoiceVendorAmt").Sub(sum.Mul(sign(h))), "DocInvoiceVariance")
	setAll(h, base(h.num("DocInvoiceVariance")), "InvoiceVariance")
	h.setDay("DueDate", due(h))
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
