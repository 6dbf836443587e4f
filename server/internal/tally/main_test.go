package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func line(action, test, output string) string {
	return `{"Action":"` + action + `","Package":"p/q","Test":"` + test + `","Output":"` + output + `"}` + "\n"
}

func TestATallyCountsAndNamesWhatWasNotDone(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string
		fail int
	}{
		"passes and one left out": {
			in: line("pass", "TestA", "") + line("output", "TestB", `    b_test.go:7: needs a browser\n`) +
				line("skip", "TestB", "") + line("output", "", `ok  \tp/q\t0.1s\n`) + line("pass", "", ""),
			want: []string{"ok  \tp/q", "left out: p/q TestB: needs a browser", "1 passed, 0 failed"},
		},
		"a failure is printed and named": {
			in: line("output", "TestA", `    a_test.go:3: got 1, want 2\n`) + line("fail", "TestA", "") +
				line("output", "", `FAIL\tp/q\t0.1s\n`) + line("fail", "", ""),
			want: []string{"got 1, want 2", "failed: p/q TestA", "0 passed, 1 failed"}, fail: 1,
		},
		"a package that panics is a failure with all it said": {
			in: line("run", "TestA", "") + line("output", "TestA", `panic: oh\n`) +
				line("output", "", `FAIL\tp/q\t0.1s\n`) + line("fail", "", ""),
			want: []string{"panic: oh", "failed: p/q", "0 passed, 1 failed"}, fail: 1,
		},
		"what is no event is passed on": {
			in:   "server/x.go:1:1: expected declaration\n" + line("pass", "TestA", ""),
			want: []string{"expected declaration", "1 passed, 0 failed"},
		},
		"no test at all is a failure": {in: "", want: []string{"failed: no test ran"}, fail: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			tally := &Tally{Out: &out}
			if err := tally.Read(strings.NewReader(tc.in)); err != nil {
				t.Fatal(err)
			}
			if got := tally.Sum(); got != tc.fail {
				t.Errorf("failures: got %d, want %d", got, tc.fail)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got:\n%swant it to hold %q", out.String(), want)
				}
			}
		})
	}
}

func TestTheReportOfTheWebTestsIsCountedIn(t *testing.T) {
	for name, tc := range map[string]struct {
		report string
		passed int
		failed int
	}{
		"one of each":            {`{"testResults":[{"name":"a","status":"failed","assertionResults":[{"fullName":"x","status":"passed"},{"fullName":"y","status":"failed"}]}]}`, 1, 1},
		"a file that cannot run": {`{"testResults":[{"name":"a","status":"failed","assertionResults":[]}]}`, 0, 1},
		"no report":              {``, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "web.json")
			if err := os.WriteFile(file, []byte(tc.report), 0o600); err != nil {
				t.Fatal(err)
			}
			tally := &Tally{Out: &strings.Builder{}}
			tally.addReport(file)
			if tally.Passed != tc.passed || len(tally.Failed) != tc.failed {
				t.Errorf("got %d passed and %d failed, want %d and %d", tally.Passed, len(tally.Failed), tc.passed, tc.failed)
			}
		})
	}
}
