package concur

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SubscriptionSet says what EnsureAll does with what it finds beside the
// subscriptions that it was given.
type SubscriptionSet struct {
	// DeleteOthers deletes the app's other subscriptions in the data centre, first,
	// so that they give up their room. By default they stay and are reported. With no
	// subscription asked for it is refused: an empty configuration deletes nothing.
	DeleteOthers bool
}

// SubscriptionChanges are what EnsureAll did, by the ids of subscriptions.
type SubscriptionChanges struct {
	Created, Changed, Unchanged, Deleted []string
	// Others are the app's subscriptions that were not asked for and were left.
	Others []Subscription
	// Doubles are those of Others that deliver what a subscription that was asked
	// for delivers too, to the same endpoint: an id that was mistyped once. Each
	// event arrives twice until one is deleted.
	Doubles []string
	// Present are the subscriptions that were asked for as they stand now.
	Present []Subscription
}

// EnsureAll makes the app's subscriptions in this data centre what they should be
// and says what it changed. Before it writes anything it looks whether all can be:
// MaxSubscriptions an app, each with one topic (ErrConflict), ids that differ
// (ErrInvalid), topics that the app may have (ErrForbidden). Companies of another
// data centre need subscriptions there, under other ids.
//
// An error in the middle leaves what was done, which the result tells: calling
// again goes on.
func (s *SubscriptionsService) EnsureAll(ctx context.Context, desired []SubscriptionInput, opts *SubscriptionSet) (*SubscriptionChanges, error) {
	const operation = "Subscriptions.EnsureAll"
	if opts == nil {
		opts = &SubscriptionSet{}
	}
	if len(desired) == 0 && opts.DeleteOthers {
		return nil, notSent(operation, "no subscription is asked for and all others were to be deleted: use Delete where that is meant")
	}
	wanted, err := distinct(operation, desired)
	if err != nil {
		return nil, err
	}
	have, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var done SubscriptionChanges
	var write []SubscriptionInput
	present := make(map[string]Subscription)
	for _, sub := range have {
		if _, asked := wanted[sub.ID]; asked {
			present[sub.ID] = sub
			continue
		}
		done.Others = append(done.Others, sub)
	}
	for _, in := range desired {
		if sub, found := present[in.ID]; found && sub.is(in.wire()) {
			done.Unchanged = append(done.Unchanged, in.ID)
			continue
		}
		write = append(write, in)
	}
	if total := len(desired) + len(done.Others); !opts.DeleteOthers && total > MaxSubscriptions && len(write) > 0 {
		return nil, &Error{
			Operation: operation, Status: http.StatusConflict,
			Message: fmt.Sprintf("%d subscriptions beside others of the app are more than the %d that it may have in a data centre: %s", len(desired), MaxSubscriptions, idsList(done.Others)),
		}
	}
	if err := s.mayHave(ctx, operation, write); err != nil {
		return nil, err
	}
	if opts.DeleteOthers {
		for len(done.Others) > 0 {
			if err := s.Delete(ctx, done.Others[0].ID); err != nil {
				return &done, err
			}
			done.Deleted = append(done.Deleted, done.Others[0].ID)
			done.Others = done.Others[1:]
		}
	}
	for _, in := range write {
		if err := s.Put(ctx, in); err != nil {
			return &done, err
		}
		if _, found := present[in.ID]; found {
			done.Changed = append(done.Changed, in.ID)
		} else {
			done.Created = append(done.Created, in.ID)
		}
	}
	for _, sub := range done.Others {
		if slices.ContainsFunc(desired, func(in SubscriptionInput) bool { return in.Topic == sub.Topic && in.Endpoint == sub.Endpoint }) {
			done.Doubles = append(done.Doubles, sub.ID)
		}
	}
	if len(write) > 0 || len(done.Deleted) > 0 {
		if have, err = s.List(ctx); err != nil {
			return &done, err
		}
	}
	for _, sub := range have {
		if _, asked := wanted[sub.ID]; asked {
			done.Present = append(done.Present, sub)
		}
	}
	return &done, nil
}

// distinct checks what was asked for by itself.
func distinct(operation string, desired []SubscriptionInput) (map[string]SubscriptionInput, error) {
	wanted := make(map[string]SubscriptionInput, len(desired))
	for _, in := range desired {
		if in.ID == "" || in.Topic == "" || in.Endpoint == "" {
			return nil, notSent(operation, "a subscription needs an id, a topic and an endpoint")
		}
		if _, twice := wanted[in.ID]; twice {
			return nil, notSent(operation, fmt.Sprintf("the id %.80q is asked for twice", in.ID))
		}
		wanted[in.ID] = in
	}
	if len(desired) > MaxSubscriptions {
		return nil, &Error{
			Operation: operation, Status: http.StatusConflict,
			Message: fmt.Sprintf("%d subscriptions are asked for, and an app may have %d in a data centre; nothing was sent", len(desired), MaxSubscriptions),
		}
	}
	return wanted, nil
}

// is reports whether the subscription is what was asked for.
func (s *Subscription) is(want wireSubscription) bool {
	return s.Topic == want.Topic && s.Filter == want.Filter && s.Endpoint == want.WebHook.Endpoint
}

// mayHave looks whether the app's scopes open the topics.
func (s *SubscriptionsService) mayHave(ctx context.Context, operation string, write []SubscriptionInput) error {
	if len(write) == 0 {
		return nil
	}
	topics, err := (&TopicsService{s.service}).List(ctx)
	if err != nil {
		return err
	}
	for _, in := range write {
		if !slices.Contains(topics, in.Topic) {
			return &Error{
				Operation: operation, Status: http.StatusForbidden,
				Message: fmt.Sprintf("the app may not have the topic %q: its scope is missing (topics that it may have: %s)", in.Topic, strings.Join(topics, ", ")),
			}
		}
	}
	return nil
}

func idsList(subs []Subscription) string {
	ids := make([]string, 0, len(subs))
	for i := range subs {
		ids = append(ids, subs[i].ID)
	}
	return strings.Join(ids, ", ")
}
