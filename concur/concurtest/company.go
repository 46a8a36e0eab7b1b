package concurtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CompanyOptions describes a company. The zero value of each field is the
// default that its comment names.
type CompanyOptions struct {
	ID         string // UUID; default made up
	DataCenter string // where it lives; default the server's first
	EntityID   string // such as p0012345abcd; default made up
	Currency   string // default USD
	Country    string // two letters, default US
	Ledger     string // ledger name and code, default DEFAULT
	Policy     string // name of the expense policy, default "US Expense Policy"

	// FinancialIntegration says that reports and invoices are under the Financial
	// Integration Service (isFinancialIntegrationEnabled): what is finally approved
	// comes into its queue and is announced.
	FinancialIntegration bool

	// SilentSteps is a workflow whose steps are not configured for
	// notifications: only submit, send back, recall and paid are announced.
	SilentSteps bool

	// Invoice are the codes of the payment requests' statuses. The vendor lists
	// none; the defaults are made up and localizeddata names them.
	Invoice *InvoiceCodes
}

// Company is one customer: its users, lists, reports and payment requests.
//
// Its methods are the acts of its people and of the test's author. They panic
// when asked for what cannot be, such as approving a report that does not
// exist: that is a mistake in the test.
type Company struct {
	s    *Server
	opts CompanyOptions

	// ID is the company's UUID, the user name of its first token.
	ID string
	// Name is what AddCompany was given.
	Name string

	center   *center
	policyID string
	users    []*User
	lists    []*List
	reports  []*Report
	requests []*PaymentRequest
	vendors  []*vendor
	ledger
}

// AddCompany makes a company that has connected the default app.
func (s *Server) AddCompany(name string, opts *CompanyOptions) *Company {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Company{s: s, Name: name}
	if opts != nil {
		c.opts = *opts
	}
	o := &c.opts
	c.ID = strings.ToLower(orElse(o.ID, s.ids.uuid("company")))
	o.DataCenter = strings.ToLower(orElse(o.DataCenter, s.centers[1].name))
	if c.center = s.centerNamed(o.DataCenter); c.center == nil || o.DataCenter == GlobalLandingZone {
		panic(fmt.Sprintf("concurtest: AddCompany %s: no data centre %q", name, o.DataCenter))
	}
	o.EntityID = orElse(o.EntityID, "p00"+s.ids.hex("entity", 10))
	o.Currency = orElse(o.Currency, "USD")
	o.Country = orElse(o.Country, "US")
	o.Ledger = orElse(o.Ledger, "DEFAULT")
	o.Policy = orElse(o.Policy, "US Expense Policy")
	o.Invoice = o.Invoice.orDefault()
	c.policyID = s.ids.upper("policy", 32)
	s.companies = append(s.companies, c)
	return c
}

// RequestToken makes a company request token for the default app, as an
// administrator does on the Company Request Token page: valid for 24 hours and
// usable several times.
func (c *Company) RequestToken() string { return c.RequestTokenFor(c.s.App()) }

// UserToken is AccessToken for one of the company's users.
func (c *Company) UserToken(login string, scopes ...string) string {
	a := c.s.App()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = a.Scopes
	}
	return c.s.newAccessToken(a, c, c.mustUser(login), c.center, scopes)
}

// RequestTokenFor is RequestToken for another app.
func (c *Company) RequestTokenFor(a *App) string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := "at-" + c.s.ids.hex("request", 28)
	c.s.tokens.request[t] = &requestToken{company: c, app: a, expires: c.s.now().Add(c.s.opts.RequestTokenLifetime)}
	return t
}

// AccessToken gives out an access token of the company without the detour over
// the token endpoint, with the given scopes or, without any, all of the
// default app's.
func (c *Company) AccessToken(scopes ...string) string {
	a := c.s.App()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = a.Scopes
	}
	return c.s.newAccessToken(a, c, nil, c.center, scopes)
}

// BaseURL returns the address of the company's data centre.
func (c *Company) BaseURL() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.center.url()
}

// Revoke ends all refresh tokens of the company, as a disconnect in the App
// Center does: the next refresh answers code 108. Access tokens live on.
func (c *Company) Revoke() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for k, t := range c.s.tokens.refresh {
		if t.company == c {
			delete(c.s.tokens.refresh, k)
		}
	}
}

// ExpireTokens ends all access tokens of the company at once.
func (c *Company) ExpireTokens() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, t := range c.s.tokens.access {
		if t.company == c {
			t.expires = c.s.now()
		}
	}
}

// Move moves the company to another data centre: its refresh tokens are
// answered with code 16 in the old one, its access tokens are refused.
func (c *Company) Move(dataCenter string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	to := c.s.centerNamed(strings.ToLower(dataCenter))
	if to == nil || to.name == GlobalLandingZone {
		panic(fmt.Sprintf("concurtest: Move %s: no data centre %q", c.Name, dataCenter))
	}
	c.center = to
	for k, t := range c.s.tokens.access {
		if t.company == c {
			delete(c.s.tokens.access, k)
		}
	}
}

// App is a registered application.
type App struct {
	Name         string
	ClientID     string   // UUID; default made up
	ClientSecret string   // default made up
	Scopes       []string // what it may ask for; default every scope that is served
	Disabled     bool     // answers code 59

	// AllowedPrincipals are the ids of companies that the app is made for: they
	// stand in a new subscription at once. Others join when a token of theirs is
	// obtained.
	AllowedPrincipals []string

	secrets []appSecret // beside ClientSecret; see secret.go
	retired bool        // ClientSecret was deactivated
}

// AddApp registers an app and returns it with what was made up.
func (s *Server) AddApp(a App) *App {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ClientID = orElse(a.ClientID, s.ids.uuid("app"))
	a.ClientSecret = orElse(a.ClientSecret, s.ids.hex("secret", 32))
	if len(a.Scopes) == 0 {
		a.Scopes = allScopes()
	}
	a.Scopes = slices.Sorted(slices.Values(a.Scopes))
	s.apps = append(s.apps, &a)
	return &a
}

// App returns the app that exists from the start.
func (s *Server) App() *App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apps[0]
}

// today prints the server's day.
func (s *Server) today() string { return s.now().Format(time.DateOnly) }
