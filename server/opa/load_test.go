package opa_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/opa"
)

// bad is a rule with a condition that must not load.
func bad(condition string) map[string]string {
	return action(`deny contains {"rule": "x", "reason": "x"} if ` + condition)
}

// S066 and the ways in which Rego lets a mistake through.
func TestWhatMustNotLoad(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		code  string
	}{
		"the network":            {bad(`http.send({"method": "get", "url": "http://127.0.0.1"}).status_code == 200`), "rego_type_error"},
		"the environment":        {bad(`opa.runtime().env.PATH != ""`), "rego_type_error"},
		"a name server":          {bad(`count(net.lookup_ip_addr("example.org")) > 0`), "rego_type_error"},
		"the clock":              {bad(`time.now_ns() > 0`), "rego_type_error"},
		"dice":                   {bad(`rand.intn("x", 2) == 1`), "rego_type_error"},
		"a drawn name":           {bad(`uuid.rfc4122("x") != ""`), "rego_type_error"},
		"a range without end":    {bad(`count(numbers.range(1, 1000000000)) > 0`), "rego_type_error"},
		"text that grows":        {bad(`replace(input.action.id, "", input.action.id) != ""`), "rego_type_error"},
		"a trace":                {bad(`trace("x")`), "rego_type_error"},
		"a token's secret":       {bad(`io.jwt.decode(input.action.id)[0].alg == "none"`), "rego_type_error"},
		"a shell of a parser":    {bad(`rego.parse_module("x", input.action.id)`), "rego_type_error"},
		"a default that allows":  {action(`default allow := true`), "default_rule"},
		"a plain allow":          {action(`allow if input.action.impact == "read"`), "not_a_set"},
		"an allow that is true":  {action(`allow := true`), "not_a_set"},
		"an allow of one object": {action(`allow := {"rule": "x"} if input.action.impact == "read"`), "not_a_set"},
		"an allow by name":       {action(`allow[x] := true if { x := input.action.impact }`), "not_a_set"},
		"a nested set":           {action(`deny.hosts contains {"rule": "x", "reason": "y"} if input.action.impact == "read"`), "not_a_set"},
		"a misspelt head":        {action(`denny contains {"rule": "x", "reason": "y"} if input.action.impact == "read"`), "unknown_rule"},
		"a helper among rules":   {action("is_read if input.action.impact == \"read\""), "unknown_rule"},
		"a function among rules": {action("deny(x) := x"), "not_a_set"},

		"a misspelt field":              {bad(`input.action.impcat == "read"`), "unknown_field"},
		"one deep below":                {bad(`input.facts.made["10m"].by_impcat.contain > 1`), "unknown_field"},
		"one of a target":               {bad("{\n\tsome t in input.targets\n\tt.tagz == []\n}"), "unknown_field"},
		"one in a comprehension":        {bad(`count([1 | some t in input.targets; t.vlaue == "x"]) > 0`), "unknown_field"},
		"one in an every":               {bad("{\n\tevery t in input.targets { t.vlaue == \"x\" }\n}"), "unknown_field"},
		"one behind a variable":         {bad("{\n\ta := input.action\n\ta.impcat == \"read\"\n}"), "unknown_field"},
		"one behind a not":              {bad(`not input.playbook.reveiwed`), "unknown_field"},
		"one of a nullable alert":       {bad(`input.alert.sverity == "high"`), "unknown_field"},
		"one of a nullable effect":      {bad(`input.effect.holdz == []`), "unknown_field"},
		"one of an alert's hosts":       {bad("{\n\tsome h in input.alert.hosts\n\th.nmae == \"x\"\n}"), "unknown_field"},
		"one of the values":             {bad(`data.config.limits.contein.per_run > 1`), "unknown_field"},
		"one below a text":              {bad("{\n\tevery t in input.targets { t.value.x == 1 }\n}"), "unknown_field"},
		"a name behind an import":       {action("import input.action as a\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if a.impcat == 1"), "unknown_field"},
		"a number that is a word":       {bad(`input.action.impact == 3`), "rego_type_error"},
		"a severity that is a number":   {bad(`input.alert.severity == 4`), "rego_type_error"},
		"a computed name":               {bad("{\n\tk := \"impcat\"\n\tinput.action[k] == \"x\"\n}"), "computed_field"},
		"a computed name at the top":    {bad("{\n\tk := \"aciton\"\n\tinput[k]\n}"), "computed_field"},
		"any name":                      {bad(`input.action[_] == "x"`), "computed_field"},
		"an object.get of the input":    {bad(`object.get(input, "aciton", "") == ""`), "whole_input"},
		"an object.get of a part":       {bad(`object.get(input.action, "impcat", "") == ""`), "whole_object"},
		"one of a variable":             {bad("{\n\ta := input.action\n\tobject.get(a, \"impcat\", \"\") == \"\"\n}"), "whole_object"},
		"one of an element":             {bad("{\n\tsome t in input.targets\n\tobject.get(t, \"tagz\", []) == []\n}"), "whole_object"},
		"one of the values whole":       {bad(`object.get(data.config.limits, "contein", {}) == {}`), "whole_object"},
		"a walk":                        {bad("{\n\twalk(input, [path, value])\n\tvalue == \"x\"\n}"), "whole_input"},
		"a walk of a part":              {bad("{\n\twalk(input.targets, [path, value])\n\tvalue == \"x\"\n}"), "whole_object"},
		"the whole input in a variable": {bad("{\n\tx := input\n\tx.action.impact == \"read\"\n}"), "whole_input"},
		"the whole input compared":      {bad(`input == {}`), "rego_type_error"},
		"all of data in a helper":       {map[string]string{"a.rego": "package tocsin.approve\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if object.get(data.config, \"confg\", 1) == 1"}, "whole_object"},
		"all of data":                   {bad(`object.get(data, "confg", {}) == {}`), "rego_recursion_error"},
		"an object in a list":           {bad(`object.get([input.action][0], "impcat", "") == ""`), "whole_object"},
		"an object in an object":        {bad(`object.get({"a": input.action}.a, "impcat", "") == ""`), "whole_object"},
		"a list of objects to a helper": {map[string]string{
			"a.rego": "package tocsin.lib.x\n\ntagged(ts) if {\n\tsome t in ts\n\tt.tagz == []\n}",
			"b.rego": "package tocsin.action\n\nimport data.tocsin.lib.x\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if x.tagged(input.targets)",
		}, "whole_object"},
		"an object out of a helper": {map[string]string{
			"a.rego": "package tocsin.lib.x\n\nfirst := input.targets[0]",
		}, "whole_object"},
		"objects out of a helper set": {map[string]string{
			"a.rego": "package tocsin.lib.x\n\nall contains t if some t in input.targets",
		}, "whole_object"},
		"an object in a member": {action(`deny contains {"rule": "x", "reason": "y", "target": input.targets[0]} if input.action.impact == "read"`), "whole_object"},

		"a document that is not there": {bad(`data.confg.limits.contain.per_run > 1`), "unknown_document"},
		"a helper that is not there":   {bad(`data.tocsin.lib.shipped.lease.endet`), "unknown_document"},
		"a computed rule":              {bad("{\n\tk := \"endet\"\n\tdata.tocsin.lib.shipped.lease[k]\n}"), "computed_document"},
		"an unknown function":          {bad(`data.tocsin.lib.nothing(1)`), "rego_type_error"},
		"another input":                {bad(`data.tocsin.lib.shipped.lease.ended with input.purpose as "expiry"`), "with"},
		"a pattern of the alert":       {bad(`regex.match(input.alert.title, "x")`), "pattern"},
		"a pattern too long":           {bad(`regex.match("` + strings.Repeat("a?", 513) + `", input.action.id)`), "pattern"},
		"a variable nobody reads":      {bad("{\n\tx := 1\n\tinput.action.impact == \"read\"\n}"), "rego_compile_error"},
		"a rule that asks itself":      {map[string]string{"a.rego": "package tocsin.lib.x\n\na if b\n\nb if a"}, "rego_recursion_error"},
		"no Rego":                      {map[string]string{"a.rego": "deny contains"}, "rego_parse_error"},
		"half a rule":                  {action(`deny contains {"rule": "x"`), "rego_parse_error"},
		"Rego of old":                  {map[string]string{"a.rego": "package tocsin.action\n\ndeny[x] { x := 1 }"}, "rego_parse_error"},
		"nothing":                      {map[string]string{"a.rego": ""}, "rego_parse_error"},
		"a shipped package":            {map[string]string{"a.rego": "package tocsin.shipped\n\nallow contains {\"rule\": \"x\"} if input.action.impact == \"contain\""}, "package"},
		"a shipped helper":             {map[string]string{"a.rego": "package tocsin.lib.shipped.lease\n\nended if input.action.impact == \"release\""}, "package"},
		"the access rules":             {map[string]string{"a.rego": "package tocsin.access\n\nallow if input.verb == \"backup\""}, "package"},
		"another package":              {map[string]string{"a.rego": "package tocsin.actions\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if input.action.impact == \"read\""}, "package"},
		"a rule in a test's package":   {map[string]string{"a.rego": "package tocsin.action_test\n\ntest_x if true"}, "package"},
		"a test in a rule's package":   {map[string]string{"a_test.rego": "package tocsin.action\n\nallow contains {\"rule\": \"x\"} if input.action.impact == \"contain\""}, "package"},
		"an objection that allows":     {map[string]string{"a.rego": "package tocsin.approve\n\nallow contains {\"rule\": \"x\"} if input.decision == \"approve\""}, "unknown_rule"},
		"a schema of one's own": {map[string]string{"a.rego": "# METADATA\n# scope: package\n# schemas:\n#   - input: {type: object}\npackage tocsin.action\n\n" +
			"# METADATA\n# schemas:\n#   - input: {type: object}\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if input.action.impcat == \"read\""}, "unknown_field"},

		"values that are no YAML":   {map[string]string{"data.yaml": "limits: [\n"}, "syntax"},
		"values that are a list":    {map[string]string{"data.yaml": "- 1\n"}, "type"},
		"an unknown value":          {map[string]string{"data.yaml": "limit:\n  contain: {per_run: 1}\n"}, "unknown_key"},
		"an unknown value below":    {map[string]string{"data.yaml": "limits:\n  contain: {per_rum: 1}\n"}, "unknown_key"},
		"a limit that is a word":    {map[string]string{"data.yaml": "limits:\n  contain: {per_run: many}\n"}, "value"},
		"a limit below zero":        {map[string]string{"data.yaml": "limits:\n  contain: {per_run: -1}\n"}, "value"},
		"a limit of a half":         {map[string]string{"data.yaml": "limits:\n  contain: {per_run: 1.5}\n"}, "value"},
		"a limit of nothing":        {map[string]string{"data.yaml": "limits:\n  contain: null\n"}, "value"},
		"tags that are one text":    {map[string]string{"data.yaml": "protected_tags: protected\n"}, "value"},
		"an unknown time zone":      {map[string]string{"data.yaml": "hours: {timezone: Europe/Berln}\n"}, "hours"},
		"the machine's time zone":   {map[string]string{"data.yaml": "hours: {timezone: Local}\n"}, "hours"},
		"a holiday that is none":    {map[string]string{"data.yaml": "hours: {holidays: [\"2026-02-30\"]}\n"}, "hours"},
		"a day that is none":        {map[string]string{"data.yaml": "hours: {days: [Mon]}\n"}, "value"},
		"an hour that is none":      {map[string]string{"data.yaml": "hours: {from: \"25:00\"}\n"}, "value"},
		"an unknown rule to be off": {map[string]string{"data.yaml": "disabled: [protectd]\n"}, "unknown_rule"},
		"two files of values":       {map[string]string{"a/data.yaml": "disabled: []\n", "b/data.yaml": "disabled: []\n"}, "twice"},
		"values as JSON":            {map[string]string{"data.json": "{}"}, "unknown_file"},
		"a module too large":        {map[string]string{"a.rego": "package tocsin.action\n#" + strings.Repeat("x", 256<<10)}, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := opa.Compile(t.Context(), bytesOf(tc.files))
			if p != nil {
				t.Error("it loads")
			}
			got := codes(problems)
			if !slices.Contains(got, tc.code) {
				t.Errorf("got the codes %v, want %s: %v", got, tc.code, problems)
			}
			for _, b := range problems {
				if b.Severity == fault.SeverityError && !slices.Contains(slices.Collect(maps.Keys(tc.files)), b.File) && b.File != "" {
					t.Errorf("the file named is %q", b.File)
				}
			}
		})
	}
}

