package engine_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
)

// anyValue draws a JSON value in the engine's plain types.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := rapid.IntRange(0, 5+2*depth).Draw(t, "kind")
		switch n {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64().Draw(t, "int")
		case 3:
			return rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }).Draw(t, "double")
		case 4:
			return float64(rapid.IntRange(-1000, 1000).Draw(t, "whole double"))
		case 5:
			return rapid.String().Draw(t, "text")
		case 6:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				list = append(list, anyValue(0).Draw(t, "item"))
			}
			return list
		default:
			m := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				m[rapid.String().Draw(t, "key")] = anyValue(0).Draw(t, "value")
			}
			return m
		}
	})
}

// A replay must compute with the very numbers of the first time: 3 and 3.0 differ in
// an expression.
func TestTheJournalKeepsValuesExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(1).Draw(t, "v")
		b := engine.Evaluated{Path: "a", What: "with", Value: engine.Value{V: v}}
		kind, raw, err := engine.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := engine.Decode(kind, raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if f, ok := v.(float64); ok && f == 0 {
			return // -0 and 0 are one number in JSON
		}
		if !reflect.DeepEqual(got, b) && !hasNegativeZero(v) {
			t.Fatalf("got %#v, want %#v (%s)", got, b, raw)
		}
	})
}

func hasNegativeZero(v any) bool {
	switch v := v.(type) {
	case float64:
		return v == 0 && math.Signbit(v)
	case []any:
		return slices.ContainsFunc(v, hasNegativeZero)
	case map[string]any:
		for _, e := range v {
			if hasNegativeZero(e) {
				return true
			}
		}
	}
	return false
}

func TestAHistoryThatIsNotUnderstoodIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ kind, body string }{
		"an unknown event":   {"teleported", `{}`},
		"an unknown field":   {"timer_fired", `{"path":"a","timer":"wait","twice":true}`},
		"another type":       {"timer_fired", `{"path":1}`},
		"a key twice inside": {"evaluated", `{"path":"a","what":"if","value":{"x":1,"x":2}}`},
		"no JSON":            {"halted", `{`},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := engine.Decode(tc.kind, []byte(tc.body)); err == nil {
				t.Errorf("taken as %#v", b)
			}
		})
	}
}

func TestARunOfOtherSemanticsIsNotContinued(t *testing.T) {
	p := engine.Single{}.Program(&connector.Action{})
	raw, _ := json.Marshal(engine.Started{Semantics: engine.Semantics + 1})
	_, err := engine.Replay(p, engine.Start{ID: "run_1"}, nil, []engine.Recorded{{At: time.Unix(0, 0), Kind: "started", Body: raw}})
	if err == nil {
		t.Error("it was continued")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []struct{ kind, body string }{
		{"started", `{"semantics":1,"inputs":{},"manifests":{}}`},
		{"succeeded", `{"path":"a","attempt":1,"output":{"x":1.0}}`},
		{"decided", `{"path":"a","outcome":"allow","permitted":true}`},
	} {
		f.Add(s.kind, []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		b, err := engine.Decode(kind, body)
		if err != nil {
			return
		}
		again, raw, err := engine.Encode(b)
		if err != nil || again != kind {
			t.Fatalf("%s cannot be written again: %v", kind, err)
		}
		if _, err := engine.Decode(kind, raw); err != nil {
			t.Fatalf("%s is not read again: %v", raw, err)
		}
	})
}
