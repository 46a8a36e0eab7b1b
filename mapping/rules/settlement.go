package rules

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// byHand is what is left where the rules cannot say what is owed.
const byHand = "Enter this report in the ERP by hand, with the figures that Concur shows under the report's totals; it stays parked here and is never posted."

// owed is what the rules make of a report, for comparison with its settlement.
type owed struct {
	employee decimal.Decimal // he gets; below zero: he owes
	vendors  decimal.Decimal
	skipped  decimal.Decimal // personal, settled by the employee with the card's issuer
}

// sourcePays says whom the company owes an expense that the source's own
// service pays: never the employee or the card again.
func (r *run) sourcePays(i int, c counterparty) (counterparty, bool) {
	to := r.rules.ExpensePay
	if to.Vendor.value == "" {
		r.issue(connector.Issue{
			Code: ExpensePay, Field: fmt.Sprintf("expense %d", i+1), Value: r.doc.Entries[i].Payment.Code,
			Message: "Expense Pay, Concur's own service, pays it, and the rules do not say whom the company owes for that",
			Remedy: fmt.Sprintf("Make a vendor in the ERP for the Expense Pay clearing account, write its id and a short code into %s as expense_pay: {vendor: …, code: …}, then replay. "+
				"Do not pay the employee.", r.set.name),
		})
		return to, false
	}
	if c.Employee {
		// By the source's account the employee still gets it.
		amount := piece{shares: r.entryPart[i]}.amount()
		r.owed.employee = r.owed.employee.Add(amount)
		r.owed.vendors = r.owed.vendors.Sub(amount)
	}
	return to, true
}

// settlement compares what the groups are owed with what the source says comes
// of the report, since entries do not show all: an advance, or a deduction. It
// fails closed: a report that disagrees is never posted. sorted: the document
// ties and each entry is in its group, so amounts can be compared.
func (r *run) settlement(sorted bool) {
	s := r.doc.Settlement
	if s == nil || r.doc.Kind != document.Report {
		return
	}
	if s.PayerUnknown && !r.rules.NoExpensePay {
		r.issue(connector.Issue{
			Code: ExpensePay, Field: "expenses",
			Message: "Concur does not say whether Expense Pay, its own service, pays them, and then they would be paid twice",
			Remedy: fmt.Sprintf("Where the company does not use Expense Pay, write expense_pay: none into %s, then replay. "+
				"Where it does, look in Concur how this report is paid, and enter it in the ERP by hand; it stays parked here and is never posted.", r.set.name),
		})
	}
	if s.Advance {
		r.issue(connector.Issue{Code: CashAdvance, Field: "cash advance"})
		return // of which the amounts are the consequence
	}
	if !sorted || r.rules.Settlement == ignore {
		return
	}
	o := r.owed
	for _, g := range r.groups {
		sum := decimal.Zero
		for _, p := range g.pieces {
			sum = sum.Add(p.amount())
		}
		if g.employee {
			o.employee = o.employee.Add(sum)
		} else {
			o.vendors = o.vendors.Add(decimal.Max(sum, decimal.Zero))
		}
	}
	amount := func(d decimal.Decimal) string { return d.StringFixed(int32(r.digits)) + " " + r.doc.Currency }
	if due, known := netDue(s, o.employee); known && !due.Equal(o.employee) {
		r.issue(connector.Issue{
			Code: SettlementMismatch, Field: "due to the employee", Value: due.StringFixed(int32(r.digits)),
			Message: fmt.Sprintf("by the rules the employee gets %s, by Concur %s (difference %s)", amount(o.employee), amount(due), amount(o.employee.Sub(due))),
			Remedy:  r.settlementRemedy(),
		})
	}
	// The issuer's part of a private expense may be in it; what the company paid
	// without a card is not, so less is no contradiction. Nothing is the least that
	// can be due to a card, also where it gives back more than was spent with it: that
	// lowers nothing of what is due to another.
	if most := decimal.Max(o.vendors.Add(o.skipped), decimal.Zero); s.ToCard.Valid && s.ToCard.Decimal.GreaterThan(most) {
		r.issue(connector.Issue{
			Code: SettlementMismatch, Field: "due to cards", Value: s.ToCard.Decimal.StringFixed(int32(r.digits)),
			Message: fmt.Sprintf("by the rules vendors get %s, and by Concur %s is due to cards", amount(most), amount(s.ToCard.Decimal)),
			Remedy:  r.settlementRemedy(),
		})
	}
}

func (r *run) settlementRemedy() string {
	return fmt.Sprintf("Compare with the report's totals in Concur. Where a payment type stands for the wrong party, correct it under counterparties in %s and replay. "+
		"Where a cash advance or another deduction is the cause, enter the report in the ERP by hand; it stays parked here and is never posted.", r.set.name)
}

// netDue is what the employee gets by the source, and whether that can be held
// against the rules. Both directions count, since a source may tell what he owes
// beside what he gets or deducted from it. Where only one is known, only what no
// amount of the other could explain is a contradiction.
func netDue(s *document.Settlement, byRules decimal.Decimal) (decimal.Decimal, bool) {
	switch {
	case s.ToEmployee.Valid && s.FromEmployee.Valid:
		return s.ToEmployee.Decimal.Sub(s.FromEmployee.Decimal), true
	case s.ToEmployee.Valid:
		// Something may be owed back beside it, which nobody told.
		return s.ToEmployee.Decimal, byRules.GreaterThan(s.ToEmployee.Decimal)
	case s.FromEmployee.Valid:
		return s.FromEmployee.Decimal.Neg(), byRules.LessThan(s.FromEmployee.Decimal.Neg())
	default:
		return decimal.Zero, false
	}
}

// settled reports whether nothing comes of a report, so that one without any
// amount may be passed over: an advance that was returned whole has none either.
func settled(d document.Document) bool {
	s := d.Settlement
	return s == nil || !s.Advance && s.ToEmployee.Decimal.IsZero() && s.FromEmployee.Decimal.IsZero() && s.ToCard.Decimal.IsZero()
}