// The positive control: what looks like the refused and is right.
func TestWhatMustLoad(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"the contract's example": action(`deny contains {"rule": "protected", "reason": "the target is protected"} if {
	some t in input.targets
	"protected" in t.tags
}

approve contains {"rule": "contain", "who": ["role:responder"], "not": ["starter"], "within": "30m", "reason": "containment needs a person"} if input.action.impact == "contain"

allow contains {"rule": "reads"} if input.action.impact == "read"

limit contains {"rule": "lease", "max_for": "4h"} if input.action.impact == "contain"`),
		"any name below the parameters": bad("{\n\tsome k, v in input.action.params\n\tstartswith(k, \"x\")\n\tv.a.b[0].c == 3\n\tobject.get(input.action.params, \"y\", 1) == 2\n}"),
		"a walk of the alert's fields":  bad("{\n\twalk(input.alert.fields, [_, v])\n\tv == \"evil\"\n}"),
		"counters by name":              bad(`object.get(input.facts.made["24h"].by_playbook, input.playbook.name, 0) > 3`),
		"a counter of one action":       bad(`input.facts.made.run.by_action[input.action.id] > 3`),
		"no alert":                      bad(`is_null(input.alert)`),
		"an effect":                     bad(`input.effect != null`),
		"a count of targets":            bad(`count(input.targets) > 3`),
		"a count of some":               bad("{\n\tts := [t | some t in input.targets; \"x\" in t.tags]\n\tcount(ts) > 1\n\tts[0].value == \"x\"\n}"),
		"an index":                      bad(`input.targets[0].value == "x"`),
		"any index":                     bad(`input.targets[_].kind == "user"`),
		"a part in a variable":          bad("{\n\ta := input.action\n\ta.impact == \"write\"\n}"),
		"a fixed pattern":               bad(`regex.match("^srv-[0-9]+$", input.action.id)`),
		"a helper with fields": {
			"lib/x.rego":    "package tocsin.lib.soc.naming\n\nis_server(name, tags) if {\n\tstartswith(name, \"srv-\")\n\t\"server\" in tags\n}\n\nnames contains t.value if some t in input.targets\n",
			"action/x.rego": "package tocsin.action\n\nimport data.tocsin.lib.soc.naming\n\ndeny contains {\"rule\": \"x\", \"reason\": sprintf(\"%d\", [count(naming.names)])} if {\n\tsome t in input.targets\n\tnaming.is_server(t.value, t.tags)\n}",
		},
		"an objection": {"a.rego": "package tocsin.approve\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if input.voter.name == \"eve\""},
		"values":       {"policies/data.yaml": "limits:\n  contain:\n    per_run: 3\ndisabled: [shipped/new_playbook]\n"},
		"no values":    {"policies/data.yaml": "# nothing yet\n"},
		"other files":  {"policies/README.md": "# ours", "policies/x.txt": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := compile(t, files); p.Judge(t.Context(), question("read")).Outcome == "" {
				t.Error("no answer")
			}
		})
	}
}

