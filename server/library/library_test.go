package library

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
)

func TestAWholeWorkspaceIsInForceAtOnce(t *testing.T) {
	w := newWorld(t, map[string]string{
		"sources/edr.yaml":             edrSource,
		"playbooks/endpoint/look.yaml": look,
		"capabilities.yaml":            "edr.isolate_host: edr\n",
		"people.yaml":                  "- { name: bea, email: bea@example.test, roles: [responder], teams: [soc] }\n",
		"assets.csv":                   "name,aliases,kind,tags,owner\nDC-01,dc-01.example.test;10.0.0.1,host,protected;server,tom\n",
		"identities.csv":               "name,aliases,mail,tags,manager\nanna,EXAMPLE\\anna,anna@example.test,critical,tom\n",
		"policies/contain/x.rego":      "package tocsin.action\n",
		"README.md":                    "hello",
	})
	c := w.reload()
	if got := w.mistakes(); got != nil {
		t.Fatal(got)
	}
	if diff := cmp.Diff(Changes{Playbooks: []string{"look"}, Integrations: []string{"edr"}, Connections: []string{"edr"}, Sources: []string{"edr"}, Policies: true, People: true}, c); diff != "" {
		t.Error(diff)
	}
	src, ok := w.lib.Source("edr")
	if !ok || src.Window != 12*time.Hour || src.Limit.PerSecond != 5 || src.Limit.Body != 65536 || src.Auth.HMAC.Style != intake.StyleTocsin || src.Auth.HMAC.Secrets[0].Reveal() != "s3cret" || src.Dedup == nil {
		t.Errorf("%+v", src)
	}
	conn, err := w.lib.Connection("", "edr")
	if err != nil || conn.Name != "edr" || conn.Environment != "test" || conn.Auth["token"].Reveal() != "t0ken" || conn.Concurrency != 8 || conn.CredentialVersion == 0 {
		t.Errorf("%+v %v", conn, err)
	}
	if a, ok := w.lib.Action("edr.isolate_host"); !ok || a.Integration != "edr" {
		t.Error("the capability is not fulfilled")
	}
	tr := w.lib.Triggers()
	if len(tr) != 1 || tr[0].Playbook != "look" || tr[0].Priority != 3 {
		t.Errorf("%+v", tr)
	}
	e, _ := w.lib.Current().Playbook("look")
	if e.Category != "endpoint" || !e.Managed || e.Origin != Workspace || e.Playbook == nil {
		t.Errorf("%+v", e)
	}
	if !w.reload().Empty() {
		t.Error("the same folder again is a change")
	}
}

