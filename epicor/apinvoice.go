package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

const (
	invoiceService = "Erp.BO.APInvoiceSvc"

	tableHeader  = "APInvHed"
	tableLine    = "APInvDtl"
	tableExpense = "APInvExp"
	tableAccount = "APInvExpTGLC"
)

// InvoiceOptions say how AP invoices are made. The zero value of each field is a
// good default.
type InvoiceOptions struct {
	// KeyColumn is the column of APInvHed that holds our own key; empty:
	// ExternalID. A user-defined column is named with its _c.
	KeyColumn string
	// GroupPrefix begins the names of the groups that this client makes; empty: CX.
	GroupPrefix string
	// Group names the group of an invoice; nil: [InvoiceOptions.GroupPrefix], the
	// apply date as YYMMDD and the first letter of the currency, such as
	// CX261030U. An entry group has at most nine characters (from practice, to
	// check on a live tenant).
	Group func(in APInvoiceInput) string
	// User is the Epicor user that the credential belongs to. A group that another
	// user created is never entered. Empty: the user of [Basic], [TokenResource] or
	// [ClientCredentials]; where the user is not known the check is left out.
	User string
}

// APInvoiceService enters supplier invoices and debit memos, finds them again
// and deletes those that are not posted. It is safe for concurrent use.
//
// Follows the service Erp.BO.APInvoiceSvc; the order of the calls is the one
// that integrations in the field use against live systems.
type APInvoiceService struct {
	c       *Client
	opts    InvoiceOptions
	headers *Entities[APInvoice]

	mu     sync.Mutex
	groups map[string]*groupLock // by GroupID: those in use now
}

func newAPInvoiceService(c *Client, opts InvoiceOptions) (*APInvoiceService, error) {
	if opts.KeyColumn == "" {
		opts.KeyColumn = "ExternalID"
	}
	if err := odata.IsNull(opts.KeyColumn).Err(); err != nil || strings.Contains(opts.KeyColumn, "/") {
		return nil, fmt.Errorf("epicor: %.60q is no column for the key", opts.KeyColumn)
	}
	if opts.GroupPrefix == "" {
		opts.GroupPrefix = "CX"
	}
	if !regexp.MustCompile(`^[A-Z0-9]{1,2}$`).MatchString(opts.GroupPrefix) {
		return nil, fmt.Errorf("epicor: the prefix %.20q of a group must be one or two of A-Z and 0-9", opts.GroupPrefix)
	}
	s := &APInvoiceService{c: c, opts: opts, groups: map[string]*groupLock{}}
	s.headers = NewEntities[APInvoice](c, invoiceService, "APInvoices", "Company", "VendorNum", "InvoiceNum")
	return s, nil
}

