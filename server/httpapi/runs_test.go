package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/engine"
)

func TestARunThatIsWaitedForIsAnsweredWhenItIsOver(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	go func() {
		for range 50 { // until the request has begun
			w.house.mu.Lock()
			begun := len(w.starts) > 0
			w.house.mu.Unlock()
			if begun {
				break
			}
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // polls a condition, bounded
		}
		w.house.mu.Lock()
		w.run.Status = engine.RunSucceeded
		w.house.mu.Unlock()
		w.commit(change(1, "alert"), change(2, "run"))
	}()
	got := w.ask(http.MethodPost, "/api/v1/playbooks/isolate/runs?wait=30s", `{}`, root)
	var r engine.Run
	if err := json.Unmarshal([]byte(got.body), &r); err != nil || got.StatusCode != http.StatusOK || r.Status != engine.RunSucceeded {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}

func TestARunThatTakesLongerIsAnsweredAsItIs(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	for query, want := range map[string]int{"": 202, "?wait=50ms": 202, "?wait=61s": 400, "?wait=-1s": 400, "?wait=30": 400} {
		got := w.ask(http.MethodPost, "/api/v1/playbooks/isolate/runs"+query, `{"alert":"`+alertID+`"}`, root)
		if got.StatusCode != want || want == 202 && !strings.Contains(got.body, `"status":"running"`) {
			t.Errorf("%q: got %d %s", query, got.StatusCode, got.body)
		}
	}
}

func TestTriageIsWrittenDownAndClosingNeedsAReason(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	path := "/api/v1/alerts/" + alertID
	for body, want := range map[string]int{
		`{"status":"closed"}`: 400, `{"status":"closed","reason":" x"}`: 200, `{"status":"Closed"}`: 400, `{"verdict":"evil"}`: 400, `{"verdict":null}`: 200,
		`{"owner":"Not A Name"}`: 400, `{"owner":"jana"}`: 200, `{"owner":""}`: 200, `{}`: 200, `{"reason":"` + strings.Repeat("x", 2001) + `"}`: 400,
		`{"severity":"low"}`: 400, `{"title":"x"}`: 400,
	} {
		w.house.mu.Lock()
		w.alert = alert.Alert{ID: alertID, Status: alert.New}
		w.house.mu.Unlock()
		if got := w.ask(http.MethodPatch, path, body, root); got.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", body, got.StatusCode, got.body, want)
		}
	}
	before := w.changed()
	if w.ask(http.MethodPatch, path, `{}`, root); w.changed() != before {
		t.Error("an edit without a change left an entry")
	}
}

func TestTheActorOfAnActIsWhoeverAsked(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Admin, account.Responder)
	w.ask(http.MethodPost, "/api/v1/runs/"+runID+"/cancel", `{}`, root)
	if a := w.actor; a.Kind != "user" || a.Name != "root" || a.Auth != "password" || a.IP != "127.0.0.1" || strings.Join(a.Roles, " ") != "admin responder" {
		t.Errorf("got %+v", a)
	}
	w.ask(http.MethodPost, "/api/v1/runs/"+runID+"/cancel", `{}`, w.token("root", "operate"))
	if a := w.actor; a.Kind != "token" || a.Name != "root" || a.Auth != "token" || !strings.HasPrefix(a.ID, "tok_") {
		t.Errorf("got %+v", a)
	}
}
