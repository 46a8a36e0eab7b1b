package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/rehearsal"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

type simulateCommand struct {
	Documents []string `arg:"" optional:"" name:"document" help:"Numbers (A1B2C3) or ids of documents. They are read from Concur; with --stored as they were taken in."`
	pastFlags
	File    []string `placeholder:"FILE" help:"JSON files with documents, such as simulate --json prints."`
	Details bool     `help:"Show every document whole, also where there are several."`
	JSON    bool     `name:"json" help:"Print JSON for programs. It holds data of persons."`
}

// Help is the text below the help of simulate.
func (c *simulateCommand) Help() string {
	return `Shows what would be posted: the AP documents, what is booked as debit and credit, and why each value is what it is.
Nothing is written in Concur, in Epicor or to the ledger's documents; with -c both systems are read, and the calls are
noted in the audit trail. Give numbers, --file, or the days of final approval with --from and --to.

  ml-connector simulate A1B2C3 -c config.yaml                            as it would be posted now
  ml-connector simulate --from 2026-10-01 --to 2026-10-31 -c config.yaml a month, read from Concur
  ml-connector simulate --file report.json --mapping mapping.yaml        without any system

Exit code 2 when a document would park.`
}

// pastFlags say which rules are looked at, which documents, and what is asked.
type pastFlags struct {
	Config  string `short:"c" placeholder:"FILE" help:"Configuration: which systems, which rules, which data directory."`
	Data    string `placeholder:"DIR" help:"Data directory whose stored documents are used, where no configuration is given."`
	Tenant  string `placeholder:"NAME" help:"Of this tenant; needed where there are several."`
	Mapping string `placeholder:"FILE" help:"Rules to try, in place of those that are configured."`
	From    string `placeholder:"DATE" help:"Documents that were finally approved on this day (2026-10-01) or later."`
	To      string `placeholder:"DATE" help:"Documents that were finally approved until this day."`
	Stored  bool   `help:"Take documents as they were taken in, not from Concur."`
	Offline bool   `help:"Do not ask Epicor: what the rules name is taken to exist."`
}

// past is what the flags come to.
type past struct {
	flags  *pastFlags
	app    *app.App  // nil: there is no configuration
	data   *app.Data // nil: there is no data directory either
	tenant string
	path   string // of the rules
	set    *rules.Set
	tables rules.Tables
	asked  bool // Epicor is
	close  func() error
}

// day reads a day of the command line.
func day(flag, text string) (document.Date, error) {
	d, err := document.ParseDate(text)
	if err != nil {
		return "", &mendError{fmt.Errorf("%s %s: write a day as 2026-10-31", flag, text)}
	}
	return d, nil
}

// open opens what the flags name. ask: Epicor is asked, where it can be.
func (f *pastFlags) open(ctx context.Context, p *program, ask bool) (*past, error) {
	t := &past{flags: f, close: func() error { return nil }}
	for _, x := range []struct{ flag, text string }{{"--from", f.From}, {"--to", f.To}} {
		if _, err := day(x.flag, x.text); err != nil {
			return nil, err
		}
	}
	if f.From != "" && f.To != "" && f.To < f.From {
		return nil, &mendError{fmt.Errorf("--to %s is before --from %s", f.To, f.From)}
	}
	switch {
	case f.Config != "":
		if err := f.configured(ctx, p, t, ask); err != nil {
			return nil, errors.Join(err, t.close())
		}
	case f.Data != "":
		d, err := (&dataFlags{Data: f.Data}).data(ctx)
		if err != nil {
			return nil, err
		}
		t.data, t.close, t.path = d, d.Close, f.Data+"/"+app.MappingFile
		if t.tenant, err = oneOf(d.Tenants(), f.Tenant); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if f.Mapping != "" {
		t.path = f.Mapping
	}
	if t.path == "" {
		return nil, errors.Join(&mendError{errors.New("say which rules with --mapping mapping.yaml, or a configuration with -c")}, t.close())
	}
	var err error
	if t.set, err = loadRules(t.path); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if t.tables == nil {
		var rows rules.RowStore
		if t.data != nil {
			rows = t.data.Rows(t.tenant)
		}
		t.tables = rules.Unchecked(rows)
	}
	return t, nil
}

func (f *pastFlags) configured(ctx context.Context, p *program, t *past, ask bool) error {
	a, file, err := (&configFlags{Config: f.Config}).open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return err
	}
	t.app, t.data, t.close = a, a.Data, a.Close
	if t.tenant, err = one(file, f.Tenant); err != nil {
		return err
	}
	m, err := a.Mapper(t.tenant)
	if err != nil {
		return err
	}
	t.path = m.Path()
	if ask && !f.Offline {
		t.asked = true
		t.tables, err = a.Tables(t.tenant)
	}
	return err
}

