package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

// everyone is a world with a person who may do everything.
func everyone(t *testing.T) (w *world, root string) {
	t.Helper()
	w = newWorld(t)
	root = w.person("root", account.Roles()...)
	w.person("second.root", account.Admin)
	return w, root
}

func TestS046WhatAnotherSiteSendsChangesNothing(t *testing.T) {
	w, root := everyone(t)
	text := `{"on":true,"reason":"r","name":"jira","integration":"jira"}`
	form := "on=true&reason=r"
	multi := "--x\r\nContent-Disposition: form-data; name=\"on\"\r\n\r\ntrue\r\n--x--\r\n"
	for _, r := range w.srv.Routes() {
		if r.Method == http.MethodGet || r.Verb == httpapi.Signed {
			continue
		}
		path, good := example(r)
		for name, tc := range map[string]struct {
			body string
			head []string
			want int
		}{
			"urlencoded form":                 {form, []string{"Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
			"multipart form":                  {multi, []string{"Content-Type: multipart/form-data; boundary=x", "Sec-Fetch-Site: cross-site"}, 403},
			"text that is JSON":               {text, []string{"Content-Type: text/plain", "Sec-Fetch-Site: cross-site"}, 403},
			"JSON from another site":          {good, []string{"Sec-Fetch-Site: cross-site"}, 403},
			"JSON from a sister site":         {good, []string{"Sec-Fetch-Site: same-site"}, 403},
			"odd Sec-Fetch-Site":              {good, []string{"Sec-Fetch-Site: same-origin, cross-site"}, 403},
			"null origin":                     {good, []string{"Origin: null"}, 403},
			"evil origin":                     {good, []string{"Origin: https://evil.example"}, 403},
			"origin that begins like us":      {good, []string{"Origin: http://127.0.0.1:8080.evil.example"}, 403},
			"origin on another port":          {good, []string{"Origin: http://127.0.0.1:1"}, 403},
			"evil origin, own forwarded host": {good, []string{"Origin: https://evil.example", "X-Forwarded-Host: evil.example"}, 403},
		} {
			before := w.changed()
			got := w.ask(r.Method, path, tc.body, append(tc.head, root)...)
			if got.StatusCode != tc.want || w.changed() != before || got.problem(t).Code != "cross_site" {
				t.Errorf("%s %s, %s: got %d %s", r.Method, r.Path, name, got.StatusCode, got.body)
			}
			if got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s, %s: the origin was let in", r.Method, r.Path, name)
			}
		}
	}
	for _, head := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: http://127.0.0.1:8080", "Origin: " + w.url} {
		if got := w.ask(http.MethodPut, "/api/v1/halt", `{"on":true,"reason":"r"}`, head, root); got.StatusCode != http.StatusOK {
			t.Errorf("%s: our own page got %d %s", head, got.StatusCode, got.body)
		}
	}
}

func TestABodyIsJSONAndSaysSo(t *testing.T) {
	w, root := everyone(t)
	body := `{"on":true,"reason":"r"}`
	for kind, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "application/json;charset=UTF-8": 200, "Application/JSON": 200,
		"": 415, "text/plain": 415, "text/json": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/yaml": 415,
		"application/xml": 415, "application/json; charset=latin1": 415, "application/json; x=y": 415, "json": 415, "application/json, text/plain": 415, "application/vnd.api+json": 415,
	} {
		got := w.ask(http.MethodPut, "/api/v1/halt", body, "Content-Type: "+kind, root)
		if got.StatusCode != want {
			t.Errorf("%q: got %d %s, want %d", kind, got.StatusCode, got.body, want)
		}
	}
	if got := w.ask(http.MethodPut, "/api/v1/halt", body, "Content-Encoding: gzip", root); got.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a packed body: got %d", got.StatusCode)
	}
	for kind, want := range map[string]int{"application/yaml": 200, "text/yaml": 200, "application/x-yaml; charset=utf-8": 200, "text/plain": 415} {
		if got := w.ask(http.MethodPut, "/api/v1/playbooks/isolate", "name: x", "Content-Type: "+kind, root); got.StatusCode != want {
			t.Errorf("a playbook as %s: got %d %s", kind, got.StatusCode, got.body)
		}
	}
}

