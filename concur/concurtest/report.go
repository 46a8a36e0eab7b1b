package concurtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Report is an expense report. Only Owner and Expenses are needed; AddReport
// makes up the rest.
type Report struct {
	ID              string // 20 hexadecimal digits
	Number          string // six characters that people use
	Owner           string // login
	Approver        string // login; default the owner's manager
	Name            string
	BusinessPurpose string
	Currency        string // of reimbursement, default the company's
	Country         string // default the company's
	Policy          string // default the company's
	Ledger          string // default the company's
	Type            string // default Regular
	Date            string // user defined date, YYYY-MM-DD; default the server's day
	Custom          Custom
	Expenses        []Expense

	// Advance is how much of cash advances is set off against the report. It
	// lessens what is due to the employee, who owes what is beyond that.
	Advance decimal.Decimal

	// Requests and CashAdvances are the ids of the travel requests that the report
	// belongs to, and of the cash advances that are set off against it.
	Requests, CashAdvances []string

	// ExpensePay: the vendor's own payment service pays the report's expenses.
	ExpensePay bool

	// Status as it stands. A report that is added with other statuses than
	// NotSubmitted and NotPaid gets the dates that belong to them.
	ApprovalStatus, PaymentStatus string

	// Version is reportVersion. It counts each change of the content and each
	// step of the workflow before payment, not payments: which the vendor counts
	// is not documented.
	Version int

	CreateDate, SubmitDate, ProcessingDate, PaidDate, LastModified time.Time

	EverSentBack bool
	LastComment  string
}

// Expense is an entry of a report or an itemization of one.
type Expense struct {
	ID          string // 32 hexadecimal digits
	Type        string // expense type id of at most five characters, such as LUNCH; required
	TypeName    string // default Type
	TypeCode    string // spend category, default OTHER
	PaymentType string // CASH (default), CBCP, COPD, IBCP …
	PaymentName string // default a name for the PaymentType
	// PaymentClass is the vendor's own code of a customer's PaymentType, which says
	// who paid. Default the PaymentType.
	PaymentClass string
	Date         string // transaction date, YYYY-MM-DD; default the report's
	Purpose      string // business purpose
	Vendor       string // merchant's name
	City         string

	// Amount is the transaction amount in Currency, by default the report's.
	// For an expense with Itemizations it defaults to their sum.
	Amount   decimal.Decimal
	Currency string

	// Rate turns Amount into the report's currency: Amount times Rate, or divided
	// by it with Divide. Default 1. Posted is the result, by default rounded to two digits.
	Rate   decimal.Decimal
	Divide bool
	Posted decimal.NullDecimal

	// Approved is what the approver left of Posted; by default all of it, and
	// nothing of a personal expense.
	Approved decimal.NullDecimal

	Personal bool
	Rejected bool // goes back in a split-off report; shows in the detail call alone
	Billable bool

	Tax        decimal.Decimal // tax inside Posted
	TaxReclaim decimal.Decimal // the part of Tax that can be reclaimed

	Receipt      string // R receipt, T tax receipt, N none; default R
	AccountCode  string // of the system allocation; default "Pending Client"
	Custom       Custom
	Allocations  []Allocation
	Itemizations []Expense
}

// Allocation is a share of an expense.
type Allocation struct {
	ID          string // 32 hexadecimal digits
	Percentage  decimal.Decimal
	AccountCode string // GL account; default "Pending Client", which stands where no account hierarchy is configured
	Custom      Custom

	// Amount is the share of the posted amount, Approved that of the approved
	// one. By default both are computed from Percentage, rounded to two digits,
	// the last allocation taking the rest.
	Amount, Approved decimal.NullDecimal
}

// AddReport adds a report and returns it with all that was made up. A new report
// is announced to subscribers as reportCreated.
func (c *Company) AddReport(r Report) Report {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	owner := c.mustUser(r.Owner)
	r.Owner = owner.Login
	r.Approver = orElse(r.Approver, owner.Manager)
	if r.Approver != "" {
		r.Approver = c.mustUser(r.Approver).Login
	}
	r.ID = orElse(r.ID, c.s.ids.upper("report", 20))
	if c.report(r.ID) != nil {
		panic(fmt.Sprintf("concurtest: AddReport: the id %s is taken", r.ID))
	}
	for r.Number == "" { // six digits meet by chance; a company's numbers never do
		if n := c.s.ids.upper("number", 6); !slices.ContainsFunc(c.reports, func(have *Report) bool { return have.Number == n }) {
			r.Number = n
		}
	}
	r.Currency = orElse(r.Currency, c.opts.Currency)
	r.Country = orElse(r.Country, c.opts.Country)
	r.Policy = orElse(r.Policy, c.opts.Policy)
	r.Ledger = orElse(r.Ledger, c.opts.Ledger)
	r.Type = orElse(r.Type, "Regular")
	r.Date = orElse(r.Date, c.s.today())
	r.Name = orElse(r.Name, "Expenses of "+r.Date)
	r.ApprovalStatus = orElse(r.ApprovalStatus, NotSubmitted)
	r.PaymentStatus = orElse(r.PaymentStatus, NotPaid)
	r.Expenses = c.complete(&r, nil, r.Expenses)
	now := c.s.now()
	r.CreateDate = orElse(r.CreateDate, now)
	r.LastModified = orElse(r.LastModified, now)
	if r.ApprovalStatus != NotSubmitted && r.ApprovalStatus != SentBack {
		r.SubmitDate = orElse(r.SubmitDate, now)
		r.Version = max(r.Version, 1)
	}
	if r.PaymentStatus == ProcessingPayment || r.PaymentStatus == PaymentConfirmed || r.PaymentStatus == Paid {
		r.ProcessingDate = orElse(r.ProcessingDate, now)
	}
	if r.PaymentStatus == Paid {
		r.PaidDate = orElse(r.PaidDate, now)
	}
	c.reports = append(c.reports, &r)
	c.announceReport("reportCreated", &r)
	return r.clone()
}

