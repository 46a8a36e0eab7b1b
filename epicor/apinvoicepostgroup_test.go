package epicor_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func TestAHalfBuiltInvoiceIsNotPostedOnTheDefaultAccount(t *testing.T) {
	srv, c := pair(t, nil)
	in := single(t)
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 2, Drop: true})
	_, err := c.APInvoices.Create(t.Context(), in)
	require.Error(t, err)
	require.Equal(t, "1900|000|00", srv.Invoices(company)[0].Lines[0].Splits[0].Account)
	_, err = c.APInvoices.PostGroup(t.Context(), "CX261030U", epicor.PostInputs(in), nil)
	require.ErrorIs(t, err, epicor.ErrNotToPost)
	require.ErrorIs(t, err, epicor.ErrDiffers)
	require.Zero(t, asked(srv, "/SubmitToAgent"))
}

func TestAGroupIsNotPostedWhileThisClientEntersAnInvoice(t *testing.T) {
	var c *epicor.Client
	n := 0
	all := func(*epicor.APInvoice) error { return nil }
	var refused error
	srv, cl := hooked(t, nil, nil, func(srv *epicortest.Server, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/UpdateMaster") {
			if n++; n == 3 {
				srv.LockGroup(company, "CX261030U", "") // by another process of the same user
				_, refused = c.APInvoices.PostGroup(context.WithoutCancel(r.Context()), "CX261030U", all, nil)
			}
		}
	})
	c = cl
	_, err := c.APInvoices.Create(t.Context(), single(t))
	require.NoError(t, err)
	require.ErrorIs(t, refused, epicor.ErrConflict)
	require.Zero(t, asked(srv, "/SubmitToAgent"))
}

func TestAGroupThatOurOwnUserHoldsIsNotPosted(t *testing.T) {
	srv, c := pair(t, nil)
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	srv.LockGroup(company, inv.Group, epicortest.DefaultUser)
	_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
	require.ErrorIs(t, err, epicor.ErrConflict)
	require.Zero(t, asked(srv, "/SubmitToAgent"))
}

func TestAGroupThatSomebodyEntersWhileItIsLookedAtIsNotPosted(t *testing.T) {
	var group string
	srv, c := hooked(t, nil, nil, func(srv *epicortest.Server, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/GetNewParameters") {
			srv.LockGroup(company, group, "clerk")
		}
	})
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	group = inv.Group
	_, err = c.APInvoices.PostGroup(t.Context(), group, epicor.PostInputs(meal(t)), nil)
	require.ErrorIs(t, err, epicor.ErrConflict)
	require.Zero(t, asked(srv, "/SubmitToAgent"))
}

func TestNothingIsPostedThatWasNotNamed(t *testing.T) {
	srv, c := pair(t, nil)
	in, other := meal(t), meal(t)
	other.Number, other.Key = "N2", "somebody's own key"
	for _, x := range []epicor.APInvoiceInput{in, other} {
		_, err := c.APInvoices.Create(t.Context(), x)
		require.NoError(t, err)
	}
	_, err := c.APInvoices.PostGroup(t.Context(), "CX261030U", epicor.PostInputs(in), nil)
	require.ErrorIs(t, err, epicor.ErrNotToPost, "a key alone makes it nobody's of ours")
	_, err = c.APInvoices.PostGroup(t.Context(), "CX261030U", nil, nil)
	require.ErrorIs(t, err, epicor.ErrNotToPost)
	require.Zero(t, asked(srv, "/SubmitToAgent"))
	run, err := c.APInvoices.PostGroup(t.Context(), "CX261030U", epicor.PostInputs(in, other), nil)
	require.NoError(t, err)
	require.Len(t, run.Invoices, 2)
}

func TestAnInvoiceThatLostItsImageIsNotPosted(t *testing.T) {
	srv, c := pair(t, nil)
	in := mealWithImage(t)
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	_, err = c.APInvoices.PostGroup(t.Context(), "CX261030U", epicor.PostInputs(in), nil)
	require.ErrorContains(t, err, "receipt.pdf")
	require.Zero(t, asked(srv, "/SubmitToAgent"))
}

