package epicor_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// posted is a fake with one posted invoice.
func posted(t *testing.T, change func(*epicortest.Options)) (*epicortest.Server, *epicor.Client, *epicor.APInvoice) {
	t.Helper()
	o := options()
	if change != nil {
		change(o)
	}
	srv := epicortest.New(o)
	seed(srv)
	c := client(t, srv, &epicor.Options{Tries: 1})
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	require.Empty(t, srv.Post(company, inv.Group))
	srv.ResetCalls()
	return srv, c, inv
}

func cancellation(t *testing.T) epicor.CancelInput {
	t.Helper()
	key := meal(t).Key
	return epicor.CancelInput{Key: key, KeyOf: key, Number: "CX-A1B2C3-1-E-C", Date: date(t, "2026-11-02")}
}

func TestAPostedInvoiceIsCancelledOnceHoweverOftenItIsAsked(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		srv, c, inv := posted(t, func(o *epicortest.Options) { o.CancellationKeepsKey = keeps })
		for range 3 {
			out, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
			require.NoError(t, err)
			require.True(t, out.Cancels)
			require.Equal(t, inv.Number, out.Reference)
			require.Equal(t, cancellation(t).Key, out.Key)
			require.True(t, out.Amount.Value().Equal(inv.Amount.Value().Neg()))
		}
		require.Len(t, srv.Invoices(company), 2)
		require.Equal(t, 1, asked(srv, "/CreateCancellationInvoice"))
		require.Empty(t, srv.Locks(company))
		got, _ := srv.Invoice(company, "E1042", cancellation(t).Number)
		require.Empty(t, srv.Post(company, got.Group), "the cancellation can be posted")
	}
}

func TestWhatIsNotOursOrNotPostedIsNotCancelled(t *testing.T) {
	srv, c, inv := posted(t, nil)
	in := cancellation(t)
	in.KeyOf = "somebody else's"
	_, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, in)
	require.ErrorIs(t, err, epicor.ErrConflict)
	open := meal(t)
	open.Number = "OPEN-1"
	saved, err := c.APInvoices.Create(t.Context(), open)
	require.NoError(t, err)
	_, err = c.APInvoices.Cancel(t.Context(), saved.VendorNum, saved.Number, cancellation(t))
	require.ErrorIs(t, err, epicor.ErrNotPosted)
	require.Zero(t, asked(srv, "/CreateCancellationInvoice"))
}

func TestALostAnswerOfACancellationIsFoundAndNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, inv := posted(t, nil)
		srv.Inject(epicortest.Fault{Path: "/CreateCancellationInvoice", Drop: true, When: epicortest.After})
		_, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
		var ie *epicor.APInvoiceError
		require.ErrorAs(t, err, &ie)
		require.Equal(t, epicor.Unknown, ie.Outcome)
		require.Empty(t, srv.Locks(company))
		_, err = c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
		require.NoError(t, err)
		require.Equal(t, 1, asked(srv, "/CreateCancellationInvoice"))
		require.Len(t, srv.Invoices(company), 2)
	})
}

func TestAGroupIsGivenFreeAlthoughTheFirstTryHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := epicortest.New(options())
		seed(srv)
		c := client(t, srv, &epicor.Options{Tries: 1})
		srv.Inject(epicortest.Fault{Path: "/UnlockAPGroup", Delay: time.Hour, Drop: true})
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		require.Empty(t, srv.Locks(company))
	})
}

func TestAGroupOfOursIsPostedAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.PostLater = true
		srv := epicortest.New(o)
		seed(srv)
		c := client(t, srv, nil)
		inv, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
		require.NoError(t, err)
		require.Len(t, run.Invoices, 1)
		done, err := c.APInvoices.Posted(t.Context(), run)
		require.NoError(t, err)
		require.False(t, done)
		_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
		require.ErrorIs(t, err, epicor.ErrConflict, "it is being posted")
		go func() {
			timer := time.NewTimer(time.Minute)
			<-timer.C
			srv.RunAgent(company)
		}()
		srv.Inject(epicortest.Fault{Path: "/GetByID", Status: http.StatusServiceUnavailable, Times: 3})
		began := time.Now()
		require.NoError(t, c.APInvoices.WaitPosted(t.Context(), run, 10*time.Second))
		require.GreaterOrEqual(t, time.Since(began), time.Minute)
		require.True(t, srv.Invoices(company)[0].Posted)
	})
}

func TestWhyAGroupWasNotPostedIsSaidInEpicorsWords(t *testing.T) {
	srv, c := pair(t, nil)
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", inv.Number, map[string]any{"DocInvoiceVariance": dec("0.01")})
	run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), &epicor.PostOptions{Direct: true})
	require.NoError(t, err)
	err = c.APInvoices.WaitPosted(t.Context(), run, time.Second)
	var pe *epicor.PostError
	require.ErrorAs(t, err, &pe)
	require.Contains(t, pe.Log, "does not agree with vendor 's total")
	require.Len(t, pe.Left, 1)
}

func TestWaitingEndsWithItsContextAndSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.PostLater = true
		srv := epicortest.New(o)
		seed(srv)
		c := client(t, srv, nil)
		inv, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err = c.APInvoices.WaitPosted(ctx, run, time.Minute)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var pe *epicor.PostError
		require.ErrorAs(t, err, &pe)
		require.Len(t, pe.Left, 1)
	})
}

func TestAGroupIsNeverPostedThatIsNotOursAlone(t *testing.T) {
	srv, c := pair(t, nil)
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	refused := func(why string, target error) {
		t.Helper()
		_, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
		require.ErrorIs(t, err, target, why)
		require.False(t, srv.Invoices(company)[0].Posted, why)
	}
	srv.LockGroup(company, inv.Group, "clerk")
	refused("somebody works in it", epicor.ErrConflict)
	srv.LockGroup(company, inv.Group, "")
	srv.EditInvoice(company, "E1042", inv.Number, map[string]any{"ExternalID": ""})
	refused("an invoice in it bears no key", epicor.ErrNotToPost)
	srv.EditInvoice(company, "E1042", inv.Number, map[string]any{"ExternalID": inv.Key})
	srv.AddGroups(company, epicortest.Group{ID: inv.Group, CreatedBy: "finance"})
	refused("somebody else made it", epicor.ErrGroupForeign)
}

func TestASubmittedGroupIsSubmittedOnceWhateverItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := pair(t, nil)
		inv, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		srv.Inject(epicortest.Fault{Path: "/SubmitToAgent", Drop: true, When: epicortest.After})
		run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
		require.Error(t, err)
		require.Equal(t, 1, asked(srv, "/SubmitToAgent"))
		require.NoError(t, c.APInvoices.WaitPosted(t.Context(), run, time.Second), "it was posted all the same")
	})
}

func TestStrategiesNameTheGroup(t *testing.T) {
	for strategy, want := range map[epicor.GroupStrategy]string{
		"": "CX261030U", epicor.GroupByDayAndWholeCurrency: "CX26AUUSD", epicor.GroupByDayAndCurrency: "CX261030U", epicor.GroupByDay: "CX261030", epicor.GroupByMonth: "CX2610",
	} {
		_, c := pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{Strategy: strategy}})
		inv, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err)
		require.Equal(t, want, inv.Group)
	}
	_, err := epicor.NewClient("https://k.example/api/v2/odata/C", credential(), &epicor.Options{Invoices: epicor.InvoiceOptions{Strategy: "alphabetical"}})
	require.Error(t, err)
}
