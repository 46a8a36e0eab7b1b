package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// share is a part of an entry that is booked to one account.
type share struct {
	allocation int // from 0; -1 where the entry has none
	amount     decimal.Decimal
	account    string // where it is fixed already
	rule       string // that fixed it
	source     string // the source's own account, of a line of a journal
}

// piece is what becomes a line.
type piece struct {
	entry       int // from 0; -1 for a charge
	description string
	shares      []share
	taxes       []document.InvoiceTax // of the ERP, beside the shares
	order       *document.OrderLine   // that it is booked by, in place of the shares
}

// amount is what is owed for the piece, with its taxes.
func (p piece) amount() decimal.Decimal {
	sum := decimal.Zero
	for _, t := range p.taxes {
		sum = sum.Add(t.Amount)
	}
	for _, s := range p.shares {
		sum = sum.Add(s.amount)
	}
	return sum
}

// group is what becomes an invoice: all that one counterparty is owed.
type group struct {
	code     string // in the number; empty for a supplier
	employee bool
	vendor   text   // by the rules, for a counterparty that is a vendor
	payment  string // type, of the first expense
	rule     string // that names the vendor
	terms    text   // of payment
	pieces   []piece
}

// parties sorts the entries by whom they are owed to.
func (r *run) parties() {
	if r.doc.Kind == document.Invoice || !r.doc.Journaled {
		r.shares()
	}
	if r.doc.Kind == document.Invoice {
		g := &group{}
		for i := range r.doc.Entries {
			whole := piece{entry: i, shares: slices.Clone(r.entryPart[i])}
			taxes := r.lineTaxes(i, &whole)
			r.ordered(i, &whole)
			g.add(whole)
			for _, p := range taxes {
				g.add(p)
			}
			r.purchaseOrder(i)
		}
		r.chargeLines(g)
		r.groups = append(r.groups, g)
		return
	}
	byCode := make(map[string]*group)
	party := func(c counterparty, payment, rule string) *group {
		code := c.Code.value
		if c.Employee {
			code = r.rules.Employees.Code.value
		}
		if byCode[code] == nil {
			byCode[code] = &group{code: code, employee: c.Employee, vendor: c.Vendor, payment: payment, rule: rule, terms: c.Terms}
		}
		return byCode[code]
	}
	if r.doc.Journaled {
		r.journal(party)
		r.sortGroups(byCode)
		return
	}
	for i, e := range r.doc.Entries {
		// The shares of a personal expense say nothing, since nothing of it is approved.
		if allZeroShares(r.entryPart[i]) && (!e.Personal || e.Amount.IsZero()) {
			continue
		}
		field := fmt.Sprintf("expense %d, payment type", i+1)
		code := strings.TrimSpace(e.Payment.Code)
		c, known := r.rules.Counterparties[code]
		if !known {
			message := fmt.Sprintf("no counterparty is named for payment type %q", clip(code))
			if code == "" {
				message = "the expense has no payment type, so nobody knows who is owed"
			}
			r.issue(connector.Issue{
				Code: PaymentTypeUnknown, Field: field, Value: code, Message: message,
				Remedy: fmt.Sprintf("Add %q under counterparties in %s: employee, or the vendor and code of who is owed, then replay.", clip(code), r.set.name),
			})
			continue
		}
		if e.Personal {
			r.personal(i, c, code, party)
			continue
		}
		r.purchaseOrder(i)
		rule := "counterparties." + code
		if e.SourcePays {
			if c, known = r.sourcePays(i, c); !known {
				continue
			}
			rule = "expense_pay"
		}
		party(c, code, rule).add(piece{entry: i, shares: r.entryPart[i]})
	}
	r.sortGroups(byCode)
}

func (r *run) sortGroups(byCode map[string]*group) {
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		r.groups = append(r.groups, byCode[code])
	}
}