func TestS057NothingIsSetThatIsNotAskedFor(t *testing.T) {
	w, root := everyone(t)
	for _, r := range w.srv.Routes() {
		path, good := example(r)
		if r.Method == http.MethodGet || r.Verb == httpapi.Signed || good == "" {
			continue
		}
		for _, key := range []string{"role", "roles_", "team", "id", "created_by", "approved", "version_", "__proto__", "constructor", "managed_by", "Password"} {
			body := good[:len(good)-1] + `,"` + key + `":"x"}`
			if good == "{}" {
				body = `{"` + key + `":"x"}`
			}
			before := w.changed()
			got := w.ask(r.Method, path, body, root)
			if got.StatusCode != http.StatusBadRequest || w.changed() != before {
				t.Errorf("%s %s with %s: got %d %s", r.Method, r.Path, key, got.StatusCode, got.body)
			}
		}
	}
}

func TestBodiesAreReadStrictly(t *testing.T) {
	w, root := everyone(t)
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for name, tc := range map[string]struct{ path, body, at string }{
		"not JSON":                    {"/api/v1/tokens", `{"name":`, ""},
		"empty":                       {"/api/v1/tokens", ` `, ""},
		"two values":                  {"/api/v1/tokens", `{"name":"a","scopes":["read"]} {}`, ""},
		"a key twice":                 {"/api/v1/tokens", `{"name":"a","scopes":["read"],"name":"b"}`, ""},
		"a key twice, deep":           {"/api/v1/connections", `{"name":"a","integration":"b","auth":{"a":"1","a":"2"}}`, ""},
		"a key in other case":         {"/api/v1/tokens", `{"Name":"a","scopes":["read"]}`, "/name"},
		"a key escaped":               {"/api/v1/tokens", `{"n\u0061me":"a","scopes":["read"],"name":"b"}`, ""},
		"a number for text":           {"/api/v1/tokens", `{"name":5,"scopes":["read"]}`, "/name"},
		"text for a list":             {"/api/v1/tokens", `{"name":"a","scopes":"read"}`, "/scopes"},
		"a number in a list of text":  {"/api/v1/tokens", `{"name":"a","scopes":["read",1]}`, "/scopes/1"},
		"null for text":               {"/api/v1/tokens", `{"name":null,"scopes":["read"]}`, "/name"},
		"a list at the top":           {"/api/v1/tokens", `[]`, ""},
		"text at the top":             {"/api/v1/tokens", `"a"`, ""},
		"null at the top":             {"/api/v1/tokens", `null`, ""},
		"missing":                     {"/api/v1/tokens", `{"name":"a"}`, "/scopes"},
		"a time that is none":         {"/api/v1/tokens", `{"name":"a","scopes":["read"],"expires_at":"tomorrow"}`, "/expires_at"},
		"text for a bool":             {"/api/v1/connections", `{"name":"a","integration":"b","default":"true"}`, "/default"},
		"a fraction for a number":     {"/api/v1/connections", `{"name":"a","integration":"b","concurrency":1.5}`, "/concurrency"},
		"an exponent for a number":    {"/api/v1/connections", `{"name":"a","integration":"b","concurrency":1e3}`, "/concurrency"},
		"a number over 64 bits":       {"/api/v1/connections", `{"name":"a","integration":"b","concurrency":92233720368547758080}`, ""},
		"broken UTF-8":                {"/api/v1/tokens", "{\"name\":\"\xff\",\"scopes\":[\"read\"]}", ""},
		"nested 200 deep":             {"/api/v1/playbooks/isolate/runs", `{"inputs":` + deep + `}`, ""},
		"an object of another kind":   {"/api/v1/connections", `{"name":"a","integration":"b","rate":5}`, "/rate"},
		"an unknown key deeper":       {"/api/v1/connections", `{"name":"a","integration":"b","rate":{"per_second":1,"bursts":2}}`, "/rate/bursts"},
		"a word that is none":         {"/api/v1/runs/" + runID + "/resolve", `{"step":"a","as":"Done","reason":"r"}`, "/as"},
		"a duration that is none":     {"/api/v1/approvals/" + approvalID + "/extend", `{"by":"1 hour"}`, "/by"},
		"nothing as reason":           {"/api/v1/effects/" + effectID + "/undo", `{"reason":"  "}`, "/reason"},
		"an alert that is none":       {"/api/v1/playbooks/isolate/runs", `{"alert":"alr_1"}`, "/alert"},
		"a body where there is none":  {"/api/v1/approvals/" + approvalID + "/withdraw", `{"force":true}`, "/force"},
		"an answer that is no object": {"/api/v1/approvals/" + approvalID + "/answer", `{"digest":"x","answer":[]}`, "/answer"},
	} {
		before := w.changed()
		got := w.ask(http.MethodPost, tc.path, tc.body, root)
		p := got.problem(t)
		if got.StatusCode != http.StatusBadRequest || w.changed() != before {
			t.Errorf("%s: got %d %s", name, got.StatusCode, got.body)
		}
		found := tc.at == ""
		for _, e := range p.Errors {
			found = found || e.At == tc.at
		}
		if !found {
			t.Errorf("%s: the place %s is not named: %s", name, tc.at, got.body)
		}
	}
}

