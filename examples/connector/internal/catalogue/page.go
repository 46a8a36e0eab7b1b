package catalogue

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// seen are issues as people saw them when the remedies were tried.
//
//go:embed seen.json
var seen []byte

// Seen returns, for each code whose fault was made to happen, what a person saw.
func Seen() (map[string]connector.Issue, error) {
	out := map[string]connector.Issue{}
	if err := json.Unmarshal(seen, &out); err != nil {
		return nil, fmt.Errorf("catalogue: what was seen: %w", err)
	}
	return out, nil
}

// Pages returns the pages of docs/errors by their names: one for each code, and
// README.md.
func Pages() (map[string]string, error) {
	examples, err := Seen()
	if err != nil {
		return nil, err
	}
	out := map[string]string{"README.md": index()}
	for _, e := range Entries() {
		text, err := e.page(examples)
		if err != nil {
			return nil, err
		}
		out[e.Code.Code+".md"] = text
	}
	return out, nil
}

// finders say which part finds a fault, and what that means for Epicor.
var finders = map[Source]string{
	Rules:  "the rules (mapping.yaml), before anything is sent to Epicor",
	Concur: "the reading of Concur, before anything is sent to Epicor",
	Epicor: "Epicor, when the invoice is entered; what it had taken of the set is taken back before anybody is asked",
	Engine: "the engine, which keeps track of each document",
}

func (e Entry) page(examples map[string]connector.Issue) (string, error) {
	code := e.Code.Code
	d, there := details[code]
	if !there || len(d.steps) == 0 {
		return "", fmt.Errorf("catalogue: nothing says how to mend %s: add it to details", code)
	}
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s", code)
	line("")
	line("<!-- Made by the catalogue's test; change the catalogue, not this page. -->")
	line("")
	line("%s", e.Meaning)
	line("")
	line("| | |")
	line("|---|---|")
	line("| **who mends it** | %s |", e.Owner)
	var by []string
	for _, s := range e.Sources {
		by = append(by, finders[s])
	}
	line("| **found by** | %s |", strings.Join(by, "; or by "))
	line("| **meanwhile** | %s |", d.state())
	line("")
	line("## What it looks like")
	line("")
	if i, ok := examples[code]; ok {
		line("```")
		where := ""
		if i.Field != "" {
			where = "at " + i.Field + ": "
		}
		line("%s  %s%s", i.Code, where, i.Message)
		line("    who: %s   do: %s", i.Owner, i.Remedy)
		line("```")
	} else {
		line("%s", d.unseen)
	}
	line("")
	line("## What to do")
	line("")
	line("%s", e.Remedy)
	line("")
	for n, step := range d.steps {
		line("%d. %s", n+1, step)
	}
	line("")
	line("## How it goes on")
	line("")
	line("%s", d.goesOn(code))
	line("")
	line("[All codes](README.md)")
	return b.String(), nil
}

func index() string {
	var b strings.Builder
	b.WriteString(`# Error codes

<!-- Made by the catalogue's test; change the catalogue, not this page. -->

A document that waits for a person bears one of these codes. ` + "`ml-connector transfers list --state open`" + ` lists such documents,
` + "`ml-connector transfers show NUMBER`" + ` says what is wrong with one, and ` + "`ml-connector replay --cause CODE`" + ` takes all with
one code up again once the cause is mended. Each remedy here was tried against both simulators, up to the posted
invoice or to the end that its page promises.

`)
	owners := map[connector.Owner][]Entry{}
	for _, e := range Entries() {
		owners[e.Owner] = append(owners[e.Owner], e)
	}
	for _, owner := range []connector.Owner{connector.Finance, connector.Purchasing, connector.ConcurAdmin, connector.EpicorAdmin, connector.IT} {
		title := strings.ToUpper(string(owner[:1])) + string(owner[1:])
		_, _ = fmt.Fprintf(&b, "## For %s\n\n| code | meaning |\n|---|---|\n", title)
		for _, e := range owners[owner] {
			_, _ = fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", e.Code.Code, e.Code.Code, e.Meaning)
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// detail is what a page says beside the catalogue of the part that finds a fault.
type detail struct {
	steps  []string
	on     goingOn
	stands standing
	other  string // how it goes on, where on says nothing
	unseen string // in place of an example, where the fault cannot be made to happen
}

// goingOn says how a document goes on once it is mended.
type goingOn int

const (
	replayed  goingOn = iota // by a replay
	appears                  // by itself, when the mirror sees what it waits for
	different                // as detail.other says
)

// standing says what stands in Epicor meanwhile.
type standing int

const (
	nothing standing = iota
	takenBack
	stays
	perhaps
)

func (d detail) state() string {
	return map[standing]string{
		nothing:   "nothing of this document stands in Epicor; other documents go on",
		takenBack: "nothing of this document stands in Epicor any more; other documents go on",
		stays:     "what was posted stands in Epicor and is left alone; other documents go on",
		perhaps:   "something may stand in Epicor: it is looked for there before anything is sent again; other documents go on",
	}[d.stands]
}

func (d detail) goesOn(code string) string {
	replay := "```\nml-connector replay --cause " + code + " --plan -c config.yaml\nml-connector replay --cause " + code + " --reason 'what was mended' -c config.yaml\n```"
	switch d.on {
	case appears:
		return "By itself: the mirror looks at Epicor on a schedule (`mirrors.every`), sees what was missing and wakes the documents\nthat wait for it. `ml-connector sync run -c config.yaml` does it at once; a replay does too:\n\n" + replay
	case different:
		if strings.Contains(d.other, "replay") {
			return d.other + "\n\n" + replay
		}
		return d.other
	case replayed:
	}
	return "Replay the documents with this code; the first command only shows what would be done.\n\n" + replay
}

// Steps returns what a page tells people to do.
func Steps(code string) []string { return slices.Clone(details[code].steps) }