// personal handles an expense that the employee made for himself. On his own
// money it is nobody's business. On a card that the company pays, the card is
// paid in full and the employee owes his part; both meet on a clearing account,
// which nets to zero.
func (r *run) personal(i int, c counterparty, code string, party func(c counterparty, payment, rule string) *group) {
	e := r.doc.Entries[i]
	field := fmt.Sprintf("expense %d", i+1)
	reason := mapping.Reason{Field: field, Value: "not posted", Input: "personal expense, payment type " + code}
	switch {
	case c.Employee:
		reason.Rule = "an employee's own personal expense is not reimbursed"
		r.reasons = append(r.reasons, reason)
	case c.Personal.value == skip:
		r.owed.skipped = r.owed.skipped.Add(e.Amount)
		reason.Rule = "counterparties." + code + ".personal skip (" + r.set.at(c.Personal.at) + ")"
		r.reasons = append(r.reasons, reason)
	case e.SourcePays:
		// Whom the source's service charges for it is not known.
		r.issue(connector.Issue{
			Code: ExpensePay, Field: field, Value: code,
			Message: "Expense Pay pays a personal expense on a card of the company, and the rules cannot say whom it charges",
			Remedy:  byHand,
		})
	case c.Personal.value == employeeOwes:
		account := r.rules.Personal.Account
		rule := "personal.account (" + r.set.at(account.at) + ")"
		clearing := func(amount decimal.Decimal) piece {
			return piece{entry: i, shares: []share{{allocation: -1, amount: amount, account: account.value, rule: rule}}}
		}
		party(c, code, "counterparties."+code).add(clearing(e.Amount))
		party(counterparty{Employee: true}, "personal expense", "").add(clearing(e.Amount.Neg()))
	default:
		r.issue(connector.Issue{
			Code: PersonalUnmapped, Field: field, Value: code,
			Message: fmt.Sprintf("a personal expense stands on payment type %s, which the company pays, and no rule says who bears it", clip(code)),
			Remedy:  fmt.Sprintf("Write under counterparties.%s (%s) personal: employee_owes, where the company pays the card in full, or personal: skip, where the employee pays the issuer himself; then replay.", clip(code), r.set.at(c.At)),
		})
	}
}

// add takes a piece unless it has no effect at all.
func (g *group) add(p piece) {
	p.shares = slices.DeleteFunc(slices.Clone(p.shares), func(s share) bool { return s.amount.IsZero() })
	if len(p.shares) > 0 || len(p.taxes) > 0 {
		g.pieces = append(g.pieces, p)
	}
}

func allZeroShares(shares []share) bool {
	return !slices.ContainsFunc(shares, func(s share) bool { return !s.amount.IsZero() })
}

// shares fixes the amounts of every entry: its allocations as they are given,
// and on an invoice what is spread over them.
func (r *run) shares() {
	r.entryPart = make([][]share, len(r.doc.Entries))
	for i, e := range r.doc.Entries {
		if len(e.Allocations) == 0 {
			r.entryPart[i] = []share{{allocation: -1, amount: e.Amount}}
			continue
		}
		for j, a := range e.Allocations {
			r.entryPart[i] = append(r.entryPart[i], share{allocation: j, amount: a.Amount})
		}
	}
	if r.doc.Kind != document.Invoice {
		return
	}
	for i, c := range r.doc.Charges {
		rule, known := r.chargeRule(c.Kind)
		if known && rule.Spread && !c.Amount.IsZero() {
			r.spread(i, c)
		}
	}
}

func (r *run) chargeRule(k document.ChargeKind) (charge, bool) {
	switch k {
	case document.Shipping:
		return r.rules.Charges.Shipping, true
	case document.Tax:
		return r.rules.Charges.Tax, true
	default:
		return charge{}, false
	}
}

