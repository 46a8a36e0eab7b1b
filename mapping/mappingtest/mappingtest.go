// Package mappingtest checks a mapping against golden cases: a folder with a
// document beside what it must become.
//
//	func TestMapping(t *testing.T) {
//		set, err := rules.LoadFile("mapping.yaml")
//		…
//		mappingtest.Run(t, "testdata/cases", rules.New(set, tables))
//	}
//
// A case is a pair of files: name.in.json holds the document, name.out.json the
// outcome (posting, issues, reasons). With MAPPINGTEST_UPDATE=1 in the
// environment the outcomes are written instead of compared: look at the
// difference before you keep it. A case that the mapper answers with a
// transient error fails, since its outcome says nothing about the mapping.
package mappingtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/mapping"
)

// update is the environment variable that makes Run write outcomes.
const update = "MAPPINGTEST_UPDATE"

const (
	inSuffix  = ".in.json"
	outSuffix = ".out.json"
)

// outcome is what a document becomes, as it stands in a file. The version is no
// part of it: it changes with every line of the rules.
type outcome[Out any] struct {
	Empty   bool             `json:"empty,omitempty"`
	Posting *Out             `json:"posting,omitempty"`
	Issues  mapping.Issues   `json:"issues,omitempty"`
	Reasons []mapping.Reason `json:"reasons,omitempty"`
}

// Run maps every document of a folder and compares the outcome with the file
// beside it. Each case is a subtest that bears its name. A folder without cases
// fails, since it proves nothing; a document with an unknown key fails, since
// it is not the document that its author meant.
func Run[In, Out any](t *testing.T, dir string, m mapping.Mapper[In, Out]) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+inSuffix))
	if err != nil {
		t.Fatalf("mappingtest: %s: %v", dir, err)
	}
	if len(files) == 0 {
		t.Fatalf("mappingtest: %s holds no case (*%s)", dir, inSuffix)
	}
	for _, in := range files {
		t.Run(strings.TrimSuffix(filepath.Base(in), inSuffix), func(t *testing.T) {
			got, err := render(t, in, m)
			if err != nil {
				t.Fatal(err)
			}
			out := strings.TrimSuffix(in, inSuffix) + outSuffix
			if os.Getenv(update) != "" {
				if err := os.WriteFile(out, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatalf("%v; write it with %s=1", err, update)
			}
			if diff := firstDifference(string(want), string(got)); diff != "" {
				t.Errorf("%s: %s\nIf this is meant, write it with %s=1.", out, diff, update)
			}
		})
	}
}

func render[In, Out any](t *testing.T, path string, m mapping.Mapper[In, Out]) ([]byte, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var in In
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	result, err := m.Map(t.Context(), in)
	o := outcome[Out]{Empty: result.Empty, Reasons: result.Reasons}
	switch {
	case err == nil && !result.Empty:
		o.Posting = &result.Posting
	case err != nil && !errors.As(err, &o.Issues):
		return nil, fmt.Errorf("%s: a transient error: %w", path, err)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b.Bytes(), nil
}

// firstDifference says at which line two texts part, with both lines.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d differs\n  want %s\n   got %s", i+1, strings.TrimSpace(a), strings.TrimSpace(b))
		}
	}
	return "the texts differ in length"
}
