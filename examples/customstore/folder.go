//go:build unix

package customstore

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// lockPause lies between two looks at a lock that another process holds.
const lockPause = 2 * time.Millisecond

// folder keeps each T as one JSON file.
type folder[T any] struct {
	path string
	turn chan struct{} // one goroutine of this process at a time asks for the lock
}

func openFolder[T any](dir, name string) (folder[T], error) {
	f := folder[T]{filepath.Join(dir, name), make(chan struct{}, 1)}
	return f, errors.Join(os.MkdirAll(f.path, 0o700), syncFolder(dir))
}

// file names a file. The lengths keep "a/b"+"c" and "a"+"b/c" apart.
func (f folder[T]) file(key []string) string {
	h := sha256.New()
	for _, part := range key {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return filepath.Join(f.path, fmt.Sprintf("%x.json", h.Sum(nil)))
}

// read needs no lock: a file is there whole or not at all.
func (f folder[T]) read(ctx context.Context, key ...string) (t T, err error) {
	if err := ctx.Err(); err != nil {
		return t, err
	}
	return decode[T](f.file(key))
}

// change shows decide what is there and puts what it returns in its place; nil
// removes it. An error of decide changes nothing.
func (f folder[T]) change(ctx context.Context, key []string, decide func(old T, there bool) (*T, error)) error {
	return f.locked(ctx, func() error {
		old, err := decode[T](f.file(key))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		t, err := decide(old, err == nil)
		if err != nil {
			return fmt.Errorf("customstore: %q: %w", key, err)
		}
		if t == nil {
			err = os.Remove(f.file(key))
		} else {
			err = f.replace(f.file(key), t)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncFolder(f.path)
	})
}

// replace writes beside the file and renames. There is one writer at a time, so
// one name is enough, and a crash leaves at most one file behind.
func (f folder[T]) replace(file string, t *T) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	beside, err := os.OpenFile(filepath.Join(f.path, "new"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = beside.Write(data); err == nil {
		err = beside.Sync()
	}
	if err := errors.Join(err, beside.Close()); err != nil {
		return err
	}
	return os.Rename(beside.Name(), file)
}

// all returns what keep likes of everything, in no order. It holds the lock, so
// that no file is missed while it is being replaced.
func (f folder[T]) all(ctx context.Context, keep func(T) bool) (ts []T, err error) {
	err = f.locked(ctx, func() error {
		entries, err := os.ReadDir(f.path)
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), ".json") {
				continue // the lock, or what a crash left
			}
			t, err := decode[T](filepath.Join(f.path, entry.Name()))
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if keep(t) {
				ts = append(ts, t)
			}
		}
		return err
	})
	return ts, err
}

// locked runs do while no other goroutine and no other process does. What was
// begun is brought to its end, also when the context ends.
func (f folder[T]) locked(ctx context.Context, do func() error) error {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lock, err := os.OpenFile(filepath.Join(f.path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	pause := time.NewTicker(lockPause)
	defer pause.Stop()
	for err = ctx.Err(); err == nil; err = ctx.Err() {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			err = do()
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return errors.Join(err, lock.Close()) // closing releases the lock
}

func decode[T any](file string) (t T, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, storage.ErrNotFound
	}
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t)
}

// syncFolder makes durable which files a folder has.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
