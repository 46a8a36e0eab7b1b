package concurtest_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// receiver is an endpoint in the process: it remembers what came and answers
// with the next of its statuses, 200 when they run out.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	got      []*http.Request
	bodies   []string
	times    []time.Time
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.bodies, r.times = append(r.got, req), append(r.bodies, string(b)), append(r.times, time.Now())
	status := 200
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	rec := httptest.NewRecorder()
	rec.WriteHeader(status)
	return rec.Result(), nil
}

// eventTypes lists what came, oldest first.
func (r *receiver) eventTypes(t *testing.T) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var types []string
	for _, b := range r.bodies {
		types = append(types, text(answer{body: b}.object(t)["eventType"]))
	}
	return strings.Join(types, " ")
}

func (r *receiver) facts(t *testing.T, i int) map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	return fields(answer{body: r.bodies[i]}.object(t)["facts"])
}

// sharedKey spares each test the making of a key.
var sharedKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

const endpoint = "https://hook.example/concur"

// subscribed is a server that delivers only on Flush.
func subscribed(t *testing.T, opts *concurtest.Options, statuses ...int) (*concurtest.Server, *concurtest.Company, *receiver) {
	t.Helper()
	o := concurtest.Options{}
	if opts != nil {
		o = *opts
	}
	o.ManualDelivery, o.Key = true, sharedKey()
	s := concurtest.New(&o)
	t.Cleanup(s.Close)
	co, _ := acme(s)
	r := &receiver{statuses: statuses}
	s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: r})
	return s, co, r
}

func flush(t *testing.T, s *concurtest.Server, remaining int) {
	t.Helper()
	n, err := s.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, remaining, n)
}

func TestStatusChangedNamesTheOwnerInTheHrefAndTheActorInUserID(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	report := co.AddApprovedReport(lunch("12.50"))
	flush(t, s, 0)
	require.Equal(t, "reportCreated statusChanged statusChanged", r.eventTypes(t))
	ada, boss := userID(t, s, co, "ada@acme.example"), userID(t, s, co, "max@acme.example")
	href := co.BaseURL() + path(report, ada)
	submitted, approved := r.facts(t, 1), r.facts(t, 2)
	require.Equal(t, ada, submitted["userId"])
	require.Equal(t, []any{"A_NOTF", "A_PEND"}, []any{submitted["previousApprovalStatus"], submitted["currentApprovalStatus"]})
	require.Equal(t, boss, approved["userId"])
	require.Equal(t, href, approved["href"])
	require.Equal(t, []any{"A_PEND", "A_APPR", "P_NOTP", "P_PROC"}, []any{
		approved["previousApprovalStatus"], approved["currentApprovalStatus"],
		approved["previousPaymentStatus"], approved["currentPaymentStatus"],
	})
	require.Equal(t, co.ID, approved["companyId"])
	require.Equal(t, report.ID, approved["reportId"])
	require.Len(t, fields(approved["startingStep"])["stepInstances"], 1)
}

func TestStepCodesTellSendBackRecallAndPaidApart(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	id := co.AddReport(lunch("1")).ID
	co.Submit(id)
	co.Recall(id)
	co.Submit(id)
	co.SendBack(id, "no")
	co.Submit(id)
	co.Approve(id)
	co.Pay(id)
	flush(t, s, 0)
	require.Equal(t, "RECALL", r.facts(t, 2)["stepCode"])
	require.Equal(t, "SENDBACK", r.facts(t, 4)["stepCode"])
	require.Equal(t, "A_RESU", r.facts(t, 5)["previousApprovalStatus"])
	require.Equal(t, "PAIDREPORT", r.facts(t, 7)["stepCode"])
	require.Nil(t, r.facts(t, 7)["userId"])
}

