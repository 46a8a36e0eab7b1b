package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Tables gives what the ERP has. Implement it over an ERP's client; it is safe
// for concurrent use.
type Tables interface {
	// Snapshot returns the vendors and accounts as they are now, or were a short
	// while ago. An error is transient: the document is mapped again later.
	Snapshot(ctx context.Context) (*document.Tables, error)
}

// StaticTables are Tables that never change: for tests, and for trying rules
// without an ERP.
func StaticTables(t *document.Tables) Tables { return static{t} }

type static struct{ tables *document.Tables }

func (s static) Snapshot(context.Context) (*document.Tables, error) { return s.tables, nil }

// Mapper turns spend documents into AP invoices by the rules of a Set. It is
// immutable and safe for concurrent use.
type Mapper struct {
	set    *Set
	tables Tables
}

var _ mapping.Mapper[document.Document, document.Posting] = (*Mapper)(nil)

// New makes a Mapper of rules and of the ERP's tables; both are required.
func New(set *Set, tables Tables) *Mapper { return &Mapper{set, tables} }

// Map turns a document into its posting. All that a person must mend comes at
// once as mapping.Issues, each with a code of this package; any other error is
// transient and says that the ERP's tables could not be read.
//
// The Result's Version is set in both cases, unless the tables could not be
// read.
func (m *Mapper) Map(ctx context.Context, in document.Document) (mapping.Result[document.Posting], error) {
	var out mapping.Result[document.Posting]
	tables, err := m.tables.Snapshot(ctx)
	if err != nil {
		return out, fmt.Errorf("rules: reading the ERP's tables: %w", err)
	}
	if tables == nil {
		return out, errors.New("rules: reading the ERP's tables: there are none")
	}
	rows, kept, err := m.outside(ctx)
	if err != nil {
		return out, err
	}
	sum := sha256.Sum256([]byte(m.set.version + "\n" + tables.Version() + kept))
	out.Version = hex.EncodeToString(sum[:16])

	r := &run{set: m.set, rules: &m.set.content, tables: tables, rows: rows, doc: in, places: make(map[string]int)}
	_, r.blind = m.tables.(unchecked)
	r.document()
	if len(r.issues) == 0 && allZero(in) && settled(in) {
		out.Empty = true
		out.Reasons = []mapping.Reason{{Field: "posting", Value: "nothing", Rule: "every line is zero", Input: in.Kind.EntryWord() + "s and charges"}}
		// What an earlier revision posted may have to be corrected to nothing.
		if r.head(); len(r.issues) == 0 {
			out.Posting = r.posting()
		}
		return out, nil
	}
	sound := len(r.issues) == 0
	r.head()
	before := len(r.issues)
	r.parties()
	r.settlement(sound && len(r.issues) == before)
	posting := r.posting()
	if len(r.issues) > 0 {
		return out, r.issues
	}
	out.Reasons = r.reasons
	if len(posting.Invoices) == 0 {
		out.Empty, out.Posting = true, posting
		return out, nil
	}
	if r.verify(posting); len(r.issues) > 0 {
		return out, r.issues
	}
	out.Posting = posting
	return out, nil
}

// run is the mapping of one document.
type run struct {
	set    *Set
	rules  *content
	tables *document.Tables
	rows   map[string]map[string]string // of tables that are kept outside
	blind  bool                         // no ERP is there to be asked
	doc    document.Document

	digits    int // of the currency's minor unit
	company   string
	date      document.Date
	apply     document.Date
	moved     bool // apply is not in the period that the document belongs to
	entryPart [][]share
	groups    []*group
	owed      owed            // what does not stand in the groups
	byService bool            // Expense Pay pays the employee something of a journal
	byPayroll bool            // the payroll does
	byCompany bool            // the company does
	paidFor   decimal.Decimal // what another than the company pays him
	suspended decimal.Decimal // without regard to the sign, that no account rule matched

	issues  mapping.Issues
	places  map[string]int // of an issue among the issues, so that one fault is told once
	reasons []mapping.Reason
}

