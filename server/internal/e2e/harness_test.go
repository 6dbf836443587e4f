package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	adminPassword = "correct horse battery staple 9"
	startLimit    = 60 * time.Second
	waitLimit     = 30 * time.Second
)

// binary is the program under test: TOCSIN_BINARY, or built once per test run.
var binary = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("TOCSIN_BINARY"); given != "" {
		return filepath.Abs(given)
	}
	dir, err := os.MkdirTemp("", "tocsin-e2e-")
	if err != nil {
		return "", err
	}
	built = dir
	bin := filepath.Join(dir, "tocsin")
	cmd := exec.Command("go", "build", "-o", bin, "./server/cmd/tocsin")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return bin, nil
})

var built string // folder of a binary that this run made

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

func program(t testing.TB) string {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// server is one `tocsin serve` on its own data folder.
type server struct {
	t    testing.TB
	data string
	args []string
	env  []string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	exit error

	mu  sync.Mutex
	out []string // lines of stdout
	log bytes.Buffer

	url string
}

// setup says how to start a server.
type setup struct {
	workspace string
	data      string   // "" means a new folder
	args      []string // after `serve`
	env       []string
}

// clean is the environment without settings of the product.
func clean() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TOCSIN_") {
			env = append(env, e)
		}
	}
	return env
}

// start starts a server and waits until it is ready. It is killed when the test
// ends.
func start(t testing.TB, s setup) *server {
	t.Helper()
	srv := prepare(t, s)
	srv.launch()
	return srv
}

func prepare(t testing.TB, s setup) *server {
	t.Helper()
	if s.data == "" {
		s.data = filepath.Join(t.TempDir(), "data")
	}
	srv := &server{t: t, data: s.data}
	srv.args = append([]string{"serve", "--data", s.data, "--addr", "127.0.0.1:0"}, s.args...)
	if s.workspace != "" {
		srv.args = append(srv.args, "--workspace", s.workspace)
	}
	srv.env = append(append(clean(), "TOCSIN_ADMIN_PASSWORD="+adminPassword), s.env...)
	t.Cleanup(srv.cleanup)
	return srv
}

func (s *server) cleanup() {
	s.kill()
	if s.t.Failed() {
		s.mu.Lock()
		defer s.mu.Unlock()
		tail := s.log.Bytes()
		if over := len(tail) - 16<<10; over > 0 {
			tail = tail[over:]
		}
		s.t.Logf("the server's log ends with:\n%s", tail)
	}
}

var listening = regexp.MustCompile(`https?://(127\.0\.0\.1|localhost|\[::1\]):\d+`)

// spawn starts the process without waiting for anything.
func (s *server) spawn() {
	s.t.Helper()
	s.mu.Lock()
	s.out = nil
	s.mu.Unlock()
	s.cmd = exec.Command(program(s.t), s.args...) //nolint:gosec // the program under test
	s.cmd.Env = s.env
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stderr = &lockedWriter{mu: &s.mu, w: &s.log}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.done = done
	cmd := s.cmd
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			s.mu.Lock()
			s.out = append(s.out, lines.Text())
			s.mu.Unlock()
		}
		s.exit = cmd.Wait()
		close(done)
	}()
}

// launch starts the process and waits until /readyz says 200.
func (s *server) launch() {
	s.t.Helper()
	s.spawn()
	deadline := time.Now().Add(startLimit)
	for time.Now().Before(deadline) {
		select {
		case <-s.done:
			s.t.Fatalf("the server ended at its start: %v\n%s\n%s", s.exit, strings.Join(s.lines(), "\n"), s.logged())
		default:
		}
		if s.url = s.find(listening); s.url != "" && s.ready() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("the server was not ready in %s; it said\n%s\n%s", startLimit, strings.Join(s.lines(), "\n"), s.logged())
}

func (s *server) ready() bool {
	res, err := http.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	defer drain(res)
	return res.StatusCode == http.StatusOK
}

func drain(res *http.Response) {
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

func (s *server) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.out...)
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// find gives the first match in what the server said.
func (s *server) find(re *regexp.Regexp) string {
	for _, line := range s.lines() {
		if m := re.FindString(line); m != "" {
			return m
		}
	}
	return ""
}

// kill ends the process as kill -9 does.
func (s *server) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
	s.cmd = nil
}

// stop ends it politely and gives its exit.
func (s *server) stop() error {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(waitLimit):
		s.t.Fatal("the server did not stop")
	}
	s.cmd = nil
	return s.exit
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// ran is what a command came to.
type ran struct {
	code           int
	stdout, stderr string
}

// run runs a command of the binary to its end.
func run(t testing.TB, stdin string, env []string, args ...string) ran {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), startLimit)
	defer stop()
	cmd := exec.CommandContext(ctx, program(t), args...) //nolint:gosec // the program under test
	cmd.Env = append(clean(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("tocsin %s did not end", strings.Join(args, " "))
	}
	r := ran{stdout: out.String(), stderr: errs.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return r
}

// want fails the test unless the command ended with this code.
func (r ran) want(t testing.TB, code int) ran {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code: got %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// client speaks to a server as one person or token.
type client struct {
	t     testing.TB
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
func (r reply) want(t testing.TB, status ...int) reply {
	t.Helper()
	for _, s := range status {
		if r.status == s {
			return r
		}
	}
	t.Fatalf("status: got %d, want %v\n%s", r.status, status, r.raw)
	return r
}

// refused fails the test unless this is a problem of this status and code.
func (r reply) refused(t testing.TB, status int, code string) {
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

// eventually waits until a condition holds; what says what was waited for.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	within(t, waitLimit, what, holds)
}

func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %s in vain until %s", limit, what)
}
