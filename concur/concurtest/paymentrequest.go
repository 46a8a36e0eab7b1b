package concurtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// InvoiceCodes are the status codes of payment requests. The vendor publishes
// none; a client reads them from localizeddata. An empty code is the default, which
// borrows from the expense reports.
type InvoiceCodes struct {
	Draft, Pending, Approved, SentBack       string // approval
	NotPaid, PendingPayment, Extracted, Paid string // payment
}

// orDefault fills what is empty; nil is all empty.
func (in *InvoiceCodes) orDefault() *InvoiceCodes {
	var c InvoiceCodes
	if in != nil {
		c = *in
	}
	return &InvoiceCodes{
		Draft: orElse(c.Draft, NotSubmitted), Pending: orElse(c.Pending, PendingApproval),
		Approved: orElse(c.Approved, Approved), SentBack: orElse(c.SentBack, SentBack),
		NotPaid: orElse(c.NotPaid, NotPaid), PendingPayment: orElse(c.PendingPayment, "P_PEND"),
		Extracted: orElse(c.Extracted, "P_EXTR"), Paid: orElse(c.Paid, Paid),
	}
}

// PaymentRequest is a supplier invoice. Only Vendor, InvoiceNumber and Lines
// are needed; AddPaymentRequest makes up the rest.
type PaymentRequest struct {
	ID            string // 20 hexadecimal digits
	Name          string // default vendor and number
	Description   string
	InvoiceNumber string // the supplier's
	Owner         string // login; may be empty
	Vendor        Vendor
	Currency      string // default the company's
	Country       string // default the company's
	Ledger        string // default the company's
	Policy        string // external policy id

	InvoiceDate  string // YYYY-MM-DD; default the server's day
	DueDate      string // default 30 days after InvoiceDate
	ReceivedDate string

	// Amount is what the supplier claims; by default the sum of the lines with
	// their tax, Tax, and Shipping.
	Amount   decimal.NullDecimal
	Tax      decimal.Decimal // of the header, beside the lines'
	Shipping decimal.Decimal

	PaymentMethod       string // default CLIENT: the customer's own ERP pays
	PaymentTermsDays    int    // default 30
	PurchaseOrderNumber string
	Custom              map[string]string // Custom1 …, OrgUnit1 …: plain texts here
	Lines               []Line

	ApprovalStatus, PaymentStatus string // default draft and not paid

	CreateDate, SubmitDate, FirstSubmitDate, ApprovalDate, ExtractDate, PaidDate, LastModified time.Time
	Deleted                                                                                    bool
}

// Vendor is the supplier of a payment request with its remit-to address. The
// key of a vendor is Code and AddressCode together.
type Vendor struct {
	Code, AddressCode, Name                    string
	Address1, City, State, PostalCode, Country string
	TaxID                                      string
}

// Line is a line item of a payment request.
type Line struct {
	ID          string // unique inside its payment request; default 1, 2 …
	Description string
	ExpenseType string          // expense type code
	Quantity    decimal.Decimal // default 1
	Amount      decimal.Decimal // total price without tax; required
	Tax         decimal.Decimal
	TaxCode     string
	ItemCode    string // supplier's part
	PONumber    string
	Custom      map[string]string
	Allocations []LineAllocation // none: one row of 100 percent on AccountCode
	AccountCode string           // GL account of the implicit allocation
}

// LineAllocation is a share of a line. It has no amount: who reads it computes one.
type LineAllocation struct {
	AccountCode string // GL account
	Percentage  decimal.Decimal
	Custom      map[string]string
}

// AddPaymentRequest adds a supplier invoice and returns it with all that was
// made up. No event announces payment requests: none is documented.
func (c *Company) AddPaymentRequest(p PaymentRequest) PaymentRequest {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.addRequest(p).clone()
}

func (c *Company) addRequest(p PaymentRequest) *PaymentRequest {
	now := c.s.now()
	p.ID = orElse(p.ID, c.s.ids.upper("paymentrequest", 20))
	if c.request(p.ID) != nil {
		panic(fmt.Sprintf("concurtest: AddPaymentRequest: the id %s is taken", p.ID))
	}
	if p.Owner != "" {
		p.Owner = c.mustUser(p.Owner).Login
	}
	p.Name = orElse(p.Name, strings.TrimSpace(p.Vendor.Name+" "+p.InvoiceNumber))
	p.Currency = orElse(p.Currency, c.opts.Currency)
	p.Country = orElse(p.Country, c.opts.Country)
	p.Ledger = orElse(p.Ledger, c.opts.Ledger)
	p.InvoiceDate = orElse(p.InvoiceDate, c.s.today())
	if p.DueDate == "" {
		if t, err := time.Parse(time.DateOnly, p.InvoiceDate); err == nil {
			p.DueDate = t.AddDate(0, 0, 30).Format(time.DateOnly)
		}
	}
	p.PaymentMethod = orElse(p.PaymentMethod, "CLIENT")
	p.PaymentTermsDays = orElse(p.PaymentTermsDays, 30)
	p.Vendor.Country = orElse(p.Vendor.Country, p.Country)
	p.ApprovalStatus = orElse(p.ApprovalStatus, c.opts.Invoice.Draft)
	p.PaymentStatus = orElse(p.PaymentStatus, c.opts.Invoice.NotPaid)
	p.CreateDate, p.LastModified = orElse(p.CreateDate, now), orElse(p.LastModified, now)
	c.completeLines(&p)
	c.requests = append(c.requests, &p)
	return &p
}

