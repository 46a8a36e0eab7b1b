package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
)

type subscribeCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"In the data centre of this tenant. Default: of every tenant."`
}

// Help is the text below the help of subscribe.
func (c *subscribeCommand) Help() string {
	return `Makes the app's subscription events.subscription deliver the status changes of expense reports to events.url, in the
data centres of the tenants, or changes the one that is there. Repeating it does no harm. Events only make documents come
sooner: without them the sweep finds them.`
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
	done := map[string]bool{}
	for _, tenant := range tenants {
		token, err := a.Token(ctx, tenant)
		if err != nil {
			return &mendError{fmt.Errorf("tenant %q: %w", tenant, err)}
		}
		if done[token.Geolocation] {
			continue
		}
		done[token.Geolocation] = true
		client, err := a.AppClient(tenant, token.Geolocation)
		if err != nil {
			return err
		}
		sub, changed, err := client.Subscriptions.Ensure(a.Scope(ctx, tenant, "subscription"), concur.SubscriptionInput{
			ID: file.Events.Subscription, Topic: concur.TopicExpenseReport, Filter: "^" + string(concur.StatusChanged) + "$", Endpoint: file.Events.URL,
		})
		if err != nil {
			return refused(err)
		}
		word := "is as it should be"
		if changed {
			word = "saved"
		}
		p.screen.Printf("Subscription %s in %s %s: %s → %s\n", sub.ID, token.Geolocation, word, sub.Topic, sub.Endpoint)
		if len(sub.CompanyIDs) == 0 {
			p.screen.Printf("It delivers nothing yet: the vendor adds a company when a token of it is obtained. Refreshing …\n")
			conn, err := a.Connection(tenant)
			if err != nil {
				return err
			}
			if _, err := conn.Tokens.Refresh(a.Scope(ctx, tenant, "subscription")); err != nil {
				return refused(err)
			}
		}
	}
	return nil
}
