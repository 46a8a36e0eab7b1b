// Package storage is the contract between the engine and whatever remembers
// for it: a file, a database, a cloud service.
//
// A backend implements Store and proves itself with storagetest.Run, which
// needs a few lines and names the broken rule when it fails. Three groups of
// methods make a Store: the Ledger of transfers, small named Values and large
// write-once Contents. Nothing but compare-and-set is asked: no transactions,
// no locks, no order between keys. Policy lives in the engine; a store never
// decides anything.
//
// # What is durable
//
// Create, Update, Purge, Save, Delete, Put and Drop write. When one of them
// returns nil, its write survives a crash of the process and of the machine,
// and every Get, Load and Read that begins afterwards, in whatever process,
// sees it. Only Due, Queues and List may lag behind, by a minute at most. The
// webhook is answered 200, and an invoice is sent, on the strength of a nil.
//
// # What blocks
//
// Every method blocks until it is done or its context ends; then it returns
// the context's error, at once when the context had ended before. A write whose
// context ends on the way may happen all the same. A store bounds its own waits
// for what may never come (a lock, a server without an answer) and returns an
// error instead. Nothing is held between two calls: no lock, no transaction, no
// cursor, so that the body of a loop over All may call the store.
//
// # What may be called concurrently
//
// Everything, for the same row or name too, by goroutines and, where a store
// is made for several processes, by those. Of Updates with one Rev exactly one
// succeeds; of Creates of one ID, of Saves with one Rev and of Puts of different
// bytes under one name likewise. Writers of different rows never fail because
// of one another. No slice is shared between a store and its callers.
//
// # Which error when
//
//	           ErrNotFound    ErrExists         ErrConflict
//	Create     -              a row is there    -
//	Get        no such row    -                 -
//	Update     -              -                 Rev is not current, or no such row
//	Purge      -              -                 rev is not current; gone is nil
//	Load       no such value  -                 -
//	Save       -              -                 Rev is not current, or is empty and a value is there
//	Delete     -              -                 rev is not current; gone is nil
//	Put        -              other bytes       -
//	Read       no such one    -                 -
//
// Due, Queues, List, Scan and Drop return none of them: what finds nothing
// returns nothing. Each of the three is a certain answer, and the write did not
// happen. Any other error (a time-out, a full disk, a lost connection, an
// argument outside the contract) says nothing about the write: it may have
// happened, and the caller reads again. A store that is not sure must therefore
// never return one of the three, nor repeat a write by itself.
package storage

import (
	"context"
	"errors"
	"iter"
	"time"
)

// The errors that callers act on; backends return them, wrapped or not.
var (
	// ErrNotFound says that there is no such row, value or content.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists says that a row or content of that name is there already.
	ErrExists = errors.New("storage: exists already")
	// ErrConflict says that the Rev given is not the current one: somebody else wrote.
	ErrConflict = errors.New("storage: changed by somebody else")
)

// Limits that every backend accepts and callers keep.
const (
	MaxIDPart = 200       // bytes of UTF-8 in each part of an ID, and in names
	MaxHint   = 300       // bytes of Transfer.Hint
	MaxData   = 128 << 10 // bytes of Transfer.Data and Value.Data
)

// Store is everything that the engine remembers. No two groups share a method
// name, so a backend may be composed by embedding three parts.
type Store interface {
	Ledger
	Values
	Contents
}

// ID names a transfer: one source document on its way to one target. Each part
// has 1 to MaxIDPart bytes of UTF-8, may hold any character but NUL (U+0000),
// and letter case matters. The same holds for the tenants and names of values
// and contents.
type ID struct {
	Tenant   string
	Target   string
	Document string
}

// Transfer is one source document on its way to one target, with all its
// revisions.
type Transfer struct {
	ID
	// Rev is the row's revision, opaque and set by the store. A value is never
	// used twice for one ID, not even after Purge.
	Rev string
	// Flow is the flow that owns the document.
	Flow string
	// Queue says whose turn it is; chosen by the engine, opaque to the store, at
	// most twice MaxIDPart bytes.
	Queue string
	// Due is when the row wants to be worked on; zero means never. A claim
	// moves it to the lease's end. UTC, microseconds.
	Due time.Time
	// Wakes counts knocks. Intake changes Wakes, Due, Queue, Flow and Hint only.
	Wakes int64
	// Hint is what the last knock said and Fetch needs; opaque, at most MaxHint bytes.
	Hint string
	// State, Cause and Period serve List.
	State, Cause, Period string
	// Format is the shape of Data: an older process wakes a newer row but never rewrites it.
	Format int
	// Data is the engine's own; at most MaxData bytes.
	Data []byte
}

