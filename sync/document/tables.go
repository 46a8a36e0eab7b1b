package document

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Vendor is a vendor, as far as a mapping or a copy of the vendor master needs
// it. Name, address and e-mail are personal data where the vendor is a person.
type Vendor struct {
	ID         string `json:"id"` // what a person knows: "E1042"
	Name       string `json:"name,omitempty"`
	Currency   string `json:"currency,omitempty"` // the vendor's own; an invoice may bear another
	TaxID      string `json:"tax_id,omitempty"`
	EmployeeID string `json:"employee_id,omitempty"` // where the ERP keeps it beside the vendor
	Inactive   bool   `json:"inactive,omitempty"`
	Unapproved bool   `json:"unapproved,omitempty"`
	Hold       bool   `json:"hold,omitempty"` // payments are held; invoices may still be entered

	// What a copy of the vendor master needs beside it; a mapping leaves it empty.
	AddressCode string  `json:"address_code,omitempty"` // where a system keeps several addresses of one vendor
	Address     Address `json:"address,omitzero"`
	Email       string  `json:"email,omitempty"`
	TermsDays   int     `json:"terms_days,omitempty"` // days until payment; 0: not known
}

// Account is a GL account of the ERP.
type Account struct {
	Code        string `json:"code"` // segments joined by "|": "6410|200|00"
	Description string `json:"description,omitempty"`
	Inactive    bool   `json:"inactive,omitempty"`
	From        Date   `json:"from,omitempty"` // first day it may be used; "" is always
	To          Date   `json:"to,omitempty"`   // last day; "" is for ever
}

// OpenOn reports whether the account may be used on a day, and if not, why: "it
// is inactive", "it closed on 2026-09-30".
func (a Account) OpenOn(day Date) (why string, open bool) {
	switch {
	case a.Inactive:
		return "it is inactive", false
	case a.From != "" && day.Before(a.From):
		return "it opens on " + string(a.From), false
	case a.To != "" && a.To.Before(day):
		return "it closed on " + string(a.To), false
	}
	return "", true
}

// Tables is what one company of an ERP has, at one moment: vendors, GL accounts
// and the first day that may still be posted to. It never changes, so that a
// mapping that uses it is repeatable, and it is safe for concurrent use.
type Tables struct {
	company   string
	version   string
	firstOpen Date
	lastDay   Date
	vendors   map[string]Vendor
	employees map[string][]string
	taxIDs    map[string][]string
	accounts  map[string]Account
}

// TablesOptions are the optional parts of Tables.
type TablesOptions struct {
	// FirstOpen is the first day of the earliest open fiscal period. Empty: not
	// known, so no document is held back because of its period.
	FirstOpen Date
	// LastDay is the last day of the fiscal calendar, behind which there is no
	// period to post to. Empty: not known.
	LastDay Date
}

// NewTables makes Tables of the rows of one company. Codes are trimmed. It
// fails when a row has no code or two rows bear the same one, since nobody
// could say which of them was meant.
func NewTables(company string, vendors []Vendor, accounts []Account, opts *TablesOptions) (*Tables, error) {
	if opts == nil {
		opts = &TablesOptions{}
	}
	t := &Tables{
		company:   company,
		firstOpen: opts.FirstOpen,
		lastDay:   opts.LastDay,
		vendors:   make(map[string]Vendor, len(vendors)),
		employees: make(map[string][]string),
		taxIDs:    make(map[string][]string),
		accounts:  make(map[string]Account, len(accounts)),
	}
	for _, v := range vendors {
		v.ID, v.EmployeeID = strings.TrimSpace(v.ID), strings.TrimSpace(v.EmployeeID)
		if _, twice := t.vendors[v.ID]; twice || v.ID == "" {
			return nil, fmt.Errorf("document: tables of company %q: vendor id %.40q is empty or stands there twice", company, v.ID)
		}
		t.vendors[v.ID] = v
		if v.EmployeeID != "" {
			t.employees[v.EmployeeID] = append(t.employees[v.EmployeeID], v.ID)
		}
		if id := plainTaxID(v.TaxID); id != "" {
			t.taxIDs[id] = append(t.taxIDs[id], v.ID)
		}
	}
	for _, index := range []map[string][]string{t.employees, t.taxIDs} {
		for _, ids := range index {
			slices.Sort(ids)
		}
	}
	for _, a := range accounts {
		a.Code = strings.TrimSpace(a.Code)
		if _, twice := t.accounts[a.Code]; twice || a.Code == "" {
			return nil, fmt.Errorf("document: tables of company %q: GL account %.80q is empty or stands there twice", company, a.Code)
		}
		t.accounts[a.Code] = a
	}
	var err error
	t.version, err = t.hash()
	return t, err
}

func (t *Tables) hash() (string, error) {
	h := sha256.New()
	// The encoder sorts the keys of maps, so the order of the rows is no part of
	// the hash.
	err := json.NewEncoder(h).Encode(struct {
		Company   string
		FirstOpen Date
		LastDay   Date `json:",omitempty"`
		Vendors   map[string]Vendor
		Accounts  map[string]Account
	}{t.company, t.firstOpen, t.lastDay, t.vendors, t.accounts})
	if err != nil {
		return "", fmt.Errorf("document: tables of company %q: %w", t.company, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Company is the ERP company whose tables these are.
func (t *Tables) Company() string { return t.company }

// Version is a hash of all rows: equal rows, in any order, have equal versions.
func (t *Tables) Version() string { return t.version }

// FirstOpen is the first day of the earliest open fiscal period, "" when it is
// not known.
func (t *Tables) FirstOpen() Date { return t.firstOpen }

// LastDay is the last day of the fiscal calendar, "" when it is not known.
func (t *Tables) LastDay() Date { return t.lastDay }

// Vendor returns the vendor that bears the id.
func (t *Tables) Vendor(id string) (Vendor, bool) {
	v, ok := t.vendors[id]
	return v, ok
}

// VendorsOf returns the ids of the vendors that the ERP links to an employee,
// sorted: none, one, or too many to choose from.
func (t *Tables) VendorsOf(employeeID string) []string {
	return slices.Clone(t.employees[employeeID])
}

// VendorsByTaxID returns the ids of the vendors with a tax id, sorted. Only its
// letters and digits are compared, without regard to their case.
func (t *Tables) VendorsByTaxID(taxID string) []string {
	return slices.Clone(t.taxIDs[plainTaxID(taxID)])
}

func plainTaxID(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToUpper(c)
		}
		return -1
	}, s)
}

// Account returns the GL account that bears the code.
func (t *Tables) Account(code string) (Account, bool) {
	a, ok := t.accounts[code]
	return a, ok
}
