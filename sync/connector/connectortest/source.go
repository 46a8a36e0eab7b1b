package connectortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// SourceHarness is what the suite must know about a source. Open is required; a
// rule that needs a function that is nil is skipped.
type SourceHarness[T any] struct {
	// Open returns a source with at least three documents that are finally approved
	// and one that is not, and what the other functions need to reach it. A page of
	// its changes holds fewer than all of them where the source has pages. It is
	// called once for each rule.
	Open func(t *testing.T) (source connector.Source[T], system any)
	// Ready and NotYet are documents that Open puts there.
	Ready, NotYet connector.Ref
	// Again returns a second source over the same system, as another process has it.
	Again func(t *testing.T, system any) connector.Source[T]
	// Change changes a finally approved document and has it approved again, as a new
	// revision.
	Change func(t *testing.T, system any, ref connector.Ref)
	// Recall takes a finally approved document back.
	Recall func(t *testing.T, system any, ref connector.Ref)
	// Totals says what a document adds up to by company and currency.
	Totals func(content T) []connector.Total
}

// RunSource checks a source.
func RunSource[T any](t *testing.T, h SourceHarness[T]) {
	t.Helper()
	rules := sourceRules[T]()
	each(t, len(rules), func(i int) (string, func(context.Context, *testing.T)) {
		return rules[i].name, func(ctx context.Context, t *testing.T) {
			source, system := h.Open(t)
			rules[i].run(ctx, &sourceCheck[T]{check: check{t: t, text: rules[i].text}, h: h, tt: t, source: source, system: system})
		}
	})
}

type sourceCheck[T any] struct {
	check
	h      SourceHarness[T]
	tt     *testing.T
	source connector.Source[T]
	system any
}

type sourceRule[T any] struct {
	name, text string
	run        func(ctx context.Context, c *sourceCheck[T])
}

func (c *sourceCheck[T]) fetch(ctx context.Context, ref connector.Ref) connector.Snapshot[T] {
	c.t.Helper()
	s, err := c.source.Fetch(ctx, ref)
	c.noError(err, "Fetch of %s %s", ref.Kind, ref.ID)
	return s
}

// maxPages is more pages than any harness has.
const maxPages = 200

// sweep reads all pages from a cursor on. It returns the version of each
// document, the cursor after each page, and the last one.
func (c *sourceCheck[T]) sweep(ctx context.Context, from connector.Cursor) (versions map[connector.Ref]string, cursors []connector.Cursor) {
	c.t.Helper()
	versions = map[connector.Ref]string{}
	for range maxPages {
		p, err := c.source.Changes(ctx, from)
		c.noError(err, "Changes after %d pages", len(cursors))
		altered := false
		for _, ch := range p.Changes {
			c.identity(ch.Ref)
			ref := connector.Ref{Kind: ch.Ref.Kind, ID: ch.Ref.ID}
			altered = altered || versions[ref] != ch.Version || ch.Version == ""
			versions[ref] = ch.Version
			if s := ch.Snapshot; s != nil && (s.Ref.Kind != ref.Kind || s.Ref.ID != ref.ID) {
				c.failf("a change of %s %s carries the snapshot of %s %s", ref.Kind, ref.ID, s.Ref.Kind, s.Ref.ID)
			}
		}
		from = p.Next
		cursors = append(cursors, p.Next)
		if !p.More || (p.Hold && !altered) {
			return versions, cursors
		}
	}
	c.failf("Changes says that there is more after %d pages", maxPages)
	return nil, nil
}

func (c *sourceCheck[T]) identity(ref connector.Ref) {
	c.t.Helper()
	if ref.Kind == "" || ref.ID == "" {
		c.failf("a document has the kind %q and the id %q", ref.Kind, ref.ID)
	}
	if k, ok := c.source.(connector.Kinder); ok && !slices.Contains(k.Kinds(), ref.Kind) {
		c.failf("a document has the kind %q, which is none of %v", ref.Kind, k.Kinds())
	}
}

// plain is a Ref without its hint: the identity.
func plain(r connector.Ref) connector.Ref { return connector.Ref{Kind: r.Kind, ID: r.ID} }

