package concurtest_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// walk calls every method of the client against the server, so that what both
// say can be compared with the vendor's files.
type walk struct {
	t       *testing.T
	s       *concurtest.Server
	co      *concurtest.Company
	client  *concur.Client
	app     *concur.AppClient
	centres *concurtest.List
	ada     string
	max     string
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", &concurtest.CompanyOptions{FinancialIntegration: true})
	boss := co.AddUser(concurtest.User{Login: "max@acme.example", FirstName: "Max", LastName: "Manager"})
	ada := co.AddUser(concurtest.User{Login: "ada@acme.example", FirstName: "Ada", LastName: "Adams", Manager: "max@acme.example", Password: "secret"})
	w := &walk{
		t: t, s: s, co: co, ada: ada.ID, max: boss.ID,
		centres: co.AddList("Cost Center", concurtest.Item{Code: "100", Name: "Sales", Children: []concurtest.Item{{Code: "7", Name: "North"}}}, concurtest.Item{Code: "200", Name: "Service"}),
	}
	app := w.credentials()
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), w.options())
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), co.ID, concur.Secret(co.RequestToken()))
	require.NoError(t, err)
	w.client = concur.NewClient(tokens, nil)
	own, err := concur.NewAppTokenSource(app, co.BaseURL(), w.options())
	require.NoError(t, err)
	w.app = concur.NewAppClient(own, nil)
	return w
}

func (w *walk) credentials() concur.App {
	a := w.s.App()
	return concur.App{ClientID: a.ClientID, ClientSecret: concur.Secret(a.ClientSecret)}
}

func (w *walk) options() *concur.TokenOptions {
	o := &concur.TokenOptions{HTTP: w.s.Client(), BootstrapURL: w.s.URL}
	for _, dc := range w.s.DataCenters() {
		o.AllowHosts = append(o.AllowHosts, dc.URL)
	}
	return o
}

// user returns a client with Ada's own token.
func (w *walk) user() *concur.Client {
	w.t.Helper()
	tokens, err := concur.NewTokenSource(w.credentials(), concur.NewMemoryTokenStore(), w.options())
	require.NoError(w.t, err)
	_, err = tokens.ConnectUser(w.t.Context(), "ada@acme.example", "secret")
	require.NoError(w.t, err)
	return concur.NewClient(tokens, nil)
}