// issue notes a fault. The same fault at another place only raises a count.
func (r *run) issue(i connector.Issue) {
	i.Value = clip(strings.ToValidUTF8(i.Value, "?"))
	for _, c := range catalogue {
		if c.Code == i.Code {
			i.Owner = firstOwner(i.Owner, c.Owner)
			if i.Remedy == "" {
				i.Remedy = strings.ReplaceAll(c.Remedy, theFile, r.set.name)
			}
			if i.Message == "" {
				i.Message = c.Meaning
			}
		}
	}
	id := strings.Join([]string{i.Code, i.Value, i.Message, i.Needs}, "\x00")
	if at, told := r.places[id]; told {
		if first := r.issues[at]; first.Field != i.Field && !strings.HasSuffix(first.Field, " and elsewhere") {
			r.issues[at].Field += " and elsewhere"
		}
		return
	}
	r.places[id] = len(r.issues)
	r.issues = append(r.issues, i)
}

func firstOwner(a, b connector.Owner) connector.Owner {
	if a != "" {
		return a
	}
	return b
}

// document checks the document in itself.
func (r *run) document() {
	digits, known := document.MinorUnits(r.doc.Currency)
	r.digits = digits
	if !known {
		r.digits = 2
	}
	var faults document.Faults
	if err := r.doc.Check(); errors.As(err, &faults) {
		for _, f := range faults {
			r.issue(connector.Issue{Code: string(f.Code), Field: f.Field, Value: f.Value, Message: f.Message})
		}
	}
}

func allZero(d document.Document) bool {
	for _, e := range d.Entries {
		if !e.Amount.IsZero() {
			return false
		}
		for _, a := range e.Allocations {
			if !a.Amount.IsZero() || slices.ContainsFunc(a.Journal, func(j document.Journal) bool { return !j.Gross.IsZero() }) {
				return false
			}
		}
	}
	if slices.ContainsFunc(d.Advances, func(a document.Advance) bool { return !a.Amount.IsZero() }) {
		return false
	}
	return !slices.ContainsFunc(d.Charges, func(c document.Charge) bool { return !c.Amount.IsZero() })
}

// head decides what all invoices of the set share: the company and the dates.
func (r *run) head() {
	r.companyOf()
	r.date = r.doc.Date
	if r.date == "" {
		r.issue(connector.Issue{Code: InvoiceDateMissing, Field: "date"})
	}
	r.applyDate()
}

func (r *run) companyOf() {
	c := r.rules.Company
	ledger := strings.TrimSpace(r.doc.Ledger)
	listed, ok := c.Ledgers[ledger]
	reason := mapping.Reason{Field: "company"}
	header, hasField := value(r.doc.Custom, c.Field.value)
	switch {
	case hasField && c.Codes[header].value != "":
		r.company = c.Codes[header].value
		reason.Rule, reason.Input = "company.codes ("+r.set.at(c.Codes[header].at)+")", c.Field.value+" "+header
	case hasField:
		r.companyUnlisted("header, "+c.Field.value, header)
		return
	case ok:
		r.company = listed.value
		reason.Rule, reason.Input = "company.ledgers ("+r.set.at(listed.at)+")", "ledger "+ledger
	case c.Default.value != "" && (ledger == "" || len(c.Ledgers) == 0):
		r.company = c.Default.value
		reason.Rule, reason.Input = "company.default ("+r.set.at(c.Default.at)+")", "ledger "+ledger
	default:
		r.issue(connector.Issue{
			Code: CompanyUnknown, Field: "ledger", Value: ledger,
			Message: fmt.Sprintf("no rule says which company the ledger %q belongs to", clip(ledger)),
			Remedy:  fmt.Sprintf("Add a line %q with the ERP's company under company.ledgers (%s), then replay.", clip(ledger)+":", r.set.at(firstPos(c.LedgersAt, c.At))),
		})
		return
	}
	if r.doc.Test {
		if c.Test.value == "" || c.Test.value != r.tables.Company() && !r.blind {
			r.issue(connector.Issue{
				Code: TestDocument, Field: "test", Value: r.company,
				Message: fmt.Sprintf("a test transaction must not reach the production company %s", r.company),
				Remedy:  fmt.Sprintf("Withdraw the test in Concur, or name the ERP's test company as company.test (%s), then replay.", r.set.at(c.At)),
			})
			return
		}
		r.company = c.Test.value
		reason.Rule, reason.Input = "company.test ("+r.set.at(c.Test.at)+")", "test transaction"
	}
	reason.Value = r.company
	r.reasons = append(r.reasons, reason)
	if r.company != r.tables.Company() && !r.blind {
		r.issue(connector.Issue{
			Code: CompanyForeign, Field: "company", Value: r.company,
			Message: fmt.Sprintf("it belongs to company %s, and this flow posts to %s", clip(r.company), r.tables.Company()),
			Remedy:  fmt.Sprintf("Post it by the tenant that is connected to company %s. If it belongs to %s after all, correct its line under company (%s) and replay.", clip(r.company), r.tables.Company(), r.set.at(c.At)),
		})
	}
}

