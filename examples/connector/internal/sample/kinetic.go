package sample

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// EpicorCompany is the company in Epicor.
const EpicorCompany = epicortest.DefaultCompany

// Epicor fills a simulated Epicor: vendors, a chart of accounts, currencies, the
// months of last year, this one and the next as fiscal periods. The supplier
// NORDWIND is missing there.
func Epicor(s *epicortest.Server) {
	s.AddCurrencies(EpicorCompany, epicortest.Currency{Code: "EUR", Name: "Euro"})
	vendors := []epicortest.Vendor{
		{ID: "V0088", Name: "AirPlus cards", City: "New York", Country: "US", UD: state("NY")},
		{ID: "V0089", Name: "AirPlus cards Europe", Currency: "EUR", City: "Frankfurt", Country: "Germany"},
		{ID: "V0090", Name: "Meridian Card Services", City: "Wilmington", Country: "US", UD: state("DE")},
		{ID: "V0211", Name: "Delta Tooling", City: "Toledo", Country: "US", UD: state("OH")},
		{ID: "V0305", Name: "Rheinwerk Druck", Currency: "EUR", City: "Cologne", Country: "Germany"},
		{ID: "V0340", Name: "CloudPeak Hosting", City: "Reno", Country: "US", UD: state("NV")},
	}
	for _, p := range people {
		// Employees are vendors as well; the column links them.
		v := epicortest.Vendor{ID: "E" + p.number, Name: p.first + " " + p.last, Country: "US", UD: state("TX")}
		if p.europe {
			v.Currency, v.Country, v.UD = "EUR", "Germany", state("")
		}
		v.UD["ExternalId"] = p.number
		vendors = append(vendors, v)
	}
	s.AddVendors(EpicorCompany, vendors...)
	var accounts []epicortest.GLAccount
	for _, natural := range []struct{ code, name string }{
		{"6410", "Travel"},
		{"6412", "Mileage"},
		{"6420", "Meals"},
		{"6421", "Meals abroad"},
		{"6510", "Small tools"},
		{"6610", "Conferences"},
		{"6620", "Printing"},
		{"6700", "Cloud services"},
	} {
		for _, centre := range []string{"100", "200", "310", "420"} {
			accounts = append(accounts, epicortest.GLAccount{Account: natural.code + "|" + centre + "|00", Desc: natural.name})
		}
	}
	accounts = append(accounts,
		epicortest.GLAccount{Account: "5100|420|01", Desc: "Tooling"},
		epicortest.GLAccount{Account: "1490|000|00", Desc: "Card clearing"},
		epicortest.GLAccount{Account: "2310|000|00", Desc: "Sales tax"},
	)
	s.AddAccounts(EpicorCompany, accounts...)
	s.AddPeriods(EpicorCompany, months(time.Now())...)
}

// months are the fiscal periods of the year before now, its own and the next.
func months(now time.Time) []epicortest.Period {
	var out []epicortest.Period
	for first := time.Date(now.Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC); first.Year() <= now.Year()+1; first = first.AddDate(0, 1, 0) {
		last := first.AddDate(0, 1, -1)
		out = append(out, epicortest.Period{
			Year: first.Year(), Number: int(first.Month()),
			Start: epicortest.Date{Year: first.Year(), Month: first.Month(), Day: 1},
			End:   epicortest.Date{Year: last.Year(), Month: last.Month(), Day: last.Day()},
		})
	}
	return out
}

// state is a vendor's state, for which a Vendor has no field.
func state(code string) map[string]any { return map[string]any{"State": code} }

// LoseAnswer lets the answer to a posting get lost after Epicor committed it:
// that of the commit of the expenses, the last one, of the first invoice whose
// number begins so.
func LoseAnswer(s *epicortest.Server, number string) {
	s.Inject(epicortest.Fault{
		Path: "/UpdateMaster", When: epicortest.After, Drop: true,
		Match: func(r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return false
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return bytes.Contains(body, []byte(number)) && bytes.Contains(body, []byte(`"cTableName":"APInvExp`))
		},
	})
}
