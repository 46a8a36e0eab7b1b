// Package connector is the contract between the engine and the two ends of a
// flow: a Source that documents come from and a Sink that postings go to.
//
// An end implements Source or Sink, both of two or three methods, and proves
// itself with connectortest. More ability is an optional interface
// (Acknowledger, Payer, Attacher) that the engine looks for once. An end tells the
// engine what to do by the error it returns; see the variables below.
//
// # Errors
//
// ErrNotFound, ErrRejected, ErrConnection and ErrWithdrawn have the meanings
// written beside them. Every other error is transient, and from Deliver and
// Reverse it also means that the outcome is unknown: the engine looks with
// Find before it does anything else. A method
//
//	RetryAfter() time.Duration
//
// found by errors.As makes the engine wait that long. An error that wraps
// audit.ErrUnavailable is our own fault: nothing was sent, no attempt counts.
package connector

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// What an end says with an error.
var (
	// ErrNotFound says that there is no such document.
	ErrNotFound = errors.New("connector: no such document")
	// ErrRejected says that the target refused and a person must act. Claim it
	// only when it is certain that nothing came of the call; see Rejection.
	ErrRejected = errors.New("connector: refused, a person must act")
	// ErrConnection says that a credential, scope or licence is wrong. It pauses
	// this tenant's system; the intake goes on.
	ErrConnection = errors.New("connector: connection needs mending")
	// ErrWithdrawn says that the document was recalled at the source.
	ErrWithdrawn = errors.New("connector: withdrawn at the source")
)

// Ref names a business document. Kind and ID are its identity, without a
// revision: all that an event knows. Hint helps Fetch (the owner's id in
// Concur's event link) and is no part of the identity.
type Ref struct{ Kind, ID, Hint string }

// Notice says: look at this document. It carries no content and no revision.
type Notice struct {
	Tenant string
	// Flow may be empty: the tenant's flow whose Source takes Ref.Kind is meant.
	Flow        string
	Ref         Ref
	Correlation string // of the event, for follow-up calls and the audit
}

// Notifier takes notices. *engine.Engine is one; ends import this interface,
// never the engine. Nil means that the notice is durable.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// Cursor is a source's position in its changes, opaque to the engine.
type Cursor string

// Phase says whether a document may be posted. Where that line runs is the
// source's knowledge.
type Phase string

// The phases of a document.
const (
	NotYet    Phase = "not_yet"   // not finally approved; it will come again
	Ready     Phase = "ready"     // finally approved: post it
	Withdrawn Phase = "withdrawn" // recalled, sent back or deleted
)

// Total is money by company and currency, exact.
type Total struct {
	Company  string          `json:"company"`
	Currency string          `json:"currency"`
	Amount   decimal.Decimal `json:"amount"`
}

// Snapshot is what the source says now about a document.
type Snapshot[T any] struct {
	Ref      Ref
	Revision int64  // the source's, rising; never counted by the engine
	Handle   string // the source's own id of this revision
	Phase    Phase
	Why      string  // why Phase is what it is, for a person: "payment status P_NOTP"
	Period   string  // month of final approval, "2026-10"
	Person   string  // whose key seals the content
	Totals   []Total // all the money that the engine ever sees
	Content  T
}

// Change is one document that a sweep found. Without a Snapshot the engine
// fetches it. When Version equals the stored one, the row is not woken.
type Change[T any] struct {
	Ref      Ref
	Version  string
	Snapshot *Snapshot[T]
}

// Page is one page of a sweep.
type Page[T any] struct {
	Changes []Change[T]
	Next    Cursor
	More    bool
	// Hold: send this page's Taken signals before asking again (a queue that is
	// always read from its head).
	Hold bool
}

// Source is where documents come from. Both methods may be called
// concurrently, and from several processes.
type Source[T any] interface {
	// Changes returns one page of what changed: the sweep, the truth behind the
	// events. Next is saved once the page is durable, so a page may come twice.
	// The sweep ends when More is false; a page with Hold also ends it when none
	// of its changes altered a row.
	Changes(ctx context.Context, after Cursor) (Page[T], error)
	// Fetch returns the document as it is now. No such document: ErrNotFound.
	Fetch(ctx context.Context, ref Ref) (Snapshot[T], error)
}

