package approval

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of an answer.
const (
	maxFieldText = 16 << 10
	maxFieldList = 200
)

// Answer gives a person's answer to a question; the first valid one decides.
// The form says which fields there are; one without optional: true is required,
// one it does not name is refused. Errors have the codes of Cast and bad_answer.
func Answer(r Request, people map[string]Person, by, digest string, answer map[string]any, now time.Time) (Request, error) {
	if r.Kind != KindQuestion {
		return r, fault.New(fault.InvalidInput, "this request wants a decision, not an answer").WithCode("decision_needed")
	}
	if err := open(r, people, by, digest, now); err != nil {
		return r, err
	}
	if places := CheckAnswer(r.Form, answer); len(places) > 0 {
		return r, fault.New(fault.InvalidInput, "the answer does not fit the form").WithCode("bad_answer").WithPlaces(places...)
	}
	name := Canonical(by)
	out := copied(r)
	if i := voteOf(out, name); i >= 0 {
		out.Votes = slices.Delete(out.Votes, i, i+1)
	}
	out.Votes = append(out.Votes, Vote{By: name, Decision: Yes, At: now})
	out.Answer = answer
	if answer == nil {
		out.Answer = map[string]any{}
	}
	out = settle(out, people, now)
	if out.Status == Approved {
		out.Why = "answered by " + name
	}
	return out, nil
}

// CheckAnswer compares an answer with a form: every field that is wrong, by its
// place. Texts of the answer never stand in a message.
func CheckAnswer(form, answer map[string]any) []fault.Place {
	var out []fault.Place
	for _, name := range slices.Sorted(maps.Keys(form)) {
		field, ok := form[name].(map[string]any)
		if !ok {
			field = map[string]any{}
		}
		v, given := answer[name]
		at := "/answer/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		switch {
		case (!given || v == nil) && field["optional"] == true:
		case !given || v == nil:
			out = append(out, fault.Place{At: at, Message: "is needed"})
		default:
			if msg := fits(field, v); msg != "" {
				out = append(out, fault.Place{At: at, Message: msg})
			}
		}
	}
	for name := range answer {
		if _, ok := form[name]; !ok {
			return append(out, fault.Place{At: "/answer", Message: "there is a field that the form does not have"})
		}
	}
	return out
}

// fits says why a value does not fit a field, "" where it does.
func fits(field map[string]any, v any) string {
	if msg := typed(field, v); msg != "" {
		return msg
	}
	if list, ok := field["enum"].([]any); ok && !slices.ContainsFunc(list, func(e any) bool { return same(e, v) }) {
		return fmt.Sprintf("must be one of the %d choices", len(list))
	}
	switch v := v.(type) {
	case string:
		return within(field, float64(utf8.RuneCountInString(v)), "minLength", "maxLength", "letters")
	case []any:
		return within(field, float64(len(v)), "minItems", "maxItems", "entries")
	}
	if n, ok := number(v); ok {
		return within(field, n, "minimum", "maximum", "")
	}
	return ""
}

func typed(field map[string]any, v any) string {
	want, _ := field["type"].(string)
	switch want {
	case "", "string":
		s, ok := v.(string)
		switch {
		case want == "" && !ok:
			return ""
		case !ok:
			return "must be text"
		case len(s) > maxFieldText || !utf8.ValidString(s):
			return fmt.Sprintf("must be text of at most %d bytes", maxFieldText)
		case field["format"] == "date-time":
			if _, err := time.Parse(time.RFC3339, s); err != nil {
				return "must be a time like 2026-01-05T10:00:00Z"
			}
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return "must be true or false"
		}
	case "integer":
		if n, ok := number(v); !ok || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			return "must be a whole number"
		}
	case "number":
		if _, ok := number(v); !ok {
			return "must be a number"
		}
	case "array":
		return listed(field, v)
	default:
		return "the form asks for a type that nobody can give"
	}
	return ""
}

func listed(field map[string]any, v any) string {
	list, ok := v.([]any)
	if !ok || len(list) > maxFieldList {
		return fmt.Sprintf("must be a list of at most %d", maxFieldList)
	}
	items, ok := field["items"].(map[string]any)
	if !ok {
		items = map[string]any{"type": "string"}
	}
	for _, e := range list {
		if _, nested := e.([]any); nested {
			return "must be a list of single values"
		}
		if msg := fits(items, e); msg != "" {
			return "an entry " + msg
		}
	}
	return ""
}

func within(field map[string]any, n float64, low, high, unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	if m, ok := number(field[low]); ok && n < m {
		return fmt.Sprintf("must be at least %v%s", m, unit)
	}
	if m, ok := number(field[high]); ok && n > m {
		return fmt.Sprintf("must be at most %v%s", m, unit)
	}
	return ""
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// same compares two scalars; 1 and 1.0 are the same.
func same(a, b any) bool {
	if x, ok := number(a); ok {
		y, isNumber := number(b)
		return isNumber && x == y
	}
	switch a := a.(type) {
	case string:
		s, ok := b.(string)
		return ok && s == a
	case bool:
		t, ok := b.(bool)
		return ok && t == a
	}
	return false
}
