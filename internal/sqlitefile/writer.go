package sqlitefile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

const (
	maxGroup  = 256 // writes that share one commit
	maxYields = 4   // times that a group lets others run before it is closed
)

// Tx is the transaction that a write runs in, together with the writes of
// other callers. It is valid until the function that got it returns.
type Tx struct {
	w      *writer
	failed error // of the first statement that failed
}

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if tx.failed != nil {
		return 0, tx.failed
	}
	stmt, err := tx.w.statement(query)
	if err != nil {
		return 0, tx.fail(err)
	}
	res, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, tx.fail(err)
	}
	n, err := res.RowsAffected()
	return n, tx.fail(err)
}

// Get runs a query and scans its first row into dest. It returns false if there
// is none.
func (tx *Tx) Get(query string, args []any, dest ...any) (bool, error) {
	if tx.failed != nil {
		return false, tx.failed
	}
	stmt, err := tx.w.statement(query)
	if err != nil {
		return false, tx.fail(err)
	}
	err = stmt.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, tx.fail(err)
}

// Next returns the next number of a counter that the file keeps: read selects the
// last one given out, write sets it. Of a commit that several writes share the
// counter is read and written once. A number whose write came to nothing is not
// given out again within that commit.
func (tx *Tx) Next(read, write string) (int64, error) {
	if tx.failed != nil {
		return 0, tx.failed
	}
	c := &tx.w.counter
	if c.write == "" {
		if _, err := tx.Get(read, nil, &c.last); err != nil {
			return 0, err
		}
		c.write = write
	}
	c.last++
	return c.last, nil
}

func (tx *Tx) fail(err error) error {
	if err != nil && tx.failed == nil {
		tx.failed = err
	}
	return err
}

// Write runs do inside a transaction that is shared with other callers and
// returns once it is committed and synced.
//
// An error that do returns of its own accord (a refusal) is returned as it is
// and costs the others nothing, so do must not have changed anything by then.
// When a statement fails, whatever do wrote is rolled back and the others'
// functions are run once more: do may run several times and starts afresh each
// time. It runs in another goroutine and must not keep what the caller may
// change.
//
// When ctx ends before its turn comes nothing is written; when it ends later
// Write returns the context's error although the write may happen.
func (f *File) Write(ctx context.Context, do func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, do: do, done: make(chan error, 1)}
	select {
	case f.writer.jobs <- j:
	case <-f.writer.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

type job struct {
	ctx  context.Context //nolint:containedctx // a queued call: the writer skips it when its caller has left
	do   func(tx *Tx) error
	done chan error // holds one, so the writer never waits for a caller that left
	err  error
}

// writer owns the only connection that writes.
type writer struct {
	db      *sql.DB
	jobs    chan *job
	closing chan struct{}
	once    sync.Once
	stopped chan error

	several    bool // the last commit had several writes
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	counter    counter // of the transaction under way
}

// counter is the one that Tx.Next counts; write is empty until it was read.
type counter struct {
	last  int64
	write string
}

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, jobs: make(chan *job), closing: make(chan struct{}), stopped: make(chan error, 1)}
	go w.run()
	return w
}

func (w *writer) close() error {
	err := ErrClosed
	w.once.Do(func() {
		close(w.closing)
		err = <-w.stopped
	})
	return err
}

// run takes whatever waits, commits it together, and so on. While one group is
// being synced the next one gathers.
func (w *writer) run() {
	for {
		select {
		case j := <-w.jobs:
			w.write(w.gather(j))
		case <-w.closing:
			w.release()
			w.stopped <- w.db.Close()
			return
		}
	}
}

// gather waits for nobody, but where several wrote at a time just now, it lets
// the callers run whom the last commit has released: without that half of them
// would always miss the commit that the other half is in.
func (w *writer) gather(first *job) []*job {
	group := []*job{first}
	for yields := 0; len(group) < maxGroup; {
		select {
		case j := <-w.jobs:
			group = append(group, j)
			continue
		default:
		}
		if yields == maxYields || len(group) == 1 && !w.several {
			break
		}
		yields++
		runtime.Gosched()
	}
	w.several = len(group) > 1
	return group
}

func (w *writer) write(group []*job) {
	live := group[:0]
	for _, j := range group {
		if err := j.ctx.Err(); err != nil {
			j.done <- err
			continue
		}
		live = append(live, j)
	}
	if len(live) == 0 {
		return
	}
	if !w.commit(live) && len(live) > 1 {
		// One statement of the group failed and took the others with it. Each is
		// run by itself now, so that nobody else hears of it.
		for _, j := range live {
			w.commit([]*job{j}) // j.err holds what comes of it
		}
	}
	for _, j := range live {
		j.done <- j.err
	}
}

// commit runs a group in one transaction and reports whether no statement
// failed; every job then has its result. Otherwise nothing was written.
func (w *writer) commit(group []*job) bool {
	if err := w.begin(); err != nil {
		return w.settle(group, err)
	}
	for _, j := range group {
		tx := &Tx{w: w}
		j.err = j.do(tx)
		if tx.failed == nil {
			continue
		}
		if j.err == nil {
			j.err = tx.failed
		}
		// An error here says that SQLite rolled back by itself, as it does when the
		// disk is full. Were a transaction left open, the next BEGIN would fail and
		// throw the connection away.
		_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK")
		return false
	}
	if err := w.end(); err != nil {
		w.release() // and with it whatever is left of the transaction
		return w.settle(group, fmt.Errorf("commit: %w", err))
	}
	return true
}

// end writes the counter, if it was used, and commits.
func (w *writer) end() error {
	if w.counter.write != "" {
		if err := w.exec(w.counter.write, w.counter.last); err != nil {
			return err
		}
	}
	return w.exec("COMMIT")
}

func (w *writer) exec(query string, args ...any) error {
	stmt, err := w.statement(query)
	if err == nil {
		_, err = stmt.ExecContext(context.Background(), args...)
	}
	return err
}

// settle gives all of a group the same error. It is final: after a commit that
// failed the write is unknown, and running it again could refuse it for what it
// did itself.
func (w *writer) settle(group []*job, err error) bool {
	for _, j := range group {
		j.err = err
	}
	return true
}

func (w *writer) begin() error {
	ctx := context.Background()
	if w.conn == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return err
		}
		w.conn, w.statements = conn, map[string]*sql.Stmt{}
	}
	w.counter = counter{}
	err := w.exec("BEGIN IMMEDIATE")
	if err != nil && !isBusy(err) {
		w.release()
	}
	return err
}

// release throws the connection away; the next group opens another.
func (w *writer) release() {
	if w.conn == nil {
		return
	}
	for _, s := range w.statements {
		s.Close()
	}
	// ErrBadConn makes the pool close the connection instead of keeping it.
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	w.conn.Close()
	w.conn, w.statements = nil, nil
}

func (w *writer) statement(query string) (*sql.Stmt, error) {
	if s := w.statements[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.statements[query] = s
	return s, nil
}
