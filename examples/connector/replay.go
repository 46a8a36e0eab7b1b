package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
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

	foresees bool // both systems can be asked, and somebody reads what they say
}

// Help is the text below the help of replay.
func (c *replayCommand) Help() string {
	return `A document that waits for a person is looked at anew: fetched, mapped and posted where nothing stands in Epicor, and
looked for in Epicor first where something may. Nothing is ever posted twice. Mend the cause before; docs/errors says
how. With -c the plan asks both systems what each document would come to, and writes nothing; with --yes nobody would
read it, and it is left out. A running serve does the work, within a second; without one, say --run.`
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
	d, tenants, err := c.ahead(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	plans, err := planOf(ctx, d, tenants, c.Documents, c.Cause)
	if err != nil {
		return err
	}
	if c.foresees {
		if plans, err = foresee(ctx, d, plans); err != nil {
			return err
		}
	}
	view := viewPlan(ctx, d, plans)
	if err := knownCause(c.Cause, len(view.Items)); err != nil {
		return err
	}
	if !c.JSON {
		c.show(p, view, len(tenants) > 1)
	}
	if c.Plan || len(view.Items) == 0 {
		if c.JSON {
			return p.print(view)
		}
		return nil
	}
	if err := agreed(p, "replay", len(view.Items), c.Yes, c.JSON); err != nil {
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
		if err := workOff(ctx, p, c.Config, tenants); err != nil {
			return err
		}
	}
	view.Results, err = c.await(ctx, d, plans, tenants)
	if err != nil {
		return err
	}
	if c.JSON {
		err = p.print(view)
	} else {
		c.showResults(p, view)
	}
	again := 0
	for _, r := range view.Results {
		if r.Touched && r.State == engine.Parked {
			again++
		}
	}
	if err == nil && again > 0 {
		err = &mendError{fmt.Errorf("%d of %d documents %s for a person again", again, len(view.Results), plural(again, "waits", "wait"))}
	}
	return err
}

// ahead opens the data, and where a configuration says how both systems are
// reached the connector, which can foresee what a replay comes to. Without its
// secrets the plan is made from the ledger alone.
func (c *replayCommand) ahead(ctx context.Context, p *program) (*app.Data, []string, error) {
	if c.Config == "" || c.Yes && !c.Plan {
		return c.open(ctx)
	}
	a, tenants, err := c.connected(ctx, p)
	var faults config.Faults
	if errors.As(err, &faults) && !slices.ContainsFunc(faults, func(f *config.Fault) bool { return f.Kind != config.Unset }) {
		_, _ = fmt.Fprintf(p.stderr, "The plan does not say what each document would come to: both systems are not reached without their secrets.\n%v\n", faults)
		return c.open(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	c.foresees = true
	return a.Data, tenants, nil
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

func (c *replayCommand) show(p *program, v planView, withTenant bool) {
	if len(v.Items) == 0 {
		with := ""
		if c.Cause != "" {
			with = " with the code " + c.Cause
		}
		p.screen.Printf("Nothing waits for a person%s.\n", with)
		return
	}
	comes := "a replay will"
	if c.foresees {
		comes = "a replay would come to"
	}
	t := screen.Table{Columns: []screen.Column{{Title: "document"}, {Title: "amount", Right: true}, {Title: "waits for"}, {Title: comes, Gives: true}}}
	if withTenant {
		t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
	}
	for _, i := range v.Items {
		t.Add(i.Document.String(), money(i.Totals), i.Cause, i.comesTo(), i.Tenant)
	}
	t.Write(p.screen)
	v.showSums(p.screen)
}

// actor is who runs the program, for the audit trail.
func actor(p *program) string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(p.getenv("USER"), p.getenv("USERNAME"), fmt.Sprintf("uid %d", os.Getuid()))
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
				r := planResult{Document: d.Labels.Of(ctx, item.ID), ID: item.ID.Document, Tenant: tenant, State: s.State, Word: s.Word, Cause: s.Cause}
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
