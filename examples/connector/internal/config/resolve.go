package config

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// at makes a fault of what a key's value leads to.
func (c *Config) at(key string, p place, kind Kind, what, remedy string) *Fault {
	if p == (place{}) {
		p = (&reader{places: c.places}).nearestPlace(key)
	}
	return &Fault{File: c.Path, Line: p.line, Column: p.column, Kind: kind, What: what, Remedy: remedy}
}

// unset makes a fault of a reference that leads to nothing.
func (c *Config) unset(r Ref, err error) *Fault {
	remedy := map[string]string{
		EnvScheme:   "set it in the environment of this program",
		FileScheme:  "write the secret into that file, readable by this program alone",
		VaultScheme: "store it with ml-connector secrets put",
	}[r.Scheme]
	f := c.at(r.path, r.at, Unset, fmt.Sprintf("%s is %s: %v", r.path, r, err), remedy)
	f.err = err
	return f
}

// VaultKey reads the key of the vault.
func (c *Config) VaultKey(getenv func(string) string) (*vault.Key, error) {
	r := c.Vault.Key
	if r.Scheme == FileScheme {
		key, err := vault.ReadKeyFile(r.Name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, c.at(r.path, r.at, Unset, "vault.key: there is no file "+r.Name, "make a key once with ml-connector secrets new-key "+r.Name+", and keep a copy of it apart from the backups")
		}
		if err != nil {
			return nil, c.at(r.path, r.at, Unset, fmt.Sprintf("vault.key: %v", err), "a key is one line in a file of mode 0600, as ml-connector secrets new-key writes it")
		}
		return key, nil
	}
	s, err := r.Plain(getenv)
	if err != nil {
		return nil, c.unset(r, err)
	}
	key, err := vault.ParseKey([]byte(s.Reveal()))
	if err != nil {
		return nil, c.at(r.path, r.at, Unset, fmt.Sprintf("vault.key: what %s holds is no key: %v", r, err), "make one with ml-connector secrets new-key")
	}
	return key, nil
}

// EventKeys reads the keys that verify Concur's events; none where the
// certificate alone does.
func (c *Config) EventKeys() ([]*rsa.PublicKey, error) {
	if c.Events.Keys == "" {
		return nil, nil
	}
	const remedy = "put the public keys that SAP Concur publishes for its Event Subscription Service into that file, as PEM"
	p := c.places["events.keys"]
	text, err := os.ReadFile(c.Events.Keys)
	if err != nil {
		return nil, c.at("events.keys", p, Unset, fmt.Sprintf("events.keys: %v", err), remedy)
	}
	keys, err := concur.ParseSignatureKeys(text)
	if err != nil {
		return nil, c.at("events.keys", p, Invalid, fmt.Sprintf("events.keys: %s: %v", c.Events.Keys, err), remedy)
	}
	return keys, nil
}

// EventCertificate returns how Concur's client certificate is checked; nil: it is
// not.
func (c *Config) EventCertificate() (*concur.CertificateOptions, error) {
	cert := c.Events.Certificate
	if cert == nil {
		return nil, nil
	}
	out := &concur.CertificateOptions{Names: cert.Names}
	if cert.Header != "" {
		f := &concur.ForwardedSubject{Header: cert.Header, Verified: cert.Verified, VerifiedValue: cert.VerifiedValue}
		for _, text := range cert.Trusted {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, err // judged before
			}
			f.Trusted = append(f.Trusted, p)
		}
		out.Forwarded = f
		return out, nil
	}
	const key = "events.certificate.authorities"
	text, err := os.ReadFile(cert.Authorities)
	out.Roots = x509.NewCertPool() // these alone: others may name their client as they like
	if err == nil && !out.Roots.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s holds no certificate", cert.Authorities)
	}
	if err != nil {
		return nil, c.at(key, c.places[key], Unset, fmt.Sprintf("%s: %v", key, err), "put the certificates of the authorities that SAP Concur's webhook certificate is issued by into that file, as PEM")
	}
	return out, nil
}

