package concurtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Status is where a report stands and how it got there.
type Status struct {
	Approval string // approval status code
	Payment  string // payment status code
	// StepCode is the code that the administrator gave the step; SENDBACK,
	// RECALL, EXTVAL and PAIDREPORT are the vendor's own.
	StepCode string
	// Actor is the login of who did it; "" is nobody (the system).
	Actor string
	// Comment becomes the report's last comment.
	Comment string
	// Silent changes the report without an event, as a step does that is not
	// configured for notifications.
	Silent bool
}

// Submit is the owner's: the report waits for approval. It may have been sent
// back before.
func (c *Company) Submit(id string) Report {
	return c.step(id, []string{NotSubmitted, SentBack}, func(r *Report) Status {
		r.SubmitDate = c.s.now()
		return Status{Approval: PendingApproval, Payment: NotPaid, StepCode: "MANAGER", Actor: r.Owner}
	})
}

// Approve is the final approval: the report is Approved and in
// ProcessingPayment, ready for accounts payable.
func (c *Company) Approve(id string) Report {
	open := []string{Submitted, PendingApproval, PendingCost, PendingBudget, AccountingReview, ExternalCheck}
	return c.step(id, open, func(r *Report) Status {
		r.ProcessingDate = c.s.now()
		return Status{
			Approval: Approved, Payment: ProcessingPayment, StepCode: "PROCESSOR", Actor: r.Approver, Silent: c.opts.SilentSteps,
		}
	})
}

// AddApprovedReport adds a report, submits and approves it.
func (c *Company) AddApprovedReport(r Report) Report {
	added := c.AddReport(r)
	c.Submit(added.ID)
	return c.Approve(added.ID)
}

// SendBack is an approver's or a processor's: the report returns to its owner.
// It is possible until payment.
func (c *Company) SendBack(id, comment string) Report {
	open := []string{Submitted, PendingApproval, PendingCost, PendingBudget, AccountingReview, ExternalCheck, Approved}
	return c.step(id, open, func(r *Report) Status {
		return Status{Approval: SentBack, Payment: NotPaid, StepCode: "SENDBACK", Actor: r.Approver, Comment: comment}
	})
}

// Recall is the owner's: the report returns before it is finally approved.
func (c *Company) Recall(id string) Report {
	open := []string{Submitted, PendingApproval, PendingCost, PendingBudget, AccountingReview, ExternalCheck}
	return c.step(id, open, func(r *Report) Status {
		return Status{Approval: SentBack, Payment: NotPaid, StepCode: "RECALL", Actor: r.Owner}
	})
}

// Pay marks an approved report as sent for payment, as an extract does.
func (c *Company) Pay(id string) Report {
	return c.step(id, []string{Approved}, func(r *Report) Status {
		r.PaidDate = c.s.now()
		return Status{Approval: Approved, Payment: Paid, StepCode: "PAIDREPORT"}
	})
}

// SetStatus puts a report into any state, such as an intermediate step or a
// status of the customer's own.
func (c *Company) SetStatus(id string, to Status) Report {
	return c.step(id, nil, func(r *Report) Status {
		now := c.s.now()
		to.Approval, to.Payment = orElse(to.Approval, r.ApprovalStatus), orElse(to.Payment, r.PaymentStatus)
		if to.Payment == ProcessingPayment && r.PaymentStatus != ProcessingPayment {
			r.ProcessingDate = now
		}
		if to.Payment == Paid && r.PaymentStatus != Paid {
			r.PaidDate = now
		}
		return to
	})
}

// step changes the status of a report, counts its version and announces it. The
// event's userId is the focus user: the owner on submit, else who acted.
func (c *Company) step(id string, from []string, change func(*Report) Status) Report {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r := c.mustReport(id)
	if from != nil && !slices.Contains(from, r.ApprovalStatus) {
		panic(fmt.Sprintf("concurtest: report %s is %s (%s): this step is not possible", r.ID, r.ApprovalStatus, approvalName(r.ApprovalStatus)))
	}
	before := Status{Approval: r.ApprovalStatus, Payment: r.PaymentStatus}
	c.move(r, before, change(r))
	return r.clone()
}

// advance is step for a call of a client, which has checked already.
func (c *Company) advance(r *Report, to Status) {
	c.move(r, Status{Approval: r.ApprovalStatus, Payment: r.PaymentStatus}, to)
}

// move changes the status of a report and does what belongs to it.
func (c *Company) move(r *Report, before, to Status) {
	r.ApprovalStatus, r.PaymentStatus, r.LastModified = to.Approval, to.Payment, c.s.now()
	if to.Comment != "" {
		r.LastComment = to.Comment
	}
	if to.Approval == SentBack {
		r.EverSentBack = true
		r.ProcessingDate = time.Time{}
	}
	if to.Payment != Paid && to.Payment != PaymentConfirmed {
		r.Version++
	}
	if !to.Silent {
		c.announceStatus(r, before, to)
	}
	switch {
	case to.Approval == SentBack:
		c.withdraw(r.ID)
	case to.Payment == ProcessingPayment && before.Payment != ProcessingPayment:
		c.ready(FinancialExpense, r.ID, func(revision int) json.RawMessage { return c.expenseDocument(r, revision) })
	}
}
