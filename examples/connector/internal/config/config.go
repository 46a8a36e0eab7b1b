// Package config reads the connector's configuration: one YAML file in which
// every key is known and no secret stands, for one or several tenants.
//
// Load reads and judges the file; all that is wrong comes at once as Faults, each
// with line, column and what to do. Config.App then follows the references to
// what the file does not hold and gives what package app runs.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Defaults of what the file may leave out; config.example.yaml names them.
const (
	DefaultListen       = "127.0.0.1:8484"
	DefaultSubscription = "ml-connector-expense-report"
)

// exampleShows is where a user finds what a value looks like.
const exampleShows = "ml-connector example config shows how"

// Config is a configuration that has been read and found sound in itself.
type Config struct {
	File
	Path   string
	places map[string]place
}

// Load reads a configuration. What is wrong with it comes as Faults.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		why, remedy := "cannot be read", "let this program's user read it, or name another with -c"
		if errors.Is(err, os.ErrNotExist) {
			why, remedy = "does not exist", "name another with -c, or make it with ml-connector example config > "+path+" and fill it in"
		}
		return nil, Faults{{File: path, Kind: Unreadable, What: "the configuration " + why, Remedy: remedy}}
	}
	return Parse(path, data)
}

// Parse is Load of data; path names it in faults.
func Parse(path string, data []byte) (*Config, error) {
	c := &Config{Path: path}
	r := &reader{file: path, places: map[string]place{}}
	root := r.parse(data)
	if root == nil {
		return nil, r.faults
	}
	r.object(root, "", reflect.ValueOf(&c.File).Elem())
	c.places = r.places
	c.defaults()
	c.judge(r)
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	return c, nil
}

func (c *Config) defaults() {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Events.Subscription == "" {
		c.Events.Subscription = DefaultSubscription
	}
}

