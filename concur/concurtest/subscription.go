package concurtest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// SubscribeOptions describes a subscription. The zero value of each field is
// the default that its comment names.
type SubscribeOptions struct {
	// ID is the subscription's, default made up.
	ID string
	// Filter is a regular expression over eventType; default all. It need not
	// match from the beginning to the end: anchor it.
	Filter string
	// Companies are the companies whose events are delivered, by default all,
	// also those that are added later.
	Companies []*Company
	// Transport carries the deliveries; default one of the server's own. An
	// in-process one works inside a testing/synctest bubble.
	Transport http.RoundTripper
}

// Subscription is a registered endpoint.
type Subscription struct {
	ID, Topic, Endpoint string

	filter    *regexp.Regexp
	companies []*Company
	client    *http.Client

	// Of a subscription that was registered by a call; see subscriptionapi.go.
	app     *App
	center  *center
	printed string // the filter as it was given
}

// Subscribe registers an endpoint for the events of a topic from now on. It
// panics on an invalid filter.
func (s *Server) Subscribe(topic, endpoint string, opts *SubscribeOptions) *Subscription {
	var o SubscribeOptions
	if opts != nil {
		o = *opts
	}
	filter, err := regexp.Compile(orElse(o.Filter, ".*"))
	if err != nil {
		panic(fmt.Sprintf("concurtest: Subscribe: filter: %v", err))
	}
	if o.Transport == nil {
		o.Transport = s.deliverer()
	}
	s.signer.private() // before the lock is needed, since it takes its time
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := &Subscription{
		ID: orElse(o.ID, "subscription-"+s.ids.hex("subscription", 8)), Topic: topic, Endpoint: endpoint,
		filter: filter, companies: slices.Clone(o.Companies),
		client: &http.Client{
			Transport: o.Transport,
			// A redirect is no success: it is not followed.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if !s.closed {
		s.events.subscribe(sub)
	}
	return sub
}

func (sub *Subscription) wants(c *Company, e Event) bool {
	return sub.Topic == e.Topic && sub.filter.MatchString(e.Type) &&
		(sub.app == nil && len(sub.companies) == 0 || slices.Contains(sub.companies, c))
}
