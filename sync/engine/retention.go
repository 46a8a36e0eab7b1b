package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Purged says what a purge removed.
type Purged struct {
	Contents int // transfers whose documents, postings and reasons were dropped
	Rows     int // transfers that were removed, a short note of each remains
}

const (
	purgeEvery = 24 * time.Hour  // between purges by itself
	purgeCheck = time.Hour       // how often it is seen whether one is due
	markAge    = 5 * time.Minute // a first purge waits until every process knows of purges
	unmarked   = time.Minute     // how long a process believes that there were none
)

// momentPurged is what a moment says of contents that were dropped.
const momentPurged = "purged"

// atEnd are the states of which transfers may be purged.
func atEnd() []State { return []State{Confirmed, Reversed, Void} }

// Purge drops what a flow's Policy.KeepContents and KeepRows keep no longer, as
// the engine does by itself once a day. Only a transfer at its end, of which
// nothing is unknown, unfinished, or untold, is touched, and each is in the audit
// trail before. A transfer that is removed leaves a note of its last revision and
// generation, by which a late event for it neither posts it again nor is lost.
// Another process that purges the flow at the moment is left to it.
func (e *Engine) Purge(ctx context.Context, tenant, flow string) (Purged, error) {
	f := e.flow(tenant, flow)
	if f == nil {
		return Purged{}, fmt.Errorf("engine: tenant %q has no flow %q", tenant, flow)
	}
	return e.purge(ctx, f)
}

func purgeName(flow string) string { return "purge/" + digest(flow) }

func (e *Engine) purgeLoop(ctx context.Context, f *flow) {
	e.repeat(ctx, f, "purge", purgeCheck, func() error {
		_, c, err := e.loadCursor(ctx, f, purgeName(f.name))
		if age := e.clock().Sub(c.Last); err != nil || age >= 0 && age < purgeEvery {
			return err
		}
		_, err = e.purge(ctx, f)
		return err
	})
}

func (e *Engine) purge(ctx context.Context, f *flow) (Purged, error) {
	var done Purged
	if f.policy.KeepContents <= 0 && f.policy.KeepRows <= 0 {
		return done, nil
	}
	rows, err := e.marks.mark(ctx, f.tenant)
	if err != nil {
		return done, err
	}
	err = e.pages(ctx, f, purgeName(f.name), func(ctx context.Context, f *flow, c *cursor) (bool, error) {
		return e.purgePage(ctx, f, c, rows, &done)
	})
	return done, err
}

// purgePage looks at one page of transfers in one state; the position is the
// state and where in it.
func (e *Engine) purgePage(ctx context.Context, f *flow, c *cursor, rows bool, done *Purged) (more bool, err error) {
	state, after, _ := strings.Cut(string(c.At), "/")
	if state == "" {
		state = string(atEnd()[0])
	}
	p, err := e.store.List(ctx, storage.Query{Tenant: f.tenant, Target: f.target, State: state, After: after})
	if err != nil {
		return false, ours("list transfers", err)
	}
	for _, t := range p.Transfers {
		if t.Flow != f.name {
			continue
		}
		if err := e.purgeOne(ctx, f, t, rows, done); err != nil {
			return false, err
		}
	}
	if p.Next != "" {
		c.At = connector.Cursor(state + "/" + p.Next)
		return true, nil
	}
	c.At = ""
	for i, s := range atEnd()[:len(atEnd())-1] {
		if string(s) == state {
			c.At = connector.Cursor(string(atEnd()[i+1]) + "/")
		}
	}
	return c.At != "", nil
}

