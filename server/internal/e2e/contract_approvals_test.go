package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// quickPolicy makes some targets special: silence ends soon, no undo window, a
// lease that is cut, nothing sent.
const quickPolicy = `package tocsin.action

import rego.v1

approve contains {"rule": "quick", "who": ["role:responder"], "within": "2s", "reason": "this host cannot wait"} if {
	some t in input.targets
	startswith(t.value, "quick")
}

limit contains {"rule": "short", "max_for": "1h"} if {
	some t in input.targets
	startswith(t.value, "lease")
}

limit contains {"rule": "dry", "dry_run": true} if {
	some t in input.targets
	startswith(t.value, "dry")
}

deny contains {"rule": "museum", "reason": "museum pieces are not touched"} if {
	some t in input.targets
	startswith(t.value, "museum")
}
`

// TestContractApprovals holds the server to what the page says of approvals and
// effects.
func TestContractApprovals(t *testing.T) {
	w := newWorld(t, standard.with(files{
		"policies/lab/lab.rego": quickPolicy,
		"playbooks/lease.yaml": `name: Contain for a while
on:
  - manual: {}
inputs:
  host: { type: string }
steps:
  - id: isolate
    action: lab.isolate
    with: { host: "${{ inputs.host }}" }
    for: 4h
`,
	}))
	responder := func(t *testing.T) *client {
		t.Helper()
		return w.person(t, "responder")
	}

	t.Run("a contain action waits for a responder and shows what will be sent", func(t *testing.T) {
		w.use(t)
		id, started := w.alert(t, "malware", "critical", "ws-1")
		r := w.settle(t, started[0])
		if r.text("status") != "waiting" || r.text("waiting", 0, "kind") != "approval" || r.text("waiting", 0, "text") == "" || r.text("alert") != id {
			t.Fatalf("got %s", r.raw)
		}
		a := w.pending(t, started[0])
		has(t, "an approval", a.json, `id kind status digest preimage run step occurrence action impact connection params targets reasons
			required votes deadline otherwise held_until inverse lease_seconds form`)
		if a.text("kind") != "action" || a.text("status") != "pending" || a.text("action") != "lab.isolate" || a.text("impact") != "contain" ||
			a.text("step") != "if1/isolate" || a.text("params", "host") != "ws-1" || a.text("targets", 0, "value") != "ws-1" ||
			a.text("targets", 0, "kind") != "host" || a.text("connection") != "lab" || a.at("lease_seconds") != 14400.0 || a.text("inverse", "action") == "" {
			t.Errorf("got %s", a.raw)
		}
		has(t, "a requirement", a.at("required", 0), "rule who quorum not met")
		sum := sha256.Sum256([]byte(a.text("preimage")))
		if want := "sha256:" + hex.EncodeToString(sum[:]); a.text("digest") != want {
			t.Errorf("digest: got %s, want that of the preimage, %s", a.text("digest"), want)
		}
		if w.stub.isolated("ws-1") {
			t.Error("the host is isolated before anybody said yes")
		}

		decide(w.person(t, "viewer"), a, "approve", "").refused(t, 403, "not_entitled")
		responder(t).post("/approvals/"+a.text("id")+"/decision", map[string]any{"decision": "approve", "digest": "sha256:" + fmt.Sprintf("%064d", 0)}).refused(t, 409, "digest_changed")

		yes := decide(responder(t), a, "approve", "seen").want(t, 200)
		held, err := time.Parse(time.RFC3339, yes.text("held_until"))
		if err != nil || time.Until(held) < time.Second || time.Until(held) > 9*time.Second {
			t.Errorf("held_until: got %q, want about 8 s from now", yes.text("held_until"))
		}
		responder(t).post("/approvals/"+a.text("id")+"/withdraw", nil).want(t, 200)
		if got := w.people["admin"].get("/approvals/" + a.text("id")).text("status"); got != "pending" && got != "withdrawn" {
			t.Errorf("after the withdrawal: got %q", got)
		}
		time.Sleep(time.Until(held) + 300*time.Millisecond) // the window that would have ended
		if w.stub.isolated("ws-1") {
			t.Error("a withdrawn approval was acted on")
		}
	})
	t.Run("a yes acts after the window, registers the effect, and a second click changes nothing", func(t *testing.T) {
		w.use(t)
		host := unique("yes")
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		a := w.pending(t, run.text("id"))
		decide(w.people["admin"], a, "approve", "I started it").want(t, 200, 403) // the starter's yes does not count
		decide(responder(t), a, "approve", "").want(t, 200)
		eventually(t, host+" is isolated", func() bool { return w.stub.isolated(host) })
		if got := w.end(t, run.text("id")); got.text("status") != "succeeded" {
			t.Errorf("got %s", got.raw)
		}
		decide(responder(t), a, "approve", "").refused(t, 409, "already_decided")
		e := w.effect(t, host)
		has(t, "an effect", e, "id key action connection targets status holds since until inverse ended_by")
		has(t, "a hold", walk(e, "holds", 0), "run step until approved_by")
		if walk(e, "status") != "in_force" || walk(e, "action") != "lab.isolate" || walk(e, "inverse", "action") == nil || walk(e, "holds", 0, "run") != run.text("id") {
			t.Errorf("got %v", e)
		}
	})
	t.Run("a no ends the step with approval_denied", func(t *testing.T) {
		w.use(t)
		host := unique("no")
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		decide(responder(t), w.pending(t, run.text("id")), "deny", "not this one").want(t, 200)
		got := w.end(t, run.text("id"))
		if got.text("status") != "failed" || walk(got.step("isolate"), "error", "kind") != "approval_denied" || w.stub.isolated(host) {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("silence is a no: approval_expired", func(t *testing.T) {
		w.use(t)
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("quick")})
		a := w.pending(t, run.text("id"))
		eventually(t, "the deadline passes", func() bool {
			return w.people["admin"].get("/runs/"+run.text("id")).text("status") == "failed"
		})
		got := w.people["admin"].get("/runs/" + run.text("id"))
		if walk(got.step("isolate"), "error", "kind") != "approval_expired" || w.people["admin"].get("/approvals/"+a.text("id")).text("status") != "expired" {
			t.Errorf("got %s", got.raw)
		}
		if late := decide(responder(t), a, "approve", "too late").want(t, 409); late.text("code") != "expired" && late.text("code") != "already_decided" {
			t.Errorf("got %s", late.raw)
		}
	})
	t.Run("a critical target needs two, one person fills one slot", func(t *testing.T) {
		w.use(t)
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": "crown-1"})
		a := w.pending(t, run.text("id"))
		decide(responder(t), a, "approve", "").want(t, 200)
		if got := w.people["admin"].get("/approvals/" + a.text("id")); got.text("status") != "pending" {
			t.Errorf("after one vote: got %s", got.raw)
		}
		decide(w.person(t, "responder2"), a, "approve", "").want(t, 200)
		eventually(t, "crown-1 is isolated", func() bool { return w.stub.isolated("crown-1") })
	})
	t.Run("a protected target is denied, by its alias too", func(t *testing.T) {
		w.use(t)
		for _, host := range []string{"dc-1", "DC-1"} {
			run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
			if run.text("status") != "failed" || walk(run.step("isolate"), "error", "kind") != "denied" || w.stub.isolated(host) {
				t.Errorf("%s: got %s", host, run.raw)
			}
		}
	})
	t.Run("a workspace's deny, its cut of the lease and its dry run hold", func(t *testing.T) {
		w.use(t)
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("museum")})
		if walk(run.step("isolate"), "error", "kind") != "denied" {
			t.Errorf("deny: got %s", run.raw)
		}
		lease := w.run(t, w.people["admin"], "lease", map[string]any{"host": unique("lease")})
		if got := w.pending(t, lease.text("id")).at("lease_seconds"); got != 3600.0 {
			t.Errorf("lease: got %v, want 3600", got)
		}
		host := unique("dry")
		dry := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		if dry.text("status") == "waiting" {
			decide(responder(t), w.pending(t, dry.text("id")), "approve", "").want(t, 200)
			eventually(t, "the dry run ends", func() bool { return w.people["admin"].get("/runs/"+dry.text("id")).text("status") == "succeeded" })
		}
		got := w.people["admin"].get("/runs/" + dry.text("id"))
		if got.step("isolate")["dry_run"] != true || w.stub.isolated(host) || walk(got.step("isolate"), "output", "host") != "ws-1" {
			t.Errorf("dry run: got %s", got.raw)
		}
	})
	t.Run("POST /effects/{id}/undo asks, the same person confirms, and the host is free", func(t *testing.T) {
		w.use(t)
		host := unique("undo")
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		decide(responder(t), w.pending(t, run.text("id")), "approve", "").want(t, 200)
		eventually(t, "the effect stands", func() bool { return w.effect(t, host) != nil })
		id := fmt.Sprint(walk(w.effect(t, host), "id"))
		w.person(t, "analyst").post("/effects/"+id+"/undo", map[string]any{"reason": "x"}).refused(t, 403, "forbidden")
		asker := w.person(t, "responder2")
		asker.post("/effects/"+id+"/undo", map[string]any{"reason": "a false alarm"}).want(t, 200, 202)
		var request reply
		eventually(t, "the release asks for its confirmation", func() bool {
			for _, a := range asker.get("/approvals?status=pending&limit=200").list("items") {
				if walk(a, "action") == "lab.free" && walk(a, "params", "host") == host || walk(a, "targets", 0, "value") == host && walk(a, "impact") == "release" {
					request = asker.get("/approvals/" + fmt.Sprint(walk(a, "id")))
					return true
				}
			}
			return false
		})
		decide(asker, request, "approve", "").want(t, 200)
		eventually(t, host+" is free", func() bool { return !w.stub.isolated(host) })
		eventually(t, "the effect is undone", func() bool {
			e := w.effect(t, host)
			return walk(e, "status") == "undone" && walk(e, "ended_by") == "person"
		})
	})
	t.Run("what was there before is foreign and stays", func(t *testing.T) {
		w.use(t)
		host := unique("foreign")
		w.stub.mu.Lock()
		w.stub.state[host] = "isolated"
		w.stub.mu.Unlock()
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		decide(responder(t), w.pending(t, run.text("id")), "approve", "").want(t, 200)
		eventually(t, "the effect is foreign", func() bool { return walk(w.effect(t, host), "status") == "foreign" })
	})
	t.Run("a change of policy voids what it now denies, and keeps the rest waiting", func(t *testing.T) {
		w.use(t)
		stays, goes := unique("stays"), unique("goes")
		a := w.run(t, w.people["admin"], "contain", map[string]any{"host": stays})
		b := w.run(t, w.people["admin"], "contain", map[string]any{"host": goes})
		w.pending(t, a.text("id"))
		request := w.pending(t, b.text("id"))
		put(t, filepath.Join(w.workspace, "policies/lab/goes.rego"), `package tocsin.action

import rego.v1

deny contains {"rule": "goes", "reason": "no longer"} if {
	some t in input.targets
	startswith(t.value, "goes")
}
`)
		eventually(t, "the request is void", func() bool {
			return w.people["admin"].get("/approvals/"+request.text("id")).text("status") == "void"
		})
		if got := w.pending(t, a.text("id")).text("status"); got != "pending" {
			t.Errorf("the other: got %q", got)
		}
	})
}

// effect finds the newest effect on a target, nil where there is none.
func (w *world) effect(t *testing.T, target string) any {
	t.Helper()
	for _, e := range w.people["admin"].get("/effects?limit=200").list("items") {
		if walk(e, "targets", 0, "value") == target {
			return e
		}
	}
	return nil
}
