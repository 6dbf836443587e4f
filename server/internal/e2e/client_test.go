package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// client speaks to a server as one person or token.
type client struct {
	t     *testing.T
	base  string
	http  *http.Client
	token string
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	raw    []byte
	json   any
}

func (s *server) guest() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{t: s.t, base: s.url, http: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// login gives a client with a session of its own.
func (s *server) login(name, password string) *client {
	s.t.Helper()
	c := s.guest()
	c.do("POST", "/api/v1/session", map[string]any{"username": name, "password": password}).want(s.t, 200, 201, 204)
	return c
}

func (s *server) admin() *client { return s.login("admin", adminPassword) }

func (s *server) bearer(token string) *client {
	c := s.guest()
	c.token = token
	return c
}

// do sends a request; body is nil, a string as it is, or a value as JSON.
// header pairs come last.
func (c *client) do(method, path string, body any, header ...string) reply {
	c.t.Helper()
	r, err := c.try(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// try is do for requests that may find nobody.
func (c *client) try(method, path string, body any, header ...string) (reply, error) {
	var raw io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		raw = strings.NewReader(b)
	case []byte:
		raw = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		raw = bytes.NewReader(text)
	}
	q, err := http.NewRequest(method, c.base+path, raw)
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			q.Header.Del(header[i])
			continue
		}
		q.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(q)
	// A server that refuses a body by its announced length closes on a sender who
	// still writes; whether the answer or the broken pipe is seen first is a race.
	for tries := 0; err != nil && tries < 20 && q.GetBody != nil && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)); tries++ {
		if q.Body, err = q.GetBody(); err != nil {
			break
		}
		res, err = c.http.Do(q)
	}
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	r := reply{status: res.StatusCode, header: res.Header}
	if r.raw, err = io.ReadAll(res.Body); err != nil {
		return reply{}, err
	}
	_ = json.Unmarshal(r.raw, &r.json) // pages and metrics are no JSON
	return r, nil
}

// get is do for a read that must succeed.
func (c *client) get(path string) reply {
	c.t.Helper()
	return c.do("GET", "/api/v1"+path, nil).want(c.t, 200)
}

// post is do for a write to the API.
func (c *client) post(path string, body any) reply {
	c.t.Helper()
	if body == nil {
		body = map[string]any{}
	}
	return c.do("POST", "/api/v1"+path, body)
}

// want fails the test unless the status is one of these.
func (r reply) want(t *testing.T, status ...int) reply {
	t.Helper()
	if slices.Contains(status, r.status) {
		return r
	}
	t.Fatalf("status: got %d, want %v\n%s", r.status, status, r.raw)
	return r
}

// refused fails the test unless this is a problem of this status and code.
func (r reply) refused(t *testing.T, status int, code string) {
	t.Helper()
	kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	if r.status != status || r.text("code") != code || kind != "application/problem+json" {
		t.Errorf("got %d %s %s, want %d %s as a problem", r.status, kind, r.raw, status, code)
	}
}

// at walks into the JSON: names of objects, numbers of lists; nil where there is
// nothing.
func (r reply) at(path ...any) any { return walk(r.json, path...) }

func walk(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p < 0 || p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (r reply) text(path ...any) string {
	s, _ := r.at(path...).(string)
	return s
}

func (r reply) list(path ...any) []any {
	l, _ := r.at(path...).([]any)
	return l
}
