package rules

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ml-connector/ml-connector/sync/document"
)

// The words of the file.
const (
	employee     = "employee"
	net          = "net"
	bySign       = "by_sign"
	refuse       = "refuse"
	none         = "none"
	allow        = "allow"
	expense      = "expense"
	asIs         = "as_is"
	skip         = "skip"
	employeeOwes = "employee_owes"
	spread       = "spread"
	approved     = "approved"
	invoiceDate  = "invoice_date"
	nextOpen     = "next_open"
	hold         = "hold"
	column       = "column"
	pattern      = "pattern"
	taxID        = "tax_id"
	positive     = "positive"
	negative     = "negative"
	check        = "check"
	ignore       = "ignore"
	match        = "match"
	delta        = "delta"
	park         = "park"
)

var (
	numberText = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)
	shortCode  = regexp.MustCompile(`^[A-Z0-9]{1,6}$`)
)

// content reads the whole file and checks what no single key can: that what one
// section names stands in the other.
func (r *reader) content(root ast.Node, c *content) {
	*c = defaults()
	r.tableNames = namesOf(root, "tables")
	r.object(root, "",
		key{"version", true, r.version},
		key{"company", true, func(n ast.Node, p string) { r.company(n, p, &c.Company) }},
		key{"numbers", false, func(n ast.Node, p string) { r.numbers(n, p, &c.Numbers) }},
		key{"netting", false, func(n ast.Node, p string) { c.Netting = r.word(n, p, net, bySign).value }},
		key{"revisions", false, func(n ast.Node, p string) { c.Revisions = r.word(n, p, delta, park).value }},
		key{"purchase_orders", false, func(n ast.Node, p string) { c.PurchaseOrders = r.word(n, p, refuse, expense, match).value }},
		key{"counterparties", false, func(n ast.Node, p string) { c.Counterparties = r.counterparties(n, p) }},
		key{"expense_pay", false, func(n ast.Node, p string) {
			if v, plain := scalar(n); plain && v == none {
				c.NoExpensePay = true
				return
			}
			c.ExpensePay = r.expensePay(n, p)
		}},
		key{"payroll", false, func(n ast.Node, p string) { c.Payroll = r.expensePay(n, p) }},
		key{"cash_advances", false, func(n ast.Node, p string) { r.cashAdvances(n, p, &c.CashAdvances) }},
		key{"taxes", false, func(n ast.Node, p string) { r.taxes(n, p, &c.Taxes) }},
		key{"settlement", false, func(n ast.Node, p string) { c.Settlement = r.word(n, p, check, ignore).value }},
		key{"employees", false, func(n ast.Node, p string) { r.employees(n, p, &c.Employees) }},
		key{"suppliers", false, func(n ast.Node, p string) { r.suppliers(n, p, &c.Suppliers) }},
		key{"pay_hold", false, func(n ast.Node, p string) { c.PayHold = r.word(n, p, allow, refuse).value }},
		key{"cost_centres", false, func(n ast.Node, p string) { r.costCentres(n, p, &c.CostCentres) }},
		key{"tables", false, func(n ast.Node, p string) { c.Tables = r.tables(n, p) }},
		key{"accounts", true, func(n ast.Node, p string) { r.accounts(n, p, &c.Accounts) }},
		key{"personal", false, func(n ast.Node, p string) {
			r.object(n, p, key{"account", true, func(n ast.Node, p string) { c.Personal.Account = r.text(n, p) }})
		}},
		key{"charges", false, func(n ast.Node, p string) {
			r.object(n, p,
				key{"shipping", false, func(n ast.Node, p string) { r.charge(n, p, &c.Charges.Shipping) }},
				key{"tax", false, func(n ast.Node, p string) { r.charge(n, p, &c.Charges.Tax) }},
			)
		}},
		key{"apply_date", false, func(n ast.Node, p string) { r.applyDate(n, p, &c.ApplyDate) }},
		key{"descriptions", false, func(n ast.Node, p string) { r.descriptions(n, p, &c.Descriptions) }},
		key{"entry_groups", false, func(n ast.Node, p string) { r.entryGroups(n, p, &c.EntryGroups) }},
	)
	r.across(c)
}

