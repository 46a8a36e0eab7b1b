package vault_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// authorizer makes a credential of the vault fit a client that asks for
// Authorize(ctx, request), as the Epicor client does. It is opened for each
// request and not kept.
type authorizer struct{ open vault.Opener }

func (a authorizer) Authorize(ctx context.Context, req *http.Request) error {
	c, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer c.Wipe()
	req.Header.Set("X-Api-Key", c["api_key"].Reveal())
	req.SetBasicAuth(c["user"].Reveal(), c["password"].Reveal())
	return nil
}

// A credential is stored once and opened where a request is made.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "vault")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "vault.key")

	// Once.
	key, err := vault.NewKey()
	if err == nil {
		err = vault.WriteKeyFile(path, key)
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	// At each start.
	if key, err = vault.ReadKeyFile(path); err != nil {
		fmt.Println(err)
		return
	}
	v, err := vault.New(memstore.New(), key, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// When a person gives the credential, by a file or the environment.
	c := vault.Credential{
		"api_key":  vault.NewSecret([]byte("k-1")),
		"user":     vault.NewSecret([]byte("svc")),
		"password": vault.NewSecret([]byte("pw")),
	}
	if err := v.Put(ctx, "acme", "epicor", c); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stored:", c)

	// Where a request is made.
	auth := authorizer{v.Credential("acme", "epicor", "api_key", "user", "password")}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://erp.example.com/", nil)
	if err == nil {
		err = auth.Authorize(ctx, req)
	}
	fmt.Println("authorised:", req.Header.Get("X-Api-Key") == "k-1", err)
	// Output:
	// stored: map[api_key:[redacted] password:[redacted] user:[redacted]]
	// authorised: true <nil>
}

// What belonged to a forgotten person cannot be opened any more, by anybody.
func ExampleVault_Forget() {
	ctx := context.Background()
	key, err := vault.NewKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := vault.New(memstore.New(), key, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	contents := v.ContentSealer() // engine.Options{Sealer: contents}
	sealed, err := contents.Seal(ctx, "acme", "employee-4711", []byte("taxi, 12.10 EUR"))
	if err != nil {
		fmt.Println(err)
		return
	}
	destroyed, err := v.Forget(ctx, "acme", "employee-4711")
	fmt.Println(destroyed, err)
	_, err = contents.Open(ctx, "acme", "employee-4711", sealed)
	fmt.Println(err)
	// Output:
	// true <nil>
	// vault: open content of tenant "acme": the person was forgotten: the key is destroyed
}
