package epicortest

import "slices"

// child finds the stored row that a changed row of a child table means.
func (u *updating) child(table string, r row) (*invoice, int, *fault) {
	inv, f := u.open(r)
	if f != nil {
		return nil, 0, f
	}
	t := u.c.co.schema[table]
	rows := inv.rows(table)
	i := slices.IndexFunc(rows, func(x row) bool { return x.same(r, t.key) })
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
		if slices.ContainsFunc(inv.dtl, func(x row) bool { return x.same(r, dtl.key) }) {
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
		if e.same(l, u.c.co.schema[tabDtl].key) {
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
		*list = slices.DeleteFunc(*list, func(x row) bool { return x.same(parent, t.key) })
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
			// What was ordered is booked where the order says; that such lines have no
			// expense of their own is an assumption to check on a live tenant.
			if !slices.Contains(u.grown, l.key(t.key)) || l.str("LineType") != lineMisc {
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
		if !slices.ContainsFunc(inv.dtl, func(x row) bool { return x.same(r, line) }) {
			return business(tabExp, "InvoiceLine", "Invoice line %d is not valid.", r.int("InvoiceLine"))
		}
		if slices.ContainsFunc(inv.exp, func(x row) bool { return x.same(r, exp.key) }) {
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
		inv.tglc = slices.DeleteFunc(inv.tglc, func(x row) bool { return x.same(old, exp.key) })
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
		if !slices.ContainsFunc(inv.exp, func(x row) bool { return x.same(r, exp) }) {
			return business(tabTGLC, "InvExpSeq", "Invoice expense %d is not valid.", r.int("InvExpSeq"))
		}
		if slices.ContainsFunc(inv.tglc, func(x row) bool { return x.same(r, exp) }) {
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
