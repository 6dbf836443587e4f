// Package demo is the demo range: a small, honest world to try the product on.
//
// It plays seven products (SIEM, EDR, tickets, directory, mailbox, chat,
// firewall) on a port of its own. They speak HTTP, ask for credentials, keep
// state and refuse what real ones refuse. The product reaches them through an
// ordinary workspace folder that the range writes, and cannot tell them from
// others.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/secret"
)

// Options say where the range lives.
type Options struct {
	// Addr is where it listens; only a loopback address is accepted. Where the port
	// is taken, 0 or not given, it is the port of the last start, or any free one.
	Addr string
	// Dir is its folder, made when it is missing: state, secrets, workspace.
	Dir   string
	Clock func() time.Time
	Log   *slog.Logger
}

// Range is a running demo range.
type Range struct {
	world     *world
	log       *slog.Logger
	clock     func() time.Time
	addr      string
	workspace string
	secrets   string
	hooks     map[string]secret.Value // signing secret by source
	pause     func(context.Context, time.Duration) error
	server    *http.Server
	served    chan error
}

// URL is the address of the range's page, without a slash at its end.
func (r *Range) URL() string { return "http://" + r.addr }

// Workspace is the folder with the sources, connections, capabilities, assets,
// identities and people that the product loads.
func (r *Range) Workspace() string { return r.workspace }

// Secrets is the folder that file:// references of the workspace read
// (setting secrets.dir).
func (r *Range) Secrets() string { return r.secrets }

// Start opens the range: it reads its state or makes a new world, writes the
// workspace, and listens. It runs until Stop.
func Start(ctx context.Context, o Options) (*Range, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the range's folder: %w", err)
	}
	r := &Range{
		log: o.Log, clock: o.Clock, served: make(chan error, 1), pause: sleep,
		workspace: filepath.Join(o.Dir, "workspace"), secrets: filepath.Join(o.Dir, "secrets"),
	}
	creds, err := openSecrets(r.secrets)
	if err != nil {
		return nil, err
	}
	r.hooks = creds.hooks
	if r.world, err = openWorld(filepath.Join(o.Dir, "range.json"), o.Clock()); err != nil {
		return nil, err
	}
	listener, err := listen(ctx, o.Addr, filepath.Join(o.Dir, "address.json"))
	if err != nil {
		return nil, err
	}
	r.addr = listener.Addr().String()
	if err := writeWorkspace(r.workspace, r.URL()); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	r.server = &http.Server{
		Handler:           r.handler(creds),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

// Stop closes the range after the requests under way, or when ctx ends.
func (r *Range) Stop(ctx context.Context) error {
	if err := r.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop the range: %w", err)
	}
	if err := <-r.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the range: %w", err)
	}
	return nil
}

// listen opens the wanted address. Where that is not to be had it takes the last
// one again, because the address of a connection is part of what people approve.
func listen(ctx context.Context, addr, file string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address of the range: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, errors.New("the demo range listens on loopback addresses only")
	}
	tries := []string{net.JoinHostPort(host, "0")}
	if last := lastPort(file); last != 0 {
		tries = append([]string{net.JoinHostPort(host, strconv.Itoa(last))}, tries...)
	}
	if port != "0" {
		tries = append([]string{addr}, tries...)
	}
	var opened net.Listener
	for _, try := range tries {
		if opened, err = new(net.ListenConfig).Listen(ctx, "tcp", try); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the range: %w", err)
	}
	if err := keepPort(file, opened.Addr()); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

type lastAddress struct {
	Port int `json:"port"`
}

func lastPort(file string) int {
	var last lastAddress
	raw, err := os.ReadFile(file) //nolint:gosec // a file of the range's own folder
	if err != nil || json.Unmarshal(raw, &last) != nil || last.Port < 1 || last.Port > 65535 {
		return 0 // first start, or unreadable: any port will do
	}
	return last.Port
}

func keepPort(file string, at net.Addr) error {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return errors.New("the range does not listen on TCP")
	}
	raw, err := json.Marshal(lastAddress{Port: tcp.Port})
	if err != nil {
		return fmt.Errorf("encode the range's address: %w", err)
	}
	return writeFile(file, raw)
}

// writeFile replaces a file as a whole, so that a crash leaves the old or the new.
func writeFile(name string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("write a file of the range: %w", err)
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write a file of the range: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
