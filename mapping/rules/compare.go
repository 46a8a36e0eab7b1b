package rules

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Outcome says what another version of rules makes of a document.
type Outcome string

// The outcomes of a comparison.
const (
	Same      Outcome = "same"       // the same posting, or the same issues
	Changed   Outcome = "changed"    // another posting
	NowPosts  Outcome = "now_posts"  // it parked, or had nothing to post
	NowParks  Outcome = "now_parks"  // it was posted, or had nothing to post
	OtherPark Outcome = "other_park" // it parks for another reason
)

// Change is one value that differs.
type Change struct {
	Field      string `json:"field"`
	Before     string `json:"before,omitempty"`
	After      string `json:"after,omitempty"`
	RuleBefore string `json:"rule_before,omitempty"`
	RuleAfter  string `json:"rule_after,omitempty"`
}

// Difference is what becomes of one document.
type Difference struct {
	Document string          `json:"document"` // "report A1B2C3"
	Outcome  Outcome         `json:"outcome"`
	Currency string          `json:"currency"`
	Amount   decimal.Decimal `json:"amount"` // of the document
	Changes  []Change        `json:"changes,omitempty"`
	Issues   mapping.Issues  `json:"issues,omitempty"` // of the version that parks it; of both: of the later
}

// Move is how much more is booked to a GL account, true sign.
type Move struct {
	Account  string          `json:"account"`
	Currency string          `json:"currency"`
	Amount   decimal.Decimal `json:"amount"`
}

// Comparison is what two versions of rules make of the same documents.
type Comparison struct {
	Before    string          `json:"before"` // versions of the rules
	After     string          `json:"after"`
	Documents int             `json:"documents"`
	Counts    map[Outcome]int `json:"counts"`
	Moves     []Move          `json:"moves"`       // zero ones are left out
	Different []Difference    `json:"differences"` // documents whose outcome is not Same, in their order
}

// Compare maps documents by two versions of rules and says what differs. tables
// are the ERP's, or Unchecked, the same for both.
func Compare(ctx context.Context, before, after *Set, tables Tables, docs iter.Seq2[document.Document, error]) (*Comparison, error) {
	out := &Comparison{Before: before.version, After: after.version, Counts: map[Outcome]int{}, Moves: []Move{}, Different: []Difference{}}
	old, next := New(before, tables), New(after, tables)
	moves := make(map[[2]string]decimal.Decimal)
	for doc, err := range docs {
		if err != nil {
			return nil, err
		}
		out.Documents++
		a, aIssues, err := tried(ctx, old, doc)
		if err != nil {
			return nil, err
		}
		b, bIssues, err := tried(ctx, next, doc)
		if err != nil {
			return nil, err
		}
		d := Difference{Document: strings.TrimSpace(string(doc.Kind) + " " + doc.Number), Currency: doc.Currency, Amount: doc.Total}
		if d.Outcome, err = outcome(a, b, aIssues, bIssues); err != nil {
			return nil, err
		}
		out.Counts[d.Outcome]++
		switch d.Outcome {
		case Same:
			continue
		case Changed:
			d.Changes = changes(append(facts(a.Posting), a.Reasons...), append(facts(b.Posting), b.Reasons...))
		case NowParks, OtherPark:
			d.Issues = bIssues
		case NowPosts:
			d.Issues = aIssues
		}
		count(moves, a.Posting, decimal.NewFromInt(-1))
		count(moves, b.Posting, decimal.NewFromInt(1))
		out.Different = append(out.Different, d)
	}
	for key, amount := range moves {
		if !amount.IsZero() {
			out.Moves = append(out.Moves, Move{key[0], key[1], amount})
		}
	}
	slices.SortFunc(out.Moves, func(a, b Move) int { return strings.Compare(a.Currency+" "+a.Account, b.Currency+" "+b.Account) })
	return out, nil
}

// tried maps a document; what a person must mend comes as issues, not as an error.
func tried(ctx context.Context, m *Mapper, doc document.Document) (mapping.Result[document.Posting], mapping.Issues, error) {
	result, err := m.Map(ctx, doc)
	var issues mapping.Issues
	if errors.As(err, &issues) {
		return mapping.Result[document.Posting]{}, issues, nil
	}
	return result, nil, err
}

func outcome(a, b mapping.Result[document.Posting], aIssues, bIssues mapping.Issues) (Outcome, error) {
	parkedBefore, parksNow := len(aIssues) > 0, len(bIssues) > 0
	switch {
	case parkedBefore && parksNow:
		if sameIssues(aIssues, bIssues) {
			return Same, nil
		}
		return OtherPark, nil
	case parksNow:
		return NowParks, nil
	case parkedBefore || a.Empty && !b.Empty:
		return NowPosts, nil
	}
	one, err := whole(a.Posting)
	if err != nil {
		return "", err
	}
	two, err := whole(b.Posting)
	if err != nil || one == two {
		return Same, err
	}
	return Changed, nil
}

// sameIssues compares what is wrong, not in which line of the rules it is mended.
func sameIssues(a, b mapping.Issues) bool {
	brief := func(is mapping.Issues) []string {
		var out []string
		for _, i := range is {
			out = append(out, fmt.Sprint(i.Code, "\x00", i.Field, "\x00", i.Value))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(brief(a), brief(b))
}

// changes are the values that differ, by what they are of. A value that one side
// alone has is a change too.
func changes(before, after []mapping.Reason) []Change {
	was := make(map[string]mapping.Reason, len(before))
	for _, r := range before {
		was[r.Field] = r
	}
	is := make(map[string]mapping.Reason, len(after))
	for _, r := range after {
		is[r.Field] = r
	}
	var out []Change
	note := func(field string) {
		if a, b := was[field], is[field]; a.Value != b.Value {
			out = append(out, Change{field, a.Value, b.Value, a.Rule, b.Rule})
		}
	}
	for _, r := range after {
		note(r.Field)
		delete(was, r.Field)
	}
	is = nil
	for _, field := range slices.Sorted(maps.Keys(was)) {
		note(field)
	}
	return out
}

// facts are what of a posting has no reason of its own: amounts, and texts.
func facts(p document.Posting) []mapping.Reason {
	var out []mapping.Reason
	add := func(field, value string) { out = append(out, mapping.Reason{Field: field, Value: value}) }
	for i, inv := range p.Invoices {
		at := fmt.Sprintf("invoice %d", i+1)
		kind := "AP invoice"
		if inv.DebitMemo {
			kind = "debit memo"
		}
		add(at, kind)
		add(at+", amount", inv.Amount.String()+" "+inv.Currency)
		add(at+", description", inv.Description)
		for j, l := range inv.Lines {
			add(fmt.Sprintf("%s, line %d, amount", at, j+1), l.Amount.String())
			add(fmt.Sprintf("%s, line %d, description", at, j+1), l.Description)
			for k, s := range l.Splits {
				add(fmt.Sprintf("%s, line %d, split %d, amount", at, j+1, k+1), s.Amount.String())
			}
		}
	}
	return out
}

// count adds what a posting books to each account.
func count(moves map[[2]string]decimal.Decimal, p document.Posting, sign decimal.Decimal) {
	for _, inv := range p.Invoices {
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				key := [2]string{s.Account, inv.Currency}
				moves[key] = moves[key].Add(s.Amount.Mul(sign))
			}
		}
	}
}
