package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	cmd := exec.Command("go", "build", "-o", bin, "./server/cmd/tocsin") //nolint:gosec // the program under test
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

func program(t *testing.T) string {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// server is one `tocsin serve` on its own data folder.
type server struct {
	t    *testing.T
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
func start(t *testing.T, s setup) *server {
	t.Helper()
	srv := prepare(t, s)
	srv.launch()
	return srv
}

func prepare(t *testing.T, s setup) *server {
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
func run(t *testing.T, stdin string, env []string, args ...string) ran {
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
func (r ran) want(t *testing.T, code int) ran {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code: got %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// eventually waits until a condition holds; what says what was waited for.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, waitLimit, what, holds)
}

func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %s in vain until %s", limit, what)
}
