// Webhook receives SAP Concur's events and prints one line for each.
//
//	go run ./examples/webhook -offline
//
// lets a Concur in memory deliver events to it, over TLS and with a client
// certificate, and ends. Without -offline it serves until it is interrupted:
//
//	webhook -listen :8443 -cert server.pem -key server.key
//
// Concur reaches it under a public name whose certificate a known authority
// issued. It always connects with a client certificate, which the server asks for
// and the handler checks by its name. A proxy that ends TLS in front of the
// program has to pass the verified subject on: see concur.ForwardedSubject.
//
// What a real program does with an event is to make it durable and to answer: the
// work comes later, in the order and at the speed that suit it.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ml-connector/ml-connector/concur"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	flags.SetOutput(out)
	listen := flags.String("listen", ":8443", "address to listen on")
	cert := flags.String("cert", "", "file with the server's certificate chain")
	key := flags.String("key", "", "file with its key")
	company := flags.String("company", "", "UUID of the only company whose events are taken; empty takes all")
	try := flags.Bool("offline", false, "receive from a Concur in memory and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *try {
		return offline(ctx, out)
	}
	if *cert == "" || *key == "" {
		return errors.New("a certificate is needed: -cert and -key, or try -offline")
	}
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	var companies []string
	if *company != "" {
		companies = append(companies, *company)
	}
	return serve(ctx, l, &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		// The system's authorities issue Concur's certificate. It is asked for and
		// verified, and who has none is answered 401 by the handler.
		ClientAuth: tls.VerifyClientCertIfGiven,
	}, companies, out)
}

// serve takes events until ctx ends, and finishes what it has begun.
func serve(ctx context.Context, l net.Listener, config *tls.Config, companies []string, out io.Writer) error {
	var mu sync.Mutex
	line := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
	mux := http.NewServeMux()
	mux.Handle("/concur/events", concur.NewEventHandler(func(_ context.Context, e concur.Event) error {
		line("%s", describe(e)) // make it durable here; an error is answered 503 and comes again
		return nil
	}, &concur.EventOptions{
		Companies: companies,
		MaxAge:    96 * time.Hour,
		Observe: func(r concur.EventResult) {
			if r.Outcome != concur.EventTaken {
				line("%s (%d): %v", r.Outcome, r.Status, r.Err)
			}
		},
	}))
	server := &http.Server{Handler: mux, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// What is being received is received to its end, though ctx has ended.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// describe says in a line where an event tells to look.
func describe(e concur.Event) string {
	if f, err := e.Report(); err == nil {
		return fmt.Sprintf("%s: report %s of %s, payment %s", e.EventType, f.ReportID, f.Owner(), f.CurrentPaymentStatus)
	}
	if f, err := e.Financial(); err == nil {
		return fmt.Sprintf("%s: document %s", e.EventType, f.DocumentID)
	}
	return fmt.Sprintf("%s of %s", e.EventType, e.Topic) // a topic that this program does nothing with
}
