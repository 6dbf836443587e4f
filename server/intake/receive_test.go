package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/secret"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// siem is a source with a bearer token and a header that names deliveries.
func siem(change func(s *intake.Source)) map[string]intake.Source {
	s := intake.Source{Name: "siem", Auth: intake.Auth{Bearer: []secret.Value{secret.Of(newKey)}}, Mapping: alert.Generic(), Delivery: "X-Delivery-Id"}
	if change != nil {
		change(&s)
	}
	return map[string]intake.Source{"siem": s}
}

func request(text string, more ...string) intake.Request {
	return intake.Request{
		Source: "siem", Body: []byte(text), ContentType: "application/json",
		Headers: with(map[string]string{"authorization": "Bearer " + newKey}, more...),
	}
}

func TestADeliveryIsRefusedForWhatItIs(t *testing.T) {
	array := "[" + strings.TrimSuffix(strings.Repeat(`{"title":"x"},`, 1001), ",") + "]"
	small := func(s *intake.Source) { s.Limit.Body = 100 }
	for name, tc := range map[string]struct {
		request intake.Request
		change  func(*intake.Source)
		code    string
		kind    fault.Kind
	}{
		"no JSON":                    {request(`{"title": `), nil, "bad_json", fault.InvalidInput},
		"two values":                 {request(`{} {}`), nil, "bad_json", fault.InvalidInput},
		"a key twice":                {request(`{"title": "a", "title": "b"}`), nil, "bad_json", fault.InvalidInput},
		"an integer too large":       {request(`{"title": "a", "n": 9223372036854775808}`), nil, "bad_json", fault.InvalidInput},
		"broken UTF-8":               {request("{\"title\": \"\xff\"}"), nil, "bad_json", fault.InvalidInput},
		"JSON of great depth":        {request(strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), nil, "bad_json", fault.InvalidInput},
		"nothing":                    {request(""), nil, "bad_json", fault.InvalidInput},
		"a form":                     {typed(request(body), "application/x-www-form-urlencoded"), nil, "unsupported_type", fault.InvalidInput},
		"text":                       {typed(request(body), "text/plain"), nil, "unsupported_type", fault.InvalidInput},
		"no type":                    {typed(request(body), ""), nil, "unsupported_type", fault.InvalidInput},
		"another charset":            {typed(request(body), "application/json; charset=utf-16"), nil, "unsupported_type", fault.InvalidInput},
		"too large":                  {request(`{"title": "` + strings.Repeat("x", 100) + `"}`), small, "too_large", fault.TooLarge},
		"too large and unsigned":     {intake.Request{Source: "siem", Body: make([]byte, 101), Headers: map[string]string{}}, small, "too_large", fault.TooLarge},
		"1,001 alerts":               {request(array), nil, "too_many_alerts", fault.TooLarge},
		"a delivery's name too long": {request(body, "x-delivery-id", strings.Repeat("x", 257)), nil, "invalid_delivery", fault.InvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, catalog{sources: siem(tc.change)})
			_, err := b.Receive(t.Context(), tc.request)
			if fault.CodeOf(err) != tc.code || fault.KindOf(err) != tc.kind {
				t.Errorf("got %s, %s: %v", fault.KindOf(err), fault.CodeOf(err), err)
			}
			if len(b.store.alerts)+len(b.store.audit)+len(b.store.delivered) != 0 {
				t.Error("something was written")
			}
			if b.counts["siem "+tc.code] != 1 {
				t.Errorf("counted %v", b.counts)
			}
		})
	}
}

func typed(r intake.Request, contentType string) intake.Request {
	r.ContentType = contentType
	return r
}