// oneOf chooses a tenant.
func oneOf(all []string, name string) (string, error) {
	switch {
	case name != "" && !slices.Contains(all, name):
		return "", &mendError{fmt.Errorf("there is no tenant %q; there are: %s", name, strings.Join(all, ", "))}
	case name != "":
		return name, nil
	case len(all) != 1:
		return "", &mendError{fmt.Errorf("say for which tenant with --tenant: %s", strings.Join(all, ", "))}
	}
	return all[0], nil
}

// loadRules reads rules; a file that is not there is something to mend.
func loadRules(path string) (*rules.Set, error) {
	set, err := rules.LoadFile(path)
	var faults rules.Errors
	if err != nil && !errors.As(err, &faults) {
		err = &mendError{err}
	}
	return set, err
}

// within reports whether a day lies between the flags'. A document without one is
// left out where days are asked for.
func (f *pastFlags) within(d document.Date) bool {
	if f.From == "" && f.To == "" {
		return true
	}
	return d != "" && string(d) >= f.From && (f.To == "" || string(d) <= f.To)
}

// Run simulates.
func (c *simulateCommand) Run(ctx context.Context, p *program) (err error) {
	ranged := c.From != "" || c.To != ""
	if len(c.Documents) == 0 && len(c.File) == 0 && !ranged {
		return &mendError{errors.New("say which documents: numbers, --file, or --from and --to; see ml-connector simulate --help")}
	}
	if (len(c.Documents) > 0 || ranged) && c.Config == "" && c.Data == "" {
		return &mendError{errors.New("documents that are not in a file need -c config.yaml, or --data with a data directory")}
	}
	t, err := c.open(ctx, p, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	view := simulation{Rules: t.path, Version: t.set.Version(), AskedEpicor: t.asked, Results: []rehearsal.Result{}}
	m := rules.New(t.set, t.tables)
	try := func(snap snapshot) error {
		if snap.Phase != "" && rehearsal.Unread(snap) {
			view.Results = append(view.Results, rehearsal.Result{Document: snap.Content, Outcome: rehearsal.Waits, Phase: string(snap.Phase), Why: snap.Why})
			return nil
		}
		r, err := rehearsal.Try(t.scope(ctx), m, snap.Content)
		if err != nil {
			return err
		}
		r.Phase = string(snap.Phase)
		view.Results = append(view.Results, r)
		return nil
	}
	for _, path := range c.File {
		for doc, err := range rehearsal.File(path) {
			if err != nil {
				return &mendError{err}
			}
			if err := try(snapshot{Content: doc}); err != nil {
				return err
			}
		}
	}
	if err := t.each(ctx, c.Documents, ranged, try); err != nil {
		return err
	}
	if t.financial() && !c.Stored && !c.JSON && (ranged || len(c.Documents) > 0) {
		p.screen.Printf("Documents come by the queue of the Financial Integration Service here: they are shown as they were taken in, as with --stored; what was not taken yet is not among them.\n")
	}
	view.Sums = rehearsal.Sums(view.Results)
	if c.JSON {
		err = p.print(view)
	} else {
		view.show(p.screen, c.Details)
	}
	if err == nil {
		err = view.unposted()
	}
	return err
}

// snapshot is a document with what its source says of it; of one that is stored
// or stands in a file there is no Phase.
type snapshot = connector.Snapshot[document.Document]

// scope lets calls to Epicor be noted in the audit trail.
func (t *past) scope(ctx context.Context) context.Context {
	if t.app == nil {
		return ctx
	}
	return t.app.Scope(ctx, t.tenant, "simulate")
}

// each visits documents by number, and those of the days that the flags name.
func (t *past) each(ctx context.Context, numbers []string, ranged bool, visit func(snapshot) error) error {
	fromConcur := t.app != nil && !t.flags.Stored && !t.financial()
	for _, number := range numbers {
		found, err := t.data.Find(ctx, t.tenant, number)
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(found))
		for _, x := range found {
			if !fromConcur && x.Document == nil && app.ContentsDropped(x.Status) {
				return &mendError{fmt.Errorf("%s: what was stored of it was dropped after the time of policy.keep_contents; nothing is left to simulate", number)}
			}
			if !fromConcur && x.Document == nil {
				return &mendError{fmt.Errorf("%s: nothing is stored of it, because it was not approved yet when it was looked at", number)}
			}
			if !fromConcur {
				if err := visit(snapshot{Content: *x.Document}); err != nil {
					return err
				}
				continue
			}
			ids = append(ids, x.ID.Document)
		}
		if len(found) == 0 && fromConcur {
			ids = []string{number}
			if !strings.Contains(number, "/") {
				ids[0] = string(document.Report) + "/" + number
			}
		}
		if len(found) == 0 && !fromConcur {
			return &mendError{fmt.Errorf("there is no document %q in %s", number, t.data.Dir)}
		}
		for _, id := range ids {
			if err := t.read(ctx, id, number, visit); err != nil {
				return err
			}
		}
	}
	switch {
	case !ranged:
		return nil
	case !fromConcur:
		for doc, err := range t.stored(ctx) {
			if err != nil {
				return err
			}
			if err := visit(snapshot{Content: doc}); err != nil {
				return err
			}
		}
		return nil
	}
	// The approvals' own calendar is the source's; a day more on both sides, and
	// then by the document's own date.
	since, until := bounds(t.flags.From, t.flags.To)
	ids, err := t.app.ApprovedDocuments(ctx, t.tenant, since, until)
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := t.read(ctx, id, id, func(snap snapshot) error {
			if !t.flags.within(snap.Content.Approved) {
				return nil
			}
			return visit(snap)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// financial reports whether documents come by the queue of the Financial
// Integration Service: Concur hands each over once, with its journal, and what it
// says of the report besides is not what is posted.
func (t *past) financial() bool { return t.app != nil && t.app.Financial(t.tenant) }

// bounds are moments around the days of two dates.
func bounds(from, to string) (since, until time.Time) {
	since, until = time.Now().AddDate(-1, 0, 0), time.Time{}
	if d, err := time.Parse(time.DateOnly, from); err == nil {
		since = d.AddDate(0, 0, -1)
	}
	if d, err := time.Parse(time.DateOnly, to); err == nil {
		until = d.AddDate(0, 0, 2)
	}
	return since, until
}

func (t *past) read(ctx context.Context, id, asked string, visit func(snapshot) error) error {
	snap, err := t.app.Read(ctx, t.tenant, id)
	var refused *connector.Rejection
	switch {
	case errors.As(err, &refused) && !strings.Contains(asked, "/") && refused.Issues[0].Code == concursync.ReportOwnerUnknown:
		return &mendError{fmt.Errorf("no document %q: not in the ledger, and not among Concur's recent reports; check the number, or give the id in Concur, such as report/4D1E5C0F1A2B3C4D5E6F", asked)}
	case errors.Is(err, connector.ErrNotFound):
		return &mendError{fmt.Errorf("there is no document %q in Concur; give its number, if the connector knows it, or its id such as report/4D1E5C0F1A2B3C4D5E6F", asked)}
	case err != nil:
		return err
	}
	return visit(snap)
}

// stored yields the documents of the data directory, of the days that the flags
// name.
func (t *past) stored(ctx context.Context) func(func(document.Document, error) bool) {
	return func(yield func(document.Document, error) bool) {
		if t.data == nil {
			yield(document.Document{}, &mendError{errors.New("past documents stand in a data directory: name a configuration with -c, or the directory with --data")})
			return
		}
		for doc, err := range t.data.Documents(ctx, t.tenant) {
			if err == nil && !t.flags.within(doc.Approved) {
				continue
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// simulation is what programs see.
type simulation struct {
	Rules       string             `json:"rules"`
	Version     string             `json:"version"`      // of the rules alone
	AskedEpicor bool               `json:"asked_epicor"` // vendors, accounts and periods were looked up
	Results     []rehearsal.Result `json:"results"`
	Sums        []rehearsal.Sum    `json:"sums"`
}

func (v *simulation) count(o rehearsal.Outcome) int {
	n := 0
	for _, r := range v.Results {
		if r.Outcome == o {
			n++
		}
	}
	return n
}

// unposted says how many documents would not be posted as they are, nil where all
// would.
func (v *simulation) unposted() error {
	var said []string
	if n := v.count(rehearsal.Parks); n > 0 {
		said = append(said, fmt.Sprintf("%d of %s would park", n, count(len(v.Results), "document", "")))
	}
	if n := v.count(rehearsal.Waits); n > 0 {
		said = append(said, count(n, "document", plural(n, "is", "are")+" not finally approved"))
	}
	if len(said) == 0 {
		return nil
	}
	return &mendError{errors.New(strings.Join(said, "; "))}
}

func (v *simulation) show(s *screen.Screen, details bool) {
	looked := "vendors, accounts and periods of Epicor were looked up"
	if !v.AskedEpicor {
		looked = "Epicor was not asked: whether vendors, accounts and periods exist there was not looked up"
	}
	s.Printf("%s\n", s.Paint(screen.Faint, fmt.Sprintf("Simulated by %s, version %.12s; %s. Nothing was written.", v.Rules, v.Version, looked)))
	if len(v.Results) == 0 {
		s.Printf("No document was approved then.\n")
		return
	}
	if len(v.Results) == 1 || details {
		for i := range v.Results {
			showResult(s, &v.Results[i])
		}
	}
	if len(v.Results) == 1 {
		return
	}
	s.Heading("Documents")
	t := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "document"}, {Title: "approved"}, {Title: "amount", Right: true}, {Title: "would"}, {Title: "becomes", Gives: true}}}
	for _, r := range v.Results {
		t.Add(title(&r.Document), string(r.Document.Approved), screen.Money(r.Document.Total, r.Document.Currency), string(r.Outcome), becomes(&r))
	}
	t.Write(s)
	s.Heading("Booked together")
	sums := screen.Table{Indent: 2, Columns: []screen.Column{{Title: "currency"}, {Title: "account"}, {Title: "debit", Right: true}, {Title: "credit", Right: true}}}
	for _, x := range v.Sums {
		sums.Add(x.Currency, x.Account, side(x.Debit, x.Currency), side(x.Credit, x.Currency))
	}
	sums.Write(s)
	waits := ""
	if n := v.count(rehearsal.Waits); n > 0 {
		waits = fmt.Sprintf(", %d not approved yet", n)
	}
	s.Printf("\n%d documents: %d post, %d park, %d with nothing to post%s\n", len(v.Results), v.count(rehearsal.Posts), v.count(rehearsal.Parks), v.count(rehearsal.Nothing), waits)
}
