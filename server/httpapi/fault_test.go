package httpapi_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

// leaks are words that only our insides use.
var leaks = []string{
	"goroutine", ".go:", "runtime.", "SELECT", "INSERT", "sqlite", "SQLITE", "database is locked", "no such table", "/var/lib", "/root", "/work", "dial tcp", "connection refused",
	"user:pass", "s3cret", "fasthttp", "fiber", "gorm", "invalid character", "cannot unmarshal", "panic", "nil pointer", "no such file", "permission denied", "context deadline", "x509",
}

func TestS042NoErrorSaysAnythingOfOurInsides(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 5432}, Err: errors.New("connection refused")}
	inside := map[string]error{
		"locked database":         errors.New("database is locked (5) (SQLITE_BUSY)"),
		"SQL":                     fmt.Errorf("load run: %w", errors.New(`SQL logic error: near "FROM": SELECT * FROM user`)),
		"no table":                errors.New("no such table: user"),
		"no row":                  sql.ErrNoRows,
		"path":                    &fs.PathError{Op: "open", Path: "/var/lib/tocsin/key", Err: os.ErrPermission},
		"refused connection":      dial,
		"address with a password": &url.Error{Op: "Get", URL: "https://user:pass@10.0.0.5/x?token=s3cret", Err: dial}, //nolint:gosec // of nobody
		"deadline":                context.DeadlineExceeded,
		"cancelled":               context.Canceled,
		"wrapped internal":        fault.Wrap(errors.New("SELECT s3cret"), fault.Internal, "load /var/lib/tocsin"),
		"wrapped unavailable":     fault.Wrap(errors.New("disk I/O error /var/lib"), fault.Unavailable, "cannot be stored now"),
		"wrapped twice":           fmt.Errorf("a: %w", fmt.Errorf("b: %w", fault.Wrap(errors.New("s3cret"), fault.NotFound, "there is no such thing"))),
		"joined":                  errors.Join(errors.New("s3cret"), errors.New("/var/lib")),
		"a kind nobody knows":     fault.New(fault.Kind("SELECT"), "s3cret"),
		"certificate":             errors.New("x509: certificate signed by unknown authority"),
	}
	kinds := map[fault.Kind]int{
		fault.InvalidInput: 400, fault.Unauthorized: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409, fault.RateLimited: 429, fault.Unavailable: 503,
		fault.Timeout: 504, fault.Cancelled: 503, fault.Denied: 403, fault.ApprovalDenied: 409, fault.ApprovalExpired: 409, fault.InDoubt: 409, fault.EgressDenied: 403,
		fault.RedirectRefused: 502, fault.BadReply: 502, fault.TooLarge: 413, fault.Expression: 400, fault.Bound: 400, fault.Internal: 500,
	}
	for k := range kinds {
		inside["kind "+string(k)] = fault.Wrap(errors.New("SELECT s3cret FROM /var/lib at x.go:12"), k, "words for a person")
	}
	if len(inside) < 35 {
		t.Fatalf("only %d errors", len(inside))
	}
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	paths := map[string]string{"GET": "/api/v1/runs/" + runID, "POST": "/api/v1/runs/" + runID + "/cancel"}
	for name, err := range inside {
		for method, path := range paths {
			w.house.mu.Lock()
			w.fail = err
			w.house.mu.Unlock()
			body := ""
			if method == "POST" {
				body = "{}"
			}
			got := w.ask(method, path, body, root)
			p := got.problem(t)
			if got.StatusCode < 400 || p.Code == "" || !strings.HasPrefix(p.Instance, "req_") || got.Header.Get("X-Request-Id") != p.Instance || p.Status != got.StatusCode {
				t.Errorf("%s: got %d %s", name, got.StatusCode, got.body)
			}
			for _, l := range leaks {
				if strings.Contains(got.body, l) {
					t.Errorf("%s: %q stands in %s", name, l, got.body)
				}
			}
			if got.StatusCode >= 500 && !strings.Contains(w.log.String(), p.Instance) {
				t.Errorf("%s: the log does not know %s", name, p.Instance)
			}
			if k, ok := strings.CutPrefix(name, "kind "); ok && got.StatusCode != kinds[fault.Kind(k)] {
				t.Errorf("%s: got %d, want %d", name, got.StatusCode, kinds[fault.Kind(k)])
			}
		}
	}
}

func TestS042WhatIsNoRequestGetsAPlainRefusal(t *testing.T) {
	w := newWorld(t)
	for name, raw := range map[string]string{
		"rubbish":              "GARBAGE\r\n\r\n",
		"no version":           "GET /api/v1/runs\r\nHost: x\r\n\r\n",
		"space in the path":    "GET /api v1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad header":           "GET /api/v1/runs HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
		"two lengths":          "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"length and chunks":    "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a length that is odd": "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"headers of 64 kB":     "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"a method that is odd": "GE T / HTTP/1.1\r\nHost: x\r\n\r\n",
		"another protocol":     "SSH-2.0-OpenSSH_9.9\r\n\r\n",
		"a broken escape":      "GET /api/v1/runs/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"an unknown method":    "BREW /api/v1/runs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		got := w.speak(t, raw)
		if strings.Contains(got, " 200 ") || strings.Contains(got, " 202 ") {
			t.Errorf("%s: got %.200s", name, got)
		}
		for _, l := range append(leaks, "GARBAGE", "OpenSSH", "error when") {
			if strings.Contains(got, l) {
				t.Errorf("%s: %q stands in %.300s", name, l, got)
			}
		}
		if got != "" && !strings.Contains(got, "application/problem+json") {
			t.Errorf("%s: no problem: %.300s", name, got)
		}
		if strings.Contains(strings.ToLower(got), "\nserver:") {
			t.Errorf("%s: the server names itself: %.300s", name, got)
		}
	}
}

