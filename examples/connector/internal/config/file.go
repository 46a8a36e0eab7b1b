package config

import (
	"maps"
	"reflect"
	"slices"
	"time"
)

// File is a configuration as it is written; config.example.yaml explains every
// key. Relative paths belong to the directory that the program is started in.
type File struct {
	Data    string        `yaml:"data" need:"the directory of the ledger and the audit log"`
	Vault   Vault         `yaml:"vault"`
	Listen  string        `yaml:"listen"`
	TLS     TLS           `yaml:"tls"`
	Events  Events        `yaml:"events"`
	Log     Log           `yaml:"log"`
	Workers int           `yaml:"workers"`
	Drain   time.Duration `yaml:"drain"`
	Tenants []Tenant      `yaml:"tenants" need:"the customers whose documents are carried"`
}

// Vault says where the key is that seals everything secret at rest.
type Vault struct {
	Key Ref `yaml:"key" need:"the reference to the key that seals tokens, secrets and documents at rest"`
}

// TLS says how the connector's own address is served.
type TLS struct {
	Cert        string `yaml:"cert"`
	Key         string `yaml:"key"`
	BehindProxy bool   `yaml:"behind_proxy"`
}

// Events says how Concur's events reach the connector.
type Events struct {
	URL          string       `yaml:"url"`
	Keys         string       `yaml:"keys"`
	Algorithm    string       `yaml:"algorithm" words:"pss pkcs1v15"`
	Certificate  *Certificate `yaml:"certificate"`
	Subscription string       `yaml:"subscription"`
}

// Certificate says how Concur's client certificate is checked: here, against
// Authorities, or by a proxy that passes its subject on in Header.
type Certificate struct {
	Authorities   string   `yaml:"authorities"`
	Names         []string `yaml:"names"`
	Header        string   `yaml:"header"`
	Verified      string   `yaml:"verified_header"`
	VerifiedValue string   `yaml:"verified_value"`
	Trusted       []string `yaml:"trusted"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level" words:"debug info warn error"`
	Format string `yaml:"format" words:"auto text json"`
}

// Tenant is one customer: a Concur company whose documents go to an Epicor
// company.
type Tenant struct {
	Name    string   `yaml:"name" need:"what the tenant is called in the ledger, for ever"`
	Mapping string   `yaml:"mapping" need:"the file of the rules that turn documents into AP invoices"`
	Target  string   `yaml:"target"`
	Concur  Concur   `yaml:"concur"`
	Epicor  Epicor   `yaml:"epicor"`
	Mirrors *Mirrors `yaml:"mirrors"`
	Policy  Policy   `yaml:"policy"`
	Limits  Limits   `yaml:"limits"`
}

// Concur is a tenant's side in SAP Concur.
type Concur struct {
	Company      string        `yaml:"company" need:"the company's UUID in Concur"`
	ClientID     string        `yaml:"client_id" need:"the id of the app that SAP Concur registered"`
	ClientSecret Ref           `yaml:"client_secret" need:"the reference to the app's secret"`
	Bootstrap    string        `yaml:"bootstrap"`
	AllowHosts   []string      `yaml:"allow_hosts"`
	Timeout      time.Duration `yaml:"timeout"`
	TimeZone     string        `yaml:"time_zone"`
	From         string        `yaml:"from"`
	Reports      Reports       `yaml:"reports"`
	Invoices     *Invoices     `yaml:"invoices"`
	Financial    *Financial    `yaml:"financial"`
}

// Reports says which expense reports are ready and how they are read.
type Reports struct {
	Ready        []string      `yaml:"ready"`
	Overlap      time.Duration `yaml:"overlap"`
	PageSize     int           `yaml:"page_size"`
	LongCodes    bool          `yaml:"long_codes"`
	PaymentClass bool          `yaml:"payment_class"`
	Concurrency  int           `yaml:"concurrency"`
}

// Invoices says which supplier invoices are ready; without the section none are
// carried.
type Invoices struct {
	ReadyApproval     []string `yaml:"ready_approval"`
	ReadyPayment      []string `yaml:"ready_payment"`
	WithdrawnApproval []string `yaml:"withdrawn_approval"`
	Topics            []string `yaml:"topics"`
	PageSize          int      `yaml:"page_size"`
	Language          string   `yaml:"language"`
}

// Financial says how the documents of the Financial Integration Service are read;
// without the section the company does not use it.
type Financial struct {
	Types     []string `yaml:"types"`
	SystemID  string   `yaml:"system_id"`
	ERPSystem string   `yaml:"erp_system"`
	PageSize  int      `yaml:"page_size"`
	RawCodes  bool     `yaml:"raw_codes"`
}

