package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Kind says what a fault is about.
type Kind string

// The kinds of faults.
const (
	Unreadable Kind = "unreadable"  // the file is missing, cannot be read or is no YAML
	UnknownKey Kind = "unknown_key" // a key that is not known; a mistyped one would silently do nothing
	Missing    Kind = "missing"     // a value that is needed is not there
	Invalid    Kind = "invalid"     // a value that cannot be
	Exposed    Kind = "exposed"     // a secret stands in the file
	Unset      Kind = "unset"       // a reference leads to nothing
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	File         string
	Line, Column int // from 1; 0 where the whole file is meant
	Kind         Kind
	What         string // what is wrong; never a secret
	Remedy       string // what to do

	err error // why a reference leads to nothing
}

// Unwrap returns why a reference leads to nothing, nil for another fault.
func (f *Fault) Unwrap() error { return f.err }

// Error returns the fault on one line: "config.yaml:12:3: what; remedy", which
// editors and terminals make a link of.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	b.WriteString(": " + f.What)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Faults is everything that is wrong with a configuration, sorted by line. Reach
// it with errors.As.
type Faults []*Fault

// Error returns one line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each fault to errors.As.
func (fs Faults) Unwrap() []error {
	out := make([]error, len(fs))
	for i, f := range fs {
		out[i] = f
	}
	return out
}

func (fs Faults) sorted() Faults {
	slices.SortStableFunc(fs, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return fs
}

// nearest returns the word that somebody may have meant, "" where none is close.
func nearest(word string, words []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), w, least); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour; anything from most on may be returned as most.
func distance(a, b string, most int) int {
	if len(a) > 100 || len(b) > 100 || len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
