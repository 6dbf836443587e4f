package main

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
	"strconv"
	"strings"
	"time"
)

// program is a server that can be measured: it prints where it listens, takes
// signed alerts at /hooks/bench and says at /readyz that it is ready.
type program struct {
	name string
	args func(dir string) ([]string, error)
	env  []string
}

const hookSecret = "a secret for the bench only"

// product is the binary with a workspace of one source, one connection and one
// playbook.
func product(binary string, s *stub) program {
	return program{
		name: "tocsin",
		args: func(dir string) ([]string, error) {
			for name, text := range workspace(s.url) {
				file := filepath.Join(dir, "workspace", name)
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					return nil, fmt.Errorf("make the workspace: %w", err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					return nil, fmt.Errorf("write the workspace: %w", err)
				}
			}
			bin, err := filepath.Abs(binary)
			if err != nil {
				return nil, fmt.Errorf("find the binary: %w", err)
			}
			return []string{bin, "serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--workspace", filepath.Join(dir, "workspace")}, nil
		},
		env: []string{"TOCSIN_SECRETS_ENV=BENCH_SECRET", "BENCH_SECRET=" + hookSecret, "TOCSIN_REVIEW=files", "TOCSIN_ADMIN_PASSWORD=a password for the bench only"},
	}
}

func workspace(stubURL string) map[string]string {
	return map[string]string{
		"sources/bench.yaml": `name: bench
mapping: generic
auth: { hmac: { style: tocsin, secret: "env://BENCH_SECRET" } }
limit: { per_second: 100000, body: 1MiB }
`,
		"connections/stub.yaml": `name: stub
integration: http
environment: test
base_url: ` + stubURL + `
egress: { allow: ["127.0.0.1"] }
idempotent: true
concurrency: 64
default: true
`,
		"playbooks/five.yaml": `name: Five steps
on:
  - alert: alert.category == 'bench'
steps:
  - id: one
    action: http.get
    with: { path: "/read/${{ alert.source_id }}" }
  - id: two
    action: http.get
    with: { path: "/read2/${{ alert.source_id }}" }
  - id: facts
    set:
      score: "${{ int(steps.one.output.body.n) + int(steps.two.output.body.n) }}"
  - if: vars.score > 1
    then:
      - id: write
        action: http.send
        with: { method: POST, path: "/write/${{ alert.source_id }}", json: { score: "${{ vars.score }}", title: "${{ alert.title }}" } }
`,
	}
}

// floorProgram is this very program as the floor.
func floorProgram(s *stub) program {
	return program{name: "floor", args: func(dir string) ([]string, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find myself: %w", err)
		}
		return []string{self, "-floor", dir, "-stub", s.url}, nil
	}}
}

// running is a started program.
type running struct {
	cmd    *exec.Cmd
	url    string
	log    *bytes.Buffer
	loaded time.Duration // from the start to ready
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func (p program) start(ctx context.Context, dir string) (*running, error) {
	args, err := p.args(dir)
	if err != nil {
		return nil, err
	}
	r := &running{log: &bytes.Buffer{}}
	r.cmd = exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the program that is measured
	r.cmd.Env = append(os.Environ(), p.env...)
	r.cmd.Stderr = r.log
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	begin := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	lines := bufio.NewScanner(out)
	for r.url == "" && lines.Scan() {
		r.url = listening.FindString(lines.Text())
	}
	if r.url == "" {
		_ = r.cmd.Wait()
		return nil, fmt.Errorf("%s ended without listening: %s", p.name, r.log)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for {
		res, err := http.Get(r.url + "/readyz") //nolint:noctx // on this machine, and short
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				r.loaded = time.Since(begin)
				return r, nil
			}
		}
		if time.Since(begin) > time.Minute {
			return nil, fmt.Errorf("%s was not ready in a minute: %s", p.name, r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *running) stop() error {
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	_ = r.cmd.Wait() // how it ends is not measured
	return nil
}

// memory gives the resident memory in MB.
func (r *running) memory() (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read the memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0, fmt.Errorf("read the memory: %w", err)
			}
			return kb / 1024, nil
		}
	}
	return 0, errors.New("the system tells no memory")
}

// cpu gives the processor time used so far.
func (r *running) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, errors.New("the system tells no processor time")
	}
	const hz = 100 // of Linux, for /proc
	var ticks int64
	for _, x := range f[11:13] {
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / hz, nil
}