// APInvoice is a supplier invoice or debit memo as it stands in Epicor. Amounts
// are in the document's currency; Amount, lines and splits have their true sign,
// negative on a debit memo.
type APInvoice struct {
	Company      string  `json:"Company"`
	VendorNum    int     `json:"VendorNum"`
	Number       string  `json:"InvoiceNum"` // the vendor's number
	VendorID     string  `json:"VendorNumVendorID"`
	VendorName   string  `json:"VendorNumName"` // personal data where the vendor is a person
	DebitMemo    bool    `json:"DebitMemo"`
	Currency     string  `json:"CurrencyCode"`
	Date         Date    `json:"InvoiceDate"`
	ApplyDate    Date    `json:"ApplyDate"` // the day it takes effect in the ledger
	DueDate      Date    `json:"DueDate"`
	FiscalYear   int     `json:"FiscalYear"`
	FiscalPeriod int     `json:"FiscalPeriod"`
	Description  string  `json:"Description"`
	Group        string  `json:"GroupID"`
	Posted       bool    `json:"Posted"`
	Held         bool    `json:"InvoiceHeld"`
	Cancelled    string  `json:"RefCancelledby"`       // the invoice that cancelled it
	Cancels      bool    `json:"CancellationInv"`      // it is itself a cancellation
	Amount       Decimal `json:"DocInvoiceAmt"`        // lines and charges
	VendorAmount Decimal `json:"DocInvoiceVendorAmt"`  // check total, sign flipped on a debit memo
	Tax          Decimal `json:"DocTaxAmt"`            // of all lines
	SysRevID     int64   `json:"SysRevID"`             // row version
	SysRowID     string  `json:"SysRowID"`             // GUID
	ChangedBy    string  `json:"ChangedBy,omitempty"`  // Epicor user
	ChangeDate   Date    `json:"ChangeDate,omitempty"` // of the last change

	// Key is our own key, from the column that the options name.
	Key string `json:"-"`
	// Lines are there when one invoice was read whole, not in lists.
	Lines []APInvoiceLine `json:"-"`
	// Warnings are what Epicor said beside doing it, when this came from a write.
	Warnings []string `json:"-"`
	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// APInvoiceLine is one line of an APInvoice.
type APInvoiceLine struct {
	Line        int
	Description string
	Amount      Decimal // DocExtCost
	Splits      []APInvoiceSplit
}

// APInvoiceSplit is the share of a line that is booked to one GL account.
type APInvoiceSplit struct {
	Seq     int
	Account string  // segments joined by "|"; "" when none was given
	Amount  Decimal // DocExpAmt
}

// UnmarshalJSON reads a row of APInvoices.
func (i *APInvoice) UnmarshalJSON(b []byte) error {
	type plain APInvoice
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*i = APInvoice(p)
	i.Extra = extra
	return nil
}

// ID is the key of the row, as a person can look it up: vendor and number.
func (i *APInvoice) ID() string { return fmt.Sprintf("%s/%d/%s", i.Company, i.VendorNum, i.Number) }

// Balanced reports whether the splits of every line add up to it.
func (i *APInvoice) Balanced() bool {
	for _, l := range i.Lines {
		sum := decimal.Zero
		for _, s := range l.Splits {
			sum = sum.Add(s.Amount.Value())
		}
		if !sum.Equal(l.Amount.Value()) {
			return false
		}
	}
	return true
}

// APInvoiceInput is an invoice or debit memo to be entered. Amounts are in the
// currency of the document and have their true sign: those of a debit memo add
// up to less than zero; the signs that Epicor wants are made of it.
type APInvoiceInput struct {
	// Key is our own mark, at most 50 characters; it is what Find looks for.
	Key       string
	VendorID  string
	Number    string // the vendor's invoice number, never changed or cut
	DebitMemo bool
	Currency  string // ISO 4217; empty: the vendor's
	Date      Date
	ApplyDate Date // decides the fiscal period
	// DueDate is set when it is given; else it follows from the vendor's terms.
	DueDate     Date
	Description string
	// Group is the entry group; empty: named by InvoiceOptions.Group.
	Group string
	Lines []APInvoiceLineInput
}

// APInvoiceLineInput is one line. Its splits add up to Amount.
type APInvoiceLineInput struct {
	Description string
	Amount      decimal.Decimal
	Splits      []APInvoiceSplitInput
}

// APInvoiceSplitInput books a share of a line to a GL account.
type APInvoiceSplitInput struct {
	Account string // segments joined by "|"
	Amount  decimal.Decimal
}

// Total is the sum of the lines, in true sign.
func (in *APInvoiceInput) Total() decimal.Decimal {
	sum := decimal.Zero
	for _, l := range in.Lines {
		sum = sum.Add(l.Amount)
	}
	return sum
}

// check finds what would make a wrong invoice before anything is sent.
func (in *APInvoiceInput) check() error {
	var es []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			es = append(es, fmt.Errorf(format, args...))
		}
	}
	need(in.Key != "" && len(in.Key) <= 50, "the key needs 1 to 50 characters")
	need(in.VendorID != "", "no vendor")
	need(in.Number != "", "no invoice number")
	need(!in.Date.IsZero(), "no invoice date")
	need(!in.ApplyDate.IsZero(), "no apply date")
	need(len(in.Lines) > 0, "no lines")
	need(in.DebitMemo == in.Total().IsNegative(), "the lines add up to %s and debit memo is %t", in.Total(), in.DebitMemo)
	for i, l := range in.Lines {
		need(len(l.Splits) > 0, "line %d has no GL account", i+1)
		sum := decimal.Zero
		for j, s := range l.Splits {
			need(s.Account != "", "line %d, split %d has no GL account", i+1, j+1)
			need(len(strings.Split(s.Account, "|")) <= 20, "line %d, split %d: a GL account has at most 20 segments", i+1, j+1)
			sum = sum.Add(s.Amount)
		}
		need(sum.Equal(l.Amount), "the splits of line %d add up to %s, not to %s", i+1, sum, l.Amount)
	}
	return errors.Join(es...)
}

