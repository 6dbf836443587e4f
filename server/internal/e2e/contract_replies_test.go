package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestContractReplies holds the server to the table of what an HTTP reply means.
func TestContractReplies(t *testing.T) {
	w := newWorld(t, standard)
	for name, tc := range map[string]struct{ how, kind string }{
		"429 did nothing":              {"429", "rate_limited"},
		"503 with Retry-After nothing": {"busy", "unavailable"},
		"400 nothing":                  {"400", "invalid_input"},
		"401 nothing":                  {"401", "unauthorized"},
		"403 nothing":                  {"403", "forbidden"},
		"404 nothing":                  {"404", "not_found"},
		"409 nothing":                  {"409", "conflict"},
		"a redirect is not followed":   {"elsewhere", "redirect_refused"},
	} {
		t.Run("a write: "+name, func(t *testing.T) {
			w.use(t)
			before := len(w.stub.arrivals("/reply/" + tc.how))
			r := w.run(t, w.people["admin"], "send", map[string]any{"how": tc.how})
			step := r.step("send")
			if r.text("status") != "failed" || step["status"] != "failed" || walk(step, "error", "kind") != tc.kind {
				t.Errorf("got %s, want it failed with %s", r.raw, tc.kind)
			}
			if got := len(w.stub.arrivals("/reply/"+tc.how)) - before; got != 1 {
				t.Errorf("sent %d times, want once", got)
			}
			if len(w.stub.arrivals("/redirected")) != 0 {
				t.Error("the redirect was followed")
			}
		})
	}
	for name, how := range map[string]string{
		"408": "408", "500": "500", "503 without Retry-After": "503", "cut after it was sent": "cut", "timed out after it was sent": "slow",
	} {
		t.Run("a write of unknown outcome is in doubt and not sent again: "+name, func(t *testing.T) {
			w.use(t)
			before := len(w.stub.arrivals("/reply/" + how))
			r := w.run(t, w.people["admin"], "send", map[string]any{"how": how})
			if r.text("status") != "waiting" || r.text("waiting", 0, "kind") != "in_doubt" || r.step("send")["status"] != "in_doubt" {
				t.Errorf("got %s", r.raw)
			}
			if got := len(w.stub.arrivals("/reply/"+how)) - before; got != 1 {
				t.Errorf("sent %d times, want once", got)
			}
		})
	}
	for name, tc := range map[string]struct {
		how, kind string
		sent      int
	}{
		// of a cut read the transport may have sent one more by itself
		"a read of unknown outcome is repeated": {"500", "unavailable", 2},
		"a cut read is repeated":                {"cut", "unavailable", 2},
		"a read that fails for good is not":     {"404", "not_found", 1},
		"a reply that is too large":             {"large", "too_large", 1},
	} {
		t.Run("a read: "+name, func(t *testing.T) {
			w.use(t)
			before := len(w.stub.arrivals("/reply/" + tc.how))
			r := w.run(t, w.people["admin"], "get", map[string]any{"how": tc.how})
			if r.text("status") != "failed" || walk(r.step("get"), "error", "kind") != tc.kind || walk(r.step("get"), "attempts") != float64(tc.sent) {
				t.Errorf("got %s, want %s after %d attempts", r.raw, tc.kind, tc.sent)
			}
			if got := len(w.stub.arrivals("/reply/"+tc.how)) - before; got < tc.sent || got > tc.sent && tc.how != "cut" {
				t.Errorf("sent %d times, want %d", got, tc.sent)
			}
		})
	}
	t.Run("2xx that does not fit: a read fails bad_reply, a write happened and is in doubt", func(t *testing.T) {
		w.use(t)
		read := w.run(t, w.people["admin"], "unfit-read", map[string]any{})
		if walk(read.step("strict"), "error", "kind") != "bad_reply" {
			t.Errorf("read: got %s", read.raw)
		}
		write := w.run(t, w.people["admin"], "unfit", map[string]any{})
		if write.text("status") != "waiting" || write.step("strict")["status"] != "in_doubt" {
			t.Errorf("write: got %s", write.raw)
		}
	})
	t.Run("no connection: nothing was sent, unavailable", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "nobody", map[string]any{})
		if r.text("status") != "failed" || walk(r.step("send"), "error", "kind") != "unavailable" {
			t.Errorf("got %s", r.raw)
		}
	})
	t.Run("a loopback address that no connection allows: egress_denied, nothing arrives", func(t *testing.T) {
		w.use(t)
		before := len(w.stub.arrivals("/"))
		r := w.run(t, w.people["admin"], "fenced", map[string]any{})
		if r.text("status") != "failed" || walk(r.step("get"), "error", "kind") != "egress_denied" {
			t.Errorf("got %s", r.raw)
		}
		if len(w.stub.arrivals("/")) != before {
			t.Error("the call arrived")
		}
	})
	t.Run("http.send carries an Idempotency-Key; output is status, headers and parsed body", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "send", map[string]any{"how": "201"})
		has(t, "the output", r.step("send")["output"], "status headers body")
		if walk(r.step("send"), "output", "status") != 201.0 || walk(r.step("send"), "output", "body", "status") != 201.0 {
			t.Errorf("got %s", r.raw)
		}
		sent := w.stub.arrivals("/reply/201")
		if key := sent[len(sent)-1].key; len(key) != 32 {
			t.Errorf("key: got %q, want 32 hex digits", key)
		}
	})
	t.Run("a path is one segment, whatever the value holds", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "get", map[string]any{"how": "../../lab/hosts/x?y#z"})
		for _, a := range w.stub.arrivals("/lab/hosts/x") {
			t.Errorf("the value left its segment: %s", a.path)
		}
		for _, bad := range []string{"", ".", ".."} {
			b := w.run(t, w.people["admin"], "get", map[string]any{"how": bad})
			if walk(b.step("get"), "error", "kind") != "invalid_input" {
				t.Errorf("%q: got %s", bad, b.raw)
			}
		}
		if r.text("status") == "waiting" {
			t.Errorf("got %s", r.raw)
		}
	})
	t.Run("no credential appears in a run, a journal, an error or the log", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "note-it", map[string]any{"text": "canary"})
		journal := w.people["admin"].get("/runs/" + r.text("id") + "/journal")
		for what, text := range map[string]string{"the run": string(r.raw), "the journal": string(journal.raw), "the log": w.logged()} {
			if strings.Contains(text, labToken) {
				t.Errorf("%s holds the credential", what)
			}
		}
		sent := w.stub.arrivals("/apply")
		if got := sent[len(sent)-1].header.Get("Authorization"); got != "Bearer "+labToken {
			t.Errorf("the stub got %q", fmt.Sprint(len(got), " characters"))
		}
	})
}
