package perform

import (
	"testing"

	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// What is hashed as a decision's input must be the very bytes of the whole question,
// also when a parameter looks like the place of the alert.
func TestTheAlertIsPutBackWhereItBelongs(t *testing.T) {
	for name, params := range map[string]map[string]any{
		"plain":                          {"host": "a"},
		"a parameter named alert":        {"alert": nil, "x": `,"alert":null`},
		"a text that looks like the end": {"x": `},"actor":{},"alert":null`},
	} {
		t.Run(name, func(t *testing.T) {
			alert := map[string]any{"title": `"quoted" <b>`, "severity": "high", "fields": map[string]any{"n": int64(3)}}
			q := gate.Question{Action: gate.Action{ID: "a.b", Params: params}, Actor: gate.Actor{Kind: "user", Name: "alert"}}.Whole()
			input, err := ident.Canonical(q)
			if err != nil {
				t.Fatal(err)
			}
			l := &Live{Alert: alert}
			got, err := l.wholeInput(q, input)
			if err != nil {
				t.Fatal(err)
			}
			q.Alert = alert
			want, err := ident.Canonical(q)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
