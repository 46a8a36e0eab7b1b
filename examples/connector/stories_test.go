package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ml-connector": func() { os.Exit(command()) }})
}

// storyLimit is how long a story waits for something to happen. It takes seconds; a machine that does much else may need
// minutes.
const storyLimit = 4 * time.Minute

// TestStories plays what people do with the program, each in a directory of its
// own with processes of its own.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/stories",
		Setup: func(e *testscript.Env) error {
			addr, free, err := reserve()
			if err != nil {
				return err
			}
			e.Defer(func() { _ = free() })
			e.Setenv("SERVE", addr)
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"until":    until,
			"get":      get,
			"post":     post,
			"edit":     edit,
			"absent":   absent,
			"invoices": invoices,
			"same":     same,
			"tamper":   tamper,
		},
	})
}

// await fails the story unless something holds in time.
func await(ts *testscript.TestScript, what string, holds func() (bool, string)) {
	deadline := time.Now().Add(storyLimit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s; last seen:\n%s", what, seen)
		}
		<-tick.C
	}
}

// until PATTERN COMMAND... repeats a command until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern command...")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	await(ts, args[0], func() (bool, string) {
		out, _ := output(ts, args[1:]...)
		return pattern.MatchString(out), out
	})
}

// output runs a command of this program and returns what it printed.
func output(ts *testscript.TestScript, args ...string) (string, error) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if at := filepath.Join(dir, args[0]); path == "" {
			if _, err := os.Stat(at); err == nil {
				path = at
			}
		}
	}
	c := exec.Command(path, args[1:]...) //nolint:noctx // the story names it, and it ends by itself
	c.Dir = ts.MkAbs(".")
	c.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
	out, err := c.CombinedOutput()
	return string(out), err
}

// get PATH PATTERN asks the running connector until its answer matches.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get path pattern")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	await(ts, args[1], func() (bool, string) {
		res, err := http.Get("http://" + ts.Getenv("SERVE") + args[0]) //nolint:noctx,forbidigo // a test on loopback
		if err != nil {
			return pattern.MatchString(err.Error()), err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		text := fmt.Sprintf("%d\n%s", res.StatusCode, b)
		return pattern.MatchString(text), text
	})
}

// post PATH FILE STATUS sends a file to the running connector.
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: post path file status")
	}
	res, err := http.Post("http://"+ts.Getenv("SERVE")+args[0], "application/json", strings.NewReader(ts.ReadFile(args[1]))) //nolint:noctx,forbidigo // a test on loopback
	ts.Check(err)
	defer res.Body.Close()
	if got := strconv.Itoa(res.StatusCode); got != args[2] {
		ts.Fatalf("answered %s, not %s", got, args[2])
	}
}

// edit FILE OLD NEW changes one text of a file.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit file old new")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// absent PATH TEXT... looks into every file below a path for what must not be
// there. A text that is the name of a file, after @, is the file's content.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	looked := 0
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for _, text := range args[1:] {
			if name, ok := strings.CutPrefix(text, "@"); ok {
				text = strings.TrimSpace(ts.ReadFile(name))
			}
			if found := bytes.Contains(b, []byte(text)); found && !neg {
				ts.Fatalf("%s holds %q", path, text)
			} else if found {
				neg = false
				args = nil
				return fs.SkipAll
			}
		}
		return nil
	})
	ts.Check(err)
	if looked == 0 || neg {
		ts.Fatalf("nothing to look at, or not found, in %s", args)
	}
}

func state(ts *testscript.TestScript) fakesState {
	var s fakesState
	out, err := output(ts, "ml-connector", "fakes", "state", "--dir", "fakes")
	if err != nil || json.Unmarshal([]byte(out), &s) != nil {
		return fakesState{}
	}
	return s
}

// invoices N waits until at least so many AP invoices stand in Epicor.
func invoices(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: invoices number")
	}
	await(ts, args[0]+" invoices", func() (bool, string) {
		s := state(ts)
		return len(s.Epicor) >= n, fmt.Sprint(len(s.Epicor))
	})
}

// same FILE FILE compares what stands in Epicor by two outputs of fakes state.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same file file")
	}
	var of [2][]string
	for i, name := range args {
		var s fakesState
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &s))
		for _, x := range s.Epicor {
			of[i] = append(of[i], fmt.Sprintf("%s %s %s %s, %d lines", x.Vendor, x.Number, x.Currency, x.Amount, x.Lines))
		}
		slices.Sort(of[i])
		if len(s.Locked) > 0 {
			ts.Fatalf("%s: groups are still locked: %v", name, s.Locked)
		}
	}
	if len(of[0]) == 0 || !slices.Equal(of[0], of[1]) {
		ts.Fatalf("differ:\n%s\n\n%s", strings.Join(of[0], "\n"), strings.Join(of[1], "\n"))
	}
	ts.Logf("%d AP invoices in both", len(of[0]))
}
