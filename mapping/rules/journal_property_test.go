package rules_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// documents is how many generated documents the second calculation sees.
var documents = flag.Int("documents", 10_000, "how many documents the independent calculation is made of")

// generated makes a journaled report of whole numbers of the currency's smallest
// unit, which the test's own calculation works on, without any decimal.
type generated struct {
	doc document.Document
	// entries of the journal as plain numbers
	lines []plainLine
	// set off, below zero
	advances int64
	digits   int
	// tax that is not reclaimed has an account of its own
	kept bool
}

type plainLine struct {
	party           string
	gross           int64
	tax, reclaim    int64
	erp, private    bool
	source, payroll bool
	kind, centre    string // of the expense, and where its cost belongs
}

// account is where the sample rules book the cost of a line.
func (l plainLine) account(cost int64) string {
	segment := l.centre
	if segment == "2000" {
		segment = "200"
	}
	switch {
	case l.private:
		return "1490|000|00"
	case l.kind == "MEALS":
		return "6420|" + segment + "|00"
	case l.kind == "AIRFR" && cost < 0:
		return "6415|" + segment + "|00"
	default:
		return "6410|" + segment + "|00"
	}
}

func amountOf(units int64, digits int) string {
	sign := ""
	if units < 0 {
		sign, units = "-", -units
	}
	s := fmt.Sprintf("%0*d", digits+1, units)
	if digits == 0 {
		return sign + s
	}
	return sign + s[:len(s)-digits] + "." + s[len(s)-digits:]
}

func generate(r *rand.Rand) generated {
	currencies := []string{"USD", "JPY", "KWD"}
	n := r.IntN(3)
	g := generated{digits: []int{2, 0, 3}[n]}
	g.doc = journaled("0")
	g.doc.Currency = currencies[n]
	money := func(units int64) string { return amountOf(units, g.digits) }
	parties := []string{"EMPL", "CBCP", "IBCP", "COPD"}
	total := int64(0)
	g.doc.Payroll = r.IntN(8) == 0
	for i := range 1 + r.IntN(6) {
		e := entry(fmt.Sprint(i), []string{"TAXI", "MEALS", "AIRFR"}[r.IntN(3)], "CASH", "0")
		e.SourcePays = r.IntN(10) == 0
		if !e.SourcePays && r.IntN(6) == 0 { // private, on a company card
			units := 1 + r.Int64N(1e6)
			e.Personal = true
			e.Allocations = []document.Allocation{{Journal: []document.Journal{
				books("COMP", "CBCP", "199999", money(units)), books("EMPL", "COMP", "199999", money(-units)),
			}}}
			g.lines = append(g.lines,
				plainLine{party: "CBCP", gross: units, private: true},
				plainLine{party: "EMPL", gross: -units, private: true, payroll: g.doc.Payroll})
			g.doc.Entries = append(g.doc.Entries, e)
			continue
		}
		approved := int64(0)
		for range 1 + r.IntN(3) {
			where := []string{"200", "2000", "310", ""}[r.IntN(4)]
			a := document.Allocation{}
			if where != "" {
				a.Custom = centre(where)
			} else {
				where = "200" // the expense's own
			}
			share := int64(0)
			for range 1 + r.IntN(2) {
				l := plainLine{party: parties[r.IntN(4)], gross: r.Int64N(2e6) - 4e5, source: e.SourcePays, payroll: g.doc.Payroll, kind: e.Type.Code, centre: where}
				j := document.Journal{Payer: "COMP", Payee: l.party, Account: "5"}
				if l.gross < 0 {
					j.Payer, j.Payee = l.party, "COMP"
				}
				if r.IntN(3) == 0 {
					l.tax = l.gross / (2 + r.Int64N(9))
					l.reclaim = l.tax / (1 + r.Int64N(3))
					code := "VA"
					if l.erp = r.IntN(2) == 0; l.erp {
						code = "EU"
					}
					j.Taxes = []document.TaxPart{{ReclaimCode: code, Amount: dec(money(l.tax)), Reclaim: dec(money(l.reclaim))}}
				}
				j.Gross, j.NetOfTax, j.NetOfReclaim = dec(money(l.gross)), dec(money(l.gross-l.tax)), dec(money(l.gross-l.reclaim))
				a.Journal = append(a.Journal, j)
				g.lines = append(g.lines, l)
				share += l.gross
			}
			a.Amount = dec(money(share))
			e.Allocations = append(e.Allocations, a)
			approved += share
		}
		e.Amount = dec(money(approved))
		total += approved
		g.doc.Entries = append(g.doc.Entries, e)
	}
	for range r.IntN(3) {
		off := r.Int64N(5e5)
		g.advances -= off
		g.doc.Advances = append(g.doc.Advances, document.Advance{ID: "CA", Account: "CADV", Kind: "2", Amount: dec(money(-off))})
	}
	g.doc.Total = dec(money(total))
	return g
}

