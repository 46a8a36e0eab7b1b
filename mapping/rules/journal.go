package rules

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// journal sorts the lines of a journaled document by whom they are owed to. What
// a line books is its amount as it stands; payer and payee only say whose it is.
func (r *run) journal(party func(c counterparty, payment, rule string) *group) {
	for i := range r.doc.Entries {
		e := &r.doc.Entries[i]
		r.purchaseOrder(i)
		for a := range e.Allocations {
			for n, j := range e.Allocations[a].Journal {
				if j.Gross.IsZero() && j.NetOfReclaim.IsZero() && len(j.Taxes) == 0 {
					continue
				}
				g, ok := r.journalParty(i, j, fmt.Sprintf("%s, journal line %d", r.placeOf(i, share{allocation: a}), n+1), party)
				if ok {
					r.journalLine(g, i, a, j)
				}
			}
		}
	}
	r.advances(party)
}

// journalParty finds who the counterparty of a line is. The card programme, which
// only the payment type tells, comes before the kind of payer: "IBCP/1003" before
// "IBCP".
func (r *run) journalParty(i int, j document.Journal, at string, party func(c counterparty, payment, rule string) *group) (*group, bool) {
	e := &r.doc.Entries[i]
	code, ok := j.Counterparty()
	if !ok {
		r.issue(connector.Issue{
			Code: PaymentTypeUnknown, Field: at, Value: strings.TrimSpace(j.Payer) + " to " + strings.TrimSpace(j.Payee),
			Message: fmt.Sprintf("the journal has %q paying %q, and just one of both must be the company (%s)",
				clip(strings.TrimSpace(j.Payer)), clip(strings.TrimSpace(j.Payee)), document.OwnCompany),
			Remedy: "Report the document to SAP Concur; nothing is posted of it.",
		})
		return nil, false
	}
	key := code + "/" + strings.TrimSpace(e.Payment.Code)
	c, known := r.rules.Counterparties[key]
	if !known {
		key = code
		c, known = r.rules.Counterparties[key]
	}
	if !known {
		r.issue(connector.Issue{
			Code: PaymentTypeUnknown, Field: at, Value: code,
			Message: fmt.Sprintf("no counterparty is named for %q, with whom the journal settles", clip(code)),
			Remedy:  fmt.Sprintf("Add %q under counterparties in %s: employee, or the vendor and code of who is owed, then replay.", clip(code), r.set.name),
		})
		return nil, false
	}
	rule := "counterparties." + key
	switch {
	case e.SourcePays && e.Personal:
		r.issue(connector.Issue{
			Code: ExpensePay, Field: at, Value: strings.TrimSpace(e.Payment.Code),
			Message: "Expense Pay pays a personal expense on a card of the company, and the rules cannot say whom it charges",
			Remedy:  byHand,
		})
		return nil, false
	case e.SourcePays:
		r.byService = r.byService || c.Employee
		r.paidBy(c.Employee, j.Gross)
		if c, known = r.sourcePays(i, counterparty{}); !known {
			return nil, false
		}
		rule = "expense_pay"
	case c.Employee && r.doc.Payroll:
		r.byPayroll = true
		r.paidBy(true, j.Gross)
		if c, known = r.payroll(at); !known {
			return nil, false
		}
		rule = "payroll"
	case c.Employee:
		r.byCompany = true
	}
	return party(c, code, rule), true
}

// paidBy counts what another than the company pays the employee.
func (r *run) paidBy(employee bool, amount decimal.Decimal) {
	if employee {
		r.paidFor = r.paidFor.Add(amount)
	}
}

// payroll says whom the company owes what its payroll pays the employee.
func (r *run) payroll(at string) (counterparty, bool) {
	to := r.rules.Payroll
	if to.Vendor.value != "" {
		return to, true
	}
	r.issue(connector.Issue{
		Code: PayrollPay, Field: at, Value: strings.TrimSpace(r.doc.PayrollAccount),
		Message: "the payroll pays the employee, and the rules do not say whom the company owes for that",
		Remedy: fmt.Sprintf("Make a vendor in the ERP for the payroll's clearing account, write its id and a short code into %s as payroll: {vendor: …, code: …}, then replay. "+
			"Do not pay the employee.", r.set.name),
	})
	return to, false
}

// journalLine makes the lines of one line of the journal: the cost, and each tax
// that can be reclaimed.
func (r *run) journalLine(g *group, i, a int, j document.Journal) {
	e := &r.doc.Entries[i]
	cost := share{allocation: a, amount: j.NetOfReclaim, source: strings.TrimSpace(j.Account)}
	switch {
	case r.doc.Kind == document.CashAdvance:
		account, rule, ok := r.clearing(cost.source, r.placeOf(i, cost))
		if !ok {
			return
		}
		cost.account, cost.rule = account, rule
	case e.Personal && r.rules.Personal.Account.value != "":
		cost.account = r.rules.Personal.Account.value
		cost.rule = "personal.account (" + r.set.at(r.rules.Personal.Account.at) + ")"
	}
	whole := piece{entry: i, shares: []share{cost}}
	if e.Personal {
		r.privateTax(i, a, j)
		g.add(whole)
		return
	}
	taxes := r.reclaimed(i, a, j.Taxes, &whole)
	g.add(whole)
	for _, p := range taxes {
		g.add(p)
	}
}

