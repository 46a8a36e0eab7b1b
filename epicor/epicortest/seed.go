package epicortest

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Date is a calendar date; the zero value is no date.
type Date = wire.Date

// Company seeds a company. Only ID is required.
type Company struct {
	ID       string // "EPIC06"
	Name     string // "" is the ID
	Currency string // base currency, ISO code; "" is USD
	COACode  string // chart of accounts; "" is "MAIN"
	Calendar string // fiscal calendar; "" is "MAIN"

	// DefaultAccount is the GL account on the default expense row that a saved
	// line gets, "a|b|c". "" leaves it blank, as a tenant does that has no GL
	// control for expenses.
	DefaultAccount string

	Currencies []Currency  // beside the base currency
	Periods    []Period    // none: every calendar month is an open period
	Vendors    []Vendor    // as by AddVendors
	Accounts   []GLAccount // as by AddAccounts

	// UDColumns are user-defined columns, table to column to default value:
	// {"APInvHed": {"ConcurID_c": ""}}. Defaults are string, bool, int,
	// decimal.Decimal or Date. Names end in "_c".
	UDColumns map[string]map[string]any
}

// Vendor seeds a supplier. Only ID is required.
type Vendor struct {
	Num        int    // internal key; 0 takes the next free number
	ID         string // what people type, at most 8 characters by default
	Name       string // "" is the ID
	Currency   string // "" is the company's
	TermsCode  string // "" is "N30"
	NoTerms    bool   // the vendor has no terms: an invoice must set its own
	Inactive   bool
	PayHold    bool
	Unapproved bool // Vendor.Approved is false
	TaxPayerID string
	Email      string
	Address    string
	City       string
	ZIP        string
	Country    string
	UD         map[string]any // user-defined columns of this row
}

// GLAccount seeds an account and the segment values it is made of.
type GLAccount struct {
	Account  string // segments joined by "|": "6410|200|00"
	COACode  string // "" is the company's
	Desc     string // "" is the account
	Inactive bool
	EffFrom  Date // zero: always
	EffTo    Date // zero: for ever
	UD       map[string]any
}

// Segment names a segment of a chart of accounts. Accounts and values bring
// theirs with them, named by their number.
type Segment struct {
	COACode string // "" is the company's
	Number  int    // 1 to 20; 1 is the natural account
	Name    string
	Dynamic bool
}

// SegmentValue seeds one value of a segment, such as a cost centre.
type SegmentValue struct {
	COACode  string // "" is the company's
	Segment  int    // 1 to 20
	Code     string
	Name     string
	Inactive bool
}

// Currency seeds a currency.
type Currency struct {
	Code     string          // "EUR"
	Name     string          // "" is the code
	Rate     decimal.Decimal // base currency for one unit; zero is 1
	Inactive bool
}

// Period seeds a fiscal period.
type Period struct {
	Year, Number int
	Start, End   Date
	Closed       bool // no invoice can be entered into it; FAClosedPeriod shows it
}

// company is one company's state.
type company struct {
	seed     Company
	schema   schema
	vendors  *records
	accounts *records
	segments *records
	chart    *records
	currency *records
	periods  *records
	groups   *records
	more     map[string]*records // tables that nothing but reads and other rows look at
	files    map[string]file     // by path on the server
	fileRefs map[int64]string
	baqs     map[string][]map[string]any
	funcs    map[string]Function
	receipts []row    // lines of receipts, invoiced or not
	queue    []string // groups that wait for the agent to post them
	invoices map[string]*invoice
	logged   map[string]bool // keys of logged invoices
	order    []string        // keys of invoices in the order of their creation
	rates    map[string]decimal.Decimal
	closed   map[[2]int]bool
	trueSign bool // Options.TrueSignLines
	nextNum  int64
	nextHead int64
	nextPay  int64
	nextFile int64
}

// AddCompany adds companies. A company that exists is replaced, with everything in it.
func (s *Server) AddCompany(companies ...Company) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range companies {
		s.addCompany(c)
	}
}