func TestSilentStepsAnnounceNoApproval(t *testing.T) {
	t.Parallel()
	s := concurtest.New(&concurtest.Options{ManualDelivery: true, Key: sharedKey()})
	defer s.Close()
	co := s.AddCompany("Acme", &concurtest.CompanyOptions{SilentSteps: true})
	co.AddUser(concurtest.User{Login: "ada@acme.example"})
	r := &receiver{}
	s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: r, Filter: "^statusChanged$"})
	co.Pay(co.AddApprovedReport(lunch("1")).ID)
	flush(t, s, 0)
	require.Equal(t, "statusChanged statusChanged", r.eventTypes(t))
	require.Equal(t, "MANAGER", r.facts(t, 0)["stepCode"])
	require.Equal(t, "PAIDREPORT", r.facts(t, 1)["stepCode"])
}

func TestEditAndDeleteAreAnnounced(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	id := co.AddReport(lunch("1")).ID
	co.EditReport(id, func(r *concurtest.Report) { r.Name = "April" })
	co.DeleteReport(id)
	flush(t, s, 0)
	require.Equal(t, "reportCreated reportUpdated reportDeleted", r.eventTypes(t))
	require.Contains(t, r.facts(t, 1), "href")
	require.NotContains(t, r.facts(t, 2), "href")
	require.Equal(t, "concur.expense.report", answer{body: r.bodies[1]}.object(t)["topic"])
}

func TestTimeStampForms(t *testing.T) {
	t.Parallel()
	now := newClock(time.Date(2026, 10, 30, 10, 0, 0, 570_000_000, time.UTC)).now
	for compact, want := range map[bool]string{false: "2026-10-30T10:00:00.570Z", true: "2026-10-30T10:00:00.570+0000"} {
		s, co, r := subscribed(t, &concurtest.Options{Now: now, CompactZone: compact})
		co.AddReport(lunch("1"))
		flush(t, s, 0)
		require.Equal(t, want, answer{body: r.bodies[0]}.object(t)["timeStamp"])
		require.Equal(t, "2026-10-30T10:00:00.570Z", r.facts(t, 0)["lastModifiedDate"])
	}
}

func TestReadyForIntegrationHasTheShapeOfFinancialEvents(t *testing.T) {
	t.Parallel()
	s, co, _ := subscribed(t, nil)
	r := &receiver{}
	s.Subscribe(concurtest.TopicFinancial, endpoint, &concurtest.SubscribeOptions{Transport: r})
	co.ReadyForIntegration("invoice", "101F7074D9F3457D9240")
	flush(t, s, 0)
	e := answer{body: r.bodies[0]}.object(t)
	require.Equal(t, "invoice.readyForIntegration", e["eventType"])
	require.Regexp(t, `\+0000$`, e["timeStamp"])
	require.Contains(t, e, "data")
	require.Nil(t, e["data"])
	require.Equal(t, e["subtopic"], r.facts(t, 0)["entityId"])
	require.Equal(t, "101F7074D9F3457D9240", r.facts(t, 0)["documentId"])
	require.Contains(t, r.facts(t, 0)["href"], "/transactiontypes/invoice/transactions?docId=101F7074D9F3457D9240")
}

func TestDeliveryIsSignedOverTheRawBodyWithTheLongestSalt(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	co.AddReport(lunch("1"))
	flush(t, s, 0)
	sig, err := base64.StdEncoding.DecodeString(r.got[0].Header.Get("Concur-Signature"))
	require.NoError(t, err)
	verify := func(body string) error {
		sum := sha256.Sum256([]byte(body))
		return rsa.VerifyPSS(s.SigningKey(), crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: 256 - sha256.Size - 2})
	}
	require.NoError(t, verify(r.bodies[0]))
	require.Error(t, verify(r.bodies[0]+" "))
	require.Equal(t, answer{body: r.bodies[0]}.object(t)["correlationId"], r.got[0].Header.Get("Concur-Correlationid"))
	require.Equal(t, http.MethodPost, r.got[0].Method)
	require.Equal(t, "application/json", r.got[0].Header.Get("Content-Type"))
}

func TestOnlyDocumentedAnswersAreRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status  int
		outcome concurtest.Outcome
	}{
		{200, concurtest.Delivered},
		{204, concurtest.Delivered},
		{400, concurtest.Dropped},
		{404, concurtest.Dropped},
		{408, concurtest.Dropped},
		{413, concurtest.Dropped},
		{401, concurtest.Retrying},
		{403, concurtest.Retrying},
		{429, concurtest.Retrying},
		{500, concurtest.Retrying},
		{503, concurtest.Retrying},
		{302, concurtest.Retrying},
		{0, concurtest.Retrying},
	} {
		s, co, _ := subscribed(t, nil, tt.status)
		co.AddReport(lunch("1"))
		remaining := 0
		if tt.outcome == concurtest.Retrying {
			remaining = 1
		}
		flush(t, s, remaining)
		ds := s.Deliveries()
		require.Len(t, ds, 1)
		require.Equal(t, tt.outcome, ds[0].Outcome, tt.status)
		require.Equal(t, tt.status, ds[0].Status)
	}
}

func TestDuplicateNextDeliversOneEventTwice(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	s.DuplicateNext(1)
	id := co.AddReport(lunch("1")).ID
	co.Submit(id)
	flush(t, s, 0)
	require.Equal(t, "reportCreated reportCreated statusChanged", r.eventTypes(t))
	require.Equal(t, r.bodies[0], r.bodies[1])
}

func TestLoseNextLogsTheLossAndDeliversNothing(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	s.LoseNext(1)
	id := co.AddReport(lunch("1")).ID
	co.Submit(id)
	flush(t, s, 0)
	require.Equal(t, "statusChanged", r.eventTypes(t))
	require.Equal(t, concurtest.Lost, s.Deliveries()[0].Outcome)
	require.Equal(t, id, s.Deliveries()[0].Document)
}

func TestSubscriptionFilters(t *testing.T) {
	t.Parallel()
	s, co, _ := subscribed(t, nil)
	other := s.AddCompany("Other", nil)
	other.AddUser(concurtest.User{Login: "ada@acme.example"})
	byType, byCompany, byTopic := &receiver{}, &receiver{}, &receiver{}
	s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: byType, Filter: "^status"})
	s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: byCompany, Companies: []*concurtest.Company{other}})
	s.Subscribe("public.concur.invoice.paymentrequest", endpoint, &concurtest.SubscribeOptions{Transport: byTopic})
	co.Submit(co.AddReport(lunch("1")).ID)
	other.AddReport(lunch("1"))
	co.Publish(concurtest.Event{Topic: "public.concur.invoice.paymentrequest", Type: "changed", Facts: map[string]string{"id": "1"}})
	co.Publish(concurtest.Event{Topic: "public.concur.invoice.paymentrequest", Type: "broken", Body: []byte("{")})
	flush(t, s, 0)
	require.Equal(t, "statusChanged", byType.eventTypes(t))
	require.Equal(t, "reportCreated", byCompany.eventTypes(t))
	require.Equal(t, "{", byTopic.bodies[1])
	require.Equal(t, "changed", answer{body: byTopic.bodies[0]}.object(t)["eventType"])
}

func TestFlushStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s, co, r := subscribed(t, nil)
	co.AddReport(lunch("1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := s.Flush(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n)
	require.Empty(t, r.bodies)
	flush(t, s, 0)
}

func TestBackgroundDeliveryBacksOffUntilItSucceeds(t *testing.T) {
	t.Parallel()
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		s := concurtest.New(&concurtest.Options{Key: key})
		defer s.Close()
		co, _ := acme(s)
		r := &receiver{statuses: []int{429, 401, 500, 0}}
		s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: r})
		start := time.Now()
		co.AddReport(lunch("1"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time: it costs nothing
		synctest.Wait()
		var at []time.Duration
		for _, tm := range r.times {
			at = append(at, tm.Sub(start))
		}
		require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second}, at)
		require.Zero(t, s.Pending())
	})
}

