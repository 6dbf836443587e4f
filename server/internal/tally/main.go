// Command tally reads the events of go test -json, prints what a person wants to
// see of them, and ends with one line of numbers.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	web := flag.String("web", "", "vitest's JSON report, counted in")
	left := flag.String("left", "", "a file with lines about what was left out")
	flag.Parse()
	t := &Tally{Out: os.Stdout}
	if err := t.Read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if *web != "" {
		t.addReport(*web)
	}
	if raw, err := os.ReadFile(*left); err == nil {
		t.Left = append(t.Left, strings.Split(strings.TrimSpace(string(raw)), "\n")...)
	}
	if t.Sum() > 0 {
		os.Exit(1)
	}
}

// Tally counts tests.
type Tally struct {
	Out    io.Writer
	Passed int
	Failed []string // names
	Left   []string // names of those left out, with the reason
	said   map[string][]string
}

// event is one line of go test -json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// Read takes events until the end. A line that is none (a compiler's message) is
// printed as it is.
func (t *Tally) Read(r io.Reader) error {
	t.said = map[string][]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			t.say(lines.Text() + "\n")
			continue
		}
		t.take(e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read test events: %w", err)
	}
	return nil
}

// say prints; who reads the output may have gone, the numbers count all the same.
func (t *Tally) say(text string) {
	_, _ = io.WriteString(t.Out, text)
}

func (t *Tally) take(e event) {
	name := strings.TrimSpace(e.Package + " " + e.Test)
	switch e.Action {
	case "build-output":
		t.say(e.Output)
	case "output":
		t.said[name] = append(t.said[name], e.Output)
	case "pass", "fail", "skip":
		t.end(e, name)
	}
}

func (t *Tally) end(e event, name string) {
	said := t.said[name]
	delete(t.said, name)
	switch {
	case e.Test == "":
		t.endPackage(e, said)
	case e.Action == "pass":
		t.Passed++
	case e.Action == "skip":
		t.Left = append(t.Left, name+": "+reason(said))
	default:
		t.Failed = append(t.Failed, name)
		t.say(strings.Join(said, ""))
	}
}

// endPackage prints the package's own line; a package that failed without a
// failed test (it did not build, or panicked) counts as one failure and says all.
func (t *Tally) endPackage(e event, said []string) {
	ownFailure := e.Action == "fail" && !slices.ContainsFunc(t.Failed, func(n string) bool {
		return strings.HasPrefix(n, e.Package+" ")
	})
	if ownFailure {
		t.Failed = append(t.Failed, e.Package)
		for name, rest := range t.said { // of tests that never ended
			if strings.HasPrefix(name, e.Package+" ") {
				t.say(strings.Join(rest, ""))
				delete(t.said, name)
			}
		}
		t.say(strings.Join(said, ""))
		return
	}
	for _, line := range said {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "---") {
			t.say(line)
		}
	}
}

// reason finds what a skipped test said: the line that names a place in a file.
func reason(said []string) string {
	for _, line := range said {
		if _, why, ok := strings.Cut(strings.TrimSpace(line), ".go:"); ok {
			if _, why, ok = strings.Cut(why, ": "); ok {
				return why
			}
		}
	}
	return "no reason given"
}

// report is what of vitest's JSON report is counted.
type report struct {
	TestResults []struct {
		Name             string `json:"name"`
		Status           string `json:"status"`
		Message          string `json:"message"`
		AssertionResults []struct {
			FullName string `json:"fullName"`
			Status   string `json:"status"`
		} `json:"assertionResults"`
	} `json:"testResults"`
}

func (t *Tally) addReport(file string) {
	raw, err := os.ReadFile(file) //nolint:gosec // the report that the caller names
	var r report
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil || len(r.TestResults) == 0 {
		t.Failed = append(t.Failed, "web: no report of its tests")
		return
	}
	for _, f := range r.TestResults {
		if f.Status == "failed" && len(f.AssertionResults) == 0 {
			t.Failed = append(t.Failed, "web "+f.Name)
		}
		for _, a := range f.AssertionResults {
			switch a.Status {
			case "passed":
				t.Passed++
			case "failed":
				t.Failed = append(t.Failed, "web "+a.FullName)
			default:
				t.Left = append(t.Left, "web "+a.FullName+": marked as left out")
			}
		}
	}
}

// Sum prints what failed, what was left out and why, and the numbers on a line of
// their own; it gives the number of failures. Nothing run is a failure.
func (t *Tally) Sum() int {
	if t.Passed == 0 && len(t.Failed) == 0 {
		t.Failed = append(t.Failed, "no test ran")
	}
	t.say("\n")
	for _, name := range t.Left {
		if name != "" {
			t.say("left out: " + name + "\n")
		}
	}
	for _, name := range t.Failed {
		t.say("failed: " + name + "\n")
	}
	t.say(fmt.Sprintf("%d passed, %d failed\n", t.Passed, len(t.Failed)))
	return len(t.Failed)
}
