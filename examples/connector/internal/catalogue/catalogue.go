// Package catalogue joins the codes that a document may wait for a person with:
// those of the rules, of both ends and of the engine. Screens link to its pages in
// docs/errors, which Write makes of it.
package catalogue

import (
	"cmp"
	"slices"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// Source says which part finds a fault.
type Source string

// The sources.
const (
	Rules  Source = "rules"
	Concur Source = "Concur"
	Epicor Source = "Epicor"
	Engine Source = "engine"
)

// Entry is what is known about one code.
type Entry struct {
	connector.Code
	Sources []Source // the first that may find it goes first
}

// Entries returns every code, in the order of the alphabet. Where several parts
// know a code, the words are those of the one that finds it first.
func Entries() []Entry {
	var out []Entry
	for _, from := range []struct {
		source Source
		codes  []connector.Code
	}{{Concur, concursync.Codes()}, {Rules, rules.Codes()}, {Epicor, epicorsync.Codes()}, {Engine, engine.Codes()}} {
		for _, c := range from.codes {
			i := slices.IndexFunc(out, func(e Entry) bool { return e.Code.Code == c.Code })
			if i < 0 {
				out = append(out, Entry{Code: c, Sources: []Source{from.source}})
				continue
			}
			out[i].Sources = append(out[i].Sources, from.source)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Code.Code, b.Code.Code) })
	return out
}

// Known reports whether a code has a page.
func Known(code string) bool {
	return slices.ContainsFunc(Entries(), func(e Entry) bool { return e.Code.Code == code })
}

// Link is where the page of a code stands, for screens; "" for a code that has
// none, as one of a customer's own end.
func Link(code string) string {
	if !Known(code) {
		return ""
	}
	return "docs/errors/" + code + ".md"
}