// App follows the references and returns what package app runs. What leads to
// nothing comes as Faults, all at once, with what the rest leads to; a tenant whose
// secrets are missing then has no Unseal. What is kept in the vault is opened by
// app.Open.
func (c *Config) App(getenv func(string) string) (app.Config, error) {
	out := app.Config{Data: c.Data, Workers: c.Workers, Drain: c.Drain}
	var faults Faults
	note := func(err error) {
		var f *Fault
		if errors.As(err, &f) {
			faults = append(faults, f)
		}
	}
	var err error
	out.Key, err = c.VaultKey(getenv)
	note(err)
	out.EventKeys, err = c.EventKeys()
	note(err)
	out.EventCertificate, err = c.EventCertificate()
	note(err)
	switch c.Events.Algorithm {
	case "pkcs1v15":
		out.EventAlgorithm = concur.SignaturePKCS1v15
	default:
		out.EventAlgorithm = concur.SignaturePSS
	}
	for i := range c.Tenants {
		t, tenantFaults := c.tenant(&c.Tenants[i], fmt.Sprintf("tenants[%d]", i+1), getenv)
		faults = append(faults, tenantFaults...)
		out.Tenants = append(out.Tenants, t)
	}
	if len(faults) > 0 {
		return out, faults.sorted()
	}
	return out, nil
}

