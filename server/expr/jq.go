package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// JQ is a compiled jq program: one value in, one value out. It may be run by many
// goroutines. A program reaches neither clock nor environment, file or network.
type JQ struct {
	src   string
	query *gojq.Query // every step that may cost or grow goes through a guard
}

// What a program may use up in one run. One unit of work is about 50 ns, so that a
// run takes a fraction of a second; nothing here asks a clock, so the same program on
// the same value ends at the same place on every machine.
const (
	jqWork   = 2_000_000
	jqIndex  = 100_000 // an array may be made so long by an index
	jqDigits = 400     // of a number in a text
)

var errJQWork = errors.New("jq: the program takes too long")

// CompileJQ reads a program. Where an issue is an error the program is nil; offsets
// count into src.
func CompileJQ(src string) (*JQ, []Issue) {
	switch {
	case len(src) > maxSource:
		return nil, []Issue{problem(0, "too_large", fmt.Sprintf("a jq program may not exceed %d bytes", maxSource), "split it into two transform steps")}
	case !utf8.ValidString(src):
		return nil, []Issue{problem(0, "syntax", "the jq program is not UTF-8", "")}
	case strings.TrimSpace(src) == "":
		return nil, []Issue{problem(0, "syntax", "the jq program is empty", "for example .hosts[] | .name")}
	}
	query, err := gojq.Parse(src)
	if err != nil {
		return nil, []Issue{jqSyntax(src, err)}
	}
	g := &jqGuard{src: src, needs: map[string]*gojq.FuncDef{}}
	guarded := g.query(query, nil)
	if len(g.issues) > 0 {
		return nil, g.issues
	}
	guarded.FuncDefs = append(g.prelude(), guarded.FuncDefs...)
	if _, err := compileJQ(guarded, &meter{}); err != nil {
		return nil, []Issue{g.about(err.Error(), wordOf(err.Error()))}
	}
	return &JQ{src: src, query: guarded}, nil
}

// Source is the program as it was written.
func (j *JQ) Source() string { return j.src }

func jqSyntax(src string, err error) Issue {
	at := len(src)
	if p, ok := errors.AsType[*gojq.ParseError](err); ok {
		at = max(0, min(p.Offset-len(p.Token), len(src)))
	}
	return problem(at, "syntax", "this is no jq program: "+err.Error(), "")
}

// wordOf is the last word of a message of the library: what it is about.
func wordOf(message string) string {
	_, about, _ := strings.Cut(strings.TrimPrefix(message, "jq: "), ": ")
	name, _, _ := strings.Cut(about, "/")
	return name
}

// compileJQ makes the code of one run: its guards charge the run's own meter.
func compileJQ(q *gojq.Query, m *meter) (*gojq.Code, error) {
	code, err := gojq.Compile(q, m.guards()...)
	if err != nil {
		return nil, fmt.Errorf("jq: %w", err)
	}
	return code, nil
}

// Run gives the one value that the program makes of another. Errors are *fault.Error
// of kind expression. The same value gives the same result, always.
func (j *JQ) Run(input any) (out any, err error) {
	m := &meter{left: jqWork, over: closed()}
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fault.New(fault.Expression, "jq: the program cannot be run")
		}
	}()
	if _, fits := sizeOfPlain(input); !fits {
		return nil, fault.New(fault.Expression, "jq: the value is larger than %d bytes", maxValue)
	}
	code, err := compileJQ(j.query, m)
	if err != nil {
		return nil, jqError(err)
	}
	results := code.RunWithContext(m, toJQ(input))
	first, ok := results.Next()
	if !ok {
		return nil, fault.New(fault.Expression, "jq: the program gives no value; put it in [ … ] for a list, or // null behind it")
	}
	if e, failed := first.(error); failed {
		return nil, jqError(e)
	}
	second, more := results.Next()
	if e, failed := second.(error); failed {
		return nil, jqError(e)
	}
	if more {
		return nil, fault.New(fault.Expression, "jq: the program gives more than one value; put it in [ … ] for a list")
	}
	if _, fits := sizeOfPlain(first); !fits {
		return nil, fault.New(fault.Expression, "jq: the result is larger than %d bytes", maxValue)
	}
	return fromJQ(first)
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// jqError keeps an error's words, but not all of the data that may stand in them.
func jqError(err error) error {
	const most = 300
	text := strings.ToValidUTF8(strings.TrimPrefix(err.Error(), "jq: "), "\uFFFD")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fault.Wrap(err, fault.Expression, "jq: %s", text)
}

func sizeOfPlain(v any) (size int, fits bool) {
	left := maxValue
	fits = measure(v, &left, 0)
	return maxValue - left, fits
}

// toJQ makes the library's numbers of ours, in a copy.
func toJQ(v any) any {
	switch v := v.(type) {
	case int64:
		return int(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = toJQ(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = toJQ(e)
		}
		return out
	}
	return v
}

// large is a whole number of any length, as the library has it.
type large interface {
	IsInt64() bool
	Int64() int64
	BitLen() int
}

// fromJQ makes our numbers of the library's. jq does not tell 3 from 3.0: both are int.
func fromJQ(v any) (any, error) {
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case float64:
		return fromDouble(v)
	case json.Number:
		return fromDigits(v)
	case large:
		if !v.IsInt64() {
			return nil, fault.New(fault.Expression, "jq: a whole number does not fit 64 bits")
		}
		return v.Int64(), nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = fromJQ(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			var err error
			if out[k], err = fromJQ(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func fromDouble(f float64) (any, error) {
	const exact = 1 << 53
	switch {
	case math.IsNaN(f):
		return nil, nil //nolint:nilnil // jq writes null for what is no number
	case math.IsInf(f, 0):
		return nil, fault.New(fault.Expression, "jq: a number is infinite")
	case f == math.Trunc(f) && math.Abs(f) < exact:
		return int64(f), nil
	}
	return f, nil
}

func fromDigits(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if !strings.ContainsAny(n.String(), ".eE") {
		return nil, fault.New(fault.Expression, "jq: a whole number does not fit 64 bits")
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fault.New(fault.Expression, "jq: a number is too large")
	}
	return fromDouble(f)
}
