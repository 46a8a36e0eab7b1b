//go:build unix

package customstore_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/customstore"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/storagetest"
)

func open(t *testing.T, dir string) storage.Store {
	t.Helper()
	s, err := customstore.Open(dir)
	require.NoError(t, err)
	return s
}

// This is all that a backend needs to be proven.
func TestStoreKeepsTheContract(t *testing.T) {
	dirs := map[storage.Store]string{}
	storagetest.Run(t, func(t *testing.T) storage.Store {
		dir := t.TempDir()
		s := open(t, dir)
		dirs[s] = dir
		return s
	}, &storagetest.Options{
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			again := open(t, dirs[s])
			dirs[again] = dirs[s]
			return again
		},
	})
}

// What the suite cannot know: that this store may be shared by processes.
func TestProcessesLoseNoUpdate(t *testing.T) {
	const processes, each = 3, 20
	id := storage.ID{Tenant: "acme", Target: "t", Document: "1"}
	if dir := os.Getenv("CUSTOMSTORE_CHILD"); dir != "" {
		s := open(t, dir)
		for range each {
			require.NoError(t, increment(t.Context(), s, id))
		}
		return
	}
	dir := t.TempDir()
	s := open(t, dir)
	_, err := s.Create(t.Context(), storage.Transfer{ID: id})
	require.NoError(t, err)
	var children []*exec.Cmd
	for range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessesLoseNoUpdate$")
		cmd.Env = append(os.Environ(), "CUSTOMSTORE_CHILD="+dir)
		require.NoError(t, cmd.Start())
		children = append(children, cmd)
	}
	for _, cmd := range children {
		require.NoError(t, cmd.Wait())
	}
	got, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	require.EqualValues(t, processes*each, got.Wakes)
}

func increment(ctx context.Context, s storage.Store, id storage.ID) error {
	for {
		t, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		t.Wakes++
		if _, err = s.Update(ctx, t); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}

// What the suite cannot know either: what a crash leaves behind.
func TestAWriteThatBrokeOffLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	written, err := s.Create(t.Context(), storage.Transfer{ID: storage.ID{Tenant: "acme", Target: "t", Document: "1"}, Queue: "q", Due: time.Unix(1, 0)})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rows", "new"), []byte(`{"Tenant":"ac`), 0o600))
	s = open(t, dir)
	got, err := s.Get(t.Context(), written.ID)
	require.NoError(t, err)
	require.Equal(t, written.Rev, got.Rev)
	due, err := s.Due(t.Context(), "q", time.Unix(2, 0), 10)
	require.NoError(t, err)
	require.Len(t, due, 1)
	_, err = s.Update(t.Context(), got)
	require.NoError(t, err)
}

func TestADamagedFileIsAnErrorAndNotAMissingRow(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for n := range 3 {
		_, err := s.Create(t.Context(), storage.Transfer{ID: storage.ID{Tenant: "acme", Target: "t", Document: strconv.Itoa(n)}})
		require.NoError(t, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "rows", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	require.NoError(t, os.Truncate(files[1], 5))
	_, err = s.List(t.Context(), storage.Query{Tenant: "acme"})
	require.Error(t, err)
	require.NotErrorIs(t, err, storage.ErrNotFound)
}
