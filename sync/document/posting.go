package document

import "github.com/shopspring/decimal"

// Posting is what a document becomes in the ERP: all of its AP invoices and
// debit memos, or none.
type Posting struct {
	Company  string      `json:"company"`  // of the ERP
	Document string      `json:"document"` // "report A1B2C3", for texts
	Invoices []APInvoice `json:"invoices"`
	// Model is an invoice of this document without a vendor, an amount or lines,
	// after which a correction of what an earlier revision posted is made. Its Number
	// holds CodeHere where the counterparty's code goes. Nil: the numbers are not
	// ours to choose, so nothing can be posted beside an earlier revision.
	Model *APInvoice `json:"model,omitempty"`
}

// CodeHere stands in the number of a Posting's Model where the code of the
// counterparty goes.
const CodeHere = "{code}"

// APInvoice is one AP invoice or debit memo of one vendor.
type APInvoice struct {
	DebitMemo bool   `json:"debit_memo,omitempty"`
	Vendor    string `json:"vendor"` // the ERP's vendor id, such as "E1042"
	// Number is the invoice number before a generation is added.
	Number string `json:"number"`
	// MadeUp: we chose Number, so a later generation may change it. A supplier's
	// own number never changes.
	MadeUp bool `json:"made_up,omitempty"`
	// Code is the counterparty's in a number that we made up, without the D of a
	// debit memo.
	Code        string          `json:"code,omitempty"`
	Currency    string          `json:"currency"`
	Date        Date            `json:"date"`       // of the invoice
	ApplyDate   Date            `json:"apply_date"` // decides the fiscal period
	Due         Date            `json:"due,omitempty"`
	Description string          `json:"description,omitempty"`
	Amount      decimal.Decimal `json:"amount"` // sum of the lines and taxes, true sign
	Lines       []Line          `json:"lines"`
	// Taxes are entered as taxes of the ERP, in the amounts that stand here. A tax
	// that is booked to a GL account is a split of a line instead.
	Taxes []InvoiceTax `json:"taxes,omitempty"`
	// Terms is the ERP's code of the terms of payment; empty: the vendor's own.
	Terms string `json:"terms,omitempty"`
	// Group is the ERP's entry group; empty: the sink names it.
	Group string `json:"group,omitempty"`
	// Attachments are no part of what is owed: one that cannot be had never holds
	// money back unless the sink was told so.
	Attachments []Attachment `json:"attachments,omitempty"`
}

// InvoiceTax is a tax of a whole AP invoice, by the ERP's codes, true sign.
type InvoiceTax struct {
	Code   string          `json:"code"`
	Rate   string          `json:"rate,omitempty"` // the ERP's code of the rate, not a number
	Amount decimal.Decimal `json:"amount"`
}

// Line is one line of an AP invoice. Its splits add up to Amount. A line that
// was ordered has none: the order says what it is booked to.
type Line struct {
	Entry       string          `json:"entry,omitempty"` // of the document it comes from
	Description string          `json:"description"`
	Amount      decimal.Decimal `json:"amount"`
	Splits      []Split         `json:"splits"`
	Order       *OrderLine      `json:"order,omitempty"`
}

// OrderLine is the line of a purchase order that a Line invoices.
type OrderLine struct {
	Order   int `json:"order"`
	Line    int `json:"line"`
	Release int `json:"release,omitempty"` // 0: the first
	// Quantity and UnitPrice are those of the invoice; zero: not known.
	Quantity  decimal.Decimal `json:"quantity,omitzero"`
	UnitPrice decimal.Decimal `json:"unit_price,omitzero"`
	PackSlip  string          `json:"pack_slip,omitempty"` // chooses among several receipts of goods
	// Unreceived: it is invoiced before the goods arrived.
	Unreceived bool `json:"unreceived,omitempty"`
}

// Split books a share of a line to a GL account.
type Split struct {
	Account string          `json:"account"` // segments joined by "|": "6410|200|00"
	Amount  decimal.Decimal `json:"amount"`
}
