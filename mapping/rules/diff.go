package rules

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/document"
)

var _ mapping.Differ[document.Posting] = (*Mapper)(nil)

// Diff makes the correction that turns prior, what stands of a document, into
// next, what it comes to now. For each vendor that is owed something else, or
// the same from other GL accounts, there is one invoice with the differences by
// account and by tax, or a debit memo where they are below zero; with netting
// by_sign one of each. A cost that moved between accounts makes an invoice of
// 0.00 with two lines: that Epicor takes and posts one is an assumption to check
// on a live tenant, and netting by_sign does without.
//
// The numbers are those of next's revision, which nothing that stands bears.
// Texts, dates and files are next's and no difference by themselves: a receipt
// that was added without any money is not brought over.
//
// A correction also books accounts and vendors of prior, which next may have
// none of. Each is held against the ERP's tables on the apply date of the
// correction, and what it must not be booked to comes as mapping.Issues.
//
// changed without a correction, which is next itself, leaves the document to a
// person: a supplier's invoice, whose number cannot be used twice; another
// company or currency; lines of purchase orders; a tax that changed without the
// cost; and everything with revisions: park.
func (m *Mapper) Diff(prior, next document.Posting) (correction document.Posting, changed bool, err error) {
	if m.set != nil && m.set.content.Revisions == delta && correctable(prior, next) {
		c := m.correct(prior, next)
		if len(c.Invoices) == 0 {
			return next, false, nil
		}
		if c.Check() != nil {
			return next, true, nil //nolint:nilerr // what cannot be entered so is for a person
		}
		if err := m.judge(c); err != nil {
			return document.Posting{}, false, err
		}
		return c, true, nil
	}
	a, err := effect(prior)
	if err != nil {
		return document.Posting{}, false, err
	}
	b, err := effect(next)
	if err != nil {
		return document.Posting{}, false, err
	}
	return next, !bytes.Equal(a, b), nil
}

// correctable reports whether a difference of both can be posted beside prior.
func correctable(prior, next document.Posting) bool {
	if next.Model == nil || prior.Company != next.Company {
		return false
	}
	for _, inv := range slices.Concat(prior.Invoices, next.Invoices) {
		if inv.Currency != next.Model.Currency ||
			slices.ContainsFunc(inv.Lines, func(l document.Line) bool { return l.Order != nil }) {
			return false
		}
	}
	return true
}

// balance is what one vendor's invoices come to, next less prior.
type balance struct {
	code, terms string
	accounts    map[string]decimal.Decimal
	taxes       map[[2]string]decimal.Decimal // by code and rate
	parts       map[[2]string]decimal.Decimal // by account and entry
	texts       map[string]string             // of entries
	files       []document.Attachment
}

// correct makes the correction; without invoices nothing is to be corrected.
func (m *Mapper) correct(prior, next document.Posting) document.Posting {
	balances := make(map[string]*balance)
	var order []string // those of next keep their codes, so they come first
	of := func(vendor string) *balance {
		if balances[vendor] == nil {
			balances[vendor] = &balance{
				accounts: make(map[string]decimal.Decimal), taxes: make(map[[2]string]decimal.Decimal),
				parts: make(map[[2]string]decimal.Decimal), texts: make(map[string]string),
			}
			order = append(order, vendor)
		}
		return balances[vendor]
	}
	var had []document.Attachment
	for _, inv := range prior.Invoices {
		had = append(had, inv.Attachments...)
	}
	for _, inv := range next.Invoices {
		b := of(inv.Vendor)
		b.add(inv, false)
		for _, a := range inv.Attachments {
			if !slices.Contains(had, a) {
				b.files = appendNew(b.files, []document.Attachment{a})
			}
		}
	}
	for _, inv := range prior.Invoices {
		of(inv.Vendor).add(inv, true)
	}
	c := document.Posting{Company: next.Company, Document: next.Document, Model: next.Model}
	taken := make(map[string]bool)
	for _, vendor := range order {
		b := balances[vendor]
		for _, inv := range m.invoices(b, next.Model) {
			inv.Vendor = vendor
			m.numbered(&inv, next.Model.Number, cmp.Or(b.code, vendor), taken)
			c.Invoices = append(c.Invoices, inv)
		}
	}
	slices.SortStableFunc(c.Invoices, byNumber)
	return c
}

// add takes an invoice in; one of prior counts against it.
func (b *balance) add(inv document.APInvoice, against bool) {
	b.code, b.terms = cmp.Or(b.code, inv.Code), cmp.Or(b.terms, inv.Terms)
	signed := func(d decimal.Decimal) decimal.Decimal {
		if against {
			return d.Neg()
		}
		return d
	}
	for _, l := range inv.Lines {
		b.texts[l.Entry] = cmp.Or(b.texts[l.Entry], l.Description)
		for _, s := range l.Splits {
			part := [2]string{s.Account, l.Entry}
			b.accounts[s.Account] = b.accounts[s.Account].Add(signed(s.Amount))
			b.parts[part] = b.parts[part].Add(signed(s.Amount))
		}
	}
	for _, t := range inv.Taxes {
		tax := [2]string{t.Code, t.Rate}
		b.taxes[tax] = b.taxes[tax].Add(signed(t.Amount))
	}
}

