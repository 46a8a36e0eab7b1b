// Package audit keeps the record of who did what to which document, so that a
// change, a gap or a new order of the records shows.
//
// A Log is where records are kept: three methods, proven by audittest. A Trail
// stands in front of one and owns order, time and the chain of hashes. The
// engine appends to the Trail before and after each outside effect; when a
// record cannot be written, nothing is sent.
//
//	log, err := sqlitelog.Open(ctx, "audit.db", nil)
//	trail := audit.NewTrail(log, nil)
//	err = trail.Append(ctx, audit.Record{
//		Tenant: "acme", ID: "deliver/1", Actor: "engine",
//		Action: "deliver", Subject: "report A1B2C3",
//	})
//	last, err := trail.Verify(ctx, "acme") // walks the whole chain
//
// Transport puts a record before and after each HTTP call that a client makes,
// so that a client needs to know nothing of audit.
//
// # How it fails
//
// Every error of Trail.Append and of a Transport that could not record wraps
// ErrUnavailable: whatever was about to happen must not happen. The record may
// still stand in the log, which is why a record is written before its effect
// and its outcome after. Verify wraps ErrBroken when the chain is wrong and
// returns the log's own error when it could not be read.
//
// # What the chain shows, and what not
//
// Each record's hash covers all its fields and the hash before it. Verify
// therefore finds a changed field, a record that is missing or was put in, and
// a new order, and names the first wrong record. A chain alone cannot show that
// its newest records were cut off, or that somebody rewrote all of it from one
// record to the end: for that the number and hash of the newest record must be
// known from outside. Verify returns the number to compare.
//
// Everything here is safe for concurrent use.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// The errors of a Log and a Trail.
var (
	// ErrConflict says that a record of that tenant and sequence number exists.
	ErrConflict = errors.New("audit: sequence number taken")
	// ErrNotFound says that there is no record.
	ErrNotFound = errors.New("audit: no record")
	// ErrUnavailable says that the trail could not record; nothing may be sent.
	ErrUnavailable = errors.New("audit: cannot record")
	// ErrBroken says that the chain is wrong: a record was changed, removed, put
	// in or moved.
	ErrBroken = errors.New("audit: chain broken")
)

// Record is one happening. Time is UTC with microseconds. A Log keeps every
// field as it is, Detail byte for byte, because the hash covers them.
type Record struct {
	Tenant string    `json:"tenant"`
	Seq    int64     `json:"seq"` // 1, 2, 3 … per tenant
	Time   time.Time `json:"time"`
	ID     string    `json:"id"` // of the happening: a repeat after a crash bears the same
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	// Subject is the document or thing: "report A1B2C3".
	Subject string          `json:"subject"`
	Outcome string          `json:"outcome,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Detail  json.RawMessage `json:"detail,omitempty"` // public and internal fields
	// Sealed holds personal fields, encrypted. The chain covers the ciphertext,
	// so destroying a key keeps it verifiable.
	Sealed []byte `json:"sealed,omitempty"`
	Prev   string `json:"prev"`
	Hash   string `json:"hash"`
}

// Query selects records of a tenant in order of Seq. After is the sequence
// number to go on behind; Subject, where set, must equal the record's; Limit 0
// means 100.
type Query struct {
	Tenant  string
	Subject string
	After   int64
	Limit   int
}

// Log keeps records. It is safe for concurrent use, also by several processes.
// A method whose context ends returns the context's error. No slice is shared
// between a log and its callers.
type Log interface {
	// Append writes records of one tenant with consecutive sequence numbers. It
	// returns ErrConflict, and writes none, if the first one's number exists. Any
	// other error may leave a prefix of them written, never a gap. Nil means durable.
	Append(ctx context.Context, rs []Record) error
	// Last returns the tenant's newest record; it sees every finished Append.
	// None: ErrNotFound.
	Last(ctx context.Context, tenant string) (Record, error)
	// Read returns records in order of Seq. next is 0 on the last page, else the
	// After of the next one.
	Read(ctx context.Context, q Query) (rs []Record, next int64, err error)
}