func (c *Company) completeLines(p *PaymentRequest) {
	p.Lines = cloneLines(p.Lines)
	sum := p.Tax.Add(p.Shipping)
	for i := range p.Lines {
		l := &p.Lines[i]
		l.ID = orElse(l.ID, fmt.Sprint(i+1))
		if l.Quantity.IsZero() {
			l.Quantity = decimal.NewFromInt(1)
		}
		if len(l.Allocations) == 0 {
			l.Allocations = []LineAllocation{{AccountCode: l.AccountCode, Percentage: decimal.NewFromInt(100), Custom: l.Custom}}
		}
		sum = sum.Add(l.Amount).Add(l.Tax)
	}
	if !p.Amount.Valid {
		p.Amount = decimal.NewNullDecimal(sum)
	}
}

func (p *PaymentRequest) clone() PaymentRequest {
	out := *p
	out.Lines = cloneLines(p.Lines)
	return out
}

func cloneLines(in []Line) []Line {
	out := slices.Clone(in)
	for i := range out {
		out[i].Allocations = slices.Clone(out[i].Allocations)
	}
	return out
}

// PaymentRequest returns the payment request with the id as it stands.
func (c *Company) PaymentRequest(id string) (PaymentRequest, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if p := c.request(id); p != nil {
		return p.clone(), true
	}
	return PaymentRequest{}, false
}

// PaymentRequests returns all payment requests in the order in which they were added.
func (c *Company) PaymentRequests() []PaymentRequest {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := make([]PaymentRequest, 0, len(c.requests))
	for _, p := range c.requests {
		out = append(out, p.clone())
	}
	return out
}

// AddApprovedPaymentRequest adds a supplier invoice, submits and approves it.
func (c *Company) AddApprovedPaymentRequest(p PaymentRequest) PaymentRequest {
	added := c.AddPaymentRequest(p)
	c.SubmitPaymentRequest(added.ID)
	return c.ApprovePaymentRequest(added.ID)
}

// EditPaymentRequest changes the content of a payment request.
func (c *Company) EditPaymentRequest(id string, change func(*PaymentRequest)) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, _ time.Time) {
		edited := p.clone()
		change(&edited)
		edited.ID = p.ID
		c.completeLines(&edited)
		*p = edited
	})
}

// SubmitPaymentRequest sends a payment request for approval; its last submit
// time moves, its first only once.
func (c *Company) SubmitPaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, now time.Time) {
		p.SubmitDate, p.FirstSubmitDate = now, orElse(p.FirstSubmitDate, now)
		p.ApprovalStatus = c.opts.Invoice.Pending
	})
}

// ApprovePaymentRequest is the final approval: ready for accounts payable.
func (c *Company) ApprovePaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, now time.Time) {
		p.ApprovalDate = now
		p.ApprovalStatus, p.PaymentStatus = c.opts.Invoice.Approved, c.opts.Invoice.PendingPayment
		c.ready(FinancialInvoice, p.ID, func(revision int) json.RawMessage { return c.invoiceDocument(p, revision) })
	})
}

// SendBackPaymentRequest returns a payment request to its owner.
func (c *Company) SendBackPaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, _ time.Time) {
		p.ApprovalDate = time.Time{}
		p.ApprovalStatus, p.PaymentStatus = c.opts.Invoice.SentBack, c.opts.Invoice.NotPaid
		c.withdraw(p.ID)
	})
}

// ExtractPaymentRequest marks an approved payment request as extracted.
func (c *Company) ExtractPaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, now time.Time) {
		p.ExtractDate, p.PaymentStatus = now, c.opts.Invoice.Extracted
	})
}

// PayPaymentRequest marks a payment request as paid.
func (c *Company) PayPaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, now time.Time) {
		p.PaidDate, p.PaymentStatus = now, c.opts.Invoice.Paid
	})
}

// DeletePaymentRequest marks a payment request as deleted; it stays readable.
func (c *Company) DeletePaymentRequest(id string) PaymentRequest {
	return c.changeRequest(id, func(p *PaymentRequest, _ time.Time) { p.Deleted = true })
}

func (c *Company) changeRequest(id string, change func(*PaymentRequest, time.Time)) PaymentRequest {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p := c.request(id)
	if p == nil {
		panic(fmt.Sprintf("concurtest: %s has no payment request %q", c.Name, id))
	}
	now := c.s.now()
	change(p, now)
	p.LastModified = now
	return p.clone()
}

func (c *Company) request(id string) *PaymentRequest {
	i := slices.IndexFunc(c.requests, func(p *PaymentRequest) bool { return strings.EqualFold(p.ID, id) })
	if i < 0 {
		return nil
	}
	return c.requests[i]
}