// privateTax stops a private expense with tax that the company would reclaim. The
// card is paid gross and the employee owes the gross amount: with a tax taken out
// of one side, the clearing account would never come to zero.
func (r *run) privateTax(i, a int, j document.Journal) {
	for _, t := range j.Taxes {
		if t.Reclaim.IsZero() {
			continue
		}
		r.issue(connector.Issue{
			Code: TaxUnmapped, Field: r.placeOf(i, share{allocation: a}) + ", tax", Value: t.Reclaim.StringFixed(int32(r.digits)),
			Owner:   connector.ConcurAdmin,
			Message: "a personal expense bears tax that the company would reclaim",
			Remedy:  "Take the reclaim of tax off personal expenses in Concur and let the report be approved again, or mark the expense as one of the company.",
		})
		return
	}
}

// clearing finds the account on which cash advances are cleared.
func (r *run) clearing(code, at string) (account, rule string, ok bool) {
	rules := r.rules.CashAdvances
	line, listed := rules.Accounts[code]
	if !listed {
		where := "in " + r.set.name
		if rules.At.line != 0 {
			where = "(" + r.set.at(rules.At) + ")"
		}
		r.issue(connector.Issue{
			Code: CashAdvance, Field: at, Value: code,
			Message: fmt.Sprintf("no GL account is named for %q, on which a cash advance is cleared", clip(code)),
			Remedy:  fmt.Sprintf("Add a line %q under cash_advances.accounts %s, then replay.", clip(code)+": <GL account>", where),
		})
		return "", "", false
	}
	return line.value, "cash_advances.accounts (" + r.set.at(line.at) + ")", true
}

// advances lowers what the employee gets by what of his cash advances is set
// off. What he returns because he did not spend it is among it.
func (r *run) advances(party func(c counterparty, payment, rule string) *group) {
	payer, payerRule, ok := r.advancePayer()
	if !ok {
		return
	}
	for i, adv := range r.doc.Advances {
		at := fmt.Sprintf("cash advance %d", i+1)
		if kind := strings.TrimSpace(adv.Kind); kind != "" && kind != advanceApplied {
			r.issue(connector.Issue{
				Code: CashAdvance, Field: at, Value: kind,
				Message: fmt.Sprintf("a cash advance is set off in a way that is not known (%q)", clip(kind)),
				Remedy:  byHand,
			})
			continue
		}
		account, rule, ok := r.clearing(strings.TrimSpace(adv.Account), at)
		if !ok || adv.Amount.IsZero() {
			continue
		}
		own, paid := adv.Amount, decimal.Zero
		if r.paidFor.IsPositive() {
			paid = decimal.Max(adv.Amount, r.paidFor.Neg())
			own, r.paidFor = adv.Amount.Sub(paid), r.paidFor.Add(paid)
		}
		for _, part := range []struct {
			to     counterparty
			rule   string
			amount decimal.Decimal
		}{{payer, payerRule, paid}, {counterparty{Employee: true}, "", own}} {
			if part.amount.IsZero() {
				continue
			}
			party(part.to, "cash advance", part.rule).add(piece{
				entry: -1, description: "Cash advance", shares: []share{{allocation: -1, amount: part.amount, account: account, rule: rule}},
			})
		}
	}
}

// advancePayer says who pays the employee less because of his advances: whoever
// pays him what he spent, up to that much. What the advances exceed it by, the
// employee owes himself. Where a part is paid to him by the company and a part by
// another, nobody knows whose payment the advance lowers.
func (r *run) advancePayer() (to counterparty, rule string, ok bool) {
	kinds := 0
	for _, k := range []bool{r.byService, r.byPayroll, r.byCompany} {
		if k {
			kinds++
		}
	}
	switch {
	case len(r.doc.Advances) == 0:
		return to, "", false
	case kinds > 1:
		r.issue(connector.Issue{
			Code: CashAdvance, Field: "cash advance 1",
			Message: "a cash advance is set off, and the employee's expenses are paid by several (Expense Pay, the payroll, the company): the document does not say whose payment it lowers",
			Remedy:  byHand,
		})
		return to, "", false
	case r.byService:
		return r.rules.ExpensePay, "expense_pay", true
	case r.byPayroll:
		return r.rules.Payroll, "payroll", true
	default:
		return to, "", true
	}
}

// advanceApplied is the source's word for an advance that is set off. What the
// others of Concur (1 issue, 3 carried forward) do to an account, its
// documentation does not say, so they stop.
const advanceApplied = "2"

// setOff is what of cash advances is taken off the document's total.
func setOff(d document.Document) decimal.Decimal {
	sum := decimal.Zero
	for _, a := range d.Advances {
		sum = sum.Add(a.Amount)
	}
	return sum
}
