package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Subscription sends the events of one topic to one endpoint. Follows the Event
// Subscription Service v4 page.
type Subscription struct {
	ID            string // unique over all customers of the vendor
	Topic         string // such as "public.concur.expense.report"
	Filter        string // regular expression over the event type; ".*" is all
	Endpoint      string // https URL
	ApplicationID string // the owner
	// CompanyIDs are the companies whose events are delivered. The vendor adds a
	// company when a token of it is obtained for the app; as long as there is none
	// nothing is delivered. TokenSource.Refresh obtains one.
	CompanyIDs []string
	Groups     []string

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage
}

type wireSubscription struct {
	ID      string `json:"id"`
	Filter  string `json:"filter"`
	Topic   string `json:"topic"`
	WebHook struct {
		Endpoint string `json:"endpoint"`
	} `json:"webHookConfig"`
	ApplicationID string   `json:"applicationId,omitempty"`
	CompanyIDs    []string `json:"companyIds,omitempty"`
	Groups        []string `json:"groups,omitempty"`
}

// UnmarshalJSON reads a subscription.
func (s *Subscription) UnmarshalJSON(b []byte) error {
	var w wireSubscription
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*s = Subscription{
		ID: w.ID, Topic: w.Topic, Filter: w.Filter, Endpoint: w.WebHook.Endpoint,
		ApplicationID: w.ApplicationID, CompanyIDs: w.CompanyIDs, Groups: w.Groups, Raw: bytes.Clone(b),
	}
	return nil
}

// MarshalJSON writes the object as it came, with what was changed since.
func (s Subscription) MarshalJSON() ([]byte, error) {
	w := wireSubscription{ID: s.ID, Filter: s.Filter, Topic: s.Topic, ApplicationID: s.ApplicationID, CompanyIDs: s.CompanyIDs, Groups: s.Groups}
	w.WebHook.Endpoint = s.Endpoint
	return writeObject(w, s.Raw)
}

// SubscriptionInput is what an app says about its subscription. All but Filter
// are required.
type SubscriptionInput struct {
	ID       string // small letters, digits, "." and "-"; unique over all customers of the vendor
	Topic    string
	Filter   string // "" is ".*"
	Endpoint string // https URL
}

func (in SubscriptionInput) wire() wireSubscription {
	w := wireSubscription{ID: in.ID, Filter: in.Filter, Topic: in.Topic}
	if w.Filter == "" {
		w.Filter = ".*"
	}
	w.WebHook.Endpoint = in.Endpoint
	return w
}

// MaxSubscriptions is how many an app may have in a data centre.
const MaxSubscriptions = 5

// SubscriptionsService manages an app's subscriptions in one data centre:
// companies that live in another one need a subscription there. Follows the
// Event Subscription Service v4 page. Scope: events.topic.read, and the scope of
// each topic.
type SubscriptionsService struct{ service }

const subscriptionsPath = "/events/v4/subscriptions"

// List returns the app's subscriptions.
func (s *SubscriptionsService) List(ctx context.Context) ([]Subscription, error) {
	const operation = "Subscriptions.List"
	var raw json.RawMessage
	if err := s.client.do(ctx, request{operation: operation, path: subscriptionsPath, safe: true}, &raw); err != nil {
		return nil, err
	}
	subs, err := collection[Subscription](raw)
	if err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	return subs, nil
}

// Get returns one subscription. No such subscription: ErrNotFound. The answer
// is a single object in the specification and an array in the samples; both are
// read.
func (s *SubscriptionsService) Get(ctx context.Context, id string) (*Subscription, error) {
	const operation = "Subscriptions.Get"
	p, err := path(operation, subscriptionsPath, id)
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &raw); err != nil {
		return nil, err
	}
	subs, err := collection[Subscription](bytes.TrimSpace(raw))
	if err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	for i := range subs {
		if subs[i].ID == id {
			return &subs[i], nil
		}
	}
	return nil, &Error{Operation: operation, Status: http.StatusNotFound, Message: "no subscription has that id"}
}

// Put makes a subscription, or changes the one with its id. It is not sent
// twice; sending it again does no harm.
func (s *SubscriptionsService) Put(ctx context.Context, in SubscriptionInput) error {
	r := request{operation: "Subscriptions.Put", method: http.MethodPut, path: subscriptionsPath + "/webhook", body: in.wire()}
	return s.client.do(ctx, r, nil)
}

// Delete marks a subscription for deletion: it may be listed a while longer.
func (s *SubscriptionsService) Delete(ctx context.Context, id string) error {
	const operation = "Subscriptions.Delete"
	p, err := path(operation, subscriptionsPath, id)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// Ensure makes the subscription what it should be and returns it as it is then;
// changed reports whether something had to be written. Before it writes it looks
// whether the app may have the topic at all (an error that is ErrForbidden) and
// whether the app has room for one more (ErrConflict). A result without
// CompanyIDs delivers nothing yet: see Subscription.
func (s *SubscriptionsService) Ensure(ctx context.Context, in SubscriptionInput) (sub *Subscription, changed bool, err error) {
	const operation = "Subscriptions.Ensure"
	if _, err := distinct(operation, []SubscriptionInput{in}); err != nil {
		return nil, false, err
	}
	want := in.wire()
	find := func() (*Subscription, int, error) {
		subs, err := s.List(ctx)
		if err != nil {
			return nil, 0, err
		}
		i := slices.IndexFunc(subs, func(s Subscription) bool { return s.ID == in.ID })
		if i < 0 {
			return nil, len(subs), nil
		}
		return &subs[i], len(subs), nil
	}
	have, count, err := find()
	if err != nil {
		return nil, false, err
	}
	if have != nil && have.is(want) {
		return have, false, nil
	}
	if have == nil && count >= MaxSubscriptions {
		return nil, false, &Error{
			Operation: operation, Status: http.StatusConflict,
			Message: fmt.Sprintf("the app has %d subscriptions in this data centre, which is the limit: delete one that is not needed", count),
		}
	}
	if err := s.mayHave(ctx, operation, []SubscriptionInput{in}); err != nil {
		return nil, false, err
	}
	if err := s.Put(ctx, in); err != nil {
		return nil, false, err
	}
	if have, _, err = find(); err != nil {
		return nil, true, err
	}
	if have == nil {
		// It was saved; that it is not listed yet is no failure.
		have = &Subscription{ID: in.ID, Topic: in.Topic, Filter: want.Filter, Endpoint: in.Endpoint}
	}
	return have, true, nil
}

// TopicsService names what may be subscribed to. Follows the Event Subscription
// Service v4 page.
type TopicsService struct{ service }

// List returns the topics that the app's scopes allow; none when all are
// missing.
func (s *TopicsService) List(ctx context.Context) ([]string, error) {
	var topics []string
	if err := s.client.do(ctx, request{operation: "Topics.List", path: "/events/v4/topics", safe: true}, &topics); err != nil {
		return nil, err
	}
	return topics, nil
}
