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
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/engine"
)

type returnCommand struct {
	Documents []string `arg:"" optional:"" name:"document" help:"Numbers (A1B2C3) or ids of documents that wait for a person."`
	dataFlags
	Cause  string        `placeholder:"CODE" help:"All that wait for this code, such as cost_centre_unknown."`
	Plan   bool          `help:"Only show what would be given back."`
	Yes    bool          `short:"y" help:"Do it without asking."`
	Reason string        `placeholder:"TEXT" help:"Why, for the audit trail: 'the cost centre is wrong in Concur'. Required."`
	Here   bool          `name:"run" help:"Tell Concur here and now, where no serve runs."`
	Wait   time.Duration `default:"10s" help:"How long to wait until Concur was told. 0s: not at all. Default: ${default}"`
}

// Help is the text below the help of return.
func (c *returnCommand) Help() string {
	return `Gives documents back to Concur that are wrong there: Concur is told that they failed, and why, and sends each again as a
new revision once it was mended and approved anew. What was given back is never posted, also if its cause goes away: where
the cause can be mended here or in Epicor, mend it and replay. Only financial documents can be given back (concur.financial),
and only while nothing of them stands in Epicor; an expense report or invoice of another kind is sent back by a person in
Concur. A running serve tells Concur, within a second; without one, say --run.`
}

// stays is a document that is not given back, and why.
type stays struct {
	Document app.Label `json:"document"`
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`
	Why      string    `json:"why"`
}

// returnView is what programs see of giving back.
type returnView struct {
	planView
	Stays []stays `json:"stays,omitempty"`
}

// Run plans, asks and gives back.
func (c *returnCommand) Run(ctx context.Context, p *program) (err error) {
	switch {
	case (len(c.Documents) > 0) == (c.Cause != ""):
		return &mendError{errors.New("name documents, or say --cause CODE; ml-connector transfers list --state parked shows what waits")}
	case c.Config == "":
		return &mendError{errors.New("which documents can be given back stands in the configuration: -c FILE")}
	case strings.TrimSpace(c.Reason) == "" && !c.Plan:
		return &mendError{errors.New("say why with --reason TEXT: the audit trail keeps it with your name")}
	}
	a, tenants, err := c.connected(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	plans, err := planOf(ctx, a.Data, tenants, c.Documents, c.Cause)
	if err != nil {
		return err
	}
	var view returnView
	if view.Stays, err = c.split(ctx, a, plans); err != nil {
		return err
	}
	view.planView = viewPlan(ctx, a.Data, plans)
	if err := knownCause(c.Cause, len(view.Items)+len(view.Stays)); err != nil {
		return err
	}
	if !c.JSON {
		c.show(p, view, len(tenants) > 1)
	}
	if len(view.Stays) > 0 && (len(c.Documents) > 0 || len(view.Items) == 0) {
		if c.JSON {
			err = p.print(view)
		}
		first := view.Stays[0]
		return errors.Join(err, &mendError{fmt.Errorf("%s cannot be given back: %s. Nothing was done", first.Document, first.Why)})
	}
	if c.Plan || len(view.Items) == 0 {
		if c.JSON {
			return p.print(view)
		}
		return nil
	}
	if err := agreed(p, "give back", len(view.Items), c.Yes, c.JSON); err != nil {
		return err
	}
	for _, tenant := range tenants {
		n, err := a.Engine.Return(ctx, plans[tenant], engine.Act{Actor: actor(p), Reason: c.Reason})
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
	if view.Results, err = c.await(ctx, a.Data, plans, tenants); err != nil {
		return err
	}
	if c.JSON {
		return p.print(view)
	}
	c.showResults(p, view)
	return nil
}

// split takes out of the plans what cannot be given back, and says why.
func (c *returnCommand) split(ctx context.Context, a *app.App, plans map[string]engine.Plan) ([]stays, error) {
	var out []stays
	for tenant, plan := range plans {
		var keep []engine.PlanItem
		for _, item := range plan.Items {
			if item.Returnable {
				keep = append(keep, item)
				continue
			}
			s, err := a.Engine.Get(ctx, item.ID)
			if err != nil {
				return nil, err
			}
			out = append(out, stays{Document: a.Labels.Of(ctx, item.ID), ID: item.ID.Document, Tenant: tenant, Why: whyStays(s)})
		}
		plans[tenant] = engine.Plan{Items: keep}
	}
	slices.SortFunc(out, func(a, b stays) int { return strings.Compare(a.Tenant+a.ID, b.Tenant+b.ID) })
	return out, nil
}

// whyStays says why a parked document is not given back.
func whyStays(s engine.Status) string {
	switch {
	case s.Flow != app.FinancialFlow:
		return "Concur is told only what became of financial documents; have a person send it back in Concur"
	case s.Effect != engine.None:
		return "something of it stands in Epicor, or may; replay it, which looks there first"
	case s.Cause == concursync.FinancialUnreadable:
		return "it was never taken from Concur's queue, since it cannot be read"
	default:
		return "it is being worked on, was given back already, or was not taken from Concur"
	}
}

func (c *returnCommand) show(p *program, v returnView, withTenant bool) {
	s := p.screen
	if len(v.Items)+len(v.Stays) == 0 {
		s.Printf("Nothing waits for a person with the code %s.\n", c.Cause)
		return
	}
	if len(v.Items) > 0 {
		t := screen.Table{Columns: []screen.Column{{Title: "document"}, {Title: "amount", Right: true}, {Title: "waits for"}, {Title: "giving it back", Gives: true}}}
		if withTenant {
			t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
		}
		for _, i := range v.Items {
			t.Add(i.Document.String(), money(i.Totals), i.Cause, "tells Concur that it failed; it is never posted", i.Tenant)
		}
		t.Write(s)
		v.showSums(s)
	}
	for _, x := range v.Stays {
		s.Printf("%s stays: %s.\n", x.Document, x.Why)
	}
}

// await waits until Concur was told of what was given back.
func (c *returnCommand) await(ctx context.Context, d *app.Data, plans map[string]engine.Plan, tenants []string) ([]planResult, error) {
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
				r.Touched = s.State != engine.Returned || s.Due.IsZero()
				if len(s.Issues) > 0 {
					r.Message = s.Issues[0].Message
				}
				all = all && r.Touched
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

func (c *returnCommand) showResults(p *program, v returnView) {
	s := p.screen
	s.Printf("\n%s given back\n", count(v.Woken, "document", ""))
	untold := 0
	for _, r := range v.Results {
		text, style := "", screen.Plain
		switch {
		case !r.Touched:
			untold++
			continue
		case r.State == engine.Returned:
			text, style = "Concur was told that it failed; a new revision comes once it was mended there", screen.Good
		case r.State == engine.Parked:
			text, style = "waits for a person: "+r.Cause+"  "+r.Message, screen.Alert
		default:
			text = "is " + string(r.State) + " now"
		}
		s.Printf("  %-24s %s\n", r.Document, s.Paint(style, text))
	}
	if untold > 0 {
		s.Printf("Concur has not been told of %s yet. A running serve does it; where none runs: start it, it goes on by itself.\n", count(untold, "document", ""))
	}
}
