package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver that the stores use
)

// bare is a queue as somebody writes it by hand who wants it fast: SQLite with
// a write-ahead log and synchronous=FULL, one goroutine that puts whatever waits
// into one commit. It has no index but its key, no compare-and-set, no audit.
type bare struct {
	db      *sql.DB
	jobs    chan bareJob
	stopped chan error
	added   chan struct{} // something was committed that may be worked on
}

type bareJob struct {
	body []byte // insert
	id   int64  // or delete
	done chan error
}

func openBare(ctx context.Context, dir string) (*bare, error) {
	dsn := "file:" + filepath.Join(dir, "bare.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)`); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b := &bare{db: db, jobs: make(chan bareJob), stopped: make(chan error, 1), added: make(chan struct{}, 1)}
	go func() { b.stopped <- b.write(ctx) }()
	return b, nil
}

// close stops the writer; nobody may write any more.
func (b *bare) close() error {
	close(b.jobs)
	return errors.Join(<-b.stopped, b.db.Close())
}

func (b *bare) do(j bareJob) error {
	j.done = make(chan error, 1)
	b.jobs <- j
	return <-j.done
}

func (b *bare) insert(body []byte) error { return b.do(bareJob{body: body}) }

func (b *bare) remove(id int64) error { return b.do(bareJob{id: id}) }

func (b *bare) write(ctx context.Context) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	insert, err := conn.PrepareContext(ctx, `INSERT INTO queue (body) VALUES (?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	remove, err := conn.PrepareContext(ctx, `DELETE FROM queue WHERE id = ?`)
	if err != nil {
		return err
	}
	defer remove.Close()
	for j := range b.jobs {
		group := []bareJob{j}
	gather:
		for len(group) < 256 {
			select {
			case j, ok := <-b.jobs:
				if !ok {
					break gather
				}
				group = append(group, j)
			default:
				break gather
			}
		}
		_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		for _, j := range group {
			if err != nil {
				break
			}
			if j.id != 0 {
				_, err = remove.ExecContext(ctx, j.id)
			} else {
				_, err = insert.ExecContext(ctx, j.body)
			}
		}
		if err == nil {
			_, err = conn.ExecContext(ctx, "COMMIT")
		}
		for _, j := range group {
			j.done <- err
		}
		if err != nil {
			_, _ = conn.ExecContext(ctx, "ROLLBACK") // the callers have the error
			continue
		}
		select {
		case b.added <- struct{}{}:
		default:
		}
	}
	return nil
}

type bareRow struct {
	id   int64
	body []byte
}

// after returns rows behind an id, in order.
func (b *bare) after(ctx context.Context, id int64, limit int) (rows []bareRow, err error) {
	found, err := b.db.QueryContext(ctx, `SELECT id, body FROM queue WHERE id > ? ORDER BY id LIMIT ?`, id, limit)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var r bareRow
		if err := found.Scan(&r.id, &r.body); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}