func TestAProblemSaysWhereAndWhatToWrite(t *testing.T) {
	_, problems := opa.Compile(t.Context(), bytesOf(map[string]string{
		"policies/edr/x.rego": "package tocsin.action\n\ndenny contains {\"rule\": \"x\", \"reason\": \"y\"} if {\n\tinput.action.impact == \"read\"\n}\n",
	}))
	want := []fault.Problem{{
		File: "policies/edr/x.rego", Line: 3, Column: 1, Severity: fault.SeverityError, Code: "unknown_rule",
		Message: `a rule "denny" never speaks: the sets of tocsin.action are deny, approve, allow, limit`, Hint: "did you mean deny?",
	}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
	_, problems = opa.Compile(t.Context(), bytesOf(bad("{\n\tsome t in input.targets\n\tt.tagz == []\n}")))
	if len(problems) != 1 || problems[0].Line != 7 || problems[0].Hint != "did you mean tags?" || !strings.Contains(problems[0].Message, "t.tagz") {
		t.Errorf("got %+v", problems)
	}
	_, problems = opa.Compile(t.Context(), map[string][]byte{"policies/data.yaml": []byte("limits:\n  contain: { per_run: 1 }\nprotected_tgas: []\n")})
	if len(problems) != 1 || problems[0].Line != 3 || !strings.Contains(problems[0].Hint, "protected_tags") {
		t.Errorf("got %+v", problems)
	}
}

func TestAnAllowWithoutAConditionIsAWarning(t *testing.T) {
	for name, tc := range map[string]struct {
		rule string
		warn bool
	}{
		"no body":              {`allow contains {"rule": "x"}`, true},
		"true":                 {`allow contains {"rule": "x"} if true`, true},
		"a sum that holds":     {`allow contains {"rule": "x"} if 1 + 1 == 2`, true},
		"only that it is not":  {`allow contains {"rule": "x"} if not input.playbook.reviewed`, true},
		"a condition":          {`allow contains {"rule": "x"} if input.playbook.reviewed`, false},
		"a condition and more": {"allow contains {\"rule\": \"x\"} if {\n\tnot input.playbook.reviewed\n\tinput.action.impact == \"write\"\n}", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := opa.Compile(t.Context(), bytesOf(action(tc.rule)))
			if p == nil {
				t.Fatal("it does not load", problems)
			}
			warned := slices.ContainsFunc(problems, func(p fault.Problem) bool { return p.Code == "default_allow" && p.Severity == fault.SeverityWarning })
			if warned != tc.warn {
				t.Errorf("warned %v, want %v", warned, tc.warn)
			}
			if a := p.Judge(t.Context(), question("contain")); a.Outcome != gate.Approve {
				t.Errorf("it loosens a containment: %s", a.Outcome)
			}
		})
	}
}

