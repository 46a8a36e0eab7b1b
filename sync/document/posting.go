package document

import "github.com/shopspring/decimal"

// Posting is what a document becomes in the ERP: all of its AP invoices and
// debit memos, or none.
type Posting struct {
	Company  string      `json:"company"`  // of the ERP
	Document string      `json:"document"` // "report A1B2C3", for texts
	Invoices []APInvoice `json:"invoices"`
}

// APInvoice is one AP invoice or debit memo of one vendor.
type APInvoice struct {
	DebitMemo bool   `json:"debit_memo,omitempty"`
	Vendor    string `json:"vendor"` // the ERP's vendor id, such as "E1042"
	// Number is the invoice number before a generation is added.
	Number string `json:"number"`
	// MadeUp: we chose Number, so a later generation may change it. A supplier's
	// own number never changes.
	MadeUp      bool            `json:"made_up,omitempty"`
	Currency    string          `json:"currency"`
	Date        Date            `json:"date"`       // of the invoice
	ApplyDate   Date            `json:"apply_date"` // decides the fiscal period
	Due         Date            `json:"due,omitempty"`
	Description string          `json:"description,omitempty"`
	Amount      decimal.Decimal `json:"amount"` // sum of the lines, true sign
	Lines       []Line          `json:"lines"`
}

// Line is one line of an AP invoice. Its splits add up to Amount.
type Line struct {
	Entry       string          `json:"entry,omitempty"` // of the document it comes from
	Description string          `json:"description"`
	Amount      decimal.Decimal `json:"amount"`
	Splits      []Split         `json:"splits"`
}

// Split books a share of a line to a GL account.
type Split struct {
	Account string          `json:"account"` // segments joined by "|": "6410|200|00"
	Amount  decimal.Decimal `json:"amount"`
}
