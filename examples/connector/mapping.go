package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/rehearsal"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type mappingCommand struct {
	Lint     mappingLintCommand     `cmd:"" help:"Say what in the rules is wrong or has no effect."`
	Explain  mappingExplainCommand  `cmd:"" help:"Say why each value of a document that was posted is what it is."`
	Coverage mappingCoverageCommand `cmd:"" help:"Say which rules book how much of past documents, and what parks."`
	Diff     mappingDiffCommand     `cmd:"" help:"Say what another version of the rules would make of past documents."`
	Schema   mappingSchemaCommand   `cmd:"" help:"Print the JSON Schema of rule files, for editors."`
	Table    mappingTableCommand    `cmd:"" help:"Keep rows of tables (store: in the rules) in the connector."`
}

type mappingLintCommand struct {
	File string `arg:"" optional:"" name:"file" help:"Rules; without it those of the configuration, or of the data directory."`
	pastFlags
	JSON bool `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of mapping lint.
func (c *mappingLintCommand) Help() string {
	return `Reads the rules and says what can never count: rules that one before takes everything from, tables that nothing uses.
With -c or --data it also says which rules no past document was booked by. Faults and dead rules are exit code 2; a rule
that was merely not needed yet is not.`
}

// lintView is what programs see.
type lintView struct {
	Rules     string          `json:"rules"`
	Version   string          `json:"version"`
	Documents int             `json:"documents"` // past ones that were looked at
	Findings  []rules.Finding `json:"findings"`
}

// Run lints.
func (c *mappingLintCommand) Run(ctx context.Context, p *program) (err error) {
	if c.File != "" {
		c.Mapping = c.File
	}
	t, err := c.open(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	view := lintView{Rules: t.path, Version: t.set.Version(), Findings: append([]rules.Finding{}, t.set.Lint()...)}
	dead := len(view.Findings)
	if t.data != nil {
		cover, err := t.set.Cover(ctx, t.tables, t.stored(ctx))
		if err != nil {
			return err
		}
		view.Documents = cover.Documents
		told := map[int]bool{}
		for _, f := range view.Findings {
			told[f.Line] = true
		}
		for _, f := range cover.Findings {
			if !told[f.Line] {
				view.Findings = append(view.Findings, f)
			}
		}
	}
	if c.JSON {
		err = p.print(view)
	} else {
		for _, f := range view.Findings {
			p.screen.Printf("%s\n", f)
		}
		p.screen.Printf("%d account rules in %s, version %.12s", t.set.Rules(), t.path, view.Version)
		if t.data != nil {
			p.screen.Printf(", held against %d past %s", view.Documents, plural(view.Documents, "document", "documents"))
		}
		p.screen.Printf(": %s\n", findings(dead, len(view.Findings)-dead))
	}
	if err == nil && dead > 0 {
		err = &mendError{unmended(dead)}
	}
	return err
}

// findings says how many there are of what can never count, and of what did not yet.
func findings(dead, unused int) string {
	if dead+unused == 0 {
		return "nothing to say"
	}
	return fmt.Sprintf("%d to mend, %d never used", dead, unused)
}

type mappingCoverageCommand struct {
	pastFlags
	JSON bool `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of mapping coverage.
func (c *mappingCoverageCommand) Help() string {
	return `Maps the documents that were taken in and says by value, currency by currency, how much of them the rules cover, which
rule books how much, and what parks, the most frequent first. Epicor is not asked. Exit code 2 when something parks.`
}

// Run shows the coverage.
func (c *mappingCoverageCommand) Run(ctx context.Context, p *program) (err error) {
	t, err := c.open(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	cover, err := t.set.Cover(ctx, t.tables, t.stored(ctx))
	if err != nil {
		return err
	}
	if c.JSON {
		err = p.print(cover)
	} else {
		showCoverage(p.screen, t.path, cover)
	}
	if err == nil && !c.JSON {
		gone, counted := t.data.Gone(ctx, t.tenant)
		if gone > 0 {
			p.screen.Printf("%s not looked at, of any day: the contents were dropped after the time of policy.keep_contents.\n", count(gone, "document", plural(gone, "was", "were")))
		}
		err = counted
	}
	if err == nil && cover.Parked > 0 {
		err = &mendError{fmt.Errorf("%d of %d documents would park", cover.Parked, cover.Documents)}
	}
	return err
}

func showCoverage(s *screen.Screen, path string, c *rules.Coverage) {
	s.Printf("%d past %s by %s, version %.12s: %d post, %d park, %d with nothing to post\n",
		c.Documents, plural(c.Documents, "document", "documents"), path, c.Version, c.Mapped, c.Parked, c.Empty)
	s.Heading("Covered by value (amounts without their signs: what is given back counts as much as what is owed)")
	v := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "currency"}, {Title: "documents", Right: true}, {Title: "covered", Right: true}, {Title: "share", Right: true}}}
	for _, currency := range currencies(c.Total) {
		v.Add(currency, screen.Amount(c.Total[currency], currency), screen.Amount(c.Covered[currency], currency), share(c.Covered, c.Total, currency))
	}
	v.Write(s)
	s.Heading("Account rules, in the order in which they are tried")
	t := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "line", Right: true}, {Title: "rule"}, {Title: "documents", Right: true}, {Title: "splits", Right: true}, {Title: "booked", Gives: true}}}
	for _, u := range c.Rules {
		line := ""
		if u.Line > 0 {
			line = fmt.Sprint(u.Line)
		}
		var booked []string
		for _, currency := range currencies(u.Value) {
			booked = append(booked, screen.Money(u.Value[currency], currency))
		}
		t.Add(line, u.Rule, fmt.Sprint(u.Documents), fmt.Sprint(u.Splits), strings.Join(booked, ", "))
	}
	t.Write(s)
	if len(c.Gaps) == 0 {
		return
	}
	s.Heading("What parks")
	for _, g := range c.Gaps {
		var amounts []string
		for _, currency := range currencies(g.Amount) {
			amounts = append(amounts, screen.Money(g.Amount[currency], currency))
		}
		s.Printf("  %s %s  %d %s, %s: %s\n", s.Paint(screen.Bold, g.Code), g.Value, g.Documents, plural(g.Documents, "document", "documents"),
			strings.Join(amounts, ", "), strings.Join(g.Examples, ", "))
		s.Printf("      do: %s\n", g.Remedy)
	}
}

