package document

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// MatchState says whether a vendor or an employee of the source has its vendor
// in the ERP.
type MatchState string

// The states of a match.
const (
	Matched   MatchState = "matched"   // one vendor, and it may be used
	Missing   MatchState = "missing"   // none
	Ambiguous MatchState = "ambiguous" // several, and nobody can say which is meant
	Inactive  MatchState = "inactive"  // one, but it is inactive or not approved
)

// Counterparty says who stands on the source's side of a match.
type Counterparty string

// The counterparties.
const (
	SupplierParty Counterparty = "supplier"
	EmployeeParty Counterparty = "employee"
)

// VendorMatch is what became of one vendor or employee of the source.
type VendorMatch struct {
	Party       Counterparty `json:"party"`
	Code        string       `json:"code"`                   // the source's vendor code, or the employee id
	AddressCode string       `json:"address_code,omitempty"` // of a supplier
	Name        string       `json:"name,omitempty"`         // the source's; personal data of an employee
	Login       string       `json:"login,omitempty"`        // of an employee
	State       MatchState   `json:"state"`
	Vendors     []string     `json:"vendors,omitempty"` // the ERP's ids: one, or those to choose from
	Why         string       `json:"why"`               // for a person: "linked by employee id 1042"
	// Suggestions are ids of the ERP's vendors with a name or a code much like
	// this one's, the likest first, at most three. They are for a person to look
	// at: nothing is ever matched by them.
	Suggestions []string `json:"suggestions,omitempty"`
}

// ReconcileOptions are the optional parts of ReconcileVendors.
type ReconcileOptions struct {
	// VendorOf returns the id of the vendor that an employee has by rule, such as
	// "E" and the employee id; "" where the rule says nothing. Nil: no such rule.
	VendorOf func(Employee) string
	// SupplierOf returns the id of the vendor that a supplier has by rule; "" is none,
	// and the supplier is missing. Nil: a supplier's code is its vendor's id.
	SupplierOf func(Vendor) string
}