func TestJSONOfAnyVendorIsTaken(t *testing.T) {
	for _, kind := range []string{"application/json", "application/json; charset=UTF-8", "application/cloudevents+json", "Application/JSON"} {
		b := newBench(t, catalog{sources: siem(nil)})
		if _, err := b.Receive(t.Context(), typed(request(body), kind)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestTheSameDeliveryGetsTheSameAnswer(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil)})
	first, err := b.Receive(t.Context(), request(body, "x-delivery-id", "d1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Receive(t.Context(), request(body, "x-delivery-id", "d1"))
	if err != nil || !cmp.Equal(first, again) || len(b.store.alerts) != 1 {
		t.Fatalf("%+v, %v", again, err)
	}
	for _, a := range b.store.alerts {
		if a.Count != 1 {
			t.Errorf("a redelivery was counted: %d", a.Count)
		}
	}
	_, err = b.Receive(t.Context(), request(strings.Replace(body, "high", "low", 1), "x-delivery-id", "d1"))
	if fault.CodeOf(err) != "delivery_conflict" || fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v", err)
	}
	last := b.store.audit[len(b.store.audit)-1]
	if last.Outcome != audit.Refused || last.Object.ID != "siem" {
		t.Errorf("the conflict is not in the audit log: %+v", last)
	}
	// without a name every delivery is one of its own
	for range 2 {
		if _, err := b.Receive(t.Context(), request(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range b.store.alerts {
		if a.Count != 3 {
			t.Errorf("repeats were not counted: %d", a.Count)
		}
	}
}

func TestASignedDeliveryIsNamedByMomentAndBody(t *testing.T) {
	b := newBench(t, catalog{sources: sources()})
	r := intake.Request{Source: "tocsin", Body: []byte(body), Headers: tocsin(newKey, unix(0)), ContentType: "application/json"}
	first, err := b.Receive(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b.now = noon.Add(time.Minute)
	again, err := b.Receive(t.Context(), r)
	if err != nil || !cmp.Equal(first, again) {
		t.Errorf("a replay is another delivery: %+v, %v", again, err)
	}
	r.Headers = tocsin(newKey, unix(time.Second))
	if third, err := b.Receive(t.Context(), r); err != nil || third.Alerts[0].New {
		t.Errorf("a later one is no repeat: %+v, %v", third, err)
	}
}

func TestOnlyASourcesOwnSendersUseUpItsRate(t *testing.T) {
	b := newBench(t, catalog{sources: siem(func(s *intake.Source) { s.Limit.PerSecond = 2 })})
	for range 100 {
		bad := request(body)
		bad.Headers = map[string]string{"authorization": "Bearer guess"}
		if _, err := b.Receive(t.Context(), bad); fault.KindOf(err) != fault.Unauthorized {
			t.Fatal(err)
		}
	}
	for i := range 4 { // bursts of twice the rate
		if _, err := b.Receive(t.Context(), request(body)); err != nil {
			t.Fatalf("delivery %d: %v", i, err)
		}
	}
	_, err := b.Receive(t.Context(), request(body))
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.RateLimited || f.RetryAfter < time.Second {
		t.Fatalf("%v", err)
	}
	b.now = noon.Add(time.Second)
	for i := range 2 {
		if _, err := b.Receive(t.Context(), request(body)); err != nil {
			t.Fatalf("delivery %d of the next second: %v", i, err)
		}
	}
	if _, err := b.Receive(t.Context(), request(body)); fault.KindOf(err) != fault.RateLimited {
		t.Errorf("a refusal was booked: %v", err)
	}
}

func TestNewAlertsQueueTheRunsTheyWake(t *testing.T) {
	for _, twice := range []bool{false, true} {
		triggers := []trigger.Candidate{
			{Playbook: "contain", Version: "v1", If: cond(t, "alert.category == 'malware'")},
			{Playbook: "count", Version: "v2", If: cond(t, "alert.count > 1"), Repeat: true, Index: 2},
			{Playbook: "broken", Version: "v3", If: cond(t, "alert.hosts[7].name == ''")},
		}
		b := newBench(t, catalog{sources: siem(nil), triggers: triggers})
		b.store.twice = twice
		a, err := b.Receive(t.Context(), request(body))
		if err != nil || len(a.Runs) != 2 || len(a.Alerts) != 1 || !a.Alerts[0].New {
			t.Fatalf("%+v, %v", a, err)
		}
		broken, contain := b.store.starts[0], b.store.starts[1]
		if contain.Playbook != "contain" || contain.Version != "v1" || contain.Alert != a.Alerts[0].ID || contain.Priority != 4 || contain.Error != nil ||
			contain.Key != "alert/"+a.Alerts[0].ID+"/1/contain/0" || !ident.Valid(ident.Run, contain.ID) || contain.Trigger.Kind != "alert" || contain.Trigger.Source != "siem" {
			t.Errorf("%+v", contain)
		}
		if broken.Error == nil || broken.Error.Kind != "expression" {
			t.Errorf("a condition that cannot be read is silent: %+v", broken)
		}
		var was alert.Alert
		if err := json.Unmarshal(contain.AlertRaw, &was); err != nil || was.Title != "Malware" || was.Raw.SHA256 != ident.Sum([]byte(body)) || was.Raw.Bytes != int64(len(body)) {
			t.Errorf("%+v, %v", was, err)
		}
		b.now = noon.Add(time.Hour)
		a, err = b.Receive(t.Context(), request(body))
		if err != nil || len(a.Runs) != 1 || a.Alerts[0].New {
			t.Fatalf("a repeat: %+v, %v", a, err)
		}
		if s := b.store.starts[2]; s.Playbook != "count" || s.Key != "alert/"+a.Alerts[0].ID+"/2/count/2" || s.Trigger.Index != 2 {
			t.Errorf("%+v", s)
		}
	}
}

func TestACostlyConditionIsNotAskedInsideTheActButFails(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil), triggers: []trigger.Candidate{{Playbook: "p", If: cond(t, "lists.range(5000).all(x, x >= 0)"), Repeat: true}}})
	a, err := b.Receive(t.Context(), request(body))
	if err != nil || len(a.Runs) != 1 || b.store.starts[0].Error != nil {
		t.Fatalf("a new alert: %+v, %v", a, err)
	}
	a, err = b.Receive(t.Context(), request(body))
	if err != nil || len(a.Runs) != 1 || b.store.starts[1].Error == nil {
		t.Errorf("a repeat: %+v, %v", a, err)
	}
}

func TestARepeatInOneDeliveryIsARepeat(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil), triggers: []trigger.Candidate{{Playbook: "p", If: cond(t, "true")}}})
	a, err := b.Receive(t.Context(), request("["+body+","+body+"]"))
	if err != nil || len(a.Runs) != 1 || len(a.Alerts) != 2 || !a.Alerts[0].New || a.Alerts[1].New || a.Alerts[0].ID != a.Alerts[1].ID {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTheAuditLogHoldsBeginningsAndEndsButNotRepeats(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil)})
	send := func(text string) {
		t.Helper()
		if _, err := b.Receive(t.Context(), request(text)); err != nil {
			t.Fatal(err)
		}
	}
	send(body)
	send(body)
	send(strings.Replace(body, "{", `{"status": "closed", `, 1))
	send(strings.Replace(body, "{", `{"status": "closed", `, 1))
	send(body)
	var got []string
	for _, d := range b.store.audit {
		if d.Verb != "alert.receive" || d.Outcome != audit.Done || d.Actor.ID != "siem" || d.Object.Kind != "alert" {
			t.Errorf("%+v", d)
		}
		got = append(got, d.Reason)
	}
	if diff := cmp.Diff(got, []string{"a new alert", "closed by its source", "came again and is open again"}); diff != "" {
		t.Error(diff)
	}
	want := map[string]int{"siem new": 1, "siem repeat": 1, "siem closed": 1, "siem nothing": 1, "siem reopened": 1}
	if diff := cmp.Diff(b.counts, want); diff != "" {
		t.Error(diff)
	}
}

