package httpapi_test

import (
	"strings"
	"testing"
)

func TestACallbackNeedsItsTokenAndNothingElse(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		name, path, body string
		want             int
	}{
		{"a token of nobody", "bad-token", `{}`, 404},
		{"a token that is too long", strings.Repeat("x", 200), `{}`, 404},
		{"no JSON", "good-token", `{`, 400},
		{"a key twice", "good-token", `{"a":1,"a":2}`, 400},
		{"a body that is too large", "good-token", `"` + strings.Repeat("x", 70_000) + `"`, 413},
		{"a parameter", "good-token?x=1", `{}`, 400},
		{"the right one", "good-token", `{"ok":true}`, 204},
		{"the same again", "good-token", `{"ok":true}`, 404},
	} {
		if got := w.ask("POST", "/api/v1/callbacks/"+tc.path, tc.body); got.StatusCode != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.name, got.StatusCode, got.body, tc.want)
		}
	}
}
