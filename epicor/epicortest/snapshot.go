package epicortest

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Invoice is an AP invoice as it stands in the server, for assertions.
type Invoice struct {
	Company     string
	VendorNum   int
	VendorID    string
	Number      string
	ExternalID  string
	Description string
	Currency    string
	DebitMemo   bool
	Date        Date
	ApplyDate   Date
	FiscalYear  int
	Period      int
	TermsCode   string

	// Amount is the sum of the lines in document currency, in true sign: negative
	// on a debit memo.
	Amount decimal.Decimal
	// VendorAmount is the check total that the supplier's paper shows, in document
	// currency; positive on a debit memo.
	VendorAmount decimal.Decimal

	Lines  []Line
	Group  string
	Held   bool
	Posted bool
	RowID  string // SysRowID

	Cancels     bool   // it takes another one back
	CancelledBy string // the invoice that took it back; "" is none
	Tax         decimal.Decimal
	Attachments []Attachment

	columns row
}

// Line is a line of an Invoice; amounts are in document currency and true sign.
type Line struct {
	Number      int
	Description string
	Amount      decimal.Decimal
	Splits      []Split

	Order, OrderLine int    // of a line that was ordered; 0 is none
	PackSlip         string // of a line that was received
	Quantity         decimal.Decimal
}

// Attachment is a file of an Invoice.
type Attachment struct {
	Name, Description string
	Data              []byte
}

// Split is an expense distribution of a Line.
type Split struct {
	Seq     int
	Account string // "6410|200|00"; "" when no account was given
	Amount  decimal.Decimal
}

// Column returns any column of the header, also a user-defined one: string,
// bool, int64, decimal.Decimal, Date, or nil when there is no such column or no
// date in it.
func (i Invoice) Column(name string) any {
	switch v := i.columns[name].(type) {
	case wire.Decimal:
		return v.Value()
	case day:
		return Date(v)
	default:
		return v
	}
}

// Balanced reports whether the splits of every line add up to the line. A line
// whose default expense was left while another was added is not.
func (i Invoice) Balanced() bool {
	for _, l := range i.Lines {
		if l.Order != 0 && len(l.Splits) == 0 {
			continue // booked where the order says
		}
		sum := decimal.Zero
		for _, s := range l.Splits {
			sum = sum.Add(s.Amount)
		}
		if !sum.Equal(l.Amount) {
			return false
		}
	}
	return true
}

// Invoices returns the AP invoices of a company in the order of their creation.
func (s *Server) Invoices(companyID string) []Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	out := make([]Invoice, 0, len(co.order))
	for _, k := range co.order {
		inv := co.invoices[k].snapshot()
		for _, a := range co.invoices[k].att {
			f := co.files[a.str("FileName")]
			inv.Attachments = append(inv.Attachments, Attachment{Name: f.name, Description: a.str("DrawDesc"), Data: f.data})
		}
		out = append(out, inv)
	}
	return out
}

// Invoice returns one AP invoice by the vendor's ID and the invoice's number.
func (s *Server) Invoice(companyID, vendorID, number string) (Invoice, bool) {
	for _, i := range s.Invoices(companyID) {
		if i.VendorID == vendorID && i.Number == number {
			return i, true
		}
	}
	return Invoice{}, false
}

