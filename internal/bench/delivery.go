package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// deliveryCmd is P12: events, POSTed to a process of its own, durable, each
// taken to a sink by HTTP, done.
type deliveryCmd struct {
	Events  int  `default:"20000" help:"Events of one run."`
	Light   int  `default:"300" help:"Events of a run under light load, one at a time."`
	Clients int  `default:"8" help:"Clients that send at a time."`
	Workers int  `default:"32" help:"Deliveries at a time, on both sides."`
	Runs    int  `default:"5" help:"Runs of each contender."`
	Kills   int  `default:"5" help:"Runs in which the process is killed in the middle."`
	Profile bool `help:"Write the processor profile of the last engine to bench.prof."`
}

// Run implements the command.
func (c *deliveryCmd) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "P12  %d events of 1.5 KB, %d clients, %d deliveries at a time, median of %d runs\n", c.Events, c.Clients, c.Workers, c.Runs)
	full := func(kind string) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) { return c.loaded(ctx, kind) }
	}
	medians, err := compare(
		ctx, out, c.Runs,
		contender{"bare handler and delivery loop", full("bare")},
		contender{"engine, audit off", full("engine")},
		contender{"engine, audit on", full("audited")},
	)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "     light load: %d events, one at a time, from POST to the sink\n", c.Light)
	light := func(kind string) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) { return c.single(ctx, kind) }
	}
	slow, err := compare(
		ctx, out, c.Runs,
		contender{"bare handler and delivery loop", light("bare")},
		contender{"engine, audit off", light("engine")},
		contender{"engine, audit on", light("audited")},
	)
	if err != nil {
		return err
	}
	lost, doubled := 0, 0
	for n := range c.Kills {
		l, d, err := c.killed(ctx, n)
		if err != nil {
			return err
		}
		lost, doubled = lost+l, doubled+d
	}
	ok := verdict(out, "P12", "rate, audit off, against the bare loop's", int64(medians[0].per), int64(medians[1].per), 60, true)
	ok = verdict(out, "P12", "rate, audit on, against the bare loop's", int64(medians[0].per), int64(medians[2].per), 40, true) && ok
	ok = verdict(out, "P12", "p50 under light load, audit off, against the bare loop's", int64(slow[1].p50), int64(slow[0].p50), 300, false) && ok
	ok = verdict(out, "P12", "p50 under light load, audit on, against the bare loop's", int64(slow[2].p50), int64(slow[0].p50), 300, false) && ok
	fmt.Fprintf(out, "P12  killed in the middle %d times: %d lost, %d doubled\n", c.Kills, lost, doubled)
	return missed(ok && lost == 0 && doubled == 0)
}

// rig is the place that papers are taken to, and the connector that does it.
type rig struct {
	count   *counter
	sinkURL string
	stop    func() error
	dir     string
}

func newRig(ctx context.Context, want int) (*rig, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	r := &rig{count: newCounter(want), dir: dir}
	r.sinkURL, r.stop, err = served(ctx, r.count)
	return r, err
}

func (r *rig) close() error { return errors.Join(r.stop(), os.RemoveAll(r.dir)) }

// child is a connector in a process of its own.
type child struct {
	cmd *exec.Cmd
	url string // of its webhook
}

func (r *rig) start(ctx context.Context, kind string, workers int, profile bool) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"connector", "--kind", kind, "--dir", r.dir, "--sink", r.sinkURL, "--workers", fmt.Sprint(workers)}
	if profile {
		args = append(args, "--profile", "bench.prof")
	}
	c := &child{cmd: exec.CommandContext(ctx, self, args...)}
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	c.url = strings.TrimSpace(line)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the connector did not start: %w", err), c.cmd.Wait())
	}
	return c, nil
}

func (c *child) end() error {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return c.cmd.Wait()
}

func papers(n int) ([]event, error) {
	events := make([]event, n)
	for i := range events {
		body, err := json.Marshal(paper{fmt.Sprint("P", i), fill})
		if err != nil {
			return nil, err
		}
		events[i] = event{body: body, header: http.Header{"Content-Type": {"application/json"}}}
	}
	return events, nil
}

// loaded sends everything at once and waits until all of it was delivered.
func (c *deliveryCmd) loaded(ctx context.Context, kind string) (s sample, err error) {
	events, err := papers(c.Events)
	if err != nil {
		return s, err
	}
	r, err := newRig(ctx, c.Events)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p, err := r.start(ctx, kind, c.Workers, c.Profile && kind != "bare")
	if err != nil {
		return s, err
	}
	began := time.Now()
	if _, err := post(ctx, caller(c.Clients), p.url, c.Clients, events); err != nil {
		return s, errors.Join(err, p.end())
	}
	select {
	case <-r.count.all:
	case <-ctx.Done():
		return s, ctx.Err()
	}
	took := time.Since(began)
	if err := p.end(); err != nil {
		return s, err
	}
	if lost, doubled := r.count.faults(); lost > 0 || doubled > 0 {
		return s, fmt.Errorf("%d lost, %d doubled", lost, doubled)
	}
	used := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	return sample{per: took / time.Duration(c.Events), cpu: used / time.Duration(c.Events)}, nil
}

// single sends one event after the other was delivered.
func (c *deliveryCmd) single(ctx context.Context, kind string) (s sample, err error) {
	events, err := papers(c.Light)
	if err != nil {
		return s, err
	}
	r, err := newRig(ctx, c.Light)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p, err := r.start(ctx, kind, c.Workers, false)
	if err != nil {
		return s, err
	}
	client := caller(1)
	waits := make([]time.Duration, len(events))
	look := time.NewTicker(100 * time.Microsecond)
	defer look.Stop()
	began := time.Now()
	for i := range events {
		sent := time.Now()
		if err := send(ctx, client, p.url, events[i]); err != nil {
			return s, errors.Join(err, p.end())
		}
		for {
			if at, ok := r.count.arrived(fmt.Sprint("P", i)); ok {
				waits[i] = at.Sub(sent)
				break
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return s, ctx.Err()
			}
		}
	}
	took := time.Since(began)
	return sample{per: took / time.Duration(len(events)), p50: percentile(waits, 50), p99: percentile(waits, 99)}, p.end()
}

// killed kills the connector when a part was delivered, starts another one over
// what it left, sends again what was not answered, and counts.
func (c *deliveryCmd) killed(ctx context.Context, n int) (lost, doubled int, err error) {
	events, err := papers(c.Events / 4)
	if err != nil {
		return 0, 0, err
	}
	r, err := newRig(ctx, len(events))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p, err := r.start(ctx, "audited", c.Workers, false)
	if err != nil {
		return 0, 0, err
	}
	client := caller(c.Clients)
	answered := len(events) * (n%3 + 1) / 4
	if _, err := post(ctx, client, p.url, c.Clients, events[:answered]); err != nil {
		return 0, 0, err
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return 0, 0, err
	}
	_ = p.cmd.Wait() // it was killed
	client.CloseIdleConnections()
	if p, err = r.start(ctx, "audited", c.Workers, false); err != nil {
		return 0, 0, err
	}
	if _, err := post(ctx, client, p.url, c.Clients, events[answered:]); err != nil {
		return 0, 0, errors.Join(err, p.end())
	}
	// Claims of the process that was killed run out first.
	patience := time.NewTimer(2 * time.Minute)
	defer patience.Stop()
	select {
	case <-r.count.all:
	case <-patience.C:
	case <-ctx.Done():
	}
	lost, doubled = r.count.faults()
	return lost, doubled, p.end()
}
