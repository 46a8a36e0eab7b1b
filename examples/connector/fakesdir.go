package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
)

// Files of the simulated Epicor's key and password, which are the same in every run.
const (
	fakesKeyFile  = "epicor-api-key"
	fakesUserFile = "epicor-password"
)

// fakesFiles are all that the simulators write, but for the marker.
var fakesFiles = []string{
	app.MappingFile, fakesConfig, fakesAdmin, fakesRequestToken, "concur-client-secret", fakesKeyFile, fakesUserFile, "signature.pem", "vault.key",
}

// alone makes sure that no simulators run whose files stand in the directory.
func (f *fakesDirFlag) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := f.call(ctx, "GET", "/state", nil); err != nil {
		return nil // nobody answers: none run, or what answers is something else
	}
	return &mendError{fmt.Errorf("simulators run with %s already; nothing in it was touched. Stop them, or name another directory with --dir and other addresses with --listen", f.Dir)}
}

// renewFakes prepares the directory for these simulators. One that lacks its
// marker is theirs all the same where it holds nothing but what they write, with
// the simulated Epicor's own password and key.
func renewFakes(dir string) error {
	_, err := app.ReadMarker(dir)
	if errors.Is(err, fs.ErrNotExist) && fakesOnly(dir) {
		if err := app.Mark(dir, app.Marker{Kind: app.Fakes}); err != nil {
			return err
		}
	}
	return app.Renew(dir, app.Fakes)
}

// fakesOnly reports whether a directory holds only what simulators wrote.
func fakesOnly(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !slices.Contains(fakesFiles, e.Name()) {
			return false
		}
	}
	for name, want := range map[string]string{fakesKeyFile: epicortest.DefaultAPIKey, fakesUserFile: epicortest.DefaultPassword} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.TrimSpace(string(b)) != want {
			return false
		}
	}
	return true
}

// forget takes away where simulators that have stopped are reached.
func forget(dir string) error {
	if err := os.Remove(filepath.Join(dir, fakesAdmin)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
