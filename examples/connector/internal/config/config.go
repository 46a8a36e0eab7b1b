// Package config reads the connector's configuration: one YAML file in which
// every key is known and no secret stands, for one or several tenants.
//
// Load reads and judges the file; all that is wrong comes at once as Faults, each
// with line, column and what to do. Config.App then follows the references to
// what the file does not hold and gives what package app runs.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Defaults of what the file may leave out; config.example.yaml names them.
const (
	DefaultListen       = "127.0.0.1:8484"
	DefaultSubscription = "ml-connector-expense-report"
)

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
		why := "cannot be read"
		if errors.Is(err, os.ErrNotExist) {
			why = "does not exist"
		}
		return nil, Faults{{File: path, Kind: Unreadable, What: "the configuration " + why, Remedy: "name another with -c, or copy config.example.yaml and fill it in"}}
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
	check(t.Epicor.KeyColumn == "" || columnName.MatchString(t.Epicor.KeyColumn), "epicor.key_column", fmt.Sprintf("%.60q is no column", t.Epicor.KeyColumn), "name a column of APInvHed, such as ExternalID or ConcurKey_c")
	check(t.Epicor.EmployeeField == "" || columnName.MatchString(t.Epicor.EmployeeField), "epicor.employee_column", fmt.Sprintf("%.60q is no column", t.Epicor.EmployeeField), "name a column of Vendor, such as ExternalId or EmpID_c")
	check(t.Epicor.GroupPrefix == "" || groupPrefix.MatchString(t.Epicor.GroupPrefix), "epicor.group_prefix", fmt.Sprintf("%.20q cannot be", t.Epicor.GroupPrefix), "use one or two capital letters or digits: a group has nine characters, seven of which are the date and the currency")
	check(t.Epicor.Auth != "token_resource" || t.Epicor.TokenURL != "", "epicor.token_url", "auth: token_resource needs it", "give the address of the Token Resource, https://host/instance/TokenResource.svc/")
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

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