func TestAThingIsFoundUnderAnyOfItsNames(t *testing.T) {
	w := newWorld(t, map[string]string{
		"assets.csv":     "name,aliases,kind,tags,owner\nDC-01,dc-01.example.test;10.0.0.1,host,protected;server,tom\nweb,10.0.0.1,host,shared,eve\n",
		"identities.csv": "name,aliases,mail,tags,manager\nanna,EXAMPLE\\anna,anna@example.test,critical,tom\n",
	})
	w.reload()
	for name, tc := range map[string]struct {
		kind, value string
		tags        []string
		owner       string
		canonical   string
	}{
		"as written":              {"host", "DC-01", []string{"protected", "server"}, "tom", "DC-01"},
		"in other case":           {"host", "dc-01", []string{"protected", "server"}, "tom", "DC-01"},
		"by an alias":             {"host", "DC-01.EXAMPLE.TEST", []string{"protected", "server"}, "tom", "DC-01"},
		"with the dot of a name":  {"host", "dc-01.example.test.", []string{"protected", "server"}, "tom", "DC-01"},
		"with blanks":             {"host", " DC-01 ", []string{"protected", "server"}, "tom", "DC-01"},
		"by the address of two":   {"ip", "10.0.0.1", []string{"protected", "server", "shared"}, "tom", "DC-01"},
		"a person by domain name": {"user", "example\\ANNA", []string{"critical"}, "tom", "anna"},
		"a person by mail":        {"user", "Anna@Example.Test", []string{"critical"}, "tom", "anna"},
		"nothing like it":         {"host", "DC-01x", []string{}, "", "DC-01x"},
		"nothing at all":          {"host", "", []string{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tags, owner, canonical := w.lib.Current().Tags(tc.kind, tc.value)
			if diff := cmp.Diff([]any{tc.tags, tc.owner, tc.canonical}, []any{tags, owner, canonical}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABadFileKeepsTheLastGoodVersionAndIsListed(t *testing.T) {
	w := newWorld(t, map[string]string{
		"sources/edr.yaml": edrSource, "playbooks/look.yaml": look, "capabilities.yaml": "edr.isolate_host: edr\n",
		"people.yaml": "- { name: bea, roles: [responder] }\n", "assets.csv": "name,aliases,kind,tags,owner\nDC-01,,host,protected,\n",
		"policies/a/x.rego": "package tocsin.action\n",
	})
	w.reload()
	for _, name := range []string{"sources/edr.yaml", "playbooks/look.yaml", "capabilities.yaml", "people.yaml", "assets.csv", "policies/a/x.rego", "connections/edr.yaml", "integrations/edr/manifest.yaml"} {
		w.write(name, "{ broken\n")
	}
	c := w.reload()
	if !slices.Equal(c.Playbooks, nil) || len(w.mistakes()) != 8 {
		t.Errorf("%+v %v", c, w.mistakes())
	}
	tags, _ := w.lib.Tags("host", "dc-01")
	_, source := w.lib.Source("edr")
	_, connection := w.lib.Connection("edr", "edr")
	_, action := w.lib.Action("edr.isolate_host")
	e, _ := w.lib.Current().Playbook("look")
	got := []any{len(tags), source, connection, action, e.Playbook != nil, len(w.lib.Current().People()), string(w.rules.inForce["policies/a/x.rego"])}
	want := []any{1, true, error(nil), true, true, 1, "package tocsin.action\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFirstLoadWithoutItsRulesOrTagsIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ file, text, code string }{
		"policies that do not compile": {"policies/a/x.rego", "broken", "policy_broken"},
		"a table with a short line":    {"assets.csv", "name,aliases,kind,tags,owner\nDC-01,host\n", "estate_broken"},
		"a table with other columns":   {"identities.csv", "name,mail\nanna,a@example.test\n", "estate_broken"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{tc.file: tc.text})
			_, err := w.lib.Reload(t.Context())
			if fault.CodeOf(err) != tc.code {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAFileThatGoesAwayTakesItsThingWithIt(t *testing.T) {
	w := newWorld(t, map[string]string{"sources/edr.yaml": edrSource, "playbooks/look.yaml": look})
	w.reload()
	delete(w.fs, "sources/edr.yaml")
	delete(w.fs, "playbooks/look.yaml")
	c := w.reload()
	_, source := w.lib.Source("edr")
	_, playbook := w.lib.Current().Playbook("look")
	if source || playbook || len(w.lib.Triggers()) != 0 || !slices.Equal(c.Playbooks, []string{"look"}) {
		t.Errorf("%v %v %+v", source, playbook, c)
	}
}

func TestWorkspaceFilesAreReadStrictly(t *testing.T) {
	for name, tc := range map[string]struct{ file, text, code, says string }{
		"a source with a misspelt key":         {"sources/a.yaml", "name: a\nmaping: generic\nauth: { bearer: { token: x } }\n", "unknown_key", "mapping"},
		"a source of another name":             {"sources/a.yaml", "name: b\nmapping: generic\nauth: { bearer: { token: x } }\n", "bad_name", "equal"},
		"a source without auth":                {"sources/a.yaml", "name: a\nmapping: generic\n", "missing_key", ""},
		"a source with two ways of auth":       {"sources/a.yaml", "name: a\nmapping: generic\nauth: { bearer: { token: x }, hmac: { style: tocsin, secret: x } }\n", "bad_value", ""},
		"a source with an unknown style":       {"sources/a.yaml", "name: a\nmapping: generic\nauth: { hmac: { style: tocsn, secret: x } }\n", "bad_value", "tocsin"},
		"a source with an unknown mapping":     {"sources/a.yaml", "name: a\nmapping: elstic\nauth: { bearer: { token: x } }\n", "unknown_mapping", "edr"},
		"a source with two mappings":           {"sources/a.yaml", "name: a\nmapping: generic\nmap: { title: item.x }\nauth: { bearer: { token: x } }\n", "two_mappings", ""},
		"a source without a mapping":           {"sources/a.yaml", "name: a\nauth: { bearer: { token: x } }\n", "missing_key", "generic"},
		"a mapping with an unknown field":      {"sources/a.yaml", "name: a\nmap: { titel: item.x }\nauth: { bearer: { token: x } }\n", "unknown_key", "title"},
		"a mapping with broken CEL":            {"sources/a.yaml", "name: a\nmap: { title: item.x + }\nauth: { bearer: { token: x } }\n", "syntax", ""},
		"a dedup key over nothing":             {"sources/a.yaml", "name: a\nmapping: generic\ndedup: { key: item.id }\nauth: { bearer: { token: x } }\n", "unknown_name", ""},
		"a body limit that is none":            {"sources/a.yaml", "name: a\nmapping: generic\nlimit: { body: 1MB }\nauth: { bearer: { token: x } }\n", "size", ""},
		"a body limit beyond ours":             {"sources/a.yaml", "name: a\nmapping: generic\nlimit: { body: 17MiB }\nauth: { bearer: { token: x } }\n", "out_of_range", ""},
		"an empty list of secrets":             {"sources/a.yaml", "name: a\nmapping: generic\nauth: { bearer: { token: [] } }\n", "bad_value", ""},
		"a connection to nothing":              {"connections/a.yaml", "name: a\nintegration: er\n", "unknown_integration", "edr"},
		"a connection without address":         {"connections/a.yaml", "name: a\nintegration: edr\nauth: { type: bearer, token: x }\n", "missing_key", "base_url"},
		"a connection with a bad address":      {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: ftp://x\nauth: { type: bearer, token: x }\n", "bad_value", ""},
		"a connection with other auth":         {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: basic, username: a, password: b }\n", "bad_value", "bearer"},
		"a connection without its token":       {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: bearer }\n", "missing_key", "access token"},
		"a connection with a strange field":    {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: bearer, token: x, tokn: y }\n", "unknown_key", "token"},
		"a connection with a bad allow list":   {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: bearer, token: x }\negress: { allow: [\"10.0.0.0/99\"] }\n", "bad_value", ""},
		"a connection with the database's key": {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: bearer, token: x }\ncredential_version: 3\n", "unknown_key", ""},
		"two defaults":                         {"connections/a.yaml", "name: a\nintegration: edr\nbase_url: https://x.test\nauth: { type: bearer, token: x }\ndefault: true\n", "two_defaults", ""},
		"a capability without its connection":  {"capabilities.yaml", "edr.isolate_host: er\n", "unknown_connection", "edr"},
		"a capability nobody fulfils":          {"capabilities.yaml", "mail.purge: edr\n", "unfulfilled", ""},
		"capabilities as a list":               {"capabilities.yaml", "- edr\n", "wrong_type", ""},
		"people as a map":                      {"people.yaml", "bea: {}\n", "wrong_type", ""},
		"a person with an unknown role":        {"people.yaml", "- { name: bea, roles: [respnder] }\n", "bad_value", "responder"},
		"a person with a capital letter":       {"people.yaml", "- { name: Bea }\n", "bad_name", ""},
		"a person twice":                       {"people.yaml", "- { name: bea }\n- { name: bea }\n", "duplicate_name", "line 1"},
		"a playbook with a mistake":            {"playbooks/a.yaml", "name: a\nsteps: [ { action: edr.get_hst } ]\n", "unknown_action", "edr.get_host"},
		"a playbook of a bad name":             {"playbooks/A b.yaml", look, "bad_name", ""},
		"two playbooks of one name":            {"playbooks/z/edr-look.yaml", look, "duplicate_name", ""},
		"a test that is wrong":                 {"playbooks/a.test.yaml", "playbook: a\ncases: []\n", "no_cases", ""},
		"a manifest in another folder":         {"integrations/edrx/manifest.yaml", edrManifest, "bad_name", ""},
		"a file that is too large":             {"playbooks/big.yaml", "#" + strings.Repeat("x", maxFile), "unreadable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"playbooks/edr-look.yaml": look, tc.file: tc.text})
			w.reload()
			for _, p := range w.lib.Problems() {
				if p.Severity == fault.SeverityError && p.Code == tc.code && strings.HasPrefix(p.File, strings.Split(tc.file, "/")[0]) && strings.Contains(p.Message+p.Hint, tc.says) {
					return
				}
			}
			t.Errorf("%+v", w.lib.Problems())
		})
	}
}

func TestFilesAtPlacesThatMeanNothingAreNamed(t *testing.T) {
	w := newWorld(t, map[string]string{
		"source/edr.yaml": edrSource, "sources/more/edr.yaml": edrSource, "sources/edr.yml": edrSource, "asset.csv": "x",
		"policies/x.yaml": "x", ".git/config.yaml": "x", "playbooks/testdata/x.yaml": "x", "playbooks/notes.md": "x",
	})
	w.reload()
	got := map[string]string{}
	for _, p := range w.lib.Problems() {
		if p.Code == "unknown_file" {
			got[p.File] = p.Hint
		}
	}
	if len(got) != 5 || got["source/edr.yaml"] != `did you mean "sources"?` || got["asset.csv"] != `did you mean "assets.csv"?` || got["sources/edr.yml"] != "name it .yaml" {
		t.Errorf("%v", got)
	}
}

func TestASecretThatIsNotThereBreaksItsConnectionInWords(t *testing.T) {
	for name, ref := range map[string]string{"not listed": "env://HOME", "not set": "env://UNSET", "of no known kind": "env://"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"connections/edr.yaml": strings.Replace(edrConnection, "env://EDR_TOKEN", ref, 1)})
			w.reload()
			_, err := w.lib.Connection("edr", "edr")
			if fault.CodeOf(err) != "connection_broken" || !strings.Contains(err.Error(), "the connection edr has no token") {
				t.Errorf("%v", err)
			}
			if len(w.mistakes()) != 1 {
				t.Error(w.mistakes())
			}
		})
	}
}

func TestALiteralSecretIsTakenWithAWarningThatDoesNotRepeatIt(t *testing.T) {
	w := newWorld(t, map[string]string{"connections/edr.yaml": strings.Replace(edrConnection, "env://EDR_TOKEN", "hunter2", 1)})
	w.reload()
	c, err := w.lib.Connection("edr", "edr")
	if err != nil || c.Auth["token"].Reveal() != "hunter2" {
		t.Fatal(err)
	}
	ps := w.lib.Problems()
	if len(ps) != 1 || ps[0].Code != "literal_secret" || ps[0].Severity != fault.SeverityWarning || strings.Contains(ps[0].Message+ps[0].Hint, "hunter2") {
		t.Errorf("%+v", ps)
	}
}

func TestAConnectionThatCannotBeUsedSaysWhy(t *testing.T) {
	other := strings.NewReplacer("name: edr", "name: edr-two", "default: true\n", "").Replace(edrConnection)
	w := newWorld(t, map[string]string{
		"connections/edr.yaml": strings.Replace(edrConnection, "default: true\n", "", 1), "connections/edr-two.yaml": other,
		"connections/off.yaml": strings.NewReplacer("name: edr", "name: off", "default: true", "disabled: true").Replace(edrConnection),
	})
	w.reload()
	for _, tc := range []struct{ name, integration, code string }{
		{"", "edr", "no_connection"},
		{"", "jira", "no_connection"},
		{"nope", "edr", "no_connection"},
		{"edr", "jira", "wrong_connection"},
	} {
		if _, err := w.lib.Connection(tc.name, tc.integration); fault.CodeOf(err) != tc.code {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	if c, err := w.lib.Connection("off", "edr"); err != nil || !c.Disabled {
		t.Errorf("a disabled one is found, for undo and release: %+v %v", c, err)
	}
}

func TestTheStrongestFolderBringsAName(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/a/look.yaml": look})
	demo := fstest.MapFS{
		"playbooks/b/look.yaml":  {Data: []byte(strings.Replace(look, "name: Look", "name: Demo", 1))},
		"playbooks/b/other.yaml": {Data: []byte(strings.Replace(look, "name: Look", "name: Other", 1))},
		"people.yaml":            {Data: []byte("- { name: demo }\n")},
	}
	shipped := fstest.MapFS{"c/look.yaml": {Data: []byte(strings.Replace(look, "name: Look", "name: Shipped", 1))}, "c/third.yaml": {Data: []byte(strings.Replace(look, "name: Look", "name: Third", 1))}}
	w.lib.o.Workspaces = append(w.lib.o.Workspaces, Folder{Name: "demo", FS: demo})
	w.lib.o.Playbooks = shipped
	w.reload()
	var got []string
	for _, e := range w.lib.Current().Playbooks() {
		got = append(got, e.Slug+"="+e.Playbook.Name+" "+string(e.Origin))
	}
	want := []string{"look=Look workspace", "other=Other workspace", "third=Third shipped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProgramsAreThoseThatTheRunBeganWith(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look})
	w.reload()
	e, _ := w.lib.Current().Playbook("look")
	st := engine.Start{ID: "run_1", Playbook: "look", Version: e.Playbook.SHA256}
	p, about, err := w.lib.Program(t.Context(), st, nil)
	if err != nil || !slices.Equal([]string{"edr.get_host"}, keys(p.Actions())) {
		t.Fatal(err)
	}
	if about.Name != "look" || about.Version != "sha256:"+e.Playbook.SHA256 || about.Reviewed || about.AgeSeconds != 0 {
		t.Errorf("%+v", about)
	}
	pins := p.Actions()

	// The playbook changes, the manifest changes, and the process is a new one.
	w.write("playbooks/look.yaml", strings.Replace(look, "name: Look", "name: Look again", 1))
	w.write("integrations/edr/manifest.yaml", strings.Replace(edrManifest, "Look at a host", "Look at one host", 1))
	w.now = w.now.Add(time.Hour)
	w.fresh()
	w.reload()
	old, about, err := w.lib.Program(t.Context(), st, pins)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pins, old.Actions()); diff != "" || old.Playbook.Name != "Look" || about.AgeSeconds != 3600 {
		t.Errorf("%s %s %+v", diff, old.Playbook.Name, about)
	}
	fresh, _, err := w.lib.Program(t.Context(), st, nil)
	if err != nil || fresh.Actions()["edr.get_host"] == pins["edr.get_host"] {
		t.Errorf("a run that has not begun does not get what is in force now: %v", err)
	}
	single := engine.Single{Action: "edr.get_host", Manifest: pins["edr.get_host"], Params: map[string]any{"host": "a"}}
	one, about, err := w.lib.Program(t.Context(), engine.Start{Program: single.JSON()}, nil)
	if err != nil || one.Actions()["edr.get_host"] != pins["edr.get_host"] || !about.Reviewed || about.Name != "" {
		t.Errorf("%v %+v", err, about)
	}
}

func TestACapabilityStaysWithTheProductThatTheRunBeganWith(t *testing.T) {
	two := strings.Replace(edrManifest, "id: edr", "id: edr-two", 1)
	w := newWorld(t, map[string]string{
		"integrations/edr-two/manifest.yaml": two,
		"connections/edr-two.yaml":           strings.ReplaceAll(edrConnection, ": edr\n", ": edr-two\n"),
		"capabilities.yaml":                  "edr.isolate_host: edr-two\n",
		"playbooks/x.yaml":                   "name: x\non: [ { manual: {} } ]\nsteps: [ { id: i, action: edr.isolate_host, with: { host: a } } ]\n",
	})
	// The integration edr has an action isolate_host of its own: a capability is
	// only asked where no action has the name.
	w.write("playbooks/x.yaml", strings.Replace("name: x\non: [ { manual: {} } ]\nsteps: [ { id: i, action: edr.release_host, with: { host: a } } ]\n", "edr.release_host", "edr.isolate_host", 1))
	w.review = true
	w.fresh()
	w.reload()
	e, _ := w.lib.Current().Playbook("x")
	if got := e.Playbook.Steps[0].Action.Ref; got != "edr.isolate_host" {
		t.Errorf("got %s", got)
	}
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestReloadingManyTimesAtOnceIsSafe(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look, "sources/edr.yaml": edrSource})
	w.reload()
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 20 {
				_, err2 := w.lib.Reload(t.Context())
				_, ok := w.lib.Source("edr")
				if !ok {
					err = errors.New("the source was away")
				}
				err = errors.Join(err, err2)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if w.store.writes != 1 {
		t.Errorf("%d writes for one playbook", w.store.writes)
	}
}
