package concursync

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// settlementOf is what the header says is due to whom. The documentation
// describes each amount in a few words only; that what is due to the employee
// less what is due to the company is what he gets of the approved amount, after
// advances, and stays so when it was paid, is to be checked on a live tenant. An
// amount of another currency than the report's is not known.
func settlementOf(r *concur.Report) *document.Settlement {
	due := func(a concur.Amount) decimal.NullDecimal {
		if !a.Value.Present() || a.CurrencyCode != "" && a.CurrencyCode != r.CurrencyCode {
			return decimal.NullDecimal{}
		}
		return decimal.NewNullDecimal(a.Value.Value())
	}
	return &document.Settlement{
		ToEmployee: due(r.AmountDueEmployee), FromEmployee: due(r.AmountDueCompany), ToCard: due(r.AmountDueCompanyCard),
	}
}

// payments is what version 3 alone says of how a report's expenses are paid.
type payments struct {
	expensePay map[string]bool // by id of the expense, of an itemised one for all its parts
	advance    bool
	unknown    bool // version 3 does not show the report
}

// entryPage is how many entries are asked for at a time.
const entryPage = 100

// payments asks version 3 which expenses Expense Pay pays, which it knows from
// the step "processing payment" on, and whether a cash advance is applied to
// any. They are unknown where version 3 does not show the report.
func (s *ReportSource) payments(ctx context.Context, reportID, login string) (p payments, err error) {
	for e, err := range s.client.EntriesV3.List(ctx, concur.EntryV3Query{ReportID: reportID, User: login, Limit: entryPage}) {
		switch {
		case errors.Is(err, concur.ErrNotFound), errors.Is(err, concur.ErrInvalid):
			return payments{unknown: true}, nil
		case err != nil:
			return payments{}, err
		case e == nil || !strings.EqualFold(e.ReportID, reportID) && e.ReportID != "":
			continue
		}
		var applied struct {
			Advance concur.Flag `json:"HasAppliedCashAdvance"`
		}
		if len(e.Raw) > 0 {
			if err := json.Unmarshal(e.Raw, &applied); err != nil {
				return payments{}, err
			}
		}
		p.advance = p.advance || bool(applied.Advance)
		if e.IsPaidByExpensePay {
			if p.expensePay == nil {
				p.expensePay = make(map[string]bool)
			}
			p.expensePay[expenseKey(e.ExpenseID)] = true
		}
	}
	return p, nil
}

func expenseKey(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "")) }

// mark writes onto a document what version 3 said.
func (p payments) mark(d *document.Document) {
	if d.Settlement != nil {
		d.Settlement.Advance, d.Settlement.PayerUnknown = p.advance, p.unknown
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		e.SourcePays = p.expensePay[expenseKey(e.ID)] || e.Parent != "" && p.expensePay[expenseKey(e.Parent)]
	}
}
