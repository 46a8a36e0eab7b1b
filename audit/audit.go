// Package audit keeps the record of who did what to which document, so that a
// change, a gap or a new order of the records shows.
//
// A Log is where records are kept: three methods, proven by audittest. A Trail
// stands in front of one and owns order, time and the chain of hashes. The
// engine appends to the Trail before and after each outside effect; when a
// record cannot be written, nothing is sent.
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
)

// Record is one happening. Time is UTC.
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
// number to go on behind; Subject and ID, where set, must equal the record's;
// Limit 0 means 100.
type Query struct {
	Tenant  string
	Subject string
	After   int64
	Limit   int
}

// Log keeps records. It is safe for concurrent use, also by several processes.
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
