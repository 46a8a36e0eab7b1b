// Package check looks at everything that the connector needs before documents
// depend on it: configuration, data, keys, both systems, rules. Each finding says
// what is there and, where something has to be mended, what to do and who does it.
//
// It changes nothing: no document moves and neither system is written to, unless
// Options.Write asks for a test group in Epicor. Concur's refresh token is used,
// which extends its life. Calls to both systems are recorded in the audit trail.
package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// State is what a check found.
type State string

// The states of a Result. Missing and Wrong are to be mended; Warning is worth
// knowing; Untried says why nothing is known.
const (
	OK      State = "ok"
	Missing State = "MISSING"
	Wrong   State = "WRONG"
	Warning State = "warning"
	Untried State = "not tried"
)

// Who mends what.
const (
	Operator    = "who runs the connector"
	ConcurAdmin = "Concur admin"
	EpicorAdmin = "Epicor admin"
	Finance     = "finance"
	Network     = "network"
)

// Result is one check. No field holds a secret.
type Result struct {
	Area   string `json:"area"` // Setup, Concur, Epicor, Mapping
	Tenant string `json:"tenant,omitempty"`
	Name   string `json:"name"`
	State  State  `json:"state"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
	Owner  string `json:"owner,omitempty"`
}

// Mend reports whether something has to be mended.
func (r Result) Mend() bool { return r.State == Missing || r.State == Wrong }

// Areas of results.
const (
	Setup   = "Setup"
	Concur  = "Concur"
	Epicor  = "Epicor"
	Mapping = "Mapping"
)

// Options say what is looked at.
type Options struct {
	Path   string // of the configuration
	Tenant string // empty: all
	Getenv func(string) string
	Write  bool             // creates and deletes a test group in Epicor
	Now    func() time.Time // nil: time.Now
	// Each is told every result as it comes; nil: nobody is.
	Each func(Result)
}

// checker collects results.
type checker struct {
	opts    Options
	now     func() time.Time
	results []Result
	tenant  string
	absent  bool // there is no data directory yet, so nothing was connected
	closed  bool // the vault key was found not to open what is stored
}

func (c *checker) add(r Result) {
	r.Tenant = c.tenant
	c.results = append(c.results, r)
	if c.opts.Each != nil {
		c.opts.Each(r)
	}
}

func (c *checker) ok(area, name, format string, args ...any) {
	c.add(Result{Area: area, Name: name, State: OK, What: fmt.Sprintf(format, args...)})
}

func (c *checker) untried(area, name, why string) {
	c.add(Result{Area: area, Name: name, State: Untried, What: why})
}

func (c *checker) bad(state State, area, name, owner, remedy, what string) {
	c.add(Result{Area: area, Name: name, State: state, What: oneLine(what), Remedy: remedy, Owner: owner})
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// oneLine keeps foreign texts short and on one line.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 400 {
		return string(r[:399]) + "…"
	}
	return s
}

// Run looks at everything and returns what it found, in the order of looking.
func Run(ctx context.Context, opts Options) []Result {
	c := &checker{opts: opts, now: opts.Now}
	if c.now == nil {
		c.now = time.Now
	}
	if c.opts.Getenv == nil {
		c.opts.Getenv = os.Getenv
	}
	file, err := config.Load(opts.Path)
	if err != nil {
		c.faults(err)
		return c.results
	}
	c.ok(Setup, "configuration", "%s, %s", opts.Path, counted(len(file.Tenants), "tenant"))
	cfg, err := file.App(c.opts.Getenv)
	if err != nil {
		c.faults(err)
	}
	c.events(ctx, file, cfg)
	live := c.data(file)
	for i, t := range cfg.Tenants {
		if opts.Tenant != "" && t.Name != opts.Tenant {
			continue
		}
		if len(cfg.Tenants) > 1 {
			c.tenant = t.Name
		}
		c.one(ctx, file, cfg, i, live)
	}
	return c.results
}

// faults turns the faults of a configuration into results.
func (c *checker) faults(err error) {
	var fs config.Faults
	if !errors.As(err, &fs) {
		c.bad(Wrong, Setup, "configuration", Operator, "mend it", err.Error())
		return
	}
	if errors.Is(err, vault.ErrUnknownKey) {
		c.wrongKey(err)
		return
	}
	for _, f := range fs {
		state, name := Wrong, "configuration"
		switch f.Kind {
		case config.Missing, config.Unset:
			state = Missing
		case config.Unreadable, config.UnknownKey, config.Invalid, config.Exposed:
		}
		switch {
		case strings.HasPrefix(f.What, "vault.key"):
			name = "vault key"
		case strings.HasPrefix(f.What, "events.keys"):
			name = "signature keys"
		case f.Kind == config.Unset:
			name = "secrets"
		}
		place := *f
		place.Remedy = ""
		c.bad(state, Setup, name, Operator, f.Remedy, place.Error())
	}
}

// data looks at the data directory and reports whether it can be worked in.
func (c *checker) data(file *config.Config) (live bool) {
	const name = "data directory"
	m, err := app.ReadMarker(file.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries, dirErr := os.ReadDir(file.Data)
		if dirErr == nil && len(entries) > 0 {
			c.bad(Wrong, Setup, name, Operator, "name an empty or a new directory as data", file.Data+" is not empty and belongs to something else: it has no marker "+app.MarkerFile)
			return false
		}
		c.absent = true
		c.bad(Missing, Setup, name, Operator, "ml-connector connect makes it; if documents were posted before, look for their directory first", file.Data+" is not there yet")
		return false
	case err != nil:
		c.bad(Wrong, Setup, name, Operator, "restore the file, or the directory, from the backup", err.Error())
		return false
	case m.Kind != app.Live:
		c.bad(Wrong, Setup, name, Operator, "name another directory as data", fmt.Sprintf("%s holds %s data", file.Data, m.Kind))
		return false
	}
	f, err := os.CreateTemp(file.Data, ".check-*")
	if err != nil {
		c.bad(Wrong, Setup, name, Operator, "let this program's user write there, and look whether the disk is full", fmt.Sprintf("%s cannot be written to: %v", file.Data, err))
		return false
	}
	_ = f.Close()           // it is empty
	_ = os.Remove(f.Name()) // what stays is an empty file
	c.ok(Setup, name, "%s, can be written to", file.Data)
	return true
}

// one looks at one tenant, in the real data or, where there is none that can be
// worked in, in an empty one.
func (c *checker) one(ctx context.Context, file *config.Config, cfg app.Config, i int, live bool) {
	t := cfg.Tenants[i]
	if t.Unseal == nil {
		c.untried(Concur, "everything", "a secret is missing, see above")
		c.untried(Epicor, "everything", "a secret is missing, see above")
		c.mapping(ctx, t, nil, "a secret is missing, see above")
		return
	}
	clock := newClock(c.now)
	look := app.Config{Data: cfg.Data, Key: cfg.Key, Look: true, Watch: clock.watch, Tenants: []app.Tenant{t}}
	look.Tenants[0].Mapping = ""
	if !live || cfg.Key == nil {
		dir, err := os.MkdirTemp("", "ml-connector-check-*")
		if err != nil {
			c.bad(Wrong, Setup, "data directory", Operator, "let this program's user write to the directory for temporary files", err.Error())
			return
		}
		defer func() { _ = os.RemoveAll(dir) }()
		look.Data, look.Look = filepath.Join(dir, "data"), false
	}
	a, err := app.Open(ctx, look)
	if err != nil {
		c.opened(err)
		c.mapping(ctx, t, nil, "Epicor was not asked, see above")
		return
	}
	defer func() { _ = a.Close() }() // nothing was written that could be lost
	conn, err := a.Connection(t.Name)
	if err != nil {
		c.bad(Wrong, Setup, "configuration", Operator, "mend it", err.Error())
		return
	}
	ctx = a.Scope(ctx, t.Name, "check")
	connected, known := false, false
	switch {
	case cfg.Key == nil:
		c.untried(Concur, "token", "what is stored cannot be opened without the vault key, see above")
	case live:
		connected = c.keys(ctx, a, t.Name)
		known = true
		c.chain(ctx, a, t.Name)
	case c.absent:
		known = true
	default:
		c.untried(Concur, "token", "the data directory cannot be worked in, see above")
	}
	if c.concur(ctx, file, a, conn, connected, known) {
		c.mirrored(ctx, conn)
	}
	reached := c.epicor(ctx, conn)
	c.clock(clock)
	if !reached {
		conn = nil
	}
	c.mapping(ctx, t, conn, "Epicor was not read, see above")
}

// opened says why a tenant could not be wired.
func (c *checker) opened(err error) {
	var fs config.Faults
	switch {
	case errors.As(err, &fs):
		c.faults(err)
	case strings.Contains(err.Error(), "epicor:"):
		c.bad(Wrong, Epicor, "address", Operator, "write epicor.url as https://host/instance/api/v2/odata/COMPANY, from your Epicor admin", err.Error())
		c.untried(Concur, "everything", "the configuration of Epicor has to be mended first, see above")
	case errors.Is(err, concur.ErrHost):
		c.bad(Wrong, Concur, "address", Operator, "remove concur.bootstrap, or name the host in concur.allow_hosts if it is yours", err.Error())
		c.untried(Epicor, "everything", "the configuration of Concur has to be mended first, see above")
	default:
		c.bad(Wrong, Setup, "data directory", Operator, "look at the files in the data directory; the ledger and the audit log are restored together from one backup", err.Error())
	}
}

// rightKey is what to do when the key opens nothing.
const rightKey = "name the key that this data was sealed with in vault.key, from where its copy is kept; without it connect again, and stored secrets and documents stay closed"

// wrongKey says once that the key does not open what is stored.
func (c *checker) wrongKey(err error) {
	c.closed = true
	c.bad(Wrong, Setup, "vault key", Operator, rightKey, err.Error())
}

// shut reports whether a call failed before it left, since the vault could not
// seal or open what it needs, and says so: neither system nor the network is to
// blame.
func (c *checker) shut(area string, err error) bool {
	if !errors.Is(err, vault.ErrUnknownKey) && !errors.Is(err, vault.ErrAltered) && !errors.Is(err, vault.ErrNotSealed) {
		return false
	}
	if !c.closed {
		c.wrongKey(err)
	}
	c.untried(area, "everything", "what is stored cannot be opened, see above")
	return true
}

// keys finds out whether the key opens what is stored, and whether the tenant is
// connected.
func (c *checker) keys(ctx context.Context, a *app.App, tenant string) (connected bool) {
	entries, err := a.Vault.List(ctx, tenant)
	for _, e := range entries {
		if e.Err != nil && err == nil {
			err = fmt.Errorf("secret %q: %w", e.Name, e.Err)
		}
	}
	_, tokenErr := a.Token(ctx, tenant)
	if err == nil && (errors.Is(tokenErr, vault.ErrUnknownKey) || errors.Is(tokenErr, vault.ErrAltered) || errors.Is(tokenErr, vault.ErrNotSealed)) {
		err = fmt.Errorf("token of Concur: %w", tokenErr)
	}
	if err != nil {
		c.wrongKey(err)
		return false
	}
	c.ok(Setup, "vault key", "opens what is stored")
	return tokenErr == nil
}

// chain verifies the audit trail.
func (c *checker) chain(ctx context.Context, a *app.App, tenant string) {
	last, err := a.Trail.Verify(ctx, tenant)
	if err != nil {
		c.bad(Wrong, Setup, "audit trail", Operator, "stop, keep the files as they are, and find out who changed them; ml-connector audit show lists the records up to that place", fmt.Sprintf("broken after record %d: %v", last, err))
		return
	}
	c.ok(Setup, "audit trail", "%d records, unbroken", last)
}