// tenant turns one tenant into what package app takes.
func (c *Config) tenant(t *Tenant, path string, getenv func(string) string) (app.Tenant, Faults) {
	var faults Faults
	out := app.Tenant{
		Name: t.Name, Mapping: t.Mapping, Target: t.Target,
		Policy: engine.Policy{
			MinWait: t.Policy.MinWait, MaxWait: t.Policy.MaxWait, MaxTries: t.Policy.MaxTries, AttachTries: t.Policy.AttachTries, MaxFailing: t.Policy.MaxFailing,
			Lease: t.Policy.Lease, Sweep: t.Policy.Sweep, Poll: t.Policy.Poll, Payments: t.Policy.Payments,
			CircuitFailures: t.Policy.CircuitFailures, CircuitOpen: t.Policy.CircuitOpen,
			KeepContents: t.Policy.KeepContents, KeepRows: t.Policy.KeepRows, Return: t.Policy.returns(),
		},
		Limits: engine.Limits{Concurrency: t.Limits.Concurrency, Interval: t.Limits.Interval, Burst: t.Limits.Burst},
	}
	location := time.UTC
	if t.Concur.TimeZone != "" {
		location, _ = time.LoadLocation(t.Concur.TimeZone) // judged before
	}
	from := time.Time{}
	if t.Concur.From != "" {
		from, _ = time.ParseInLocation(time.DateOnly, t.Concur.From, location) // judged before
	}
	out.Concur = app.Concur{
		App: concur.App{ClientID: t.Concur.ClientID}, Company: t.Concur.Company, BootstrapURL: t.Concur.Bootstrap,
		AllowHosts: t.Concur.AllowHosts, Timeout: t.Concur.Timeout,
		Reports: concursync.ReportsOptions{
			From: from, Overlap: t.Concur.Reports.Overlap, PageSize: t.Concur.Reports.PageSize, Location: location,
			LongCodes: t.Concur.Reports.LongCodes, PaymentClass: t.Concur.Reports.PaymentClass, Concurrency: t.Concur.Reports.Concurrency,
		},
	}
	for _, code := range t.Concur.Reports.Ready {
		out.Concur.Reports.Ready = append(out.Concur.Reports.Ready, concur.PaymentStatus(code))
	}
	if in := t.Concur.Invoices; in != nil {
		out.Concur.InvoiceTopics = in.Topics
		out.Concur.Invoices = &concursync.PaymentRequestsOptions{
			ReadyApproval: in.ReadyApproval, ReadyPayment: in.ReadyPayment, WithdrawnApproval: in.WithdrawnApproval,
			From: from, PageSize: in.PageSize, Location: location, Language: in.Language,
		}
	}
	if f := t.Concur.Financial; f != nil {
		out.Concur.Financial = &concursync.FinancialOptions{
			SystemID: f.SystemID, ERPSystem: f.ERPSystem, From: from, PageSize: f.PageSize, Location: location, RawCodes: f.RawCodes,
		}
		for _, kind := range f.Types {
			out.Concur.Financial.Types = append(out.Concur.Financial.Types, concur.FinancialType(kind))
		}
	}
	out.Epicor = app.Epicor{
		URL: t.Epicor.URL, AllowHTTP: t.Epicor.AllowHTTP, Timeout: t.Epicor.Timeout,
		Entry: epicor.InvoiceOptions{
			KeyColumn: t.Epicor.KeyColumn, GroupPrefix: t.Epicor.GroupPrefix, Strategy: epicor.GroupStrategy(t.Epicor.Groups), User: t.Epicor.User,
			LinesAtOnce: t.Epicor.LinesAtOnce,
		},
		Invoices: epicorsync.InvoicesOptions{
			Final: epicorsync.Final(t.Epicor.Final), NumberLength: t.Epicor.NumberLength, DueDates: t.Epicor.DueDates, Reversal: epicorsync.Reversal(t.Epicor.Reversal),
		},
		Tables: epicorsync.TablesOptions{
			MaxAge: t.Epicor.TableAge, COACode: t.Epicor.COACode, EmployeeColumn: t.Epicor.EmployeeField,
			IgnoreApproval: t.Epicor.AnyApproval, FirstOpen: document.Date(t.Epicor.FirstOpen), ClosedColumn: t.Epicor.ClosedColumn,
		},
	}
	out.Epicor.Invoices.PriceTolerance, _ = decimal.NewFromString(cmp.Or(t.Epicor.Tolerance, "0")) // judged before
	out.Epicor.Invoices.DuplicateDays = t.Epicor.DuplicateDays
	out.Epicor.Attachments = t.Epicor.Attachments == "later" || t.Epicor.Attachments == "first"
	out.Epicor.Invoices.AttachmentsFirst = t.Epicor.Attachments == "first"
	out.Mirrors = mirrors(t)
	if t.Epicor.RootCAs != "" {
		pool, err := authorities(t.Epicor.RootCAs)
		if err != nil {
			key := path + ".epicor.root_cas"
			faults = append(faults, c.at(key, c.places[key], Unset, fmt.Sprintf("%s: %v", key, err), "put the certificate of the authority that signed Epicor's into that file, as PEM"))
		}
		out.Epicor.RootCAs = pool
	}
	kept := 0
	for _, ref := range []Ref{t.Concur.ClientSecret, t.Epicor.APIKey, t.Epicor.login()} {
		if ref.Scheme == VaultScheme {
			kept++
		} else if _, err := ref.Plain(getenv); err != nil {
			faults = append(faults, c.unset(ref, err))
		}
	}
	if len(faults) > 0 {
		return out, faults
	}
	out.Unseal = func(ctx context.Context, v *vault.Vault, into *app.Tenant) error {
		return c.unseal(ctx, v, t, into, getenv)
	}
	return out, nil
}

func mirrors(t *Tenant) app.Mirrors {
	m := t.Mirrors
	if m == nil {
		return app.Mirrors{}
	}
	out := app.Mirrors{Policy: engine.MirrorPolicy{Every: m.Every, MaxRetire: m.MaxRetire, MaxRetirePercent: m.MaxRetirePercent}}
	if m.Accounts != nil {
		out.AccountList = m.Accounts.List
	}
	if m.CostCentres != nil {
		out.CentreList, out.CentreSegment = m.CostCentres.List, m.CostCentres.Segment
	}
	if v := m.Vendors; v != nil {
		out.Vendors = &app.VendorMirror{
			Copy:     concursync.VendorCopyOptions{AddressCode: v.AddressCode, Country: v.Country, Delete: v.Delete},
			Original: epicorsync.VendorsOptions{EmployeeColumn: t.Epicor.EmployeeField, IgnoreApproval: t.Epicor.AnyApproval, Countries: v.Countries, TermsDays: v.TermsDays},
		}
	}
	return out
}

