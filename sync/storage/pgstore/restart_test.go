package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
)

func transfer(document string) storage.Transfer {
	return storage.Transfer{
		ID:    storage.ID{Tenant: "acme", Target: "epicor-ap", Document: document},
		Queue: "q", Due: time.Date(2026, 3, 31, 21, 59, 59, 123456000, time.UTC), State: "pending",
	}
}

// knock counts up Wakes as the engine does: read, change, compare-and-set,
// repeat on a conflict.
func knock(ctx context.Context, s storage.Store) error {
	for {
		tr, err := s.Get(ctx, transfer("1").ID)
		if err != nil {
			return err
		}
		tr.Wakes++
		if _, err = s.Update(ctx, tr); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}

// mark adds a line to the row's Data, once, and goes on through every error:
// after one that says nothing it reads again. It returns how many there were.
func mark(ctx context.Context, s storage.Store, id storage.ID, line string) (doubts int64, err error) {
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		t, err := s.Get(ctx, id)
		if err == nil {
			if slices.Contains(strings.Fields(string(t.Data)), line) {
				return doubts, nil // an Update that was in doubt had been done
			}
			t.Data = append(t.Data, line+"\n"...)
			t.Wakes++
			_, err = s.Update(ctx, t)
		}
		switch {
		case err == nil:
			return doubts, nil
		case errors.Is(err, storage.ErrConflict):
			continue
		case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrExists):
			return doubts, fmt.Errorf("a certain answer that is wrong: %w", err)
		}
		doubts++
		select {
		case <-pause.C:
		case <-ctx.Done():
			return doubts, ctx.Err()
		}
	}
}

func TestNoUpdateIsLostOrDoubledWhileTheServerRestarts(t *testing.T) {
	server := pgtest.Start(t)
	dsn := server.Database(t, "ledger")
	stores := []*pgstore.Store{open(t, dsn, nil), open(t, dsn, nil)} // two processes
	id := transfer("1").ID
	_, err := stores[0].Create(t.Context(), transfer("1"))
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	const workers = 6
	var group errgroup.Group
	var doubts, marks atomic.Int64
	ended := make(chan struct{}) // after the last restart
	for w := range workers {
		group.Go(func() error {
			for n := 0; ; n++ {
				select {
				case <-ended:
					return nil
				default:
				}
				doubtful, err := mark(ctx, stores[w%2], id, fmt.Sprintf("%d/%d", w, n))
				if err != nil {
					return err
				}
				doubts.Add(doubtful)
				marks.Add(1)
			}
		})
	}
	for i := range 4 {
		before := marks.Load()
		require.Eventually(t, func() bool { return marks.Load() > before+20 }, 2*time.Minute, 5*time.Millisecond)
		if i%2 == 0 {
			server.Crash(t)
		} else {
			server.Stop(t)
		}
		server.Run(t)
	}
	before := marks.Load()
	require.Eventually(t, func() bool { return marks.Load() > before+workers }, 2*time.Minute, 5*time.Millisecond, "the store does not go on after a restart")
	close(ended)
	require.NoError(t, group.Wait())

	row, err := stores[1].Get(t.Context(), id)
	require.NoError(t, err)
	lines := strings.Fields(string(row.Data))
	seen := map[string]bool{}
	for _, line := range lines {
		require.False(t, seen[line], "mark %s was written twice", line)
		seen[line] = true
	}
	require.Len(t, lines, int(marks.Load()), "marks confirmed and marks there")
	require.Equal(t, marks.Load(), row.Wakes)
	require.Positive(t, doubts.Load(), "no restart hit anything: the test proves nothing")
	t.Logf("%d updates through 4 restarts, %d calls in doubt: 0 lost, 0 doubled", marks.Load(), doubts.Load())
}

func TestWhatWasConfirmedIsThereAfterACrash(t *testing.T) {
	server := pgtest.Start(t)
	dsn := server.Database(t, "ledger")
	s := open(t, dsn, nil)
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	v, err := s.Save(t.Context(), storage.Value{Tenant: "acme", Name: "cursor", Data: []byte("1")})
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), "acme", "content", []byte("bytes")))
	gone, err := s.Create(t.Context(), transfer("gone"))
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context(), gone.ID, gone.Rev))
	server.Crash(t)
	server.Run(t)
	again := open(t, dsn, nil)
	got, err := again.Get(t.Context(), tr.ID)
	require.NoError(t, err)
	require.Equal(t, tr.Rev, got.Rev)
	loaded, err := again.Load(t.Context(), "acme", "cursor")
	require.NoError(t, err)
	require.Equal(t, v, loaded)
	data, err := again.Read(t.Context(), "acme", "content")
	require.NoError(t, err)
	require.Equal(t, "bytes", string(data))
	anew, err := again.Create(t.Context(), transfer("gone"))
	require.NoError(t, err)
	require.NotEqual(t, gone.Rev, anew.Rev)
	_, err = again.Update(t.Context(), gone)
	require.ErrorIs(t, err, storage.ErrConflict)
}

func TestWhileTheServerIsDownNoErrorClaimsToKnow(t *testing.T) {
	server := pgtest.Start(t)
	s := open(t, server.Database(t, "ledger"), nil)
	tr, err := s.Create(t.Context(), transfer("1"))
	require.NoError(t, err)
	server.Stop(t)
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"Create": func() error { _, err := s.Create(ctx, transfer("2")); return err },
		"Get":    func() error { _, err := s.Get(ctx, tr.ID); return err },
		"Update": func() error { _, err := s.Update(ctx, tr); return err },
		"Purge":  func() error { return s.Purge(ctx, tr.ID, tr.Rev) },
		"Due":    func() error { _, err := s.Due(ctx, "q", time.Now(), 1); return err },
		"Queues": func() error { _, err := s.Queues(ctx, time.Now()); return err },
		"List":   func() error { _, err := s.List(ctx, storage.Query{Tenant: "acme"}); return err },
		"Load":   func() error { _, err := s.Load(ctx, "acme", "x"); return err },
		"Save":   func() error { _, err := s.Save(ctx, storage.Value{Tenant: "acme", Name: "x"}); return err },
		"Delete": func() error { return s.Delete(ctx, "acme", "x", "1") },
		"Scan":   func() error { _, _, err := s.Scan(ctx, "acme", "", "", 0); return err },
		"Put":    func() error { return s.Put(ctx, "acme", "x", nil) },
		"Read":   func() error { _, err := s.Read(ctx, "acme", "x"); return err },
		"Drop":   func() error { return s.Drop(ctx, "acme", "x") },
	} {
		err := call()
		require.Error(t, err, what)
		for _, known := range []error{storage.ErrNotFound, storage.ErrExists, storage.ErrConflict, context.Canceled, context.DeadlineExceeded} {
			require.NotErrorIs(t, err, known, what)
		}
		require.NotContains(t, err.Error(), "\n")
	}
	server.Run(t)
	_, err = s.Update(ctx, tr)
	require.NoError(t, err)
}