func currencies(v rules.Value) []string {
	var out []string
	for c := range v {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// share is how much of a whole a part is, in percent, cut to one decimal: 99.9 %
// is not all.
func share(part, whole rules.Value, currency string) string {
	if whole[currency].IsZero() {
		return ""
	}
	return part[currency].Shift(2).DivRound(whole[currency], 6).Truncate(1).StringFixed(1) + " %"
}

type mappingDiffCommand struct {
	Before string `arg:"" name:"before" help:"Rules as they are."`
	After  string `arg:"" name:"after" help:"Rules as they shall be."`
	pastFlags
	JSON bool `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of mapping diff.
func (c *mappingDiffCommand) Help() string {
	return `Maps the documents that were taken in by both versions and says which would be posted otherwise, which would park, and how
much would move between accounts. Nothing that is posted is changed. Epicor is not asked. Exit code 2 when a document
that posts by the first version would park by the second.`
}

// Run compares.
func (c *mappingDiffCommand) Run(ctx context.Context, p *program) (err error) {
	before, err := loadRules(c.Before)
	if err != nil {
		return err
	}
	c.Mapping = c.After
	t, err := c.open(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	d, err := rules.Compare(ctx, before, t.set, t.tables, t.stored(ctx))
	if err != nil {
		return err
	}
	if c.JSON {
		err = p.print(d)
	} else {
		showDiff(p.screen, c.Before, c.After, d)
	}
	if n := d.Counts[rules.NowParks]; err == nil && n > 0 {
		err = &mendError{fmt.Errorf("%d %s would park that %s now", n, plural(n, "document", "documents"), plural(n, "posts", "post"))}
	}
	return err
}

var outcomeWords = map[rules.Outcome]string{
	rules.Changed: "posted otherwise", rules.NowPosts: "posts, where it did not", rules.NowParks: "parks, where it posted", rules.OtherPark: "parks for another reason",
}

func showDiff(s *screen.Screen, before, after string, d *rules.Comparison) {
	s.Printf("%d past %s by %s (%.12s) and %s (%.12s): %d the same, %d posted otherwise, %d post now, %d park now, %d park for another reason\n",
		d.Documents, plural(d.Documents, "document", "documents"), before, d.Before, after, d.After,
		d.Counts[rules.Same], d.Counts[rules.Changed], d.Counts[rules.NowPosts], d.Counts[rules.NowParks], d.Counts[rules.OtherPark])
	for _, x := range d.Different {
		s.Printf("\n%s   %s   %s\n", s.Paint(screen.Bold, x.Document), screen.Money(x.Amount, x.Currency), outcomeWords[x.Outcome])
		for _, c := range x.Changes {
			s.Printf("  %s: %s → %s%s\n", c.Field, orNone(c.Before), orNone(c.After), because(c))
		}
		for _, i := range x.Issues {
			was := ""
			if x.Outcome == rules.NowPosts {
				was = "was "
			}
			s.Printf("  %s%s %s  at %s: %s\n", was, i.Code, i.Value, i.Field, i.Message)
		}
	}
	if len(d.Moves) == 0 {
		return
	}
	s.Heading("Moved between accounts")
	t := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "currency"}, {Title: "account"}, {Title: "more (+) or less (-)", Right: true}}}
	for _, m := range d.Moves {
		sign := ""
		if m.Amount.IsPositive() {
			sign = "+"
		}
		t.Add(m.Currency, m.Account, sign+screen.Amount(m.Amount, m.Currency))
	}
	t.Write(s)
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func because(c rules.Change) string {
	switch {
	case c.RuleBefore == "" && c.RuleAfter == "" || c.RuleBefore == c.RuleAfter:
		return ""
	default:
		return "   because " + orNone(c.RuleAfter) + ", was " + orNone(c.RuleBefore)
	}
}

type mappingExplainCommand struct {
	Document string `arg:"" name:"document" help:"Number (A1B2C3), id, or number of an AP invoice that was made of it."`
	dataFlags
	Field string `placeholder:"TEXT" help:"Only values whose place holds this text, such as 'account' or 'line 2'."`
}

// Help is the text below the help of mapping explain.
func (c *mappingExplainCommand) Help() string {
	return `Shows the reasons that were noted when the document was mapped, with the version of the rules: what was decided then, also
if the rules have changed since. What they would decide now is shown by ml-connector simulate.`
}

// explainView is what programs see.
type explainView struct {
	Document app.Label         `json:"document"`
	ID       string            `json:"id"`
	Tenant   string            `json:"tenant"`
	Mapping  string            `json:"mapping"` // version of rules and tables
	Posting  *document.Posting `json:"posting,omitempty"`
	Reasons  []mapping.Reason  `json:"reasons"`
	Issues   []connector.Issue `json:"issues,omitempty"`
}

// Run explains.
func (c *mappingExplainCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	views := []explainView{}
	for _, tenant := range tenants {
		found, err := d.Find(ctx, tenant, c.Document)
		if err != nil {
			return err
		}
		for _, x := range found {
			v := explainView{Document: x.Label, ID: x.ID.Document, Tenant: tenant, Mapping: x.Mapping, Posting: x.Posting, Reasons: []mapping.Reason{}, Issues: x.Issues}
			reasons, err := d.Engine.Reasons(ctx, x.Status)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			for _, r := range reasons {
				if c.Field == "" || strings.Contains(strings.ToLower(r.Field), strings.ToLower(c.Field)) {
					v.Reasons = append(v.Reasons, r)
				}
			}
			views = append(views, v)
		}
	}
	if len(views) == 0 {
		return &mendError{fmt.Errorf("there is no document %q in %s", c.Document, d.Dir)}
	}
	if c.JSON {
		return p.print(views)
	}
	for _, v := range views {
		head := []string{p.screen.Paint(screen.Bold, v.Document.String()), v.ID}
		if v.Mapping != "" {
			head = append(head, fmt.Sprintf("mapping %.12s", v.Mapping))
		}
		p.screen.Printf("%s\n", strings.Join(head, "   "))
		switch {
		case len(v.Reasons) > 0:
			showReasons(p.screen, v.Reasons)
		case len(v.Issues) > 0:
			showIssues(p.screen, v.Issues)
		default:
			p.screen.Printf("  nothing was mapped of it%s\n", map[bool]string{true: " at such a place"}[c.Field != ""])
		}
	}
	return nil
}

type mappingSchemaCommand struct{}

// Help is the text below the help of mapping schema.
func (c *mappingSchemaCommand) Help() string {
	return `An editor that has the schema shows what a key means and marks what is wrong while you write. Write it beside the rules,

  ml-connector mapping schema > mapping.schema.json

and let the first line of mapping.yaml be

  # yaml-language-server: $schema=mapping.schema.json`
}

// Run prints the schema.
func (c *mappingSchemaCommand) Run(p *program) error {
	_, err := p.stdout.Write(rules.Schema())
	return err
}

var _ rehearsal.Mapper = (*rules.Mapper)(nil)
