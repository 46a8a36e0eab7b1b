package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/term"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type replayCommand struct {
	Documents []string `arg:"" optional:"" name:"document" help:"Numbers (A1B2C3) or ids of documents that wait for a person."`
	dataFlags
	Cause  string        `placeholder:"CODE" help:"All that wait for this code, such as cost_centre_unknown."`
	All    bool          `help:"All that wait for a person, whatever the code."`
	Plan   bool          `help:"Only show what a replay would do."`
	Yes    bool          `short:"y" help:"Do it without asking."`
	Reason string        `placeholder:"TEXT" help:"Why, for the audit trail: 'vendor V0400 created'."`
	Here   bool          `name:"run" help:"Work them off here and now, where no serve runs. Needs -c."`
	Wait   time.Duration `default:"10s" help:"How long to wait for what becomes of them. 0s: not at all. Default: ${default}"`
}

// Help is the text below the help of replay.
func (c *replayCommand) Help() string {
	return `A document that waits for a person is looked at anew: fetched, mapped and posted where nothing stands in Epicor, and
looked for in Epicor first where something may. Nothing is ever posted twice. Mend the cause before; docs/errors says
how. A running serve does the work, within a second; without one, say --run.`
}

// planView is what programs see of a replay.
type planView struct {
	Items   []planItem   `json:"items"`
	Sums    []planSum    `json:"sums"`
	Woken   int          `json:"woken"`
	Results []planResult `json:"results,omitempty"`
}

type planItem struct {
	Document app.Label           `json:"document"`
	ID       string              `json:"id"`
	Tenant   string              `json:"tenant"`
	Cause    string              `json:"cause"`
	Action   engine.ReplayAction `json:"action"`
	Totals   []connector.Total   `json:"totals"`
}

type planSum struct {
	Currency  string          `json:"currency"`
	Documents int             `json:"documents"`
	Amount    decimal.Decimal `json:"amount"`
}

type planResult struct {
	Document app.Label   `json:"document"`
	ID       string      `json:"id"`
	Tenant   string      `json:"tenant"`
	Word     engine.Word `json:"word"`
	Cause    string      `json:"cause,omitempty"`
	Message  string      `json:"message,omitempty"`
	Made     []string    `json:"made,omitempty"`
	Touched  bool        `json:"touched"` // somebody worked on it since
}

// Run plans, asks and replays.
func (c *replayCommand) Run(ctx context.Context, p *program) (err error) {
	if (len(c.Documents) > 0) == (c.Cause != "" || c.All) {
		return &mendError{errors.New("name documents, or say --cause CODE or --all; ml-connector transfers list --state parked shows what waits")}
	}
	if c.Here && c.Config == "" {
		return &mendError{errors.New("--run needs the configuration: -c FILE")}
	}
	if err := c.sound(); err != nil {
		return err
	}
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	plans, err := c.plan(ctx, d, tenants)
	if err != nil {
		return err
	}
	view := c.view(ctx, d, plans)
	if !c.JSON {
		c.show(p, view, len(tenants) > 1)
	}
	if c.Plan || len(view.Items) == 0 {
		if c.JSON {
			return p.print(view)
		}
		return nil
	}
	if err := c.agreed(p, len(view.Items)); err != nil {
		return err
	}
	by := engine.Act{Actor: actor(p), Reason: c.Reason}
	for _, tenant := range tenants {
		if len(plans[tenant].Items) == 0 {
			continue
		}
		// Whoever replays has mended something: what is known of Epicor is old.
		if err := d.AskTables(ctx, tenant); err != nil {
			return err
		}
		n, err := d.Engine.Replay(ctx, plans[tenant], by)
		view.Woken += n
		if err != nil {
			return err
		}
	}
	if c.Here {
		if err := c.work(ctx, p, tenants); err != nil {
			return err
		}
	}
	view.Results, err = c.await(ctx, d, plans, tenants)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.print(view)
	}
	c.showResults(p, view)
	return nil
}

