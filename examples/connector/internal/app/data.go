package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// Names of what stands in a data directory.
const (
	MarkerFile  = ".ml-connector"
	LedgerFile  = "transfers.db"
	AuditFile   = "audit.db"
	MappingFile = "mapping.yaml"
)

// Kind says what a data directory is for. A program that empties directories
// empties only those of its own kind.
type Kind string

// The kinds of data directories.
const (
	Live  Kind = "live"  // the only record of what was posted: never emptied
	Demo  Kind = "demo"  // made by the demonstration, replaced by its next run
	Fakes Kind = "fakes" // what the simulators write, replaced by their next run
)

// Marker is what the marker file of a data directory says.
type Marker struct {
	Kind    Kind     `json:"kind"`
	Tenants []string `json:"tenants"`
	Targets []string `json:"targets"`
	Sealed  bool     `json:"sealed,omitempty"` // documents and tokens open with the vault's key alone
}

// ForeignError says that a directory is not what the program may write into.
type ForeignError struct {
	Dir  string
	Why  string
	Flag string // that names another directory; "": --data
}

// Error implements error.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %s; nothing in it was touched. Name another directory with %s", e.Dir, e.Why, cmp.Or(e.Flag, "--data"))
}

// ReadMarker reads the marker of a data directory. No directory, or one without
// a marker, is fs.ErrNotExist.
func ReadMarker(dir string) (Marker, error) {
	var m Marker
	b, err := os.ReadFile(filepath.Join(dir, MarkerFile))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w", filepath.Join(dir, MarkerFile), err)
	}
	return m, nil
}

// Renew prepares a directory for a new run: it is created if it is not there,
// left alone if it is empty, and emptied of this program's own files if its
// marker says that it is of this kind. Any other directory is a *ForeignError.
func Renew(dir string, kind Kind) error {
	flag := ""
	if kind == Fakes {
		flag = "--dir"
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.MkdirAll(dir, 0o700)
	case err != nil:
		return err
	case len(entries) == 0:
		return nil
	}
	m, err := ReadMarker(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &ForeignError{Dir: dir, Why: fmt.Sprintf("is not empty and has no marker %s of this program", MarkerFile), Flag: flag}
	case err != nil:
		return &ForeignError{Dir: dir, Why: "has a marker that cannot be read: " + err.Error(), Flag: flag}
	case m.Kind != kind:
		return &ForeignError{Dir: dir, Why: fmt.Sprintf("holds %s data", m.Kind), Flag: flag}
	}
	// The marker goes last, so that a run that is stopped here can be repeated.
	// What else somebody put there is none of this program's business.
	for _, name := range []string{LedgerFile, AuditFile, MappingFile, MarkerFile} {
		for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
			err := os.Remove(filepath.Join(dir, name+suffix))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Mark writes the marker, or brings the one that is there up to date. Whoever
// reads it sees the old one or the new one, whole.
func Mark(dir string, m Marker) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	there, err := ReadMarker(dir)
	switch {
	case err == nil && there.Kind != m.Kind:
		return &ForeignError{Dir: dir, Why: fmt.Sprintf("holds %s data", there.Kind)}
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	// A list that is empty is written as one.
	m.Tenants, m.Targets = append([]string{}, m.Tenants...), append([]string{}, m.Targets...)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, MarkerFile), append(b, '\n'))
}

// replace writes a file beside its place and then renames it there.
func replace(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Data is an open data directory: the ledger and the audit trail, and an engine
// over both that answers questions. It moves nothing.
type Data struct {
	Dir     string
	Marker  Marker
	Store   storage.Store
	Trail   *audit.Trail
	Engine  *engine.Engine
	Labels  *Labels
	Vault   *vault.Vault // nil: nothing is sealed
	closers []func() error
}

// OpenData opens a data directory that a connector made, for reading. A
// directory without a marker is an error that says so.
func OpenData(ctx context.Context, dir string) (*Data, error) { return OpenSealed(ctx, dir, nil) }

// OpenSealed is OpenData of a directory whose contents are sealed by a key; nil:
// they are not.
func OpenSealed(ctx context.Context, dir string, key *vault.Key) (*Data, error) {
	m, err := ReadMarker(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data directory of this program: it has no marker %s. Name the right one with --data, or make one with: ml-connector demo", dir, MarkerFile)
	}
	if err != nil {
		return nil, err
	}
	return openData(ctx, dir, m, key, nil)
}

func openData(ctx context.Context, dir string, m Marker, key *vault.Key, opts *engine.Options) (*Data, error) {
	d := &Data{Dir: dir, Marker: m}
	if opts == nil {
		opts = &engine.Options{}
	}
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, LedgerFile), nil)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	d.Store, d.closers = store, append(d.closers, store.Close)
	log, err := sqlitelog.Open(ctx, filepath.Join(dir, AuditFile), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the audit log: %w", err), d.Close())
	}
	d.closers = append(d.closers, log.Close)
	var trail audit.TrailOptions
	if key != nil {
		if d.Vault, err = vault.New(store, key, nil); err != nil {
			return nil, errors.Join(err, d.Close())
		}
		opts.Sealer, trail.Sealer = d.Vault.ContentSealer(), d.Vault.ContentSealer()
	}
	d.Trail = audit.NewTrail(log, &trail)
	d.Engine, err = engine.New(store, d.Trail, opts)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	logger := slog.New(slog.DiscardHandler)
	if opts.Logger != nil {
		logger = opts.Logger
	}
	d.Labels = newLabels(store, logger)
	return d, nil
}

// Close closes the files.
func (d *Data) Close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(errs...)
}

// Tenants returns the tenants of the directory.
func (d *Data) Tenants() []string { return append([]string(nil), d.Marker.Tenants...) }

// fold makes numbers comparable that people type.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
