package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// pragma is a setting of a connection: what is said and what must be read back.
type pragma struct{ name, set, want string }

// durable are the settings that every connection has; they are read back from
// each, because what is acknowledged hangs on them (security.md, facts 2 and 3).
func durable() []pragma {
	return []pragma{
		{"busy_timeout", "10000", "10000"}, // first: the next one takes a lock
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "1", "1"},
		{"trusted_schema", "0", "0"},
		{"cell_size_check", "1", "1"},
	}
}

// readOnly adds what holds for readers.
func readOnly() []pragma { return append(durable(), pragma{"query_only", "1", "1"}) }

// maxReaders bounds the connections that read at once.
const maxReaders = 8

// openPool opens the connections that read.
func openPool(ctx context.Context, path string) (*sql.DB, *gorm.DB, error) {
	c, err := newOpener(path, readOnly())
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	db.SetConnMaxIdleTime(time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open a connection that reads: %w", err), db.Close())
	}
	g, err := gorm.Open(sqlite.Dialector{Conn: db}, &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		Logger:                 logger.Discard,
		AllowGlobalUpdate:      false,
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open gorm: %w", err), db.Close())
	}
	return db, g, nil
}

// opener opens connections and refuses one that is not set as it must be.
type opener struct {
	drv     driver.Driver
	dsn     string
	pragmas []pragma
}

func newOpener(path string, pragmas []pragma) (*opener, error) {
	q := url.Values{"_txlock": {"immediate"}}
	for _, p := range pragmas {
		q.Add("_pragma", p.name+"("+p.set+")")
	}
	probe, err := sql.Open(sqlite.DriverName, "")
	if err != nil {
		return nil, fmt.Errorf("find the driver: %w", err)
	}
	defer func() { _ = probe.Close() }() // it never opened anything
	return &opener{probe.Driver(), path + "?" + q.Encode(), pragmas}, nil
}

// Driver gives the driver below.
func (c *opener) Driver() driver.Driver { return c.drv }

// Connect opens one connection and reads its settings back.
func (c *opener) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.drv.Open(c.dsn)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := assert(c.pragmas, func(name string) (string, error) { return readPragma(ctx, conn, name) }); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// assert reads settings back and names the first that is not what was said.
func assert(pragmas []pragma, read func(name string) (string, error)) error {
	for _, p := range pragmas {
		got, err := read(p.name)
		if err != nil {
			return fmt.Errorf("read pragma %s: %w", p.name, err)
		}
		if got != p.want {
			return fmt.Errorf("the database has %s=%s; it must have %s", p.name, got, p.want)
		}
	}
	return nil
}

func readPragma(ctx context.Context, conn driver.Conn, name string) (string, error) {
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", errors.New("the driver cannot be queried")
	}
	rows, err := q.QueryContext(ctx, "PRAGMA "+name, nil)
	if err != nil {
		return "", fmt.Errorf("query: %w", err)
	}
	got := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(got), rows.Close()); err != nil {
		return "", fmt.Errorf("read a row: %w", err)
	}
	switch v := got[0].(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("it is a %T", got[0])
}

// minVersion is the first version without the fault that could lose committed
// data when a write-ahead log is reset (security.md, fact 1).
const minVersion = 3_051_003

// checkVersion refuses a library older than minVersion.
func checkVersion(version string) error {
	n := 0
	parts := strings.Split(version, ".")
	for i := range 3 {
		d := 0
		if i < len(parts) {
			d, _ = strconv.Atoi(parts[i]) // a text that is no number counts as 0 and is refused
		}
		n = n*1000 + d
	}
	if n < minVersion {
		return fmt.Errorf("SQLite %s is linked; 3.51.3 or newer is needed", version)
	}
	return nil
}

// openReader opens a connection that only reads, for prepared statements.
func (s *Store) openReader() (*handle, error) {
	h, err := openHandle(s.opt.Path)
	if err != nil {
		return nil, err
	}
	for _, p := range readOnly() {
		if err := h.script("PRAGMA " + p.name + "=" + p.set); err != nil {
			h.close()
			return nil, fmt.Errorf("set pragma %s: %w", p.name, err)
		}
	}
	if err := assert(readOnly(), h.pragma); err != nil {
		h.close()
		return nil, fmt.Errorf("open a connection that reads: %w", err)
	}
	return h, nil
}

// openWriter opens the one connection that writes.
func (s *Store) openWriter() (*handle, error) {
	h, err := openHandle(s.opt.Path)
	if err != nil {
		return nil, err
	}
	for _, p := range durable() {
		if err := h.script("PRAGMA " + p.name + "=" + p.set); err != nil {
			h.close()
			return nil, fmt.Errorf("set pragma %s: %w", p.name, err)
		}
	}
	var version string
	err = errors.Join(
		h.script("PRAGMA recursive_triggers=1"), // so that REPLACE cannot pass the append-only triggers
		h.script("PRAGMA temp_store=MEMORY"),    // and with it the journals of savepoints
		h.script("PRAGMA cache_size=-16384"),    // 16 MiB
		h.script("PRAGMA cache_spill=OFF"),      // a batch is far smaller than memory
		h.script("PRAGMA wal_autocheckpoint=4000"),
		assert(durable(), h.pragma),
		h.query(`SELECT sqlite_version()`, func(r row) error { version = r.text(0); return nil }))
	if err == nil {
		err = checkVersion(version)
	}
	if err != nil {
		h.close()
		return nil, fmt.Errorf("open the connection that writes: %w", err)
	}
	h.faults = s.opt.faults
	return h, nil
}
