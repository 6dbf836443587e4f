package gate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

func TestAWholeQuestionHasNoNullButAlertAndEffect(t *testing.T) {
	q := gate.Question{Targets: []approval.Target{{Kind: "host"}}, Approvals: []gate.Approval{{By: "bea"}}}
	raw, err := json.Marshal(q.Whole())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(raw), "null"); got != 2 {
		t.Errorf("%d nulls in %s, want those of alert and effect", got, raw)
	}
	q.Effect = &gate.Effect{Holds: []gate.Hold{{Run: "run_1"}}}
	q.Alert = map[string]any{}
	if raw, err = json.Marshal(q.Whole()); err != nil || strings.Contains(string(raw), "null") {
		t.Errorf("got %s, %v; want no null", raw, err)
	}
	if q.Effect.Holds[0].ApprovedBy != nil || q.Targets[0].Tags != nil {
		t.Error("the question given was changed")
	}
}
