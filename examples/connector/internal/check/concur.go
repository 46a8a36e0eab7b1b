package check

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// soon is how long before its end a refresh token is worth a word.
const soon = 30 * 24 * time.Hour

// concur looks at one tenant's side in Concur and reports whether the token
// works: without one nothing else there can be asked for. known is whether it can
// be known that there is no token.
func (c *checker) concur(ctx context.Context, file *config.Config, a *app.App, conn *app.Connection, connected, known bool) bool {
	stored, _, err := conn.Stored.Load(ctx)
	center := cmp.Or(stored.Geolocation, conn.Tenant.Concur.BootstrapURL, concur.BootstrapURL)
	if !c.application(ctx, a, conn, center) {
		return false
	}
	if known && errors.Is(err, concur.ErrNoToken) {
		c.bad(Missing, Concur, "token", ConcurAdmin, "make a company request token in Concur (Authentication Admin) and run ml-connector connect within 24 hours", "not connected to Concur yet")
	}
	if !connected {
		return false
	}
	token, ok := c.token(ctx, conn, stored)
	if !ok {
		return false
	}
	c.scopes(conn, token)
	c.subscription(ctx, file, a, conn, token.Geolocation)
	c.reports(ctx, conn)
	if conn.Tenant.Concur.Reports.From.IsZero() {
		c.bad(Warning, Concur, "go-live", Operator, "write the day of your go-live as concur.from before serve runs first",
			"concur.from is not set: what changed before the first sweep is never posted")
	}
	c.invoiceCodes(ctx, conn, token)
	return true
}

// application finds out whether Concur is reachable and knows the app.
func (c *checker) application(ctx context.Context, a *app.App, conn *app.Connection, center string) bool {
	const name = "app"
	tokens, err := a.AppTokens(conn.Tenant.Name, center)
	if err == nil {
		_, err = tokens.Token(ctx)
	}
	var refused *concur.TokenError
	switch {
	case c.shut(Concur, err):
	case err == nil:
		c.ok(Concur, name, "%s is known at %s", conn.Tenant.Concur.App.ClientID, center)
		return true
	case errors.As(err, &refused) && refused.Code == 60:
		// The app may have no grant of its own; that it was recognised is enough here.
		c.bad(Warning, Concur, name, ConcurAdmin, "have the grant client_credentials added to the app by SAP Concur", refused.Error())
		return true
	case errors.As(err, &refused):
		c.bad(Wrong, Concur, name, ConcurAdmin, refused.Remedy(), refused.Error())
	case errors.Is(err, concur.ErrHost):
		c.bad(Wrong, Concur, "address", Operator, "name the host in concur.allow_hosts if it is yours", err.Error())
	default:
		c.unreachable(Concur, center, err)
	}
	return false
}