// ReconcileVendors compares the source's vendors and employees with the vendors
// of the ERP. A supplier is matched by the rule of the options or its code alone;
// an employee by the link that the ERP keeps, then by the rule of the options. Names match nothing.
// Inactive employees are left out. The result holds suppliers first, each by
// code; the same input, in any order, gives the same result.
func ReconcileVendors(suppliers []Vendor, employees []Employee, erp []Vendor, opts *ReconcileOptions) []VendorMatch {
	if opts == nil {
		opts = &ReconcileOptions{}
	}
	m := newMaster(erp)
	out := make([]VendorMatch, 0, len(suppliers)+len(employees))
	for _, s := range suppliers {
		code := strings.TrimSpace(s.ID)
		v := VendorMatch{Party: SupplierParty, Code: code, AddressCode: s.AddressCode, Name: s.Name}
		byRule := ""
		if opts.SupplierOf != nil {
			byRule = opts.SupplierOf(s)
		}
		switch {
		case code == "":
			m.missing(&v, "it has no vendor code")
		case byRule != "" && byRule != code:
			m.settle(&v, m.byID[byRule], "vendor "+byRule+" by rule", "there is no vendor "+byRule)
		case opts.SupplierOf != nil && byRule == "":
			m.missing(&v, "the rules name no vendor for its code")
		default:
			m.settle(&v, m.byID[code], "same code", "no vendor has this code")
		}
		out = append(out, v)
	}
	for _, e := range employees {
		if e.Inactive {
			continue
		}
		id := strings.TrimSpace(e.EmployeeID)
		v := VendorMatch{Party: EmployeeParty, Code: id, Name: e.Name, Login: e.Login}
		byRule := ""
		if opts.VendorOf != nil {
			byRule = opts.VendorOf(e)
		}
		switch {
		case id != "" && len(m.byEmployee[id]) > 0:
			m.settle(&v, m.byEmployee[id], "linked by employee id "+id, "")
		case byRule != "":
			m.settle(&v, m.byID[byRule], "vendor "+byRule+" by rule", "there is no vendor "+byRule)
		case id == "":
			m.missing(&v, "it has no employee id")
		default:
			m.missing(&v, "no vendor is linked to employee id "+id)
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b VendorMatch) int {
		return cmp.Or(-cmp.Compare(a.Party, b.Party), cmp.Compare(a.Code, b.Code), cmp.Compare(a.AddressCode, b.AddressCode),
			cmp.Compare(a.Login, b.Login), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// master is the ERP's vendors, by what they are found by.
type master struct {
	all        []Vendor // by id
	names      []map[string]bool
	byWord     map[string][]int // where in all
	byID       map[string][]Vendor
	byEmployee map[string][]Vendor
}

func newMaster(erp []Vendor) *master {
	m := &master{
		all: slices.Clone(erp), byWord: map[string][]int{},
		byID: map[string][]Vendor{}, byEmployee: map[string][]Vendor{},
	}
	slices.SortFunc(m.all, func(a, b Vendor) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name)) })
	for i, v := range m.all {
		if id := strings.TrimSpace(v.ID); id != "" {
			m.byID[id] = append(m.byID[id], v)
		}
		if id := strings.TrimSpace(v.EmployeeID); id != "" {
			m.byEmployee[id] = append(m.byEmployee[id], v)
		}
		words := wordsOf(v.Name)
		m.names = append(m.names, words)
		for w := range words {
			m.byWord[w] = append(m.byWord[w], i)
		}
	}
	return m
}

// settle decides between the vendors that were found.
func (m *master) settle(v *VendorMatch, found []Vendor, why, none string) {
	v.Why = why
	for _, f := range found {
		v.Vendors = append(v.Vendors, strings.TrimSpace(f.ID))
	}
	switch {
	case len(found) == 0:
		m.missing(v, none)
	case len(found) > 1:
		v.State, v.Why = Ambiguous, why+": several vendors"
	case found[0].Inactive:
		v.State, v.Why = Inactive, why+", but it is inactive"
	case found[0].Unapproved:
		v.State, v.Why = Inactive, why+", but it is not approved"
	default:
		v.State = Matched
	}
}

func (m *master) missing(v *VendorMatch, why string) {
	v.State, v.Why, v.Vendors = Missing, why, nil
	v.Suggestions = m.suggest(v.Code, v.Name)
}

const maxSuggestions = 3

// suggest returns the vendors whose code is the same but for letter case, and
// those that share at least half of the words of both names.
func (m *master) suggest(code, name string) []string {
	type near struct {
		at, shared, all int
	}
	var found []near
	words := wordsOf(name)
	shared := map[int]int{}
	for w := range words {
		for _, at := range m.byWord[w] {
			shared[at]++
		}
	}
	for at, n := range shared {
		if all := len(words) + len(m.names[at]) - n; 2*n >= all {
			found = append(found, near{at, n, all})
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		// a.shared/a.all against b.shared/b.all, the greater first.
		return cmp.Or(cmp.Compare(b.shared*a.all, a.shared*b.all), cmp.Compare(a.at, b.at))
	})
	var ids []string
	add := func(id string) {
		if id != "" && len(ids) < maxSuggestions && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if code != "" {
		for _, v := range m.all {
			if strings.EqualFold(strings.TrimSpace(v.ID), code) {
				add(v.ID)
			}
		}
	}
	for _, f := range found {
		add(m.all[f.at].ID)
	}
	return ids
}

// wordsOf are a name's words in small letters, without the forms of companies,
// which half of all names share.
func wordsOf(name string) map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		switch w {
		case "inc", "ltd", "llc", "gmbh", "ag", "kg", "co", "corp", "corporation", "company", "limited", "sa", "bv", "plc", "the", "and", "und":
		default:
			words[w] = true
		}
	}
	return words
}
