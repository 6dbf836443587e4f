package library

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

var engineer = audit.Actor{Kind: "user", Name: "eng"}

func secretsIn(t *testing.T, l *Library, name string) []string {
	t.Helper()
	s, ok := l.Current().Source(name)
	if !ok {
		t.Fatalf("there is no source %s", name)
	}
	var out []string
	for _, v := range s.Auth.Bearer {
		out = append(out, v.Reveal())
	}
	return out
}

func aSource(secret string) SourceWish {
	return SourceWish{Name: "siem", Spec: SourceSpec{Mapping: "generic", Auth: "bearer", PerSecond: 5}, Secret: secret}
}

func TestASourceIsMadeChangedAndDeletedInTheApp(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	l, first, second, third := w.lib, strings.Repeat("a", 20), strings.Repeat("b", 20), strings.Repeat("c", 20)
	s, err := l.PutSource(t.Context(), engineer, aSource(first), true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != 1 || s.File != "" || s.Spec.Auth != "bearer" || s.Limit.PerSecond != 5 {
		t.Errorf("got %+v", s)
	}
	if strings.Contains(string(w.store.stored[Sources]["siem"].Text), first) {
		t.Error("the text holds the secret")
	}
	change := func(rotation Rotation, secret string, want ...string) {
		t.Helper()
		wish := aSource(secret)
		wish.Rotation = rotation
		if _, err := l.PutSource(t.Context(), engineer, wish, false, 0); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, secretsIn(t, l, "siem")); d != "" {
			t.Errorf("%q: %s", rotation, d)
		}
	}
	change(Keep, "", first)
	change(Add, second, second, first)
	change(Keep, "", second, first)
	change(Add, third, third, second)
	change(Replace, first, first)
	if err := l.DeleteSource(t.Context(), engineer, "siem", 0); err != nil {
		t.Fatal(err)
	}
	if _, there := l.Current().Source("siem"); there {
		t.Error("it is still there")
	}
}

func TestAWishForASourceIsRefusedAtItsField(t *testing.T) {
	w := newWorld(t, map[string]string{"sources/edr.yaml": "name: edr\nmapping: generic\nauth: { bearer: { token: \"env://EDR_TOKEN\" } }\n"})
	w.reload()
	good := strings.Repeat("s", 20)
	if _, err := w.lib.PutSource(t.Context(), engineer, aSource(good), true, 0); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*SourceWish)
		create bool
		seen   int64
		code   string
		at     string
	}{
		"one that is there":                {func(*SourceWish) {}, true, 0, "exists", ""},
		"one that a file brings":           {func(w *SourceWish) { w.Name = "edr" }, false, 0, "managed_by_files", ""},
		"one that is not there":            {func(w *SourceWish) { w.Name = "none" }, false, 0, "not_found", ""},
		"another state than was seen":      {func(*SourceWish) {}, false, 7, "changed_meanwhile", ""},
		"a mapping that nobody has":        {func(w *SourceWish) { w.Spec.Mapping = "nobody" }, false, 0, "", "/mapping"},
		"an expression that does not hold": {func(w *SourceWish) { w.Spec.Mapping, w.Spec.Map = "", map[string]string{"title": "item.("} }, false, 0, "", "/map/title"},
		"a style that is none":             {func(w *SourceWish) { w.Spec.Auth, w.Spec.Style = "hmac", "own" }, false, 0, "", "/auth/hmac/style"},
		"another way to authenticate":      {func(w *SourceWish) { w.Spec.Auth, w.Spec.Style = "hmac", "tocsin" }, false, 0, "secret_needed", "/secret"},
		"a short secret":                   {func(w *SourceWish) { w.Rotation, w.Secret = Replace, "short" }, false, 0, "secret_needed", "/secret"},
	} {
		t.Run(name, func(t *testing.T) {
			wish := aSource("")
			tc.change(&wish)
			_, err := w.lib.PutSource(t.Context(), engineer, wish, tc.create, tc.seen)
			if err == nil || tc.code != "" && fault.CodeOf(err) != tc.code {
				t.Fatalf("got %v, want %s", err, tc.code)
			}
			f, ok := errors.AsType[*fault.Error](err)
			if tc.at != "" && (!ok || len(f.Places) == 0 || f.Places[0].At != tc.at) {
				t.Errorf("got %+v, want a place at %s", f, tc.at)
			}
		})
	}
	if d := cmp.Diff([]string{good}, secretsIn(t, w.lib, "siem")); d != "" {
		t.Errorf("a refusal changed something: %s", d)
	}
}

func TestAMappingIsTriedWithoutStoringAnything(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	spec := SourceSpec{Items: "payload.events", When: "item.kind == 'alert'", Map: map[string]string{"title": "item.name", "severity": "severity.high"}}
	got, err := w.lib.Try(spec, []byte(`{"events":[{"kind":"alert","name":"<b>one</b>"},{"kind":"noise","name":"two"}]}`))
	if err != nil || len(got) != 2 || got[0].Alert.Title != "<b>one</b>" || got[0].Ignore || !got[1].Ignore {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, payload := range map[string]string{"no JSON": "{", "a key twice": `{"a":1,"a":2}`, "nothing": ""} {
		if _, err := w.lib.Try(spec, []byte(payload)); fault.CodeOf(err) != "bad_json" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(w.store.stored[Sources]) != 0 {
		t.Error("something was stored")
	}
}

func TestTheFieldOfAColumnIsItsPointer(t *testing.T) {
	text := `{"a":{"b":"x","c":[1,{"d":"y"}]},"e":"z"}`
	for at, want := range map[string]string{`"b"`: "/a/b", `"x"`: "/a/b", `"d"`: "/a/c/1/d", `"y"`: "/a/c/1/d", `"e"`: "/e", `"z"`: "/e", `{"a"`: "/"} {
		if got := fieldAt([]byte(text), strings.Index(text, at)+1); got != want {
			t.Errorf("at %s: got %s, want %s", at, got, want)
		}
	}
	for _, bad := range []string{"", "{", "[1,", `{"a":{`} {
		if got := fieldAt([]byte(bad), 99); got == "" {
			t.Errorf("%q gives nothing", bad)
		}
	}
}
