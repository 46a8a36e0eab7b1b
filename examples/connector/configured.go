package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

// configFlags are the flags of commands that work by a configuration.
type configFlags struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"Configuration; ml-connector example config prints one that explains every key."`
}

// load reads the configuration.
func (f *configFlags) load() (*config.Config, error) { return config.Load(f.Config) }

// open reads the configuration and opens the connector that it describes. change
// adapts it first; nil: as it is. The data directory has to be there, unless it
// may be made: an empty ledger beside a full one would not know what was posted.
func (f *configFlags) open(ctx context.Context, p *program, begin bool, change func(*app.Config)) (*app.App, *config.Config, error) {
	c, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	cfg, err := c.App(p.getenv)
	if err != nil {
		return nil, nil, err
	}
	if !begin {
		if err := there(c.Data, f.Config, p.self()); err != nil {
			return nil, nil, err
		}
	}
	if change != nil {
		change(&cfg)
	}
	a, err := app.Open(ctx, cfg)
	if err != nil || begin {
		return a, c, err
	}
	if err := sameCompanies(ctx, a, c, p.self()); err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	return a, c, nil
}

// sameCompanies refuses to work with a token of another company than the
// configuration names: its documents would be posted to this tenant's Epicor.
func sameCompanies(ctx context.Context, a *app.App, c *config.Config, self string) error {
	for _, t := range c.Tenants {
		token, err := a.Token(ctx, t.Name)
		if err != nil || token.Company == "" || strings.EqualFold(token.Company, t.Concur.Company) {
			continue // what the token lacks is told by whoever uses it
		}
		return &mendError{fmt.Errorf("tenant %q is connected to company %s, the configuration says %s; write the right concur.company into %s, or connect again with a request token of the company that it names: %s connect -c %s",
			t.Name, token.Company, t.Concur.Company, c.Path, self, c.Path)}
	}
	return nil
}

// there says what to do where there is no data directory yet.
func there(dir, configPath, self string) error {
	_, err := app.ReadMarker(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &mendError{fmt.Errorf("%s is no data directory yet; connect first: %s connect -c %s. If documents were posted before, look for their directory and name it in the configuration", dir, self, configPath)}
	}
	return err
}

// chosen returns the tenants that a command is for.
func chosen(c *config.Config, name string) ([]string, error) {
	var all []string
	for _, t := range c.Tenants {
		all = append(all, t.Name)
	}
	if name == "" {
		return all, nil
	}
	if !slices.Contains(all, name) {
		return nil, &mendError{fmt.Errorf("%s has no tenant %q; it has: %s", c.Path, name, strings.Join(all, ", "))}
	}
	return []string{name}, nil
}

// one is chosen for commands that are for one tenant at a time.
func one(c *config.Config, name string) (string, error) {
	names, err := chosen(c, name)
	if err != nil {
		return "", err
	}
	if len(names) > 1 {
		return "", &mendError{fmt.Errorf("say for which tenant with --tenant: %s", strings.Join(names, ", "))}
	}
	return names[0], nil
}

// logger writes what operators should know to standard error: as text for a
// person, else as JSON.
func (p *program) logger(l config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cmp.Or(l.Level, "info"))) // the configuration allows only known words
	opts := &slog.HandlerOptions{Level: level}
	f, isFile := p.stderr.(*os.File)
	text := isFile && term.IsTerminal(int(f.Fd()))
	switch l.Format {
	case "text":
		text = true
	case "json":
		text = false
	}
	if text {
		return slog.New(slog.NewTextHandler(p.stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(p.stderr, opts))
}

// data opens the directory that the flags name.
func (f *dataFlags) data(ctx context.Context) (*app.Data, error) {
	if f.Config == "" {
		m, err := app.ReadMarker(f.Data)
		if err == nil && m.Sealed {
			return nil, &mendError{fmt.Errorf("what is in %s is sealed: name the configuration that says where the key is, with -c", f.Data)}
		}
		d, err := app.OpenData(ctx, f.Data)
		if err != nil {
			return nil, &mendError{err}
		}
		return d, nil
	}
	c, err := config.Load(f.Config)
	if err != nil {
		return nil, err
	}
	f.Data = c.Data
	if err := there(c.Data, f.Config, "ml-connector"); err != nil {
		return nil, err
	}
	key, err := c.VaultKey(os.Getenv)
	if err != nil {
		return nil, config.Faults{asFault(err)}
	}
	d, err := app.OpenSealed(ctx, f.Data, key)
	if err != nil {
		return nil, &mendError{err}
	}
	return d, nil
}

func asFault(err error) *config.Fault {
	var f *config.Fault
	if errors.As(err, &f) {
		return f
	}
	return &config.Fault{What: err.Error()}
}
