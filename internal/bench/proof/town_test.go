package proof

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// book is the company in Epicor.
const book = epicortest.DefaultCompany

// signingKey is made once: it takes long, and one serves all towns.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// town is both systems with one company in them.
type town struct {
	concur  *concurtest.Server
	company *concurtest.Company
	epicor  *epicortest.Server
	users   map[string]string // by login
	centres *concurtest.List
	ledger  *concurtest.List // the copy of the GL accounts
}

type person struct{ login, number string }

var people = []person{
	{"ada@mill.example", "2001"},
	{"ben@mill.example", "2002"},
	{"cai@mill.example", "2003"},
	{"dee@mill.example", "2004"},
	{"eva@mill.example", "2005"},
	{"fay@mill.example", "2006"},
	{"gus@mill.example", "2007"},
	{"ida@mill.example", "2008"},
}

// Segments of the chart of accounts, and what is missing in it at first.
var (
	naturals    = []string{"6410", "6412", "6420", "6425", "6510", "6610", "6700"}
	centreCodes = []string{"100", "200", "310", "420"}
)

const (
	lateCentre  = "4711"        // the first edition of the rules lacks it
	lateAccount = "6610|310|00" // Epicor lacks it at first
	lateVendor  = "LATE"        // so does it this supplier
	clearing    = "1490|000|00" // of private expenses on the company's card
	taxAccount  = "2310|000|00" // of tax on a supplier's invoice
	travelCard  = "V0088"       // in the employee's name
	buyingCard  = "V0090"       // the company's own
	eventsURL   = "https://connector.example.com/concur/events"
	connectorID = "mill"           // the tenant
	targetID    = "epicor-ap"      // its target
	reportFlow  = "reports-to-ap"  // flows
	invoiceFlow = "invoices-to-ap" //
	queueFlow   = "financial-to-ap"
)

var suppliers = []concurtest.Vendor{
	{Code: "DELTA", AddressCode: "MAIN", Name: "Delta Tooling", City: "Toledo", Country: "US"},
	{Code: "CLOUDY", AddressCode: "MAIN", Name: "Cloudy Hosting", City: "Reno", Country: "US"},
	{Code: lateVendor, AddressCode: "MAIN", Name: "Late Supplies", City: "Utica", Country: "US"},
}

func newTown(opts *concurtest.Options) *town { return newTownOf(opts, nil) }

func newTownOf(opts *concurtest.Options, mill *concurtest.CompanyOptions) *town {
	if opts == nil {
		opts = &concurtest.Options{}
	}
	opts.Key = signingKey()
	t := &town{concur: concurtest.New(opts), epicor: epicortest.New(nil), users: map[string]string{}}
	t.company = t.concur.AddCompany("Northgate Mill", mill)
	for _, p := range people {
		t.users[p.login] = t.company.AddUser(concurtest.User{Login: p.login, EmployeeNumber: p.number}).ID
	}
	var items []concurtest.Item
	for _, c := range append([]string{lateCentre}, centreCodes...) {
		items = append(items, concurtest.Item{Code: c, Name: "Centre " + c})
	}
	t.centres = t.company.AddList("Cost centres", items...)
	t.ledger = t.company.AddList("GL accounts")
	t.fill()
	return t
}

// fill puts vendors, accounts and fiscal periods into Epicor.
func (t *town) fill() {
	vendors := []epicortest.Vendor{
		{ID: travelCard, Name: "Travel card"},
		{ID: buyingCard, Name: "Purchasing card"},
		{ID: "V0211", Name: "Delta Tooling"},
		{ID: "V0340", Name: "Cloudy Hosting"},
	}
	for _, p := range people {
		vendors = append(vendors, epicortest.Vendor{ID: "E" + p.number, Name: "Employee " + p.number})
	}
	t.epicor.AddVendors(book, vendors...)
	accounts := []epicortest.GLAccount{{Account: clearing}, {Account: taxAccount}, {Account: "5100|420|01"}}
	for _, n := range naturals {
		for _, c := range centreCodes {
			if a := n + "|" + c + "|00"; a != lateAccount {
				accounts = append(accounts, epicortest.GLAccount{Account: a})
			}
		}
	}
	t.epicor.AddAccounts(book, accounts...)
	// Each line was received twice; an invoice takes one of the receipts.
	received := func(slip string, quantity int64) []epicortest.Receipt {
		return []epicortest.Receipt{{PackSlip: slip, Quantity: decimal.NewFromInt(quantity)}, {PackSlip: slip + "-B", Quantity: decimal.NewFromInt(quantity)}}
	}
	t.epicor.AddOrders(book, epicortest.Order{Num: 4500017, VendorID: "V0211", Lines: []epicortest.OrderLine{
		{PartNum: "PLATE", Quantity: decimal.NewFromInt(20), UnitCost: money(6300), Receipts: received("PS-9", 10)},
		{PartNum: "BOLT", Quantity: decimal.NewFromInt(8), UnitCost: money(2500), Receipts: received("PS-10", 4)},
	}})
	now := time.Now().UTC()
	first := time.Date(now.Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	var periods []epicortest.Period
	for m := range 12 * 4 {
		from := first.AddDate(0, m, 0)
		to := from.AddDate(0, 1, -1)
		periods = append(periods, epicortest.Period{
			Year: from.Year(), Number: int(from.Month()),
			Start: epicortest.Date{Year: from.Year(), Month: from.Month(), Day: 1},
			End:   epicortest.Date{Year: to.Year(), Month: to.Month(), Day: to.Day()},
		})
	}
	t.epicor.AddPeriods(book, periods...)
}

// RoundTrip implements http.RoundTripper: it leads to the one system or the other.
func (t *town) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/odata/") {
		return t.epicor.Transport().RoundTrip(r)
	}
	return t.concur.Transport().RoundTrip(r)
}

// locks are the entry groups that somebody works in.
func (t *town) locks() (held []string) {
	for group, user := range t.epicor.Locks(book) {
		if user != "" {
			held = append(held, group)
		}
	}
	return held
}

// finance posts all groups, as people do in the evening. What a closed period
// keeps from being posted is posted by opening it for a moment.
func (t *town) finance(closed []time.Time) (reasons []string) {
	post := func() (why []string) {
		for _, g := range t.epicor.Groups(book) {
			if g.LockedBy == "" {
				why = append(why, t.epicor.Post(book, g.ID)...)
			}
		}
		return why
	}
	if len(post()) == 0 {
		return nil
	}
	for _, m := range closed {
		t.epicor.OpenPeriod(book, m.Year(), int(m.Month()))
	}
	reasons = post()
	for _, m := range closed {
		t.epicor.ClosePeriod(book, m.Year(), int(m.Month()))
	}
	return reasons
}
