package opa

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// node is a place in a document with a schema: what may stand there. It knows the
// part of JSON Schema that the policies' schemas use and refuses any other word,
// so that no rule of a schema is silently dropped.
type node struct {
	types  []string
	words  []string // of an enum; null is in types
	choice bool     // there is an enum
	noNull bool     // and null is not in it

	fields map[string]*node // of an object with named fields, nothing else
	needed []string
	values *node // of an object that is a dictionary
	elem   *node // of a list
	free   bool  // an object in which anything goes

	low, high           float64
	minLength, maxItems int
	maxLength, minItems int
	pattern             *regexp.Regexp
	moment              bool
}

// miss is why a value does not fit.
type miss struct{ at, what string }

func nodeOf(raw any) (*node, error) {
	schema, ok := raw.(map[string]any)
	if !ok {
		return nil, errors.New("a schema is an object")
	}
	n := &node{low: math.Inf(-1), high: math.Inf(1), maxLength: math.MaxInt, maxItems: math.MaxInt}
	for _, key := range slices.Sorted(maps.Keys(schema)) {
		if err := n.keyword(key, schema[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if n.fields != nil && schema["additionalProperties"] != false {
		return nil, errors.New("an object with named fields must be closed")
	}
	n.free = n.fields == nil && n.values == nil && slices.Contains(n.types, "object")
	return n, nil
}

func (n *node) keyword(key string, v any) (err error) {
	switch key {
	case "$schema", "$id", "title", "description":
	case "type":
		if s, ok := v.(string); ok {
			n.types = []string{s}
		} else {
			n.types = textList(v)
		}
	case "enum":
		err = n.enum(v)
	case "properties":
		err = n.properties(v)
	case "required":
		n.needed = textList(v)
	case "additionalProperties":
		if v != false {
			n.values, err = nodeOf(v)
		}
	case "items":
		n.elem, err = nodeOf(v)
	case "pattern":
		s, _ := v.(string)
		n.pattern, err = regexp.Compile(s)
	case "format":
		n.moment = v == "date-time"
		if !n.moment {
			err = errors.New("only date-time is known")
		}
	default:
		err = n.bound(key, v)
	}
	return err
}

// enum reads a choice of words; null may be one where the type says so too.
func (n *node) enum(v any) error {
	list, _ := v.([]any)
	n.choice, n.words = true, textList(v)
	n.noNull = !slices.Contains(list, nil)
	if len(n.words) == 0 || len(list) > len(n.words)+1 || len(list) > len(n.words) && n.noNull {
		return errors.New("a choice is between words")
	}
	return nil
}

func (n *node) properties(v any) error {
	props, ok := v.(map[string]any)
	if !ok {
		return errors.New("must be an object")
	}
	n.fields = map[string]*node{}
	for name, p := range props {
		sub, err := nodeOf(p)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		n.fields[name] = sub
		intern(name)
	}
	return nil
}

func (n *node) bound(key string, v any) error {
	f, ok := numeric(v)
	if !ok {
		return errors.New("this word is not known")
	}
	switch key {
	case "minimum":
		n.low = f
	case "maximum":
		n.high = f
	case "minLength":
		n.minLength = int(f)
	case "maxLength":
		n.maxLength = int(f)
	case "minItems":
		n.minItems = int(f)
	case "maxItems":
		n.maxItems = int(f)
	default:
		return errors.New("this word is not known")
	}
	return nil
}

// named says whether something below has named fields, so that it may not be
// handed on: a name misspelt there would be found by nobody.
func (n *node) named() bool {
	switch {
	case n == nil:
		return false
	case n.elem != nil:
		return n.elem.named()
	case n.values != nil:
		return n.values.named()
	}
	return n.fields != nil
}

// known lists the named fields.
func (n *node) known() []string { return slices.Sorted(maps.Keys(n.fields)) }

// check gives the first reason why a value does not fit, nil where it does.
func (n *node) check(v any) *miss {
	switch v := v.(type) {
	case nil:
		if n.noNull {
			return &miss{"", "must be one of " + strings.Join(n.words, ", ")}
		}
		return n.typed("null")
	case bool:
		if n.choice {
			return &miss{"", "must be one of " + strings.Join(n.words, ", ")}
		}
		return n.typed("boolean")
	case string:
		return n.text(v)
	case []any:
		return n.list(v)
	case map[string]any:
		return n.object(v)
	}
	f, ok := numeric(v)
	if !ok {
		return &miss{"", "is no JSON"}
	}
	return n.number(f)
}

func (n *node) typed(have string) *miss {
	if slices.Contains(n.types, have) || len(n.types) == 0 {
		return nil
	}
	return &miss{"", "must be " + strings.Join(n.types, " or ") + ", not " + have}
}

func (n *node) text(s string) *miss {
	if m := n.typed("string"); m != nil {
		return m
	}
	switch {
	case n.choice && !slices.Contains(n.words, s):
		return &miss{"", "must be one of " + strings.Join(n.words, ", ")}
	case n.minLength > 0 && utf8.RuneCountInString(s) < n.minLength, n.maxLength < math.MaxInt && utf8.RuneCountInString(s) > n.maxLength:
		return &miss{"", "is too short or too long"}
	case n.pattern != nil && !n.pattern.MatchString(s):
		return &miss{"", "does not have the form " + n.pattern.String()}
	case n.moment:
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return &miss{"", "must be a time like 2026-01-05T10:00:00Z"}
		}
	}
	return nil
}

func (n *node) number(f float64) *miss {
	if len(n.types) > 0 && !slices.Contains(n.types, "number") {
		if m := n.typed("integer"); m != nil {
			return &miss{"", "must be " + strings.Join(n.types, " or ") + ", not number"}
		}
		if f != math.Trunc(f) {
			return &miss{"", "must be a whole number"}
		}
	}
	if f < n.low || f > n.high {
		return &miss{"", fmt.Sprintf("must be between %v and %v", n.low, n.high)}
	}
	return nil
}

func (n *node) list(v []any) *miss {
	if m := n.typed("array"); m != nil {
		return m
	}
	if len(v) < n.minItems || len(v) > n.maxItems {
		return &miss{"", "has too few or too many entries"}
	}
	if n.elem == nil {
		return nil
	}
	for i, e := range v {
		if m := n.elem.check(e); m != nil {
			return m.under(strconv.Itoa(i))
		}
	}
	return nil
}

func (n *node) object(v map[string]any) *miss {
	if m := n.typed("object"); m != nil {
		return m
	}
	for _, name := range n.needed {
		if _, ok := v[name]; !ok {
			return &miss{"", "needs " + name}
		}
	}
	if n.fields == nil && n.values == nil {
		return nil
	}
	for name, e := range v {
		if n.entry(name, e) == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(v)) { // the same reason for the same value, always
			if m := n.entry(name, v[name]); m != nil {
				return m
			}
		}
	}
	return nil
}

func (n *node) entry(name string, v any) *miss {
	sub := n.values
	if n.fields != nil {
		sub = n.fields[name]
	}
	if sub == nil {
		return &miss{"", "has a field that does not exist"}
	}
	m := sub.check(v)
	if m != nil && n.fields == nil {
		name = "…" // a key of a dictionary is a value of the input
	}
	if m != nil {
		return m.under(name)
	}
	return nil
}

func (m *miss) under(name string) *miss {
	m.at = "/" + name + m.at
	return m
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}
