package concursync_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

const login = "ada@acme.example"

// office is a fake Concur with a company, an owner and cost centres, and a
// client whose token lives in a store.
type office struct {
	*concurtest.Server
	company *concurtest.Company
	owner   concurtest.User
	centres *concurtest.List
	client  *concur.Client
}

func open(t *testing.T, opts *concurtest.Options) *office {
	t.Helper()
	s := concurtest.New(opts)
	t.Cleanup(s.Close)
	o := &office{Server: s}
	return o.in(t, s.AddCompany("Acme", nil))
}

// in returns the office of one of the server's companies.
func (o *office) in(t *testing.T, company *concurtest.Company) *office {
	t.Helper()
	in := &office{Server: o.Server, company: company}
	in.owner = company.AddUser(concurtest.User{Login: login, FirstName: "Ada", LastName: "Adams", EmployeeNumber: "E100"})
	in.centres = company.AddList("Cost Center", concurtest.Item{Code: "200", Name: "Service", Children: []concurtest.Item{{Code: "7", Name: "East"}}})
	app := o.App()
	tokens, err := concur.NewTokenSource(
		concur.App{ClientID: app.ClientID, ClientSecret: concur.Secret(app.ClientSecret)},
		concursync.TokenStore(memstore.New(), "acme", nil),
		&concur.TokenOptions{HTTP: o.Client()},
	)
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), company.ID, concur.Secret(company.RequestToken()))
	require.NoError(t, err)
	in.client = concur.NewClient(tokens, nil)
	return in
}

func (o *office) approved(es ...concurtest.Expense) concurtest.Report {
	return o.company.AddApprovedReport(concurtest.Report{Owner: login, Name: "March", Expenses: es})
}

func lunch(amount string) concurtest.Expense {
	return concurtest.Expense{Type: "LUNCH", Amount: concurtest.Amount(amount)}
}

type change = connector.Change[document.Document]

// longAgo is before anything that these tests do, also where time is virtual.
var longAgo = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// fromLongAgo are options whose first sweep sees everything.
func fromLongAgo(opts *concursync.ReportsOptions) *concursync.ReportsOptions {
	out := concursync.ReportsOptions{}
	if opts != nil {
		out = *opts
	}
	out.From = longAgo
	return &out
}

func (o *office) ref(r concurtest.Report) connector.Ref {
	return connector.Ref{Kind: "report", ID: r.ID, Hint: o.owner.ID}
}

func (o *office) fetch(t *testing.T, r concurtest.Report, opts *concursync.ReportsOptions) connector.Snapshot[document.Document] {
	t.Helper()
	s, err := concursync.Reports(o.client, opts).Fetch(t.Context(), o.ref(r))
	require.NoError(t, err)
	return s
}

// within matches the calls whose path holds a text.
func within(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.Contains(r.URL.Path, path) }
}

// rejectedWith returns the one issue that a document was rejected with.
func rejectedWith(t *testing.T, err error) connector.Issue {
	t.Helper()
	var r *connector.Rejection
	require.ErrorAs(t, err, &r)
	require.Len(t, r.Issues, 1)
	require.NotErrorIs(t, err, connector.ErrConnection)
	for _, text := range []string{r.Issues[0].Message, r.Issues[0].Remedy, string(r.Issues[0].Owner)} {
		require.NotEmpty(t, text)
	}
	return r.Issues[0]
}

// sweep reads pages until there are no more.
func sweep(ctx context.Context, t *testing.T, s connector.Source[document.Document], after connector.Cursor) (map[string]connector.Change[document.Document], connector.Cursor) {
	t.Helper()
	found := map[string]connector.Change[document.Document]{}
	for range 100 {
		p, err := s.Changes(ctx, after)
		require.NoError(t, err)
		for _, c := range p.Changes {
			found[c.Ref.ID] = c
		}
		after = p.Next
		if !p.More {
			return found, after
		}
	}
	t.Fatal("the sweep does not end")
	return nil, ""
}