// resting reports whether nothing is to be done about a transfer and nothing
// about it is unknown, and since when.
func resting(t storage.Transfer, r *row, now time.Time) (since time.Time, ok bool) {
	rev := r.current()
	if rev == nil || !t.Due.IsZero() || r.Lease.After(now) || t.Wakes > r.Seen || len(r.Outbox) > 0 {
		return since, false
	}
	switch rev.State {
	case Confirmed, Reversed, Void:
	case Received, Waiting, Pending, Delivering, Delivered, Parked, Returned, Reversing:
		return since, false
	}
	for i := range r.Revisions {
		if r.Revisions[i].Effect == Unknown || r.Revisions[i].Then != "" {
			return since, false
		}
	}
	since = r.Since
	for _, m := range r.History {
		// That contents were dropped is nothing that happened to the document.
		if m.What != momentPurged && m.Time.After(since) {
			since = m.Time
		}
	}
	return since, true
}

func (e *Engine) purgeOne(ctx context.Context, f *flow, t storage.Transfer, rows bool, done *Purged) error {
	r, err := decode(t)
	if err != nil {
		return nil // a row that this version cannot read is not its to purge
	}
	now := e.clock()
	since, ok := resting(t, &r, now)
	if !ok {
		return nil
	}
	row := rows && f.policy.KeepRows > 0 && now.Sub(since) >= f.policy.KeepRows
	contents := f.policy.KeepContents > 0 && now.Sub(since) >= f.policy.KeepContents && since.After(r.Dropped)
	if !row && !contents {
		return nil
	}
	// Claimed like a piece of work: nobody may store a new content beside it.
	w := &work{e: e, f: f, t: t, r: r}
	if ok, err := w.claim(ctx); !ok {
		return err
	}
	ctx, stop := w.hold(ctx)
	defer stop()
	err = w.purge(ctx, row, done)
	if errors.Is(err, errLeaseLost) {
		return nil
	}
	if err != nil {
		return w.abandon(err)
	}
	return nil
}

// purge drops the contents, and with whole the row.
func (w *work) purge(ctx context.Context, whole bool, done *Purged) error {
	what := "contents"
	if whole {
		what = "row"
	}
	detail, err := marshal(map[string]any{"state": w.t.State, "revision": w.r.current().Number, "generation": w.r.generation()})
	if err != nil {
		return err
	}
	err = w.e.trail.Append(ctx, audit.Record{
		Tenant: w.t.Tenant, ID: digest(w.t.Target, w.t.Document, "purge", what, fmt.Sprint(w.fence)), Actor: "engine",
		Action: "purge", Subject: w.t.Document, Outcome: what, Detail: detail,
	})
	if err != nil {
		return ours("record purge", err)
	}
	if whole {
		if err := w.e.leaveNote(ctx, w.t.ID, &w.r); err != nil {
			return err
		}
	}
	if err := w.e.store.Drop(ctx, w.t.Tenant, contentPrefix(w.t.ID)); err != nil {
		return ours("drop contents", err)
	}
	if whole {
		err := w.e.store.Purge(ctx, w.t.ID, w.t.Rev)
		if err == nil {
			w.released = true
			done.Rows++
			return nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return ours("purge transfer", err)
		}
		// Somebody knocked: the row stays, and the news are looked at.
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		now := w.e.clock()
		r.note(now, momentPurged, "documents and postings were dropped, their time is over")
		r.Dropped = now
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
		done.Contents++
	}
	return err
}

// note is what remains of a transfer that was purged: enough to tell a late event
// for it from a new document, and no word of its content.
type note struct {
	Revision   int64     `json:"revision"` // the newest that stands; where none does, the newest
	Generation int       `json:"generation"`
	Standing   bool      `json:"standing"` // something of it stands in the target
	Returned   *int64    `json:"returned,omitempty"`
	ReturnedAs []string  `json:"returned_as,omitempty"`
	At         time.Time `json:"at"`
}

// row is a row that knows of what was returned as the one did that was removed.
func (n *note) row() *row { return &row{Returned: n.Returned, ReturnedAs: n.ReturnedAs} }

// least returns the generation from which on no key, number or signal is one of
// the row that was removed: a revision that was returned may have used its own.
func (n *note) least(revision int64) int {
	if n.Returned != nil && revision == *n.Returned {
		return n.Generation + 1
	}
	return n.Generation
}

