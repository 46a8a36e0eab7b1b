package vault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage/memstore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

func export(t testing.TB, k *vault.Key) []byte {
	t.Helper()
	text, err := k.Export()
	require.NoError(t, err)
	return text
}

// same says whether b opens what a seals and finds what a names.
func same(t *testing.T, a, b *vault.Key) bool {
	t.Helper()
	store := memstore.New()
	va, vb := open(t, store, a), open(t, store, b)
	sealed, err := va.ContentSealer().Seal(t.Context(), "acme", "p", []byte("x"))
	require.NoError(t, err)
	plain, err := vb.ContentSealer().Open(t.Context(), "acme", "p", sealed)
	return err == nil && string(plain) == "x" && va.ContentSealer().Name("acme", plain) == vb.ContentSealer().Name("acme", plain)
}

func TestKeySurvivesItsText(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	k, err := k.WithNew()
	require.NoError(t, err)
	text := append(append([]byte(" \n"), export(t, k)...), "\r\n"...)
	back, err := vault.ParseKey(text)
	require.NoError(t, err)
	require.Equal(t, k.IDs(), back.IDs())
	require.True(t, same(t, k, back))
	require.False(t, same(t, k, newKey(t)))
}

func TestEveryDamageToAKeysTextIsSeen(t *testing.T) {
	t.Parallel()
	text := export(t, newKey(t))
	for i := range text {
		damaged := bytes.Clone(text)
		damaged[i] ^= 1
		_, err := vault.ParseKey(damaged)
		require.Error(t, err, "character %d", i)
		_, err = vault.ParseKey(text[:i])
		require.Error(t, err, "%d characters", i)
		_, err = vault.ParseKey(append(bytes.Clone(text[:i]), text[i+1:]...))
		require.Error(t, err, "without character %d", i)
		require.NotContains(t, err.Error(), string(text[len(text)-12:]))
	}
}

func TestKeyFileIsWrittenForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path, k := filepath.Join(t.TempDir(), "vault.key"), newKey(t)
	require.NoError(t, vault.WriteKeyFile(path, k))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}
	back, err := vault.ReadKeyFile(path)
	require.NoError(t, err)
	require.True(t, same(t, k, back))
}

func TestKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	path := filepath.Join(t.TempDir(), "vault.key")
	require.NoError(t, vault.WriteKeyFile(path, newKey(t)))
	for mode, fine := range map[fs.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true,
		0o644: false, 0o640: false, 0o604: false, 0o620: false, 0o601: false, 0o666: false,
	} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := vault.ReadKeyFile(path)
		if fine {
			require.NoError(t, err, "mode %o", mode)
			continue
		}
		require.ErrorContains(t, err, "chmod 600 "+path, "mode %o", mode)
	}
}

func TestKeyFileIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	require.NoError(t, vault.WriteKeyFile(path, newKey(t)))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.ErrorIs(t, vault.WriteKeyFile(path, newKey(t)), fs.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestKeyFileIsReplacedOnlyByAKeyThatFollows(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, first := filepath.Join(folder, "vault.key"), newKey(t)
	require.NoError(t, vault.WriteKeyFile(path, first))
	require.ErrorContains(t, vault.ReplaceKeyFile(path, newKey(t)), "nothing was changed")
	second, err := first.WithNew()
	require.NoError(t, err)
	alone, err := second.WithoutOld()
	require.NoError(t, err)
	require.ErrorContains(t, vault.ReplaceKeyFile(path, alone), "nothing was changed", "it cannot open what the first seals")
	require.NoError(t, vault.ReplaceKeyFile(path, second))
	require.NoError(t, vault.ReplaceKeyFile(path, alone))
	back, err := vault.ReadKeyFile(path)
	require.NoError(t, err, "its mode is right")
	require.Equal(t, alone.IDs(), back.IDs())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "no copy of a key is left lying about")
}

func TestMissingKeyFileIsSaidSo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.key")
	_, err := vault.ReadKeyFile(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
	_, err = vault.ReadKeyFile(filepath.Dir(path))
	require.Error(t, err)
}

func TestKeyComesFromTheEnvironment(t *testing.T) {
	k := newKey(t)
	t.Setenv("VAULT_TEST_KEY", string(export(t, k)))
	back, err := vault.KeyFromEnv("VAULT_TEST_KEY")
	require.NoError(t, err)
	require.True(t, same(t, k, back))
	t.Setenv("VAULT_TEST_KEY", canary)
	_, err = vault.KeyFromEnv("VAULT_TEST_KEY")
	require.ErrorContains(t, err, "VAULT_TEST_KEY")
	hidden(t, err.Error())
	_, err = vault.KeyFromEnv("VAULT_TEST_UNSET")
	require.ErrorContains(t, err, "VAULT_TEST_UNSET is not set")
}

// FuzzParseKey gives the parser behind the checksum whatever it likes.
func FuzzParseKey(f *testing.F) {
	text := export(f, newKey(f))
	const prefix = "vaultkey1."
	raw, err := base64.RawURLEncoding.DecodeString(string(text[len(prefix):]))
	require.NoError(f, err)
	f.Add(raw[4:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		sum := sha256.Sum256(payload)
		encoded := base64.RawURLEncoding.EncodeToString(append(sum[:4:4], payload...))
		k, err := vault.ParseKey([]byte(prefix + encoded))
		if err != nil {
			return
		}
		require.NotEmpty(t, k.IDs())
		require.True(t, same(t, k, k))
	})
}