func drain[T any](t *testing.T, seq func(yield func(*T, error) bool)) []*T {
	t.Helper()
	var all []*T
	for v, err := range seq {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

func (w *walk) all() {
	w.tokens()
	w.reports()
	w.remarks()
	w.workflow()
	w.version3()
	w.invoices()
	w.lists()
	w.people()
	w.financial()
	w.images()
	w.accounting()
	w.subscriptions()
}

func (w *walk) tokens() {
	t, ctx := w.t, w.t.Context()
	tokens, err := concur.NewTokenSource(w.credentials(), concur.NewMemoryTokenStore(), w.options())
	require.NoError(t, err)
	q := w.co.Authorize("ada@acme.example", "https://app.example/back", "s1")
	code, err := concur.ParseAuthorization(q, "s1", nil)
	require.NoError(t, err)
	_, err = tokens.ConnectCode(ctx, code, "https://app.example/back")
	require.NoError(t, err)
	otp := concur.OTP{Email: "ada@acme.example", Parameters: map[string]string{"tenant": "7"}}
	require.NoError(t, tokens.SendOTP(ctx, otp))
	_, err = tokens.ConnectOTP(ctx, otp, concur.Secret(w.s.OTP("ada@acme.example")))
	require.NoError(t, err)
	_, err = tokens.Refresh(ctx)
	require.NoError(t, err)
	require.NoError(t, tokens.Revoke(ctx))
	secret, err := w.app.Secrets.Create(ctx)
	require.NoError(t, err)
	require.NoError(t, w.app.Secrets.SetActive(ctx, secret.ID, true))
	require.NoError(t, w.app.Secrets.SetActive(ctx, secret.ID, false))
	_, err = w.app.Secrets.List(ctx)
	require.NoError(t, err)
	require.NoError(t, w.app.Secrets.Delete(ctx, secret.ID))
}

func decimal(t *testing.T, s string) concur.Decimal {
	t.Helper()
	d, err := concur.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func (w *walk) lists() {
	t, ctx, c := w.t, w.t.Context(), w.client
	lists := drain(t, c.Lists.List(ctx, concur.ListQuery{}))
	_, err := c.Lists.Get(ctx, lists[0].ID)
	require.NoError(t, err)
	l, err := c.Lists.Create(ctx, concur.ListInput{Value: "Projects"})
	require.NoError(t, err)
	l, err = c.Lists.Update(ctx, l.ID, concur.ListUpdate{Value: "Project", IsManaged: new(bool)})
	require.NoError(t, err)
	require.Equal(t, "Project", l.Value)
	require.NotEmpty(t, drain(t, c.Lists.InCategory(ctx, l.Category.ID)))
	gone, err := c.Lists.Create(ctx, concur.ListInput{Value: "Gone"})
	require.NoError(t, err)
	require.NoError(t, c.Lists.Delete(ctx, gone.ID))
	require.ErrorIs(t, c.Lists.Delete(ctx, gone.ID), concur.ErrInvalid)
	item, err := c.ListItems.Create(ctx, concur.ListItemInput{ListID: l.ID, ShortCode: "A", Value: "Alpha"})
	require.NoError(t, err)
	_, err = c.ListItems.Update(ctx, item.ID, concur.ListItemUpdate{ShortCode: "A", Value: "Beta"})
	require.NoError(t, err)
	_, err = c.ListItems.Get(ctx, item.ID)
	require.NoError(t, err)
	_, err = c.ListItems.BulkCreate(ctx, l.ID, []concur.ListItemPart{{ShortCode: "B", Value: "Bravo"}})
	require.NoError(t, err)
	_, err = c.ListItems.BulkUpdate(ctx, l.ID, []concur.ListItemChange{{Code: "B", Value: "Better"}})
	require.NoError(t, err)
	drain(t, c.ListItems.List(ctx, l.ID, concur.ListItemQuery{}))
	top := drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{}))
	drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{ParentID: top[0].ID}))
	require.Len(t, drain(t, c.ListItems.Children(ctx, top[0].ID, concur.ListItemQuery{WithChildren: false, ByName: true})), 1)
	require.Len(t, drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{ShortCodeOrValue: concur.Match{Op: concur.MatchContains, Text: "ales"}})), 1)
	require.NoError(t, c.ListItems.Delete(ctx, l.ID, item.ID))
	other, err := c.ListItems.Create(ctx, concur.ListItemInput{ListID: l.ID, ShortCode: "C", Value: "Charlie"})
	require.NoError(t, err)
	require.NoError(t, c.ListItems.DeleteEverywhere(ctx, other.ID))
	_, err = c.ListItems.Get(ctx, "00000000-0000-0000-0000-000000000000")
	require.ErrorIs(t, err, concur.ErrNotFound)
}