func TestAMappingSeesNoCredentials(t *testing.T) {
	m, issues := alert.CompileMapping(alert.Text{Map: map[string]string{"title": "headers.map(k, k + '=' + headers[k]).join(' ')"}})
	if len(issues["map.title"]) > 1 {
		t.Fatalf("%+v", issues)
	}
	b := newBench(t, catalog{sources: siem(func(s *intake.Source) { s.Mapping = m })})
	_, err := b.Receive(t.Context(), request(body, "x-api-key", "canary", "cookie", "canary", "x-signature", "canary", "x-auth-token", "canary",
		"x-tenant-secret", "canary", "proxy-authorization", "canary", "x-event", "shown"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range b.store.alerts {
		if a.Title != "x-event=shown" {
			t.Errorf("title %q", a.Title)
		}
	}
}

func TestWhenTheStoreCannotWriteTheSenderIsTold(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil)})
	b.store.fail = fault.New(fault.Unavailable, "the disk is full")
	if _, err := b.Receive(t.Context(), request(body)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestARunsAlertIsOneDeeper(t *testing.T) {
	b := newBench(t, catalog{triggers: []trigger.Candidate{{Playbook: "p", If: cond(t, "true")}}})
	create := func(depth int64, key string) (intake.Answer, error) {
		return b.Create(t.Context(), intake.Creation{Run: "run_1", Depth: depth, Key: key, Fields: map[string]any{"title": "found " + key, "severity": "medium", "hosts": []any{map[string]any{"name": "ws-1"}}}})
	}
	a, err := create(0, "k1")
	if err != nil || len(a.Runs) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	again, err := create(0, "k1")
	if err != nil || !cmp.Equal(a, again) {
		t.Errorf("one step made two alerts: %+v, %v", again, err)
	}
	if a, err = create(2, "k2"); err != nil || len(a.Runs) != 0 {
		t.Errorf("an alert of depth three starts runs: %+v, %v", a, err)
	}
	depths := map[string]int64{}
	for _, x := range b.store.alerts {
		depths[x.Title] = x.Depth
		if x.Run != "run_1" || x.Source != intake.Platform {
			t.Errorf("%+v", x)
		}
	}
	if diff := cmp.Diff(depths, map[string]int64{"found k1": 1, "found k2": 3}); diff != "" {
		t.Error(diff)
	}
	for _, fields := range []map[string]any{{}, {"title": "x", "severity": "no such"}, {"title": ""}} {
		if _, err := b.Create(t.Context(), intake.Creation{Run: "run_1", Key: "k3", Fields: fields}); fault.KindOf(err) != fault.InvalidInput {
			t.Errorf("%v was taken: %v", fields, err)
		}
	}
}

func TestManyDeliveriesAtOnceAreKeptApart(t *testing.T) {
	b := newBench(t, catalog{sources: siem(nil)})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			text := fmt.Sprintf(`{"source_id": "%d", "title": "t%d", "severity": "low"}`, i, i)
			if _, err := b.Receive(t.Context(), request(text)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(b.store.alerts) != 200 {
		t.Fatalf("%d alerts", len(b.store.alerts))
	}
	for _, a := range b.store.alerts {
		if "t"+a.SourceID != a.Title {
			t.Errorf("%s is %s", a.SourceID, a.Title)
		}
	}
}
