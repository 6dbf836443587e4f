package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// said is what a command came to.
type said struct {
	code     int
	out, err string
}

func tocsin(t *testing.T, env []string, args ...string) said {
	t.Helper()
	return typed(t, "", env, args...)
}

func typed(t *testing.T, in string, env []string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, stdio{in: strings.NewReader(in), out: &out, err: &errs}, env)
	return said{code, out.String(), errs.String()}
}

func (s said) want(t *testing.T, code int) said {
	t.Helper()
	if s.code != code {
		t.Fatalf("exit code: got %d, want %d\n%s%s", s.code, code, s.out, s.err)
	}
	return s
}

var flagName = regexp.MustCompile(`--([a-z][a-z-]*)`)

func TestEveryCommandHasHelpWithAnExampleAndEveryFlagInIt(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			if seen[c.name] {
				t.Error("there are two of this name")
			}
			seen[c.name] = true
			args := strings.Fields(c.name)
			help := tocsin(t, nil, append(args, "--help")...).want(t, done)
			if help.err != "" || !strings.Contains(help.out, "Usage:\n  tocsin "+c.name) || !strings.Contains(help.out, "Example:\n  ") {
				t.Errorf("got %s%s", help.out, help.err)
			}
			_, flags, _ := strings.Cut(help.out, "\nFlags:\n")
			for line := range strings.Lines(flags) {
				if f := strings.Fields(line); len(f) < 2 {
					t.Errorf("a flag says nothing about itself: %q", line)
				}
			}
			for _, m := range flagName.FindAllStringSubmatch(c.args+c.example, -1) {
				if !strings.Contains(flags, "--"+m[1]+" ") {
					t.Errorf("--%s is no flag of it", m[1])
				}
			}
			if !strings.Contains(flags, "--json ") {
				t.Error("it has no --json")
			}
			for line := range strings.Lines(c.example) {
				if !strings.Contains(line, "tocsin "+c.name) {
					t.Errorf("the example %q is one of another command", line)
				}
			}
		})
	}
}

func TestMisuseIsExitCodeTwoWithTheUsageAndNothingOnStandardOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown command":                    {"nonsense"},
		"half a command":                        {"playbook"},
		"a word too many":                       {"halt", "perhaps"},
		"an unknown flag":                       {"version", "--nonsense"},
		"a missing argument":                    {"playbook", "check"},
		"an argument too many":                  {"schema", "playbook", "source"},
		"a schema that is not there":            {"schema", "nonsense"},
		"an id of another kind":                 {"runs", "show", "apr_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b"},
		"an id that leads elsewhere":            {"runs", "show", "../alerts"},
		"a name that leads elsewhere":           {"playbook", "run", ".."},
		"a halt without reason":                 {"halt", "on"},
		"a person without role":                 {"user", "add", "anna"},
		"a token without scope":                 {"token", "new", "anna"},
		"a token of nobody":                     {"token", "new", "--scope", "read"},
		"a token of two":                        {"token", "new", "anna", "--user", "bea", "--scope", "read"},
		"a token that ended before":             {"token", "new", "anna", "--scope", "read", "--days", "-1"},
		"no word for a doubt":                   {"runs", "resolve", runExample, "--step", "a", "--reason", "x", "--as", "perhaps"},
		"an output of what failed":              {"runs", "resolve", runExample, "--step", "a", "--reason", "x", "--as", "failed", "--output", "{}"},
		"a forced end without reason":           {"runs", "cancel", runExample, "--force"},
		"a no without words":                    {"approvals", "deny", approvalExample},
		"an answer that is a list":              {"approvals", "answer", approvalExample, "--answer", "[]"},
		"an answer that is no JSON":             {"approvals", "answer", approvalExample, "--answer", "{"},
		"an undo without reason":                {"effects", "undo", effectExample},
		"an end that is no time":                {"effects", "extend", effectExample, "--until", "soon"},
		"a close without reason":                {"alerts", "close", alertExample},
		"an unknown verdict":                    {"alerts", "close", alertExample, "--reason", "x", "--verdict", "nice"},
		"a list that is too long":               {"runs", "list", "--limit", "1000"},
		"a time that is none":                   {"runs", "list", "--since", "lately"},
		"an integration with a path for a name": {"integration", "new", "../acme"},
		"an input without a value":              {"playbook", "run", "a", "--input", "host"},
		"a wait without a unit":                 {"playbook", "run", "a", "--wait", "30"},
	} {
		t.Run(name, func(t *testing.T) {
			if s := tocsin(t, nil, args...).want(t, misused); s.out != "" || s.err == "" {
				t.Errorf("got %q and %q", s.out, s.err)
			}
		})
	}
	t.Run("nothing at all", func(t *testing.T) { tocsin(t, nil).want(t, misused) })
	t.Run("asking for help is no misuse", func(t *testing.T) {
		for _, args := range [][]string{{"help"}, {"--help"}, {"playbook", "--help"}} {
			tocsin(t, nil, args...).want(t, done)
		}
	})
}