// sound reads the rules, where the configuration says where they are: whoever
// just mended them and made a fault learns it here, and not from a log.
func (c *replayCommand) sound() error {
	if c.Config == "" {
		return nil
	}
	file, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	for _, t := range file.Tenants {
		if c.Tenant != "" && t.Name != c.Tenant {
			continue
		}
		if _, err := rules.LoadFile(t.Mapping); err != nil {
			return err
		}
	}
	return nil
}

// plan plans for each tenant.
func (c *replayCommand) plan(ctx context.Context, d *app.Data, tenants []string) (map[string]engine.Plan, error) {
	out := map[string]engine.Plan{}
	wanted := map[storage.ID]bool{}
	for _, text := range c.Documents {
		id, err := c.one(ctx, d, tenants, text)
		if err != nil {
			return nil, err
		}
		wanted[id] = true
	}
	for _, tenant := range tenants {
		plan, err := d.Engine.Plan(ctx, storage.Query{Tenant: tenant, Cause: c.Cause})
		if err != nil {
			return nil, err
		}
		if len(wanted) > 0 {
			plan.Items = slices.DeleteFunc(plan.Items, func(i engine.PlanItem) bool { return !wanted[i.ID] })
		}
		out[tenant] = plan
	}
	return out, nil
}

// one finds the document that a person means, which must wait for a person.
func (c *replayCommand) one(ctx context.Context, d *app.Data, tenants []string, text string) (storage.ID, error) {
	var found []*app.Transfer
	for _, tenant := range tenants {
		ts, err := d.Find(ctx, tenant, text)
		if err != nil {
			return storage.ID{}, err
		}
		found = append(found, ts...)
	}
	switch {
	case len(found) == 0:
		return storage.ID{}, &mendError{fmt.Errorf("no document %q; ml-connector transfers list shows what is there", text)}
	case len(found) > 1:
		var ids []string
		for _, t := range found {
			ids = append(ids, t.ID.Document+" of "+t.ID.Tenant)
		}
		return storage.ID{}, &mendError{fmt.Errorf("%q may be any of %s; name one by its id, with --tenant", text, strings.Join(ids, ", "))}
	case found[0].State != engine.Parked:
		return storage.ID{}, &mendError{fmt.Errorf("%s does not wait for a person, it is %s: only what waits for one is replayed", found[0].Label, found[0].Word)}
	}
	return found[0].ID, nil
}

func (c *replayCommand) view(ctx context.Context, d *app.Data, plans map[string]engine.Plan) planView {
	v := planView{Items: []planItem{}, Sums: []planSum{}}
	sums := map[string]*planSum{}
	for tenant, plan := range plans {
		for _, i := range plan.Items {
			v.Items = append(v.Items, planItem{
				Document: d.Labels.Of(ctx, i.ID), ID: i.ID.Document, Tenant: tenant, Cause: i.Cause, Action: i.Action, Totals: i.Totals,
			})
			for _, total := range i.Totals {
				if sums[total.Currency] == nil {
					sums[total.Currency] = &planSum{Currency: total.Currency}
				}
				sums[total.Currency].Documents++
				sums[total.Currency].Amount = sums[total.Currency].Amount.Add(total.Amount)
			}
		}
	}
	for _, s := range sums {
		v.Sums = append(v.Sums, *s)
	}
	slices.SortFunc(v.Sums, func(a, b planSum) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortFunc(v.Items, func(a, b planItem) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Document.Number, b.Document.Number), cmp.Compare(a.ID, b.ID))
	})
	return v
}

func (c *replayCommand) show(p *program, v planView, withTenant bool) {
	if len(v.Items) == 0 {
		with := ""
		if c.Cause != "" {
			with = " with the code " + c.Cause
		}
		p.screen.Printf("Nothing waits for a person%s.\n", with)
		return
	}
	t := screen.Table{Columns: []screen.Column{{Title: "document"}, {Title: "amount", Right: true}, {Title: "waits for"}, {Title: "a replay will", Gives: true}}}
	if withTenant {
		t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
	}
	for _, i := range v.Items {
		t.Add(i.Document.String(), money(i.Totals), i.Cause, string(i.Action), i.Tenant)
	}
	t.Write(p.screen)
	var sums []string
	for _, s := range v.Sums {
		sums = append(sums, screen.Money(s.Amount, s.Currency))
	}
	p.screen.Printf("%s, %s\n", p.screen.Paint(screen.Bold, count(len(v.Items), "document", "")), strings.Join(sums, ", "))
}

