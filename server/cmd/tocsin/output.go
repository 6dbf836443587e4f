package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// put writes text; what cannot be written the sink below it remembers.
func put(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// sink remembers that something could not be written, so that a full disk behind a
// redirection is no success.
type sink struct {
	w   io.Writer
	err error
}

// Write writes on.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err //nolint:wrapcheck // the writer's own, handed on
}

// print writes JSON.
func (sh *shell) print(v any) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		put(sh.err, "the answer cannot be written: %s\n", err)
		return
	}
	put(sh.out, "%s", unspoken(buf.String()))
}

// printRaw writes the JSON that a server gave, indented.
func (sh *shell) printRaw(raw []byte) {
	var buf bytes.Buffer
	if err := json.Indent(&buf, raw, "", "  "); err != nil {
		put(sh.err, "the server's answer is no JSON\n")
		return
	}
	put(sh.out, "%s\n", unspoken(buf.String()))
}

// unspoken escapes what a terminal could obey. In JSON such characters stand in
// strings only, so the text means the same.
func unspoken(text string) string {
	if strings.IndexFunc(text, obeyed) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !obeyed(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			put(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			put(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// obeyed says that a terminal does something else with a character than show it:
// controls, and what turns the direction of text or takes no room.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// printable keeps a terminal from obeying text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if obeyed(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// say writes a line for people; control characters of foreign text are shown, not
// obeyed.
func (sh *shell) say(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = printable(s)
		}
	}
	put(sh.out, format+"\n", args...)
}

// widest bounds a cell of a table, in characters.
const widest = 90

// table writes rows under their heads, or what to say where there are none.
func (sh *shell) table(none string, heads []string, rows [][]string) {
	if len(rows) == 0 {
		sh.say("%s", none)
		return
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			if i > 0 {
				put(w, "\t")
			}
			put(w, "%s", oneLine(cell))
		}
		put(w, "\n")
	}
	_ = w.Flush() // as with any print: nobody reads any more
}

// oneLine makes any text a cell.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	if s == "" {
		return "-"
	}
	if utf8.RuneCountInString(s) > widest {
		s = string([]rune(s)[:widest-1]) + "…"
	}
	return s
}

// when shows a moment, "-" for none.
func when(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// problem prints a problem of the settings as compilers do.
func (sh *shell) problem(p fault.Problem) { writeProblem(sh.err, p) }

// finding prints a problem that a command looked for.
func (sh *shell) finding(p fault.Problem) { writeProblem(sh.out, p) }

func writeProblem(w io.Writer, p fault.Problem) {
	put(w, "%s:%d:%d: %s: %s\n", printable(p.File), p.Line, p.Column, p.Severity, printable(p.Message))
	if p.Hint != "" {
		put(w, "    %s\n", printable(p.Hint))
	}
}

// findings prints what a check found and gives its exit: errors always count,
// warnings with strict.
func (sh *shell) findings(problems []fault.Problem, strict bool, fine string) error {
	bad, warned := 0, 0
	for _, p := range problems {
		if p.Severity == fault.SeverityError {
			bad++
		} else {
			warned++
		}
	}
	if sh.json {
		sh.print(map[string]any{"problems": append([]fault.Problem{}, problems...)})
	} else {
		for _, p := range problems {
			sh.finding(p)
		}
		if bad == 0 {
			put(sh.out, "%s: %s\n", fine, count(warned, "warning"))
		} else {
			put(sh.out, "%s, %s\n", count(bad, "error"), count(warned, "warning"))
		}
	}
	if bad > 0 || strict && warned > 0 {
		return errFound
	}
	return nil
}

func count(n int, word string) string {
	switch n {
	case 0:
		return "no " + word + "s"
	case 1:
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// maxInput bounds every file that a command reads.
const maxInput = 16 << 20

// readFile reads a file that was named on the command line.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // whoever types names their own files
	if err != nil {
		return nil, unreadable(err, name)
	}
	defer func() { _ = f.Close() }() // only read
	return readAll(f, name)
}

func readAll(r io.Reader, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, unreadable(err, name)
	}
	if len(raw) > maxInput {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d MiB", name, maxInput>>20)
	}
	return raw, nil
}

func unreadable(err error, name string) error {
	why := err
	if p, ok := errors.AsType[*os.PathError](err); ok {
		why = p.Err
	}
	return fault.Wrap(err, fault.NotFound, "%s cannot be read: %s", name, why)
}

// words is a flag that may be given several times, or once with commas.
type words []string

func (w *words) String() string { return strings.Join(*w, ",") }

// Set adds one or more.
func (w *words) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			return errors.New("a word is missing")
		}
		*w = append(*w, part)
	}
	return nil
}