// defaults are the values of the keys that a file leaves out.
func defaults() content {
	var c content
	c.Netting, c.Revisions, c.PurchaseOrders, c.PayHold, c.Settlement = net, delta, refuse, allow, check
	c.Employees.Code = text{value: "E"}
	c.Suppliers.Unlisted = asIs
	c.CostCentres.Unlisted = refuse
	c.Charges.Shipping.Spread, c.Charges.Tax.Spread = true, true
	c.Charges.Shipping.Description, c.Charges.Tax.Description = text{value: "Shipping"}, text{value: "Tax"}
	c.ApplyDate = applyDate{From: approved, ClosedPeriod: refuse}
	var words reader
	c.Numbers = numbers{Prefix: text{value: "CX-"}, MaxLength: 50}
	c.Numbers.Report = words.template(text{value: "{prefix}{number}-{revision}-{code}"}, "", false, numberWords...)
	c.Descriptions.Invoice = description{words.template(text{value: "{kind} {number}"}, "", false, invoiceWords...), 50}
	c.Descriptions.Line = description{words.template(text{value: "{expense_type} {merchant}"}, "", false, lineWords...), 100}
	return c
}

func (r *reader) version(n ast.Node, path string) {
	if t := r.text(n, path); t.value != "" && t.value != "1" {
		r.fail(t.at, "version %q is not known; this program reads version 1", clip(t.value))
	}
}

func (r *reader) company(n ast.Node, path string, c *company) {
	c.At = place(n)
	r.object(n, path,
		key{"default", false, func(n ast.Node, p string) { c.Default = r.text(n, p) }},
		key{"ledgers", false, func(n ast.Node, p string) { c.Ledgers, c.LedgersAt = r.table(n, p), place(n) }},
		key{"field", false, func(n ast.Node, p string) { c.Field = r.field(n, p) }},
		key{"codes", false, func(n ast.Node, p string) { c.Codes = r.table(n, p) }},
		key{"test", false, func(n ast.Node, p string) { c.Test = r.text(n, p) }},
	)
	if c.Default.value == "" && len(c.Ledgers) == 0 && c.Field.value == "" {
		r.fail(c.At, "company names none; give default, ledgers, or field with codes")
	}
	if c.Field.value != "" && len(c.Codes) == 0 {
		r.fail(c.Field.at, "company.field needs company.codes, which turns its values into companies")
	}
	for code, t := range c.Codes {
		if c.Field.value == "" {
			r.fail(t.at, "company.codes has %q but company.field does not say which custom field holds the code", clip(code))
			break
		}
	}
}

// field reads the name of a custom field.
func (r *reader) field(n ast.Node, path string) text {
	t := r.text(n, path)
	if t.value != "" && !customField.MatchString(t.value) {
		r.fail(t.at, "%s: %q is no custom field; they are called custom1 … custom40 and orgUnit1 … orgUnit6", path, clip(t.value))
	}
	return t
}

func (r *reader) number(n ast.Node, path string, least, most int) int {
	t := r.text(n, path)
	if t.value == "" {
		return least
	}
	v, err := strconv.Atoi(t.value)
	if err != nil || v < least || v > most {
		r.fail(t.at, "%s: %q is no whole number from %d to %d", path, clip(t.value), least, most)
		return least
	}
	return v
}

func (r *reader) numbers(n ast.Node, path string, c *numbers) {
	r.object(n, path,
		key{"prefix", false, func(n ast.Node, p string) {
			c.Prefix = r.text(n, p)
			if !numberText.MatchString(c.Prefix.value) || len(c.Prefix.value) > 12 {
				r.fail(c.Prefix.at, "%s: %q must be at most 12 letters, digits, or . _ -", p, clip(c.Prefix.value))
			}
		}},
		key{"report", false, func(n ast.Node, p string) { c.Report = r.numberTemplate(n, p) }},
		key{"max_length", false, func(n ast.Node, p string) { c.MaxLength = r.number(n, p, 30, 200) }},
	)
}

func (r *reader) counterparties(n ast.Node, path string) map[string]counterparty {
	out := make(map[string]counterparty)
	for _, p := range r.pairs(n, path) {
		c := counterparty{At: p.key.at}
		at := path + "." + clip(p.key.value)
		var to text
		if v, plain := scalar(p.value); plain && v != "" {
			to = r.word(p.value, at, employee)
		} else {
			r.object(p.value, at,
				key{"to", false, func(n ast.Node, p string) { to = r.word(n, p, employee) }},
				key{"vendor", false, func(n ast.Node, p string) { c.Vendor = r.text(n, p) }},
				key{"code", false, func(n ast.Node, p string) { c.Code = r.text(n, p) }},
				key{"personal", false, func(n ast.Node, p string) { c.Personal = r.word(n, p, skip, employeeOwes) }},
				key{"terms", false, func(n ast.Node, p string) { c.Terms = r.text(n, p) }},
			)
			if (to.value == "") == (c.Vendor.value == "") {
				r.fail(c.At, "%s: say who is owed: either to: employee, or vendor: with the vendor's id", at)
			}
		}
		c.Employee = to.value == employee
		switch {
		case c.Employee && c.Code.value != "":
			r.fail(c.Code.at, "%s.code: the employee's code stands under employees.code", at)
		case c.Employee && c.Terms.value != "":
			r.fail(c.Terms.at, "%s.terms: the employee's terms stand under employees.terms", at)
		case c.Employee && c.Personal.value != "":
			r.fail(c.Personal.at, "%s.personal: what an employee paid for himself is never posted; remove the key", at)
		case c.Vendor.value != "" && !shortCode.MatchString(c.Code.value):
			r.fail(firstPos(c.Code.at, c.At), "%s.code: %q must be 1 to 6 capitals or digits; it tells the invoices of one report apart", at, clip(c.Code.value))
		}
		out[p.key.value] = c
	}
	return out
}