// secondCalculation says what vendors are owed and accounts change by, straight
// from the plain lines. It knows nothing of pieces, groups or decimals.
func (g generated) secondCalculation() (owed, accounts map[string]int64) {
	owed, accounts = map[string]int64{}, map[string]int64{}
	vendor := map[string]string{"EMPL": "E1042", "CBCP": "V0090", "IBCP": "V0088", "COPD": "V0095"}
	for _, l := range g.lines {
		who := vendor[l.party]
		if l.payroll && l.party == "EMPL" {
			who = "V0096"
		}
		if l.source {
			who = "V0211"
		}
		owed[who] += l.gross
		cost := l.gross - l.reclaim
		if g.kept {
			cost -= l.tax - l.reclaim
			accounts["6990|000|00"] += l.tax - l.reclaim
		}
		accounts[l.account(cost)] += cost
		if l.erp {
			accounts["VAT/STD"] += l.reclaim
		} else {
			accounts["1370|000|00"] += l.reclaim
		}
	}
	// Whoever pays the employee pays him less, but nothing below zero of it.
	var elsewhere int64
	for _, l := range g.lines {
		if l.party == "EMPL" && (l.source || l.payroll) {
			elsewhere += l.gross
		}
	}
	payer := "V0096"
	if g.service() {
		payer = "V0211"
	}
	off := min(max(elsewhere, 0), -g.advances)
	owed[payer] -= off
	owed["E1042"] += g.advances + off
	accounts["1250|000|00"] += g.advances
	return owed, accounts
}

// service reports whether Expense Pay pays the employee something.
func (g generated) service() bool {
	return slices.ContainsFunc(g.lines, func(l plainLine) bool { return l.source && l.party == "EMPL" && l.gross != 0 })
}

// mixed reports whether the employee is paid by several and has an advance,
// which stops.
func (g generated) mixed() bool {
	other := slices.ContainsFunc(g.lines, func(l plainLine) bool { return !l.source && l.party == "EMPL" && l.gross != 0 })
	return len(g.doc.Advances) > 0 && g.service() && other
}

func independent(t testing.TB, oldNew ...string) *rules.Mapper {
	t.Helper()
	open := accounts()
	for i := range open {
		open[i].To = ""
	}
	all, err := document.NewTables("EPIC06", vendors(), open, nil)
	require.NoError(t, err)
	return rules.New(changed(t, append([]string{
		"expense_pay: refuse ", "expense_pay: {vendor: V0211, code: X} ", "payroll: refuse ", "payroll: {vendor: V0096, code: R} ",
	}, oldNew...)...), rules.StaticTables(all))
}

// holds compares a posting with the second calculation.
func (g generated) holds(t require.TestingT, p document.Posting) {
	owed, accounts := g.secondCalculation()
	agree(t, p, g.digits, owed, accounts)
}

// agree compares what vendors are owed and accounts change by, each GL account by
// itself, with whole numbers of the smallest unit.
func agree(t require.TestingT, p document.Posting, digits int, owed, accounts map[string]int64) {
	gotOwed, gotAccounts := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	add := func(of map[string]decimal.Decimal, key string, amount decimal.Decimal) { of[key] = of[key].Add(amount) }
	for _, inv := range p.Invoices {
		add(gotOwed, inv.Vendor, inv.Amount)
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				add(gotAccounts, s.Account, s.Amount)
			}
		}
		for _, x := range inv.Taxes {
			add(gotAccounts, x.Code+"/"+x.Rate, x.Amount)
		}
	}
	compare := func(what string, want map[string]int64, got map[string]decimal.Decimal) {
		for key, units := range want {
			if !got[key].Equal(decimal.New(units, -int32(digits))) {
				require.Failf(t, "they differ", "%s %s: %s, by the second calculation %s", what, key, got[key], amountOf(units, digits))
			}
		}
		for key, have := range got {
			if _, known := want[key]; !known && !have.IsZero() {
				require.Failf(t, "they differ", "%s %s: %s, by the second calculation nothing", what, key, have)
			}
		}
	}
	compare("vendor", owed, gotOwed)
	compare("account", accounts, gotAccounts)
}

// The postings of generated documents are what a second, differently built
// calculation makes of them. go test -run Second ./mapping/rules -documents 1000000
// is the long version.
func TestASecondCalculationAgrees(t *testing.T) {
	netted, split, kept := independent(t), independent(t, "netting: net ", "netting: by_sign "), independent(t, "  # kept:", "  kept:")
	empty, stopped := 0, 0
	for seed := range *documents {
		g := generate(rand.New(rand.NewPCG(uint64(seed), 7)))
		m := netted
		switch seed % 4 {
		case 0:
			m = split
		case 1:
			m, g.kept = kept, true
		}
		result, err := m.Map(t.Context(), g.doc)
		if g.mixed() {
			var found mapping.Issues
			require.ErrorAs(t, err, &found, "seed %d", seed)
			require.Len(t, found, 1, "seed %d", seed)
			require.Equal(t, rules.CashAdvance, found[0].Code, "seed %d", seed)
			stopped++
			continue
		}
		require.NoError(t, err, "seed %d", seed)
		if result.Empty {
			empty++
			continue
		}
		require.NoError(t, result.Posting.Check(), "seed %d", seed)
		g.holds(t, result.Posting)
	}
	require.Less(t, empty+stopped, *documents/2)
	t.Logf("%d documents, 0 differences; of these %d stopped, as they must", *documents, stopped)
}

func TestAPostingSetAlwaysBalances(t *testing.T) {
	m := independent(t)
	rapid.Check(t, func(t *rapid.T) {
		g := generate(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "stream"))))
		if g.mixed() {
			return
		}
		result, err := m.Map(t.Context(), g.doc)
		require.NoError(t, err)
		owed, changed := dec("0"), dec("0")
		for _, inv := range result.Posting.Invoices {
			owed = owed.Add(inv.Amount)
			for _, l := range inv.Lines {
				for _, s := range l.Splits {
					changed = changed.Add(s.Amount)
				}
			}
			for _, x := range inv.Taxes {
				changed = changed.Add(x.Amount)
			}
			require.Equal(t, inv.Amount.IsNegative(), inv.DebitMemo)
		}
		require.True(t, owed.Equal(changed), "accounts change by %s, and %s is owed", changed, owed)
	})
}