// Report returns the report with the id as it stands.
func (c *Company) Report(id string) (Report, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if r := c.report(id); r != nil {
		return r.clone(), true
	}
	return Report{}, false
}

// Reports returns all reports in the order in which they were added.
func (c *Company) Reports() []Report {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := make([]Report, 0, len(c.reports))
	for _, r := range c.reports {
		out = append(out, r.clone())
	}
	return out
}

// EditReport changes the content of a report as its owner or a processor does,
// counts its version up and announces reportUpdated.
func (c *Company) EditReport(id string, change func(*Report)) Report {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r := c.mustReport(id)
	edited := r.clone()
	change(&edited)
	edited.ID = r.ID
	edited.Expenses = c.complete(&edited, nil, edited.Expenses)
	*r = edited
	r.Version++
	r.LastModified = c.s.now()
	c.announceReport("reportUpdated", r)
	return r.clone()
}

// DeleteReport deletes a report and announces reportDeleted.
func (c *Company) DeleteReport(id string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r := c.mustReport(id)
	c.reports = slices.DeleteFunc(c.reports, func(o *Report) bool { return o == r })
	r.LastModified = c.s.now()
	c.announceReport("reportDeleted", r)
}

func (c *Company) report(id string) *Report {
	i := slices.IndexFunc(c.reports, func(r *Report) bool { return strings.EqualFold(r.ID, id) })
	if i < 0 {
		return nil
	}
	return c.reports[i]
}

func (c *Company) mustReport(id string) *Report {
	r := c.report(id)
	if r == nil {
		panic(fmt.Sprintf("concurtest: %s has no report %q", c.Name, id))
	}
	return r
}

// clone copies deeply enough that a caller cannot change the server's state.
func (r *Report) clone() Report {
	out := *r
	out.Expenses = cloneExpenses(r.Expenses)
	return out
}

func cloneExpenses(in []Expense) []Expense {
	out := slices.Clone(in)
	for i := range out {
		out[i].Allocations = slices.Clone(out[i].Allocations)
		out[i].Itemizations = cloneExpenses(out[i].Itemizations)
	}
	return out
}

// complete fills what was left out of expenses; parent is the itemised entry.
func (c *Company) complete(r *Report, parent *Expense, in []Expense) []Expense {
	out := cloneExpenses(in)
	for i := range out {
		e := &out[i]
		if e.Type == "" {
			panic(fmt.Sprintf("concurtest: report %q: expense %d has no type", r.Name, i+1))
		}
		e.ID = orElse(e.ID, c.s.ids.upper("expense", 32))
		e.TypeName = orElse(e.TypeName, e.Type)
		e.TypeCode = orElse(e.TypeCode, "OTHER")
		e.Receipt = orElse(e.Receipt, "R")
		if parent != nil {
			// An itemization is paid as its entry is, in its currency, at its rate.
			e.PaymentType = orElse(e.PaymentType, parent.PaymentType)
			e.PaymentName = orElse(e.PaymentName, parent.PaymentName)
			e.PaymentClass = orElse(e.PaymentClass, parent.PaymentClass)
			e.Date = orElse(e.Date, parent.Date)
			e.Currency = orElse(e.Currency, parent.Currency)
			e.Divide = parent.Divide
			if e.Rate.IsZero() {
				e.Rate = parent.Rate
			}
		}
		e.PaymentType = orElse(e.PaymentType, "CASH")
		e.PaymentName = orElse(e.PaymentName, paymentTypeName(e.PaymentType))
		e.Date = orElse(e.Date, r.Date)
		e.Currency = orElse(e.Currency, r.Currency)
		if e.Rate.IsZero() {
			e.Rate = decimal.NewFromInt(1)
		}
		e.Itemizations = c.complete(r, e, e.Itemizations)
		c.completeAmounts(e)
		for j := range e.Allocations {
			a := &e.Allocations[j]
			a.ID = orElse(a.ID, c.s.ids.upper("allocation", 32))
			a.AccountCode = orElse(a.AccountCode, "Pending Client")
		}
		share(e.Allocations, e.Posted.Decimal, func(a *Allocation) *decimal.NullDecimal { return &a.Amount })
		share(e.Allocations, e.Approved.Decimal, func(a *Allocation) *decimal.NullDecimal { return &a.Approved })
	}
	return out
}

