package epicor

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
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
	tableTax     = "APInvTax"
	tableFile    = "APInvHedAttch"
)

// MaxLinesAtOnce bounds [InvoiceOptions.LinesAtOnce], so that one call stays well
// below what servers take.
const MaxLinesAtOnce = 100

// InvoiceOptions say how AP invoices are made. The zero value of each field is a
// good default.
type InvoiceOptions struct {
	// KeyColumn is the column of APInvHed that holds our own key; empty:
	// ExternalID. A user-defined column is named with its _c.
	KeyColumn string
	// GroupPrefix begins the names of the groups that this client makes; empty: CX.
	GroupPrefix string
	// Strategy says which invoices share an entry group; empty: those of a day and
	// a currency.
	Strategy GroupStrategy
	// Group names the group of an invoice; nil: named by GroupPrefix and Strategy,
	// such as CX261030U. An entry group has at most nine characters (from practice;
	// [Client.Verify] reads the length of the tenant).
	Group func(in APInvoiceInput) string
	// User is the Epicor user that the credential belongs to. A group that another
	// user created, or has locked, is never entered. Empty: the user of [Basic],
	// [TokenResource] or [ClientCredentials]. Where none of them names one
	// ([StaticToken], a client id), it is learned from the first group that this
	// client makes; until then no group that is there already is entered.
	User string
	// LinesAtOnce says what goes to Epicor with each change of an invoice. 0: the
	// whole tableset, as the vendor's guide wants it, which for an invoice of n lines
	// sends each of them about n times. 1: only the rows of the line that is entered.
	// More: so many lines are worked out one by one and then saved with one call,
	// their splits with another, so that an invoice of hundreds of lines takes time
	// in proportion to its lines. What Epicor refuses of that is entered line by line.
	//
	// That a tenant keeps the rows that are left out, and for more than 1 that it
	// saves several new rows with one call under the numbers that they bear, are
	// assumptions to check there before this is set. At most [MaxLinesAtOnce].
	LinesAtOnce int
}

// GroupStrategy says which invoices share an entry group. The name of a group is
// the prefix and what the strategy tells apart.
type GroupStrategy string

// The strategies.
const (
	// GroupByDayAndCurrency: the apply date as YYMMDD and the first letter of the
	// currency, such as CX261030U. Currencies with one first letter (USD, UYU) share
	// a group; each invoice keeps its own.
	GroupByDayAndCurrency GroupStrategy = "day_currency"
	// GroupByDayAndWholeCurrency: the apply date in four characters and the whole
	// currency, such as CX26AUUSD: year, month (1 to 9, A to C) and day (1 to 9, A to
	// V). No two currencies share a group.
	GroupByDayAndWholeCurrency GroupStrategy = "day_whole_currency"
	// GroupByDay: the apply date alone, such as CX261030.
	GroupByDay GroupStrategy = "day"
	// GroupByMonth: the month of the apply date, such as CX2610.
	GroupByMonth GroupStrategy = "month"
)

// APInvoiceService enters supplier invoices and debit memos, finds them again
// and deletes those that are not posted. It is safe for concurrent use.
//
// Follows the service Erp.BO.APInvoiceSvc; the order of the calls is the one
// that integrations in the field use against live systems.
type APInvoiceService struct {
	c       *Client
	opts    InvoiceOptions
	headers *Entities[APInvoice]

	mu      sync.Mutex
	groups  map[string]*groupLock // by GroupID: those in use now
	learned string                // who made a group for us, where the credential names no user
	runs    map[string]*PostRun   // by GroupID: submitted and not known to be done
}

func newAPInvoiceService(c *Client, opts InvoiceOptions) (*APInvoiceService, error) {
	if opts.KeyColumn == "" {
		opts.KeyColumn = "ExternalID"
	}
	if err := odata.IsNull(opts.KeyColumn).Err(); err != nil || strings.Contains(opts.KeyColumn, "/") {
		return nil, fmt.Errorf("epicor: %.60q is no column for the key", opts.KeyColumn)
	}
	switch opts.Strategy {
	case "":
		opts.Strategy = GroupByDayAndCurrency
	case GroupByDayAndCurrency, GroupByDayAndWholeCurrency, GroupByDay, GroupByMonth:
	default:
		return nil, fmt.Errorf("epicor: %.40q is no strategy for groups", opts.Strategy)
	}
	if opts.LinesAtOnce < 0 || opts.LinesAtOnce > MaxLinesAtOnce {
		return nil, fmt.Errorf("epicor: %d lines at once, not 0 to %d", opts.LinesAtOnce, MaxLinesAtOnce)
	}
	if opts.GroupPrefix == "" {
		opts.GroupPrefix = "CX"
	}
	if !regexp.MustCompile(`^[A-Z0-9]{1,2}$`).MatchString(opts.GroupPrefix) {
		return nil, fmt.Errorf("epicor: the prefix %.20q of a group must be one or two of A-Z and 0-9", opts.GroupPrefix)
	}
	s := &APInvoiceService{c: c, opts: opts, groups: map[string]*groupLock{}, runs: map[string]*PostRun{}}
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
	Reference    string  `json:"InvoiceRef"`           // the invoice that it takes back or corrects
	Order        int     `json:"REFPONum"`             // purchase order, where one was named
	EnteredBy    string  `json:"EntryPerson"`          // Epicor user
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
	// Taxes and Attachments are there when Lines are.
	Taxes       []APInvoiceTax        `json:"-"`
	Attachments []APInvoiceAttachment `json:"-"`
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

	// Of a line that was ordered: the order's line and release, the receipt.
	Order, OrderLine, Release int
	PackSlip                  string
	PackLine                  int
	Quantity                  Decimal // VendorQty
}

// APInvoiceTax is a tax of an APInvoice, true sign.
type APInvoiceTax struct {
	Code, Rate string
	Amount     Decimal // DocTaxAmt
}

// APInvoiceAttachment is a file beside an APInvoice.
type APInvoiceAttachment struct {
	Seq         int
	FileRef     int    // for AttachmentService.Download
	FileName    string // path on the server
	Description string
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

// Balanced reports whether the splits of every line add up to it. A line that was
// ordered may have none: the order says where it is booked.
func (i *APInvoice) Balanced() bool {
	for _, l := range i.Lines {
		if l.Order != 0 && len(l.Splits) == 0 {
			continue // booked where the order says
		}
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
