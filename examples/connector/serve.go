package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/monitor"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type serveCommand struct {
	configFlags
}

// Help is the text below the help of serve.
func (c *serveCommand) Help() string {
	return `Takes Concur's events at /concur/events, moves documents, sweeps for what was not announced, keeps reference data
up to date. /healthz, /readyz and /metrics are served at the same address.

SIGINT or SIGTERM ends it in order: no new event is taken, running work is finished ("drain"). A second signal cuts it
short, which loses nothing: the next start goes on where this one stopped. Documents that a killed process was working on
are taken up again when its lease ends (policy.lease, 2 minutes): the log says at the start how many and when, transfers
list which.`
}

// shutWithin bounds how long answers that are under way may take.
const shutWithin = 5 * time.Second

// Run serves until the program is told to stop.
func (c *serveCommand) Run(ctx context.Context, p *program) (err error) {
	m := monitor.New()
	file, err := c.load()
	if err != nil {
		return err
	}
	log := p.logger(file.Log)
	a, file, err := c.open(ctx, p, false, func(cfg *app.Config) {
		cfg.Logger, cfg.OnChange, cfg.Watch = log, parkedWarner(log, m.Changed), m.Watch
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := connected(ctx, a, log, p.self(), c.Config); err != nil {
		return err
	}
	l, err := listen(ctx, file)
	if err != nil {
		return &mendError{fmt.Errorf("listen: %w; free the address, or change listen in %s", err, c.Config)}
	}
	server := &http.Server{
		Handler: routes(a, m), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	version, revision, _ := monitor.Build()
	data, err := filepath.Abs(file.Data)
	if err != nil {
		data = file.Data
	}
	log.InfoContext(ctx, "ml-connector serves", "address", l.Addr().String(), "tls", file.TLS.Cert != "", "data", data,
		"tenants", len(file.Tenants), "version", version, "revision", revision, "pid", os.Getpid())
	held, err := a.Held(ctx, time.Now())
	if err != nil {
		return err
	}
	if held.Documents > 0 {
		log.WarnContext(ctx, "documents are held by the lease of a process that did not finish them, and are taken up again when it ends",
			"documents", held.Documents, "until", held.Until.UTC().Format(time.RFC3339))
	}
	return serveUntil(ctx, a, server, l, m, log)
}

// serveUntil runs engine, server and monitor until ctx ends, then stops them in order.
func serveUntil(ctx context.Context, a *app.App, server *http.Server, l net.Listener, m *monitor.Monitor, log *slog.Logger) error {
	second := make(chan os.Signal, 2)
	signal.Notify(second, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(second)

	working, halt := context.WithCancel(context.WithoutCancel(ctx))
	defer halt()
	served, worked := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	go func() { worked <- a.Run(working) }()
	var looking sync.WaitGroup
	looking.Go(func() { m.Run(working, a, log) })
	looking.Go(func() { verify(working, a, log) })
	looking.Go(func() { newMirrorWatch(a.Tenants(), a.Engine, log).run(working) })
	var failed error
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stops: finishes what it works on; a second signal cuts it short")
	case err := <-served:
		failed = fmt.Errorf("serve: %w", err)
	case err := <-worked:
		worked <- nil
		failed = fmt.Errorf("the engine stopped by itself: %w", errors.Join(err, errors.New("see the log")))
	}
	done := make(chan error, 1)
	go func() {
		err := shut(context.WithoutCancel(ctx), server, shutWithin)
		halt()
		looking.Wait()
		done <- errors.Join(err, <-worked)
	}()
	signals := 0
	if failed == nil {
		signals = -1 // the one that ended ctx comes here, too
	}
	for {
		select {
		case err := <-done:
			if err := errors.Join(failed, err); err != nil {
				return err
			}
			log.InfoContext(ctx, "stopped", "under_way", underWay(ctx, a))
			return nil
		case <-second:
			if signals++; signals > 0 {
				log.WarnContext(ctx, "cut short; the next start looks in Epicor for what was under way")
				os.Exit(exitFail) // what the second signal asks for; the ledger is made for it
			}
		}
	}
}

// shut ends a server: answers that are under way are finished for a while, then
// broken off, with connections on which nothing was asked yet. That is no
// failure: an event that was not answered comes again.
func shut(ctx context.Context, server *http.Server, within time.Duration) error {
	closing, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := server.Shutdown(closing); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

// underWay counts the documents that stopping left between the systems; the next
// start looks in Epicor for them and goes on.
func underWay(ctx context.Context, a *app.App) (n int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutWithin)
	defer cancel()
	for _, tenant := range a.Tenants() {
		for _, state := range []engine.State{engine.Delivering, engine.Reversing} {
			for _, err := range a.Engine.List(ctx, storage.Query{Tenant: tenant, State: string(state)}) {
				if err == nil || ctx.Err() == nil {
					n++
				}
			}
		}
	}
	return n
}

// connected warns of tenants that are not connected to Concur, and refuses to
// serve when none is.
func connected(ctx context.Context, a *app.App, log *slog.Logger, self, path string) error {
	some := false
	for _, tenant := range a.Tenants() {
		_, err := a.Token(ctx, tenant)
		switch {
		case errors.Is(err, concur.ErrNoToken):
			log.WarnContext(ctx, "a tenant is not connected to Concur: its documents are not carried", "tenant", tenant)
		case err != nil:
			return &mendError{fmt.Errorf("tenant %q: the stored token cannot be opened: %w; is vault.key in %s the key that it was stored with?", tenant, err, path)}
		default:
			some = true
		}
	}
	if !some {
		return &mendError{fmt.Errorf("not connected to Concur yet; connect first: %s connect -c %s", self, path)}
	}
	return nil
}

// verify reads what columns each tenant's Epicor has, once, and says what is
// missing. That it cannot be read hinders nothing: a posting says it, too.
func verify(ctx context.Context, a *app.App, log *slog.Logger) {
	for _, tenant := range a.Tenants() {
		err := a.Verify(ctx, tenant)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, epicor.ErrMissing):
			log.ErrorContext(ctx, "Epicor lacks columns that postings need; ml-connector check says what to do", "tenant", tenant, "missing", strings.ReplaceAll(err.Error(), "\n", "; "))
		case err != nil:
			log.WarnContext(ctx, "Epicor's columns could not be looked at", "tenant", tenant, "error", err)
		}
	}
}

func listen(ctx context.Context, c *config.Config) (net.Listener, error) {
	if c.TLS.Cert == "" {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, err
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if cert := c.Events.Certificate; cert != nil && cert.Authorities != "" {
		// Asked for and not required: health and metrics are read without one. The
		// webhook itself checks it, against its own authorities.
		settings.ClientAuth = tls.RequestClientCert
	}
	return tls.NewListener(l, settings), nil
}

func routes(a *app.App, m *monitor.Monitor) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(app.EventPath, a.Handler())
	mux.HandleFunc("GET /healthz", monitor.Healthz)
	mux.HandleFunc("GET /readyz", monitor.Readyz(a))
	mux.Handle("GET /metrics", m.Handler())
	return mux
}
