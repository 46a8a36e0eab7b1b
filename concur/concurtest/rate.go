package concurtest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"

	"github.com/shopspring/decimal"
)

// Rate is an exchange rate that a company set.
type Rate struct {
	From, To, StartDate string
	Rate                decimal.Decimal
}

// Rates returns the exchange rates in the order in which they were set.
func (c *Company) Rates() []Rate {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return slices.Clone(c.rates)
}

func rateRoutes() []route {
	return []route{{"POST /exchangerate/v4/rates", expense4, []string{scopeRates}, companyOnly(serveRates)}}
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// serveRates answers 200 also when rows failed.
func serveRates(c *call) reply {
	var in struct {
		Sets []struct {
			From  string          `json:"from_crn_code"`
			To    string          `json:"to_crn_code"`
			Start string          `json:"start_date"`
			Rate  json.RawMessage `json:"rate"`
		} `json:"currency_sets"`
	}
	if err := c.decode(&in); err != nil || len(in.Sets) == 0 || len(in.Sets) > 100 {
		return c.bad("currency_sets", "1 to 100 sets are required")
	}
	rows, failed := []map[string]any{}, 0
	for _, s := range in.Sets {
		row := map[string]any{
			"from_crn_code": s.From, "to_crn_code": s.To, "start_date": s.Start, "rate": s.Rate, "statusCode": http.StatusOK, "statusMessage": "success",
		}
		rate, err := decimal.NewFromString(string(s.Rate))
		if err != nil || !rate.IsPositive() || !currency.MatchString(s.From) || !currency.MatchString(s.To) || s.From == s.To || !parses("2006-01-02", s.Start) {
			row["statusCode"], row["statusMessage"] = http.StatusBadRequest, "Invalid request received"
			failed++
		} else {
			c.company.rates = append(c.company.rates, Rate{From: s.From, To: s.To, StartDate: s.Start, Rate: rate})
		}
		rows = append(rows, row)
	}
	body := map[string]any{"overallStatus": "Success", "message": "Requests completed successfully", "currencySets": rows}
	if failed > 0 {
		body["overallStatus"], body["message"] = "Partial Success", "Requests completed with errors"
	}
	return ok(body)
}
