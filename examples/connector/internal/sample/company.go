// Package sample is the company of the demonstration: Brightwater Instruments,
// in both simulators, with the rules that join them.
package sample

import (
	_ "embed"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// Mapping is the company's mapping.yaml. It does not know cost centre 4711.
//
//go:embed mapping.yaml
var Mapping []byte

// Documents on which something happens, by the numbers that people see.
const (
	Itemised    = "A1B2C3" // itemised, allocated to two cost centres
	Stumbling   = "D3W8PL" // its first reading is answered 429, 401 and 500
	Announced   = "9F22K1" // its event comes twice
	Unannounced = "B8G3HV" // its event never comes
	LostAnswer  = "Q8L2EJ" // the answer to its posting is lost after the commit
	UnknownCode = "7K2P0Q" // booked on a cost centre that the mapping lacks
	NotApproved = "4ZZ1AB" // submitted, not approved
	NoVendor    = "88-1201"
)

// The cost centre that the mapping lacks, and where finance books it.
const (
	UnknownCentre = "4711"
	RightCentre   = "200"
)

// Company is the company in the simulated Concur.
type Company struct {
	*concurtest.Company
	Reports []concurtest.Report // submitted, in the order of their approval
	UserIDs map[string]string   // by log-in name
}

// Concur fills a simulated Concur: people, cost centres, submitted expense
// reports, approved supplier invoices. Nothing is approved yet of the reports.
func Concur(s *concurtest.Server) *Company { return concur(s, nil) }

// FinancialConcur is Concur with the Financial Integration Service switched on:
// what is approved finally comes with its journal, and Concur wants to be told
// what became of it.
func FinancialConcur(s *concurtest.Server) *Company {
	return concur(s, &concurtest.CompanyOptions{FinancialIntegration: true})
}

func concur(s *concurtest.Server, opts *concurtest.CompanyOptions) *Company {
	c := &Company{Company: s.AddCompany("Brightwater Instruments", opts), UserIDs: map[string]string{}}
	centres := c.AddList("Cost centres",
		concurtest.Item{Code: "100", Name: "Management"}, concurtest.Item{Code: "200", Name: "Sales"},
		concurtest.Item{Code: "310", Name: "Service"}, concurtest.Item{Code: "420", Name: "Engineering"},
		concurtest.Item{Code: UnknownCentre, Name: "Trade fair 2026"},
	)
	c.AddUser(concurtest.User{Login: "h.osei@brightwater.example", FirstName: "Helen", LastName: "Osei", EmployeeNumber: "1001"})
	for _, p := range people {
		added := c.AddUser(concurtest.User{
			Login: p.login(), FirstName: p.first, LastName: p.last, EmployeeNumber: p.number, Manager: "h.osei@brightwater.example",
		})
		c.UserIDs[added.Login] = added.ID
	}
	for _, r := range reports(centres) {
		r.ApprovalStatus, r.PaymentStatus = concurtest.PendingApproval, concurtest.NotPaid
		added := c.AddReport(r)
		if added.Number == NotApproved {
			continue
		}
		c.Reports = append(c.Reports, added)
	}
	for _, p := range invoices() {
		c.AddApprovedPaymentRequest(p)
	}
	c.AddPaymentRequest(concurtest.PaymentRequest{
		InvoiceNumber: "CP-2209", Vendor: cloudpeak, Owner: "h.osei@brightwater.example", Policy: "AP",
		Lines: []concurtest.Line{{Description: "Storage, next quarter", ExpenseType: "CLOUD", Amount: money("480.00"), Custom: centre("420")}},
	})
	return c
}

// Stumble arms what goes wrong on the way to Concur: the next readings of a
// report are answered 429, then 401, then 500.
func (c *Company) Stumble(s *concurtest.Server, reportID string) {
	for _, f := range []concurtest.Fault{
		{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
		{Status: http.StatusUnauthorized},
		{Status: http.StatusInternalServerError, Body: "<html><body>Internal Server Error</body></html>"},
	} {
		f.Method = http.MethodGet
		f.Match = func(r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/expensereports/v4/") && strings.HasSuffix(r.URL.Path, "/reports/"+reportID)
		}
		s.Inject(f)
	}
}

type person struct {
	first, last, number string
	europe              bool // paid in euro
}

func (p person) login() string {
	return strings.ToLower(p.first[:1] + "." + p.last + "@brightwater.example")
}

var (
	ana   = person{"Ana", "Ruiz", "1042", false}
	jo    = person{"Jo", "Lindqvist", "1055", true}
	mei   = person{"Mei", "Tanaka", "1061", false}
	tom   = person{"Tom", "Becker", "1063", false}
	priya = person{"Priya", "Nair", "1070", false}
	sam   = person{"Sam", "Okafor", "1074", false}
	lena  = person{"Lena", "Vogt", "1081", true}

	people = []person{ana, jo, mei, tom, priya, sam, lena}
)

var money = concurtest.Amount

// day is a date some days ago: expenses lie shortly before their report.
func day(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }

func centre(code string) map[string]string { return map[string]string{"Custom2": code} }

// reports are the expense reports in the order in which they are approved.
func reports(centres *concurtest.List) []concurtest.Report {
	on := func(code string) concurtest.Custom { return concurtest.Custom{"custom5": centres.Value(code)} }
	expense := func(kind, pay, vendor, amount, code string, ago int) concurtest.Expense {
		return concurtest.Expense{Type: kind, TypeName: typeNames[kind], PaymentType: pay, PaymentName: payments[pay], PaymentClass: classes[pay], Vendor: vendor, Amount: money(amount), Date: day(ago), Custom: on(code)}
	}
	share := func(percent, code string) concurtest.Allocation {
		return concurtest.Allocation{Percentage: money(percent), Custom: on(code)}
	}
	split := func(e concurtest.Expense, shares ...concurtest.Allocation) concurtest.Expense {
		e.Allocations = shares
		return e
	}
	abroad := func(e concurtest.Expense, currency, rate string) concurtest.Expense {
		e.Currency, e.Rate = currency, money(rate)
		return e
	}
	hotel := concurtest.Expense{
		Type: "HOTEL", TypeName: typeNames["HOTEL"], PaymentType: "CASH", PaymentName: payments["CASH"], Vendor: "Lone Star Inn", Date: day(6), Custom: on("200"),
		Itemizations: []concurtest.Expense{
			expense("HOTEL", "CASH", "Lone Star Inn", "212.00", "200", 6),
			expense("HOTEL", "CASH", "Lone Star Inn", "31.80", "200", 6),
			expense("MEALS", "CASH", "Lone Star Inn", "24.00", "200", 6),
		},
	}
	private := expense("HOTEL", "CBCP", "Harbour Hotel Spa", "85.00", "310", 9)
	private.Personal = true
	return []concurtest.Report{
		{Number: Itemised, Owner: ana.login(), Name: "Customer visit Austin", Expenses: []concurtest.Expense{
			hotel,
			split(expense("MEALS", "CASH", "Rosewood Grill", "83.20", "200", 6), share("60", "200"), share("40", "310")),
			expense("TAXI", "CASH", "Capital Cabs", "61.40", "200", 5),
		}},
		{Number: Announced, Owner: jo.login(), Name: "Site survey Gothenburg", Currency: "EUR", Country: "DE", Expenses: []concurtest.Expense{
			expense("AIRFR", "IBEU", "Nordflug", "284.00", "310", 11),
		}},
		{Number: "K7M4QX", Owner: mei.login(), Name: "Calibration campaign Denver", Expenses: []concurtest.Expense{
			expense("AIRFR", "IBCP", "Mountain Air", "428.60", "420", 14),
			expense("HOTEL", "CBCP", "Summit Lodge", "389.10", "420", 12),
			expense("TOOLS", "CBCP", "Denver Gauge Supply", "146.75", "420", 12),
			expense("MEALS", "CASH", "Union Diner", "58.35", "420", 12),
		}},
		{Number: Stumbling, Owner: tom.login(), Name: "Supplier audit Lyon", Expenses: []concurtest.Expense{
			abroad(expense("HOTEL", "CASH", "Hotel du Rhone", "312.40", "420", 8), "EUR", "1.0865"),
			abroad(expense("TRAIN", "CASH", "SNCF", "47.90", "420", 8), "EUR", "1.0865"),
			expense("TAXI", "CASH", "Airport Shuttle", "38.00", "420", 7),
		}},
		{Number: LostAnswer, Owner: tom.login(), Name: "Metrology conference", Expenses: []concurtest.Expense{
			expense("CONFR", "CASH", "Metrology Society", "450.00", "420", 20),
		}},
		{Number: "R5T1ZN", Owner: priya.login(), Name: "Trip cancelled: refund of the flight", Expenses: []concurtest.Expense{
			expense("AIRFR", "IBCP", "Mountain Air", "-349.00", "200", 4),
			expense("TAXI", "CASH", "Yellow Line", "22.15", "200", 4),
		}},
		{Number: "H2J6WD", Owner: sam.login(), Name: "Field service week", Expenses: []concurtest.Expense{
			expense("HOTEL", "CASH", "Prairie Motel", "318.00", "310", 10),
			expense("HOTEL", "CASH", "Prairie Motel", "-50.00", "310", 9),
			expense("MILES", "CASH", "", "74.37", "310", 9),
			expense("MEALS", "CASH", "Route 9 Cafe", "41.28", "310", 9),
		}},
		{Number: "M4N9YC", Owner: lena.login(), Name: "Fair in Hanover", Currency: "EUR", Country: "DE", Expenses: []concurtest.Expense{
			split(expense("CONFR", "CASH", "Messe Hannover", "640.00", "200", 13), share("33.33", "200"), share("33.33", "310"), share("33.34", "420")),
			expense("TRAIN", "CASH", "Bahn", "118.70", "200", 13),
			expense("MEALS", "CASH", "Gasthaus Leine", "52.30", "200", 13),
		}},
		{Number: UnknownCode, Owner: priya.login(), Name: "Trade fair booth", Expenses: []concurtest.Expense{
			expense("CONFR", "CASH", "Expo Services", "1020.00", UnknownCentre, 15),
			expense("MEALS", "CASH", "Expo Catering", "184.10", UnknownCentre, 15),
		}},
		{Number: "T6V0KS", Owner: sam.login(), Name: "Service call with a private extra", Expenses: []concurtest.Expense{
			expense("HOTEL", "CBCP", "Harbour Hotel", "264.50", "310", 9),
			private,
			expense("MEALS", "CASH", "Pier 4", "37.80", "310", 9),
		}},
		{Number: "W1X7QB", Owner: ana.login(), Name: "Quarterly review Chicago", Expenses: []concurtest.Expense{
			expense("AIRFR", "IBCP", "Lakeside Air", "318.20", "100", 16),
			expense("HOTEL", "CASH", "Loop Hotel", "289.00", "100", 15),
			split(expense("MEALS", "CASH", "Dearborn Kitchen", "126.45", "100", 15), share("50", "100"), share("50", "200")),
		}},
		{Number: Unannounced, Owner: mei.login(), Name: "Spare parts pick-up", Expenses: []concurtest.Expense{
			expense("RENTC", "CBCP", "City Wheels", "92.40", "420", 3),
			expense("MILES", "CASH", "", "18.90", "420", 3),
		}},
		{Number: "Z3C5LF", Owner: lena.login(), Name: "Prototype material", Currency: "EUR", Country: "DE", Expenses: []concurtest.Expense{
			expense("TOOLS", "CASH", "Werkzeug Krause", "209.25", "420", 5),
			expense("TAXI", "CASH", "Taxi Hannover", "24.60", "420", 5),
		}},
		{Number: NotApproved, Owner: jo.login(), Name: "Team lunch", Expenses: []concurtest.Expense{
			expense("MEALS", "CASH", "Green Table", "59.90", "310", 2),
		}},
	}
}

var payments = map[string]string{
	"CASH": "Cash", "IBCP": "AirPlus card", "IBEU": "AirPlus card, Europe", "CBCP": "Meridian purchasing card",
}

// classes are the vendor's codes of the payment types that are Brightwater's own.
var classes = map[string]string{"IBEU": "IBCP"}

var typeNames = map[string]string{
	"AIRFR": "Airfare", "HOTEL": "Hotel", "TAXI": "Taxi", "TRAIN": "Train", "RENTC": "Rental car", "MILES": "Mileage",
	"MEALS": "Meals", "TOOLS": "Small tools", "CONFR": "Conference",
}

var (
	delta     = concurtest.Vendor{Code: "DELTA", AddressCode: "MAIN", Name: "Delta Tooling", City: "Toledo", Country: "US"}
	rheinwerk = concurtest.Vendor{Code: "RHEINWERK", AddressCode: "KOELN", Name: "Rheinwerk Druck", City: "Cologne", Country: "DE"}
	cloudpeak = concurtest.Vendor{Code: "CLOUDPEAK", AddressCode: "MAIN", Name: "CloudPeak Hosting", City: "Reno", Country: "US"}
	nordwind  = concurtest.Vendor{Code: "NORDWIND", AddressCode: "MAIN", Name: "Nordwind Logistik", City: "Kiel", Country: "DE"}
)

// invoices are the approved supplier invoices.
func invoices() []concurtest.PaymentRequest {
	return []concurtest.PaymentRequest{
		{
			InvoiceNumber: "INV-20417", Vendor: delta, Owner: tom.login(), Policy: "AP", InvoiceDate: day(12),
			Shipping: money("95.00"), Tax: money("520.75"),
			Lines: []concurtest.Line{
				{Description: "Fixture plates", ExpenseType: "TOOLG", Quantity: money("40"), Amount: money("6300.00"), Custom: centre("420")},
				{Description: "Dowel pins", ExpenseType: "TOOLG", Quantity: money("200"), Amount: money("1200.00"), Custom: centre("420")},
			},
		},
		{
			InvoiceNumber: "RW/2026-0311", Vendor: rheinwerk, Owner: lena.login(), Policy: "AP", Currency: "EUR", Country: "DE", InvoiceDate: day(9),
			Lines: []concurtest.Line{
				{Description: "Catalogue, German", ExpenseType: "PRINT", Amount: money("980.55"), Custom: centre("200")},
				{Description: "Manuals", ExpenseType: "PRINT", Amount: money("640.00"), Allocations: []concurtest.LineAllocation{
					{Percentage: money("75"), Custom: centre("310")}, {Percentage: money("25"), Custom: centre("420")},
				}},
			},
		},
		{
			InvoiceNumber: "CP-2187", Vendor: cloudpeak, Owner: mei.login(), Policy: "AP", InvoiceDate: day(7),
			Lines: []concurtest.Line{{Description: "Hosting", ExpenseType: "CLOUD", Amount: money("1249.00"), Custom: centre("420")}},
		},
		{
			InvoiceNumber: NoVendor, Vendor: nordwind, Owner: sam.login(), Policy: "AP", InvoiceDate: day(5),
			Lines: []concurtest.Line{{Description: "Freight to Kiel", ExpenseType: "PRINT", Amount: money("310.00"), Custom: centre("310")}},
		},
	}
}
