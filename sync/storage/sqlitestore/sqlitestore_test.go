package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
	"github.com/ml-connector/ml-connector/sync/storage/storagetest"
)

// patient is for stores that write to one file at once: how long one waits for
// the syncs of the others depends on the disk.
var patient = &sqlitestore.Options{BusyTimeout: 5 * time.Minute}

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, patient)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // closed twice where the test closed it
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	paths := map[storage.Store]string{}
	storagetest.Run(t, func(t *testing.T) storage.Store {
		path := filepath.Join(t.TempDir(), "ledger.db")
		s := open(t, path)
		paths[s] = path
		return s
	}, &storagetest.Options{
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			closer, ok := s.(io.Closer)
			require.True(t, ok)
			require.NoError(t, closer.Close())
			path := paths[s]
			again := open(t, path)
			paths[again] = path
			return again
		},
	})
}

func row(document string) storage.Transfer {
	return storage.Transfer{ID: storage.ID{Tenant: "acme", Target: "epicor-ap", Document: document}, Queue: "q", State: "pending", Data: make([]byte, 1500)}
}

func TestSeveralStoresOnOneFileLoseNoUpdate(t *testing.T) {
	const stores, callers, each = 3, 2, 10
	path := filepath.Join(t.TempDir(), "ledger.db")
	first := open(t, path)
	created, err := first.Create(t.Context(), row("1"))
	require.NoError(t, err)
	var all sync.WaitGroup
	for range stores {
		s := open(t, path)
		for range callers {
			all.Go(func() {
				for done := 0; done < each; {
					r, err := s.Get(t.Context(), created.ID)
					if err != nil {
						t.Error(err)
						return
					}
					r.Wakes++
					switch _, err := s.Update(t.Context(), r); {
					case err == nil:
						done++
					case !errors.Is(err, storage.ErrConflict):
						t.Error(err)
						return
					}
				}
			})
		}
	}
	all.Wait()
	got, err := first.Get(t.Context(), created.ID)
	require.NoError(t, err)
	require.EqualValues(t, stores*callers*each, got.Wakes)
}

func TestDropRemovesMoreThanOneTransactionTakes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 150 {
				if err := s.Put(t.Context(), "acme", fmt.Sprintf("doc/%d/%d", i, n), []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, s.Put(t.Context(), "acme", "doc0", []byte("x")))
	require.NoError(t, s.Drop(t.Context(), "acme", "doc/"))
	for i := range 8 {
		_, err := s.Read(t.Context(), "acme", fmt.Sprintf("doc/%d/149", i))
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	_, err := s.Read(t.Context(), "acme", "doc0")
	require.NoError(t, err)
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := open(t, path)
	_, err := s.Create(t.Context(), row("1"))
	require.NoError(t, err)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestStoreWorksInABubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := sqlitestore.Open(t.Context(), path, nil)
		require.NoError(t, err)
		r := row("1")
		r.Due = time.Now().Add(time.Hour)
		_, err = s.Create(t.Context(), r)
		require.NoError(t, err)
		ts, err := s.Due(t.Context(), "q", time.Now(), 10)
		require.NoError(t, err)
		require.Empty(t, ts)
		wait := time.NewTimer(time.Hour)
		<-wait.C
		ts, err = s.Due(t.Context(), "q", time.Now(), 10)
		require.NoError(t, err)
		require.Len(t, ts, 1)
		require.NoError(t, s.Close())
	})
}

// A commit that returned survives the process: the child writes until it is
// killed and prints each row once it was told that it is there.
func TestRowsSurviveAKill(t *testing.T) {
	if path := os.Getenv("SQLITESTORE_KILL"); path != "" {
		s, err := sqlitestore.Open(t.Context(), path, nil)
		require.NoError(t, err)
		for i := range 4 {
			go func() {
				for n := 0; ; n++ {
					name := fmt.Sprintf("%d-%d", i, n)
					if _, err := s.Create(context.Background(), row(name)); err != nil {
						t.Error(err)
						return
					}
					fmt.Println("row", name)
				}
			}()
		}
		select {}
	}
	for range 3 {
		path := filepath.Join(t.TempDir(), "ledger.db")
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRowsSurviveAKill$")
		child.Env = append(os.Environ(), "SQLITESTORE_KILL="+path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		var told []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			name, ok := strings.CutPrefix(lines.Text(), "row ")
			if ok {
				told = append(told, name)
			}
			if len(told) == 50 {
				require.NoError(t, child.Process.Kill())
			}
		}
		require.Error(t, child.Wait())
		require.GreaterOrEqual(t, len(told), 50)
		s := open(t, path)
		for _, name := range told {
			_, err := s.Get(t.Context(), row(name).ID)
			require.NoError(t, err, "row %s of %d", name, len(told))
		}
		n := 0
		for _, err := range storage.All(t.Context(), s, storage.Query{Tenant: "acme"}) {
			require.NoError(t, err)
			n++
		}
		require.GreaterOrEqual(t, n, len(told))
		require.LessOrEqual(t, n, len(told)+4, "at most one row a writer was on its way")
	}
}