// Diff says in what an invoice in Epicor differs from the input: vendor, number,
// kind, currency, dates, total, tax, lines, splits and accounts. Nothing: they
// are the same. Lines are compared in order, the splits of a line in any order;
// descriptions, due date and group are no part of it, since people may change
// them without changing what is owed. The text holds amounts and codes, no names.
func (in *APInvoiceInput) Diff(got *APInvoice) []string {
	d := in.diffHeader(got)
	if len(got.Lines) != len(in.Lines) {
		d = append(d, fmt.Sprintf("%d lines, expected %d", len(got.Lines), len(in.Lines)))
	}
	for i := range min(len(got.Lines), len(in.Lines)) {
		l, want := got.Lines[i], in.Lines[i]
		if !l.Amount.Value().Equal(want.Amount) {
			d = append(d, fmt.Sprintf("line %d is %s, expected %s", l.Line, l.Amount, want.Amount))
		}
		if a, b := splitsOf(l.Splits), splitsIn(want.Splits); !slices.Equal(a, b) {
			d = append(d, fmt.Sprintf("line %d is booked to %s, expected %s", l.Line, strings.Join(a, ", "), strings.Join(b, ", ")))
		}
	}
	if !got.Amount.Value().Equal(in.Total()) {
		d = append(d, fmt.Sprintf("the total is %s, expected %s", got.Amount, in.Total()))
	}
	return d
}

// diffHeader compares what a header has from its first commit on.
func (in *APInvoiceInput) diffHeader(got *APInvoice) []string {
	var d []string
	is := func(what, have, want string) {
		if have != want {
			d = append(d, fmt.Sprintf("%s is %q, expected %q", what, have, want))
		}
	}
	is("the vendor", got.VendorID, in.VendorID)
	is("the number", got.Number, in.Number)
	is("debit memo", fmt.Sprint(got.DebitMemo), fmt.Sprint(in.DebitMemo))
	if in.Currency != "" {
		is("the currency", got.Currency, in.Currency)
	}
	is("the invoice date", got.Date.String(), in.Date.String())
	is("the apply date", got.ApplyDate.String(), in.ApplyDate.String())
	// The check total's sign is flipped on a debit memo; whether a live tenant
	// shows it so or as stored does not matter here.
	if !got.VendorAmount.Value().Abs().Equal(in.Total().Abs()) {
		d = append(d, fmt.Sprintf("the vendor's total is %s, expected %s", got.VendorAmount, in.Total()))
	}
	if !got.Tax.IsZero() {
		d = append(d, fmt.Sprintf("Epicor added %s of tax, expected none", got.Tax))
	}
	return d
}

func splitsOf(ss []APInvoiceSplit) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, s.Account+" "+canonical(s.Amount.Value()))
	}
	slices.Sort(out)
	return out
}

func splitsIn(ss []APInvoiceSplitInput) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, s.Account+" "+canonical(s.Amount))
	}
	slices.Sort(out)
	return out
}

// canonical writes equal numbers alike: 12.10 and 12.1000 are 12.1.
func canonical(d decimal.Decimal) string { return d.String() }

// List returns the headers that q asks for, without lines, in the order of q and
// then of vendor and number; see [Entities.List].
func (s *APInvoiceService) List(ctx context.Context, q odata.Query) iter.Seq2[*APInvoice, error] {
	return func(yield func(*APInvoice, error) bool) {
		for inv, err := range s.headers.List(ctx, q) {
			if err == nil {
				s.fillKey(inv)
			}
			if !yield(inv, err) {
				return
			}
		}
	}
}

// ListPage returns one page of headers; see [Entities.ListPage].
func (s *APInvoiceService) ListPage(ctx context.Context, q odata.Query, token string) (*Page[APInvoice], error) {
	p, err := s.headers.ListPage(ctx, q, token)
	if err != nil {
		return nil, err
	}
	for _, inv := range p.Items {
		s.fillKey(inv)
	}
	return p, nil
}

// KeyColumn is the column of APInvHed that holds our own key.
func (s *APInvoiceService) KeyColumn() string { return s.opts.KeyColumn }

func (s *APInvoiceService) fillKey(inv *APInvoice) {
	var key string
	if json.Unmarshal(inv.Extra[s.opts.KeyColumn], &key) == nil {
		inv.Key = key
	}
}
