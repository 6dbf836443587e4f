package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/glebarez/go-sqlite" //nolint:depguard // the floor has a database of its own, the same one
)

// floor is the smallest program that does the same for the outside: it takes an
// alert, commits a row, answers 202, and makes the three calls with a row after
// each. It checks no signature, asks no policy and could not go on after a crash.
type floor struct {
	rows chan row
	http *http.Client
	stub string
	room chan struct{} // bounds the calls at once
}

type row struct {
	text string
	done chan error
}

func serveFloor(ctx context.Context, dir, stubURL string) error {
	db, err := sql.Open("sqlite", filepath.Join(dir, "floor.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return fmt.Errorf("open the floor's database: %w", err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`); err != nil {
		return fmt.Errorf("make the floor's table: %w", err)
	}
	f := &floor{
		rows: make(chan row, 1024), stub: stubURL, room: make(chan struct{}, 64),
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}},
	}
	go f.commit(ctx, db)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Println("listening on http://" + l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// commit writes rows in groups: all that wait, in one transaction.
func (f *floor) commit(ctx context.Context, db *sql.DB) {
	for {
		var group []row
		select {
		case <-ctx.Done():
			return
		case r := <-f.rows:
			group = append(group, r)
		}
		for more := true; more && len(group) < 256; {
			select {
			case r := <-f.rows:
				group = append(group, r)
			default:
				more = false
			}
		}
		err := writeGroup(ctx, db, group)
		for _, r := range group {
			r.done <- err
		}
	}
}

func writeGroup(ctx context.Context, db *sql.DB, group []row) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO event (text) VALUES (?)`)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	defer func() { _ = insert.Close() }()
	for _, r := range group {
		if _, err := insert.ExecContext(ctx, r.text); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (f *floor) keep(text string) error {
	r := row{text: text, done: make(chan error, 1)}
	f.rows <- r
	return <-r.done
}

func (f *floor) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/readyz" {
		return
	}
	body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
	var alert struct {
		ID       string `json:"source_id"`
		Category string `json:"category"`
	}
	if err == nil {
		err = json.Unmarshal(body, &alert)
	}
	if err == nil {
		err = f.keep(string(body))
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	if alert.Category == "bench" {
		go f.run(alert.ID)
	}
}

// run makes the three calls, a row after each.
func (f *floor) run(alert string) {
	f.room <- struct{}{}
	defer func() { <-f.room }()
	for _, call := range []struct{ method, path string }{{"GET", "/read/"}, {"GET", "/read2/"}, {"POST", "/write/"}} {
		q, err := http.NewRequest(call.method, f.stub+call.path+alert, strings.NewReader(`{"score":4}`)) //nolint:noctx // bounded by the client
		if err != nil {
			return
		}
		res, err := f.http.Do(q)
		if err != nil {
			return
		}
		said, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || f.keep(string(said)) != nil {
			return
		}
	}
}
