package library

import (
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/fault"
)

func wish() Wish {
	return Wish{
		Name: "lab", Integration: "edr", Environment: "test", BaseURL: "https://lab.example.test",
		Auth: map[string]string{"type": "bearer", "token": "f1rst"}, PerSecond: 5, Burst: 10,
	}
}

func TestAConnectionMadeInTheAppKeepsItsSecretSealed(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	c, err := w.lib.PutConnection(t.Context(), person("ann"), wish(), true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if c.Origin != Database || c.Version != 1 || c.Rate.PerSecond != 5 || c.Auth["token"].Reveal() != "f1rst" || c.Environment != "test" {
		t.Errorf("%+v", c)
	}
	stored := w.store.stored[Connections]["lab"]
	if strings.Contains(string(stored.Text), "f1rst") || strings.Contains(string(stored.Sealed["token"]), "f1rst") {
		t.Error("the secret stands in the database in clear")
	}
	before := c.CredentialVersion

	// Another description keeps the secret, sealed for the new version.
	other := wish()
	other.Auth, other.Tags = map[string]string{"type": "bearer"}, []string{"lab"}
	if c, err = w.lib.PutConnection(t.Context(), person("ann"), other, false, 1); err != nil {
		t.Fatal(err)
	}
	if c.Auth["token"].Reveal() != "f1rst" || c.Version != 2 || c.CredentialVersion != before || c.Err != nil {
		t.Errorf("%+v", c)
	}

	// A new secret is a new version of the credentials.
	if c, err = w.lib.PutConnection(t.Context(), person("ann"), wishWith("s3cond"), false, 0); err != nil {
		t.Fatal(err)
	}
	if c.Auth["token"].Reveal() != "s3cond" || c.CredentialVersion == before {
		t.Errorf("%+v", c)
	}
	w.fresh()
	w.reload()
	if c, err := w.lib.Connection("lab", "edr"); err != nil || c.Auth["token"].Reveal() != "s3cond" {
		t.Errorf("after a restart: %v", err)
	}
}

func wishWith(token string) Wish {
	w := wish()
	w.Auth["token"] = token
	return w
}

func TestASecretDoesNotFollowAConnectionElsewhere(t *testing.T) {
	for name, change := range map[string]func(w *Wish){
		"another address":      func(w *Wish) { w.BaseURL = "https://evil.example.test" },
		"another egress":       func(w *Wish) { w.EgressAllow = []string{"10.0.0.5"} },
		"another kind of auth": func(w *Wish) { w.Auth["type"] = "basic" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.reload()
			if _, err := w.lib.PutConnection(t.Context(), person("ann"), wish(), true, 0); err != nil {
				t.Fatal(err)
			}
			other := wish()
			delete(other.Auth, "token")
			change(&other)
			if _, err := w.lib.PutConnection(t.Context(), person("mal"), other, false, 0); fault.KindOf(err) != fault.InvalidInput {
				t.Errorf("the secret went along: %v", err)
			}
			c, err := w.lib.Connection("lab", "edr")
			if err != nil || c.BaseURL != wish().BaseURL {
				t.Error("a refused change changed something")
			}
		})
	}
}

func TestAConnectionIsRefusedWithItsReason(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": strings.Replace(look, "    with:", "    connection: edr\n    with:", 1)})
	w.reload()
	ctx := t.Context()
	if _, err := w.lib.PutConnection(ctx, person("ann"), wish(), true, 0); err != nil {
		t.Fatal(err)
	}
	put := func(change func(w *Wish), create bool, seen int64) error {
		v := wish()
		change(&v)
		_, err := w.lib.PutConnection(ctx, person("ann"), v, create, seen)
		return err
	}
	for name, tc := range map[string]struct {
		err  error
		code string
	}{
		"one that is there":              {put(func(*Wish) {}, true, 0), "exists"},
		"one that is not":                {put(func(w *Wish) { w.Name = "other" }, false, 0), "not_found"},
		"one changed meanwhile":          {put(func(*Wish) {}, false, 7), "changed_meanwhile"},
		"one of a file":                  {put(func(w *Wish) { w.Name = "edr" }, false, 0), "managed_by_files"},
		"no slug":                        {put(func(w *Wish) { w.Name = "A b" }, true, 0), "invalid_input"},
		"no such integration":            {put(func(w *Wish) { w.Integration = "er" }, false, 0), "invalid_input"},
		"too much at once":               {put(func(w *Wish) { w.Concurrency = 257 }, false, 0), "invalid_input"},
		"an address that is none":        {put(func(w *Wish) { w.BaseURL = "file:///etc" }, false, 0), "invalid_input"},
		"a variable that is not allowed": {put(func(w *Wish) { w.Auth["token"] = "env://HOME" }, false, 0), "secret_reference_not_allowed"},
		"deleting one of a file":         {w.lib.DeleteConnection(ctx, person("ann"), "edr", 0), "managed_by_files"},
		"deleting none":                  {w.lib.DeleteConnection(ctx, person("ann"), "nope", 0), "not_found"},
	} {
		if fault.CodeOf(tc.err) != tc.code {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
}

func TestAConnectionInUseIsNotDeleted(t *testing.T) {
	w := newWorld(t, nil)
	delete(w.fs, "connections/edr.yaml")
	w.reload()
	ctx := t.Context()
	if _, err := w.lib.PutConnection(ctx, person("ann"), wish(), true, 0); err != nil {
		t.Fatal(err)
	}
	w.write("playbooks/look.yaml", look) // through the default connection
	w.reload()
	err := w.lib.DeleteConnection(ctx, person("ann"), "lab", 0)
	if fault.CodeOf(err) != "in_use" || !slices.Equal(w.lib.Current().UsedBy("lab"), []string{"look"}) {
		t.Fatal(err)
	}
	delete(w.fs, "playbooks/look.yaml")
	w.reload()
	if err := w.lib.DeleteConnection(ctx, person("ann"), "lab", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.lib.Connection("lab", "edr"); fault.CodeOf(err) != "no_connection" {
		t.Error(err)
	}
	var verbs []string
	for _, d := range w.store.audit {
		if d.Object.Kind == "connection" {
			verbs = append(verbs, d.Actor.Name+" "+d.Verb+" "+string(d.Outcome))
		}
	}
	if !slices.Equal(verbs, []string{"ann connection.manage done", "ann connection.manage done"}) {
		t.Error(verbs)
	}
}

func TestASecretMovedToAnotherRowDoesNotOpen(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	if _, err := w.lib.PutConnection(t.Context(), person("ann"), wish(), true, 0); err != nil {
		t.Fatal(err)
	}
	stolen := w.store.stored[Connections]["lab"]
	stolen.Name, stolen.Text = "evil", []byte(strings.NewReplacer(`"lab"`, `"evil"`, "lab.example", "evil.example").Replace(string(stolen.Text)))
	w.store.stored[Connections]["evil"] = stolen
	w.reload()
	if _, err := w.lib.Connection("evil", "edr"); fault.CodeOf(err) != "connection_broken" {
		t.Error(err)
	}
}