// unseal fills in a tenant's secrets. They are opened at each call: what the
// program keeps of them is the reference. What logs in to Epicor by itself for
// tokens, token_resource and client_credentials, keeps what it logs in with.
func (c *Config) unseal(ctx context.Context, v *vault.Vault, t *Tenant, into *app.Tenant, getenv func(string) string) error {
	open := func(ctx context.Context, r Ref) (vault.Secret, error) {
		s, err := r.Open(ctx, v, t.Name, getenv)
		if err != nil {
			return s, c.unset(r, err)
		}
		return s, nil
	}
	// Opened once to see that it is there, and again at each call of the token endpoint.
	if _, err := open(ctx, t.Concur.ClientSecret); err != nil {
		return Faults{asFault(err)}
	}
	into.Concur.Secrets = func(ctx context.Context) ([]concur.Secret, error) {
		secret, err := open(ctx, t.Concur.ClientSecret)
		if err != nil {
			return nil, err
		}
		return []concur.Secret{concur.Secret(secret.Reveal())}, nil
	}
	key, keyErr := open(ctx, t.Epicor.APIKey)
	password, passwordErr := open(ctx, t.Epicor.login())
	if keyErr != nil || passwordErr != nil {
		var faults Faults
		for _, err := range []error{keyErr, passwordErr} {
			if err != nil {
				faults = append(faults, asFault(err))
			}
		}
		return faults
	}
	if t.Epicor.Auth == "token_resource" || t.Epicor.Auth == "client_credentials" {
		carrier, err := app.Carrier(into.Epicor.RootCAs)
		if err != nil {
			return err
		}
		tokens, err := t.Epicor.tokens(&http.Client{Transport: carrier, Timeout: time.Minute}, password.Reveal())
		if err != nil {
			return err
		}
		into.Epicor.Credential = epicor.Bearer(key.Reveal(), tokens)
		return nil
	}
	into.Epicor.Credential = basic{
		user:     t.Epicor.User,
		key:      func(ctx context.Context) (vault.Secret, error) { return open(ctx, t.Epicor.APIKey) },
		password: func(ctx context.Context) (vault.Secret, error) { return open(ctx, t.Epicor.Password) },
	}
	return nil
}

// login is the reference to what is logged in to Epicor with.
func (e Epicor) login() Ref {
	if e.Auth == "client_credentials" {
		return e.ClientSecret
	}
	return e.Password
}

// tokens is where bearer tokens for Epicor come from.
func (e Epicor) tokens(carrier *http.Client, secret string) (epicor.TokenSource, error) {
	if e.Auth == "client_credentials" {
		return epicor.ClientCredentials(e.TokenURL, e.ClientID, secret, &epicor.ClientCredentialsOptions{
			Scopes: e.Scopes, Audience: e.Audience, User: e.User, HTTP: carrier, AllowHTTP: e.AllowHTTP,
		})
	}
	return epicor.TokenResource(e.TokenURL, e.User, secret, &epicor.TokenResourceOptions{HTTP: carrier, AllowHTTP: e.AllowHTTP})
}

func asFault(err error) *Fault {
	var f *Fault
	errors.As(err, &f)
	return f
}

// basic is epicor.Basic whose secrets are opened where a call is made, so that a
// changed one counts at once and none stays in memory.
type basic struct {
	user          string
	key, password func(context.Context) (vault.Secret, error)
}

// Authorize implements epicor.Credential.
func (b basic) Authorize(ctx context.Context, req *http.Request) error {
	key, err := b.key(ctx)
	if err != nil {
		return err
	}
	defer key.Wipe()
	password, err := b.password(ctx)
	if err != nil {
		return err
	}
	defer password.Wipe()
	return epicor.Basic(key.Reveal(), b.user, password.Reveal()).Authorize(ctx, req)
}

func authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}
