// Package mapping is the contract for turning a source's document into a
// target's posting.
//
// A Mapper is pure: the same document and the same tables give the same
// posting. It returns all that is wrong with a document at once, as Issues, and
// a Reason for every value it chose. mapping/rules is the implementation that
// reads its rules from YAML.
package mapping

import (
	"context"
	"strings"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// Issues is an error that holds everything that is wrong with a document.
// Reach it with errors.As; it is not comparable.
type Issues []connector.Issue

// Error returns all issues on one line, without personal data.
func (is Issues) Error() string {
	parts := make([]string, len(is))
	for i, issue := range is {
		parts[i] = issue.String()
	}
	return "mapping: " + strings.Join(parts, "; ")
}

// Reason says why a value of the posting is what it is.
type Reason struct {
	Field string `json:"field"`         // "invoice 1, line 2, split 1, GL account"
	Value string `json:"value"`         // "6420|200|00"
	Rule  string `json:"rule"`          // "meals-domestic (mapping.yaml:48)"
	Input string `json:"input"`         // "expense type MEALS, country US"
	Row   string `json:"row,omitempty"` // of a table, where one was used
}

// Result is a mapped document.
type Result[Out any] struct {
	Posting Out
	// Empty: there is nothing to post, because every line is zero.
	Empty bool
	// Version names rules and tables together, by a hash: the same version gives
	// the same posting.
	Version string
	Reasons []Reason
}

// Mapper turns In into Out: always the whole posting, never a delta. What a
// person must mend comes as Issues; every other error is transient. It is safe
// for concurrent use.
type Mapper[In, Out any] interface {
	Map(ctx context.Context, in In) (Result[Out], error)
}

// Differ is optional on a Mapper: the difference between two whole postings of
// one document. changed is false when they have the same effect. prior is final
// in the target; delta is posted beside it, so that both together have the effect
// of next: its numbers must be free. A delta that equals next leaves the document
// to a person, and so do Issues as the error.
type Differ[Out any] interface {
	Diff(prior, next Out) (delta Out, changed bool, err error)
}
