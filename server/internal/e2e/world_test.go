package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// world is a server on the standard workspace with a stub outside.
type world struct {
	*server
	stub      *stub
	workspace string
	people    map[string]*client // admin, and one for each role
}

var serial atomic.Int64 // makes names that no other test uses

func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, serial.Add(1)) }

// newWorld starts one. people are added by the command line: who, with which role.
func newWorld(t *testing.T, f files, env ...string) *world {
	t.Helper()
	w := &world{stub: newStub(t), people: map[string]*client{}}
	w.workspace = f.write(t, w.stub.URL)
	w.server = start(t, setup{workspace: w.workspace, env: append(append([]string{}, standardEnv...), env...)})
	w.people["admin"] = w.admin()
	return w
}

// person gives the client of somebody with this role, added when first asked for.
// Two people of a role are "responder" and "responder2".
func (w *world) person(t *testing.T, role string) *client {
	t.Helper()
	if c, ok := w.people[role]; ok {
		c.t = t
		return c
	}
	name := "the-" + role
	w.people["admin"].post("/users", map[string]any{"name": name, "roles": []string{strings.TrimRight(role, "0123456789")}}).want(t, 201)
	link := w.people["admin"].post("/users/"+name+"/link", nil).want(t, 201).text("url")
	c := w.guest()
	c.post("/session/link", map[string]any{"token": linkToken(t, link), "password": "a long enough password 7"}).want(t, 200, 201, 204)
	w.people[role] = c
	return c
}

// use lets a test of a group speak through this world: failures become its own.
func (w *world) use(t *testing.T) {
	t.Helper()
	old := w.t
	w.t = t
	t.Cleanup(func() { w.t = old })
	for _, c := range w.people {
		c.t = t
	}
}

// sign gives the headers of a delivery in the style tocsin.
func sign(secret, body string, at time.Time) []string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + body))
	return []string{"X-Timestamp", stamp, "X-Signature", "sha256=" + hex.EncodeToString(mac.Sum(nil))}
}

// alertBody is a generic alert as JSON.
func alertBody(id, category, severity, host string) string {
	raw, err := json.Marshal(map[string]any{
		"source_id": id, "title": "Something on " + host, "category": category, "severity": severity,
		"hosts": []any{map[string]any{"name": host}},
	})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// send posts a signed alert to the source edr and gives the answer.
func (w *world) send(body string, header ...string) reply {
	return w.guest().do("POST", "/hooks/edr", body, append(sign(edrSecret, body, time.Now()), header...)...)
}

// alert sends a new one and gives its id and its runs.
func (w *world) alert(t *testing.T, category, severity, host string) (string, []string) {
	t.Helper()
	r := w.send(alertBody(unique("a"), category, severity, host)).want(t, 202)
	var runs []string
	for _, id := range r.list("runs") {
		runs = append(runs, fmt.Sprint(id))
	}
	return r.text("alerts", 0, "id"), runs
}

// run starts a playbook by hand, waits until it has ended or waits for somebody,
// and gives the run.
func (w *world) run(t *testing.T, who *client, playbook string, inputs map[string]any) reply {
	t.Helper()
	r := who.post("/playbooks/"+playbook+"/runs", map[string]any{"inputs": inputs}).want(t, 200, 201, 202)
	return w.settle(t, r.text("id"))
}

// settle waits until a run has ended or waits for somebody, and gives it.
func (w *world) settle(t *testing.T, id string) reply {
	t.Helper()
	var r reply
	eventually(t, "the run "+id+" ends or waits", func() bool {
		r = w.people["admin"].get("/runs/" + id)
		switch r.text("status") {
		case "succeeded", "failed", "cancelled":
			return true
		case "waiting":
			kind := r.text("waiting", 0, "kind")
			return kind != "" && kind != "timer"
		}
		return false
	})
	return r
}

// end waits until a run has ended and gives it.
func (w *world) end(t *testing.T, id string) reply {
	t.Helper()
	var r reply
	eventually(t, "the run "+id+" ends", func() bool {
		r = w.people["admin"].get("/runs/" + id)
		return r.at("ended_at") != nil
	})
	return r
}

// step finds a step of a run by its path.
func (r reply) step(path string) map[string]any {
	for _, s := range r.list("steps") {
		if m, ok := s.(map[string]any); ok && m["path"] == path {
			return m
		}
	}
	return map[string]any{}
}

// pending waits for the approval of a run and gives it.
func (w *world) pending(t *testing.T, run string) reply {
	t.Helper()
	var id string
	eventually(t, "an approval of "+run+" waits", func() bool {
		for _, a := range w.people["admin"].get("/approvals?status=pending&limit=200").list("items") {
			if walk(a, "run") == run {
				id, _ = walk(a, "id").(string)
			}
		}
		return id != ""
	})
	return w.people["admin"].get("/approvals/" + id)
}

// decide votes on exactly what is shown.
func decide(c *client, approval reply, decision, comment string) reply {
	c.t.Helper()
	return c.post("/approvals/"+approval.text("id")+"/decision", map[string]any{
		"decision": decision, "digest": approval.text("digest"), "comment": comment,
	})
}
