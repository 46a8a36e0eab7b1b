package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// staleAfter is how old tables may be at most by which a document is parked. A
// reading of a large company takes seconds, so it is not repeated for each of
// many documents that park together.
const staleAfter = 15 * time.Second

// askedValue holds when somebody asked last, in whatever process, that tables be
// read anew.
const askedValue = "tables/asked"

// tables are Epicor's vendors and accounts, with the moment of their reading.
// Safe for concurrent use.
type tables struct {
	reader *epicorsync.TableReader
	rows   *Rows // that are kept, of mapping tables
	values storage.Values
	tenant string
	log    *slog.Logger

	// opened, if set, is told the first open day of the periods, "" where none is
	// closed, whenever they were read: documents may wait for one that was.
	opened func(ctx context.Context, first document.Date)

	mu   sync.Mutex
	last *document.Tables
	read time.Time // when the reading of last began, or before
}

// Snapshot implements rules.Tables.
func (t *tables) Snapshot(ctx context.Context) (*document.Tables, error) {
	return t.note(ctx, time.Now(), func() (*document.Tables, error) { return t.reader.Snapshot(ctx) })
}

// Rows implements rules.RowStore.
func (t *tables) Rows(ctx context.Context, table string) (rows map[string]string, version string, err error) {
	return t.rows.Rows(ctx, table)
}

// Refresh reads anew.
func (t *tables) Refresh(ctx context.Context) error {
	_, err := t.note(ctx, time.Now(), func() (*document.Tables, error) { return t.reader.Refresh(ctx) })
	return err
}

func (t *tables) note(ctx context.Context, began time.Time, read func() (*document.Tables, error)) (*document.Tables, error) {
	got, err := read()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	fresh := got != t.last && !began.Before(t.read)
	if fresh {
		t.last, t.read = got, began
	}
	t.mu.Unlock()
	if fresh && t.opened != nil {
		t.opened(ctx, got.FirstOpen())
	}
	return got, nil
}

// months are how far back open periods are looked through for documents that
// waited for one of them.
const months = 24

// opened wakes the documents that waited for a fiscal period that is open now.
func (a *App) opened(tenant string) func(ctx context.Context, first document.Date) {
	return func(ctx context.Context, first document.Date) {
		now := time.Now().UTC()
		month, err := time.Parse("2006-01", first.Month())
		if earliest := time.Date(now.Year(), now.Month()-months, 1, 0, 0, 0, 0, time.UTC); err != nil || month.Before(earliest) {
			month = earliest
		}
		for ; !month.After(now); month = month.AddDate(0, 1, 0) {
			if _, err := a.Engine.Appeared(ctx, tenant, "period/"+month.Format("2006-01")); err != nil {
				a.Labels.log.WarnContext(ctx, "documents that wait for an open period were not woken; the next reading of the periods does it", "tenant", tenant, "error", err)
				return
			}
		}
	}
}

// stale reports whether the tables are old, or from before somebody asked.
func (t *tables) stale(ctx context.Context) bool {
	t.mu.Lock()
	read := t.read
	t.mu.Unlock()
	if time.Since(read) > staleAfter {
		return true
	}
	v, err := t.values.Load(ctx, t.tenant, askedValue)
	if errors.Is(err, storage.ErrNotFound) {
		return false
	}
	if err != nil {
		t.log.WarnContext(ctx, "whether the tables are to be read anew could not be read", "tenant", t.tenant, "error", err)
		return false
	}
	asked, err := time.Parse(time.RFC3339Nano, string(v.Data))
	return err == nil && !asked.Before(read)
}

// appeared reads a tenant's tables anew, here and in every other process, because
// something came that documents wait for.
func (a *App) appeared(ctx context.Context, w *tenant) error {
	if err := a.AskTables(ctx, w.cfg.Name); err != nil {
		return err
	}
	return w.tables.Refresh(ctx)
}

// AskTables has every process of a tenant read vendors and accounts anew before
// it parks another document for one of them: somebody mended something.
func (d *Data) AskTables(ctx context.Context, tenant string) error {
	for {
		v, err := d.Store.Load(ctx, tenant, askedValue)
		if errors.Is(err, storage.ErrNotFound) {
			v, err = storage.Value{Tenant: tenant, Name: askedValue}, nil
		}
		if err != nil {
			return err
		}
		v.Data = []byte(time.Now().UTC().Format(time.RFC3339Nano))
		if _, err = d.Store.Save(ctx, v); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}