// invoices are the documents that a balance comes to: none, one, or with netting
// by_sign one for each sign.
func (m *Mapper) invoices(b *balance, model *document.APInvoice) []document.APInvoice {
	var lines []document.Line
	for _, account := range slices.Sorted(maps.Keys(b.accounts)) {
		if amount := b.accounts[account]; !amount.IsZero() {
			lines = append(lines, m.correctionLine(b, account, amount))
		}
	}
	var taxes []document.InvoiceTax
	for _, tax := range slices.SortedFunc(maps.Keys(b.taxes), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
		if amount := b.taxes[tax]; !amount.IsZero() {
			taxes = append(taxes, document.InvoiceTax{Code: tax[0], Rate: tax[1], Amount: amount})
		}
	}
	if len(lines) == 0 && len(taxes) == 0 {
		return nil
	}
	whole := *model
	whole.Lines, whole.Taxes, whole.Terms, whole.Attachments = lines, taxes, b.terms, b.files
	limit := m.set.content.Descriptions.Invoice.Max
	whole.Description = shorten(model.Description, max(limit-len(corrects), 0)) + corrects
	parts := []document.APInvoice{whole}
	if m.set.content.Netting == bySign {
		parts = signs(whole)
	}
	for i := range parts {
		parts[i].Amount = total(parts[i])
		parts[i].DebitMemo = parts[i].Amount.IsNegative()
	}
	return parts
}

// corrects ends the description of a correction, which so never is the same as a
// whole posting.
const corrects = " [correction]"

// correctionLine books the change of one account. Where one expense alone changed,
// it bears that one's text.
func (m *Mapper) correctionLine(b *balance, account string, amount decimal.Decimal) document.Line {
	out := document.Line{Amount: amount, Splits: []document.Split{{Account: account, Amount: amount}}}
	var entries []string
	for part, d := range b.parts {
		if part[0] == account && !d.IsZero() {
			entries = append(entries, part[1])
		}
	}
	slices.Sort(entries)
	text := b.texts[entries[0]]
	if len(entries) > 1 {
		text = fmt.Sprintf("%s and %d more", text, len(entries)-1)
	} else {
		out.Entry = entries[0]
	}
	out.Description = shorten(text, m.set.content.Descriptions.Line.Max)
	return out
}

// signs parts an invoice into what is owed and what is owed back. One that has
// nothing but taxes on a side stays whole.
func signs(whole document.APInvoice) []document.APInvoice {
	plus, minus := whole, whole
	plus.Lines, minus.Lines, plus.Taxes, minus.Taxes, minus.Attachments = nil, nil, nil, nil, nil
	for _, l := range whole.Lines {
		if l.Amount.IsNegative() {
			minus.Lines = append(minus.Lines, l)
		} else {
			plus.Lines = append(plus.Lines, l)
		}
	}
	for _, t := range whole.Taxes {
		if t.Amount.IsNegative() {
			minus.Taxes = append(minus.Taxes, t)
		} else {
			plus.Taxes = append(plus.Taxes, t)
		}
	}
	if len(plus.Lines) == 0 || len(minus.Lines) == 0 {
		return []document.APInvoice{whole}
	}
	return []document.APInvoice{plus, minus}
}

func total(inv document.APInvoice) decimal.Decimal {
	sum := decimal.Zero
	for _, l := range inv.Lines {
		sum = sum.Add(l.Amount)
	}
	for _, t := range inv.Taxes {
		sum = sum.Add(t.Amount)
	}
	return sum
}

// numbered gives a correction its number. Where two vendors have one code, as an
// employee whose vendor changed, the later one's is counted.
func (m *Mapper) numbered(inv *document.APInvoice, pattern, code string, taken map[string]bool) {
	for n := 1; ; n++ {
		inv.Code = code
		if n > 1 {
			inv.Code = fmt.Sprintf("%s.%d", code, n)
		}
		text := inv.Code
		if inv.DebitMemo {
			text += "D"
		}
		inv.Number = fit(strings.ReplaceAll(pattern, document.CodeHere, text), m.set.content.Numbers.MaxLength)
		if !taken[inv.Number] {
			taken[inv.Number] = true
			return
		}
	}
}

// effect is a posting without what may differ between two revisions that mean
// the same.
func effect(p document.Posting) ([]byte, error) {
	p.Model = nil
	invoices := make([]document.APInvoice, len(p.Invoices))
	copy(invoices, p.Invoices)
	for i := range invoices {
		if invoices[i].MadeUp {
			invoices[i].Number, invoices[i].Code = "", ""
		}
		// Approved a second time is approved later: what was booked keeps its period.
		invoices[i].ApplyDate, invoices[i].Date, invoices[i].Due = "", "", ""
		invoices[i].Group = "" // is named after the day
		invoices[i].Description = ""
	}
	p.Invoices = invoices
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("rules: compare postings: %w", err)
	}
	return b, nil
}

// whole is a posting with all that it says.
func whole(p document.Posting) (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("rules: compare postings: %w", err)
	}
	return string(b), nil
}