// expensePay reads whom the company owes what Expense Pay has paid for it: a
// vendor that stands for the clearing account, or nobody.
func (r *reader) expensePay(n ast.Node, path string) counterparty {
	c := counterparty{At: place(n)}
	if v, plain := scalar(n); plain && v != "" {
		r.word(n, path, refuse)
		return c
	}
	r.object(n, path,
		key{"vendor", true, func(n ast.Node, p string) { c.Vendor = r.text(n, p) }},
		key{"code", true, func(n ast.Node, p string) { c.Code = r.text(n, p) }},
	)
	if c.Code.value != "" && !shortCode.MatchString(c.Code.value) {
		r.fail(c.Code.at, "%s.code: %q must be 1 to 6 capitals or digits; it tells the invoices of one report apart", path, clip(c.Code.value))
	}
	return c
}

func firstPos(a, b pos) pos {
	if a.line != 0 {
		return a
	}
	return b
}

func (r *reader) employees(n ast.Node, path string, c *employees) {
	c.At = place(n)
	r.object(n, path,
		key{"code", false, func(n ast.Node, p string) {
			c.Code = r.text(n, p)
			if !shortCode.MatchString(c.Code.value) {
				r.fail(c.Code.at, "%s: %q must be 1 to 6 capitals or digits", p, clip(c.Code.value))
			}
		}},
		key{"vendors", false, func(n ast.Node, p string) { c.Vendors = r.table(n, p) }},
		key{"match", false, func(n ast.Node, p string) {
			c.Match = r.list(n, p)
			for _, m := range c.Match {
				if words := []string{column, pattern, taxID}; m.value != "" && !slices.Contains(words, m.value) {
					r.fail(m.at, "%s: %q is none of %s%s", p, clip(m.value), strings.Join(words, ", "), nearest(m.value, words))
				}
			}
		}},
		key{"tax_id", false, func(n ast.Node, p string) { c.TaxID = r.field(n, p) }},
		key{"terms", false, func(n ast.Node, p string) { c.Terms = r.text(n, p) }},
		key{"pattern", false, func(n ast.Node, p string) {
			c.Pattern = r.template(r.text(n, p), p, false, "employee_id", "login")
			if len(c.Pattern.parts) > 0 && !c.Pattern.uses("employee_id") && !c.Pattern.uses("login") {
				r.fail(c.Pattern.at, "%s: %q names the same vendor for every employee; use {employee_id}", p, clip(c.Pattern.value))
			}
		}},
	)
	if c.TaxID.value == "" && slices.ContainsFunc(c.Match, func(m text) bool { return m.value == taxID }) {
		r.fail(c.At, "%s.match names tax_id, but %s.tax_id does not say which custom field holds it", path, path)
	}
	if len(c.Match) == 0 && c.Pattern.value != "" {
		c.Match = []text{{value: pattern}}
	}
	if c.Pattern.value == "" && slices.ContainsFunc(c.Match, func(m text) bool { return m.value == pattern }) {
		r.fail(c.At, "%s.match names pattern, but %s.pattern is missing", path, path)
	}
}

func (r *reader) suppliers(n ast.Node, path string, c *suppliers) {
	c.At = place(n)
	r.object(n, path,
		key{"vendors", false, func(n ast.Node, p string) { c.Vendors = r.table(n, p) }},
		key{"unlisted", false, func(n ast.Node, p string) { c.Unlisted = r.word(n, p, asIs, refuse).value }},
		key{"terms", false, func(n ast.Node, p string) { c.Terms = r.text(n, p) }},
	)
}

func (r *reader) costCentres(n ast.Node, path string, c *costCentres) {
	c.At = place(n)
	r.object(n, path,
		key{"field", true, func(n ast.Node, p string) {
			if _, plain := scalar(n); plain {
				c.Report = r.field(n, p)
				c.Invoice = c.Report
				return
			}
			r.object(n, p,
				key{string(document.Report), false, func(n ast.Node, p string) { c.Report = r.field(n, p) }},
				key{string(document.Invoice), false, func(n ast.Node, p string) { c.Invoice = r.field(n, p) }},
			)
		}},
		key{"values", false, func(n ast.Node, p string) {
			c.Values, c.ValuesAt = r.table(n, p), place(n)
			for code, t := range c.Values {
				r.segment(t, p+"."+clip(code))
			}
		}},
		key{"unlisted", false, func(n ast.Node, p string) { c.Unlisted = r.word(n, p, asIs, refuse).value }},
	)
}

