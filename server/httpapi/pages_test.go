package httpapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-soar/tocsin/server/httpapi"
)

var nonceOf = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{22})'`)

func TestS030TheAppsPageHasAFreshNonceAndAStrictPolicy(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/alerts", "/approvals/" + approvalID, "/link", "/playbooks/isolate/edit", "/apikeys"} {
		got := w.ask("GET", path, "")
		csp := got.Header.Get("Content-Security-Policy")
		m := nonceOf.FindStringSubmatch(csp)
		if got.StatusCode != http.StatusOK || m == nil || !strings.Contains(got.body, `nonce="`+m[1]+`"`) || seen[m[1]] || strings.Contains(got.body, "__NONCE__") {
			t.Errorf("%s: got %d %s %s", path, got.StatusCode, csp, got.body)
			continue
		}
		seen[m[1]] = true
		for _, want := range []string{
			"default-src 'none';", "script-src 'self';", "img-src 'self' data:;", "font-src 'self';", "connect-src 'self';", "manifest-src 'self';", "worker-src 'self';",
			"base-uri 'none';", "form-action 'self';", "frame-ancestors 'none';", "require-trusted-types-for 'script';", "trusted-types 'none'",
		} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: %s is missing in %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || got.Header.Get("Cache-Control") != "no-cache" || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %v", path, got.Header)
		}
	}
}

func TestFilesOfTheAppAreServedPackedAndForGood(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{"br, gzip": "BR", "gzip, deflate": "GZ", "identity": "let a=1", "br;q=0, gzip": "GZ", "bread": "let a=1", "GZIP": "GZ"} {
		got := w.ask("GET", "/assets/app-1a2b.js", "", "Accept-Encoding: "+accept)
		if got.StatusCode != http.StatusOK || got.body != want || got.Header.Get("Vary") != "Accept-Encoding" || got.Header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
			got.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: got %d %q %v", accept, got.StatusCode, got.body, got.Header)
		}
	}
	first := w.ask("GET", "/bell.svg", "", "Accept-Encoding: identity")
	if first.Header.Get("Cache-Control") != "no-cache" || first.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("got %v", first.Header)
	}
	if got := w.ask("GET", "/bell.svg", "", "If-None-Match: "+first.Header.Get("ETag")); got.StatusCode != http.StatusNotModified || got.body != "" {
		t.Errorf("again: got %d %q", got.StatusCode, got.body)
	}
	for _, path := range []string{"/nothing.js", "/assets/../index.html", "/.gitkeep", "/index.html.br", "/assets/app-1a2b.js.br", "/assets/app-1a2b.js.gz", "/..%2f..%2fetc/passwd.txt", "/assets/%2e%2e/x.txt"} {
		if got := w.ask("GET", path, ""); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: got %d %.60s", path, got.StatusCode, got.body)
		}
	}
	if got := w.ask("POST", "/alerts", "{}"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("POST to a page: got %d", got.StatusCode)
	}
}

func TestABinaryWithoutTheAppSaysHowToBuildIt(t *testing.T) {
	for name, app := range map[string]fstest.MapFS{"nothing": nil, "the placeholder only": {".gitkeep": {Data: []byte{}}}} {
		w := newWorld(t, func(d *httpapi.Deps) {
			d.App = app
			if app == nil {
				d.App = nil
			}
		})
		got := w.ask("GET", "/", "")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "make build") || !nonceOf.MatchString(got.Header.Get("Content-Security-Policy")) {
			t.Errorf("%s: got %d %.100s", name, got.StatusCode, got.body)
		}
	}
}
