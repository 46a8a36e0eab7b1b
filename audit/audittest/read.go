package audittest

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/audit"
)

var readRules = []rule{
	{
		"a tenant without records",
		"Last of a tenant without records must return ErrNotFound and Read an empty last page, because every other answer lets a chain begin in the wrong place",
		func(ctx context.Context, c *check) {
			c.append(ctx, record("acme", 1))
			_, err := c.log.Last(ctx, "globex")
			c.isError(err, audit.ErrNotFound, "Last of a tenant without records")
			rs, next, err := c.log.Read(ctx, audit.Query{Tenant: "globex"})
			c.noError(err, "Read of a tenant without records")
			if len(rs) != 0 || next != 0 {
				c.failf("Read of a tenant without records returned %d and the next %d", len(rs), next)
			}
		},
	},
	{
		"read is in order",
		"Read must return the records in order of their numbers, each once whatever the limit, and a limit of 0 means 100: whoever verifies takes a gap between pages for a removed record",
		func(ctx context.Context, c *check) {
			const n = 205
			c.append(ctx, records("acme", 1, 3)...)
			c.append(ctx, records("acme", 4, n)...)
			c.append(ctx, records("globex", 1, 7)...)
			for _, limit := range []int{0, 1, 2, 100, n - 1, n, n + 1} {
				c.are(c.all(ctx, audit.Query{Tenant: "acme", Limit: limit}), records("acme", 1, n), fmt.Sprintf("Read in pages of %d", limit))
			}
			for _, after := range []int64{1, 99, 100, 101, n - 1, n, n + 5} {
				c.are(c.all(ctx, audit.Query{Tenant: "acme", After: after, Limit: 50}), records("acme", after+1, n), fmt.Sprintf("Read after %d", after))
			}
		},
	},
	{
		"read of one subject",
		"Read with a subject must return that subject's records and no others, in order, each once whatever the limit: it is the history of one document",
		func(ctx context.Context, c *check) {
			subjects := []string{"report 1", "report 10", "Report 1", "report_1", "report%", "report", "it's", ""}
			var all []audit.Record
			for seq := int64(1); seq <= 60; seq++ {
				r := record("acme", seq)
				r.Subject = subjects[seq%int64(len(subjects))]
				all = append(all, r)
			}
			c.append(ctx, all...)
			c.append(ctx, records("globex", 1, 9)...)
			for _, subject := range subjects[:len(subjects)-1] {
				var want []audit.Record
				for _, r := range all {
					if r.Subject == subject {
						want = append(want, r)
					}
				}
				for _, limit := range []int{0, 1, 3, len(want)} {
					q := audit.Query{Tenant: "acme", Subject: subject, Limit: limit}
					c.are(c.all(ctx, q), want, fmt.Sprintf("Read of %q in pages of %d", subject, limit))
				}
			}
			c.are(c.all(ctx, audit.Query{Tenant: "acme", Subject: "nothing"}), nil, "Read of a subject without records")
		},
	},
	{
		"read while records come in",
		"Read while records are appended must show a beginning of the chain without a gap, so that a verification under load is no false alarm",
		func(ctx context.Context, c *check) {
			written := make(chan error, 1)
			go func() {
				for seq := int64(1); seq <= 200; seq += 4 {
					if err := c.log.Append(ctx, records("acme", seq, seq+3)); err != nil {
						written <- err
						return
					}
				}
				written <- nil
			}()
			for {
				select {
				case err := <-written:
					c.noError(err, "Append while others read")
					c.are(c.all(ctx, audit.Query{Tenant: "acme", Limit: 7}), records("acme", 1, 200), "Read")
					return
				default:
					rs := c.all(ctx, audit.Query{Tenant: "acme", Limit: 7})
					c.are(rs, records("acme", 1, int64(len(rs))), "Read while records come in")
				}
			}
		},
	},
	{
		"a context that has ended",
		"A method whose context has ended must return the context's error and not wait, because a drain at shutdown has a deadline",
		func(ctx context.Context, c *check) {
			c.append(ctx, record("acme", 1))
			ended, cancel := context.WithCancel(ctx)
			cancel()
			for name, call := range map[string]func() error{
				"Append": func() error { return c.log.Append(ended, records("acme", 2, 2)) },
				"Last":   func() error { _, err := c.log.Last(ended, "acme"); return err },
				"Read":   func() error { _, _, err := c.log.Read(ended, audit.Query{Tenant: "acme"}); return err },
			} {
				done := make(chan error, 1)
				go func() { done <- call() }()
				select {
				case err := <-done:
					if !errors.Is(err, context.Canceled) {
						c.failf("%s with a context that has ended returned %v", name, err)
					}
				case <-ctx.Done():
					c.failf("%s with a context that has ended did not come back", name)
				}
			}
		},
	},
}
