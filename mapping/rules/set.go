package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/shopspring/decimal"
)

// Set is a rule file that has been read and found sound. It is immutable and
// safe for concurrent use.
type Set struct {
	name    string
	version string
	content content
	index   *index
	stores  []string // names of rows that are kept outside
}

// LoadFile reads a rule file and the files of tables that stand beside it. See
// Load.
func LoadFile(path string) (*Set, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return load(path, data, os.DirFS(filepath.Dir(path)))
}

// LoadFS is LoadFile within a file system.
func LoadFS(fsys fs.FS, name string) (*Set, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	beside, err := fs.Sub(fsys, path.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return load(name, data, beside)
}

// Load reads rules from data; path names them in errors and reasons. What is
// wrong with them comes as Errors: all faults at once, sorted by line, each on
// one line with its place and what to do. Rules that name the file of a table
// need LoadFile or LoadFS.
func Load(path string, data []byte) (*Set, error) { return load(path, data, nil) }

func load(path string, data []byte, beside fs.FS) (*Set, error) {
	r := &reader{file: path, files: beside}
	s := &Set{name: filepath.Base(path)}
	if root := r.parse(data); root != nil {
		r.content(root, &s.content)
	}
	if len(r.errs) > 0 {
		r.errs.sort()
		return nil, r.errs
	}
	canonical, err := json.Marshal(s.content)
	if err != nil {
		return nil, fmt.Errorf("rules: %s: %w", path, err)
	}
	sum := sha256.Sum256(canonical)
	s.version = hex.EncodeToString(sum[:])
	s.index, s.stores = newIndex(s.content.Accounts.Rules), storesOf(&s.content)
	return s, nil
}

// Version is a hash of what the rules say. Comments, layout, the place of a
// line and the order of tables are no part of it.
func (s *Set) Version() string { return s.version }

// Name is the file's name without its folder, as it stands in reasons.
func (s *Set) Name() string { return s.name }

// Files are the files beside the rules that they read: a change of one of them
// is a change of the rules. Sorted, by their names from the rules' own folder.
func (s *Set) Files() []string {
	files := make(map[string]bool)
	for _, t := range s.content.Tables {
		if t.File != "" {
			files[t.File] = true
		}
	}
	return slices.Sorted(maps.Keys(files))
}

// Rules is how many account rules the file has.
func (s *Set) Rules() int { return len(s.content.Accounts.Rules) }

// at names a place of the file to a person: "mapping.yaml:48".
func (s *Set) at(p pos) string {
	if p.line == 0 {
		return s.name
	}
	return fmt.Sprintf("%s:%d", s.name, p.line)
}

// ruleText names an account rule to a person: "meals-domestic (mapping.yaml:48)".
func (s *Set) ruleText(r rule) string { return r.Name.value + " (" + s.at(r.Name.at) + ")" }

// content is a rule file. The exported names only serve the encoder that the
// version is made with.
type content struct {
	Company        company
	Numbers        numbers
	Netting        string // net or by_sign
	Revisions      string // delta or park
	PurchaseOrders string // refuse, expense or match
	Counterparties map[string]counterparty
	ExpensePay     counterparty // whom what the source pays itself is owed; no vendor: nobody, it parks
	Payroll        counterparty `json:",omitzero"` // whom what the payroll pays is owed; no vendor: it parks
	CashAdvances   cashAdvances `json:",omitzero"`
	Taxes          taxes        `json:",omitzero"`
	NoExpensePay   bool         `json:",omitempty"` // nobody uses it, so that a source need not say
	Settlement     string       // check or ignore
	Employees      employees
	Suppliers      suppliers
	PayHold        string // allow or refuse
	CostCentres    costCentres
	Tables         map[string]table `json:",omitempty"`
	Accounts       accounts
	Personal       personal
	Charges        charges
	ApplyDate      applyDate
	Descriptions   descriptions
	EntryGroups    entryGroups `json:",omitzero"`
}

// company turns the source's ledger, or a code of a custom field, into the
// ERP's company.
type company struct {
	At        pos `json:"-"`
	LedgersAt pos `json:"-"`
	Default   text
	Ledgers   map[string]text
	Field     text
	Codes     map[string]text
	Test      text
}

type numbers struct {
	Prefix    text
	Report    template // of what we number ourselves
	MaxLength int
}

// counterparty is who paid for an expense and is owed for it.
type counterparty struct {
	At       pos  `json:"-"`
	Employee bool // the owner of the report; else Vendor
	Vendor   text
	Code     text // in the number; of the employee it stands under employees
	Personal text // skip or employee_owes; empty: a personal expense parks
	Terms    text `json:",omitzero"` // of payment, by the ERP's code; empty: the vendor's own
}

type employees struct {
	At      pos `json:"-"`
	Code    text
	Vendors map[string]text
	Match   []text // column, pattern, tax_id
	Pattern template
	TaxID   text `json:",omitzero"` // custom field that holds the tax id
	Terms   text `json:",omitzero"`
}

type suppliers struct {
	At       pos `json:"-"`
	Vendors  map[string]text
	Unlisted string // as_is or refuse
	Terms    text   `json:",omitzero"`
}

type costCentres struct {
	At       pos `json:"-"`
	ValuesAt pos `json:"-"`
	Report   text
	Invoice  text
	Values   map[string]text
	Unlisted string // as_is or refuse
}

type accounts struct {
	At       pos `json:"-"`
	Template template
	Rules    []rule
	Suspense suspense `json:",omitzero"`
}

// suspense is the account of what no rule matches, as long as a document has
// little of it. Without an account such a document parks.
type suspense struct {
	Account text
	Most    map[string]decimal.Decimal // of one document, by currency; others park
}

// entryGroups name the ERP's entry groups; an empty one: the sink names it.
type entryGroups struct {
	Report, Invoice template
}

type rule struct {
	Name    text
	Rank    int
	When    when
	Natural text
	Account template
}

// when holds a rule's conditions: an empty one matches everything, a list
// matches any of its values, and all conditions must match.
type when struct {
	Kind, ExpenseType, Policy, Country, PaymentType, Ledger, Account []text
	Sign                                                             text
	Custom                                                           map[string][]text
}

type personal struct {
	Account text
}

// charge is what becomes of shipping or tax on an invoice's header: spread over
// the lines, or a line of its own.
type charge struct {
	At          pos `json:"-"`
	Spread      bool
	Account     text
	Description text
}

type charges struct {
	Shipping, Tax charge
}

type applyDate struct {
	At           pos    `json:"-"`
	From         string // approved or invoice_date
	ClosedPeriod string // refuse, next_open or hold
}

type description struct {
	Text template
	Max  int
}

type descriptions struct {
	Invoice, Line description
}
