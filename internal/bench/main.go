// Bench measures the connector against what somebody would write by hand for
// the same work. Both run in one program, in turn, and the ratio of their
// medians is printed beside what it shall reach; absolute times say little on a
// machine that is shared.
//
//	go run ./internal/bench webhook
//	go run ./internal/bench --help
//
// A command exits with 1 when a figure is missed. docs/performance.md has the
// last figures and the machine. Sizes are flags.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

type commands struct {
	Webhook   webhookCmd   `cmd:"" help:"P1: signed events, durable, answered."`
	Documents documentsCmd `cmd:"" help:"P2: reports from event to confirmed, both vendors in the process."`
	Report    reportCmd    `cmd:"" help:"P7: one report of 500 expenses against one of 5."`
	Year      yearCmd      `cmd:"" help:"P11: a year of documents in memory, on one processor."`
	Scale     scaleCmd     `cmd:"" help:"P4: a ledger and an audit log of years against small ones."`
	Chain     chainCmd     `cmd:"" help:"P8: the audit trail's chain of hashes."`
	Delivery  deliveryCmd  `cmd:"" help:"P12: events through the whole engine to a sink that is called by HTTP; killed in the middle."`
	Town      townCmd      `cmd:"" hidden:"" help:"The process with the vendors that report talks to."`
	Connector connectorCmd `cmd:"" hidden:"" help:"The process that delivery measures."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var all commands
	parser, err := kong.New(&all, kong.Name("bench"), kong.Description("Measures the connector against what somebody would write by hand."))
	if err != nil {
		return err
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return err
	}
	chosen.BindTo(ctx, (*context.Context)(nil))
	chosen.BindTo(out, (*io.Writer)(nil))
	return chosen.Run()
}

var errMissed = errors.New("a figure was missed")

func missed(ok bool) error {
	if ok {
		return nil
	}
	return errMissed
}