// Epicor is a tenant's side in Epicor Kinetic.
type Epicor struct {
	URL           string        `yaml:"url" need:"the OData root, https://host/instance/api/v2/odata/COMPANY"`
	AllowHTTP     bool          `yaml:"allow_http"`
	RootCAs       string        `yaml:"root_cas"`
	APIKey        Ref           `yaml:"api_key" need:"the reference to the API key"`
	Auth          string        `yaml:"auth" words:"basic token_resource client_credentials"`
	User          string        `yaml:"user" need:"the service account, to which the entry groups belong"`
	Password      Ref           `yaml:"password"`
	TokenURL      string        `yaml:"token_url"`
	ClientID      string        `yaml:"client_id"`
	ClientSecret  Ref           `yaml:"client_secret"`
	Scopes        []string      `yaml:"scopes"`
	Audience      string        `yaml:"audience"`
	Timeout       time.Duration `yaml:"timeout"`
	Final         string        `yaml:"final" words:"saved posted"`
	KeyColumn     string        `yaml:"key_column"`
	GroupPrefix   string        `yaml:"group_prefix"`
	Groups        string        `yaml:"groups" words:"day_currency day_whole_currency day month"`
	LinesAtOnce   int           `yaml:"lines_at_once"`
	Reversal      string        `yaml:"reversal" words:"park cancel"`
	NumberLength  int           `yaml:"number_length"`
	DueDates      bool          `yaml:"due_dates"`
	Tolerance     string        `yaml:"price_tolerance"`
	DuplicateDays int           `yaml:"duplicate_days"`
	Attachments   string        `yaml:"attachments" words:"off later first"`
	COACode       string        `yaml:"coa_code"`
	EmployeeField string        `yaml:"employee_column"`
	AnyApproval   bool          `yaml:"ignore_approval"`
	FirstOpen     string        `yaml:"first_open"`
	ClosedColumn  string        `yaml:"closed_column"`
	TableAge      time.Duration `yaml:"table_age"`
}

// Mirrors says which reference data of Epicor is kept up to date in Concur.
type Mirrors struct {
	Every            time.Duration `yaml:"every" never:"true"`
	MaxRetire        int           `yaml:"max_retire"`
	MaxRetirePercent int           `yaml:"max_retire_percent"`
	Accounts         *ListMirror   `yaml:"accounts"`
	CostCentres      *ListMirror   `yaml:"cost_centres"`
	Vendors          *VendorMirror `yaml:"vendors"`
}

// ListMirror is one set that is kept in a list of Concur.
type ListMirror struct {
	List    string `yaml:"list" need:"the UUID of the list in Concur"`
	Segment int    `yaml:"segment"`
}

// VendorMirror keeps Epicor's vendors in Concur Invoice.
type VendorMirror struct {
	AddressCode string            `yaml:"address_code"`
	Country     string            `yaml:"country"`
	Countries   map[string]string `yaml:"countries"`
	TermsDays   map[string]int    `yaml:"terms_days"`
	Delete      bool              `yaml:"delete"`
}

// Policy says how a tenant's documents behave over time.
type Policy struct {
	MinWait         time.Duration `yaml:"min_wait"`
	MaxWait         time.Duration `yaml:"max_wait"`
	MaxTries        int           `yaml:"max_tries"`
	AttachTries     int           `yaml:"attach_tries"`
	MaxFailing      time.Duration `yaml:"max_failing"`
	Lease           time.Duration `yaml:"lease"`
	Sweep           time.Duration `yaml:"sweep" never:"true"`
	Poll            time.Duration `yaml:"poll"`
	Payments        time.Duration `yaml:"payments" never:"true"`
	CircuitFailures int           `yaml:"circuit_failures"`
	CircuitOpen     time.Duration `yaml:"circuit_open"`

	Return       map[string]time.Duration `yaml:"return" at_once:"true"`
	KeepContents time.Duration            `yaml:"keep_contents"`
	KeepRows     time.Duration            `yaml:"keep_rows"`
}

// Limits say what a tenant's documents take of this program at most.
type Limits struct {
	Concurrency int           `yaml:"concurrency"`
	Interval    time.Duration `yaml:"interval"`
	Burst       int           `yaml:"burst"`
}

// Keys returns the names of all keys, for a test of the example.
func Keys() []string {
	seen := map[string]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				seen[name] = true
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[File]())
	return slices.Sorted(maps.Keys(seen))
}
