package ident_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/ident"
)

type leaf struct {
	B    string         `json:"b"`
	A    int64          `json:"a"`
	Gone string         `json:"gone,omitempty"`
	Hid  string         `json:"-"`
	Any  any            `json:"any"`
	List []leaf         `json:"list"`
	Map  map[string]any `json:"map"`
	Ptr  *leaf          `json:"ptr"`
	At   time.Time      `json:"at"`
	Raw  []byte         `json:"raw"`
	Zero time.Time      `json:"zero,omitzero"`
	N    float64        `json:"n"`
	Word word           `json:"word"`
	Unes []string
	priv string
}

type word string

type shadowed struct {
	leaf

	B string `json:"b"`
}

type outer struct {
	leaf

	C map[word]uint8 `json:"c"`
}

// byTheBook is the canonical form as two libraries make it.
func byTheBook(t *rapid.T, v any) string {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	out, err := jcs.Transform(raw.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func plain() *rapid.Generator[any] {
	return rapid.Deferred(func() *rapid.Generator[any] {
		return rapid.OneOf(
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
			rapid.Int64Range(-1<<53, 1<<53).AsAny(), rapid.Float64Range(-1<<53, 1<<53).AsAny(),
			rapid.Map(rapid.SliceOfN(plain(), 0, 4), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.String(), plain(), 0, 4), func(m map[string]any) any { return m }),
		)
	})
}

func TestCanonicalIsWhatTheLibrariesMake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := plain().Draw(t, "v")
		x := leaf{
			B: rapid.String().Draw(t, "b"), A: rapid.Int64Range(-1<<53, 1<<53).Draw(t, "a"), Any: v,
			Gone: rapid.SampledFrom([]string{"", "x"}).Draw(t, "gone"), Hid: "never", priv: "never",
			At: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0).UTC(), Raw: []byte(rapid.String().Draw(t, "raw")),
			N: rapid.Float64Range(-1e9, 1e9).Draw(t, "n"), Word: "w",
		}
		if rapid.Bool().Draw(t, "deep") {
			inner := x
			x.Ptr, x.List, x.Map, x.Unes = &inner, []leaf{inner}, map[string]any{"v": v, "s": inner}, []string{"a"}
		}
		for _, v := range []any{v, x, &x, outer{x, map[word]uint8{"z": 1, "a": 2}}, []leaf{x}, map[string]leaf{"x": x}, []any(nil), map[string]any(nil)} {
			got, err := ident.Canonical(v)
			if err != nil {
				t.Fatal(err)
			}
			if want := byTheBook(t, v); string(got) != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
	})
}

// Also inside of structs: a rounded number would give two things one digest.
func TestCanonicalRefusesInexactNumbersInStructs(t *testing.T) {
	for name, v := range map[string]any{
		"an integer": leaf{A: 1<<53 + 1}, "a double": leaf{N: 1e300}, "unsigned": struct{ U uint64 }{1 << 60},
		"in an any": leaf{Any: int64(1<<53 + 1)}, "in a text": leaf{B: "\xff"}, "of a marshaler": json.RawMessage(`{"a":9007199254740993}`),
		"a key twice": shadowed{}, "in a key": map[word]int{"\xff": 1}, "a channel": make(chan int), "a function": struct{ F func() }{},
	} {
		t.Run(name, func(t *testing.T) {
			if raw, err := ident.Canonical(v); err == nil {
				t.Errorf("taken as %s", raw)
			}
		})
	}
}

func BenchmarkCanonical(b *testing.B) {
	v := leaf{B: "a text", Any: map[string]any{"x": int64(1), "y": []any{"a", "b", 1.5}}, Map: map[string]any{"k": "v", "l": true}}
	for b.Loop() {
		if _, err := ident.Canonical(v); err != nil {
			b.Fatal(err)
		}
	}
}

// What the policy saw is kept exactly, also a vendor's identity above 2^53.
func TestLosslessWritesNumbersInFull(t *testing.T) {
	got, err := ident.Lossless(map[string]any{"id": int64(9007199254740993), "b": leaf{A: -1<<60 + 1}.A, "x": 1e300, "u": uint64(1<<63 + 1)})
	if want := `{"b":-1152921504606846975,"id":9007199254740993,"u":9223372036854775809,"x":1e+300}`; err != nil || string(got) != want {
		t.Errorf("got %s (%v)", got, err)
	}
	if _, err := ident.Lossless(map[string]any{"s": "\xff"}); err == nil {
		t.Error("broken UTF-8 is taken")
	}
}
