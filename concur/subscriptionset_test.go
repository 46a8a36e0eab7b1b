package concur_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func invoices(id, endpoint string) concur.SubscriptionInput {
	return concur.SubscriptionInput{ID: id, Topic: concurtest.TopicFinancial, Endpoint: endpoint}
}

func subscribing(t *testing.T) (*concur.SubscriptionsService, *office) {
	t.Helper()
	o := listening(t, nil)
	return appClient(t, o.Server, o.Server.App(), o.company.BaseURL()).Subscriptions, o
}

func TestASetOfSubscriptionsIsMadeChangedAndLeft(t *testing.T) {
	t.Parallel()
	subs, _ := subscribing(t)
	ctx := t.Context()
	set := []concur.SubscriptionInput{reports("a", "https://acme.example/a"), invoices("b", "https://acme.example/b")}
	done, err := subs.EnsureAll(ctx, set, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, done.Created)
	require.Len(t, done.Present, 2)

	set[1].Endpoint = "https://acme.example/other"
	done, err = subs.EnsureAll(ctx, set, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, done.Unchanged)
	require.Equal(t, []string{"b"}, done.Changed)
	require.Empty(t, done.Created)
}

func TestOtherSubscriptionsStayUnlessTheyAreToGo(t *testing.T) {
	t.Parallel()
	subs, _ := subscribing(t)
	ctx := t.Context()
	require.NoError(t, subs.Put(ctx, invoices("old", "https://acme.example/old")))
	set := []concur.SubscriptionInput{reports("a", "https://acme.example/a")}
	done, err := subs.EnsureAll(ctx, set, nil)
	require.NoError(t, err)
	require.Len(t, done.Others, 1)
	require.Empty(t, done.Doubles, "another topic")
	done, err = subs.EnsureAll(ctx, set, &concur.SubscriptionSet{DeleteOthers: true})
	require.NoError(t, err)
	require.Equal(t, []string{"old"}, done.Deleted)
	left, err := subs.List(ctx)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestASecondSubscriptionToTheSameEndpointIsADouble(t *testing.T) {
	t.Parallel()
	subs, _ := subscribing(t)
	require.NoError(t, subs.Put(t.Context(), reports("mistyped", "https://acme.example/a")))
	done, err := subs.EnsureAll(t.Context(), []concur.SubscriptionInput{reports("a", "https://acme.example/a")}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"mistyped"}, done.Doubles)
}

func TestASetThatCannotBeWholeChangesNothing(t *testing.T) {
	t.Parallel()
	subs, o := subscribing(t)
	ctx := t.Context()
	var six []concur.SubscriptionInput
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		six = append(six, invoices(id, "https://acme.example/"+id))
	}
	_, err := subs.EnsureAll(ctx, six, nil)
	require.ErrorIs(t, err, concur.ErrConflict, "an app has five in a data centre")
	require.NoError(t, subs.Put(ctx, invoices("z", "https://acme.example/z")))
	_, err = subs.EnsureAll(ctx, six[:5], nil)
	require.ErrorIs(t, err, concur.ErrConflict, "the other one has its room too")
	require.ErrorContains(t, err, "z")
	_, err = subs.EnsureAll(ctx, []concur.SubscriptionInput{six[0], six[0]}, nil)
	require.ErrorIs(t, err, concur.ErrInvalid)
	_, err = subs.EnsureAll(ctx, []concur.SubscriptionInput{six[0], {ID: "q", Topic: "public.unknown", Endpoint: "https://acme.example/q"}}, nil)
	require.ErrorIs(t, err, concur.ErrForbidden)
	left, err := subs.List(ctx)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Len(t, o.Server.CallsTo("/webhook"), 1, "the one of this test's own")

	done, err := subs.EnsureAll(ctx, six[:5], &concur.SubscriptionSet{DeleteOthers: true})
	require.NoError(t, err, "what goes gives up its room first")
	require.Len(t, done.Present, 5)
}

func TestAnEmptyConfigurationDeletesNoSubscription(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	t.Cleanup(s.Close)
	c := appClient(t, s, s.App(), s.DataCenters()[0].URL)
	_, err := c.Subscriptions.EnsureAll(t.Context(), nil, &concur.SubscriptionSet{DeleteOthers: true})
	require.ErrorIs(t, err, concur.ErrInvalid)
	require.Empty(t, s.Calls())
}

func TestASubscriptionWithoutIdTopicOrEndpointIsRefused(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	t.Cleanup(s.Close)
	c := appClient(t, s, s.App(), s.DataCenters()[0].URL)
	for _, in := range []concur.SubscriptionInput{
		{Topic: concur.TopicExpenseReport, Endpoint: "https://hook.example"}, {ID: "a", Endpoint: "https://hook.example"}, {ID: "a", Topic: concur.TopicExpenseReport},
	} {
		_, _, err := c.Subscriptions.Ensure(t.Context(), in)
		require.ErrorIs(t, err, concur.ErrInvalid)
		require.Empty(t, s.Calls())
	}
}
