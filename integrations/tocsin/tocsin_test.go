package tocsin_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/integrations/tocsin"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/native"
)

// platform records what it is asked and answers with err where it is set.
type platform struct {
	asked []any
	err   error
}

func (p *platform) note(vs ...any) { p.asked = append(p.asked, vs...) }

func (p *platform) Create(_ context.Context, from native.Origin, key string, fields map[string]any) (string, bool, error) {
	p.note(from, key, fields)
	return "alr_0193a2b4c5d67e8f9012a3b4c5d6e7f8", true, p.err
}

func (p *platform) Change(_ context.Context, from native.Origin, key string, c tocsin.Change) (string, error) {
	p.note(from, key, c)
	status := "in_progress"
	if c.Status != nil {
		status = *c.Status
	}
	return status, p.err
}

func (p *platform) Note(_ context.Context, from native.Origin, key, alert, text string) error {
	p.note(from, key, alert, text)
	return p.err
}

func (p *platform) Alerts(_ context.Context, q tocsin.AlertQuery) ([]map[string]any, bool, error) {
	p.note(q)
	type odd struct {
		N int `json:"n"`
	}
	return []map[string]any{{"id": "a", "title": "t", "severity": "high", "status": "new", "extra": odd{7}}}, true, p.err
}

func (p *platform) Runs(_ context.Context, q tocsin.RunQuery) ([]map[string]any, bool, error) {
	p.note(q)
	return nil, false, p.err
}

func (p *platform) Notify(_ context.Context, from native.Origin, key string, n tocsin.Notice) (int, error) {
	p.note(from, key, n)
	return 3, p.err
}

func manifest(t *testing.T) *connector.Manifest {
	t.Helper()
	src, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, problems := connector.Parse("integrations/tocsin/manifest.yaml", src)
	if m == nil {
		t.Fatal(problems)
	}
	return m
}

func whole(p *platform) native.Integration {
	return tocsin.New(tocsin.Platform{Alerts: p, Lookup: p, People: p})
}

var origin = native.Origin{Run: "run_1", Step: "raise", Depth: 2}

func call(t *testing.T, action string, params map[string]any) native.Call {
	t.Helper()
	return native.Call{Action: action, Params: params, Key: "k1", Origin: origin, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("the platform went out")
		return nil, errors.New("no")
	}}
}

func TestCodeAndManifestNameTheSameActions(t *testing.T) {
	var ids []string
	for _, a := range manifest(t).Actions {
		ids = append(ids, a.ID)
	}
	got := slices.Sorted(slices.Values(whole(&platform{}).Describe().Actions))
	if d := cmp.Diff(slices.Sorted(slices.Values(ids)), got); d != "" {
		t.Error(d)
	}
}

func TestEachActionGivesAnOutputThatFitsItsSchema(t *testing.T) {
	for _, a := range manifest(t).Actions {
		t.Run(a.ID, func(t *testing.T) {
			p := &platform{}
			res, err := whole(p).Do(t.Context(), call(t, a.ID, a.WithDefaults(a.ExampleInput)))
			if err != nil || res.Did != connector.DidDone || len(p.asked) == 0 {
				t.Fatalf("got %+v, %v (asked %v)", res, err, p.asked)
			}
			if places := a.CheckOutput(res.Output); len(places) > 0 {
				t.Errorf("%v does not fit: %v", res.Output, places)
			}
		})
	}
}

func TestWhatIsAskedOfThePlatformIsWhatTheStepSaid(t *testing.T) {
	word := func(s string) *string { return &s }
	since := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		action string
		params map[string]any
		want   []any
	}{
		"create": {"create_alert", map[string]any{"title": "t"}, []any{origin, "k1", map[string]any{"title": "t"}}},
		"update": {"update_alert", map[string]any{"id": "alr_1", "owner": "", "labels": []any{"a"}}, []any{origin, "k1", tocsin.Change{Alert: "alr_1", Owner: word(""), Labels: []string{"a"}}}},
		"close":  {"close_alert", map[string]any{"id": "alr_1", "verdict": "benign"}, []any{origin, "k1", tocsin.Change{Alert: "alr_1", Status: word("closed"), Verdict: word("benign")}}},
		"note":   {"add_note", map[string]any{"id": "alr_1", "text": "x"}, []any{origin, "k1", "alr_1", "x"}},
		"notify": {"notify", map[string]any{"to": []any{"role:lead"}, "title": "t"}, []any{origin, "k1", tocsin.Notice{To: []string{"role:lead"}, Title: "t"}}},
		"alerts": {"search_alerts", map[string]any{"q": "x", "since": "2026-11-23T00:00:00Z", "limit": int64(5)}, []any{tocsin.AlertQuery{Q: "x", Since: since, Limit: 5}}},
		"runs":   {"search_runs", map[string]any{"status": "waiting", "limit": float64(7)}, []any{tocsin.RunQuery{Status: "waiting", Limit: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &platform{}
			if _, err := whole(p).Do(t.Context(), call(t, tc.action, tc.params)); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, p.asked, cmp.Comparer(func(a, b tocsin.Change) bool {
				if a.Labels == nil {
					a.Labels = []string{}
				}
				if b.Labels == nil {
					b.Labels = []string{}
				}
				return cmp.Equal(a.Status, b.Status) && cmp.Equal(a.Owner, b.Owner) && cmp.Equal(a.Verdict, b.Verdict) &&
					cmp.Equal(a.Reason, b.Reason) && cmp.Equal(a.Labels, b.Labels) && a.Alert == b.Alert
			})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestARefusalDidNothingAndAFailureIsUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		did  connector.Did
		kind fault.Kind
	}{
		"no such alert":     {fault.New(fault.NotFound, "no alert"), connector.DidNothing, fault.NotFound},
		"a wrong field":     {fault.New(fault.InvalidInput, "no"), connector.DidNothing, fault.InvalidInput},
		"a full disk":       {fault.New(fault.Unavailable, "no"), connector.DidUnknown, fault.Unavailable},
		"a commit gone odd": {errors.New("disk I/O error"), connector.DidUnknown, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := whole(&platform{err: tc.err}).Do(t.Context(), call(t, "create_alert", map[string]any{"title": "t"}))
			if res.Did != tc.did || fault.KindOf(err) != tc.kind || !errors.Is(err, tc.err) {
				t.Errorf("got %s, %v; want %s, %s", res.Did, err, tc.did, tc.kind)
			}
		})
	}
}

func TestAPartThatIsMissingIsSaid(t *testing.T) {
	bare := tocsin.New(tocsin.Platform{})
	for _, id := range bare.Describe().Actions {
		if res, err := bare.Do(t.Context(), call(t, id, map[string]any{})); res.Did != connector.DidNothing || fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: got %+v, %v", id, res, err)
		}
	}
	if res, err := whole(&platform{}).Do(t.Context(), call(t, "launch", nil)); res.Did != connector.DidNothing || fault.KindOf(err) != fault.InvalidInput {
		t.Errorf("an unknown action: got %+v, %v", res, err)
	}
	if _, err := whole(&platform{}).Do(t.Context(), call(t, "search_runs", map[string]any{"since": "yesterday"})); fault.KindOf(err) != fault.InvalidInput {
		t.Errorf("a time that is none: got %v", err)
	}
}