func TestNoRefusalRepeatsAValue(t *testing.T) {
	w, root := everyone(t)
	const secret = "hunter2-hunter2"
	for name, tc := range map[string]struct{ method, path, body string }{
		"fact 16: a mistyped connection":  {"POST", "/api/v1/connections", `{"name":"jira","integration":"jira","auth":{"password":"` + secret + `"},"base_url":7}`},
		"a password as a number's text":   {"POST", "/api/v1/connections", `{"name":"jira","integration":"jira","concurrency":"` + secret + `"}`},
		"a log-in with a field too many":  {"POST", "/api/v1/session", `{"username":"jana","password":"` + secret + `","x":"` + secret + `"}`},
		"a log-in that is no JSON":        {"POST", "/api/v1/session", `{"username":"jana","password":"` + secret + `"`},
		"a password as key":               {"POST", "/api/v1/session", `{"username":"jana","password":"x","` + secret + `":1}`},
		"a parameter":                     {"GET", "/api/v1/alerts?severity=" + secret, ""},
		"a parameter's name":              {"GET", "/api/v1/alerts?" + secret + "=1", ""},
		"a path":                          {"GET", "/api/v1/alerts/" + secret, ""},
		"a name":                          {"POST", "/api/v1/users", `{"name":"` + secret + `\u0000","roles":[]}`},
		"a role":                          {"POST", "/api/v1/users", `{"name":"new","roles":["` + secret + `"]}`},
		"a scope":                         {"POST", "/api/v1/tokens", `{"name":"a","scopes":["` + secret + `"]}`},
		"a digest":                        {"POST", "/api/v1/approvals/" + approvalID + "/decision", `{"decision":"` + secret + `","digest":"x"}`},
		"a header":                        {"PUT", "/api/v1/connections/jira", `{"name":"` + secret + `","integration":"x"}`},
		"a cursor of a strange length":    {"GET", "/api/v1/alerts?cursor=" + secret + strings.Repeat("x", 1024), ""},
		"a limit":                         {"GET", "/api/v1/alerts?limit=" + secret, ""},
		"a method":                        {"POST", "/api/v1/alerts", `{"x":"` + secret + `"}`},
		"a wrong type of content, with a": {"POST", "/api/v1/runs/" + runID + "/resolve", `{"step":["` + secret + `"],"as":"done"}`},
	} {
		got := w.ask(tc.method, tc.path, tc.body, root, "X-Test: "+secret)
		if got.StatusCode < 400 || strings.Contains(got.body, secret) || strings.Contains(fmt.Sprint(got.Header), secret) {
			t.Errorf("%s: got %d %s", name, got.StatusCode, got.body)
		}
		if strings.Contains(got.body, "$schema") || strings.Contains(got.body, "Cookie") {
			t.Errorf("%s: the answer says too much: %s", name, got.body)
		}
	}
}

