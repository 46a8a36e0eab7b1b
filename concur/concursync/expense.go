package concursync

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// document returns what the header alone says.
func (s *ReportSource) document(r *concur.Report, owner string) document.Document {
	number := r.ReportNumber
	if number == "" {
		number = r.ReportID
	}
	return document.Document{
		Kind: document.Report, ID: r.ReportID, Number: number, Revision: r.ReportVersion, Name: r.Name,
		Policy: document.Value{Code: r.PolicyID, Text: r.Policy}, Ledger: r.Ledger,
		Country: r.CountryCode, Currency: r.CurrencyCode,
		Owner: document.Person{ID: owner, EmployeeID: r.Employee.EmployeeID},
		Date:  dateOf(r.ReportDate), Submitted: document.DateOf(r.SubmitDate.Time().In(s.opts.Location)),
		Total: r.ApprovedAmount.Value.Value(), Settlement: settlementOf(r),
	}
}

// dateOf carries a calendar date over; both are days without a zone.
func dateOf(d concur.Date) document.Date { return document.Date(d.String()) }

// complete reads what only a ready report needs.
func (s *ReportSource) complete(ctx context.Context, snap *connector.Snapshot[document.Document], header *concur.Report, owner string) error {
	doc := &snap.Content
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.opts.Concurrency)
	var paid payments
	g.Go(func() (err error) {
		paid, err = s.versionThree(ctx, snap, owner)
		return err
	})
	g.Go(func() (err error) {
		doc.Custom, err = s.codes.resolve(ctx, header.CustomData)
		return err
	})
	var entries []document.Entry
	g.Go(func() (err error) {
		entries, err = s.entries(ctx, header, owner)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	doc.Entries = entries
	paid.mark(doc)
	return nil
}

// versionThree fills in what only version 3 knows, and only by the owner's
// log-in name: the owner, the date of final approval, and how expenses are paid.
func (s *ReportSource) versionThree(ctx context.Context, snap *connector.Snapshot[document.Document], owner string) (payments, error) {
	doc := &snap.Content
	user, err := s.people.user(ctx, owner)
	if errors.Is(err, concur.ErrNotFound) {
		// The mapping names what it misses without him, and a person decides.
		snap.Why += "; the owner is no user any more, so no date of approval is to be had, and whether Expense Pay pays its expenses is not known"
		return payments{unknown: true}, nil
	}
	if err != nil {
		return payments{}, err
	}
	doc.Owner.Login, doc.Owner.Name = user.UserName, user.DisplayName
	if doc.Owner.EmployeeID == "" {
		doc.Owner.EmployeeID = user.Enterprise.EmployeeNumber
	}
	if err := s.approval(ctx, snap, user.UserName); err != nil {
		return payments{}, err
	}
	paid, err := s.payments(ctx, doc.ID, user.UserName)
	if paid.unknown {
		snap.Why += "; version 3 does not show its expenses, so whether Expense Pay pays them is not known"
	}
	return paid, err
}

func (s *ReportSource) approval(ctx context.Context, snap *connector.Snapshot[document.Document], login string) error {
	doc := &snap.Content
	r, err := s.client.ReportsV3.Get(ctx, doc.ID, login)
	if errors.Is(err, concur.ErrNotFound) {
		// Version 3 leaves some reports out, those of Central Reconciliation among them.
		snap.Why += "; no date of approval is to be had"
		return nil
	}
	if err != nil {
		return err
	}
	approved := r.ProcessingPaymentDate
	if approved.IsZero() {
		approved = r.PaidDate
	}
	if !approved.Valid() {
		return fmt.Errorf("concursync: report %s: date of approval is not readable", doc.ID)
	}
	if approved.IsZero() {
		snap.Why += "; no date of approval is to be had"
		return nil
	}
	doc.Approved = document.DateOf(approved.Time().In(s.opts.Location))
	snap.Period = doc.Approved.Month()
	return nil
}

// entries reads the expenses in the report's order, itemizations in place of
// what they itemise and rejected ones left out.
func (s *ReportSource) entries(ctx context.Context, header *concur.Report, owner string) ([]document.Entry, error) {
	listed, err := s.client.Expenses.List(ctx, owner, header.ReportID)
	if err != nil {
		return nil, err
	}
	parts := make([][]leaf, len(listed))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.opts.Concurrency)
	for i, e := range listed {
		if e == nil || e.ExpenseID == "" {
			return nil, fmt.Errorf("concursync: report %s: an expense has no id", header.ReportID)
		}
		g.Go(func() (err error) {
			parts[i], err = s.leaves(gctx, header, owner, e)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	// A list that shows itemizations beside what they itemise must not count them twice.
	child := make(map[string]bool)
	for _, ls := range parts {
		for _, l := range ls {
			if l.entry.Parent != "" && l.under != "" {
				child[l.entry.ID] = true
			}
		}
	}
	var entries []document.Entry
	for _, ls := range parts {
		for _, l := range ls {
			if l.rejected || (l.under == "" && child[l.entry.ID]) {
				continue
			}
			entries = append(entries, l.entry)
		}
	}
	return entries, nil
}

// leaf is an entry that may be posted.
type leaf struct {
	entry    document.Entry
	under    string // the expense whose itemizations were asked for
	rejected bool
}

func (s *ReportSource) leaves(ctx context.Context, header *concur.Report, owner string, e *concur.Expense) ([]leaf, error) {
	if e.Itemized() {
		items, err := s.client.Expenses.Itemizations(ctx, owner, header.ReportID, e.ExpenseID)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 {
			return s.itemizations(ctx, header, owner, e.ExpenseID, items)
		}
	}
	l, err := s.leaf(ctx, header, owner, e.ExpenseID)
	if err != nil {
		return nil, err
	}
	return []leaf{l}, nil
}

func (s *ReportSource) itemizations(ctx context.Context, header *concur.Report, owner, parent string, items []*concur.Expense) ([]leaf, error) {
	whole, err := s.client.Expenses.Get(ctx, owner, header.ReportID, parent)
	if err != nil {
		return nil, err
	}
	var out []leaf
	for _, item := range items {
		if item == nil || item.ExpenseID == "" {
			return nil, fmt.Errorf("concursync: report %s: an itemization has no id", header.ReportID)
		}
		l, err := s.leaf(ctx, header, owner, item.ExpenseID)
		if err != nil {
			return nil, err
		}
		l.under, l.entry.Parent = parent, parent
		// What is rejected whole is rejected in its parts.
		l.rejected = l.rejected || whole.IsExpenseRejected
		out = append(out, l)
	}
	return out, nil
}

// leaf reads one expense whole, with its allocations.
func (s *ReportSource) leaf(ctx context.Context, header *concur.Report, owner, expenseID string) (leaf, error) {
	e, err := s.client.Expenses.Get(ctx, owner, header.ReportID, expenseID)
	if err != nil {
		return leaf{}, err
	}
	if e.IsExpenseRejected {
		return leaf{entry: document.Entry{ID: expenseID, Parent: e.ParentExpenseID}, rejected: true}, nil
	}
	if c := e.ApprovedAmount.CurrencyCode; c != "" && c != header.CurrencyCode {
		return leaf{}, otherCurrency(expenseID, "approved", c, header.CurrencyCode)
	}
	entry := document.Entry{
		ID: e.ExpenseID, Parent: e.ParentExpenseID, Date: dateOf(e.TransactionDate),
		Type:        document.Value{Code: e.ExpenseType.ID, Text: e.ExpenseType.Name},
		Payment:     document.Value{Code: e.PaymentType.ID, Text: e.PaymentType.Name},
		Description: e.BusinessPurpose, Merchant: e.Vendor.Description, Country: e.Location.CountryCode,
		Amount: e.ApprovedAmount.Value.Value(), Personal: e.IsPersonalExpense,
	}
	if entry.Personal {
		// Nothing of it is approved. What was entered is what the employee owes where
		// the company's card paid.
		if c := e.PostedAmount.CurrencyCode; c != "" && c != header.CurrencyCode {
			return leaf{}, otherCurrency(expenseID, "entered", c, header.CurrencyCode)
		}
		entry.Amount = e.PostedAmount.Value.Value()
	}
	if entry.Type.Code == "" {
		entry.Type.Code = e.ExpenseType.Code
	}
	if s.opts.PaymentClass || entry.Payment.Code == "" {
		entry.Payment.Code = e.PaymentType.Code
	}
	if entry.Merchant == "" {
		entry.Merchant = e.Vendor.Name
	}
	if c := e.TransactionAmount.CurrencyCode; c != "" && c != header.CurrencyCode {
		entry.Spent = &document.Money{Amount: e.TransactionAmount.Value.Value(), Currency: c}
	}
	if entry.Custom, err = s.codes.resolve(ctx, e.CustomData); err != nil {
		return leaf{}, err
	}
	entry.Allocations, err = s.allocations(ctx, header, owner, entry)
	return leaf{entry: entry}, err
}

func otherCurrency(expenseID, how, currency, report string) error {
	return rejection(ExpenseCurrency, "expense "+expenseID, currency,
		fmt.Sprintf("the expense is %s in %.8s, the report is in %.8s", how, currency, report), nil)
}

func (s *ReportSource) allocations(ctx context.Context, header *concur.Report, owner string, e document.Entry) ([]document.Allocation, error) {
	listed, err := s.client.Allocations.List(ctx, owner, header.ReportID, e.ID)
	if err != nil {
		return nil, err
	}
	out := make([]document.Allocation, 0, len(listed))
	given := true
	for _, a := range listed {
		if a == nil {
			continue
		}
		share := document.Allocation{ID: a.AllocationID, Percent: a.Percentage.Value(), Amount: a.ApprovedAmount.Value.Value()}
		// The approved shares of a personal expense are as empty as its approved amount.
		given = given && a.ApprovedAmount.Value.Present() && !e.Personal
		if a.AccountCode != concur.PendingAccount {
			share.Account = a.AccountCode
		}
		if share.Custom, err = s.codes.resolve(ctx, a.CustomData); err != nil {
			return nil, err
		}
		out = append(out, share)
	}
	if len(out) == 0 {
		return nil, nil
	}
	if !given {
		field := fmt.Sprintf("expense %s", e.ID)
		return out, shareOut(out, e.Amount, header.CurrencyCode, field)
	}
	return out, nil
}
