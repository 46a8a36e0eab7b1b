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
//
// # Two ways out of a source
//
// A document tells who is owed in one of two ways. Without a journal its entries
// bear a payment type, and the mapping says who stands behind it. A journaled
// document (Document.Journaled) brings the bookkeeping of its source along: each
// share of an entry has Journal lines with an account, an amount and the two
// sides. Those amounts are final: nothing is computed from a percentage, a rate
// or a tax rate any more.
package document

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Kind says what a spend document is.
type Kind string

// The kinds of documents.
const (
	Report      Kind = "report"      // an expense report
	Invoice     Kind = "invoice"     // a supplier's invoice (Concur: payment request)
	CashAdvance Kind = "cashadvance" // money that an employee gets beforehand; always journaled
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

	// Journaled: the shares of the entries bear Journal lines, which say what is
	// booked and who is owed. An entry without any is then worth nothing.
	Journaled bool `json:"journaled,omitempty"`
	// Advances are what of cash advances is set off against a journaled report.
	Advances []Advance `json:"advances,omitempty"`
	// AdvanceReturn is how much of the Advances the employee pays back because he
	// did not spend it; it is inside their amounts. Zero or positive.
	AdvanceReturn decimal.Decimal `json:"advance_return,omitzero"`
	// Payroll: the employer's payroll pays the employee, not accounts payable.
	// PayrollAccount is the source's code of the account it clears on.
	Payroll        bool         `json:"payroll,omitempty"`
	PayrollAccount string       `json:"payroll_account,omitempty"`
	Terms          *Terms       `json:"terms,omitempty"`       // of payment; invoices only
	Attachments    []Attachment `json:"attachments,omitempty"` // of the whole document
}

// Terms are the terms of payment, as the source knows them. The zero value of a
// number means that it is not known.
type Terms struct {
	Days            int             `json:"days,omitempty"` // until payment
	DiscountDays    int             `json:"discount_days,omitempty"`
	DiscountPercent decimal.Decimal `json:"discount_percent,omitzero"`
	Method          string          `json:"method,omitempty"` // the source's word: ACH, CHECK, WIRE
}

// Advance is a part of a cash advance that is set off against a report. Amount
// is below zero: it lowers what the employee gets and clears Account.
type Advance struct {
	ID      string          `json:"id"`                // of the cash advance
	Account string          `json:"account,omitempty"` // the source's code of the clearing account
	Kind    string          `json:"kind,omitempty"`    // the source's word; Concur: 2 application, 3 carried forward
	Amount  decimal.Decimal `json:"amount"`
}

// Attachment is a file that belongs to a document or an entry: an image of a
// receipt, a scanned invoice. The file itself stays where it is until a sink asks
// for it; see the source for how it is read.
type Attachment struct {
	ID   string `json:"id"`             // the source's own
	Kind string `json:"kind,omitempty"` // the source's word for what ID names
	Name string `json:"name,omitempty"` // a file's name, where the source has one
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
	// PayerUnknown: the source does not say whether its own service pays expenses of
	// the report, so that an Entry without SourcePays may be paid by it all the same.
	PayerUnknown bool `json:"payer_unknown,omitempty"`
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
	Rate        *Rate            `json:"rate,omitempty"`  // from Spent to the document's currency
	Personal    bool             `json:"personal,omitempty"`
	SourcePays  bool             `json:"source_pays,omitempty"` // the source's own service pays it (Concur: Expense Pay)
	PO          string           `json:"po,omitempty"`
	POLine      string           `json:"po_line,omitempty"`
	PORelease   string           `json:"po_release,omitempty"`
	PackSlips   []string         `json:"pack_slips,omitempty"` // receipts of goods that the line invoices
	Quantity    decimal.Decimal  `json:"quantity,omitzero"`    // of a line of an invoice; zero: not known
	UnitPrice   decimal.Decimal  `json:"unit_price,omitzero"`  // may be finer than the minor unit
	Clearing    string           `json:"clearing,omitempty"`   // the source's code of the payment type's clearing account
	Receipts    []Attachment     `json:"receipts,omitempty"`
	Custom      map[string]Value `json:"custom,omitempty"`
	Allocations []Allocation     `json:"allocations,omitempty"`
}

// Rate is an exchange rate as a source gives it. It is only ever a check: the
// source's own amounts count.
type Rate struct {
	Value  decimal.Decimal `json:"value"`
	Divide bool            `json:"divide,omitempty"` // the amount is divided by Value, not multiplied
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
	Journal []Journal        `json:"journal,omitempty"` // of a journaled report or cash advance
	Taxes   []TaxPart        `json:"taxes,omitempty"`   // of a line of an invoice, inside Amount
}

// OwnCompany is the company's own side in a journal. Every other code names a
// counterparty.
const OwnCompany = "COMP"

// Journal is one line of bookkeeping that the source made of a share of an
// entry. Gross is what the account changes by, as it stands: positive is a debit,
// negative a credit. Payer and Payee only name the counterparty, which is the
// side that is not OwnCompany; the sign is never turned because of the direction.
type Journal struct {
	Account string          `json:"account,omitempty"` // the source's code
	Payer   string          `json:"payer"`
	Payee   string          `json:"payee"`
	Gross   decimal.Decimal `json:"gross"`
	// NetOfTax is Gross without the Taxes, NetOfReclaim without what of them can be
	// reclaimed.
	NetOfTax     decimal.Decimal `json:"net_of_tax"`
	NetOfReclaim decimal.Decimal `json:"net_of_reclaim"`
	Taxes        []TaxPart       `json:"taxes,omitempty"`
}

// Counterparty returns the code of the side that is not the company. It reports
// false where that is neither of them, or both.
func (j Journal) Counterparty() (string, bool) {
	payer, payee := strings.TrimSpace(j.Payer), strings.TrimSpace(j.Payee)
	switch {
	case payer == OwnCompany && payee != OwnCompany && payee != "":
		return payee, true
	case payee == OwnCompany && payer != OwnCompany && payer != "":
		return payer, true
	default:
		return "", false
	}
}

// TaxPart is a tax inside an amount, of one authority. It is taken as given and
// never computed from a rate.
type TaxPart struct {
	Authority   string          `json:"authority,omitempty"`
	Code        string          `json:"code,omitempty"`
	ReclaimCode string          `json:"reclaim_code,omitempty"`
	Amount      decimal.Decimal `json:"amount"`
	Reclaim     decimal.Decimal `json:"reclaim"` // the part of Amount that can be reclaimed
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
