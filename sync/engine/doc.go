// Package engine takes documents from sources, has them mapped, and delivers
// the postings to sinks: each approved document takes effect exactly once,
// whatever crashes, times out or arrives twice.
//
// The engine knows contracts only. Documents come from a connector.Source and
// go to a connector.Sink; a mapping.Mapper stands between; a storage.Store
// remembers; an audit.Trail records. The engine never looks inside a document:
// money reaches it as totals alone.
//
//	e, err := engine.New(store, trail, nil)
//	err = engine.Add(e, engine.Flow[document.Document, document.Posting]{
//		Tenant: "acme", Name: "reports-to-ap", Target: "epicor-ap",
//		Source: source, Mapper: mapper, Sink: sink,
//	})
//	err = e.Run(ctx)
//
// # How a document travels
//
// One row, a transfer, stands for one source document on its way to one
// target, with all its revisions. Notify (a webhook) and the sweep only count
// up a knock on that row. A worker claims the row for the length of a lease,
// fetches the document, asks whether it is finally approved, maps it, writes the
// mapped posting and the intent, records the attempt in the audit trail, and
// delivers. What was sent and got no certain answer is looked up in the target
// before anything else happens. docs/architecture.md has the table of states
// and the order of writes.
//
// # How it fails
//
// An end says what happened by its error (see package connector). Transient
// errors are tried again with growing waits; what a person must mend is parked
// with a code, the value and what to do, and waits for Replay. What
// certainly has no effect can also be given back to its source with Return: it is
// told that the revision failed, and the revision is never posted afterwards. One
// document that fails never holds up another. A failure of the store or of the audit
// trail is our own: work stops a while, no attempt is counted, and Notify
// returns an error, so that the webhook answers 503 and the source sends again.
//
// # What comes after
//
// A receipt that is not final is looked at until it is. A recall takes back what
// stands. A later revision is posted as the difference, where the mapper is a
// mapping.Differ, and else waits for a person. What was paid is told to a source
// that wants to be told. Contents and transfers at their end are purged after
// Policy.KeepContents and KeepRows, which are for ever by default.
//
// # What can be watched
//
// Get, List and Figures read the ledger. Options.Observer is told of changes,
// steps and mirrors; Options.TracerProvider and MeterProvider take the same as
// spans ("transfer", with a child for each step) and metrics (mlconnector.steps,
// step.duration, changes, transfers, value, oldest, lag). Labels are tenants,
// flows, steps, states, codes, companies and currencies, never a document or a
// person.
//
// # Concurrency
//
// An Engine is safe for concurrent use. Several processes may run engines over
// one store: rows are claimed by compare-and-set.
package engine