// spread adds a charge to the lines by their amounts, and within a line to its
// shares. Lines of the other sign than the sum of the lines take nothing.
func (r *run) spread(at int, c document.Charge) {
	if len(r.issues) > 0 {
		return // amounts that do not tie cannot be spread
	}
	lines := make([]decimal.Decimal, len(r.doc.Entries))
	for i, e := range r.doc.Entries {
		lines[i] = e.Amount
	}
	parts, err := document.Allocate(c.Amount, weights(lines), r.digits)
	if err != nil {
		rule, _ := r.chargeRule(c.Kind)
		r.issue(connector.Issue{
			Code: ChargeUnspreadable, Field: fmt.Sprintf("charge %d", at+1), Value: string(c.Kind) + " " + c.Amount.String(),
			Remedy: fmt.Sprintf("Write charges.%s: {account: …} with a GL account of its own (%s), then replay.", c.Kind, r.set.at(rule.At)),
		})
		return
	}
	for i, part := range parts {
		shares := r.entryPart[i]
		amounts := make([]decimal.Decimal, len(shares))
		for j, s := range shares {
			// The weights are the shares as they came, not with an earlier charge
			// inside, so that the order of charges changes nothing.
			amounts[j] = r.doc.Entries[i].Amount
			if s.allocation >= 0 {
				amounts[j] = r.doc.Entries[i].Allocations[s.allocation].Amount
			}
		}
		within, err := document.Allocate(part, weights(amounts), r.digits)
		if err != nil {
			r.issue(connector.Issue{
				Code: ChargeUnspreadable, Field: fmt.Sprintf("line %d", i+1), Value: string(c.Kind) + " " + part.String(),
			})
			return
		}
		for j := range shares {
			shares[j].amount = shares[j].amount.Add(within[j])
		}
		r.reasons = append(r.reasons, mapping.Reason{
			Field: fmt.Sprintf("line %d, %s", i+1, c.Kind), Value: part.StringFixed(int32(r.digits)),
			Rule: "charges." + string(c.Kind) + " spread by largest remainder", Input: c.Amount.String(),
		})
	}
}

// weights are the amounts of the sign that their sum has.
func weights(amounts []decimal.Decimal) []decimal.Decimal {
	sum := decimal.Zero
	for _, a := range amounts {
		sum = sum.Add(a)
	}
	out := make([]decimal.Decimal, len(amounts))
	for i, a := range amounts {
		if a.Sign() == sum.Sign() {
			out[i] = a.Abs()
		}
	}
	return out
}

// chargeLines adds the charges that are lines of their own.
func (r *run) chargeLines(g *group) {
	for i, c := range r.doc.Charges {
		rule, known := r.chargeRule(c.Kind)
		switch {
		case !known:
			r.issue(connector.Issue{Code: ChargeUnknown, Field: fmt.Sprintf("charge %d", i+1), Value: string(c.Kind)})
		case !rule.Spread:
			g.add(piece{entry: -1, description: rule.Description.value, shares: []share{{
				allocation: -1, amount: c.Amount, account: rule.Account.value,
				rule: "charges." + string(c.Kind) + " (" + r.set.at(rule.Account.at) + ")",
			}}})
		}
	}
}

// bySign splits a group into what is owed and what is owed back, where the
// rules ask for it.
func (r *run) bySign(g *group) []*group {
	if r.rules.Netting != bySign || r.doc.Kind == document.Invoice {
		return []*group{g}
	}
	plus, minus := *g, *g
	plus.pieces, minus.pieces = nil, nil
	for _, p := range g.pieces {
		if p.amount().IsNegative() {
			minus.pieces = append(minus.pieces, p)
		} else {
			plus.pieces = append(plus.pieces, p)
		}
	}
	return slices.DeleteFunc([]*group{&plus, &minus}, func(g *group) bool { return len(g.pieces) == 0 })
}

// byNumber is the order of the invoices of a set: it does not depend on the
// order in which the source gave the entries.
func byNumber(a, b document.APInvoice) int { return cmp.Compare(a.Number, b.Number) }