// Ledger keeps one row per transfer.
type Ledger interface {
	// Create writes a new row and returns it with its Rev. A row of that ID:
	// ErrExists. A t.Rev that is not empty is refused.
	Create(ctx context.Context, t Transfer) (Transfer, error)
	// Get returns the row; it sees every finished write. No such row: ErrNotFound.
	Get(ctx context.Context, id ID) (Transfer, error)
	// Update replaces the row if t.Rev is its current Rev and returns it with
	// its new Rev; otherwise, also when there is no such row, ErrConflict.
	Update(ctx context.Context, t Transfer) (Transfer, error)
	// Purge removes the row if rev is current, else ErrConflict. A row that is gone: nil.
	Purge(ctx context.Context, id ID, rev string) error
	// Due returns rows of one queue whose Due is not after by, oldest first, at
	// most limit. It may lag a minute and meanwhile show rows that are due no
	// more; it must never lose a row.
	Due(ctx context.Context, queue string, by time.Time, limit int) ([]Transfer, error)
	// List returns one page in ID order (byte order of tenant, target, document)
	// and may lag. It should be indexed by tenant+state+cause and tenant+period.
	List(ctx context.Context, q Query) (Page, error)
}

// Queuer is optional on a Ledger: it names the queues that have rows due not
// after by. Without it the engine asks for each flow's queues.
type Queuer interface {
	Queues(ctx context.Context, by time.Time) ([]string, error)
}

// Query selects transfers. Tenant is required: without one List finds nothing
// or returns an error. Every other field that is not empty must equal the
// row's. After is Page.Next of the page before; Limit 0 means 100.
type Query struct {
	Tenant, Target, State, Cause, Period string
	After                                string
	Limit                                int
}

// Page is one page of a List; Next is empty on the last. A page may be empty
// and still have a Next.
type Page struct {
	Transfers []Transfer
	Next      string
}

// All walks over all pages of a query. No lock is held between pages, so the
// loop's body may call the store. An error ends the sequence as its last pair.
func All(ctx context.Context, l Ledger, q Query) iter.Seq2[Transfer, error] {
	return func(yield func(Transfer, error) bool) {
		for {
			p, err := l.List(ctx, q)
			if err != nil {
				yield(Transfer{}, err)
				return
			}
			for _, t := range p.Transfers {
				if !yield(t, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			q.After = p.Next
		}
	}
}

// Value is a small named thing: a cursor, sealed credentials, a lease, a
// mirror's shard. Data has at most MaxData bytes. Rev is opaque and set by the
// store, never used twice for one name, not even after Delete.
type Value struct {
	Tenant, Name string
	Rev          string
	Data         []byte
}

// Values keeps small things by tenant and name.
type Values interface {
	// Load returns the value; it sees every finished write. No such value: ErrNotFound.
	Load(ctx context.Context, tenant, name string) (Value, error)
	// Save writes v if v.Rev is current and returns it with its new Rev. Rev ""
	// creates. ErrConflict when Rev is not current, when Rev is "" and the value
	// exists, and when Rev is set and the value is gone.
	Save(ctx context.Context, v Value) (Value, error)
	// Delete removes the value if rev is current, else ErrConflict. A value that is gone: nil.
	Delete(ctx context.Context, tenant, name, rev string) error
	// Scan returns values whose names begin with prefix, in byte order of name,
	// after the name given, at most limit (0: 100). next is empty on the last page,
	// else the after of the next one.
	Scan(ctx context.Context, tenant, prefix, after string, limit int) (vs []Value, next string, err error)
}

// Contents keeps documents and postings: large and never changed.
type Contents interface {
	// Put writes data under a name. The same bytes again: nil; others: ErrExists.
	// Sealed bytes differ at each sealing, so the engine names a content by a
	// keyed hash of its plain text and takes ErrExists as done.
	Put(ctx context.Context, tenant, name string, data []byte) error
	// Read returns what was put. No such content: ErrNotFound.
	Read(ctx context.Context, tenant, name string) ([]byte, error)
	// Drop removes every content of the tenant whose name begins with prefix. It
	// may be repeated. An empty prefix is refused.
	Drop(ctx context.Context, tenant, prefix string) error
}
