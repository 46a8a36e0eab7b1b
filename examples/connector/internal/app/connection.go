package app

import (
	"context"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor"
)

// Connection is how a tenant reaches both systems, for programs that look at
// them. Its calls are recorded in the audit trail, so each is made under Scope.
type Connection struct {
	Tenant   Tenant // with its secrets
	Concur   *concur.Client
	Tokens   *concur.TokenSource
	Stored   concur.TokenStore // what Tokens keeps, without a call
	Epicor   *epicor.Client
	Reports  *concursync.ReportSource         // nil: the tenant has no rules
	Invoices *concursync.PaymentRequestSource // nil: no supplier invoices are carried
}

// Connection returns how a tenant reaches both systems.
func (a *App) Connection(name string) (*Connection, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	return &Connection{
		Tenant: t.cfg, Concur: t.concur, Tokens: t.tokens, Stored: t.store, Epicor: t.epicor, Reports: t.reports, Invoices: t.invoices,
	}, nil
}

// Scope says for the audit trail on whose behalf this program itself calls a
// vendor, and why.
func (a *App) Scope(ctx context.Context, tenant, subject string) context.Context {
	return a.scope(ctx, tenant, subject)
}

// Verify reads which columns a tenant's Epicor has. From then on a number or a
// group's name that is too long is refused before anything is sent. What is
// missing is epicor.ErrMissing.
func (a *App) Verify(ctx context.Context, name string) error {
	t, err := a.find(name)
	if err != nil {
		return err
	}
	_, err = t.epicor.Verify(a.scope(ctx, name, "columns"))
	return err
}

// Token returns a tenant's stored token without a call. There is none:
// concur.ErrNoToken.
func (a *App) Token(ctx context.Context, name string) (concur.Token, error) {
	t, err := a.find(name)
	if err != nil {
		return concur.Token{}, err
	}
	token, _, err := t.store.Load(ctx)
	return token, err
}

// tokenStore keeps a tenant's token, sealed where there is a vault.
func (d *Data) tokenStore(tenant string) concur.TokenStore {
	var opts concursync.TokenStoreOptions
	if d.Vault != nil {
		opts.Sealer = d.Vault.ValueSealer()
	}
	return concursync.TokenStore(d.Store, tenant, &opts)
}

// AppClient returns a client with the app's own token in a data centre, for what
// belongs to the app and not to a company. Its calls are recorded on the tenant.
func (a *App) AppClient(name, dataCentre string) (*concur.AppClient, error) {
	tokens, err := a.AppTokens(name, dataCentre)
	if err != nil {
		return nil, err
	}
	return concur.NewAppClient(tokens, nil), nil
}

// AppTokens returns the source of the app's own token in a data centre.
func (a *App) AppTokens(name, dataCentre string) (*concur.AppTokenSource, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	return concur.NewAppTokenSource(t.cfg.Concur.App, dataCentre, &concur.TokenOptions{HTTP: t.http, AllowHosts: t.cfg.Concur.AllowHosts, Secrets: t.cfg.Concur.Secrets})
}
