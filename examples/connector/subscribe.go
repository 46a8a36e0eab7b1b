package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

type subscribeCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"In the data centre of this tenant. Default: of every tenant."`
}

// Help is the text below the help of subscribe.
func (c *subscribeCommand) Help() string {
	return `Makes the app's subscriptions deliver to events.url what the tenants' documents need, in their data centres: status
changes of expense reports (events.subscription), financial documents where concur.financial is there, and the topics of
concur.invoices.topics. One that is there and differs is changed; others of the app stay. Repeating it does no harm. Events
only make documents come sooner: without them the sweep finds them.`
}

// Run makes the subscription what it should be.
func (c *subscribeCommand) Run(ctx context.Context, p *program) (err error) {
	a, file, err := c.open(ctx, p, false, func(cfg *app.Config) {
		for i := range cfg.Tenants {
			cfg.Tenants[i].Mapping = ""
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	tenants, err := chosen(file, c.Tenant)
	if err != nil {
		return err
	}
	if file.Events.URL == "" {
		return &mendError{fmt.Errorf("%s has no events.url: give the https address under which Concur reaches this connector", c.Config)}
	}
	centres, members, err := c.centres(ctx, a, tenants)
	if err != nil {
		return err
	}
	for _, centre := range centres {
		if err := c.ensure(ctx, p, a, file, centre, members[centre]); err != nil {
			return err
		}
	}
	return nil
}

// centres are the data centres in which the tenants live, in their order, and who
// lives in each.
func (c *subscribeCommand) centres(ctx context.Context, a *app.App, tenants []string) (order []string, members map[string][]*app.Connection, err error) {
	members = map[string][]*app.Connection{}
	for _, tenant := range tenants {
		token, err := a.Token(ctx, tenant)
		if err != nil {
			return nil, nil, &mendError{fmt.Errorf("tenant %q: %w", tenant, err)}
		}
		conn, err := a.Connection(tenant)
		if err != nil {
			return nil, nil, err
		}
		if members[token.Geolocation] == nil {
			order = append(order, token.Geolocation)
		}
		members[token.Geolocation] = append(members[token.Geolocation], conn)
	}
	return order, members, nil
}

// ensure makes the subscriptions of one data centre what they should be.
func (c *subscribeCommand) ensure(ctx context.Context, p *program, a *app.App, file *config.Config, centre string, members []*app.Connection) error {
	first := members[0].Tenant.Name
	client, err := a.AppClient(first, centre)
	if err != nil {
		return err
	}
	tenants := make([]app.Tenant, 0, len(members))
	for _, m := range members {
		tenants = append(tenants, m.Tenant)
	}
	desired := app.Subscriptions(file.Events.Subscription, file.Events.URL, tenants...)
	done, err := client.Subscriptions.EnsureAll(a.Scope(ctx, first, "subscription"), desired, nil)
	if done != nil {
		c.show(p, centre, desired, done)
	}
	if err != nil {
		return refused(err)
	}
	for _, m := range members {
		without := slices.ContainsFunc(done.Present, func(s concur.Subscription) bool { return !app.Delivers(s, m.Tenant.Concur.Company) })
		if !without {
			continue
		}
		p.screen.Printf("Nothing of company %s is delivered yet by all of them: the vendor adds a company when a token of it is obtained. Refreshing …\n", m.Tenant.Concur.Company)
		if _, err := m.Tokens.Refresh(a.Scope(ctx, m.Tenant.Name, "subscription")); err != nil {
			return refused(err)
		}
	}
	return nil
}

// show says what was done, and what else the app has there.
func (c *subscribeCommand) show(p *program, centre string, desired []concur.SubscriptionInput, done *concur.SubscriptionChanges) {
	for _, in := range desired {
		word := ""
		switch {
		case slices.Contains(done.Created, in.ID), slices.Contains(done.Changed, in.ID):
			word = "saved"
		case slices.Contains(done.Unchanged, in.ID):
			word = "is as it should be"
		default:
			continue // an error came before it
		}
		p.screen.Printf("Subscription %s in %s %s: %s → %s\n", in.ID, centre, word, in.Topic, in.Endpoint)
	}
	for _, id := range done.Doubles {
		p.screen.Printf("Subscription %s of the same app delivers the same once more: nothing is posted twice by it, delete it if nobody needs it.\n", id)
	}
}