func TestReasonsOfAnEarlierRunAreNoVerdictOnThisOne(t *testing.T) {
	srv, c := pair(t, nil)
	in := single(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.AddGroups(company, epicortest.Group{ID: inv.Group, CreatedBy: epicortest.DefaultUser, Errors: "Invoice N0: Invoice with no detail"})
	srv.Inject(epicortest.Fault{Path: "/SubmitToAgent", Status: http.StatusOK, Body: "{}"}) // taken, and the agent has not begun
	run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.NoError(t, err)
	done, err := c.APInvoices.Posted(t.Context(), run)
	require.NoError(t, err)
	require.False(t, done)
	// Once it was seen at work the same words are its own.
	run.Began = true
	done, err = c.APInvoices.Posted(t.Context(), run)
	require.True(t, done)
	var pe *epicor.PostError
	require.ErrorAs(t, err, &pe)
}

func TestARunThatIsSeenAtWorkIsNoted(t *testing.T) {
	o := options()
	o.PostLater = true
	srv := epicortest.New(o)
	seed(srv)
	c := client(t, srv, nil)
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(meal(t)), nil)
	require.NoError(t, err)
	done, err := c.APInvoices.Posted(t.Context(), run)
	require.NoError(t, err)
	require.False(t, done)
	require.True(t, run.Began)
}

func TestAnInvoicePostedBetweenTheTwoQuestionsIsNotCalledRefused(t *testing.T) {
	var group string
	posted := false
	srv, c := hooked(t, nil, nil, func(srv *epicortest.Server, r *http.Request) {
		// Posted asks for the invoice, then for the group: there the process ends.
		if group != "" && !posted && strings.HasSuffix(r.URL.Path, "APInvGrpSvc/GetByID") {
			posted = true
			srv.Post(company, group)
			srv.AddGroups(company, epicortest.Group{ID: group, CreatedBy: epicortest.DefaultUser, Errors: "Invoice N0: of somebody else"})
		}
	})
	in := single(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.Inject(epicortest.Fault{Path: "/SubmitToAgent", Status: http.StatusOK, Body: "{}"})
	run, err := c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.NoError(t, err)
	group = inv.Group
	done, err := c.APInvoices.Posted(t.Context(), run)
	require.NoError(t, err)
	require.True(t, done)
}

func TestNothingIsEnteredIntoAGroupThatWaitsForItsAgent(t *testing.T) {
	srv, c := pair(t, nil)
	in, next := single(t), single(t)
	next.Number, next.Key = "N2", "K2"
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.Inject(epicortest.Fault{Path: "/SubmitToAgent", Status: http.StatusOK, Body: "{}"}) // taken, and the agent has not begun
	_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.NoError(t, err)
	_, err = c.APInvoices.Create(t.Context(), next)
	require.ErrorIs(t, err, epicor.ErrConflict)
	_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.ErrorIs(t, err, epicor.ErrConflict, "nor is it submitted twice")
	require.Len(t, srv.Invoices(company), 1)
	srv.Post(company, inv.Group)
	_, err = c.APInvoices.Create(t.Context(), next)
	require.NoError(t, err, "the agent is done with it")
}

func TestNothingIsEnteredIntoAGroupThatIsBeingPosted(t *testing.T) {
	o := options()
	o.PostLater = true
	srv := epicortest.New(o)
	seed(srv)
	in, next := single(t), single(t)
	next.Number, next.Key = "N2", "K2"
	c, other := client(t, srv, nil), client(t, srv, nil)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.NoError(t, err)
	srv.ResetCalls()
	_, err = other.APInvoices.Create(t.Context(), next)
	require.ErrorIs(t, err, epicor.ErrConflict)
	require.Zero(t, asked(srv, "/LockAPGroup"))
}

func TestAnInvoiceOnHoldKeepsItsGroupFromBeingPosted(t *testing.T) {
	srv, c := pair(t, nil)
	in := single(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", in.Number, map[string]any{"InvoiceHeld": true})
	_, err = c.APInvoices.PostGroup(t.Context(), inv.Group, epicor.PostInputs(in), nil)
	require.ErrorIs(t, err, epicor.ErrNotToPost)
}