// segment checks a value that becomes a part of an account.
func (r *reader) segment(t text, path string) {
	if strings.ContainsAny(t.value, "|") {
		r.fail(t.at, "%s: %q is a segment and must not hold |, which separates segments", path, clip(t.value))
	}
}

func (r *reader) charge(n ast.Node, path string, c *charge) {
	c.At = place(n)
	if v, plain := scalar(n); plain && v != "" {
		r.word(n, path, spread)
		return
	}
	c.Spread = false
	r.object(n, path,
		key{"account", true, func(n ast.Node, p string) { c.Account = r.text(n, p) }},
		key{"description", false, func(n ast.Node, p string) { c.Description = r.text(n, p) }},
	)
}

func (r *reader) applyDate(n ast.Node, path string, c *applyDate) {
	c.At = place(n)
	r.object(n, path,
		key{"from", false, func(n ast.Node, p string) { c.From = r.word(n, p, approved, invoiceDate).value }},
		key{"closed_period", false, func(n ast.Node, p string) { c.ClosedPeriod = r.word(n, p, refuse, nextOpen, hold).value }},
	)
}

func (r *reader) descriptions(n ast.Node, path string, c *descriptions) {
	one := func(d *description, words []string) func(ast.Node, string) {
		return func(n ast.Node, p string) {
			if _, plain := scalar(n); plain {
				d.Text = r.template(r.text(n, p), p, false, words...)
				return
			}
			r.object(n, p,
				key{"text", false, func(n ast.Node, p string) { d.Text = r.template(r.text(n, p), p, false, words...) }},
				key{"max", false, func(n ast.Node, p string) { d.Max = r.number(n, p, 10, 1000) }},
			)
		}
	}
	r.object(n, path,
		key{"invoice", false, one(&c.Invoice, invoiceWords)},
		key{"line", false, one(&c.Line, lineWords)},
	)
}

// codes checks that the codes in numbers tell the invoices of a report apart.
func (r *reader) codes(c *content) {
	type named struct {
		path string
		counterparty
	}
	var parties []named
	for _, name := range slices.Sorted(maps.Keys(c.Counterparties)) {
		parties = append(parties, named{"counterparties." + clip(name), c.Counterparties[name]})
	}
	parties = append(parties, named{"expense_pay", c.ExpensePay}, named{"payroll", c.Payroll})
	codes := map[string]text{c.Employees.Code.value: {}}
	for _, p := range parties {
		if p.Vendor.value == "" || p.Code.value == "" {
			continue
		}
		if other, taken := codes[p.Code.value]; taken && other.value != p.Vendor.value {
			r.fail(p.Code.at, "%s.code: %q stands already for %s; one code is one counterparty",
				p.path, p.Code.value, cmp.Or(clip(other.value), "the employee"))
			continue
		}
		codes[p.Code.value] = p.Vendor
	}
	for _, p := range parties {
		// A debit memo's code is the counterparty's with a D behind it.
		if base, d := strings.CutSuffix(p.Code.value, "D"); d {
			if _, taken := codes[base]; taken {
				r.fail(p.Code.at, "%s.code: %q is also the debit memo of %q; choose another", p.path, p.Code.value, base)
			}
		}
	}
}

// across checks what concerns more than one section.
func (r *reader) across(c *content) {
	r.codes(c)
	toEmployee := false
	for _, name := range slices.Sorted(maps.Keys(c.Counterparties)) {
		p := c.Counterparties[name]
		toEmployee = toEmployee || p.Employee || p.Personal.value == employeeOwes
		if p.Personal.value == employeeOwes && c.Personal.Account.value == "" {
			r.fail(p.Personal.at, "counterparties.%s.personal: employee_owes needs personal.account, the clearing account of what the employee pays back", clip(name))
		}
	}
	if toEmployee && len(c.Employees.Vendors) == 0 && len(c.Employees.Match) == 0 {
		r.fail(firstPos(c.Employees.At, pos{1, 1}), `employees are owed, but nothing says which vendor one is; add under employees a pattern such as "E{employee_id}", match: column, or vendors`)
	}
	if c.CostCentres.Report.value == "" && c.CostCentres.Invoice.value == "" && c.CostCentres.At.line == 0 {
		for _, t := range c.Accounts.templates() {
			if t.uses("cost_centre") {
				r.fail(t.at, "the account uses {cost_centre}, but the section cost_centres is missing")
				break
			}
		}
	}
}
