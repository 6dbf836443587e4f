package e2e

import (
	"slices"
	"testing"
)

const callingPolicy = `package tocsin.action

import rego.v1

approve contains {
	"rule": "called", "who": ["role:responder"], "not": ["starter"], "within": "6s", "reason": "somebody must look",
	"escalate": [{"after": "1s", "who": ["role:lead"]}],
} if {
	some t in input.targets
	startswith(t.value, "called")
}

limit contains {"rule": "tell", "notify": ["role:auditor"]} if {
	some t in input.targets
	startswith(t.value, "called")
}
`

// told finds what a person was told of a kind about something; nil where nothing.
func told(c *client, kind, object string) map[string]any {
	for _, x := range c.get("/notifications?limit=200").list("items") {
		n, _ := x.(map[string]any)
		if n["kind"] == kind && walk(n, "object", "id") == object {
			return n
		}
	}
	return nil
}

// TestContractNotifications holds the server to what the pages say of telling people:
// the API, escalation, a policy's notify and tocsin.notify.
func TestContractNotifications(t *testing.T) {
	w := newWorld(t, standard.with(files{
		"policies/lab/calling.rego": callingPolicy,
		"playbooks/tell.yaml": `name: Tell somebody
on:
  - manual: {}
inputs:
  text: { type: string }
steps:
  - id: tell
    action: tocsin.notify
    with: { to: ["role:auditor", "user:nobody"], title: "${{ inputs.text }}", text: "<b>not bold</b>" }
`,
	}))

	t.Run("those who may decide are told, escalation asks more people, and a decision settles it", func(t *testing.T) {
		w.use(t)
		auditor := w.person(t, "auditor") // what was told before an account was made is no concern of it
		host := unique("called")
		run := w.run(t, w.people["admin"], "contain", map[string]any{"host": host})
		a := w.pending(t, run.text("id"))
		id := a.text("id")
		n := told(w.person(t, "responder"), "approval_waiting", id)
		if n == nil {
			t.Fatal("a responder was not told")
		}
		has(t, "a notification", n, "id kind at title text object run step alert until read over")
		if n["read"] != false || n["over"] != false || walk(n, "object", "kind") != "approval" || n["run"] != run.text("id") {
			t.Errorf("got %v", n)
		}
		if told(w.person(t, "viewer"), "approval_waiting", id) != nil {
			t.Error("a viewer was told")
		}
		lead := w.person(t, "lead")
		eventually(t, "the lead is asked", func() bool { return told(lead, "approval_escalated", id) != nil })
		if got := lead.get("/approvals/" + id); got.text("escalated", 0, "at") == "" || !slices.Contains(got.list("required", 0, "who"), any("role:lead")) {
			t.Errorf("the request does not say who was added when: %s", got.raw)
		}
		decide(lead, a, "deny", "not now").want(t, 200)
		if got := told(lead, "approval_escalated", id); got["over"] != true {
			t.Errorf("after the decision: %v", got)
		}
		eventually(t, "the journal has it", func() bool {
			for _, e := range w.people["admin"].get("/runs/" + run.text("id") + "/journal").list("items") {
				if walk(e, "kind") == "escalated" {
					return true
				}
			}
			return false
		})
		if got := w.people["admin"].get("/audit?verb=approval.escalate&object=" + id); len(got.list("items")) != 1 {
			t.Errorf("audit: %s", got.raw)
		}
		if n := told(auditor, "policy", run.text("id")); n == nil {
			t.Error("whom the policy's notify names was not told")
		}
	})
	t.Run("a playbook tells people, and its text stays text", func(t *testing.T) {
		w.use(t)
		auditor := w.person(t, "auditor")
		title := unique("told") + " ${{ alert.title }} <script>"
		run := w.end(t, w.run(t, w.people["admin"], "tell", map[string]any{"text": title}).text("id"))
		if told := walk(run.step("tell"), "output", "told"); run.text("status") != "succeeded" || told == nil || told == 0.0 {
			t.Fatalf("got %s", run.raw)
		}
		n := told(auditor, "note", run.text("id"))
		if n == nil || n["title"] != title || n["text"] != "<b>not bold</b>" {
			t.Errorf("got %v", n)
		}
	})
	t.Run("reading is one's own, and the list has unread ones first", func(t *testing.T) {
		w.use(t)
		auditor := w.person(t, "auditor")
		for range 2 {
			w.end(t, w.run(t, w.people["admin"], "tell", map[string]any{"text": unique("read")}).text("id"))
		}
		list := auditor.get("/notifications?limit=1").want(t, 200)
		if len(list.list("items")) != 1 || list.text("next") == "" {
			t.Fatalf("got %s", list.raw)
		}
		unread, _ := list.at("unread").(float64)
		newest := list.text("items", 0, "id")
		left := auditor.post("/notifications/read", map[string]any{"ids": []string{newest}}).want(t, 200)
		if left.at("unread") != unread-1 {
			t.Errorf("unread was %v: %s", unread, left.raw)
		}
		if got := auditor.get("/notifications?limit=1").text("items", 0, "id"); got == newest {
			t.Error("a read one stands before an unread one")
		}
		if got := auditor.post("/notifications/read", map[string]any{"all": true}).want(t, 200); got.at("unread") != 0.0 {
			t.Errorf("all: %s", got.raw)
		}
		if got := auditor.get("/notifications?unread=true"); len(got.list("items")) != 0 {
			t.Errorf("unread: %s", got.raw)
		}
		auditor.post("/notifications/read", map[string]any{"ids": []string{"x"}}).refused(t, 400, "bad_request")
		auditor.post("/notifications/read", map[string]any{}).refused(t, 400, "bad_request")
		auditor.do("GET", "/api/v1/notifications?cursor=x", nil).refused(t, 400, "bad_cursor")
	})
}
