package main

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/examples/connector/internal/rehearsal"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// title is what a person calls a document.
func title(d *document.Document) string { return strings.TrimSpace(string(d.Kind) + " " + d.Number) }

// side is an amount in its column, nothing where there is none.
func side(amount decimal.Decimal, currency string) string {
	if amount.IsZero() {
		return ""
	}
	return screen.Amount(amount, currency)
}

// becomes says in a line what a document would become.
func becomes(r *rehearsal.Result) string {
	var words []string
	switch r.Outcome {
	case rehearsal.Posts:
		for _, inv := range r.Posting.Invoices {
			words = append(words, inv.Number)
		}
	case rehearsal.Parks:
		for _, i := range r.Issues {
			words = append(words, strings.TrimSpace(i.Code+" "+i.Value))
		}
	case rehearsal.Nothing:
		words = []string{"every line is zero"}
	case rehearsal.Waits:
		words = []string{"not finally approved: " + r.Why}
	}
	return strings.Join(words, ", ")
}

// showResult shows one document whole.
func showResult(s *screen.Screen, r *rehearsal.Result) {
	d := &r.Document
	owner := d.Owner.Name
	if d.Supplier != nil {
		owner = d.Supplier.Name
	}
	head := []string{s.Paint(screen.Bold, title(d))}
	if d.Name != "" {
		head = append(head, fmt.Sprintf("%q", d.Name))
	}
	head = append(head, owner, screen.Money(d.Total, d.Currency))
	if d.Approved != "" {
		head = append(head, "approved "+string(d.Approved))
	}
	s.Printf("\n%s\n", strings.Join(nonEmpty(head), "   "))
	if r.Outcome == rehearsal.Waits {
		s.Printf("  %s\n", s.Paint(screen.Alert, "it is not finally approved ("+r.Why+"); its lines are read once it is, and nothing can be simulated before"))
		return
	}
	if r.Phase != "" && r.Phase != string(connector.Ready) {
		s.Printf("  %s\n", s.Paint(screen.Alert, "Concur says that it is not finally approved: it would wait, and is shown as it is now"))
	}
	switch r.Outcome {
	case rehearsal.Parks:
		showIssues(s, r.Issues)
		return
	case rehearsal.Nothing:
		s.Printf("  nothing to post: every line is zero\n")
		return
	case rehearsal.Posts, rehearsal.Waits:
	}
	s.Heading("AP documents")
	t := screen.Table{Indent: 2, Columns: []screen.Column{
		{Title: "number"}, {Title: "kind"}, {Title: "vendor"}, {Title: "amount", Right: true}, {Title: "date"}, {Title: "apply date"}, {Title: "description", Gives: true},
	}}
	for _, inv := range r.Posting.Invoices {
		kind := "AP invoice"
		if inv.DebitMemo {
			kind = "debit memo"
		}
		t.Add(inv.Number, kind, inv.Vendor, screen.Money(inv.Amount, inv.Currency), string(inv.Date), string(inv.ApplyDate), inv.Description)
	}
	t.Write(s)
	s.Heading("Booked")
	b := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "AP document"}, {Title: "account"}, {Title: "debit", Right: true}, {Title: "credit", Right: true}}}
	for _, row := range r.Book.Rows {
		account := row.Account
		if row.Vendor != "" {
			account = "payable to " + row.Vendor
		}
		b.Add(row.Invoice, account, side(row.Debit, r.Book.Currency), side(row.Credit, r.Book.Currency))
	}
	b.Add("", "total "+r.Book.Currency, screen.Amount(r.Book.Debit, r.Book.Currency), screen.Amount(r.Book.Credit, r.Book.Currency))
	b.Write(s)
	s.Heading("Why")
	showReasons(s, r.Reasons)
}

func showIssues(s *screen.Screen, issues mapping.Issues) {
	s.Printf("  %s\n", s.Paint(screen.Alert, "it would park; what a person must mend:"))
	for _, i := range issues {
		issue(s, i)
	}
}

// showReasons writes a reason for each value.
func showReasons(s *screen.Screen, reasons []mapping.Reason) {
	t := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "what"}, {Title: "value"}, {Title: "rule"}, {Title: "from", Gives: true}}}
	for _, r := range reasons {
		t.Add(r.Field, r.Value, r.Rule, r.Input)
	}
	t.Write(s)
}