var (
	tenantName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	uuid         = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	columnName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,127}$`)
	groupPrefix  = regexp.MustCompile(`^[A-Z0-9]{1,2}$`)
	subscription = regexp.MustCompile(`^[a-z0-9.-]{1,100}$`)
)

// judge notes what no single key can tell.
func (c *Config) judge(r *reader) {
	if c.Vault.Key.Scheme == VaultScheme {
		r.fail(c.Vault.Key.at, Invalid, "vault.key: the key of the vault cannot be in the vault", "write env:NAME or file:/path")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		r.fail(c.places["listen"], Invalid, fmt.Sprintf("listen: %.60q is no address", c.Listen), "write host:port, such as "+DefaultListen)
	case (c.TLS.Cert == "") != (c.TLS.Key == ""):
		r.fail(c.places["tls"], Invalid, "tls: cert and key belong together", "give both files, or none behind a proxy that ends TLS")
	case c.TLS.Cert == "" && !c.TLS.BehindProxy && !loopback(host):
		r.fail(c.places["listen"], Invalid, fmt.Sprintf("listen: %s is reached from other machines, and nothing says how TLS ends", c.Listen),
			"give tls.cert and tls.key, or tls.behind_proxy: true where a proxy ends TLS before it")
	}
	if c.Events.URL != "" {
		if u, err := url.Parse(c.Events.URL); err != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			r.fail(c.places["events.url"], Invalid, "events.url: Concur delivers to https addresses only", "give the https address under which Concur reaches this connector")
		}
	}
	c.judgeCertificate(r)
	if !subscription.MatchString(c.Events.Subscription) {
		r.fail(c.places["events.subscription"], Invalid, fmt.Sprintf("events.subscription: %.60q cannot be", c.Events.Subscription), "use small letters, digits, dots and dashes")
	}
	names, companies := map[string]int{}, map[string]int{}
	for i := range c.Tenants {
		t := &c.Tenants[i]
		path := fmt.Sprintf("tenants[%d]", i+1)
		c.judgeTenant(r, t, path)
		if first := names[t.Name]; first > 0 && t.Name != "" {
			r.fail(c.places[path+".name"], Invalid, fmt.Sprintf("%s.name: tenant %d is called %q as well", path, first, t.Name), "give each tenant a name of its own")
		}
		names[t.Name] = i + 1
		company := strings.ToLower(t.Concur.Company)
		if first := companies[company]; first > 0 && company != "" {
			r.fail(c.places[path+".concur.company"], Invalid, fmt.Sprintf("%s.concur.company belongs to tenant %d already", path, first), "one Concur company is one tenant")
		}
		companies[company] = i + 1
	}
	if _, there := c.places["tenants"]; there && len(c.Tenants) == 0 {
		r.fail(c.places["tenants"], Missing, "tenants is empty: nobody's documents would be carried", "give at least one tenant")
	}
}

// judgeCertificate notes what an address that Concur's events reach lacks to know
// Concur by.
func (c *Config) judgeCertificate(r *reader) {
	const key = "events.certificate"
	cert := c.Events.Certificate
	if cert == nil {
		if c.Events.Keys == "" {
			r.fail(r.nearestPlace("events.keys"), Missing, "events.keys is missing: the file of Concur's public keys, without which every event is refused",
				"give it, or events.certificate, which checks Concur's client certificate; "+exampleShows)
		}
		return
	}
	at, there := c.places[key]
	if !there {
		at = r.nearestPlace(key)
	}
	proxied := cert.Header != "" || cert.Verified != "" || cert.VerifiedValue != "" || len(cert.Trusted) > 0
	switch {
	case proxied && cert.Authorities != "":
		r.fail(at, Invalid, key+": either authorities or a proxy's header says who called", "remove authorities where a proxy checks the certificate, or header and trusted where this connector does")
	case proxied && (cert.Header == "" || len(cert.Trusted) == 0):
		r.fail(at, Missing, key+": header and trusted belong together: anybody could send the header", "name the header with the certificate's subject, and the proxy's addresses, such as 10.0.0.5/32")
	case (cert.Verified == "") != (cert.VerifiedValue == ""):
		r.fail(at, Missing, key+": verified_header and verified_value belong together", "give both, such as X-Client-Verify and SUCCESS, or none")
	case !proxied && cert.Authorities == "":
		r.fail(at, Missing, key+".authorities is missing: which authorities the certificate has to lead to", "name a PEM file of the authorities that SAP Concur's webhook certificate is issued by")
	case !proxied && c.TLS.Cert == "":
		r.fail(at, Invalid, key+": without tls.cert and tls.key nobody shows this connector a certificate", "give them, or header and trusted behind a proxy that ends TLS")
	}
	for i, text := range cert.Trusted {
		if _, err := netip.ParsePrefix(text); err != nil {
			r.fail(c.places[fmt.Sprintf("%s.trusted[%d]", key, i+1)], Invalid, fmt.Sprintf("%s.trusted: %.60q is no range of addresses", key, text), "write them such as 10.0.0.5/32")
		}
	}
}

func (c *Config) judgeTenant(r *reader, t *Tenant, path string) {
	check := func(ok bool, key, what, remedy string) {
		if !ok {
			at, there := c.places[path+"."+key]
			if !there {
				at = r.nearestPlace(path + "." + key)
			}
			r.fail(at, Invalid, path+"."+key+": "+what, remedy)
		}
	}
	check(t.Name == "" || tenantName.MatchString(t.Name), "name", fmt.Sprintf("%.60q cannot be", t.Name), "use letters, digits, dots and dashes")
	check(t.Concur.Company == "" || uuid.MatchString(t.Concur.Company), "concur.company", fmt.Sprintf("%.60q is no UUID", t.Concur.Company),
		"copy the company's UUID from the App Center's connection or the Company Request Token page")
	if t.Concur.TimeZone != "" {
		_, err := time.LoadLocation(t.Concur.TimeZone)
		check(err == nil, "concur.time_zone", fmt.Sprintf("%.60q is no time zone", t.Concur.TimeZone), "write one such as Europe/Berlin")
	}
	_, err := document.ParseDate(t.Concur.From)
	check(err == nil, "concur.from", fmt.Sprintf("%.40q is no date", t.Concur.From), "write YYYY-MM-DD")
	_, err = document.ParseDate(t.Epicor.FirstOpen)
	check(err == nil, "epicor.first_open", fmt.Sprintf("%.40q is no date", t.Epicor.FirstOpen), "write YYYY-MM-DD")
	if in := t.Concur.Invoices; in != nil {
		check(len(in.ReadyApproval)+len(in.ReadyPayment) > 0, "concur.invoices", "no status says when a supplier invoice is ready",
			"name the customer's codes in ready_approval or ready_payment; ml-connector check lists them")
	}
	if f := t.Concur.Financial; f != nil {
		for _, kind := range f.Types {
			check(slices.Contains([]string{"expense", "invoice", "cashadvance"}, kind), "concur.financial.types", fmt.Sprintf("%.40q is no kind of document that is carried", kind),
				"write expense, invoice or cashadvance")
		}
		check(len(f.SystemID) <= 50, "concur.financial.system_id", "it has more than 50 characters", "shorten it before the first document is taken, and never change it afterwards")
	}
	if t.Epicor.URL != "" {
		u, err := url.Parse(t.Epicor.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			check(false, "epicor.url", "it is no web address", "give the OData root, https://host/instance/api/v2/odata/COMPANY")
		case u.Scheme == "http" && !t.Epicor.AllowHTTP:
			check(false, "epicor.url", "plain http would show the password and the API key to the network", "write https://; allow_http: true is for simulators on this machine")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			check(false, "epicor.url", "plain http is allowed on this machine only", "write https://")
		}
	}
	tolerance, err := decimal.NewFromString(cmp.Or(t.Epicor.Tolerance, "0"))
	check(err == nil && !tolerance.IsNegative(), "epicor.price_tolerance", fmt.Sprintf("%.20q is no percentage", t.Epicor.Tolerance), "write by how many percent an ordered line may differ from its order, such as 2")
	check(t.Epicor.KeyColumn == "" || columnName.MatchString(t.Epicor.KeyColumn), "epicor.key_column", fmt.Sprintf("%.60q is no column", t.Epicor.KeyColumn), "name a column of APInvHed, such as ExternalID or ConcurKey_c")
	check(t.Epicor.LinesAtOnce >= 0 && t.Epicor.LinesAtOnce <= epicor.MaxLinesAtOnce, "epicor.lines_at_once", fmt.Sprintf("%d is too many or too few", t.Epicor.LinesAtOnce), fmt.Sprintf("write how many lines of an invoice are saved with one call, 1 to %d; 0 sends whole invoices", epicor.MaxLinesAtOnce))
	check(t.Epicor.EmployeeField == "" || columnName.MatchString(t.Epicor.EmployeeField), "epicor.employee_column", fmt.Sprintf("%.60q is no column", t.Epicor.EmployeeField), "name a column of Vendor, such as ExternalId or EmpID_c")
	check(t.Epicor.GroupPrefix == "" || groupPrefix.MatchString(t.Epicor.GroupPrefix), "epicor.group_prefix", fmt.Sprintf("%.20q cannot be", t.Epicor.GroupPrefix), "use one or two capital letters or digits: a group has nine characters, seven of which are the date and the currency")
	check(t.Epicor.ClosedColumn == "" || columnName.MatchString(t.Epicor.ClosedColumn), "epicor.closed_column", fmt.Sprintf("%.60q is no column", t.Epicor.ClosedColumn), "name a column of FiscalPer, such as FAClosedPeriod or APClosed_c")
	check(t.Epicor.ClosedColumn == "" || t.Epicor.FirstOpen == "", "epicor.closed_column", "first_open says already which day is the first that may be posted to", "remove one of them")
	c.judgeLogin(r, t, path)
	c.judgePolicy(t, check)
	if m := t.Mirrors; m != nil {
		if m.Accounts != nil {
			check(uuid.MatchString(m.Accounts.List) || m.Accounts.List == "", "mirrors.accounts.list", fmt.Sprintf("%.60q is no UUID", m.Accounts.List), "copy the list's UUID; ml-connector check names the company's lists")
			check(m.Accounts.Segment == 0, "mirrors.accounts.segment", "accounts are mirrored whole", "remove it")
		}
		if m.CostCentres != nil {
			check(uuid.MatchString(m.CostCentres.List) || m.CostCentres.List == "", "mirrors.cost_centres.list", fmt.Sprintf("%.60q is no UUID", m.CostCentres.List), "copy the list's UUID; ml-connector check names the company's lists")
			check(m.CostCentres.Segment >= 1 && m.CostCentres.Segment <= 20, "mirrors.cost_centres.segment", "it says which segment of the chart of accounts is the cost centre", "write its number, 1 to 20")
			check(t.Epicor.COACode != "", "epicor.coa_code", "cost centres are a segment of one chart of accounts", "name the chart of accounts, such as MAIN")
		}
	}
}

// judgeLogin notes what the way to log in to Epicor lacks, or does not use.
func (c *Config) judgeLogin(r *reader, t *Tenant, path string) {
	e := t.Epicor
	has := map[string]bool{
		"password": e.Password != Ref{}, "token_url": e.TokenURL != "", "client_id": e.ClientID != "", "client_secret": e.ClientSecret != Ref{},
		"scopes": len(e.Scopes) > 0, "audience": e.Audience != "",
	}
	why := map[string]string{
		"password":      "the reference to the service account's password",
		"token_url":     "the address that gives tokens: of the Token Resource, https://host/instance/TokenResource.svc/, or of the identity provider",
		"client_id":     "the client that the identity provider knows this connector by",
		"client_secret": "the reference to that client's secret",
	}
	auth, needs, takes := e.Auth, []string{"password"}, []string(nil)
	switch auth {
	case "token_resource":
		needs = []string{"password", "token_url"}
	case "client_credentials":
		needs, takes = []string{"token_url", "client_id", "client_secret"}, []string{"scopes", "audience"}
	default:
		auth = "basic"
	}
	for _, name := range slices.Sorted(maps.Keys(has)) {
		key := path + ".epicor." + name
		switch needed := slices.Contains(needs, name); {
		case needed && !has[name]:
			if _, there := c.places[key]; !there { // a value that cannot be read was told already
				r.fail(r.nearestPlace(key), Missing, key+" is missing: "+why[name], "give it; "+exampleShows)
			}
		case has[name] && !needed && !slices.Contains(takes, name):
			r.fail(c.places[key], Invalid, key+": auth: "+auth+" does not use it", "remove it, or change auth")
		}
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