func TestTheRevisionNamesModulesAndValues(t *testing.T) {
	base := compile(t, nil).Revision()
	seen := map[string]string{"the shipped ones": base}
	for name, files := range map[string]map[string]string{
		"a module":           action(`deny contains {"rule": "x", "reason": "y"} if input.action.impact == "read"`),
		"another comment":    action(`deny contains {"rule": "x", "reason": "y"} if input.action.impact == "read" # why`),
		"a value":            {"data.yaml": "limits: {contain: {per_run: 11}}"},
		"a rule that is off": {"data.yaml": "disabled: [new_playbook]"},
	} {
		r := compile(t, files).Revision()
		for other, was := range seen {
			if r == was {
				t.Errorf("%s has the revision of %s", name, other)
			}
		}
		seen[name] = r
		if again := compile(t, files).Revision(); again != r {
			t.Errorf("%s has two revisions", name)
		}
	}
	if r := compile(t, map[string]string{"x_test.rego": "package tocsin.action_test\n\ntest_x if true", "data.yaml": "{}"}).Revision(); r != base {
		t.Error("a test changes the revision")
	}
}

func TestWhatIsSwitchedOffIsShown(t *testing.T) {
	p := compile(t, map[string]string{"data.yaml": "disabled: [contain_critical, shipped/protected]"})
	var off []string
	for _, r := range p.Rules() {
		if r.Disabled {
			off = append(off, r.Name)
		}
	}
	if diff := cmp.Diff([]string{"shipped/contain_critical", "shipped/protected"}, off); diff != "" {
		t.Error(diff)
	}
	a := p.Judge(t.Context(), question("contain", func(q *gate.Question) { q.Targets[0].Tags = []string{"protected", "critical"} }))
	if diff := cmp.Diff([]string{"approve shipped/contain"}, rules(a)); diff != "" {
		t.Error(diff)
	}
}

func TestAWorkspaceCannotSwitchOffItsOwnRules(t *testing.T) {
	files := action(`deny contains {"rule": "reads", "reason": "no"} if input.action.impact == "read"`)
	files["data.yaml"] = "disabled: [reads]"
	a := compile(t, files).Judge(t.Context(), question("read"))
	if diff := cmp.Diff([]string{"deny reads"}, rules(a)); diff != "" {
		t.Error(diff)
	}
}
