// Package pgtest runs a private PostgreSQL server for tests, from the programs
// that are installed on the machine: no container, no network, no setup.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestStore(t *testing.T) {
//		dsn := pgtest.Database(t) // a database of this test's own
//		…
//	}
//
// One server serves all tests of a process; the first Database starts it, in
// less than a second, and Main stops it. A test that stops or restarts a server
// takes one of its own with Start. Servers listen on a socket in a folder of
// their own and die with the test process, however that ends.
//
// Where PostgreSQL is not installed the test is skipped and says so; with
// ML_CONNECTOR_NO_SKIP set it fails instead. Everything is safe for concurrent
// use.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// readyTime is how long a server may take to start or stop on a busy machine.
const readyTime = 5 * time.Minute

// shared is the server of the process.
var shared struct {
	sync.Mutex
	running bool // Main runs and will stop the server
	server  *Server
	count   int
}

// Main runs the tests of a package, stops the shared server and exits.
func Main(m *testing.M) {
	shared.Lock()
	shared.running = true
	shared.Unlock()
	code := m.Run()
	shared.Lock()
	if shared.server != nil {
		shared.server.remove()
	}
	shared.Unlock()
	os.Exit(code)
}

// Database creates an empty database on the shared server and returns its DSN.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		t.Fatal("pgtest: the package's TestMain does not call pgtest.Main, so nobody would stop the server")
	}
	if shared.server == nil {
		// No test crashes this server, so it need not wait for the disk.
		shared.server = begin(t, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	shared.count++
	return shared.server.Database(t, fmt.Sprintf("test%d", shared.count))
}

// Connect connects to a database until the test ends, for what the code under
// test does not do.
func Connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("pgtest: connect: %v", err)
	}
	t.Cleanup(func() {
		_ = conn.Close(context.Background()) // the server may be gone
	})
	return conn
}

// Exec runs one statement on a connection of its own.
func Exec(t testing.TB, dsn, statement string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("pgtest: connect: %v", err)
	}
	_, err = conn.Exec(ctx, statement, args...)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatalf("pgtest: %s: %v", statement, err)
	}
}

// Server is one private server.
type Server struct {
	folder  string
	options []string

	mu      sync.Mutex
	process *process // nil while it is stopped
}

// Start starts a server that belongs to one test and is stopped at its end. It
// syncs every commit to the disk, as a server does that may be crashed.
func Start(t testing.TB) *Server {
	t.Helper()
	s := begin(t)
	t.Cleanup(s.remove)
	return s
}

// Database creates an empty database and returns its DSN. It fails the test if
// the name is taken.
func (s *Server) Database(t testing.TB, name string) string {
	t.Helper()
	Exec(t, s.dsn("postgres"), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return s.dsn(name)
}

func (s *Server) dsn(database string) string {
	return "host=" + s.folder + " user=test dbname=" + database + " sslmode=disable"
}

// Stop stops the server as its operator does: sessions are ended, statements
// that are under way are rolled back.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.end(t, fast)
}

// Crash stops the server as a power cut does, without a word to anyone.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	s.end(t, immediate)
}

// Run starts the server again after Stop or Crash and returns when it takes
// connections.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

func (s *Server) end(t testing.TB, how signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		t.Fatal("pgtest: the server is not running")
	}
	if err := s.process.stop(how); err != nil {
		t.Fatalf("pgtest: stop: %v", err)
	}
	s.process = nil
}

// remove stops the server, if it runs, and removes its folder.
func (s *Server) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		_ = s.process.stop(immediate) // nobody needs its data any more
		s.process = nil
	}
	_ = os.RemoveAll(s.folder)
}

// begin makes a server's folder and starts it.
func begin(t testing.TB, options ...string) *Server {
	t.Helper()
	programs, err := locate()
	if err != nil {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") != "" {
			t.Fatalf("pgtest: %v, and ML_CONNECTOR_NO_SKIP forbids to skip", err)
		}
		t.Skipf("pgtest: %v", err)
	}
	folder, err := makeFolder()
	if err != nil {
		t.Fatalf("pgtest: make a folder for the server: %v", err)
	}
	s := &Server{folder: folder, options: append([]string{programs.server}, options...)}
	if err := programs.initialize(folder); err != nil {
		s.remove()
		t.Fatalf("pgtest: %v", err)
	}
	if err := s.run(); err != nil {
		s.remove()
		t.Fatalf("pgtest: %v", err)
	}
	return s
}

// run starts the process and waits until it takes connections.
func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return fmt.Errorf("the server runs already")
	}
	p, err := startServer(s.folder, s.options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			s.process = p
			return conn.Close(ctx)
		}
		select {
		case <-again.C:
		case <-p.done:
			return fmt.Errorf("the server ended at once; its log says: %s", logTail(s.folder))
		case <-ctx.Done():
			_ = p.stop(immediate) // it is of no use
			return fmt.Errorf("the server does not take connections: %w; its log says: %s", err, logTail(s.folder))
		}
	}
}

// logTail returns the end of the server's log.
func logTail(folder string) string {
	text, err := os.ReadFile(logFile(folder))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}
