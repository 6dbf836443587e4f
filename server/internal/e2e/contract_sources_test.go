package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestContractSources holds the server to "/sources likewise": sources are made,
// changed and deleted as connections are, and their secret is shown once.
func TestContractSources(t *testing.T) {
	w := newWorld(t, standard)
	engineer := w.person(t, "engineer")

	t.Run("a source is made with a secret that is shown once, and takes alerts", func(t *testing.T) {
		w.use(t)
		made := engineer.do("POST", "/api/v1/sources", map[string]any{"name": "made", "mapping": "generic", "auth": "hmac", "style": "tocsin"}).want(t, 201)
		secret := made.text("secret")
		if len(secret) < 16 || made.text("source", "name") != "made" {
			t.Fatalf("got %s", made.raw)
		}
		one := engineer.get("/sources/made")
		has(t, "a source", one.json, "name mapping auth disabled managed_by version spec")
		if strings.Contains(string(one.raw), secret) || strings.Contains(string(engineer.get("/sources").raw), secret) {
			t.Error("the secret is shown a second time")
		}
		body := `{"source_id":"` + unique("made") + `","title":"made","severity":"low"}`
		post := func(with string) int {
			return w.guest().do("POST", "/hooks/made", body, sign(with, body, time.Now())...).status
		}
		if got := post(secret); got != 202 {
			t.Errorf("with its secret: %d", got)
		}
		if got := post("another secret that is long"); got != 401 {
			t.Errorf("with another secret: %d", got)
		}
		added := engineer.do("PUT", "/api/v1/sources/made", map[string]any{"name": "made", "mapping": "generic", "auth": "hmac", "style": "tocsin", "rotation": "add"}).want(t, 200)
		if a, b := post(secret), post(added.text("secret")); a != 202 || b != 202 {
			t.Errorf("while the secret is changed: the old one %d, the new one %d", a, b)
		}
		last := engineer.do("PUT", "/api/v1/sources/made", map[string]any{"name": "made", "mapping": "generic", "auth": "hmac", "style": "tocsin", "rotation": "replace"}).want(t, 200)
		if a, b := post(secret), post(last.text("secret")); a != 401 || b != 202 {
			t.Errorf("after it was replaced: the old one %d, the new one %d", a, b)
		}
		engineer.do("DELETE", "/api/v1/sources/made", nil).want(t, 204)
		if got := post(last.text("secret")); got != 401 {
			t.Errorf("a deleted source answers %d", got)
		}
		engineer.do("GET", "/api/v1/sources/made", nil).refused(t, 404, "not_found")
	})
	t.Run("what a file brings is managed there, and nobody overwrites another's change", func(t *testing.T) {
		w.use(t)
		engineer.do("PUT", "/api/v1/sources/edr", map[string]any{"name": "edr", "mapping": "generic", "auth": "bearer", "rotation": "replace"}).refused(t, 409, "managed_by_files")
		engineer.do("DELETE", "/api/v1/sources/edr", nil).refused(t, 409, "managed_by_files")
		engineer.do("POST", "/api/v1/sources", map[string]any{"name": "edr", "mapping": "generic", "auth": "bearer"}).refused(t, 409, "managed_by_files")
		wish := map[string]any{"name": "twice", "mapping": "generic", "auth": "bearer"}
		engineer.do("POST", "/api/v1/sources", wish).want(t, 201)
		engineer.do("POST", "/api/v1/sources", wish).refused(t, 409, "exists")
		tag := engineer.get("/sources/twice").header.Get("ETag")
		engineer.do("PUT", "/api/v1/sources/twice", wish, "If-Match", tag).want(t, 200)
		engineer.do("PUT", "/api/v1/sources/twice", wish, "If-Match", tag).refused(t, 412, "precondition_failed")
	})
	t.Run("a mistake is refused at its field", func(t *testing.T) {
		w.use(t)
		r := engineer.do("POST", "/api/v1/sources", map[string]any{"name": "wrong", "mapping": "nobody", "auth": "bearer"})
		if r.status != 400 || r.text("errors", 0, "at") != "/mapping" {
			t.Errorf("got %d %s", r.status, r.raw)
		}
	})
	t.Run("a mapping is tried on a payload and nothing is stored", func(t *testing.T) {
		w.use(t)
		r := engineer.do("POST", "/api/v1/sources/test", map[string]any{"mapping": "generic", "payload": `{"title":"<b>tried</b>","severity":"high"}`}).want(t, 200)
		if r.text("alerts", 0, "alert", "title") != "<b>tried</b>" || r.text("alerts", 0, "alert", "severity") != "high" {
			t.Errorf("got %s", r.raw)
		}
		if got := engineer.get("/alerts?q=tried").list("items"); len(got) != 0 {
			t.Errorf("it was stored: %v", got)
		}
		engineer.do("POST", "/api/v1/sources/test", map[string]any{"mapping": "generic", "payload": "{"}).refused(t, 400, "bad_json")
		engineer.do("POST", "/api/v1/sources/edr/test", map[string]any{"payload": `{"events":[]}`}).want(t, 200)
	})
	t.Run("who may not edit sources is refused", func(t *testing.T) {
		w.use(t)
		w.person(t, "responder").do("POST", "/api/v1/sources", map[string]any{"name": "no", "mapping": "generic", "auth": "bearer"}).refused(t, 403, "forbidden")
	})
}
