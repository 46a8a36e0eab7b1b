package concur

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// ExchangeRateInput is a rate that a company sets: one From is Rate To from
// StartDate on. All four are required, and the rate is above 0.
type ExchangeRateInput struct {
	From      string  `json:"from_crn_code"` // ISO 4217
	To        string  `json:"to_crn_code"`   // ISO 4217
	StartDate Date    `json:"start_date"`
	Rate      Decimal `json:"rate"`
}

// ExchangeRateError is a rate that was not stored, under an answer of 200.
type ExchangeRateError struct {
	Rate    ExchangeRateInput
	Status  int    // the vendor's, such as 400
	Message string // the vendor's
	Unclear bool   // the answer does not mention the rate
}

// Error returns the refusal on one line.
func (e *ExchangeRateError) Error() string {
	name := fmt.Sprintf("concur: ExchangeRates.Create: rate %.3s to %.3s from %s", e.Rate.From, e.Rate.To, e.Rate.StartDate)
	if e.Unclear {
		return name + ": the answer does not say whether it was stored"
	}
	return fmt.Sprintf("%s was not stored: %d %s", name, e.Status, oneLine(e.Message))
}

// Is makes a refusal ErrInvalid; an unclear answer is nothing.
func (e *ExchangeRateError) Is(target error) bool {
	return target == ErrInvalid && !e.Unclear
}

// MaxExchangeRates is how many rates one call takes.
const MaxExchangeRates = 100

// ExchangeRatesService sets a company's own exchange rates. They cannot be read
// back. Follows the Exchange Rates v4 page. Scope: expense.exchangerate.writeonly.
type ExchangeRatesService struct{ service }

// exchangeRateRow is what an answer says about one rate.
type exchangeRateRow struct {
	ExchangeRateInput
	StatusCode Text `json:"statusCode"`
	Message    Text `json:"statusMessage"`
}

// Create sets rates and returns one error for each: nil where it was stored, else
// an *ExchangeRateError. The second result is a failure of the whole call. It is
// sent once; setting the same rate again does no harm. At most MaxExchangeRates.
func (s *ExchangeRatesService) Create(ctx context.Context, rates []ExchangeRateInput) ([]error, error) {
	const operation = "ExchangeRates.Create"
	if len(rates) == 0 {
		return nil, nil
	}
	if len(rates) > MaxExchangeRates {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: fmt.Sprintf("%d rates: at most %d go into one call; nothing was sent", len(rates), MaxExchangeRates)}
	}
	for _, r := range rates {
		if r.From == "" || r.To == "" || r.StartDate.IsZero() || !r.Rate.Value().IsPositive() {
			return nil, notSent(operation, "a rate needs both currencies, its first day and a number above 0")
		}
	}
	a, err := fetch[struct {
		Rows  []exchangeRateRow `json:"currencySets"`
		Snake []exchangeRateRow `json:"currency_sets"`
	}](ctx, s.client, request{
		operation: operation, method: http.MethodPost, path: "/exchangerate/v4/rates", body: map[string]any{"currency_sets": rates},
	})
	if err != nil {
		return nil, err
	}
	rows := append(a.Rows, a.Snake...)
	if len(rows) == 0 {
		return nil, &Error{Operation: operation, Err: errors.New("the answer says nothing about the rates: whether they were stored is not known")}
	}
	each, used := make([]error, len(rates)), make([]bool, len(rows))
	for i, r := range rates {
		e := &ExchangeRateError{Rate: r, Unclear: true}
		for j, row := range rows {
			if used[j] || row.From != r.From || row.To != r.To || row.StartDate != r.StartDate || !row.Rate.Equal(r.Rate) {
				continue
			}
			used[j], e.Unclear, e.Message = true, false, string(row.Message)
			n, err := seconds(row.StatusCode)
			e.Status, e.Unclear = int(n), err != nil
			break
		}
		if e.Unclear || e.Status < 200 || e.Status > 299 {
			each[i] = e
		}
	}
	return each, nil
}