// speak writes raw bytes and gives what comes back until the end.
func (w *world) speak(t *testing.T, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:forbidigo // of a socket
	go func() { _, _ = c.Write([]byte(raw)) }()         // it may be cut while it is still being sent
	buf := make([]byte, 64<<10)
	n, _ := c.Read(buf)
	return string(buf[:n])
}

func TestFact6APanicIsAnswered500AndTheProcessLives(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	w.house.mu.Lock()
	w.crash = true
	w.house.mu.Unlock()
	for method, path := range map[string]string{"GET": "/api/v1/runs/" + runID, "POST": "/hooks/edr", "PUT": "/api/v1/halt"} {
		got := w.ask(method, path, `{"on":true,"reason":"r"}`, root, "X-Signature: good")
		p := got.problem(t)
		if got.StatusCode != http.StatusInternalServerError || p.Code != "internal" || strings.Contains(got.body, "SELECT") || strings.Contains(got.body, "/var") {
			t.Errorf("%s %s: got %d %s", method, path, got.StatusCode, got.body)
		}
		if !strings.Contains(w.log.String(), p.Instance) || !strings.Contains(w.log.String(), "panic caught") {
			t.Error("the log does not know of the panic")
		}
	}
	w.house.mu.Lock()
	w.crash = false
	w.house.mu.Unlock()
	if got := w.ask("GET", "/api/v1/runs/"+runID, "", root); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: got %d", got.StatusCode)
	}
	w.person("scraper", account.Admin)
	if got := w.ask("GET", "/metrics", "", w.token("scraper", "metrics")); !strings.Contains(got.body, `tocsin_panics_total{place="http"} 3`) {
		t.Error("the panics were not counted")
	}
}

func TestHealthAndReadinessSayTheirStatusOnly(t *testing.T) {
	w := newWorld(t)
	if got := w.ask("GET", "/healthz", ""); got.StatusCode != http.StatusOK || got.body != `{"status":"alive"}` {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	if got := w.ask("GET", "/readyz", ""); got.StatusCode != http.StatusOK || got.body != `{"status":"ready","quarantine":true}` {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	w.state.why = "recovering"
	if got := w.ask("GET", "/readyz", ""); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, `"status":"recovering"`) {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	if got := w.ask("HEAD", "/healthz", ""); got.StatusCode != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: got %d %q", got.StatusCode, got.body)
	}
}

func TestEveryAnswerCarriesTheHeadersOfProtection(t *testing.T) {
	w := newWorld(t, func(d *httpapi.Deps) { d.Secure = true })
	for _, path := range []string{"/", "/api/v1/me", "/healthz", "/assets/app-1a2b.js", "/nothing.txt", "/bell.svg", "/openapi.json", "/hooks/edr"} {
		got := w.ask("GET", path, "", "Accept-Encoding: identity")
		for k, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "DENY",
		} {
			if got.Header.Get(k) != want {
				t.Errorf("%s: %s is %q", path, k, got.Header.Get(k))
			}
		}
		csp := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		if len(got.Header.Values("Content-Security-Policy")) != 1 || got.Header.Get("Server") != "" || got.Header.Get("X-Powered-By") != "" {
			t.Errorf("%s: %v", path, got.Header)
		}
	}
}

func TestEveryCodeOfARefusalIsDocumented(t *testing.T) {
	w := newWorld(t)
	got := w.ask("GET", "/schemas/errors.json", "")
	if got.StatusCode != http.StatusOK {
		t.Fatal(got.StatusCode)
	}
	for code, text := range httpapi.Codes() {
		if !strings.Contains(got.body, `"`+code+`"`) || len(text) < 10 {
			t.Errorf("%s is not documented", code)
		}
	}
	for _, k := range []fault.Kind{
		fault.InvalidInput, fault.Unauthorized, fault.Forbidden, fault.NotFound, fault.Conflict, fault.RateLimited, fault.Unavailable, fault.Timeout, fault.Cancelled,
		fault.Denied, fault.InDoubt, fault.EgressDenied, fault.BadReply, fault.TooLarge, fault.Expression, fault.Internal,
	} {
		if httpapi.Codes()[string(k)] == "" {
			t.Errorf("the kind %s is not documented", k)
		}
	}
	for code, where := range codesInSource(t) {
		if httpapi.Codes()[code] == "" {
			t.Errorf("%s, of %s, is not documented", code, where)
		}
	}
	if got := w.ask("GET", "/schemas/nothing.json", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown schema: got %d", got.StatusCode)
	}
}

var withCode = regexp.MustCompile(`WithCode\("([a-z_]+)"\)`)

// codesInSource finds every code that the product gives to an error.
func codesInSource(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(root, name)
		for _, m := range withCode.FindAllSubmatch(src, -1) {
			out[string(m[1])] = name
		}
		return err
	})
	if err != nil || len(out) < 50 {
		t.Fatalf("found %d codes: %v", len(out), err)
	}
	return out
}