func (s *Server) addCompany(c Company) {
	if c.ID == "" {
		panic("epicortest: a company needs an ID")
	}
	orDefault(&c.Name, c.ID)
	orDefault(&c.Currency, "USD")
	orDefault(&c.COACode, "MAIN")
	orDefault(&c.Calendar, "MAIN")
	sch := newSchema()
	for tab, cols := range c.UDColumns {
		t, ok := sch[tab]
		if !ok {
			panic(fmt.Sprintf("epicortest: user-defined columns for the unknown table %q", tab))
		}
		for name, def := range cols {
			if !strings.HasSuffix(name, "_c") {
				panic(fmt.Sprintf("epicortest: user-defined column %q does not end in _c", name))
			}
			k, v := udValue(name, def)
			t.add(name, k, v)
		}
	}
	co := &company{
		seed: c, schema: sch,
		vendors: newRecords(sch[tabVendor]), accounts: newRecords(sch[tabAccount]),
		segments: newRecords(sch[tabSegment]), chart: newRecords(sch[tabChart]), currency: newRecords(sch[tabCurrency]),
		periods: newRecords(sch[tabPeriod]), groups: newRecords(sch[tabGroup]),
		trueSign: s.opts.TrueSignLines,
		more:     map[string]*records{}, files: map[string]file{}, fileRefs: map[int64]string{},
		baqs: map[string][]map[string]any{}, funcs: map[string]Function{},
		invoices: map[string]*invoice{}, logged: map[string]bool{}, rates: map[string]decimal.Decimal{}, closed: map[[2]int]bool{},
	}
	for _, r := range receiptTables() {
		sch[r.name] = r
	}
	for _, name := range []string{tabCOA, tabCalendar, tabYear, tabRate, tabOrder, tabOrderDtl, tabOrderRel, tabCheck, tabPaid} {
		co.more[name] = newRecords(sch[name])
	}
	s.companies[c.ID] = co
	s.addCalendar(co)
	s.addCurrency(co, Currency{Code: c.Currency})
	for _, x := range c.Currencies {
		s.addCurrency(co, x)
	}
	for _, p := range c.Periods {
		s.addPeriod(co, p)
	}
	for _, v := range c.Vendors {
		s.addVendor(co, v)
	}
	for _, a := range c.Accounts {
		s.addAccount(co, a)
	}
}

// udValue reads a user-defined column's default or value.
func udValue(name string, v any) (kind, any) {
	switch x := v.(type) {
	case string:
		return text, x
	case bool:
		return boolean, x
	case int:
		return integer, int64(x)
	case decimal.Decimal:
		return number, wire.DecimalOf(x)
	case Date:
		if x.IsZero() {
			return date, nil
		}
		return date, day(x)
	default:
		panic(fmt.Sprintf("epicortest: column %s cannot hold a %T", name, v))
	}
}

// AddVendors adds vendors, or replaces those whose Num exists.
func (s *Server) AddVendors(companyID string, vendors ...Vendor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, v := range vendors {
		s.addVendor(co, v)
	}
}

func (s *Server) addVendor(co *company, v Vendor) {
	if v.ID == "" {
		panic("epicortest: a vendor needs an ID")
	}
	if v.Num == 0 {
		v.Num = int(co.nextNum) + 1
	}
	co.nextNum = max(co.nextNum, int64(v.Num))
	orDefault(&v.Name, v.ID)
	orDefault(&v.Currency, co.seed.Currency)
	if !v.NoTerms {
		orDefault(&v.TermsCode, "N30")
	}
	r := s.seedRow(co, tabVendor, v.UD)
	r["VendorNum"], r["VendorID"], r["Name"] = int64(v.Num), v.ID, v.Name
	r["CurrencyCode"], r["TermsCode"], r["Inactive"] = v.Currency, v.TermsCode, v.Inactive
	r["PayHold"], r["Approved"], r["TaxPayerID"] = v.PayHold, !v.Unapproved, v.TaxPayerID
	r["EMailAddress"], r["Address1"], r["City"] = v.Email, v.Address, v.City
	r["ZIP"], r["Country"] = v.ZIP, v.Country
	co.vendors.put(r)
}

// RemoveVendors removes vendors by their internal number.
func (s *Server) RemoveVendors(companyID string, nums ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, n := range nums {
		co.vendors.remove(row{"Company": co.seed.ID, "VendorNum": int64(n)}.key(co.vendors.def.key))
	}
}

