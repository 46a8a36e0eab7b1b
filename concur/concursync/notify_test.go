package concursync_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// notices takes notices and may fail.
type notices struct {
	got []connector.Notice
	err error
}

func (n *notices) Notify(_ context.Context, x connector.Notice) error {
	n.got = append(n.got, x)
	return n.err
}

func event(topic, kind, facts string) concur.Event {
	return concur.Event{Topic: topic, EventType: concur.EventType(kind), CorrelationID: "c1", Facts: json.RawMessage(facts)}
}

func TestReportEventBecomesANoticeWithItsOwner(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{"public.concur.expense.report", "concur.expense.report"} {
		n := &notices{}
		err := concursync.Notify(n, "acme")(t.Context(), event(topic, "statusChanged",
			`{"reportId":"A","userId":"not-the-owner","href":"https://old/expensereports/v4/users/f2d07d5f-7a6f-44fa-98c7-c4b405bd6ca3/context/TRAVELER/reports/A"}`))
		require.NoError(t, err)
		require.Equal(t, []connector.Notice{{
			Tenant: "acme", Correlation: "c1",
			Ref: connector.Ref{Kind: "report", ID: "A", Hint: "f2d07d5f-7a6f-44fa-98c7-c4b405bd6ca3"},
		}}, n.got)
	}
}

func TestDeletedReportHasNoLinkSoItsUserIsTheHint(t *testing.T) {
	t.Parallel()
	n := &notices{}
	require.NoError(t, concursync.Notify(n, "acme")(t.Context(), event("concur.expense.report", "reportDeleted", `{"reportId":"A","userId":"u1"}`)))
	require.Equal(t, "u1", n.got[0].Ref.Hint)
}

func TestNoticeBearsTheDeliverysCorrelation(t *testing.T) {
	t.Parallel()
	n := &notices{}
	ctx := concur.WithCorrelation(t.Context(), "of-the-delivery")
	require.NoError(t, concursync.Notify(n, "acme")(ctx, event("concur.expense.report", "statusChanged", `{"reportId":"A"}`)))
	require.Equal(t, "of-the-delivery", n.got[0].Correlation)
}

func TestFailedNoticeIsNotSwallowed(t *testing.T) {
	t.Parallel()
	n := &notices{err: errors.New("store is busy")}
	err := concursync.Notify(n, "acme")(t.Context(), event("concur.expense.report", "statusChanged", `{"reportId":"A"}`))
	require.ErrorIs(t, err, n.err)
}

func TestEventsOfOtherThingsAreLetGo(t *testing.T) {
	t.Parallel()
	for _, e := range []concur.Event{
		event("public.concur.request", "statusChange.APPROVED", `{"id":"A"}`),
		event("public.concur.expense.report", "statusChanged", `{}`),
		event("public.concur.expense.report", "statusChanged", `"text"`),
		event("public.concur.expense.report", "statusChanged", ``),
	} {
		n := &notices{}
		require.NoError(t, concursync.Notify(n, "acme")(t.Context(), e))
		require.Empty(t, n.got)
	}
}

func TestConfiguredTopicAnnouncesInvoices(t *testing.T) {
	t.Parallel()
	const topic = "public.concur.invoice.paymentrequest"
	for facts, id := range map[string]string{
		`{"paymentRequestId":"A"}`: "A", `{"requestId":"B"}`: "B", `{"documentId":"C"}`: "C",
		`{"href":"https://old/api/v3.0/invoice/paymentrequest/D"}`: "D",
	} {
		n := &notices{}
		require.NoError(t, concursync.Notify(n, "acme", topic)(t.Context(), event(topic, "statusChanged", facts)))
		require.Equal(t, connector.Ref{Kind: "invoice", ID: id}, n.got[0].Ref)
	}
}

// box seals by turning bytes round.
type box struct{}

func (box) Seal(_ context.Context, _, _ string, b []byte) ([]byte, error) { return flip(b), nil }
func (box) Open(_ context.Context, _, _ string, b []byte) ([]byte, error) { return flip(b), nil }

func flip(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ 0xff
	}
	return out
}

func TestTokenStoreKeepsATokenByCompareAndSet(t *testing.T) {
	t.Parallel()
	s := concursync.TokenStore(memstore.New(), "acme", nil)
	_, _, err := s.Load(t.Context())
	require.ErrorIs(t, err, concur.ErrNoToken)
	rev, err := s.Save(t.Context(), concur.Token{RefreshToken: "r1", Geolocation: "https://us2.api.concursolutions.com"}, "")
	require.NoError(t, err)
	_, err = s.Save(t.Context(), concur.Token{RefreshToken: "r2"}, "")
	require.ErrorIs(t, err, concur.ErrTokenConflict)
	next, err := s.Save(t.Context(), concur.Token{RefreshToken: "r3"}, rev)
	require.NoError(t, err)
	got, current, err := s.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"r3", next}, []string{string(got.RefreshToken), current})
}

func TestSealedTokenIsNotReadableInTheStore(t *testing.T) {
	t.Parallel()
	values := memstore.New()
	s := concursync.TokenStore(values, "acme", &concursync.TokenStoreOptions{Sealer: box{}})
	_, err := s.Save(t.Context(), concur.Token{RefreshToken: "hush"}, "")
	require.NoError(t, err)
	v, err := values.Load(t.Context(), "acme", concursync.TokenName)
	require.NoError(t, err)
	require.NotContains(t, string(v.Data), "hush")
	got, _, err := s.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hush", string(got.RefreshToken))
}

// broken is a store whose values fail.
type broken struct{ storage.Values }

func (broken) Load(context.Context, string, string) (storage.Value, error) {
	return storage.Value{}, errBusy
}

func TestStoreThatFailsIsNoMissingToken(t *testing.T) {
	t.Parallel()
	_, _, err := concursync.TokenStore(broken{}, "acme", nil).Load(t.Context())
	require.ErrorIs(t, err, errBusy)
	require.NotErrorIs(t, err, concur.ErrNoToken)
}
