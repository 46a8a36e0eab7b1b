package concurtest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// maxSubscriptions is how many an app may have in one data centre.
const maxSubscriptions = 5

// topicScopes are the topics and the scopes of which one opens each.
func topicScopes() map[string][]string {
	return map[string][]string{
		"public.test":                               nil,
		TopicReports:                                {scopeReportRead, scopeReportWrite},
		TopicFinancial:                              {scopeFinancial},
		"public.concur.user.profile.identity":       {scopeUserEvents},
		"public.concur.user.profile.spend":          {scopeSpendEvents},
		"public.concur.user.provisioning":           {scopeProvision},
		"public.concur.spend.accountingintegration": {scopeAccountRead},
	}
}

// wireSubscription is a subscription of the Event Subscription Service v4 page.
type wireSubscription struct {
	ID            string      `json:"id"`
	Topic         string      `json:"topic"`
	Filter        string      `json:"filter"`
	WebHookConfig wireWebHook `json:"webHookConfig"`
	ApplicationID string      `json:"applicationId"`
	Scope         string      `json:"scope"`
	Groups        []string    `json:"groups"`
	CompanyIDs    []string    `json:"companyIds"`
}

type wireWebHook struct {
	Endpoint string `json:"endpoint"`
}

func subscriptionRoutes() []route {
	scopes := []string{scopeEvents}
	return []route{
		{"GET /events/v4/topics", events4, scopes, serveTopics},
		{"GET /events/v4/subscriptions", events4, scopes, serveSubscriptions},
		{"GET /events/v4/subscriptions/{id}", events4, scopes, serveSubscription},
		{"PUT /events/v4/subscriptions/webhook", events4, scopes, servePutSubscription},
		{"DELETE /events/v4/subscriptions/{id}", events4, scopes, serveDeleteSubscription},
	}
}

func (sub *Subscription) wire() wireSubscription {
	w := wireSubscription{
		ID: sub.ID, Topic: sub.Topic, Filter: sub.printed, WebHookConfig: wireWebHook{sub.Endpoint},
		ApplicationID: sub.app.ClientID, Groups: []string{}, CompanyIDs: []string{},
	}
	for _, c := range sub.companies {
		w.CompanyIDs = append(w.CompanyIDs, c.ID)
	}
	return w
}

func (c *call) topics() []string {
	topics := []string{}
	for topic, scopes := range topicScopes() {
		if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.token.scopes, s) }) {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

func serveTopics(c *call) reply { return ok(c.topics()) }

// own returns the subscriptions of the caller's app in the data centre that was
// called, as they are.
func (c *call) own() []wireSubscription {
	e := c.s.events
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []wireSubscription{}
	for _, sub := range e.subs {
		if sub.app == c.token.app && sub.center == c.center {
			out = append(out, sub.wire())
		}
	}
	return out
}

func serveSubscriptions(c *call) reply { return ok(c.own()) }

// serveSubscription answers an array of one, as the samples do; the
// specification has a single object.
func serveSubscription(c *call) reply {
	for _, sub := range c.own() {
		if sub.ID == c.r.PathValue("id") {
			return ok([]wireSubscription{sub})
		}
	}
	return c.refuse(http.StatusNotFound, "Subscription not found")
}

var subscriptionID = regexp.MustCompile(`^[a-z0-9.-]+$`)

func servePutSubscription(c *call) reply {
	var in struct {
		ID            string      `json:"id"`
		Filter        string      `json:"filter"`
		Topic         string      `json:"topic"`
		WebHookConfig wireWebHook `json:"webHookConfig"`
	}
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	filter, err := regexp.Compile(in.Filter)
	switch {
	case !subscriptionID.MatchString(in.ID):
		return c.refuse(http.StatusBadRequest, fmt.Sprintf("the id %q may hold small letters, digits, dots and hyphens only", in.ID))
	case !slices.Contains(c.topics(), in.Topic):
		return c.refuse(http.StatusForbidden, fmt.Sprintf("the topic %q is not allowed for this application", in.Topic))
	case err != nil:
		return c.refuse(http.StatusBadRequest, "the filter is no regular expression")
	case !httpsOrLoopback(in.WebHookConfig.Endpoint):
		return c.refuse(http.StatusBadRequest, "the endpoint must be an https URL")
	}
	sub := &Subscription{
		ID: in.ID, Topic: in.Topic, Endpoint: in.WebHookConfig.Endpoint, filter: filter, printed: in.Filter,
		app: c.token.app, center: c.center,
	}
	for _, co := range c.s.companies {
		if co.center == c.center && slices.Contains(c.token.app.AllowedPrincipals, co.ID) {
			sub.companies = append(sub.companies, co)
		}
	}
	if message := c.s.events.register(sub); message != "" {
		return c.refuse(http.StatusBadRequest, message)
	}
	return ok(map[string]string{"message": fmt.Sprintf("Subscription '%s' saved successfully", in.ID)})
}

// httpsOrLoopback takes what the vendor takes and, for tests, plain HTTP on the
// same machine.
func httpsOrLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func serveDeleteSubscription(c *call) reply {
	id := c.r.PathValue("id")
	if !slices.ContainsFunc(c.own(), func(s wireSubscription) bool { return s.ID == id }) {
		return c.refuse(http.StatusNotFound, "Subscription not found")
	}
	c.s.events.unregister(id)
	return ok(map[string]string{"message": fmt.Sprintf("Subscription '%s' marked for deletion", id)})
}

// register adds a subscription or changes the one with its id; it returns why
// it does not.
func (e *events) register(sub *Subscription) string {
	e.mu.Lock()
	own := 0
	for _, have := range e.subs {
		switch {
		case have.ID == sub.ID && (have.app != sub.app || have.center != sub.center):
			e.mu.Unlock()
			return fmt.Sprintf("the id %q is used already", sub.ID)
		case have.ID == sub.ID:
			have.Topic, have.Endpoint, have.filter, have.printed = sub.Topic, sub.Endpoint, sub.filter, sub.printed
			e.mu.Unlock()
			return ""
		case have.app == sub.app && have.center == sub.center:
			own++
		}
	}
	e.mu.Unlock()
	if own >= maxSubscriptions {
		return fmt.Sprintf("an application can have %d subscriptions", maxSubscriptions)
	}
	transport := e.s.opts.DeliveryTransport
	if transport == nil {
		transport = e.s.deliverer()
	}
	sub.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if !e.s.closed {
		e.subscribe(sub)
	}
	return ""
}

// unregister ends a subscription and what was on its way to it.
func (e *events) unregister(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subs = slices.DeleteFunc(e.subs, func(s *Subscription) bool { return s.ID == id })
	e.queue = slices.DeleteFunc(e.queue, func(p *parcel) bool { return p.sub.ID == id && !p.busy })
	e.signal()
}

// connect adds a company, a token of which was obtained for the app, to the
// app's subscriptions in the company's data centre.
func (e *events) connect(a *App, c *Company) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, sub := range e.subs {
		if sub.app == a && sub.center == c.center && !slices.Contains(sub.companies, c) {
			sub.companies = append(sub.companies, c)
		}
	}
}

// endpoint is where a subscription's events go now.
func (e *events) endpoint(sub *Subscription) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return sub.Endpoint
}

// Subscriptions returns the subscriptions of the server, however they were
// made.
func (s *Server) Subscriptions() []Subscription {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	out := make([]Subscription, 0, len(s.events.subs))
	for _, sub := range s.events.subs {
		out = append(out, Subscription{ID: sub.ID, Topic: sub.Topic, Endpoint: sub.Endpoint})
	}
	return out
}
