package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

// eventsWithin bounds the look at the connector's own address.
const eventsWithin = 10 * time.Second

// events looks at the keys and at the connector's own address.
func (c *checker) events(ctx context.Context, file *config.Config, cfg app.Config) {
	if n := len(cfg.EventKeys); n > 0 {
		c.ok(Setup, "signature keys", "%s in %s", counted(n, "key"), file.Events.Keys)
	}
	if cert := cfg.EventCertificate; cert != nil {
		by := "checked here"
		if cert.Forwarded != nil {
			by = "checked by a proxy, read from " + cert.Forwarded.Header
		}
		names := cert.Names
		if len(names) == 0 {
			names = []string{concur.WebhookName}
		}
		c.ok(Setup, "client certificate", "of %s, %s", strings.Join(names, " or "), by)
	}
	if file.Events.URL == "" {
		c.bad(Missing, Setup, "webhook", Operator, "give events.url, the https address under which Concur reaches this connector; without events documents come with the sweep", "events.url is not set")
		return
	}
	began := time.Now()
	status, err := c.knock(ctx, file.Events.URL)
	switch {
	case err != nil:
		c.bad(Warning, Setup, "webhook", Network, "start ml-connector serve, and let the address lead to it; from outside the way may be another one", fmt.Sprintf("%s is not reachable from here: %v", file.Events.URL, err))
	case status != http.StatusMethodNotAllowed:
		c.bad(Warning, Setup, "webhook", Network, "let the proxy hand "+app.EventPath+" on to the connector unchanged", fmt.Sprintf("%s answers status %d, not as this connector does", file.Events.URL, status))
	default:
		c.ok(Setup, "webhook", "%s answered in %d ms", file.Events.URL, time.Since(began).Milliseconds())
	}
}

// knock asks the webhook by GET, which it refuses without doing anything.
func (c *checker) knock(ctx context.Context, address string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, eventsWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, cause(err)
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// subscription looks whether Concur sends its events here.
func (c *checker) subscription(ctx context.Context, file *config.Config, a *app.App, conn *app.Connection, center string) {
	const name = "subscription"
	if file.Events.URL == "" {
		c.untried(Concur, name, "events.url is not set")
		return
	}
	how := fmt.Sprintf("ml-connector subscribe -c %s makes it what it should be", file.Path)
	client, err := a.AppClient(conn.Tenant.Name, center)
	if err != nil {
		c.bad(Wrong, Concur, name, Operator, how, err.Error())
		return
	}
	subs, err := client.Subscriptions.List(ctx)
	if errors.Is(err, concur.ErrForbidden) {
		c.bad(Missing, Concur, name, ConcurAdmin, "have the scope events.topic.read added to the app by SAP Concur", "the app may not see its subscriptions")
		return
	}
	if err != nil {
		c.bad(Wrong, Concur, name, Operator, "try again; "+how, err.Error())
		return
	}
	for _, want := range app.Subscriptions(file.Events.Subscription, file.Events.URL, conn.Tenant) {
		i := slices.IndexFunc(subs, func(s concur.Subscription) bool { return s.ID == want.ID })
		if i < 0 {
			c.bad(Missing, Concur, name, Operator, how, fmt.Sprintf("the app has no subscription %q for %s in this data centre", want.ID, want.Topic))
			continue
		}
		switch s := subs[i]; {
		case s.Endpoint != want.Endpoint:
			c.bad(Wrong, Concur, name, Operator, how, fmt.Sprintf("%s sends to %s, events.url is %s", s.ID, s.Endpoint, want.Endpoint))
		case !concur.SameTopic(s.Topic, want.Topic):
			c.bad(Wrong, Concur, name, Operator, how, fmt.Sprintf("%s is for %s, not for %s", s.ID, s.Topic, want.Topic))
		case !app.Delivers(s, conn.Tenant.Concur.Company):
			c.bad(Missing, Concur, name, Operator, "connect again: the vendor adds the company when a token of it is obtained after the subscription was made", s.ID+" delivers nothing of this company")
		default:
			c.ok(Concur, name, "%s, %s → %s", s.ID, s.Topic, s.Endpoint)
		}
	}
}
