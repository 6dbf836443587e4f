package connector_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func TestABaseURLIsReadStrictly(t *testing.T) {
	for _, good := range []string{
		"https://example.org", "https://example.org/", "http://example.org:8080/api/v2", "https://10.0.0.1", "https://[2606:4700::1111]:8443/x",
		"https://xn--bcher-kva.example", "http://localhost", "https://a_b.example", "https://example.org./x",
	} {
		if _, err := connector.BaseURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "example.org", "//example.org", "ftp://example.org", "file:///etc/passwd", "javascript:alert(1)", "gopher://x", "HTTPS//x", "https:example.org",
		"https://", "https:///path", "https://user@example.org", "https://user:pass@example.org", "https://example.org@evil.example", "https://example.org/?q=1",
		"https://example.org?", "https://example.org/#f", "https://example.org#", "https://exa mple.org", "https://example.org\\@evil.example", "https://example.org\n",
		"https://b\u00fccher.example", "https://\uff11\uff12\uff17.0.0.1", "https://127.1", "https://2130706433", "https://0x7f000001", "https://0x7f.0.0.1", "https://0177.0.0.1",
		"https://127.0.0.1.", "https://1.2.3.4.5", "https://example.org:", "https://example.org:x", "https://[fe80::1%25eth0]", "https://[::1", "https://%31%32%37.0.0.1",
		"https://example.org/a/../b", "https://example.org/%2e%2e/", "https://example.org/./x", "https://example.org/..;/x", "https://foo.0x7f", "https://example.org/%zz",
	} {
		if u, err := connector.BaseURL(bad); fault.KindOf(err) != fault.InvalidInput {
			t.Errorf("%q: got %v, %v; want invalid_input", bad, u, err)
		}
	}
}

func TestAPathIsCleanedAndStaysBelowTheBase(t *testing.T) {
	for name, tc := range map[string]struct{ base, path, want string }{
		"plain":                      {"https://h/api", "/v1/hosts", "https://h/api/v1/hosts"},
		"without a slash before":     {"https://h/api", "v1", "https://h/api/v1"},
		"with a slash behind":        {"https://h/api/", "v1/", "https://h/api/v1/"},
		"empty":                      {"https://h/api", "", "https://h/api"},
		"empty on a root":            {"https://h", "", "https://h/"},
		"only a slash":               {"https://h/api", "/", "https://h/api/"},
		"double slashes":             {"https://h/api", "//evil.example//x", "https://h/api/evil.example/x"},
		"dots that stay":             {"https://h/api", "a/./b/../c", "https://h/api/a/c"},
		"dots in a name":             {"https://h/api", "a..b/...", "https://h/api/a..b/..."},
		"an encoded slash":           {"https://h/api", "a%2Fb", "https://h/api/a%2Fb"},
		"an encoded question mark":   {"https://h/api", "a%3Fb%23c", "https://h/api/a%3Fb%23c"},
		"an address as a segment":    {"https://h/api", "https%3A%2F%2Fevil.example", "https://h/api/https%3A%2F%2Fevil.example"},
		"a colon":                    {"https://h/api", "a:b", "https://h/api/a:b"},
		"up":                         {"https://h/api", "..", ""},
		"up and away":                {"https://h/api", "/../../etc/passwd", ""},
		"down, then up too far":      {"https://h/api", "a/../../b", ""},
		"encoded dots":               {"https://h/api", "%2e%2e/x", ""},
		"half encoded dots":          {"https://h/api", ".%2e/x", ""},
		"dots encoded twice":         {"https://h/api", "%252e%252e/x", ""},
		"dots behind encoded slash":  {"https://h/api", "a%2f..%2f..%2fx", ""},
		"dots behind a backslash":    {"https://h/api", "a%5c..%5cx", ""},
		"a backslash":                {"https://h/api", `a\..\x`, ""},
		"dots with a parameter":      {"https://h/api", "..;x=1/admin", ""},
		"encoded dots with one":      {"https://h/api", "%2e%2e%3bx/admin", ""},
		"an encoded dot":             {"https://h/api", "%2e", ""},
		"a query":                    {"https://h/api", "a?b=c", ""},
		"a fragment":                 {"https://h/api", "a#b", ""},
		"a space":                    {"https://h/api", "a b", ""},
		"a line break":               {"https://h/api", "a\r\nHost: evil", ""},
		"an encoded line break":      {"https://h/api", "a%0d%0aHost:%20evil", ""},
		"an encoded NUL":             {"https://h/api", "a%00", ""},
		"a percent that is no code":  {"https://h/api", "a%zz", ""},
		"a percent at the end":       {"https://h/api", "a%2", ""},
		"letters beyond ASCII":       {"https://h/api", "\u00fc", ""},
		"encoded letters beyond":     {"https://h/api", "%C3%BC", "https://h/api/%C3%BC"},
		"full width dots":            {"https://h/api", "\uff0e\uff0e/x", ""},
		"a base whose name is alike": {"https://h/api", "../apix", ""},
	} {
		t.Run(name, func(t *testing.T) {
			base, err := connector.BaseURL(tc.base)
			if err != nil {
				t.Fatal(err)
			}
			got, err := connector.Join(base, tc.path)
			switch {
			case tc.want == "" && fault.KindOf(err) != fault.InvalidInput:
				t.Errorf("got %v, %v; want invalid_input", got, err)
			case tc.want != "" && (err != nil || got.String() != tc.want):
				t.Errorf("got %v, %v; want %s", got, err, tc.want)
			}
		})
	}
}

func FuzzJoinNeverLeavesTheBase(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "%2e%2e/", "a//b/./c/", "..;/x", "%252e%252e", `..\x`, "?q", "%c0%ae"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://h.example/api/v2")
	f.Fuzz(func(t *testing.T, p string) {
		u, err := connector.Join(base, p)
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.Host != "h.example" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q leads to %s", p, u)
		}
		if e := u.EscapedPath(); e != "/api/v2" && !strings.HasPrefix(e, "/api/v2/") {
			t.Fatalf("%q leads to %s", p, e)
		}
		for seg := range strings.SplitSeq(u.Path, "/") {
			if seg == "." || seg == ".." {
				t.Fatalf("%q keeps a dot segment: %s", p, u.Path)
			}
		}
	})
}