const runExample = "run_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b"

func TestAMistypedCommandIsAnsweredWithTheNearestOne(t *testing.T) {
	if s := tocsin(t, nil, "playbok", "check"); !strings.Contains(s.err, `did you mean "playbook check"?`) {
		t.Errorf("got %s", s.err)
	}
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	for name, args := range map[string][]string{
		"before":  {"--reason", "x", "one", "two"},
		"between": {"one", "--reason", "x", "two"},
		"behind":  {"one", "two", "--reason=x"},
	} {
		t.Run(name, func(t *testing.T) {
			fl := flag.NewFlagSet("", flag.ContinueOnError)
			fl.SetOutput(io.Discard)
			reason := fl.String("reason", "", "")
			rest, err := parse(fl, args, 2, 2)
			if err != nil || *reason != "x" || strings.Join(rest, " ") != "one two" {
				t.Errorf("got %v, %q, %v", rest, *reason, err)
			}
		})
	}
}

func TestATerminalObeysNothingThatIsSaid(t *testing.T) {
	for name, text := range map[string]string{
		"an escape sequence":       "\x1b[31mred\x1b[0m",
		"a bell and a backspace":   "a\ab\b",
		"a carriage return":        "fine\rbad",
		"an 8-bit sequence":        "\u009b31m",
		"text that turns round":    "user\u202egpj.exe",
		"an isolate":               "\u2066x\u2069",
		"characters without room":  "a\u200bb\u200dc\ufeffd",
		"a line separator":         "a\u2028b",
		"a tag nobody sees":        "a\U000e0041b",
		"bytes that are no letter": "a\xff\xfeb",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			sh := &shell{stdio: stdio{out: &out, err: &out}}
			sh.say("%s", text)
			sh.table("", []string{"A"}, [][]string{{text}})
			sh.print(map[string]string{"a": text})
			if at := strings.IndexFunc(out.String(), obeyed); at >= 0 || !utf8.ValidString(out.String()) {
				t.Errorf("it is handed on: %q", out.String())
			}
		})
	}
}

func TestJSONMeansTheSameAfterItIsMadeHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(rapid.String().Draw(t, "text"), "")
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		safe := unspoken(string(raw))
		var back string
		if err := json.Unmarshal([]byte(safe), &back); err != nil || back != text {
			t.Fatalf("got %q for %q: %v", back, text, err)
		}
		if strings.IndexFunc(safe, obeyed) >= 0 {
			t.Fatalf("it is handed on: %q", safe)
		}
	})
}

func TestACellOfATableIsOneLineOfBoundedLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := oneLine(rapid.String().Draw(t, "text"))
		if n := utf8.RuneCountInString(cell); n == 0 || n > widest || strings.ContainsAny(cell, "\n\t") {
			t.Fatalf("got %q", cell)
		}
	})
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatIsLostIsNoSuccess(t *testing.T) {
	for _, args := range [][]string{{"openapi"}, {"version", "--json"}, {"schema", "playbook"}, {"help"}} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: full{}, err: &errs}, nil); code != failed || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%v: code %d, said %q", args, code, errs.String())
		}
	}
}
