package concursync_test

import (
	"context"
	"testing"

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

func (o *office) ref(r concurtest.Report) connector.Ref {
	return connector.Ref{Kind: "report", ID: r.ID, Hint: o.owner.ID}
}

func (o *office) fetch(t *testing.T, r concurtest.Report, opts *concursync.ReportsOptions) connector.Snapshot[document.Document] {
	t.Helper()
	s, err := concursync.Reports(o.client, opts).Fetch(t.Context(), o.ref(r))
	require.NoError(t, err)
	return s
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