// after joins a note with that of an earlier row of the document. A row that came
// back and never had a document knows less than the note that it came back to.
func (n *note) after(r *row, earlier note) {
	if !r.empty() {
		return
	}
	n.Generation = max(n.Generation, earlier.Generation)
	if earlier.Standing {
		n.Standing, n.Revision = true, earlier.Revision
	}
	if n.Returned == nil || earlier.Returned != nil && *earlier.Returned > *n.Returned {
		n.Returned, n.ReturnedAs = earlier.Returned, earlier.ReturnedAs
	}
}

func noteName(id storage.ID) string { return "purged/" + digest(id.Target, id.Document) }

// leaveNote writes the note before the row is removed.
func (e *Engine) leaveNote(ctx context.Context, id storage.ID, r *row) error {
	now := note{Generation: r.generation(), Returned: r.Returned, ReturnedAs: r.ReturnedAs, At: e.clock()}
	for i := range r.Revisions {
		rev := &r.Revisions[i]
		switch stands := rev.Effect == Effective || (rev.State == Confirmed && rev.Cause == CausePurged); {
		case stands && !now.Standing:
			now.Standing, now.Revision = true, rev.Number
		case stands == now.Standing:
			now.Revision = max(now.Revision, rev.Number)
		}
	}
	for {
		n := now
		v, err := e.store.Load(ctx, id.Tenant, noteName(id))
		if errors.Is(err, storage.ErrNotFound) {
			v, err = storage.Value{Tenant: id.Tenant, Name: noteName(id)}, nil
		}
		if err != nil {
			return ours("read note of a purge", err)
		}
		if len(v.Data) > 0 {
			var earlier note
			if err := json.Unmarshal(v.Data, &earlier); err != nil {
				return fmt.Errorf("engine: note of a purged transfer %s: %w", id.Document, err)
			}
			n.after(r, earlier)
		}
		if v.Data, err = marshal(n); err != nil {
			return err
		}
		if _, err = e.store.Save(ctx, v); err == nil {
			return nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return ours("save note of a purge", err)
		}
	}
}

// noteOf returns the note of a transfer that was purged, nil when there is none.
func (e *Engine) noteOf(ctx context.Context, id storage.ID) (*note, error) {
	purges, err := e.marks.any(ctx, id.Tenant)
	if err != nil || !purges {
		return nil, err
	}
	v, err := e.store.Load(ctx, id.Tenant, noteName(id))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil //nolint:nilnil // no note is no error
	}
	if err != nil {
		return nil, ours("read note of a purge", err)
	}
	var n note
	if err := json.Unmarshal(v.Data, &n); err != nil {
		return nil, fmt.Errorf("engine: note of a purged transfer %s: %w", id.Document, err)
	}
	return &n, nil
}

// marks knows for which tenants rows are purged, so that new documents of all
// others cost no look for a note.
type marks struct {
	store storage.Values
	now   func() time.Time
	mu    sync.Mutex
	known map[string]time.Time // tenant: when it was last seen that there is no mark; zero: there is one
}

const markName = "purges"

// any reports whether rows of a tenant may have been purged.
func (m *marks) any(ctx context.Context, tenant string) (bool, error) {
	m.mu.Lock()
	at, ok := m.known[tenant]
	m.mu.Unlock()
	if age := m.now().Sub(at); ok && (at.IsZero() || age >= 0 && age < unmarked) {
		return at.IsZero(), nil
	}
	_, err := m.store.Load(ctx, tenant, markName)
	switch {
	case err == nil:
		m.set(tenant, time.Time{})
		return true, nil
	case errors.Is(err, storage.ErrNotFound):
		m.set(tenant, m.now())
		return false, nil
	default:
		return false, ours("read mark of purges", err)
	}
}

func (m *marks) set(tenant string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]time.Time{}
	}
	m.known[tenant] = at
}