func (w *walk) people() {
	t, ctx, c := w.t, w.t.Context(), w.client
	_, err := c.Users.ByLogin(ctx, "ada@acme.example")
	require.NoError(t, err)
	_, err = c.Users.Get(ctx, w.ada)
	require.NoError(t, err)
	drain(t, c.Users.List(ctx, concur.UserQuery{}))
	found := drain(t, c.Users.Search(ctx, concur.UserSearch{Filter: "userName eq " + concur.FilterText("max@acme.example"), Attributes: []string{"userName"}, Count: 1}))
	require.Len(t, found, 1)
	started, err := concur.ParseTime("2021-11-17T00:00:00.000")
	require.NoError(t, err)
	in := concur.UserInput{
		UserName: "eve@acme.example", Active: new(true), Name: concur.UserNameInput{GivenName: "Eve", FamilyName: "Ellis"}, Emails: []concur.UserEmail{{Value: "eve@acme.example", Type: "work"}},
		PreferredLanguage: "en-US", Timezone: "America/New_York", Enterprise: concur.UserEnterpriseInput{EmployeeNumber: "77", CompanyID: w.co.ID, StartDate: started},
	}
	eve, err := c.Users.Create(ctx, in)
	require.NoError(t, err)
	require.Equal(t, "77", eve.Enterprise.EmployeeNumber)
	require.Equal(t, "eve@acme.example", eve.Emails[0].Value)
	_, err = c.Users.Create(ctx, in)
	require.ErrorIs(t, err, concur.ErrConflict)
	eve, err = c.Users.Update(ctx, eve.ID, concur.UserOperation{Op: "replace", Path: "active", Value: false})
	require.NoError(t, err)
	require.False(t, bool(eve.Active))
	require.Equal(t, "Ellis", eve.Name.FamilyName, "what is not named stays")
	in.Name = concur.UserNameInput{FamilyName: "Evans"}
	eve, err = c.Users.Replace(ctx, eve.ID, in)
	require.NoError(t, err)
	require.Empty(t, eve.Name.GivenName, "what is not sent is cleared")
	require.NoError(t, c.Users.Delete(ctx, eve.ID))
	_, err = c.SpendUsers.Get(ctx, w.ada)
	require.NoError(t, err)
	require.Len(t, drain(t, c.SpendUsers.List(ctx, `reimbursementType eq "ACCOUNTS_PAYABLE"`)), 2)
	each, err := c.ExchangeRates.Create(ctx, []concur.ExchangeRateInput{
		{From: "USD", To: "EUR", StartDate: concur.Date{Year: 2026, Month: time.October, Day: 1}, Rate: decimal(t, "0.92")},
		{From: "USD", To: "USD", StartDate: concur.Date{Year: 2026, Month: time.October, Day: 1}, Rate: decimal(t, "1")},
	})
	require.NoError(t, err)
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrInvalid)
}

func (w *walk) images() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddReport(lunch("12.50"))
	id, err := c.Images.Attach(ctx, concur.ImageOfReport, r.ID, "image/png", []byte("png"))
	require.NoError(t, err)
	for kind, of := range map[concur.ImageKind]string{concur.ImageOfReport: r.ID, concur.ImageByID: id} {
		d, err := c.Images.Fetch(ctx, kind, of)
		require.NoError(t, err)
		b, err := io.ReadAll(d)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.Equal(t, "png", string(b))
	}
	sd, err := c.SpendDocuments.ByImage(ctx, w.co.ID, id)
	require.NoError(t, err)
	_, err = c.SpendDocuments.Get(ctx, sd.Metadata.ID)
	require.NoError(t, err)
	d, err := c.SpendDocuments.Open(ctx, sd.Metadata.ID, concur.RepresentationDisplay)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	p := w.co.AddPaymentRequest(invoice("INV-77"))
	for kind, of := range map[concur.ImageKind]string{concur.ImageOfInvoice: p.ID, concur.ImageOfEntry: "0123456789ABCDEF0123", concur.ImageByID: ""} {
		_, err = c.Images.Attach(ctx, kind, of, "application/pdf", []byte("pdf"))
		require.NoError(t, err)
		if of != "" {
			_, err = c.Images.Locate(ctx, kind, of)
			require.NoError(t, err)
		}
	}
}

func (w *walk) subscriptions() {
	t, ctx, c := w.t, w.t.Context(), w.app
	_, err := c.Topics.List(ctx)
	require.NoError(t, err)
	_, changed, err := c.Subscriptions.Ensure(ctx, concur.SubscriptionInput{ID: "acme.reports", Topic: concur.TopicExpenseReport, Endpoint: "https://hook.example/concur"})
	require.NoError(t, err)
	require.True(t, changed)
	_, err = c.Subscriptions.Get(ctx, "acme.reports")
	require.NoError(t, err)
	_, err = c.Subscriptions.EnsureAll(ctx, []concur.SubscriptionInput{{ID: "acme.other", Topic: concur.TopicExpenseReport, Endpoint: "https://hook.example/concur"}}, &concur.SubscriptionSet{DeleteOthers: true})
	require.NoError(t, err)
}

// Every method of the client works against the server, whatever the vendor's
// files say.
func TestEveryCallOfTheClientIsServed(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.all()
	for _, c := range w.s.Calls() {
		require.False(t, c.Status == http.StatusNotFound && len(c.Response) == 0, "%s %s is not served", c.Method, c.Path)
	}
}