// companyUnlisted stops what bears the code of a company that no rule lists:
// neither the ledger nor the default can say that it is ours.
func (r *run) companyUnlisted(field, code string) {
	r.issue(connector.Issue{
		Code: CompanyUnknown, Field: field, Value: code,
		Message: fmt.Sprintf("no rule says which company the code %q belongs to", clip(code)),
		Remedy:  fmt.Sprintf("Add a line %q under company.codes (%s), then replay.", clip(code)+": <company>", r.set.at(r.rules.Company.At)),
	})
}

func (r *run) applyDate() {
	rule := r.rules.ApplyDate
	reason := mapping.Reason{Field: "apply date", Rule: "apply_date.from " + rule.From + " (" + r.set.at(rule.At) + ")"}
	switch rule.From {
	case invoiceDate:
		r.apply = r.doc.Date
	default:
		r.apply = r.doc.Approved
	}
	reason.Input = string(r.apply)
	if r.apply == "" {
		if rule.From != invoiceDate {
			r.issue(connector.Issue{
				Code: ApplyDateMissing, Field: "approval date",
				Message: "the date of final approval, which decides the fiscal period, is missing",
				Remedy:  fmt.Sprintf("Find out why Concur gives none, or write apply_date.from: invoice_date (%s), then replay.", r.set.at(rule.At)),
			})
		}
		return
	}
	open := r.tables.FirstOpen()
	if open != "" && r.apply.Before(open) {
		if rule.ClosedPeriod != nextOpen {
			issue := connector.Issue{
				Code: PeriodClosed, Field: "apply date", Value: string(r.apply),
				Message: fmt.Sprintf("the fiscal period of %s is closed; the first open day is %s", r.apply, open),
				Remedy:  fmt.Sprintf("Open the period in the ERP, or write apply_date.closed_period: next_open (%s), then replay.", r.set.at(rule.At)),
			}
			if rule.ClosedPeriod == hold {
				issue.Needs = "period/" + r.apply.Month()
				issue.Remedy = fmt.Sprintf("Open the period in the ERP: the document goes on by itself when the periods are read next, or at once by a replay. Or write apply_date.closed_period: next_open (%s) and replay.", r.set.at(rule.At))
			}
			r.issue(issue)
		} else {
			reason.Rule = "apply_date.closed_period next_open (" + r.set.at(rule.At) + ")"
			reason.Input = fmt.Sprintf("%s is in a closed period", r.apply)
			r.apply, r.moved = open, true
		}
	}
	if last := r.tables.LastDay(); last != "" && last.Before(r.apply) {
		r.issue(connector.Issue{
			Code: PeriodClosed, Field: "apply date", Value: string(r.apply),
			Message: fmt.Sprintf("no fiscal period holds %s: the ERP's calendar ends on %s", r.apply, last),
			Remedy:  "Add the period to the fiscal calendar in the ERP, or correct the date in Concur, then replay.",
		})
	}
	reason.Value = string(r.apply)
	r.reasons = append(r.reasons, reason,
		mapping.Reason{Field: "date", Value: string(r.date), Rule: "the document's own date", Input: string(r.doc.Kind)})
}

// verify is the last guard before a posting leaves: it adds up in itself, and
// to what was approved.
func (r *run) verify(p document.Posting) {
	var faults document.Faults
	if err := p.Check(); errors.As(err, &faults) {
		for _, f := range faults {
			r.issue(connector.Issue{Code: PostingMismatch, Field: f.Field, Value: f.Value, Message: f.Message})
		}
	}
	sum := decimal.Zero
	for _, inv := range p.Invoices {
		sum = sum.Add(inv.Amount)
	}
	due := r.doc.Total.Add(setOff(r.doc))
	if !sum.Equal(due) {
		what := "the approved total"
		if !due.Equal(r.doc.Total) {
			what += " less the cash advances,"
		}
		r.issue(connector.Issue{
			Code: PostingMismatch, Field: "total", Value: sum.String(),
			Message: fmt.Sprintf("the invoices add up to %s, not to %s %s", sum, what, due),
		})
	}
}

// value returns the code of a custom field, trimmed; null, missing and empty
// are all the same: none.
func value(custom map[string]document.Value, field string) (string, bool) {
	if field == "" {
		return "", false
	}
	code := strings.TrimSpace(custom[field].Code)
	return code, code != ""
}