// mark says that rows of a tenant are purged from now on. It reports whether every
// process knows by now.
func (m *marks) mark(ctx context.Context, tenant string) (bool, error) {
	v, err := m.store.Load(ctx, tenant, markName)
	if errors.Is(err, storage.ErrNotFound) {
		b, err := m.now().MarshalText()
		if err != nil {
			return false, fmt.Errorf("engine: mark of purges: %w", err)
		}
		_, err = m.store.Save(ctx, storage.Value{Tenant: tenant, Name: markName, Data: b})
		if err != nil && !errors.Is(err, storage.ErrConflict) {
			return false, ours("save mark of purges", err)
		}
		m.set(tenant, time.Time{})
		return false, nil
	}
	if err != nil {
		return false, ours("read mark of purges", err)
	}
	var since time.Time
	if err := since.UnmarshalText(v.Data); err != nil {
		return false, fmt.Errorf("engine: mark of purges: %w", err)
	}
	m.set(tenant, time.Time{})
	return m.now().Sub(since) >= markAge, nil
}

// CausePurged is the cause of a transfer that came back after it had been purged:
// what it posted stands, and nothing is known of it beside its revision.
const CausePurged = "purged"

// late goes on with news of a document whose transfer was purged. handled is
// false when nothing of it stands, so that it is taken in like any other.
func (w *work) late(ctx context.Context, learn func(*row), n *note, s snapshot) (handled bool, err error) {
	returned := n.row().wasReturned(s.Revision, s.Handle)
	end, cause, why := Confirmed, CausePurged, fmt.Sprintf("revision %d was posted long ago; what was kept of it was purged", n.Revision)
	switch {
	case !n.Standing && s.Phase == connector.Ready && returned:
		end, cause, why = Returned, "", fmt.Sprintf("revision %d was returned to the source long ago: only a later one is taken", s.Revision)
	case !n.Standing:
		w.past = n
		return false, nil
	case s.Phase == connector.Withdrawn:
		return true, w.parkLate(ctx, learn, s, connector.Issue{
			Code: CodeContentGone, Owner: connector.Finance,
			Message: fmt.Sprintf("It was recalled at the source. Revision %d was posted, and what was kept of it was purged.", n.Revision),
			Remedy:  "Take back by hand in the ERP what was posted of this document.",
		})
	case s.Phase == connector.Ready && s.Revision > n.Revision && !returned:
		return true, w.parkLate(ctx, learn, s, connector.Issue{
			Code: CodeSecondRevision, Owner: connector.Finance, Value: fmt.Sprintf("revision %d", s.Revision),
			Message: fmt.Sprintf("Revision %d was posted, and what was kept of it was purged; revision %d was approved after that.", n.Revision, s.Revision),
			Remedy:  "Compare both and correct by hand in the ERP what was posted; this revision is never posted beside it.",
		})
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		learn(r)
		w.arrive(t, r, n, s)
		rev := r.current()
		rev.State, rev.Cause, rev.Issues, r.Returned, r.ReturnedAs = end, cause, nil, n.Returned, n.ReturnedAs
		r.note(w.e.clock(), "ignored", why)
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return true, err
}

func (w *work) parkLate(ctx context.Context, learn func(*row), s snapshot, issue connector.Issue) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		learn(r)
		w.arrive(t, r, nil, s)
		w.park(t, r, []connector.Issue{issue})
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// arrive gives a row that came back its revision, without a content.
func (w *work) arrive(t *storage.Transfer, r *row, n *note, s snapshot) {
	if r.current() == nil {
		r.push(revision{Effect: None, Generation: 1})
	}
	rev := r.current()
	rev.Number, rev.Handle, rev.Totals, rev.Period = s.Revision, s.Handle, s.Totals, s.Period
	if n != nil {
		// What the row says is of what stands, or of what was returned, and not of a
		// later revision that is not approved.
		rev.Number, rev.Generation = n.Revision, n.Generation
	}
	r.Owner, t.Flow = w.f.name, w.f.name
}