func TestParametersAreKnownOrRefused(t *testing.T) {
	w, root := everyone(t)
	for query, want := range map[string]string{
		"": "", "?limit=200": "", "?limit=1&cursor=abc&sort=-last_seen": "", "?severity=high&status=new&q=x": "", "?status=": "",
		"?since=2026-11-23T02:14:07Z": "", "?since=2026-11-23T02:14:07%2B01:00": "",
		"?severty=high": "unknown_parameter", "?Severity=high": "unknown_parameter", "?id=1": "unknown_parameter", "?fields=secret": "unknown_parameter", "?severity[]=high": "unknown_parameter",
		"?severity=hihg": "bad_parameter", "?severity=high&severity=low": "bad_parameter", "?limit=0": "bad_parameter", "?limit=201": "bad_parameter", "?limit=-1": "bad_parameter", "?limit=1e2": "bad_parameter",
		"?sort=title": "bad_parameter", "?sort=last_seen;drop+table": "bad_parameter", "?sort=--last_seen": "bad_parameter", "?since=yesterday": "bad_parameter",
		"?q=%00": "bad_parameter", "?q=%ff": "bad_parameter", "?q=a%0Ab": "bad_parameter",
	} {
		got := w.ask(http.MethodGet, "/api/v1/alerts"+query, "", root)
		code := ""
		if got.StatusCode != http.StatusOK {
			code = got.problem(t).Code
		}
		if code != want {
			t.Errorf("%q: got %d %q, want %q", query, got.StatusCode, code, want)
		}
	}
	if got := w.ask(http.MethodGet, "/api/v1/alerts?severty=high", "", root); !strings.Contains(got.body, "did you mean severity?") {
		t.Errorf("no hint: %s", got.body)
	}
	for _, r := range w.srv.Routes() {
		path, body := example(r)
		if strings.HasPrefix(path, "/hooks") {
			continue
		}
		if got := w.ask(r.Method, path+"?nothing=1", body, root); got.StatusCode != http.StatusBadRequest && r.Verb != account.Metrics {
			t.Errorf("%s %s took an unknown parameter: %d", r.Method, r.Path, got.StatusCode)
		}
	}
}

func TestIdsAndNamesAreCheckedBeforeTheyAreLookedUp(t *testing.T) {
	w, root := everyone(t)
	for _, path := range []string{
		"/api/v1/alerts/1", "/api/v1/alerts/" + runID, "/api/v1/alerts/ALR_019aaf0000007000800000000000000a", "/api/v1/alerts/alr_019AAF0000007000800000000000000A",
		"/api/v1/alerts/" + alertID + "0", "/api/v1/alerts/alr_", "/api/v1/alerts/%00", "/api/v1/alerts/" + alertID + "%00", "/api/v1/alerts/'%20OR%201=1",
		"/api/v1/playbooks/UPPER", "/api/v1/playbooks/a%2Fb", "/api/v1/playbooks/..", "/api/v1/playbooks/" + strings.Repeat("a", 65), "/api/v1/playbooks/a_b", "/api/v1/users/Root", "/api/v1/users/jаna",
	} {
		got := w.ask(http.MethodGet, path, "", root)
		if got.StatusCode != http.StatusNotFound || got.problem(t).Code != "not_found" {
			t.Errorf("%s: got %d %s", path, got.StatusCode, got.body)
		}
	}
}

