package proof

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/document"
)

// paper is what somebody wrote on a report or a supplier's invoice, in cents:
// what the model knows of a document. Nothing of the code under test reads it.
type paper struct {
	owner    person
	supplier string // code; empty: an expense report
	items    []item
	shipping int64
	tax      int64
	offset   bool // the journal holds what somebody owes for his own on the travel card
}

type item struct {
	kind     string // expense type
	pay      string // payment type; of a report
	cents    int64
	centre   string
	percent  int64 // of the first of two allocations; 0: none
	second   string
	personal bool
	order    int // purchase order of a supplier's line; 0: none
	line     int // of the order
	slip     string
	quantity int64
}

// ordered is where the model books an ordered line: what was received waits there
// until it is invoiced.
func ordered(order, line int, slip string) string {
	return fmt.Sprintf("order %d/%d received with %s", order, line, slip)
}

// matched says of a document what Concur matched its lines with, which its
// simulator leaves out.
func (p paper) matched(d *document.Document) {
	for n, i := range p.items {
		if i.order > 0 && n < len(d.Entries) {
			d.Entries[n].POLine, d.Entries[n].PackSlips = strconv.Itoa(i.line), []string{i.slip}
		}
	}
}

// bill is what is owed to one vendor: cents by GL account.
type bill map[string]int64

// set is what must stand in the ERP for a document: bills by vendor.
type set map[string]bill

func (s set) add(vendor, account string, cents int64) {
	if s[vendor] == nil {
		s[vendor] = bill{}
	}
	s[vendor][account] += cents
}

// clean drops what is nothing.
func (s set) clean() set {
	for vendor, b := range s {
		maps.DeleteFunc(b, func(_ string, cents int64) bool { return cents == 0 })
		if len(b) == 0 {
			delete(s, vendor)
		}
	}
	return s
}

func (s set) equal(o set) bool {
	return maps.EqualFunc(s, o, func(a, b bill) bool { return maps.Equal(a, b) })
}

// changed is how many vendors' bills are not the same in o.
func (s set) changed(o set) (n int) {
	for vendor, b := range s {
		if !maps.Equal(b, o[vendor]) {
			n++
		}
	}
	for vendor := range o {
		if s[vendor] == nil {
			n++
		}
	}
	return n
}