// Kinder is optional on a Source: the kinds of Ref that it takes, so that a
// Notice without a Flow finds its way. A Source without it takes every kind.
type Kinder interface {
	Kinds() []string
}

// Delivery is what a sink gets: one posting of one revision.
type Delivery[T any] struct {
	Tenant, Target string
	Ref            Ref
	Revision       int64
	// Generation is 1, and one more after each Reverse. It is part of Key and of
	// every number we make up.
	Generation int
	Posting    T
}

// Key is the mark that every document of the set bears in the target: 32
// characters of A–Z and 2–7, the same for the same tenant, target, document,
// revision and generation, and for no other.
func (d Delivery[T]) Key() string {
	h := sha256.New()
	for _, part := range []string{
		d.Tenant, d.Target, d.Ref.Kind, d.Ref.ID,
		strconv.FormatInt(d.Revision, 10), strconv.Itoa(d.Generation),
	} {
		// The length in front keeps "a/b"+"c" and "a"+"b/c" apart.
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return strings.TrimRight(base32.StdEncoding.EncodeToString(h.Sum(nil)[:20]), "=")
}

// Made is one document that stands in the target.
type Made struct {
	ID      string  `json:"id"`     // the target's own key
	Number  string  `json:"number"` // what a person searches for
	Company string  `json:"company,omitempty"`
	Party   string  `json:"party,omitempty"` // the vendor's code; never a name, since a receipt is kept in the open
	Batch   string  `json:"batch,omitempty"` // group or batch in the target
	Date    string  `json:"date,omitempty"`  // the date it takes effect, YYYY-MM-DD
	Totals  []Total `json:"totals,omitempty"`
}

// Receipt is a sink's answer. Final says that what the configuration promises
// (saved, or posted) is reached; a receipt that is not final is polled by Find.
type Receipt struct {
	Made  []Made   `json:"made"`
	Final bool     `json:"final"`
	Notes []string `json:"notes,omitempty"`
	// Missing is what belongs to it, is no part of what is owed and is not there yet,
	// one line for each with the reason: an image of a receipt. Only an Attacher is
	// asked for it again. It holds no personal data.
	Missing []string `json:"missing,omitempty"`
}

// Presence says what stands in the target.
type Presence string

// What Find answers.
const (
	Absent    Presence = "absent"    // nothing bears the key, nothing is in the way
	Partial   Presence = "partial"   // ours by its key, not whole
	Same      Presence = "same"      // ours by its key, whole, with the same content
	Different Presence = "different" // not ours, or ours and changed
)

// Finding is what Find saw; Why explains a Partial or Different to a person.
type Finding struct {
	Presence Presence
	Receipt  Receipt
	Why      string
}

// Sink is where postings go. One transfer is in at most one of these methods
// in a process; in two processes it may be. ctx ends when the lease cannot be
// extended.
type Sink[T any] interface {
	// Find looks in the target, never in memory. An error means only: could not look.
	Find(ctx context.Context, d Delivery[T]) (Finding, error)
	// Deliver makes the set or completes it: what is there with this key counts.
	// It never takes back.
	Deliver(ctx context.Context, d Delivery[T]) (Receipt, error)
	// Reverse sees to it that afterwards nothing with this key has effect. It is
	// repeatable and touches nothing without the key.
	Reverse(ctx context.Context, d Delivery[T]) (Receipt, error)
}

// Attached is what came of an Attach. Each line names one thing, without personal
// data.
type Attached struct {
	Added   []string // by this call
	Missing []string // not there yet, with the reason: it is tried again
	Lost    []string // cannot be added any more, with the reason: for a person
}

// Attacher is optional on a Sink: it adds to what stands what Receipt.Missing
// names.
type Attacher[T any] interface {
	// Attach adds what is missing and not there. It changes nothing of what is owed,
	// makes nothing that does not stand, and is repeatable: what is there is not added
	// a second time. An error means that the target could not be looked at, or with
	// ErrRejected that it never will take anything.
	Attach(ctx context.Context, d Delivery[T]) (Attached, error)
}

// SignalKind says what a source is told.
type SignalKind string

// The signals. Failed is final for the revision: it is never posted afterwards,
// and the document is expected to come again as a later one, or not at all.
// Paid comes once for each payment, under an ID of its own, also when one was
// taken back.
const (
	Taken  SignalKind = "taken"
	Posted SignalKind = "posted"
	Failed SignalKind = "failed"
	Paid   SignalKind = "paid"
)

// Signal is what the source is told about a revision.
type Signal struct {
	ID       string     `json:"id"` // the same on a repeat
	Kind     SignalKind `json:"kind"`
	Ref      Ref        `json:"ref"`
	Revision int64      `json:"revision"`
	Handle   string     `json:"handle,omitempty"`
	Receipt  *Receipt   `json:"receipt,omitempty"`
	Issues   []Issue    `json:"issues,omitempty"`
	Payment  *Payment   `json:"payment,omitempty"`
}

// Acknowledger is optional on a Source that wants to be told. It is called at
// least once per signal; a repeat returns nil, also a late one, and undoes nothing.
// Prove an implementation with connectortest.RunAcknowledger.
type Acknowledger interface {
	Acknowledge(ctx context.Context, s Signal) error
}

// Payment is one payment that the target made or took back.
type Payment struct {
	ID     string    `json:"id"`
	Key    string    `json:"key"` // Delivery.Key of what was paid
	Kind   string    `json:"kind"`
	Amount Total     `json:"amount"`
	Date   time.Time `json:"date"`
}

// Payer is optional on a Sink: payments since a cursor. Next is saved once the
// page is durable, so a payment may come twice, under the same ID; the engine
// tells the source once. A Key that is none of ours is passed over. What is taken
// back is a payment of its own. Prove an implementation with connectortest.RunPayer.
type Payer interface {
	Payments(ctx context.Context, after Cursor) (ps []Payment, next Cursor, more bool, err error)
}

// Owner says who can mend an Issue.
type Owner string

// Owners of issues.
const (
	Finance     Owner = "finance"
	Purchasing  Owner = "purchasing"
	IT          Owner = "IT"
	ConcurAdmin Owner = "Concur admin"
	EpicorAdmin Owner = "Epicor admin"
)

// Issue is one fault that a person must mend. Code is stable and groups: all
// documents of one cause are replayed together.
type Issue struct {
	Code     string `json:"code"`              // "cost_centre_unknown"
	Field    string `json:"field,omitempty"`   // where: "expense 3, allocation 2, cost centre"
	Value    string `json:"value,omitempty"`   // what was found there
	Message  string `json:"message,omitempty"` // what happened, one sentence
	Owner    Owner  `json:"owner,omitempty"`
	Remedy   string `json:"remedy,omitempty"`   // what to do, one sentence
	Needs    string `json:"needs,omitempty"`    // "glaccount/6410": retried when it appears
	Personal bool   `json:"personal,omitempty"` // Value is personal data: never logged
}

// String returns the issue as one line without personal data.
func (i Issue) String() string {
	var b strings.Builder
	b.WriteString(i.Code)
	if i.Field != "" {
		b.WriteString(": " + i.Field)
	}
	if i.Value != "" && !i.Personal {
		b.WriteString(" " + strconv.Quote(i.Value))
	}
	if i.Message != "" {
		b.WriteString(": " + i.Message)
	}
	return b.String()
}

// Rejection is an error that is ErrRejected and says what is wrong.
type Rejection struct {
	Issues []Issue
	Err    error // the vendor's, may be nil
}

// Error returns the issues and the vendor's error on one line.
func (r *Rejection) Error() string {
	parts := make([]string, 0, len(r.Issues)+1)
	for _, i := range r.Issues {
		parts = append(parts, i.String())
	}
	if r.Err != nil {
		parts = append(parts, r.Err.Error())
	}
	if len(parts) == 0 {
		return ErrRejected.Error()
	}
	return "refused: " + strings.Join(parts, "; ")
}

// Unwrap makes a Rejection ErrRejected and keeps the vendor's error reachable.
func (r *Rejection) Unwrap() []error {
	if r.Err == nil {
		return []error{ErrRejected}
	}
	return []error{ErrRejected, r.Err}
}
