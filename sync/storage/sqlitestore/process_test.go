package sqlitestore_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// childOf starts this test's process once more, over the same file.
func childOf(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "SQLITESTORE_PROCESS="+path)
	child.Stderr = os.Stderr
	return child
}

// increment counts up Wakes as the engine does: read, change, compare-and-set,
// repeat on a conflict.
func increment(ctx context.Context, s storage.Store, id storage.ID) error {
	for {
		r, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		r.Wakes++
		if _, err = s.Update(ctx, r); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}

// Three processes count one row up and race for the same new rows.
func TestProcessesOnOneFileLoseNoUpdate(t *testing.T) {
	const processes, each = 3, 40
	if path := os.Getenv("SQLITESTORE_PROCESS"); path != "" {
		s := open(t, path)
		for n := range each {
			require.NoError(t, increment(t.Context(), s, row("counted").ID))
			if _, err := s.Create(t.Context(), row(strconv.Itoa(n))); err == nil {
				fmt.Println("created", n)
			} else {
				require.ErrorIs(t, err, storage.ErrExists)
			}
		}
		return
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := open(t, path)
	_, err := s.Create(t.Context(), row("counted"))
	require.NoError(t, err)
	outs := make(chan string, processes)
	for range processes {
		child := childOf(t, path)
		go func() {
			out, err := child.Output()
			if err != nil {
				t.Errorf("a process failed: %v\n%s", err, out)
			}
			outs <- string(out)
		}()
	}
	created := map[string]int{}
	for range processes {
		for line := range strings.Lines(<-outs) {
			if name, ok := strings.CutPrefix(line, "created "); ok {
				created[strings.TrimSpace(name)]++
			}
		}
	}
	counted, err := s.Get(t.Context(), row("counted").ID)
	require.NoError(t, err)
	require.EqualValues(t, processes*each, counted.Wakes)
	require.Len(t, created, each)
	for name, times := range created {
		require.Equal(t, 1, times, "row %s was created by more than one process", name)
	}
}

// A process that is killed while it writes holds no lock on: others go on. Where
// one were held the write would give up waiting for it.
func TestAKilledProcessLeavesNoLock(t *testing.T) {
	if path := os.Getenv("SQLITESTORE_PROCESS"); path != "" {
		s := open(t, path)
		for n := 0; ; n++ {
			_, err := s.Create(t.Context(), row(strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(n)))
			require.NoError(t, err)
			fmt.Println("created", n)
		}
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := sqlitestore.Open(t.Context(), path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for n := range 3 {
		child := childOf(t, path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for seen := 0; seen < 20 && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "created ") {
				seen++
			}
		}
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait())
		_, err = s.Create(t.Context(), row("after "+strconv.Itoa(n)))
		require.NoError(t, err, "the write waited for a process that is dead")
	}
}

func TestAFileOfANewerProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, open(t, path).Close())
	newer, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = newer.ExecContext(t.Context(), "PRAGMA user_version = 1000")
	require.NoError(t, errors.Join(err, newer.Close()))
	_, err = sqlitestore.Open(t.Context(), path, nil)
	require.ErrorContains(t, err, "use the newer program that wrote it")
}
