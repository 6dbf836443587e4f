package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestContractPolicies holds the server to the page's chapter on policy modules:
// what is wrong is refused with its place, and the old policy stays.
func TestContractPolicies(t *testing.T) {
	w := newWorld(t, standard.with(files{"policies/lab/lab.rego": quickPolicy}))
	module := filepath.Join(w.workspace, "policies/lab/lab.rego")
	revision := func() string {
		for _, name := range []string{"revision"} {
			if r := w.people["admin"].get("/policies").text(name); r != "" {
				return r
			}
		}
		t.Fatal("the policies have no revision")
		return ""
	}
	first := revision()
	denied := func() bool {
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("museum")})
		return walk(r.step("isolate"), "error", "kind") == "denied"
	}

	for name, tc := range map[string]struct{ text, says string }{
		"a module that does not compile": {"package tocsin.action\n\nimport rego.v1\n\ndeny contains {", ""},
		"a misspelt field":               {strings.Replace(quickPolicy, "input.targets", "input.tragets", 1), "tragets"},
		"a misspelt rule head":           {strings.Replace(quickPolicy, "deny contains", "denny contains", 1), "denny"},
		"input read by a variable":       {quickPolicy + "\ndeny contains {\"rule\": \"v\", \"reason\": \"x\"} if {\n\tsome k in [\"actor\"]\n\tinput[k]\n}\n", "input"},
		"walk over input":                {quickPolicy + "\ndeny contains {\"rule\": \"v\", \"reason\": \"x\"} if {\n\twalk(input, [_, \"secret\"])\n}\n", "input"},
		"object.get of input":            {quickPolicy + "\ndeny contains {\"rule\": \"v\", \"reason\": \"x\"} if object.get(input, \"actor\", null) == null\n", "input"},
		"http.send":                      {quickPolicy + "\ndeny contains {\"rule\": \"v\", \"reason\": \"x\"} if http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1\"}).status_code == 200\n", "http.send"},
		"a default allow":                {"package tocsin.action\n\nimport rego.v1\n\ndefault allow := true\n", ""},
	} {
		t.Run("refused, and the old one stays: "+name, func(t *testing.T) {
			w.use(t)
			put(t, module, tc.text)
			eventually(t, "the problem is shown", func() bool {
				text := string(w.people["admin"].get("/problems").raw)
				return strings.Contains(text, "lab.rego") && strings.Contains(text, tc.says)
			})
			if got := revision(); got != first {
				t.Errorf("revision: got %s, want %s", got, first)
			}
			if !denied() {
				t.Error("the old rule does not hold any more")
			}
			put(t, module, quickPolicy)
			eventually(t, "the problem is gone", func() bool {
				return !strings.Contains(string(w.people["admin"].get("/problems").raw), "lab.rego")
			})
		})
	}
	t.Run("a member that does not fit is deny bad_rule", func(t *testing.T) {
		w.use(t)
		put(t, filepath.Join(w.workspace, "policies/lab/bad.rego"), `package tocsin.action

import rego.v1

allow contains {"rule": "half", "raeson": "x"} if {
	some t in input.targets
	startswith(t.value, "half")
}
`)
		eventually(t, "the revision changes", func() bool { return revision() != first })
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("half")})
		d := w.person(t, "lead").get("/decisions/" + fmt.Sprint(r.step("isolate")["decision"]))
		if d.text("outcome") != "deny" || !strings.Contains(fmt.Sprint(d.at("reasons")), "bad_rule") {
			t.Errorf("got %s", d.raw)
		}
	})
	t.Run("no member at all is deny no_rule", func(t *testing.T) {
		w.use(t)
		put(t, filepath.Join(w.workspace, "policies/data.yaml"), "disabled: [reads, shipped/reads]\n")
		var d reply
		eventually(t, "a read has no rule", func() bool {
			r := w.run(t, w.people["admin"], "get", map[string]any{"how": "200"})
			if r.text("status") != "failed" {
				return false
			}
			d = w.person(t, "lead").get("/decisions/" + fmt.Sprint(r.step("get")["decision"]))
			return true
		})
		if d.text("outcome") != "deny" || !strings.Contains(fmt.Sprint(d.at("reasons")), "no_rule") {
			t.Errorf("got %s", d.raw)
		}
	})
	t.Run("shipped rules speak with the prefix shipped/", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("prefix")})
		a := w.pending(t, r.text("id"))
		if !strings.Contains(fmt.Sprint(a.at("required")), "shipped/") {
			t.Errorf("got %v", a.at("required"))
		}
	})
}
