package trigger_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

func cond(t *testing.T, src string) *expr.Expr {
	t.Helper()
	e, issues := expr.Cond(src, expr.NewScope().With("alert", expr.AlertType()))
	if e == nil {
		t.Fatalf("%s: %+v", src, issues)
	}
	return e
}

func TestAnAlertWakesThePlaybooksWhoseConditionHolds(t *testing.T) {
	malware := cond(t, "alert.category == 'malware'")
	severe := cond(t, "alert.severity >= severity.high")
	broken := cond(t, "alert.hosts[5].name == 'x'")
	never := cond(t, "false")
	all := []trigger.Candidate{
		{Playbook: "zeta", If: malware},
		{Playbook: "beta", If: severe, Index: 1, Repeat: true},
		{Playbook: "beta", If: malware, Index: 0},
		{Playbook: "quiet", If: never},
		{Playbook: "first", If: severe, Priority: 10},
		{Playbook: "broken", If: broken},
		{Playbook: "none"},
	}
	value := map[string]any{"category": "malware", "severity": int64(4), "hosts": []any{}}
	for name, tc := range map[string]struct {
		alert trigger.Alert
		want  string
	}{
		"a new alert":               {trigger.Alert{Value: value}, "first/0 beta/0 beta/1 broken/0! zeta/0"},
		"a repeat":                  {trigger.Alert{Value: value, Repeat: true}, "beta/1"},
		"a mild one":                {trigger.Alert{Value: map[string]any{"category": "malware", "severity": int64(1), "hosts": []any{}}}, "beta/0 broken/0! zeta/0"},
		"one that a run made":       {trigger.Alert{Value: value, Depth: 2}, "first/0 beta/0 beta/1 broken/0! zeta/0"},
		"one of depth three":        {trigger.Alert{Value: value, Depth: 3}, ""},
		"one deeper than it can be": {trigger.Alert{Value: value, Depth: 9}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, h := range trigger.Match(tc.alert, all) {
				s := h.Playbook + "/" + strconv.Itoa(h.Index)
				if h.Err != nil {
					s += "!"
					if h.Err.Kind != fault.Expression || !strings.Contains(h.Err.Message, "trigger") {
						t.Errorf("%+v", h.Err)
					}
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(strings.Join(got, " "), tc.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}