func TestDeliveryEndsWithTheRetention(t *testing.T) {
	t.Parallel()
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		s := concurtest.New(&concurtest.Options{Key: key})
		defer s.Close()
		co, _ := acme(s)
		statuses := make([]int, 1000)
		for i := range statuses {
			statuses[i] = 503
		}
		r := &receiver{statuses: statuses}
		s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: r})
		co.AddReport(lunch("1"))
		time.Sleep(72*time.Hour + 11*time.Minute) //nolint:forbidigo // virtual time: it costs nothing
		synctest.Wait()
		require.Zero(t, s.Pending())
		ds := s.Deliveries()
		last := ds[len(ds)-1]
		require.Equal(t, concurtest.Expired, last.Outcome)
		require.GreaterOrEqual(t, last.Time.Sub(ds[0].Time), 72*time.Hour)
	})
}

func TestDelayNextHoldsAnEventBack(t *testing.T) {
	t.Parallel()
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		s := concurtest.New(&concurtest.Options{Key: key})
		defer s.Close()
		co, _ := acme(s)
		r := &receiver{}
		s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: r})
		s.DelayNext(1, time.Hour)
		co.Submit(co.AddReport(lunch("1")).ID)
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time: it costs nothing
		synctest.Wait()
		require.Equal(t, "statusChanged reportCreated", r.eventTypes(t))
	})
}

// The whole in virtual time: token, expiry, refresh, report, event, fault.
func TestEverythingRunsInABubbleThroughTransport(t *testing.T) {
	t.Parallel()
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		s := concurtest.New(&concurtest.Options{Key: key})
		defer s.Close()
		co, _ := acme(s)
		hook := &receiver{}
		s.Subscribe(concurtest.TopicReports, endpoint, &concurtest.SubscribeOptions{Transport: hook, Filter: "^statusChanged$"})
		require.Equal(t, "https://glz.api.concursolutions.com", s.URL)
		tok := token(t, s, s.URL, bootstrap(s, co)).object(t)
		base := text(tok["geolocation"])
		require.Equal(t, "https://us2.api.concursolutions.com", base)

		r := co.AddApprovedReport(lunch("12.50"))
		synctest.Wait()
		href := text(hook.facts(t, 1)["href"])
		require.True(t, strings.HasPrefix(href, base), href)
		require.Equal(t, 200, getWith(t, s, href, text(tok["access_token"])).status)

		time.Sleep(time.Hour) //nolint:forbidigo // virtual time: it costs nothing
		require.Equal(t, 401, getWith(t, s, href, text(tok["access_token"])).status)
		tok = token(t, s, base, refresh(s, text(tok["refresh_token"]))).object(t)
		a := getWith(t, s, href, text(tok["access_token"]))
		require.Equal(t, r.ID, a.object(t)["reportId"])

		s.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Delay: time.Minute})
		before := time.Now()
		require.Equal(t, 200, getWith(t, s, href, text(tok["access_token"])).status)
		require.Equal(t, time.Minute, time.Since(before))
	})
}

func TestDeliveriesReachARealEndpoint(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct{ EventType string }
		_ = json.NewDecoder(r.Body).Decode(&e)
		got <- e.EventType
		w.WriteHeader(http.StatusAccepted)
	}))
	defer hook.Close()
	s := concurtest.NewServer(t, &concurtest.Options{Key: sharedKey()})
	co, _ := acme(s)
	s.Subscribe(concurtest.TopicReports, hook.URL, nil)
	co.AddReport(lunch("1"))
	require.Equal(t, "reportCreated", <-got)
}

func TestCloseEndsDeliveriesUnderWay(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(started)
		<-r.Context().Done()
	}))
	defer hook.Close()
	s := concurtest.NewServer(t, &concurtest.Options{Key: sharedKey()})
	co, _ := acme(s)
	s.Subscribe(concurtest.TopicReports, hook.URL, nil)
	co.AddReport(lunch("1"))
	<-started
	s.Close()
	require.Equal(t, 1, s.Pending())
}

func TestEachServerMakesItsOwnKey(t *testing.T) {
	t.Parallel()
	a, b := concurtest.New(nil), concurtest.New(nil)
	defer a.Close()
	defer b.Close()
	require.False(t, a.SigningKey().Equal(b.SigningKey()))
}
