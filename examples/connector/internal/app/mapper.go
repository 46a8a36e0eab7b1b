package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Mapper maps by a file of rules that may change while documents travel: a file
// that was edited is read again before the next document is mapped. Safe for
// concurrent use.
type Mapper struct {
	path   string
	tables *tables
	log    *slog.Logger
	set    atomic.Pointer[rules.Set]
	rules  atomic.Pointer[rules.Mapper]

	mu   sync.Mutex
	seen fileState // of the file when it was read last, with or without success
}

// What the engine may ask of a mapper beside Map.
var _ mapping.Differ[document.Posting] = (*Mapper)(nil)

// fileState tells whether the rules, or a file that they read, were written to:
// their names, times and sizes.
type fileState string

// newMapper reads the file; what is wrong with it comes as rules.Errors, each
// with its line and column.
func newMapper(path string, t *tables, log *slog.Logger) (*Mapper, error) {
	m := &Mapper{path: path, tables: t, log: log}
	return m, m.Reload()
}

// Path is the file of the rules.
func (m *Mapper) Path() string { return m.path }

// Set is the rules in use.
func (m *Mapper) Set() *rules.Set { return m.set.Load() }

// Reload reads the file again. A file with faults changes nothing: the rules
// that were read before stay in use.
func (m *Mapper) Reload() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, _ := m.stat() // of a file that is not there, reading says so
	return m.reload(state)
}

func (m *Mapper) stat() (fileState, bool) {
	files := []string{m.path}
	if set := m.set.Load(); set != nil {
		for _, name := range set.Files() {
			files = append(files, filepath.Join(filepath.Dir(m.path), name))
		}
	}
	var state fileState
	for _, path := range files {
		i, err := os.Stat(path)
		if err != nil {
			return "", false
		}
		state += fileState(fmt.Sprintln(path, i.ModTime().UnixNano(), i.Size()))
	}
	return state, true
}

// reload notes the state from before the reading: what is written meanwhile
// counts as another change.
func (m *Mapper) reload(state fileState) error {
	m.seen = state
	set, err := rules.LoadFile(m.path)
	if err != nil {
		return err
	}
	m.set.Store(set)
	m.rules.Store(rules.New(set, m.tables))
	return nil
}

// look reads the file again where it was written to. A file that is not there
// for a moment, as while an editor replaces it, or that has faults leaves the
// rules as they are.
func (m *Mapper) look(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, there := m.stat()
	if !there || state == m.seen {
		return
	}
	if err := m.reload(state); err != nil {
		m.log.ErrorContext(ctx, "the rules were changed and have faults: those read before stay in use", "file", m.path, "error", err)
		return
	}
	m.log.InfoContext(ctx, "the rules were changed and read again", "file", m.path, "version", m.Set().Version())
}

// Map implements mapping.Mapper. Before a document is parked for something that
// Epicor lacks, Epicor is asked again where the tables may be older than what
// somebody did there.
func (m *Mapper) Map(ctx context.Context, in document.Document) (mapping.Result[document.Posting], error) {
	m.look(ctx)
	out, err := m.rules.Load().Map(ctx, in)
	var issues mapping.Issues
	if !errors.As(err, &issues) || !lacks(issues) || !m.tables.stale(ctx) {
		return out, err
	}
	if err := m.tables.Refresh(ctx); err != nil {
		return out, err
	}
	return m.rules.Load().Map(ctx, in)
}

// Diff implements mapping.Differ: a document that was approved again without a
// change of its effect is not posted again.
func (m *Mapper) Diff(prior, next document.Posting) (delta document.Posting, changed bool, err error) {
	return m.rules.Load().Diff(prior, next)
}

// lacks reports issues that other tables may mend.
func lacks(issues mapping.Issues) bool {
	for _, i := range issues {
		if i.Needs != "" || strings.HasPrefix(i.Code, "vendor_") || strings.HasPrefix(i.Code, "account_") {
			return true
		}
	}
	return false
}