func (i *invoice) snapshot() Invoice {
	h := i.hed
	out := Invoice{
		Company: h.str("Company"), VendorNum: int(h.int("VendorNum")), VendorID: h.str("VendorNumVendorID"),
		Number: h.str("InvoiceNum"), ExternalID: h.str("ExternalID"), Description: h.str("Description"),
		Currency: h.str("CurrencyCode"), DebitMemo: h.bool("DebitMemo"), Date: h.day("InvoiceDate"),
		ApplyDate: h.day("ApplyDate"), FiscalYear: int(h.int("FiscalYear")), Period: int(h.int("FiscalPeriod")),
		TermsCode: h.str("TermsCode"), Amount: h.num("DocInvoiceAmt"), VendorAmount: h.num("DocInvoiceVendorAmt"),
		Group: h.str("GroupID"), Held: h.bool("InvoiceHeld"), Posted: h.bool("Posted"), RowID: h.str("SysRowID"),
		columns: h.clone(), Cancels: h.bool("CancellationInv"), CancelledBy: h.str("RefCancelledby"), Tax: h.num("DocTaxAmt"),
	}
	for _, l := range i.dtl {
		line := Line{
			Number: int(l.int("InvoiceLine")), Description: l.str("Description"), Amount: l.num("DocExtCost"),
			Order: int(l.int("PONum")), OrderLine: int(l.int("POLine")), PackSlip: l.str("PackSlip"), Quantity: l.num("VendorQty"),
		}
		for _, e := range i.exp {
			if e.int("InvoiceLine") == l.int("InvoiceLine") {
				line.Splits = append(line.Splits, Split{
					Seq: int(e.int("InvExpSeq")), Account: e.str("GLAccount"), Amount: e.num("DocExpAmt"),
				})
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// Group is an AP invoice group, for seeding and for assertions.
type Group struct {
	ID        string
	CreatedBy string // seeding: "" is "finance"
	ApplyDate Date   // seeding: zero is today
	LockedBy  string // user that works in it (ActiveUserID); "" is nobody
	Errors    string // PostErrorLog
}

// Groups returns the AP invoice groups of a company in the order of their IDs.
func (s *Server) Groups(companyID string) []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Group
	for _, g := range s.mustCompany(companyID).groups.rows {
		out = append(out, Group{
			ID: g.str("GroupID"), CreatedBy: g.str("CreatedBy"), ApplyDate: g.day("ApplyDate"),
			LockedBy: g.str("ActiveUserID"), Errors: g.str("PostErrorLog"),
		})
	}
	return out
}

// Locks returns who holds which group of a company: group to user.
func (s *Server) Locks(companyID string) map[string]string {
	out := map[string]string{}
	for _, g := range s.Groups(companyID) {
		if g.LockedBy != "" {
			out[g.ID] = g.LockedBy
		}
	}
	return out
}

// AddGroups adds AP invoice groups, or replaces those that exist.
func (s *Server) AddGroups(companyID string, groups ...Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, g := range groups {
		orDefault(&g.CreatedBy, "finance")
		if g.ApplyDate.IsZero() {
			g.ApplyDate = s.today()
		}
		r := s.seedRow(co, tabGroup, nil)
		r["GroupID"], r["CreatedBy"], r["ActiveUserID"] = g.ID, g.CreatedBy, g.LockedBy
		r["PostErrorLog"] = g.Errors
		r.setDay("ApplyDate", g.ApplyDate)
		co.setPeriod(r, g.ApplyDate)
		co.groups.put(r)
	}
}

// LockGroup makes user work in a group; "" gives it free.
func (s *Server) LockGroup(companyID, group, user string) {
	s.change(companyID, group, func(r row) { r["ActiveUserID"] = user })
}

func (s *Server) change(companyID, group string, change func(row)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	g, ok := co.group(group)
	if !ok {
		panic(fmt.Sprintf("epicortest: company %s has no group %q", companyID, group))
	}
	g = g.clone()
	change(g)
	s.stamp(g)
	co.groups.put(g)
}

// EditInvoice changes a header behind everybody's back, as a clerk at the screen
// does: it sets columns and raises the row's version. Values are string, bool,
// int, decimal.Decimal or Date.
func (s *Server) EditInvoice(companyID, vendorID, number string, columns map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for k, inv := range co.invoices {
		if inv.hed.str("VendorNumVendorID") != vendorID || inv.hed.str("InvoiceNum") != number {
			continue
		}
		inv = inv.clone()
		for name, v := range columns {
			if _, ok := co.schema[tabHed].column(name); !ok {
				panic(fmt.Sprintf("epicortest: table %s has no column %q", tabHed, name))
			}
			_, inv.hed[name] = udValue(name, v)
		}
		s.stamp(inv.hed)
		co.invoices[k] = inv
		return
	}
	panic(fmt.Sprintf("epicortest: company %s has no invoice %q of vendor %q", companyID, number, vendorID))
}