// agreed asks a person, where there is one.
func (c *replayCommand) agreed(p *program, n int) error {
	if c.Yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || c.JSON {
		return &mendError{fmt.Errorf("say --yes to replay %s, or --plan to look only: there is no terminal to ask on", count(n, "document", ""))}
	}
	_, _ = fmt.Fprintf(p.stderr, "Replay %s? [y/N] ", count(n, "document", ""))
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &mendError{errors.New("nothing was replayed")}
}

// actor is who runs the program, for the audit trail.
func actor(p *program) string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(p.getenv("USER"), p.getenv("USERNAME"), fmt.Sprintf("uid %d", os.Getuid()))
}

// work does what serve would do until nothing moves any more.
func (c *replayCommand) work(ctx context.Context, p *program, tenants []string) error {
	flags := configFlags{Config: c.Config}
	a, _, err := flags.open(ctx, p, false, func(cfg *app.Config) {
		for i := range cfg.Tenants {
			cfg.Tenants[i].Policy.Sweep = -1
			cfg.Tenants[i].Mirrors.Policy.Every = -1
		}
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	for _, tenant := range tenants {
		if err == nil {
			err = a.Engine.Settle(ctx, tenant, time.Second)
		}
	}
	stop()
	return errors.Join(err, <-done, a.Close())
}

// await waits until somebody worked on what was woken.
func (c *replayCommand) await(ctx context.Context, d *app.Data, plans map[string]engine.Plan, tenants []string) ([]planResult, error) {
	deadline := time.Now().Add(c.Wait)
	for {
		var out []planResult
		all := true
		for _, tenant := range tenants {
			for _, item := range plans[tenant].Items {
				s, err := d.Engine.Get(ctx, item.ID)
				if err != nil {
					return nil, err
				}
				r := planResult{Document: d.Labels.Of(ctx, item.ID), ID: item.ID.Document, Tenant: tenant, Word: s.Word, Cause: s.Cause}
				r.Touched = touched(s)
				settledNow := r.Touched && (s.State == engine.Parked || settled(s.State) || s.State == engine.Delivered)
				all = all && settledNow
				if len(s.Issues) > 0 {
					r.Message = s.Issues[0].Message
				}
				if s.Receipt != nil {
					for _, m := range s.Receipt.Made {
						r.Made = append(r.Made, m.Number)
					}
				}
				out = append(out, r)
			}
		}
		if all || !time.Now().Before(deadline) {
			return out, nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// touched reports whether anything happened to a document after its replay.
func touched(s engine.Status) bool {
	for i := len(s.History) - 1; i >= 0; i-- {
		if s.History[i].What == "replay" {
			return i < len(s.History)-1
		}
	}
	return true
}

func (c *replayCommand) showResults(p *program, v planView) {
	s := p.screen
	s.Printf("\n%s woken\n", count(v.Woken, "document", ""))
	asleep := 0
	for _, r := range v.Results {
		text, style := string(r.Word), screen.Plain
		switch {
		case !r.Touched:
			asleep++
			continue
		case r.Word == engine.WordPosted, r.Word == engine.WordSaved:
			text, style = strings.TrimSpace(text+"  "+strings.Join(r.Made, ", ")), screen.Good
		case r.Cause != "":
			text, style = "waits for a person again: "+r.Cause+"  "+r.Message+"\n      "+catalogue.Link(r.Cause), screen.Alert
		}
		s.Printf("  %-24s %s\n", r.Document, s.Paint(style, text))
	}
	if asleep > 0 {
		s.Printf("%s not been worked on yet. A running serve does it; where none runs: start it, or replay with --run -c FILE.\n",
			count(asleep, "document", plural(asleep, "has", "have")))
	}
}
