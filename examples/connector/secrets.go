package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/vault"
)

type secretsCommand struct {
	NewKey newKeyCommand        `cmd:"" name:"new-key" help:"Make the key that seals everything secret at rest, once."`
	Put    secretsPutCommand    `cmd:"" help:"Store a secret, read from standard input, for vault:NAME in the configuration."`
	List   secretsListCommand   `cmd:"" help:"List what is stored, without the secrets."`
	Delete secretsDeleteCommand `cmd:"" help:"Remove a secret."`
}

type newKeyCommand struct {
	File string `arg:"" help:"Where to write it; an existing file is never written over."`
}

// Run makes a key.
func (c *newKeyCommand) Run(p *program) error {
	key, err := vault.NewKey()
	if err != nil {
		return err
	}
	if err := vault.WriteKeyFile(c.File, key); err != nil {
		return &mendError{err}
	}
	p.screen.Printf("Key %s written to %s.\nKeep a copy apart from the backups of the data: without it nothing that is sealed opens again.\n", key.IDs()[0], c.File)
	return nil
}

// vaultFlags are the flags of commands that work on a tenant's vault.
type vaultFlags struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Which tenant, where the configuration has several."`
}

// vault opens the vault. Nothing else of the configuration has to be reachable:
// a secret that is stored here may be the one that is missing.
func (f *vaultFlags) vault(ctx context.Context, p *program, begin bool) (d *app.Data, tenant string, err error) {
	c, err := f.load()
	if err != nil {
		return nil, "", err
	}
	if tenant, err = one(c, f.Tenant); err != nil {
		return nil, "", err
	}
	key, err := c.VaultKey(p.getenv)
	if err != nil {
		return nil, "", config.Faults{asFault(err)}
	}
	if _, err := app.ReadMarker(c.Data); errors.Is(err, fs.ErrNotExist) {
		if !begin {
			return nil, "", there(c.Data, f.Config, p.self())
		}
		m := app.Marker{Kind: app.Live, Sealed: true}
		for _, t := range c.Tenants {
			m.Tenants = append(m.Tenants, t.Name)
		}
		if err := app.Mark(c.Data, m); err != nil {
			return nil, "", err
		}
	}
	d, err = app.OpenSealed(ctx, c.Data, key)
	return d, tenant, err
}

type secretsPutCommand struct {
	vaultFlags
	Name string `arg:"" help:"What the configuration calls it behind vault: small letters, digits, dots and dashes."`
}

// maxSecret bounds what is taken as a secret.
const maxSecret = 64 << 10

// Run stores a secret.
func (c *secretsPutCommand) Run(ctx context.Context, p *program) (err error) {
	if !config.ValidVaultName(c.Name) {
		return &mendError{fmt.Errorf("%.100q cannot be the name of a secret: use small letters, digits, dots and dashes", c.Name)}
	}
	value, err := typed(p, c.Name)
	if err != nil {
		return err
	}
	defer clear(value)
	d, tenant, err := c.vault(ctx, p, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	secret := vault.NewSecret(value)
	defer secret.Wipe()
	if err := d.Vault.Put(ctx, tenant, c.Name, vault.Credential{config.VaultField: secret}); err != nil {
		return err
	}
	p.screen.Printf("Stored, sealed, for tenant %s; refer to it as vault:%s\n", tenant, c.Name)
	return nil
}

// typed reads a secret from standard input, unseen where that is a terminal.
func typed(p *program, name string) ([]byte, error) {
	var value []byte
	var err error
	if term.IsTerminal(int(os.Stdin.Fd())) {
		_, _ = fmt.Fprintf(p.stderr, "%s (not shown): ", name)
		value, err = term.ReadPassword(int(os.Stdin.Fd()))
		_, _ = fmt.Fprintln(p.stderr)
	} else {
		value, err = io.ReadAll(io.LimitReader(os.Stdin, maxSecret+1))
	}
	if err != nil {
		return nil, err
	}
	for len(value) > 0 && (value[len(value)-1] == '\n' || value[len(value)-1] == '\r') {
		value = value[:len(value)-1] // editors end a file with a line's end that is no part of the secret
	}
	if len(value) == 0 || len(value) > maxSecret {
		return nil, &mendError{fmt.Errorf("standard input holds nothing, or more than %d bytes; write: secrets put %s < file", maxSecret, name)}
	}
	return value, nil
}

type secretsListCommand struct {
	vaultFlags
	JSON bool `name:"json" help:"Print JSON for programs."`
}

// secretView is what may be seen of a secret.
type secretView struct {
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"`
	Stored      time.Time `json:"stored"`
	Key         string    `json:"key"`
	Error       string    `json:"error,omitempty"`
}

// Run lists secrets without showing them.
func (c *secretsListCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenant, err := c.vault(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	entries, err := d.Vault.List(ctx, tenant)
	if err != nil {
		return err
	}
	views := []secretView{}
	for _, e := range entries {
		v := secretView{Name: e.Name, Fingerprint: e.Fingerprint, Stored: e.Stored, Key: e.Key}
		if e.Err != nil {
			v.Error = e.Err.Error()
		}
		views = append(views, v)
	}
	if c.JSON {
		return p.print(views)
	}
	if len(views) == 0 {
		p.screen.Printf("Nothing is stored for tenant %s.\n", tenant)
		return nil
	}
	t := screen.Table{Columns: []screen.Column{{Title: "name"}, {Title: "fingerprint"}, {Title: "stored (UTC)"}, {Title: "key"}, {Title: "", Gives: true}}}
	for _, v := range views {
		t.Add(v.Name, v.Fingerprint, v.Stored.UTC().Format(time.DateTime), v.Key, v.Error)
	}
	t.Write(p.screen)
	return nil
}

type secretsDeleteCommand struct {
	vaultFlags
	Name string `arg:"" help:"Which one."`
}

// Run removes a secret.
func (c *secretsDeleteCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenant, err := c.vault(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Vault.Delete(ctx, tenant, c.Name); err != nil {
		return err
	}
	p.screen.Printf("%s of tenant %s is removed\n", c.Name, tenant)
	return nil
}
