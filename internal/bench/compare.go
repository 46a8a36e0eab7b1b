package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is what one run of one contender took.
type sample struct {
	per      time.Duration // for one piece of work
	p50, p99 time.Duration // of what a caller waits for; 0: not measured
	cpu      time.Duration // processor time for one piece of work; 0: not measured
}

// contender is one way of doing the work. A run does all of it once, from
// nothing.
type contender struct {
	name string
	run  func(ctx context.Context) (sample, error)
}

// compare runs contenders in turn, so that whatever else the machine does hits
// all of them, and returns the median of each figure.
func compare(ctx context.Context, out io.Writer, runs int, all ...contender) ([]sample, error) {
	samples := make([][]sample, len(all))
	for n := range runs {
		for at := range all {
			// The first one of a round has the colder machine: take turns at that too.
			i := (at + n) % len(all)
			s, err := all[i].run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	medians := make([]sample, len(all))
	for i, of := range samples {
		medians[i] = sample{
			per: median(of, func(s sample) time.Duration { return s.per }),
			p50: median(of, func(s sample) time.Duration { return s.p50 }),
			p99: median(of, func(s sample) time.Duration { return s.p99 }),
			cpu: median(of, func(s sample) time.Duration { return s.cpu }),
		}
		fmt.Fprintf(out, "     %-34s %9s/s", all[i].name, rate(medians[i].per))
		if medians[i].p99 > 0 {
			fmt.Fprintf(out, "   p50 %8s   p99 %8s", short(medians[i].p50), short(medians[i].p99))
		}
		if medians[i].cpu > 0 {
			fmt.Fprintf(out, "   processor %6s each", short(medians[i].cpu))
		}
		fmt.Fprintf(out, "   (runs %s)\n", strings.Join(rates(of), " "))
	}
	return medians, nil
}

func median(of []sample, field func(sample) time.Duration) time.Duration {
	values := make([]time.Duration, len(of))
	for i, s := range of {
		values[i] = field(s)
	}
	return percentile(values, 50)
}

// percentile sorts values and returns the one that p percent are not above.
func percentile(values []time.Duration, p int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)*p/100, len(values)-1)]
}

// rate returns how many a second there are when one takes so long.
func rate(per time.Duration) string {
	if per <= 0 {
		return "-"
	}
	n := int64(time.Second / per)
	if n < 100 {
		return hundredths(int64(100 * time.Second / per))
	}
	return strconv.FormatInt(n, 10)
}

func rates(of []sample) []string {
	var out []string
	for _, s := range of {
		out = append(out, rate(s.per))
	}
	return out
}

func short(d time.Duration) string {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// verdict prints a figure beside what it shall reach. a/b is the figure, in
// hundredths; atLeast says on which side of the goal it shall be.
func verdict(out io.Writer, point, what string, a, b, goal int64, atLeast bool) bool {
	if b == 0 {
		fmt.Fprintf(out, "%-4s %s: nothing to compare with\n", point, what)
		return false
	}
	have := 100 * a / b
	word, reached := "at most", have <= goal
	if atLeast {
		word, reached = "at least", have >= goal
	}
	said := "reached"
	if !reached {
		said = "MISSED"
	}
	fmt.Fprintf(out, "%-4s %s: %s (%s %s) %s\n", point, what, hundredths(have), word, hundredths(goal), said)
	return reached
}

func hundredths(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