func TestS006OnlyTheMethodOfTheTableChangesAnything(t *testing.T) {
	w, root := everyone(t)
	taken := map[string]bool{}
	for _, r := range w.srv.Routes() {
		taken[r.Method+" "+r.Path] = true
	}
	for _, r := range w.srv.Routes() {
		if !writes(r) {
			continue
		}
		path, body := example(r)
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PUT", "POST", "PATCH", "DELETE", "BREW", "get", "PROPFIND"} {
			if taken[method+" "+r.Path] || method == "HEAD" && taken["GET "+r.Path] || method == "CONNECT" {
				continue
			}
			before := w.changed()
			got := w.ask(method, path, "", root, "X-HTTP-Method-Override: "+r.Method, "X-Method-Override: "+r.Method, "X-HTTP-Method: "+r.Method, "X-Signature: good")
			if got.StatusCode != http.StatusMethodNotAllowed || w.changed() != before {
				t.Errorf("%s %s: got %d %s", method, r.Path, got.StatusCode, got.body)
			}
		}
		before := w.changed()
		got := w.ask("GET", path+"?_method="+r.Method, "", root, "X-HTTP-Method-Override: "+r.Method)
		if w.changed() != before || taken["GET "+r.Path] && got.StatusCode != http.StatusBadRequest {
			t.Errorf("GET %s with an override: got %d", r.Path, got.StatusCode)
		}
		_ = body
	}
	if got := w.ask("GET", "/api/v1/runs/"+runID+"/cancel", "", root); got.Header.Get("Allow") != "POST" {
		t.Errorf("Allow is %q", got.Header.Get("Allow"))
	}
}

func TestFact7PathsAreMatchedExactly(t *testing.T) {
	w, root := everyone(t)
	for _, path := range []string{
		"/API/v1/runs", "/api/V1/runs", "/api/v1/Runs", "/api/v1/runs/", "/api/v1//runs", "/api/v1/runs//", "/api/v1/./runs", "/api/v1/x/../runs",
		"/api/v1/%72uns", "/api/v1/runs%2f", "/api/v1/runs%20", "/api/v1/runs;x=1", "/api/v1\\runs",
	} {
		if got := w.ask(http.MethodGet, path, "", root); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d %.60s", path, got.StatusCode, got.body)
		}
	}
	got := w.ask(http.MethodGet, "/api/v1/alerts/"+alertID, "", root, "Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /evil")
	if got.StatusCode != http.StatusOK || strings.Contains(got.body, "evil") || strings.Contains(fmt.Sprint(got.Header), "evil") {
		t.Errorf("the answer believes the host: %v %s", got.Header, got.body)
	}
}

func TestWhatPeopleEditHasAnETag(t *testing.T) {
	w, root := everyone(t)
	for name, tc := range map[string]struct{ method, path, body, fresh string }{
		"an alert":     {"PATCH", "/api/v1/alerts/" + alertID, `{"owner":"root"}`, `"7"`},
		"a connection": {"PUT", "/api/v1/connections/jira", `{"name":"jira","integration":"jira"}`, `"3"`},
		"a playbook":   {"PUT", "/api/v1/playbooks/isolate", `{"source":"x"}`, `"sha256:aa"`},
		"an account":   {"PATCH", "/api/v1/users/second.root", `{"email":"a@example.org"}`, `"1"`},
	} {
		read := w.ask(http.MethodGet, tc.path, "", root)
		if read.Header.Get("ETag") != tc.fresh {
			t.Errorf("%s: the ETag is %s, want %s", name, read.Header.Get("ETag"), tc.fresh)
		}
		before := w.changed()
		if got := w.ask(tc.method, tc.path, tc.body, root, `If-Match: "99"`); got.StatusCode != http.StatusConflict && got.StatusCode != http.StatusPreconditionFailed || w.changed() != before {
			t.Errorf("%s, an old state: got %d %s", name, got.StatusCode, got.body)
		}
		if got := w.ask(tc.method, tc.path, tc.body, root, "If-Match: rubbish"); got.StatusCode != http.StatusBadRequest || w.changed() != before {
			t.Errorf("%s, no ETag: got %d %s", name, got.StatusCode, got.body)
		}
		if got := w.ask(tc.method, tc.path, tc.body, root, "If-Match: "+tc.fresh); got.StatusCode != http.StatusOK {
			t.Errorf("%s, the present state: got %d %s", name, got.StatusCode, got.body)
		}
	}
}

