package epicortest

import (
	"encoding/base64"
	"path"
	"slices"
)

// newTax adds a tax to an invoice; any code is taken, since a fake knows no
// tax tables.
func newTax(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		inv, f := c.openInvoice(c.int("vendorNum"), c.str("invoiceNum"))
		if f != nil {
			return nil, f
		}
		if c.str("taxCode") == "" {
			return nil, business(tabTax, "TaxCode", "Tax code is not valid.")
		}
		t := c.co.schema[tabTax].blank()
		for _, col := range []string{"Company", "VendorNum", "InvoiceNum", "DebitMemo", "GroupID", "CurrencyCode"} {
			t[col] = inv.hed[col]
		}
		t["TaxCode"], t["RateCode"] = c.str("taxCode"), c.str("rateCode")
		ts.add(tabTax, t)
		return nil, nil
	})
}

func changeManualTax(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		_, f := ts.current(tabTax)
		return nil, f
	})
}

// changeTax sets the tax in document currency, as on the screen.
func changeTax(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		t, f := ts.current(tabTax)
		if f != nil {
			return nil, f
		}
		if !t.bool("Manual") {
			return nil, business(tabTax, "Manual", "The tax is calculated: it can be changed only where the calculation is manual.")
		}
		v := c.num("ProposedTaxAmt")
		setAll(t, v, "ScrDocTaxAmt")
		setAll(t, v.Mul(c.co.shown(t)), "DocTaxAmt")
		return nil, nil
	})
}

func (u *updating) tax(r row) *fault {
	key := u.c.co.schema[tabTax].key
	if r.str("RowMod") == added {
		inv, f := u.open(r)
		if f != nil {
			return f
		}
		if slices.ContainsFunc(inv.tax, func(x row) bool { return x.same(r, key) }) {
			return u.c.s.duplicate(tabTax, "Tax %s already exists.", r.str("TaxCode"))
		}
		t := r.clone()
		t["DebitMemo"], t["GroupID"], t["SysRowID"] = inv.hed["DebitMemo"], inv.hed["GroupID"], zeroGUID
		screen(t, nil, "ScrDocTaxAmt", "DocTaxAmt", u.c.co.shown(t))
		u.changed(t)
		inv.tax = append(inv.tax, t)
		return nil
	}
	inv, i, f := u.child(tabTax, r)
	if f != nil {
		return f
	}
	if r.str("RowMod") == deleted {
		inv.tax = slices.Delete(inv.tax, i, i+1)
		return nil
	}
	t := r.clone()
	t["SysRowID"] = inv.tax[i]["SysRowID"]
	screen(t, inv.tax[i], "ScrDocTaxAmt", "DocTaxAmt", u.c.co.shown(t))
	u.changed(t)
	inv.tax[i] = t
	return nil
}

// file is a stored file.
type file struct {
	name string
	data []byte
}

// uploadFile keeps a file; the same name of the same table is replaced.
func uploadFile(c *call) (results, *fault) {
	name := c.str("fileName")
	if name == "" || name != path.Base(name) {
		return nil, business("XFileRef", "XFileName", "File name is not valid.")
	}
	data, err := base64.StdEncoding.DecodeString(c.str("data"))
	if err != nil {
		return nil, badArgument("Parameter data is not base64")
	}
	at := `C:\EpicorData\` + c.str("parentTable") + `\` + name
	c.co.files[at] = file{name: name, data: data}
	return results{"returnObj": at}, nil
}

func downloadFile(c *call) (results, *fault) {
	f, ok := c.co.files[c.co.fileRefs[c.int("xFileRefNum")]]
	if !ok {
		return nil, notFound("Record not found.")
	}
	return results{"returnObj": base64.StdEncoding.EncodeToString(f.data)}, nil
}

func newAttachment(c *call) (results, *fault) {
	return c.entry(func(ts *tableset) (results, *fault) {
		inv, f := c.openInvoice(c.int("vendorNum"), c.str("invoiceNum"))
		if f != nil {
			return nil, f
		}
		a := c.co.schema[tabAttach].blank()
		for _, col := range []string{"Company", "VendorNum", "InvoiceNum"} {
			a[col] = inv.hed[col]
		}
		a["ForeignSysRowID"], a["DrawingSeq"] = inv.hed["SysRowID"], next(inv.att, "DrawingSeq")
		ts.add(tabAttach, a)
		return nil, nil
	})
}

func (u *updating) attach(r row) *fault {
	key := u.c.co.schema[tabAttach].key
	if r.str("RowMod") != added {
		inv, i, f := u.child(tabAttach, r)
		if f == nil && r.str("RowMod") == deleted {
			inv.att = slices.Delete(inv.att, i, i+1)
		}
		return f
	}
	inv, f := u.open(r)
	if f != nil {
		return f
	}
	if _, ok := u.c.co.files[r.str("FileName")]; !ok {
		return business(tabAttach, "FileName", "File %s does not exist on the server.", r.str("FileName"))
	}
	if slices.ContainsFunc(inv.att, func(x row) bool { return x.same(r, key) }) {
		return u.c.s.duplicate(tabAttach, "Attachment %d already exists.", r.int("DrawingSeq"))
	}
	a := r.clone()
	a["SysRowID"] = zeroGUID
	u.c.co.nextFile++
	a["XFileRefNum"] = u.c.co.nextFile
	u.c.co.fileRefs[u.c.co.nextFile] = a.str("FileName")
	u.changed(a)
	inv.att = append(inv.att, a)
	return nil
}
