package ident_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// Fact 12 of the security page: the standard decoder takes the last of two equal
// keys, ignores case and rounds large numbers. Digests and journals must not.
func TestFact12DecodeKeepsOrRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"a key twice":              `{"host":"a","host":"b"}`,
		"a key twice, deep":        `{"a":[{"x":1,"x":2}]}`,
		"an integer over int64":    `{"id":9223372036854775808}`,
		"a number over double":     `{"id":1e999}`,
		"more behind the value":    `{"a":1} {"a":2}`,
		"text behind the value":    `{"a":1}x`,
		"broken UTF-8":             "{\"a\":\"\xff\"}",
		"an open object":           `{"a":1`,
		"nothing":                  ``,
		"deeper than the bound":    strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"a comment":                `{"a":1 /* b */}`,
		"a trailing comma":         `[1,]`,
		"a number of another kind": `{"a":NaN}`,
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := ident.Decode([]byte(raw)); err == nil {
				t.Errorf("taken as %v", v)
			}
		})
	}
	v, err := ident.Decode([]byte(`{"Host":"a","host":"b","id":9007199254740993,"x":3.0,"y":3}`))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := v.(map[string]any)
	if m["Host"] != "a" || m["host"] != "b" {
		t.Errorf("keys of another case are one: %v", m)
	}
	if m["id"] != int64(9007199254740993) || m["x"] != 3.0 || m["y"] != int64(3) {
		t.Errorf("numbers changed: %v", m)
	}
}

func TestCanonicalRefusesWhatTwoReadersTakeDifferently(t *testing.T) {
	for name, v := range map[string]any{
		"over 2^53":      map[string]any{"id": int64(1<<53 + 1)},
		"under -2^53":    []any{int64(-(1<<53 + 1))},
		"a large double": 1e300,
		"a json.Number":  map[string]any{"n": json.Number("9007199254740993")},
		"broken UTF-8":   "\xff",
		"a broken key":   map[string]any{"\xff": 1},
	} {
		t.Run(name, func(t *testing.T) {
			if raw, err := ident.Canonical(v); err == nil {
				t.Errorf("taken as %s", raw)
			}
		})
	}
}

// RFC 8785: keys by UTF-16, no spaces, shortest numbers, only needed escapes.
func TestCanonicalIsRFC8785(t *testing.T) {
	got, err := ident.Canonical(map[string]any{
		"b": 1.0, "a": "<&>\u2028\"\n", "\U0001F600": nil, "\ufb33": true, "n": []any{1e-7, 0.000001, int64(-0), 333333333.3333333},
	})
	want := `{"a":"<&>` + "\u2028" + `\"\n","b":1,"n":[1e-7,0.000001,0,333333333.3333333],"` + "\U0001F600" + `":null,"` + "\ufb33" + `":true}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s (%v)", got, want, err)
	}
}

func TestDigestsDoNotDependOnTheOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "m")
		a, b := map[string]any{}, map[string]any{}
		for k, v := range m {
			a[k] = v
		}
		for k := range a {
			b[k] = a[k]
		}
		x, errX := ident.Digest(a)
		y, errY := ident.Digest(b)
		if x != y || (errX == nil) != (errY == nil) {
			t.Fatalf("%s %s", x, y)
		}
	})
}

func TestIdsHaveTheirShape(t *testing.T) {
	at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	a := ident.New(ident.Run, at, [10]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if !ident.Valid(ident.Run, a) || a[16] != '7' {
		t.Errorf("got %s", a)
	}
	if b := ident.Derive(ident.Run, at, "a", "bc"); b == ident.Derive(ident.Run, at, "ab", "c") || b != ident.Derive(ident.Run, at, "a", "bc") || !ident.Valid(ident.Run, b) {
		t.Errorf("derived ids collide or change: %s", b)
	}
	for _, bad := range []string{"", "run_", "run_XYZ", "alr_" + a[4:], a + "0", strings.ToUpper(a), a[:35], "run_" + strings.Repeat("g", 32)} {
		if ident.Valid(ident.Run, bad) {
			t.Errorf("%q is taken for a run's id", bad)
		}
	}
	if k := ident.Key("run_1", "a/each[0]/b", 1); len(k) != 32 || k == ident.Key("run_1", "a/each[0]/b", 2) || k == ident.Key("run_1", "a/each[1]/b", 1) {
		t.Errorf("keys are not of their occurrence: %s", k)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x",null,true]}`, `[]`, `"x"`, `{"a":{"a":{}}}`, `1e5`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := ident.Decode(raw)
		if err != nil {
			return
		}
		if c, err := ident.Canonical(v); err == nil {
			if _, err := ident.Decode(c); err != nil {
				t.Errorf("the canonical form %s is not JSON: %v", c, err)
			}
		}
	})
}