func (s set) String() string {
	if len(s) == 0 {
		return "nothing"
	}
	var out []string
	for vendor, b := range s {
		for account, cents := range b {
			out = append(out, fmt.Sprintf("%s %s %d", vendor, account, cents))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// edition is a version of the rules. Odd ones book meals elsewhere; all but the
// first know the late cost centre.
type edition int

func (e edition) prefix() string { return "M" + strconv.Itoa(int(e)) + "-" }

func (e edition) natural(kind string) string {
	switch kind {
	case "MEALS":
		if e%2 == 1 {
			return "6425"
		}
		return "6420"
	case "MILES":
		return "6412"
	case "TOOLS":
		return "6510"
	case "CONFR":
		return "6610"
	case "CLOUD":
		return "6700"
	default:
		return "6410"
	}
}

func (e edition) centre(code string) string {
	if code == lateCentre {
		return "200"
	}
	return code
}

// text is the edition as mapping.yaml, with what becomes of a document that
// changes after it was posted: park or delta.
func (e edition) text(revisions string) string {
	late := ""
	if e > 0 {
		late = `
    "` + lateCentre + `": "200"`
	}
	return `version: 1
company:
  ledgers:
    DEFAULT: ` + book + `
numbers:
  prefix: ` + e.prefix() + `
netting: net
purchase_orders: match
revisions: ` + revisions + `
counterparties:
  CASH: employee
  EMPL: employee
  IBCP:
    vendor: ` + travelCard + `
    code: C
    personal: skip
  CBCP:
    vendor: ` + buyingCard + `
    code: M
    personal: employee_owes
employees:
  match: [pattern]
  pattern: "E{employee_id}"
suppliers:
  vendors:
    DELTA: V0211
    CLOUDY: V0340
cost_centres:
  field: {report: custom5, invoice: custom2}
  values:
    "100": "100"
    "200": "200"
    "310": "310"
    "420": "420"` + late + `
accounts:
  template: "{natural}|{cost_centre}|00"
  rules:
    - name: meals
      when: {expense_type: MEALS}
      natural: "` + e.natural("MEALS") + `"
    - name: mileage
      when: {expense_type: MILES}
      natural: "6412"
    - name: tools
      when: {expense_type: TOOLS}
      natural: "6510"
    - name: conferences
      when: {expense_type: CONFR}
      natural: "6610"
    - name: tooling
      when: {kind: invoice, expense_type: TOOLG}
      account: "5100|420|01"
    - name: cloud
      when: {kind: invoice, expense_type: CLOUD}
      natural: "6700"
    - name: travel
      when: {expense_type: [AIRFR, HOTEL, TAXI]}
      natural: "6410"
personal:
  account: "` + clearing + `"
charges:
  shipping: spread
  tax:
    account: "` + taxAccount + `"
    description: Sales tax
apply_date:
  from: approved
  closed_period: next_open
`
}

// must is the set that stands for the paper under an edition of the rules.
func (p paper) must(e edition) set {
	s := set{}
	if p.supplier != "" {
		return p.invoiced(e, s)
	}
	for _, i := range p.items {
		vendor := "E" + p.owner.number
		switch {
		case i.pay == "IBCP" && i.personal && !p.offset:
			continue
		case i.personal && i.pay != "CASH":
			s.add(map[string]string{"IBCP": travelCard, "CBCP": buyingCard}[i.pay], clearing, i.cents)
			s.add(vendor, clearing, -i.cents)
			continue
		case i.pay == "IBCP":
			vendor = travelCard
		case i.pay == "CBCP":
			vendor = buyingCard
		}
		for centre, cents := range i.split() {
			s.add(vendor, e.natural(i.kind)+"|"+e.centre(centre)+"|00", cents)
		}
	}
	return s.clean()
}

// split shares an item out: the first share rounded to the nearest cent, the
// other takes the rest.
func (i item) split() map[string]int64 {
	if i.percent == 0 {
		return map[string]int64{i.centre: i.cents}
	}
	n := i.cents * i.percent
	half := int64(50)
	if n < 0 {
		half = -50
	}
	first := (n + half) / 100
	return map[string]int64{i.centre: first, i.second: i.cents - first}
}

func (p paper) invoiced(e edition, s set) set {
	vendor := map[string]string{"DELTA": "V0211", "CLOUDY": "V0340", lateVendor: lateVendor}[p.supplier]
	for n, i := range p.items {
		cents := i.cents
		if n == 0 { // an invoice with shipping has one item
			cents += p.shipping
		}
		account := "5100|420|01"
		if i.kind == "CLOUD" {
			account = e.natural(i.kind) + "|" + e.centre(i.centre) + "|00"
		}
		if i.order > 0 {
			account = ordered(i.order, i.line, i.slip)
		}
		s.add(vendor, account, cents)
	}
	if p.tax != 0 {
		s.add(vendor, taxAccount, p.tax)
	}
	return s.clean()
}

func money(cents int64) decimal.Decimal { return decimal.New(cents, -2) }

// expenses are the paper's items as Concur holds them.
func (t *town) expenses(p paper) []concurtest.Expense {
	on := func(code string) concurtest.Custom { return concurtest.Custom{"custom5": t.centres.Value(code)} }
	var out []concurtest.Expense
	for _, i := range p.items {
		x := concurtest.Expense{Type: i.kind, PaymentType: i.pay, Vendor: "Shop", Amount: money(i.cents), Custom: on(i.centre), Personal: i.personal}
		if i.percent > 0 {
			x.Allocations = []concurtest.Allocation{
				{Percentage: decimal.NewFromInt(i.percent), Custom: on(i.centre)}, {Percentage: decimal.NewFromInt(100 - i.percent), Custom: on(i.second)},
			}
		}
		out = append(out, x)
	}
	return out
}

func lines(p paper) []concurtest.Line {
	var out []concurtest.Line
	for n, i := range p.items {
		l := concurtest.Line{
			ID: strconv.Itoa(n + 1), Description: "Item", ExpenseType: i.kind, Amount: money(i.cents), Custom: map[string]string{"Custom2": i.centre},
		}
		if i.order > 0 {
			l.PONumber, l.Quantity = strconv.Itoa(i.order), decimal.NewFromInt(i.quantity)
		}
		out = append(out, l)
	}
	return out
}

// draw makes up an expense report.
func draw(rng *rand.Rand) paper {
	p := paper{owner: people[rng.IntN(len(people))]}
	for range 1 + rng.IntN(4) {
		p.items = append(p.items, drawItem(rng))
	}
	return p
}

func drawItem(rng *rand.Rand) item {
	kinds := []string{"AIRFR", "HOTEL", "TAXI", "MEALS", "MILES", "TOOLS", "MEALS"}
	i := item{
		kind: kinds[rng.IntN(len(kinds))], pay: []string{"CASH", "CASH", "IBCP", "CBCP"}[rng.IntN(4)],
		cents: 100 + rng.Int64N(90_000), centre: centreCodes[rng.IntN(4)],
	}
	switch rng.IntN(8) {
	case 0:
		i.cents = -i.cents // a refund
	case 1:
		i.personal = i.pay != "CASH"
	case 2, 3:
		if second := centreCodes[rng.IntN(4)]; second != i.centre {
			i.percent, i.second = []int64{10, 33, 50, 60, 75}[rng.IntN(5)], second
		}
	}
	return i
}

// drawInvoice makes up a supplier's invoice, or a credit.
func drawInvoice(rng *rand.Rand) paper {
	p := paper{owner: people[rng.IntN(len(people))], supplier: suppliers[rng.IntN(2)].Code}
	for range 1 + rng.IntN(3) {
		p.items = append(p.items, item{kind: []string{"TOOLG", "CLOUD"}[rng.IntN(2)], cents: 1000 + rng.Int64N(900_000), centre: centreCodes[rng.IntN(4)]})
	}
	if len(p.items) == 1 && rng.IntN(2) == 0 {
		p.shipping = 100 + rng.Int64N(5000)
	}
	if rng.IntN(3) == 0 {
		p.tax = 100 + rng.Int64N(50_000)
	}
	if rng.IntN(8) == 0 {
		p.shipping, p.tax = 0, 0
		for n := range p.items {
			p.items[n].cents = -p.items[n].cents
		}
	}
	return p
}

// standing are the AP invoices that have effect: what was cancelled and what
// cancels are nothing together.
func standing(invoices []epicortest.Invoice) (out []epicortest.Invoice) {
	for _, inv := range invoices {
		if !inv.Cancels && inv.CancelledBy == "" {
			out = append(out, inv)
		}
	}
	return out
}

// stands is what has effect in the ERP of one document's AP invoices, which at
// most so many revisions made: each has a key of its own and one invoice for a
// vendor. Faults of the invoices themselves come beside it.
func stands(invoices []epicortest.Invoice, revisions int) (s set, wrong []string) {
	s = set{}
	keys, seen := map[string]bool{}, map[[2]string]bool{}
	for _, inv := range standing(invoices) {
		keys[inv.ExternalID] = true
		if of := [2]string{inv.ExternalID, inv.VendorID}; seen[of] {
			wrong = append(wrong, fmt.Sprintf("%s has a second invoice %s", inv.VendorID, inv.Number))
		} else {
			seen[of] = true
		}
		if !inv.Balanced() {
			wrong = append(wrong, inv.Number+" is not balanced")
		}
		if inv.DebitMemo != inv.Amount.IsNegative() {
			wrong = append(wrong, fmt.Sprintf("%s is %s and a debit memo: %t", inv.Number, inv.Amount, inv.DebitMemo))
		}
		if !inv.VendorAmount.Equal(inv.Amount.Abs()) {
			wrong = append(wrong, fmt.Sprintf("%s: the supplier's total is %s and the lines come to %s", inv.Number, inv.VendorAmount, inv.Amount))
		}
		if inv.ExternalID == "" {
			wrong = append(wrong, inv.Number+" bears no key")
		}
		for _, l := range inv.Lines {
			for _, sp := range l.Splits {
				cents := sp.Amount.Shift(2)
				if !cents.IsInteger() {
					wrong = append(wrong, fmt.Sprintf("%s: %s is finer than a cent", inv.Number, sp.Amount))
				}
				s.add(inv.VendorID, sp.Account, cents.IntPart())
			}
			if l.Order > 0 {
				if len(l.Splits) > 0 {
					wrong = append(wrong, fmt.Sprintf("%s: order %d/%d is booked to accounts as well", inv.Number, l.Order, l.OrderLine))
				}
				s.add(inv.VendorID, ordered(l.Order, l.OrderLine, l.PackSlip), l.Amount.Shift(2).IntPart())
			}
		}
	}
	if len(keys) > revisions {
		wrong = append(wrong, fmt.Sprintf("%d sets stand: %v", len(keys), slices.Sorted(maps.Keys(keys))))
	}
	return s.clean(), wrong
}