// unreachable says that a system gave no answer, and why.
func (c *checker) unreachable(area, address string, err error) {
	host := address
	if u, parseErr := url.Parse(address); parseErr == nil && u.Host != "" {
		host = u.Host
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	switch {
	case errors.As(err, &unknown):
		c.bad(Wrong, area, "certificate", Network, "give the certificate of the authority that signed it as epicor.root_cas; the check of certificates cannot be switched off", host+" shows a certificate of an authority that is not known here")
	case errors.As(err, &name), errors.As(err, &invalid):
		c.bad(Wrong, area, "certificate", Network, "have the certificate renewed, or use the name that it is for", fmt.Sprintf("%s shows a certificate that is not valid: %v", host, cause(err)))
	case errors.As(err, &dns):
		c.bad(Wrong, area, "address", Network, "check the name, and the name server of this machine", "the name "+host+" is not known")
	default:
		c.bad(Wrong, area, "address", Network, "check the address, the firewall and the proxy (HTTPS_PROXY)", fmt.Sprintf("%s does not answer: %v", host, cause(err)))
	}
}

// cause is the innermost reason of a failed call, without the address.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// token uses the refresh token, which shows whether it lives.
func (c *checker) token(ctx context.Context, conn *app.Connection, stored concur.Token) (concur.Token, bool) {
	const name = "token"
	want := conn.Tenant.Concur.Company
	if stored.Company != "" && !strings.EqualFold(stored.Company, want) {
		c.bad(Wrong, Concur, "company", Operator, "write the right concur.company, or connect again with a request token of the company that it names", fmt.Sprintf("connected to company %s, the configuration says %s", stored.Company, want))
		return stored, false
	}
	token, err := conn.Tokens.Refresh(ctx)
	var refused *concur.TokenError
	switch {
	case errors.As(err, &refused) && refused.Class() == concur.TokenReconnect:
		c.bad(Wrong, Concur, name, ConcurAdmin, refused.Remedy()+": ml-connector connect", refused.Error())
		return stored, false
	case errors.As(err, &refused):
		c.bad(Wrong, Concur, name, ConcurAdmin, refused.Remedy(), refused.Error())
		return stored, false
	case err != nil:
		c.unreachable(Concur, stored.Geolocation, err)
		return stored, false
	}
	left := token.RefreshExpiry.Sub(c.now())
	what := fmt.Sprintf("company %s, data centre %s", want, token.Geolocation)
	if !token.RefreshExpiry.IsZero() {
		what += fmt.Sprintf(", refresh token lives until %s (%d days)", token.RefreshExpiry.UTC().Format(time.DateOnly), int(left/(24*time.Hour)))
		if left < soon {
			c.bad(Warning, Concur, name, ConcurAdmin, "each use should extend it and does not: make a new company request token and run ml-connector connect before then", what)
			return token, true
		}
	}
	c.ok(Concur, name, "%s", what)
	return token, true
}

// need is what a feature of the connector may do, by scopes of which one is
// enough.
type need struct {
	feature string
	scopes  []string
}

// needs are the scopes that the configured features ask for. Follows the pages
// of the services that are called.
func needs(t app.Tenant) []need {
	out := []need{
		{"reports", []string{"expense.report.read", "expense.report.readwrite"}},
		{"the sweep of reports", []string{"EXPRPT"}},
		{"owners of reports", []string{"identity.user.ids.read", "identity.user.core.read"}},
		{"codes of list items", []string{"spend.listitem.read"}},
		{"events", []string{"events.topic.read"}},
	}
	if t.Concur.Invoices != nil {
		out = append(out, need{"supplier invoices", []string{"INVPMT"}})
	}
	if t.Concur.Financial != nil {
		out = append(out, need{"financial documents", []string{"FISVC"}})
	}
	if t.Mirrors.AccountList != "" || t.Mirrors.CentreList != "" {
		out = append(
			out, need{"mirrored lists", []string{"spend.list.read"}}, need{"mirrored lists", []string{"spend.listitem.write"}},
			need{"mirrored lists", []string{"spend.listitem.delete"}},
		)
	}
	if t.Mirrors.Vendors != nil {
		out = append(out, need{"mirrored vendors", []string{"INVVEN"}})
	}
	return out
}

// scopes compares what was granted with what is needed.
func (c *checker) scopes(conn *app.Connection, token concur.Token) {
	all := needs(conn.Tenant)
	missing := 0
	for _, n := range all {
		if slices.ContainsFunc(n.scopes, token.HasScope) {
			continue
		}
		missing++
		c.bad(Missing, Concur, "scopes", ConcurAdmin, "have it added to the app by SAP Concur, then connect again", fmt.Sprintf("%s is needed for %s", strings.Join(n.scopes, " or "), n.feature))
	}
	if missing == 0 {
		c.ok(Concur, "scopes", "%d of %d needed are granted", len(all), len(all))
	}
}

// reports reads what the sweep reads, one row of it.
func (c *checker) reports(ctx context.Context, conn *app.Connection) {
	_, err := conn.Concur.ReportsV3.ListPage(ctx, concur.ReportV3Query{User: concur.AllUsers, Limit: 1}, "")
	switch {
	case err == nil:
		c.ok(Concur, "reports", "can be listed for the whole company")
	case errors.Is(err, concur.ErrForbidden), errors.Is(err, concur.ErrUnauthorized):
		c.bad(Missing, Concur, "reports", ConcurAdmin, "have EXPRPT granted, and let the connection read the reports of all users", err.Error())
	default:
		c.bad(Wrong, Concur, "reports", Operator, "try again; if it stays, ask SAP Concur with the correlation id", err.Error())
	}
}

// invoiceCodes compares the configured codes with those that the company has.
func (c *checker) invoiceCodes(ctx context.Context, conn *app.Connection, token concur.Token) {
	const name = "invoice codes"
	opts := conn.Tenant.Concur.Invoices
	if opts == nil || !token.HasScope("INVPMT") {
		return
	}
	err := concursync.PaymentRequests(conn.Concur, opts).Check(ctx)
	switch {
	case err == nil:
		c.ok(Concur, name, "exist in this company: %s", strings.Join(slices.Concat(opts.ReadyApproval, opts.ReadyPayment, opts.WithdrawnApproval), ", "))
	case errors.Is(err, connector.ErrConnection):
		c.bad(Wrong, Concur, name, ConcurAdmin, "name the company's own codes in concur.invoices", strings.TrimPrefix(err.Error(), connector.ErrConnection.Error()+": concursync: "))
	default:
		c.bad(Wrong, Concur, name, Operator, "try again; if it stays, ask SAP Concur with the correlation id", err.Error())
	}
}

// mirrored looks at the lists that reference data is kept in.
func (c *checker) mirrored(ctx context.Context, conn *app.Connection) {
	m := conn.Tenant.Mirrors
	for _, list := range []struct{ key, id string }{{"accounts", m.AccountList}, {"cost_centres", m.CentreList}} {
		if list.id == "" {
			continue
		}
		name := "list of " + strings.ReplaceAll(list.key, "_", " ")
		l, err := conn.Concur.Lists.Get(ctx, list.id)
		switch {
		case errors.Is(err, concur.ErrNotFound):
			c.bad(Wrong, Concur, name, ConcurAdmin, "write the list's UUID into mirrors."+list.key+".list; the company's lists are: "+c.lists(ctx, conn), "the company has no list "+list.id)
		case errors.Is(err, concur.ErrForbidden), errors.Is(err, concur.ErrUnauthorized):
			c.bad(Missing, Concur, name, ConcurAdmin, "have spend.list.read added to the app by SAP Concur", "the list may not be read")
		case err != nil:
			c.bad(Wrong, Concur, name, Operator, "try again; if it stays, ask SAP Concur with the correlation id", err.Error())
		case l.IsDeleted:
			c.bad(Wrong, Concur, name, ConcurAdmin, "restore it, or name another list", fmt.Sprintf("%q is deleted", l.Value))
		case l.ManagedBy != "" && l.ManagedBy != "appId:"+conn.Tenant.Concur.App.ClientID:
			c.bad(Wrong, Concur, name, ConcurAdmin, "name a list that nobody else manages", fmt.Sprintf("%q is managed by %s alone", l.Value, l.ManagedBy))
		default:
			c.ok(Concur, name, "%q", l.Value)
		}
	}
}

// lists names the company's lists, for who looks for one.
func (c *checker) lists(ctx context.Context, conn *app.Connection) string {
	const most = 8
	var names []string
	for l, err := range conn.Concur.Lists.List(ctx, concur.ListQuery{}) {
		if err != nil || len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, fmt.Sprintf("%s %q", l.ID, l.Value))
	}
	return strings.Join(names, ", ")
}
