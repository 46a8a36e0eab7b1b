package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
)

// Exit codes.
const (
	exitDone = 0 // what was asked for is done
	exitFail = 1 // it failed
	exitMend = 2 // there is something that whoever runs it can mend: an argument, a file, a directory
)

// commandLine is what kong reads the command line into.
type commandLine struct {
	Demo       demoCommand       `cmd:"" help:"Show the connector at work on two simulators: documents go in, AP invoices come out, everything is tied out."`
	Connect    connectCommand    `cmd:"" help:"Connect a tenant to Concur, once, with a company request token."`
	Subscribe  subscribeCommand  `cmd:"" help:"Let Concur deliver its events here."`
	Check      checkCommand      `cmd:"" help:"Say what works and how to mend the rest."`
	Secrets    secretsCommand    `cmd:"" help:"Keep secrets sealed in the ledger, for references vault:NAME."`
	Serve      serveCommand      `cmd:"" help:"Carry documents: take events, post, sweep, mirror, until stopped."`
	Transfers  transfersCommand  `cmd:"" help:"Look at documents on their way."`
	Replay     replayCommand     `cmd:"" help:"Look anew at documents that wait for a person, once the cause is mended."`
	Return     returnCommand     `cmd:"" help:"Give documents that are wrong in Concur back to Concur."`
	Purge      purgeCommand      `cmd:"" help:"Drop what is kept no longer, by policy.keep_contents and policy.keep_rows."`
	Simulate   simulateCommand   `cmd:"" help:"Show what the rules would post of documents, and why; nothing is written."`
	Mapping    mappingCommand    `cmd:"" help:"Look at the rules: faults, what they cover, what another version would change."`
	Sync       syncCommand       `cmd:"" help:"Bring reference data of Epicor to Concur."`
	Vendors    vendorsCommand    `cmd:"" help:"Look at vendors in both systems."`
	Reconcile  reconcileCommand  `cmd:"" help:"Tie a month out: what Concur approved against what stands in Epicor."`
	Audit      auditCommand      `cmd:"" help:"Show and verify the record of what was done."`
	Fakes      fakesCommand      `cmd:"" help:"Run both systems simulated on this machine, with a sample company."`
	Example    exampleCommand    `cmd:"" help:"Print files to begin from."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// program is what commands share.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	// hooks are set by tests, never by users.
	hooks demoHooks

	screen *screen.Screen
}

// mendError is an error that whoever runs the command can mend.
type mendError struct{ err error }

func (e *mendError) Error() string { return e.err.Error() }
func (e *mendError) Unwrap() error { return e.err }

// leave ends the parsing where kong wants to end the process.
type leave int

// run runs one command and returns the exit code.
func (p *program) run(ctx context.Context, args []string) (code int) {
	p.screen = screen.New(p.stdout, p.getenv)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case leave:
			code = int(r)
		default:
			panic(r)
		}
	}()
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("ml-connector"),
		kong.Description("Carries approved expense reports and supplier invoices from SAP Concur into Epicor Kinetic.\n\n"+
			"Exit codes: 0 done, 1 failed, 2 something to mend."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { panic(leave(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
	if err != nil {
		return p.failed(err)
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return p.failed(&mendError{fmt.Errorf("%w; see ml-connector --help", err)})
	}
	return p.failed(parsed.Run())
}

// failed says what went wrong and returns the exit code for it.
func (p *program) failed(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, concur.ErrNoToken) {
		err = &mendError{fmt.Errorf("%w, with a company request token: %s connect", err, p.self())}
	}
	_, _ = fmt.Fprintf(p.stderr, "ml-connector: %v\n", err)
	var mend *mendError
	var foreign *app.ForeignError
	var faults rules.Errors
	var settings config.Faults
	if errors.As(err, &mend) || errors.As(err, &foreign) || errors.As(err, &faults) || errors.As(err, &settings) {
		return exitMend
	}
	return exitFail
}

type versionCommand struct {
	JSON bool `name:"json" help:"Print JSON for programs."`
}

// Run prints the version that the module system recorded.
func (c *versionCommand) Run(p *program) error {
	v := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go,omitempty"`
	}{Version: "(devel)"}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Go = info.GoVersion
		if info.Main.Version != "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if c.JSON {
		return p.print(v)
	}
	p.screen.Printf("ml-connector %s", v.Version)
	if v.Revision != "" {
		p.screen.Printf(" (%.12s)", v.Revision)
	}
	p.screen.Printf(", %s\n", v.Go)
	return nil
}
