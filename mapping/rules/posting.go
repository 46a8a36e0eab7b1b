package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/document"
)

// draft is an invoice with the reasons for its values; their fields begin after
// "invoice 2, ", since the place of an invoice is not known before all are
// made.
type draft struct {
	invoice document.APInvoice
	reasons []mapping.Reason
}

func (d *draft) because(field, value, rule, input string) {
	d.reasons = append(d.reasons, mapping.Reason{Field: field, Value: value, Rule: rule, Input: input})
}

// posting makes the set of invoices. It is of use only when there are no issues
// afterwards.
func (r *run) posting() document.Posting {
	out := document.Posting{
		Company:  r.company,
		Document: strings.TrimSpace(string(r.doc.Kind) + " " + r.doc.Number),
		Model:    r.model(),
	}
	var drafts []draft
	for _, whole := range r.groups {
		if len(whole.pieces) == 0 {
			continue
		}
		vendor, why := r.vendor(whole)
		for _, g := range r.bySign(whole) {
			drafts = append(drafts, r.invoice(g, vendor, why))
		}
	}
	slices.SortStableFunc(drafts, func(a, b draft) int { return byNumber(a.invoice, b.invoice) })
	for i, d := range drafts {
		out.Invoices = append(out.Invoices, d.invoice)
		for _, reason := range d.reasons {
			reason.Field = fmt.Sprintf("invoice %d, %s", i+1, reason.Field)
			r.reasons = append(r.reasons, reason)
		}
	}
	return out
}

func (r *run) invoice(g *group, vendor string, why mapping.Reason) draft {
	d := draft{
		invoice: document.APInvoice{
			Vendor: vendor, Currency: r.doc.Currency, Date: r.date, ApplyDate: r.apply, Due: r.doc.Due,
		},
		reasons: []mapping.Reason{why},
	}
	inv := &d.invoice
	for n, p := range g.pieces {
		line := r.line(p, n+1, &d)
		inv.Lines = append(inv.Lines, line)
		inv.Amount = inv.Amount.Add(line.Amount)
		for _, t := range p.taxes {
			inv.Amount = inv.Amount.Add(t.Amount)
			inv.Taxes = addTax(inv.Taxes, t)
			d.because(fmt.Sprintf("line %d, tax", n+1), t.Code, "taxes", t.Amount.StringFixed(int32(r.digits)))
		}
		inv.Attachments = r.attach(inv.Attachments, p)
	}
	if len(inv.Lines) > 0 {
		inv.Attachments = appendNew(inv.Attachments, r.doc.Attachments)
	}
	inv.DebitMemo = inv.Amount.IsNegative()
	r.number(g, &d)
	r.terms(g, &d)
	r.entryGroup(&d)

	inv.Description = r.description()
	return d
}

// model is what a correction of an earlier revision is made after; nil where the
// numbers are not ours.
func (r *run) model() *document.APInvoice {
	own := strings.TrimSpace(r.doc.Number)
	if r.doc.Kind == document.Invoice || own == "" {
		return nil
	}
	d := draft{invoice: document.APInvoice{
		Number: r.madeUp(own, document.CodeHere), MadeUp: true, Currency: r.doc.Currency,
		Date: r.date, ApplyDate: r.apply, Due: r.doc.Due, Description: r.description(),
	}}
	r.entryGroup(&d)
	return &d.invoice
}

// description is the text of each of the document's invoices.
func (r *run) description() string {
	limit, note := r.rules.Descriptions.Invoice.Max, ""
	if r.moved {
		note = fmt.Sprintf(" [period of %s closed]", r.doc.Approved)
		if r.rules.ApplyDate.From == invoiceDate {
			note = fmt.Sprintf(" [period of %s closed]", r.doc.Date)
		}
	}
	full, _ := r.rules.Descriptions.Invoice.Text.fill(r.headWord)
	return shorten(full, limit-len(note)) + note
}

func (r *run) line(p piece, n int, d *draft) document.Line {
	out := document.Line{Description: p.description}
	r.companies(p)
	for _, s := range p.shares {
		out.Amount = out.Amount.Add(s.amount)
	}
	if p.entry >= 0 {
		e := r.doc.Entries[p.entry]
		out.Entry = e.ID
		full, _ := r.rules.Descriptions.Line.Text.fill(func(word string) string { return r.lineWord(e, word) })
		if p.description != "" {
			full = p.description + ": " + full
		}
		out.Description = shorten(full, r.rules.Descriptions.Line.Max)
	}
	if out.Description == "" {
		out.Description = r.doc.Kind.EntryWord()
	}
	if p.order != nil {
		out.Order = p.order
		d.because(fmt.Sprintf("line %d, purchase order", n), fmt.Sprintf("%d/%d", p.order.Order, p.order.Line), "purchase_orders match", "")
		return out
	}
	for _, s := range p.shares {
		field := fmt.Sprintf("line %d, split %d", n, len(out.Splits)+1)
		account := s.account
		if account == "" {
			account = r.account(p.entry, s, field, d)
		} else {
			r.checkAccount(account, r.placeOf(p.entry, s), s.rule)
			d.because(field+", GL account", account, s.rule, "")
		}
		out.Splits = append(out.Splits, document.Split{Account: account, Amount: s.amount})
	}
	return out
}

// attach adds the receipts of a piece's entry, each once.
func (r *run) attach(all []document.Attachment, p piece) []document.Attachment {
	if p.entry < 0 {
		return all
	}
	return appendNew(all, r.doc.Entries[p.entry].Receipts)
}

func appendNew(all, more []document.Attachment) []document.Attachment {
	for _, a := range more {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// placeOf names a share of the document to a person.
func (r *run) placeOf(entry int, s share) string {
	if entry < 0 {
		return "charge"
	}
	at := fmt.Sprintf("%s %d", r.doc.Kind.EntryWord(), entry+1)
	if s.allocation >= 0 && len(r.doc.Entries[entry].Allocations) > 1 {
		at += fmt.Sprintf(", allocation %d", s.allocation+1)
	}
	return at
}

func (r *run) headWord(word string) string {
	switch word {
	case "kind":
		return string(r.doc.Kind)
	case "number":
		return r.doc.Number
	case "name":
		return r.doc.Name
	case "revision":
		return decimal.NewFromInt(r.doc.Revision).String()
	case "owner":
		return r.doc.Owner.Name
	case "employee_id":
		return r.doc.Owner.EmployeeID
	default:
		return ""
	}
}

func (r *run) lineWord(e document.Entry, word string) string {
	switch word {
	case "expense_type":
		if e.Type.Text != "" {
			return e.Type.Text
		}
		return e.Type.Code
	case "expense_code":
		return e.Type.Code
	case "merchant":
		return e.Merchant
	case "description":
		return e.Description
	case "date":
		return string(e.Date)
	case "country":
		return e.Country
	default:
		return r.headWord(word)
	}
}

// shorten makes a description one line of at most limit characters. Unlike a
// number, it may be cut: nothing is found by it.
func shorten(s string, limit int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if runes := []rune(s); len(runes) > limit {
		return strings.TrimSpace(string(runes[:max(limit-1, 0)])) + "…"
	}
	return s
}
