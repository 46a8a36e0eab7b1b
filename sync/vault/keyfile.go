package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ReadKeyFile reads a key from a file that only its owner may read or write
// (mode 0600 or 0400); where files have no such modes, on Windows, protect its
// folder. A file that others may read is refused: they may have read it already.
func ReadKeyFile(path string) (*Key, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("vault: there is no key file %s: give the right path, or make a key if nothing was ever sealed: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: key file: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("vault: key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("vault: key file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("vault: key file %s has mode %04o, so others may read or change it: chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyText+2))
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("vault: key file: %w", err)
	}
	k, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("vault: key file %s: %w", path, err)
	}
	return k, nil
}

// KeyFromEnv reads a key from an environment variable. Other processes of the
// same user, and child processes, may see the environment; a file is better.
func KeyFromEnv(name string) (*Key, error) {
	text := os.Getenv(name)
	if text == "" {
		return nil, fmt.Errorf("vault: environment variable %s is not set or empty; it shall hold the key", name)
	}
	k, err := ParseKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("vault: environment variable %s: %w", name, err)
	}
	return k, nil
}

// WriteKeyFile writes the key into a new file of mode 0600 and returns when it
// is durable. It never writes over a file: a key that is lost takes everything
// with it.
func WriteKeyFile(path string, k *Key) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("vault: %s exists already; it may hold the only key to what is sealed: %w", path, fs.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("vault: write key file: %w", err)
	}
	if err := fill(f, k); err != nil {
		return errors.Join(fmt.Errorf("vault: write key file: %w", err), os.Remove(path))
	}
	return syncFolder(path)
}

// ReplaceKeyFile puts k in the place of the key in a file, at once and durably.
// It refuses a k that could not open what the file's key seals, so a key made
// by WithNew or WithoutOld from the file's goes in and a foreign one does not.
func ReplaceKeyFile(path string, k *Key) error {
	old, err := ReadKeyFile(path)
	if err != nil {
		return err
	}
	if !k.succeeds(old) {
		return fmt.Errorf("vault: the new key cannot open what the key in %s seals; nothing was changed", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("vault: replace key file: %w", err)
	}
	if err := fill(f, k); err != nil {
		return errors.Join(fmt.Errorf("vault: replace key file: %w", err), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("vault: replace key file: %w", err), os.Remove(f.Name()))
	}
	return syncFolder(path)
}

// fill writes the key, makes it durable and closes the file.
func fill(f *os.File, k *Key) error {
	text, err := k.Export()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	text = append(text, '\n')
	defer clear(text)
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes the file's name durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("vault: key file: %w", err)
	}
	defer func() { _ = d.Close() }() // nothing was written
	if err := d.Sync(); err != nil {
		return fmt.Errorf("vault: key file: %w", err)
	}
	return nil
}
