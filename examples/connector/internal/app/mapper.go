package app

import (
	"context"
	"sync/atomic"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Mapper maps by a file of rules that can be read again while documents travel.
// Safe for concurrent use.
type Mapper struct {
	path   string
	tables rules.Tables
	set    atomic.Pointer[rules.Set]
	rules  atomic.Pointer[rules.Mapper]
}

// newMapper reads the file; what is wrong with it comes as rules.Errors, each
// with its line and column.
func newMapper(path string, tables rules.Tables) (*Mapper, error) {
	m := &Mapper{path: path, tables: tables}
	return m, m.Reload()
}

// Path is the file of the rules.
func (m *Mapper) Path() string { return m.path }

// Set is the rules in use.
func (m *Mapper) Set() *rules.Set { return m.set.Load() }

// Reload reads the file again. A file with faults changes nothing: the rules
// that were read before stay in use.
func (m *Mapper) Reload() error {
	set, err := rules.LoadFile(m.path)
	if err != nil {
		return err
	}
	m.set.Store(set)
	m.rules.Store(rules.New(set, m.tables))
	return nil
}

// Map implements mapping.Mapper.
func (m *Mapper) Map(ctx context.Context, in document.Document) (mapping.Result[document.Posting], error) {
	return m.rules.Load().Map(ctx, in)
}