// AddAccounts adds GL accounts with their segment values, or replaces accounts that exist.
func (s *Server) AddAccounts(companyID string, accounts ...GLAccount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, a := range accounts {
		s.addAccount(co, a)
	}
}

func (s *Server) addAccount(co *company, a GLAccount) {
	segs := strings.Split(a.Account, "|")
	if a.Account == "" || len(segs) > 20 {
		panic(fmt.Sprintf("epicortest: GL account %q needs 1 to 20 segments joined by |", a.Account))
	}
	orDefault(&a.COACode, co.seed.COACode)
	orDefault(&a.Desc, a.Account)
	r := s.seedRow(co, tabAccount, a.UD)
	r["COACode"], r["GLAccount1"], r["AccountDesc"] = a.COACode, a.Account, a.Desc
	r["Active"] = !a.Inactive
	r.setDay("EffFrom", a.EffFrom)
	r.setDay("EffTo", a.EffTo)
	for i, v := range segs {
		r[segment(i+1)] = v
		sv := SegmentValue{COACode: a.COACode, Segment: i + 1, Code: v}
		if _, ok := co.segments.get(segmentKey(co, sv)); !ok {
			s.addSegment(co, sv)
		}
	}
	co.accounts.put(r)
}

func segment(n int) string { return fmt.Sprintf("SegValue%d", n) }

func segmentKey(co *company, v SegmentValue) string {
	return row{
		"Company": co.seed.ID, "COACode": v.COACode, "SegmentNbr": int64(v.Segment), "SegmentCode": v.Code,
	}.key(co.segments.def.key)
}

// AddChart names segments of charts of accounts, or names them anew.
func (s *Server) AddChart(companyID string, segments ...Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, seg := range segments {
		s.addChart(co, seg)
	}
}

func (s *Server) addChart(co *company, seg Segment) {
	orDefault(&seg.COACode, co.seed.COACode)
	orDefault(&seg.Name, fmt.Sprintf("Segment %d", seg.Number))
	r := s.seedRow(co, tabChart, nil)
	r["COACode"], r["SegmentNbr"], r["SegmentName"], r["Dynamic"] = seg.COACode, int64(seg.Number), seg.Name, seg.Dynamic
	r["MaxLength"], r["MinLength"], r["AllowAlpha"], r["DisplayOrder"] = int64(50), int64(1), true, int64(seg.Number)
	co.chart.put(r)
}

// RemoveAccounts removes GL accounts; their segment values stay.
func (s *Server) RemoveAccounts(companyID string, accounts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, a := range accounts {
		co.accounts.remove(row{"Company": co.seed.ID, "COACode": co.seed.COACode, "GLAccount1": a}.key(co.accounts.def.key))
	}
}

// AddSegments adds segment values, or replaces those that exist.
func (s *Server) AddSegments(companyID string, values ...SegmentValue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, v := range values {
		s.addSegment(co, v)
	}
}

func (s *Server) addSegment(co *company, v SegmentValue) {
	orDefault(&v.COACode, co.seed.COACode)
	orDefault(&v.Name, v.Code)
	r := s.seedRow(co, tabSegment, nil)
	r["COACode"], r["SegmentNbr"], r["SegmentCode"] = v.COACode, int64(v.Segment), v.Code
	r["SegmentName"], r["ActiveFlag"] = v.Name, !v.Inactive
	co.segments.put(r)
	key := row{"Company": co.seed.ID, "COACode": v.COACode, "SegmentNbr": int64(v.Segment)}.key(co.chart.def.key)
	if _, named := co.chart.get(key); !named {
		s.addChart(co, Segment{COACode: v.COACode, Number: v.Segment})
	}
}

// AddCurrencies adds currencies, or replaces those that exist.
func (s *Server) AddCurrencies(companyID string, currencies ...Currency) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, c := range currencies {
		s.addCurrency(co, c)
	}
}

