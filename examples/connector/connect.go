package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

type connectCommand struct {
	configFlags
	Tenant       string `placeholder:"NAME" help:"Which tenant, where the configuration has several."`
	RequestToken string `placeholder:"REFERENCE" help:"Where the company request token is: env:NAME or file:/path. Without it, it is asked for on the terminal and not shown."`
	JSON         bool   `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of connect.
func (c *connectCommand) Help() string {
	return `An administrator of the company makes the token in Concur: Administration > Company > Authentication Admin > Company
Request Token, with the app's client id. It lives 24 hours and is needed once. What Concur gives for it is sealed into
the ledger and renews itself from then on; connecting again replaces it.`
}

// connection is what connect says.
type connectionView struct {
	Tenant        string    `json:"tenant"`
	Company       string    `json:"company"`
	DataCentre    string    `json:"data_centre"`
	RefreshExpiry time.Time `json:"refresh_token_until"`
	Scopes        []string  `json:"scopes"`
}

// Run exchanges the company request token for the first token, and stores that.
func (c *connectCommand) Run(ctx context.Context, p *program) (err error) {
	file, err := c.load()
	if err != nil {
		return err
	}
	tenant, err := one(file, c.Tenant)
	if err != nil {
		return err
	}
	requestToken, err := secretFrom(p, c.RequestToken, "--request-token", "Company request token of "+tenant)
	if err != nil {
		return err
	}
	// Rules that need mending are no reason not to connect.
	a, _, err := c.open(ctx, p, true, func(cfg *app.Config) {
		for i := range cfg.Tenants {
			cfg.Tenants[i].Mapping = ""
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Connect(ctx, tenant, concur.Secret(requestToken)); err != nil {
		return refused(err)
	}
	t, err := a.Token(ctx, tenant)
	if err != nil {
		return err
	}
	v := connectionView{Tenant: tenant, Company: t.Company, DataCentre: t.Geolocation, RefreshExpiry: t.RefreshExpiry.UTC(), Scopes: t.Scopes}
	if c.JSON {
		return p.print(v)
	}
	p.screen.Printf("Connected  tenant %s, company %s\n", v.Tenant, v.Company)
	p.screen.Printf("           data centre %s\n", v.DataCentre)
	p.screen.Printf("           %s\n", refreshLife(t.RefreshExpiry, time.Now()))
	p.screen.Printf("           %d scopes granted\n", len(v.Scopes))
	p.screen.Printf("Stored     sealed, in %s\n\nNext: %s check -c %s\n", file.Data, p.self(), c.Config)
	return nil
}

// refreshLife says how long a refresh token lives.
func refreshLife(until, now time.Time) string {
	if until.IsZero() {
		return "refresh token lives as long as Concur says; each use extends it"
	}
	days := int(until.Sub(now) / (24 * time.Hour))
	return fmt.Sprintf("refresh token lives until %s (%d days); each use extends it", until.UTC().Format(time.DateOnly), days)
}

// refused makes a refusal of the token endpoint something to mend where a person
// can.
func refused(err error) error {
	var e *concur.TokenError
	if errors.As(err, &e) && e.Class() != concur.TokenWait {
		return &mendError{err}
	}
	return err
}

// secretFrom reads a secret from where a reference says, or asks for it on a
// terminal. A secret itself is never taken from the command line, where every
// user of the machine sees it.
func secretFrom(p *program, reference, flag, what string) (string, error) {
	if reference != "" {
		r, err := config.ParseRef(reference)
		if err != nil || r.Scheme == config.VaultScheme {
			return "", &mendError{fmt.Errorf("%s takes env:NAME or file:/path, never the secret itself: others would see it; one that was typed here should be made anew", flag)}
		}
		s, err := r.Plain(p.getenv)
		if err != nil {
			return "", &mendError{fmt.Errorf("%s: %w", flag, err)}
		}
		return strings.TrimSpace(s.Reveal()), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", &mendError{fmt.Errorf("%s is needed, with env:NAME or file:/path: there is no terminal to ask on", flag)}
	}
	_, _ = fmt.Fprintf(p.stderr, "%s (not shown): ", what)
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	_, _ = fmt.Fprintln(p.stderr)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	clear(b)
	if text == "" {
		return "", &mendError{errors.New("nothing was typed")}
	}
	return text, nil
}
