package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/document"
)

type vendorsCommand struct {
	Reconcile vendorsReconcileCommand `cmd:"" help:"Compare Concur's suppliers and employees with Epicor's vendors, by the rules that documents are posted by."`
}

type vendorsReconcileCommand struct {
	configFlags
	Tenant string   `placeholder:"NAME" help:"Only this tenant. Default: all."`
	State  []string `placeholder:"STATE" help:"Only these: matched, missing, ambiguous, inactive. On a screen matched ones are counted only, unless they are asked for."`
	CSV    string   `name:"csv" placeholder:"FILE" help:"Write a table for spreadsheets to FILE; - is standard output."`
	JSON   bool     `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of vendors reconcile.
func (c *vendorsReconcileCommand) Help() string {
	return `Nobody is ever matched by name, and nothing is changed: similar names are suggestions for a person. Exit code 2 when
somebody has no vendor that may be used.`
}

// matchView is one match as programs see it.
type matchView struct {
	Tenant string `json:"tenant"`
	document.VendorMatch
}

// states are the states of matches in the order of their urgency.
var matchStates = []document.MatchState{document.Missing, document.Ambiguous, document.Inactive, document.Matched}

// Run reads both systems and compares.
func (c *vendorsReconcileCommand) Run(ctx context.Context, p *program) (err error) {
	for _, s := range c.State {
		if !slices.Contains(matchStates, document.MatchState(s)) {
			return &mendError{fmt.Errorf("--state %s: there are missing, ambiguous, inactive, matched", s)}
		}
	}
	a, file, err := c.open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	tenants, err := chosen(file, c.Tenant)
	if err != nil {
		return err
	}
	all := []matchView{}
	for _, tenant := range tenants {
		ms, err := a.MatchVendors(ctx, tenant)
		if err != nil {
			return err
		}
		for _, m := range ms {
			all = append(all, matchView{tenant, m})
		}
	}
	amiss := 0
	for _, m := range all {
		if m.State != document.Matched {
			amiss++
		}
	}
	if err := c.write(p, all, len(tenants) > 1); err != nil {
		return err
	}
	if amiss > 0 {
		return &mendError{fmt.Errorf("%d of %d suppliers and employees %s no vendor in Epicor that may be used", amiss, len(all), plural(amiss, "has", "have"))}
	}
	return nil
}

func (c *vendorsReconcileCommand) write(p *program, all []matchView, withTenant bool) error {
	shown := slices.DeleteFunc(slices.Clone(all), func(m matchView) bool {
		if len(c.State) > 0 {
			return !slices.Contains(c.State, string(m.State))
		}
		return !c.JSON && c.CSV == "" && m.State == document.Matched
	})
	slices.SortStableFunc(shown, func(a, b matchView) int {
		return slices.Index(matchStates, a.State) - slices.Index(matchStates, b.State)
	})
	switch {
	case c.CSV == "-":
		return writeCSV(p.stdout, shown)
	case c.CSV != "":
		if err := writeFile(c.CSV, func(w io.Writer) error { return writeCSV(w, shown) }); err != nil {
			return err
		}
	}
	if c.JSON {
		return p.print(shown)
	}
	s := p.screen
	if len(shown) > 0 {
		t := screen.Table{Columns: []screen.Column{
			{Title: "state"}, {Title: "in Concur"}, {Title: "code"}, {Title: "name", Gives: true}, {Title: "vendor in Epicor"}, {Title: "why", Gives: true}, {Title: "perhaps"},
		}}
		if withTenant {
			t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
		}
		for _, m := range shown {
			code := m.Code
			if m.AddressCode != "" {
				code += "/" + m.AddressCode
			}
			t.Add(string(m.State), string(m.Party), code, m.Name, strings.Join(m.Vendors, ", "), m.Why, strings.Join(m.Suggestions, ", "), m.Tenant)
		}
		t.Write(s)
	}
	counts := map[document.MatchState]int{}
	for _, m := range all {
		counts[m.State]++
	}
	s.Printf("%s, %d missing, %d ambiguous, %d inactive\n", s.Paint(screen.Good, fmt.Sprintf("%d matched", counts[document.Matched])),
		counts[document.Missing], counts[document.Ambiguous], counts[document.Inactive])
	if c.CSV != "" {
		s.Printf("Written to %s\n", c.CSV)
	}
	return nil
}

func writeCSV(w io.Writer, ms []matchView) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"tenant", "state", "party", "code", "address_code", "name", "login", "vendors", "why", "suggestions"}}
	for _, m := range ms {
		rows = append(rows, []string{
			m.Tenant, string(m.State), string(m.Party), m.Code, m.AddressCode, m.Name, m.Login, strings.Join(m.Vendors, " "), m.Why, strings.Join(m.Suggestions, " "),
		})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
	}
	return out.WriteAll(rows)
}

// harmless keeps a spreadsheet from taking a text for a formula: a vendor may be
// called =HYPERLINK(…).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