func (s *Server) addCurrency(co *company, c Currency) {
	orDefault(&c.Name, c.Code)
	if c.Rate.IsZero() {
		c.Rate = decimal.NewFromInt(1)
	}
	r := s.seedRow(co, tabCurrency, nil)
	r["CurrencyCode"], r["CurrDesc"], r["CurrName"], r["CurrencyID"] = c.Code, c.Name, c.Name, c.Code
	r["ISOCurrCode"], r["Inactive"], r["BaseCurr"] = c.Code, c.Inactive, c.Code == co.seed.Currency
	r["DecimalsGeneral"] = int64(2)
	co.rates[c.Code] = c.Rate
	co.currency.put(r)
	rate := s.seedRow(co, tabRate, nil)
	rate["RateGrpCode"], rate["SourceCurrCode"], rate["TargetCurrCode"] = "MAIN", c.Code, co.seed.Currency
	rate.setDay("EffectiveDate", wire.Date{Year: 2000, Month: time.January, Day: 1})
	rate.setNum("CurrentRate", c.Rate)
	rate.setNum("DisplayRate", c.Rate)
	co.more[tabRate].put(rate)
}

// AddPeriods adds fiscal periods. From the first one on, only dates inside an
// added period can be used.
func (s *Server) AddPeriods(companyID string, periods ...Period) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, p := range periods {
		s.addPeriod(co, p)
	}
}

func (s *Server) addPeriod(co *company, p Period) {
	r := s.seedRow(co, tabPeriod, nil)
	r["FiscalCalendarID"], r["FiscalYear"], r["FiscalPeriod"] = co.seed.Calendar, int64(p.Year), int64(p.Number)
	r.setDay("StartDate", p.Start)
	r.setDay("EndDate", p.End)
	co.closed[[2]int{p.Year, p.Number}] = p.Closed
	r["FAClosedPeriod"] = p.Closed
	co.periods.put(r)
	s.addYear(co, p)
}

// ClosePeriod closes a fiscal period for entry; OpenPeriod opens it again. In a
// company without added periods the number is the month.
func (s *Server) ClosePeriod(companyID string, year, number int) {
	s.setPeriod(companyID, year, number, true)
}

// OpenPeriod opens a closed fiscal period again.
func (s *Server) OpenPeriod(companyID string, year, number int) {
	s.setPeriod(companyID, year, number, false)
}

func (s *Server) setPeriod(companyID string, year, number int, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	co.closed[[2]int{year, number}] = closed
	for _, p := range co.periods.rows {
		if p.int("FiscalYear") == int64(year) && p.int("FiscalPeriod") == int64(number) {
			p = p.clone()
			p["FAClosedPeriod"] = closed
			s.stamp(p)
			co.periods.put(p)
		}
	}
}

// period finds the fiscal period of a date.
func (co *company) period(d Date) (year, number int, ok bool) {
	if d.IsZero() {
		return 0, 0, false
	}
	if len(co.periods.rows) == 0 {
		return d.Year, int(d.Month), true
	}
	for _, p := range co.periods.rows {
		if !d.Before(p.day("StartDate")) && !p.day("EndDate").Before(d) {
			return int(p.int("FiscalYear")), int(p.int("FiscalPeriod")), true
		}
	}
	return 0, 0, false
}

// seedRow returns a new row with company, version and identity.
func (s *Server) seedRow(co *company, tab string, ud map[string]any) row {
	t := co.schema[tab]
	r := t.blank()
	r["Company"] = co.seed.ID
	for name, v := range ud {
		c, ok := t.column(name)
		if !ok {
			panic(fmt.Sprintf("epicortest: table %s of company %s has no column %q", tab, co.seed.ID, name))
		}
		k, val := udValue(name, v)
		if k != c.kind {
			panic(fmt.Sprintf("epicortest: column %s of table %s cannot hold a %T", name, tab, v))
		}
		r[name] = val
	}
	s.stamp(r)
	return r
}

// stamp gives a row the next version, and an identity if it has none.
func (s *Server) stamp(r row) {
	s.rev++
	r["SysRevID"] = s.rev
	if r.str("SysRowID") == zeroGUID || r.str("SysRowID") == "" {
		s.rows++
		r["SysRowID"] = fmt.Sprintf("e91c0000-0000-4000-8000-%012x", s.rows)
	}
}

func (s *Server) mustCompany(id string) *company {
	co, ok := s.companies[id]
	if !ok {
		panic(fmt.Sprintf("epicortest: no company %q: add it with AddCompany", id))
	}
	return co
}

func (s *Server) today() Date { return wire.DateOf(s.opts.Now().In(time.UTC)) }

func orDefault(s *string, v string) {
	if *s == "" {
		*s = v
	}
}
