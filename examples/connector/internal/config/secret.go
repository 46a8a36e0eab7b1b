package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// Ref says where a secret is kept. The file never holds the secret itself.
type Ref struct {
	Scheme string // env, file or vault; "": no reference
	Name   string // of the variable, the file, or what the vault knows it by

	path string
	at   place
}

// The schemes of references.
const (
	EnvScheme   = "env"
	FileScheme  = "file"
	VaultScheme = "vault"
)

// maxSecret bounds what is read as a secret.
const maxSecret = 64 << 10

// VaultField is the field of a vault's credential that holds a secret which was
// put there by name.
const VaultField = "value"

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	vaultName    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)
)

// ValidVaultName reports whether a secret in the vault may be called so: small
// letters, digits, dots, dashes and underscores, at most 100.
func ValidVaultName(name string) bool { return vaultName.MatchString(name) }

// ParseRef reads a reference such as env:NAME, file:/path or vault:name. The
// error never holds the text, which may be the secret itself.
func ParseRef(text string) (Ref, error) {
	scheme, name, found := strings.Cut(text, ":")
	name = strings.TrimSpace(name)
	switch {
	case !found || scheme != EnvScheme && scheme != FileScheme && scheme != VaultScheme:
		return Ref{}, errors.New("is no reference")
	case name == "":
		return Ref{}, fmt.Errorf("is a reference %s: without a name", scheme)
	case scheme == EnvScheme && !variableName.MatchString(name):
		return Ref{}, errors.New("is a reference to a variable whose name cannot be")
	case scheme == VaultScheme && !vaultName.MatchString(name):
		return Ref{}, errors.New("is a reference to the vault whose name cannot be: small letters, digits, dots and dashes")
	}
	return Ref{Scheme: scheme, Name: name}, nil
}

// String returns the reference as it is written. It holds no secret.
func (r Ref) String() string {
	if r.Scheme == "" {
		return ""
	}
	return r.Scheme + ":" + r.Name
}

// IsZero reports whether there is no reference.
func (r Ref) IsZero() bool { return r.Scheme == "" }

const howToRefer = "keep the secret outside of this file and write env:NAME, file:/path or vault:name here"

// reference reads a reference. What stands there instead is not repeated: it may
// be a secret.
func (r *reader) reference(n ast.Node, path string) Ref {
	text, ok := scalar(n)
	if !ok {
		r.fail(at(n), Invalid, path+": want one reference to a secret", howToRefer)
		return Ref{}
	}
	ref, err := ParseRef(text)
	if err != nil {
		kind := Invalid
		what := path + " " + err.Error()
		if !strings.HasPrefix(text, EnvScheme+":") && !strings.HasPrefix(text, FileScheme+":") && !strings.HasPrefix(text, VaultScheme+":") {
			kind, what = Exposed, path+" holds a value where a reference belongs"
		}
		r.fail(at(n), kind, what, howToRefer+"; a secret that stood here should be changed where it was issued")
		return Ref{}
	}
	ref.path, ref.at = path, at(n)
	return ref
}

// Plain reads a secret that is kept in the environment or in a file. A reference
// to the vault is an error: see Open.
func (r Ref) Plain(getenv func(string) string) (vault.Secret, error) {
	switch r.Scheme {
	case EnvScheme:
		value := getenv(r.Name)
		if value == "" {
			return vault.Secret{}, fmt.Errorf("the environment variable %s is not set", r.Name)
		}
		return vault.NewSecret([]byte(value)), nil
	case FileScheme:
		f, err := os.Open(r.Name)
		if errors.Is(err, os.ErrNotExist) {
			return vault.Secret{}, errors.New("there is no such file")
		}
		if err != nil {
			return vault.Secret{}, fmt.Errorf("the secret's file cannot be read: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		b := make([]byte, maxSecret+1)
		n, err := io.ReadFull(f, b)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return vault.Secret{}, fmt.Errorf("the secret's file cannot be read: %w", err)
		}
		defer clear(b)
		// Editors end a file with a line's end that is no part of the secret.
		value := bytes.TrimRight(b[:n], "\r\n")
		if len(value) == 0 || n > maxSecret {
			return vault.Secret{}, fmt.Errorf("the secret's file %s is empty or larger than %d bytes", r.Name, maxSecret)
		}
		return vault.NewSecret(value), nil
	default:
		return vault.Secret{}, fmt.Errorf("%s cannot be read without the vault", r)
	}
}

// Open reads a secret wherever it is kept.
func (r Ref) Open(ctx context.Context, v *vault.Vault, tenant string, getenv func(string) string) (vault.Secret, error) {
	if r.Scheme != VaultScheme {
		return r.Plain(getenv)
	}
	if v == nil {
		return vault.Secret{}, fmt.Errorf("%s cannot be read: no vault is configured", r)
	}
	c, err := v.Get(ctx, tenant, r.Name)
	if errors.Is(err, storage.ErrNotFound) {
		return vault.Secret{}, fmt.Errorf("the vault holds no secret %q of tenant %q: store it with ml-connector secrets put %s --tenant %s", r.Name, tenant, r.Name, tenant)
	}
	if err != nil {
		return vault.Secret{}, err
	}
	s := c[VaultField]
	if s.IsZero() {
		return vault.Secret{}, fmt.Errorf("the vault's secret %q of tenant %q is empty: store it again with ml-connector secrets put", r.Name, tenant)
	}
	return s, nil
}
