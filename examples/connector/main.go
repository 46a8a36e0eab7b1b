// Command ml-connector is the reference connector: it carries approved expense
// reports and supplier invoices from SAP Concur into Epicor Kinetic as AP
// invoices.
//
//	go run ./examples/connector demo
//
// shows it at work on two simulators and needs nothing but Go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(command()) }

// command runs the command line and returns the exit code.
func command() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return (&program{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}).run(ctx, os.Args[1:])
}