func (c *Company) completeAmounts(e *Expense) {
	var amount, posted, approved decimal.Decimal
	for _, it := range e.Itemizations {
		amount, posted, approved = amount.Add(it.Amount), posted.Add(it.Posted.Decimal), approved.Add(it.Approved.Decimal)
	}
	itemised := len(e.Itemizations) > 0
	if e.Amount.IsZero() && itemised {
		e.Amount = amount
	}
	if !e.Posted.Valid {
		if !itemised {
			posted = e.Amount.Mul(e.Rate).Round(2)
			if e.Divide {
				posted = e.Amount.DivRound(e.Rate, 2)
			}
		}
		e.Posted = decimal.NewNullDecimal(posted)
	}
	if !e.Approved.Valid {
		if !itemised {
			approved = e.Posted.Decimal
			if e.Personal {
				approved = decimal.Zero
			}
		}
		e.Approved = decimal.NewNullDecimal(approved)
	}
}

// share splits total over the allocations that say no amount of their own; the
// last of them takes what rounding leaves.
func share(as []Allocation, total decimal.Decimal, field func(*Allocation) *decimal.NullDecimal) {
	hundred := decimal.NewFromInt(100)
	left, percent, open := total, decimal.Zero, -1
	for i := range as {
		f := field(&as[i])
		percent = percent.Add(as[i].Percentage)
		if f.Valid {
			left = left.Sub(f.Decimal)
			continue
		}
		if open >= 0 {
			g := field(&as[open])
			*g = decimal.NewNullDecimal(total.Mul(as[open].Percentage).DivRound(hundred, 2))
			left = left.Sub(g.Decimal)
		}
		open = i
	}
	if open < 0 {
		return
	}
	if !percent.Equal(hundred) {
		left = total.Mul(as[open].Percentage).DivRound(hundred, 2)
	}
	*field(&as[open]) = decimal.NewNullDecimal(left)
}

func (e *Expense) paymentClass() string { return orElse(e.PaymentClass, e.PaymentType) }

func paymentTypeName(code string) string {
	switch code {
	case "CASH":
		return "Cash"
	case "CBCP":
		return "Company Billed Card"
	case "COPD":
		return "Company Paid"
	case "IBCP":
		return "Individual Billed Card"
	default:
		return code
	}
}

// totals are the amounts of a report's header. How the vendor computes each is
// described in words only; the shares by payment class are an assumption. What is
// personal on a card in the employee's name he settles with its issuer: neither
// the company nor the card is owed it.
type totals struct {
	total, personal, claimed, approved, rejected    decimal.Decimal
	dueEmployee, dueCompany, dueCard, paidByCompany decimal.Decimal
}

func (r *Report) totals() totals {
	var t totals
	t.add(r.Expenses)
	t.claimed = t.total.Sub(t.personal)
	if t.dueEmployee = t.dueEmployee.Sub(r.Advance); r.Advance.IsPositive() && t.dueEmployee.IsNegative() {
		t.dueCompany, t.dueEmployee = t.dueCompany.Sub(t.dueEmployee), decimal.Zero
	}
	return t
}

func (t *totals) add(es []Expense) {
	for _, e := range es {
		if len(e.Itemizations) > 0 {
			// The parts, never the whole as well.
			t.add(e.Itemizations)
			continue
		}
		posted, approved := e.Posted.Decimal, e.Approved.Decimal
		t.total = t.total.Add(posted)
		if e.Personal {
			t.personal = t.personal.Add(posted)
		}
		if e.Rejected {
			t.rejected = t.rejected.Add(approved)
			approved = decimal.Zero
		}
		t.approved = t.approved.Add(approved)
		switch e.paymentClass() {
		case "CBCP", "COPD":
			t.paidByCompany = t.paidByCompany.Add(approved)
			if e.Personal {
				t.dueCompany = t.dueCompany.Add(posted)
			}
		case "IBCP":
			t.dueCard = t.dueCard.Add(approved)
		default:
			t.dueEmployee = t.dueEmployee.Add(approved)
		}
	}
}

// ApprovedAmount returns the approved amount of the header, in the report's
// currency: what accounts payable is to post. Rejected expenses are not in it.
func (r Report) ApprovedAmount() decimal.Decimal { return r.totals().approved }

// find returns the expense with the id, and the entry that it itemises.
func (r *Report) find(id string) (e, parent *Expense) {
	for i := range r.Expenses {
		if strings.EqualFold(r.Expenses[i].ID, id) {
			return &r.Expenses[i], nil
		}
		for j := range r.Expenses[i].Itemizations {
			if it := &r.Expenses[i].Itemizations[j]; strings.EqualFold(it.ID, id) {
				return it, &r.Expenses[i]
			}
		}
	}
	return nil, nil
}
