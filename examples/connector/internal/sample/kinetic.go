package sample

import (
	"bytes"
	"io"
	"net/http"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// EpicorCompany is the company in Epicor.
const EpicorCompany = epicortest.DefaultCompany

// Epicor fills a simulated Epicor: vendors, a chart of accounts, currencies. The
// supplier NORDWIND is missing there.
func Epicor(s *epicortest.Server) {
	s.AddCurrencies(EpicorCompany, epicortest.Currency{Code: "EUR", Name: "Euro"})
	vendors := []epicortest.Vendor{
		{ID: "V0088", Name: "AirPlus cards"},
		{ID: "V0089", Name: "AirPlus cards Europe", Currency: "EUR", Country: "Germany"},
		{ID: "V0090", Name: "Meridian Card Services"},
		{ID: "V0211", Name: "Delta Tooling"},
		{ID: "V0305", Name: "Rheinwerk Druck", Currency: "EUR", Country: "Germany"},
		{ID: "V0340", Name: "CloudPeak Hosting"},
	}
	for _, p := range people {
		v := epicortest.Vendor{ID: "E" + p.number, Name: p.first + " " + p.last}
		if p.europe {
			v.Currency, v.Country = "EUR", "Germany"
		}
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
}

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
