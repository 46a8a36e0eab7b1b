// Package rehearsal shows what the rules would make of documents before anything
// is posted: the AP documents, what is booked as debit and credit, and why.
//
//	docs := rehearsal.File("report.json")
//	for doc, err := range docs {
//		r, err := rehearsal.Try(ctx, mapper, doc)
//		fmt.Println(r.Outcome, r.Book.Debit)
//	}
//
// Nothing is written anywhere: a mapper is pure. A document that parks is no
// error; its issues stand in the result. Everything is safe for concurrent use.
package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Outcome is what would become of a document.
type Outcome string

// The outcomes.
const (
	Posts   Outcome = "posts"   // as AP invoices or debit memos
	Parks   Outcome = "parks"   // a person must mend something
	Nothing Outcome = "nothing" // there is nothing to post
	Waits   Outcome = "waits"   // it is not approved, and its lines are not read before
)

// Result is what the rules make of one document.
type Result struct {
	Document document.Document `json:"document"`
	Outcome  Outcome           `json:"outcome"`
	Version  string            `json:"mapping"` // of rules and tables together
	Posting  *document.Posting `json:"posting,omitempty"`
	Book     *Book             `json:"book,omitempty"`
	Reasons  []mapping.Reason  `json:"reasons,omitempty"`
	Issues   mapping.Issues    `json:"issues,omitempty"`
	// Phase is what the source says of it; empty: it was not asked.
	Phase string `json:"phase,omitempty"`
	Why   string `json:"why,omitempty"` // why Phase is what it is, where it waits
}

// Book is a posting as bookkeepers write it. Debit equals Credit.
type Book struct {
	Currency string          `json:"currency"`
	Rows     []Row           `json:"rows"`
	Debit    decimal.Decimal `json:"debit"`
	Credit   decimal.Decimal `json:"credit"`
}

// Row is one account, or what one vendor is owed, of one AP document.
type Row struct {
	Invoice string          `json:"invoice"` // its number
	Account string          `json:"account,omitempty"`
	Vendor  string          `json:"vendor,omitempty"` // of the payable
	Debit   decimal.Decimal `json:"debit,omitzero"`
	Credit  decimal.Decimal `json:"credit,omitzero"`
}

// Mapper maps documents.
type Mapper = mapping.Mapper[document.Document, document.Posting]

// Try maps a document. An error is transient; what a person must mend is in the
// result.
func Try(ctx context.Context, m Mapper, doc document.Document) (Result, error) {
	r := Result{Document: doc}
	out, err := m.Map(ctx, doc)
	r.Version = out.Version
	switch {
	case errors.As(err, &r.Issues):
		r.Outcome = Parks
		return r, nil
	case err != nil:
		return r, err
	case out.Empty:
		r.Outcome, r.Reasons = Nothing, out.Reasons
		return r, nil
	}
	r.Outcome, r.Posting, r.Reasons = Posts, &out.Posting, out.Reasons
	r.Book, err = bookOf(out.Posting)
	return r, err
}

// Unread reports whether a document cannot be tried, because its source has not
// read all of it: what is not finally approved is looked at, and its lines or
// their allocations are read once it is. What is whole and held back for another
// reason can be tried.
func Unread(snap connector.Snapshot[document.Document]) bool {
	doc := &snap.Content
	return snap.Phase != connector.Ready && (doc.Approved == "" || len(doc.Entries) == 0 ||
		slices.ContainsFunc(doc.Entries, func(e document.Entry) bool { return doc.Kind == document.Invoice && len(e.Allocations) == 0 }))
}

// bookOf turns a posting into debit and credit: what is owed to a vendor stands
// opposite to what is booked.
func bookOf(p document.Posting) (*Book, error) {
	b := &Book{}
	for _, inv := range p.Invoices {
		b.Currency = inv.Currency
		at := make(map[string]int)
		put := func(account string, amount decimal.Decimal) {
			if amount.IsZero() {
				return
			}
			// Both signs of one account stay apart: a refund is to be seen.
			key := fmt.Sprint(account, amount.IsNegative())
			i, there := at[key]
			if !there {
				i = len(b.Rows)
				at[key] = i
				b.Rows = append(b.Rows, Row{Invoice: inv.Number, Account: account})
			}
			b.Rows[i].add(amount)
		}
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				put(s.Account, s.Amount)
			}
			if l.Order != nil {
				put(fmt.Sprintf("purchase order %d, line %d", l.Order.Order, l.Order.Line), l.Amount)
			}
		}
		for _, t := range inv.Taxes {
			put("tax "+strings.TrimSpace(t.Code+" "+t.Rate), t.Amount)
		}
		payable := Row{Invoice: inv.Number, Vendor: inv.Vendor}
		payable.add(inv.Amount.Neg())
		b.Rows = append(b.Rows, payable)
	}
	for _, r := range b.Rows {
		b.Debit, b.Credit = b.Debit.Add(r.Debit), b.Credit.Add(r.Credit)
	}
	if !b.Debit.Equal(b.Credit) {
		return nil, fmt.Errorf("rehearsal: %s does not balance: debit %s, credit %s", p.Document, b.Debit, b.Credit)
	}
	return b, nil
}

// add puts an amount on the side of its sign: above zero is a debit.
func (r *Row) add(amount decimal.Decimal) {
	if amount.IsNegative() {
		r.Credit = r.Credit.Sub(amount)
		return
	}
	r.Debit = r.Debit.Add(amount)
}

// Sum is what a set of documents books to one account in one currency.
type Sum struct {
	Currency string          `json:"currency"`
	Account  string          `json:"account"` // "payables" for what vendors are owed
	Debit    decimal.Decimal `json:"debit,omitzero"`
	Credit   decimal.Decimal `json:"credit,omitzero"`
}

// Payables is the account of a Sum that stands for what vendors are owed.
const Payables = "payables"

// Sums adds up what documents book, by currency and account.
func Sums(results []Result) []Sum {
	at := make(map[string]int)
	var out []Sum
	for _, r := range results {
		if r.Book == nil {
			continue
		}
		for _, row := range r.Book.Rows {
			account := row.Account
			if row.Vendor != "" {
				account = Payables
			}
			key := r.Book.Currency + "\x00" + account
			i, there := at[key]
			if !there {
				i = len(out)
				at[key] = i
				out = append(out, Sum{Currency: r.Book.Currency, Account: account})
			}
			out[i].Debit, out[i].Credit = out[i].Debit.Add(row.Debit), out[i].Credit.Add(row.Credit)
		}
	}
	slices.SortFunc(out, func(a, b Sum) int {
		if a.Currency != b.Currency {
			return strings.Compare(a.Currency, b.Currency)
		}
		if (a.Account == Payables) != (b.Account == Payables) {
			if a.Account == Payables {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Account, b.Account)
	})
	return out
}
