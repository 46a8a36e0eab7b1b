package rules

import (
	"github.com/ml-connector/ml-connector/sync/document"
)

// terms gives the invoice terms of payment, where the rules name them for whom it
// is owed to. Else the ERP takes the vendor's own.
func (r *run) terms(g *group, d *draft) {
	t, rule := g.terms, "counterparties.terms"
	switch {
	case r.doc.Kind == document.Invoice:
		t, rule = r.rules.Suppliers.Terms, "suppliers.terms"
	case g.employee:
		t, rule = r.rules.Employees.Terms, "employees.terms"
	}
	if t.value == "" {
		return
	}
	d.invoice.Terms = t.value
	d.because("terms of payment", t.value, rule+" ("+r.set.at(t.at)+")", "")
}

// entryGroup names the ERP's entry group of the invoice, where the rules do.
func (r *run) entryGroup(d *draft) {
	t := r.rules.EntryGroups.Report
	if r.doc.Kind == document.Invoice {
		t = r.rules.EntryGroups.Invoice
	}
	if t.value == "" || d.invoice.ApplyDate == "" {
		return
	}
	d.invoice.Group, _ = t.fill(groupWord(d.invoice))
	d.because("entry group", d.invoice.Group, "entry_groups ("+r.set.at(t.at)+")", "apply date "+string(d.invoice.ApplyDate)+", currency "+d.invoice.Currency)
}
