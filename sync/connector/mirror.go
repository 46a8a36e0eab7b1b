package connector

import (
	"context"
	"iter"
)

// Object is one member of a reference set: a GL account, a cost centre, a
// vendor.
type Object[T any] struct {
	// Key is its identity within the set: unique, stable, 1 to 200 bytes.
	Key string
	// Needs are what an Issue calls it when a document waits for it, such as
	// "glaccount/6410|200|00"; empty when none can wait.
	Needs []string
	// Active: it may be used. An object that is not is treated like one that is
	// not there, so that it is retired in the copy.
	Active  bool
	Content T
}

// Original is the system that owns a reference set. It is safe for concurrent
// use. Prove an implementation with connectortest.RunOriginal.
type Original[T any] interface {
	// Objects reads the whole set, in any order, each object once. An error ends
	// the sequence as its last pair: the set is then incomplete, and nothing is
	// retired because of it. The sequence may be abandoned early. No lock is held
	// while its body runs.
	Objects(ctx context.Context) iter.Seq2[Object[T], error]
}

// Edit is one difference between an Original and its Copy.
type Edit[T any] struct {
	Key     string
	Content T
	// Known: the copy was given this object before, so that this is a change and
	// not a new object. After a crash it may be wrong in either direction.
	Known bool
	// Retire: the object shall no longer be offered. Content is the zero value.
	Retire bool
}

// Copy is the system that holds a copy of a reference set. It is safe for
// concurrent use. Prove an implementation with connectortest.RunCopy.
type Copy[T any] interface {
	// Limit is how many edits Apply takes at once, at least 1.
	Limit() int
	// Apply brings edits to effect, in their order, and returns one error for
	// each edit, nil where it has effect. Edits are repeatable: an object that
	// exists with the same content, and one that is gone already, are no errors.
	// The second result is a failure of the whole call, with the errors of
	// package connector; its edits come again at the next run.
	Apply(ctx context.Context, edits []Edit[T]) (each []error, err error)
}
