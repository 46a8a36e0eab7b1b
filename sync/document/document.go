// Package document is what the two ends of a flow speak with one another: a
// spend document that comes out of a source, and the posting, a set of AP
// invoices and debit memos, that it becomes.
//
// Amounts are exact decimals in the document's currency unless a field says
// otherwise. Signs are true: positive means that the company owes, negative
// that it is owed, also in a debit memo; a sink turns them as its system wants
// them. The types hold plain values and no behaviour that could depend on a
// clock or a locale.
//
// Check of a Document and of a Posting says everything that does not tie, with
// the figures, as Faults. Allocate and AllocatePercent split an amount so that
// the parts add up to it; MinorUnits knows the decimals of a currency. Tables
// is what an ERP has for a mapping to choose from.
package document

import (
	"github.com/shopspring/decimal"
)

// Kind says what a spend document is.
type Kind string

// The kinds of documents.
const (
	Report  Kind = "report"  // an expense report
	Invoice Kind = "invoice" // a supplier's invoice (Concur: payment request)
)

// Document is a spend document as its source finally approved it.
type Document struct {
	Kind     Kind   `json:"kind"`
	ID       string `json:"id"`     // the source's business id
	Number   string `json:"number"` // what a person reads: report number, supplier's invoice number
	Revision int64  `json:"revision"`
	Name     string `json:"name,omitempty"`

	Policy   Value  `json:"policy"`
	Ledger   string `json:"ledger,omitempty"`
	Country  string `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Currency string `json:"currency"`          // ISO 4217, of every amount below

	Owner    Person    `json:"owner"`
	Supplier *Supplier `json:"supplier,omitempty"` // invoices only

	Date      Date `json:"date"` // of the invoice, or of the report
	Due       Date `json:"due,omitempty"`
	Submitted Date `json:"submitted,omitempty"`
	Approved  Date `json:"approved,omitempty"` // final approval; decides the period

	Total   decimal.Decimal  `json:"total"` // approved
	Entries []Entry          `json:"entries"`
	Charges []Charge         `json:"charges,omitempty"` // of an invoice: shipping, tax on the header
	Custom  map[string]Value `json:"custom,omitempty"`  // "custom1", "orgUnit2"
	Test    bool             `json:"test,omitempty"`    // a test transaction: never for a production company

	// Settlement is what the source says comes of a report. Nil: it does not say.
	Settlement *Settlement `json:"settlement,omitempty"`
}

// Settlement is what the source says a report comes to, with all that it knows
// and its expenses do not show, such as cash advances. An amount that is not
// valid is not known. A mapping that owes anybody another amount is wrong.
type Settlement struct {
	ToEmployee   decimal.NullDecimal `json:"to_employee,omitzero"`   // the company owes the employee
	FromEmployee decimal.NullDecimal `json:"from_employee,omitzero"` // the employee owes the company
	ToCard       decimal.NullDecimal `json:"to_card,omitzero"`       // the company owes card issuers
	// Advance: a cash advance, money that the employee already has, is set off
	// against expenses of the report.
	Advance bool `json:"advance,omitempty"`
}

// Person is an employee. Name is personal data.
type Person struct {
	ID         string `json:"id"`                    // the source's own
	EmployeeID string `json:"employee_id,omitempty"` // the employer's
	Login      string `json:"login,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Supplier is who sent an invoice, as the source knows it.
type Supplier struct {
	Code        string `json:"code,omitempty"`
	AddressCode string `json:"address_code,omitempty"` // remit-to
	Name        string `json:"name"`
}

// Value is a coded value: what a mapping compares is Code, what a person reads
// is Text.
type Value struct {
	Code string `json:"code"`
	Text string `json:"text,omitempty"`
}

// Entry is one expense of a report or one line of an invoice. Itemised parents
// do not appear, only their children. A personal expense bears what was spent,
// although none of it is approved: it is no part of the document's Total, but a
// card that the company pays still asks for it.
type Entry struct {
	ID          string           `json:"id"`
	Parent      string           `json:"parent,omitempty"` // of an itemisation
	Date        Date             `json:"date,omitempty"`
	Type        Value            `json:"type"`              // expense type
	Payment     Value            `json:"payment,omitempty"` // payment type: who paid
	Description string           `json:"description,omitempty"`
	Merchant    string           `json:"merchant,omitempty"`
	Country     string           `json:"country,omitempty"`
	Amount      decimal.Decimal  `json:"amount"`          // approved, document currency
	Spent       *Money           `json:"spent,omitempty"` // in the currency of the transaction, where it differs
	Personal    bool             `json:"personal,omitempty"`
	SourcePays  bool             `json:"source_pays,omitempty"` // the source's own service pays it (Concur: Expense Pay)
	PO          string           `json:"po,omitempty"`
	POLine      string           `json:"po_line,omitempty"`
	Custom      map[string]Value `json:"custom,omitempty"`
	Allocations []Allocation     `json:"allocations,omitempty"`
}

// Money is an amount of a currency.
type Money struct {
	Amount   decimal.Decimal `json:"amount"`
	Currency string          `json:"currency"`
}

// Allocation is a share of an entry. Where the source gives no amount, it has
// been computed by AllocatePercent, so that the shares add up to the entry.
type Allocation struct {
	ID      string           `json:"id,omitempty"`
	Percent decimal.Decimal  `json:"percent"`
	Amount  decimal.Decimal  `json:"amount"`
	Account string           `json:"account,omitempty"` // the source's account code, where it has one
	Custom  map[string]Value `json:"custom,omitempty"`
}

// Charge is an amount on an invoice's header that belongs to no line.
type Charge struct {
	Kind   ChargeKind      `json:"kind"`
	Amount decimal.Decimal `json:"amount"`
}

// ChargeKind says what a Charge is.
type ChargeKind string

// The kinds of charges.
const (
	Shipping ChargeKind = "shipping"
	Tax      ChargeKind = "tax"
)