func sourceRules[T any]() []sourceRule[T] {
	return []sourceRule[T]{
		{"Fetch of an unknown document is ErrNotFound", "No such document: ErrNotFound, and no claim that it was withdrawn or that a person must act.", func(ctx context.Context, c *sourceCheck[T]) {
			_, err := c.source.Fetch(ctx, connector.Ref{Kind: c.h.Ready.Kind, ID: "no-such-document"})
			if !errors.Is(err, connector.ErrNotFound) {
				c.failf("Fetch of an unknown document returned %v", err)
			}
			if errors.Is(err, connector.ErrWithdrawn) || errors.Is(err, connector.ErrRejected) {
				c.failf("Fetch of an unknown document claims more than that: %v", err)
			}
		}},
		{"a snapshot that is ready is whole", "A ready snapshot says what it is of, which revision, which period and how much money: without them nothing ties out.", func(ctx context.Context, c *sourceCheck[T]) {
			s := c.fetch(ctx, c.h.Ready)
			switch {
			case s.Phase != connector.Ready:
				c.failf("the phase is %q (%s)", s.Phase, s.Why)
			case plain(s.Ref) != plain(c.h.Ready):
				c.failf("the snapshot is of %s %s", s.Ref.Kind, s.Ref.ID)
			case s.Revision <= 0:
				c.failf("the revision is %d", s.Revision)
			case len(s.Period) != len("2026-10") || s.Period[4] != '-':
				c.failf("the period is %q, not a month such as 2026-10", s.Period)
			case len(s.Totals) == 0:
				c.failf("there are no totals")
			}
			for _, t := range s.Totals {
				if t.Company == "" || t.Currency == "" {
					c.failf("a total has the company %q and the currency %q", t.Company, t.Currency)
				}
			}
			if c.h.Totals != nil {
				if have, want := sum(s.Totals), sum(c.h.Totals(s.Content)); !maps.Equal(have, want) {
					c.failf("the totals are %v, and the content adds up to %v", have, want)
				}
			}
		}},
		{"a document that is not approved is not ready", "Only what is finally approved is ready; otherwise the snapshot says why, for a person.", func(ctx context.Context, c *sourceCheck[T]) {
			s := c.fetch(ctx, c.h.NotYet)
			if s.Phase != connector.NotYet {
				c.failf("the phase is %q", s.Phase)
			}
			if s.Why == "" {
				c.failf("the snapshot does not say why it is not ready")
			}
		}},
		{"a recalled document is withdrawn", "What the source took back is withdrawn, in the snapshot or by ErrWithdrawn: it must be taken back in the target.", func(ctx context.Context, c *sourceCheck[T]) {
			c.needs(c.h.Recall != nil, "Recall")
			c.h.Recall(c.tt, c.system, c.h.Ready)
			s, err := c.source.Fetch(ctx, c.h.Ready)
			if errors.Is(err, connector.ErrWithdrawn) {
				return
			}
			c.noError(err, "Fetch of a recalled document")
			if s.Phase != connector.Withdrawn {
				c.failf("the phase of a recalled document is %q", s.Phase)
			}
		}},
		{"the revision is the source's", "The revision is the source's: the same for an unchanged document however often and by whomever it is fetched, and higher after a change. A source that counts by itself would have an unchanged report posted again after a restart.", func(ctx context.Context, c *sourceCheck[T]) {
			first := c.fetch(ctx, c.h.Ready)
			if again := c.fetch(ctx, c.h.Ready); again.Revision != first.Revision {
				c.failf("the revision was %d and is %d when an unchanged document is fetched again", first.Revision, again.Revision)
			}
			if c.h.Again != nil {
				s, err := c.h.Again(c.tt, c.system).Fetch(ctx, c.h.Ready)
				c.noError(err, "Fetch of another process")
				if s.Revision != first.Revision {
					c.failf("the revision is %d here and %d in another process", first.Revision, s.Revision)
				}
			}
			if c.h.Change != nil {
				c.h.Change(c.tt, c.system, c.h.Ready)
				if s := c.fetch(ctx, c.h.Ready); s.Revision <= first.Revision {
					c.failf("the revision was %d and is %d after a change", first.Revision, s.Revision)
				}
			}
		}},
		{"the same document gives the same snapshot", "An unchanged document gives the same content each time: it is stored by a hash of it.", func(ctx context.Context, c *sourceCheck[T]) {
			a, b := c.fetch(ctx, c.h.Ready), c.fetch(ctx, c.h.Ready)
			if x, y := fmt.Sprintf("%+v", a.Content), fmt.Sprintf("%+v", b.Content); x != y {
				c.failf("an unchanged document gave two contents")
			}
		}},
		{"a sweep finds every document and ends", "The sweep is the truth behind the events: from an empty cursor it finds every approved document, and ends.", func(ctx context.Context, c *sourceCheck[T]) {
			versions, _ := c.sweep(ctx, "")
			if _, ok := versions[plain(c.h.Ready)]; !ok {
				c.failf("the sweep did not find %s %s, only %v", c.h.Ready.Kind, c.h.Ready.ID, slices.Collect(maps.Keys(versions)))
			}
			if len(versions) < 3 {
				c.failf("the sweep found %d documents: Open must put at least three there", len(versions))
			}
			for ref := range versions {
				_, err := c.source.Fetch(ctx, ref)
				c.noError(err, "Fetch of %s %s, which the sweep found, without a hint", ref.Kind, ref.ID)
			}
		}},
		{"a cursor resumes", "A cursor is data that another process goes on from: after a stop in the middle nothing is left out.", func(ctx context.Context, c *sourceCheck[T]) {
			all, cursors := c.sweep(ctx, "")
			if c.h.Again != nil {
				c.source = c.h.Again(c.tt, c.system)
			}
			first, err := c.source.Changes(ctx, "")
			c.noError(err, "Changes from the beginning")
			rest := map[connector.Ref]string{}
			if first.More && len(cursors) > 1 {
				rest, _ = c.sweep(ctx, first.Next)
			}
			for _, ch := range first.Changes {
				rest[plain(ch.Ref)] = ch.Version
			}
			for ref := range all {
				if _, ok := rest[ref]; !ok {
					c.failf("%s %s is in no page when the sweep is taken up after its first page", ref.Kind, ref.ID)
				}
			}
		}},
		{"a page may be asked for twice", "A page comes again when the process stopped before its cursor was saved: with the same cursor nothing is left out.", func(ctx context.Context, c *sourceCheck[T]) {
			a, err := c.source.Changes(ctx, "")
			c.noError(err, "Changes")
			b, err := c.source.Changes(ctx, "")
			c.noError(err, "Changes with the same cursor")
			have := map[connector.Ref]bool{}
			for _, ch := range b.Changes {
				have[plain(ch.Ref)] = true
			}
			for _, ch := range a.Changes {
				if !have[plain(ch.Ref)] && !b.More {
					c.failf("%s %s was in the page and is not when it is asked for again", ch.Ref.Kind, ch.Ref.ID)
				}
			}
		}},
		{"a version is stable", "The version of an unchanged document is the same in every sweep, so that it is not fetched again each time, and another one after a change, so that it is.", func(ctx context.Context, c *sourceCheck[T]) {
			before, _ := c.sweep(ctx, "")
			again, _ := c.sweep(ctx, "")
			for ref, v := range before {
				if v == "" {
					c.failf("%s %s has no version", ref.Kind, ref.ID)
				}
				if w, ok := again[ref]; ok && w != v {
					c.failf("the version of %s %s was %q and is %q without a change", ref.Kind, ref.ID, v, w)
				}
			}
			if c.h.Change != nil {
				c.h.Change(c.tt, c.system, c.h.Ready)
				after, _ := c.sweep(ctx, "")
				if after[plain(c.h.Ready)] == before[plain(c.h.Ready)] {
					c.failf("the version is %q before and after a change", before[plain(c.h.Ready)])
				}
			}
		}},
		{"a change is found from the last cursor", "What changes after a sweep is found by the next one, from the cursor where the last one ended: an event that never came costs a delay and no document.", func(ctx context.Context, c *sourceCheck[T]) {
			c.needs(c.h.Change != nil, "Change")
			before, cursors := c.sweep(ctx, "")
			c.h.Change(c.tt, c.system, c.h.Ready)
			after, _ := c.sweep(ctx, cursors[len(cursors)-1])
			v, ok := after[plain(c.h.Ready)]
			if !ok {
				c.failf("the next sweep did not find what changed")
			}
			if v == before[plain(c.h.Ready)] {
				c.failf("the next sweep found it with the version %q that it had before", v)
			}
		}},
		{"both methods may be called at once", "Fetch and Changes may be called concurrently, and give then what they give alone.", func(ctx context.Context, c *sourceCheck[T]) {
			want := c.fetch(ctx, c.h.Ready)
			var wg sync.WaitGroup
			errs := make(chan error, 16)
			for i := range 8 {
				wg.Go(func() {
					s, err := c.source.Fetch(ctx, c.h.Ready)
					if err == nil && s.Revision != want.Revision {
						err = fmt.Errorf("the revision is %d, not %d", s.Revision, want.Revision)
					}
					errs <- err
				})
				wg.Go(func() {
					_, err := c.source.Changes(ctx, "")
					if i == 0 && err != nil {
						err = fmt.Errorf("changes: %w", err)
					}
					errs <- err
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				c.noError(err, "one of 16 concurrent calls")
			}
		}},
		{"a context that ended is an error", "With a context that has ended both methods return an error that claims nothing about a document.", func(ctx context.Context, c *sourceCheck[T]) {
			c.cancelled(ctx, "Fetch", func(ctx context.Context) error { _, err := c.source.Fetch(ctx, c.h.Ready); return err })
			c.cancelled(ctx, "Changes", func(ctx context.Context) error { _, err := c.source.Changes(ctx, ""); return err })
		}},
	}
}
