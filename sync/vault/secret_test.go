package vault_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/vault"
)

const canary = "CANARY-s3cr3t-9f1c"

// said keeps what an assertion says when it fails, which walks through memory.
type said string

func (s *said) Errorf(format string, args ...any) { *s += said(fmt.Sprintf(format, args...)) }

// hidden fails when text holds the canary in any spelling that a printer uses.
func hidden(t *testing.T, text string) {
	t.Helper()
	for _, spelling := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), "s3cr3t"} {
		require.NotContains(t, text, spelling)
	}
}

func TestNoVerbShowsASecretOrAKey(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	text, err := k.Export()
	require.NoError(t, err)
	v, _, _ := setup(t)
	s := secret(canary)
	type exported struct {
		S vault.Secret
		C vault.Credential
		K *vault.Key
	}
	type unexported struct {
		s  vault.Secret
		c  vault.Credential
		p  *vault.Secret
		k  *vault.Key
		kv vault.Key
		v  *vault.Vault
	}
	c := vault.Credential{"password": s}
	for _, value := range []any{
		s, &s, c,
		[]vault.Secret{s},
		k, *k, v,
		exported{s, c, k},
		unexported{s, c, &s, k, *k, v},
		&unexported{s, c, &s, k, *k, v},
	} {
		for _, verb := range "vsqxXdTtbcopUeEfFgGw" {
			for _, flags := range []string{"", "+", "#", "-40", " ", "08.3"} {
				out := fmt.Sprintf("%"+flags+string(verb), value)
				hidden(t, out)
				require.NotContains(t, out, string(text[len(text)-20:]))
			}
		}
		var diff said
		assert.Equal(&diff, struct{}{}, value)
		require.NotEmpty(t, diff)
		hidden(t, string(diff))
	}
}

func TestSecretSaysThatItIsRedacted(t *testing.T) {
	t.Parallel()
	s := secret(canary)
	require.Equal(t, "[redacted]", fmt.Sprint(s))
	require.Equal(t, "[redacted]", s.String())
	require.Equal(t, "vault.Secret([redacted])", fmt.Sprintf("%#v", s))
	require.Equal(t, "map[password:[redacted]]", fmt.Sprint(vault.Credential{"password": s}))
	require.Empty(t, fmt.Sprint(vault.Secret{}))
	require.Equal(t, "[redacted]", fmt.Sprintf("%d", s), "a verb that does not fit")
	k := newKey(t)
	require.Equal(t, "vault.Key("+k.IDs()[0]+")", fmt.Sprintf("%d", k))
}

func TestNoEncodingShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret(canary)
	c := vault.Credential{"password": s}
	j, err := json.Marshal(map[string]any{"secret": s, "credential": c})
	require.NoError(t, err)
	require.JSONEq(t, `{"secret":"[redacted]","credential":{"password":"[redacted]"}}`, string(j))
	type named struct{ S vault.Secret }
	x, err := xml.Marshal(named{s})
	require.NoError(t, err)
	require.Equal(t, "<named><S>[redacted]</S></named>", string(x))
	var g bytes.Buffer
	err = gob.NewEncoder(&g).Encode(struct{ S vault.Secret }{s})
	hidden(t, g.String()+fmt.Sprint(err))
}

func TestNoLogHandlerShowsASecretOrAKey(t *testing.T) {
	t.Parallel()
	s, k := secret(canary), newKey(t)
	for _, handler := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("x", "secret", s, "in", vault.Credential{"a": s}, "list", []vault.Secret{s}, "key", k)
		hidden(t, b.String())
		require.Contains(t, b.String(), "[redacted]")
		require.Contains(t, b.String(), k.IDs()[0])
	}
}

func TestPanicAndGoroutineDumpDoNotShowASecret(t *testing.T) {
	t.Parallel()
	if os.Getenv("VAULT_TEST_PANIC") != "" {
		s := secret(strings.ToUpper("canary") + "-s3cr3t-9f1c")
		c := vault.Credential{"password": s}
		block := make(chan struct{})
		go func(vault.Secret, vault.Credential) { <-block }(s, c)
		panic(s)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "VAULT_TEST_PANIC=1", "GOTRACEBACK=all", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "panic: ")
	require.Contains(t, string(out), "goroutine ")
	hidden(t, string(out))
}

func TestRevealReturnsTheValueUntilItIsWiped(t *testing.T) {
	t.Parallel()
	buffer := []byte(canary)
	s := vault.NewSecret(buffer)
	clear(buffer)
	require.Equal(t, canary, s.Reveal())
	c := vault.Credential{"password": s}
	c.Wipe()
	require.Equal(t, strings.Repeat("\x00", len(canary)), s.Reveal())
}

func TestSecretsAreEqualByValue(t *testing.T) {
	t.Parallel()
	require.True(t, secret("a").Equal(secret("a")))
	require.False(t, secret("a").Equal(secret("b")))
	require.False(t, secret("a").Equal(vault.Secret{}))
	require.True(t, vault.Secret{}.IsZero())
}