func TestARequestWithAKeyIsDoneOnce(t *testing.T) {
	w, root := everyone(t)
	lena := w.person("lena", account.Lead)
	path := "/api/v1/playbooks/isolate/runs"
	first := w.ask(http.MethodPost, path, `{"inputs":{"a":1}}`, root, "Idempotency-Key: k1")
	again := w.ask(http.MethodPost, path, `{"inputs":{"a":1}}`, root, "Idempotency-Key: k1")
	if first.StatusCode != http.StatusAccepted || again.StatusCode != http.StatusAccepted || again.body != first.body || again.Header.Get("Idempotency-Replayed") != "true" || w.changed() != 1 {
		t.Errorf("got %d and %d after %d acts: %s", first.StatusCode, again.StatusCode, w.changed(), again.body)
	}
	if got := w.ask(http.MethodPost, path, `{"inputs":{"a":2}}`, root, "Idempotency-Key: k1"); got.StatusCode != http.StatusConflict || got.problem(t).Code != "idempotency_conflict" {
		t.Errorf("another body: got %d %s", got.StatusCode, got.body)
	}
	for name, tc := range map[string]struct {
		who, path, key string
		want           int
	}{
		"another person":  {lena, path, "k1", 2},
		"another address": {root, "/api/v1/playbooks/other/runs", "k1", 3},
		"another key":     {root, path, "k2", 4},
	} {
		before := w.changed()
		if got := w.ask(http.MethodPost, tc.path, `{"inputs":{"a":1}}`, tc.who, "Idempotency-Key: "+tc.key); got.StatusCode != http.StatusAccepted || w.changed() != before+1 {
			t.Errorf("%s: got %d %s", name, got.StatusCode, got.body)
		}
	}
	w.house.mu.Lock()
	starts := w.starts
	w.house.mu.Unlock()
	keys := map[string]bool{}
	for _, s := range starts {
		if !strings.HasPrefix(s.Key, "request/") {
			t.Errorf("the start key %q is not derived from the request's", s.Key)
		}
		keys[s.Key] = true
	}
	if len(keys) != len(starts) {
		t.Errorf("%d starts have %d keys", len(starts), len(keys))
	}
	w.pass(25 * 60 * 60 * 1e9)
	root = w.session(w.find("root"))
	before := w.changed()
	if got := w.ask(http.MethodPost, path, `{"inputs":{"a":1}}`, root, "Idempotency-Key: k1"); got.StatusCode != http.StatusAccepted || w.changed() != before+1 {
		t.Errorf("a day later: got %d %s", got.StatusCode, got.body)
	}
}

func TestARefusedRequestFreesItsKey(t *testing.T) {
	w, root := everyone(t)
	w.house.mu.Lock()
	w.fail = errors.New("the disk is full")
	w.house.mu.Unlock()
	path := "/api/v1/runs/" + runID + "/cancel"
	if got := w.ask(http.MethodPost, path, `{}`, root, "Idempotency-Key: k"); got.StatusCode != http.StatusInternalServerError {
		t.Fatalf("got %d", got.StatusCode)
	}
	w.house.mu.Lock()
	w.fail = nil
	w.house.mu.Unlock()
	if got := w.ask(http.MethodPost, path, `{}`, root, "Idempotency-Key: k"); got.StatusCode != http.StatusAccepted {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}
