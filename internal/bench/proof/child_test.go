package proof

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/pglog"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/pgstore"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// childVariable makes the test program a connector: it holds an errand as JSON.
const childVariable = "ML_CONNECTOR_PROOF_CHILD"

func TestMain(m *testing.M) {
	if v := os.Getenv(childVariable); v != "" {
		if err := serve(v); err != nil {
			fmt.Fprintln(os.Stderr, "connector:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	pgtest.Main(m)
}

// errand is what a child process is told.
type errand struct {
	Dir    string // of the files; empty: DSN
	DSN    string
	Listen string
	From   time.Time

	ClientID, ClientSecret, Bootstrap, Company, Epicor string
	Hosts                                              []string
	Key                                                []byte // public, PKCS #1
	RequestToken                                       string // to connect with
}

func (e errand) places() (places, error) {
	key, err := x509.ParsePKCS1PublicKey(e.Key)
	return places{
		App: concur.App{ClientID: e.ClientID, ClientSecret: concur.Secret(e.ClientSecret)}, Bootstrap: e.Bootstrap, Hosts: e.Hosts,
		Company: e.Company, Epicor: e.Epicor, Keys: key,
	}, err
}

// stores opens what the errand names.
func (e errand) stores(ctx context.Context) (storage.Store, audit.Log, func() error, error) {
	if e.Dir == "" {
		s, err := pgstore.Open(ctx, e.DSN, nil)
		if err != nil {
			return nil, nil, nil, err
		}
		l, err := pglog.Open(ctx, e.DSN, nil)
		return s, l, func() error { return errors.Join(s.Close(), l.Close()) }, err
	}
	opts := &sqlitestore.Options{BusyTimeout: 500 * time.Millisecond}
	s, err := sqlitestore.Open(ctx, filepath.Join(e.Dir, "ledger.db"), opts)
	if err != nil {
		return nil, nil, nil, err
	}
	l, err := sqlitelog.Open(ctx, filepath.Join(e.Dir, "audit.db"), &sqlitelog.Options{BusyTimeout: 500 * time.Millisecond})
	if err != nil {
		return nil, nil, nil, errors.Join(err, s.Close())
	}
	return s, l, func() error { return errors.Join(s.Close(), l.Close()) }, nil
}

// patience is how long what must happen in real time is waited for, on a machine that does much else.
const patience = 4 * time.Minute

// hurried is how a child behaves over time: short, for tests in real time.
var hurried = engine.Policy{
	Sweep: 3 * time.Second, MinWait: 50 * time.Millisecond, MaxWait: time.Second, MaxTries: 100, Lease: 600 * time.Millisecond, CircuitOpen: 200 * time.Millisecond,
}

// serve is a connector's whole life as a process of its own.
func serve(told string) error {
	var e errand
	if err := json.Unmarshal([]byte(told), &e); err != nil {
		return err
	}
	ctx := context.Background()
	at, err := e.places()
	if err != nil {
		return err
	}
	store, log, done, err := e.stores(ctx)
	if err != nil {
		return err
	}
	carrier, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return errors.New("the default transport was replaced")
	}
	p := plant{
		tenant: connectorID, store: store, log: log, places: at, book: newRulebook("park"), policy: hurried, from: e.From,
		carrier: carrier.Clone(), final: epicorsync.Saved, timeout: 10 * time.Second, overlap: time.Minute,
		options: engine.Options{Poll: 200 * time.Millisecond, Workers: 4, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))},
	}
	m, err := p.wire()
	if err != nil {
		return err
	}
	if e.RequestToken != "" {
		return errors.Join(m.connect(ctx, e.RequestToken), done())
	}
	mux := http.NewServeMux()
	mux.Handle("/concur/events", m.events)
	mux.HandleFunc("/limit", limit)
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", e.Listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	return m.engine.Run(ctx) // until it is killed
}

// parent holds the vendors and starts connectors against them.
type parent struct {
	t     *testing.T
	town  *town
	tell  errand
	child *exec.Cmd

	program string // empty: this one
	attr    *syscall.SysProcAttr
}

// newParent starts the vendors on loopback. A connector's files stand in dir, or
// its data in the database that dsn names.
func newParent(t *testing.T, tn *town, dir, dsn string) *parent {
	t.Helper()
	require.NoError(t, tn.concur.Start())
	require.NoError(t, tn.epicor.Listen("127.0.0.1:0"))
	t.Cleanup(tn.epicor.Close)
	t.Cleanup(tn.concur.Close)
	listen, free, err := reserve()
	require.NoError(t, err)
	t.Cleanup(func() { _ = free() })
	at := tn.places()
	p := &parent{t: t, town: tn, tell: errand{
		Dir: dir, DSN: dsn, Listen: listen, From: time.Now().Add(-time.Hour), ClientID: at.App.ClientID, ClientSecret: tn.concur.App().ClientSecret,
		Bootstrap: at.Bootstrap, Company: at.Company, Epicor: at.Epicor, Hosts: at.Hosts, Key: x509.MarshalPKCS1PublicKey(at.Keys),
	}}
	t.Cleanup(func() {
		if p.child != nil {
			p.kill()
		}
	})
	// The first of all connects the tenant and ends.
	p.tell.RequestToken = tn.company.RequestToken()
	p.begin()
	require.NoError(t, p.child.Wait())
	p.child, p.tell.RequestToken = nil, ""
	return p
}

// begin starts a connector.
func (p *parent) begin() {
	p.t.Helper()
	told, err := json.Marshal(p.tell)
	require.NoError(p.t, err)
	p.child = exec.Command(cmp.Or(p.program, os.Args[0])) //nolint:noctx // it lives until it is killed
	p.child.Env = append(os.Environ(), childVariable+"="+string(told))
	p.child.Stderr, p.child.SysProcAttr = os.Stderr, p.attr
	require.NoError(p.t, p.child.Start())
}

// up waits until the connector takes events.
func (p *parent) up() {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		c, err := net.Dial("tcp", p.tell.Listen) //nolint:noctx // to loopback
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, patience, 5*time.Millisecond, "the connector does not come up")
}

// kill ends the connector as a power cut does.
func (p *parent) kill() {
	_ = p.child.Process.Kill()
	_ = p.child.Wait() // it says that it was killed
	p.child = nil
}
