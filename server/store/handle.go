package store

import (
	"fmt"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib" //nolint:depguard // the C library itself, below the driver that is linked anyway; it registers no driver
)

// handle is one connection to SQLite with statements that stay prepared. The
// database/sql driver compiles each statement again at each execution, which
// was more than half of the time of a commit (docs/adr). The committer has one to
// write and the loader one to read: it is not safe for two goroutines.
type handle struct {
	tls    *libc.TLS
	db     uintptr
	out    uintptr // 8 bytes for results of the library
	stmts  map[string]*stmt
	bound  int // bytes given to statements since it was last set to 0
	faults faults
}

// faults lets tests break a connection; the zero value breaks nothing.
type faults struct {
	// commit runs in place of COMMIT when set; really does it.
	commit func(really func() error) error
	// exec runs before each statement when set.
	exec func(sql string) error
}

// engineError is an error of SQLite with its extended result code.
type engineError struct {
	code int32
	text string
}

func (e *engineError) Error() string { return e.text }

// primary gives the primary result code.
func (e *engineError) primary() int32 { return e.code & 0xff }

// openHandle opens path, which must exist.
func openHandle(path string) (*handle, error) {
	h := &handle{tls: libc.NewTLS(), stmts: map[string]*stmt{}}
	h.out = libc.Xmalloc(h.tls, 8)
	name, err := libc.CString(path)
	if err != nil {
		return nil, fmt.Errorf("name a database: %w", err)
	}
	defer libc.Xfree(h.tls, name)
	flags := int32(sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE)
	rc := sqlite3.Xsqlite3_open_v2(h.tls, name, h.out, flags, 0)
	h.db = *(*uintptr)(foreign(h.out))
	if rc != sqlite3.SQLITE_OK {
		err := h.failure(rc)
		h.close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return h, nil
}

// close ends the connection; a second close does nothing.
func (h *handle) close() {
	if h.tls == nil {
		return
	}
	for _, s := range h.stmts {
		s.close()
	}
	if h.db != 0 {
		sqlite3.Xsqlite3_close_v2(h.tls, h.db)
	}
	libc.Xfree(h.tls, h.out)
	h.tls.Close()
	h.tls, h.db, h.stmts = nil, 0, nil
}

// failure makes an error of a result code and the connection's message.
func (h *handle) failure(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(h.tls, rc))
	if h.db != 0 {
		if more := libc.GoString(sqlite3.Xsqlite3_errmsg(h.tls, h.db)); more != text {
			text += ": " + more
		}
	}
	return &engineError{rc, fmt.Sprintf("%s (%d)", text, rc)}
}

// script runs statements once, without keeping them.
func (h *handle) script(sql string) error {
	text, err := libc.CString(sql)
	if err != nil {
		return fmt.Errorf("copy a statement: %w", err)
	}
	defer libc.Xfree(h.tls, text)
	if rc := sqlite3.Xsqlite3_exec(h.tls, h.db, text, 0, 0, 0); rc != sqlite3.SQLITE_OK {
		return h.failure(rc)
	}
	return nil
}

// exec runs a statement that gives no rows; it stays prepared.
func (h *handle) exec(sql string, args ...any) error {
	return h.query(sql, nil, args...)
}

// query runs a statement, calls each for every row, and keeps it prepared. Rows
// are valid only during the call; each may run other statements.
func (h *handle) query(sql string, each func(r row) error, args ...any) error {
	if h.faults.exec != nil {
		if err := h.faults.exec(sql); err != nil {
			return err
		}
	}
	s, err := h.prepare(sql)
	if err != nil {
		return err
	}
	if s.busy {
		return fmt.Errorf("statement runs inside itself: %s", sql)
	}
	s.busy = true
	defer s.reset()
	if err := s.bind(args); err != nil {
		return err
	}
	for {
		switch rc := sqlite3.Xsqlite3_step(h.tls, s.ptr); rc {
		case sqlite3.SQLITE_DONE:
			return nil
		case sqlite3.SQLITE_ROW:
			if each == nil {
				continue
			}
			if err := each(row{h.tls, s.ptr}); err != nil {
				return err
			}
		default:
			return h.failure(rc)
		}
	}
}

// one runs a query that gives at most one row and says whether it did.
func (h *handle) one(sql string, each func(r row) error, args ...any) (bool, error) {
	found := false
	err := h.query(sql, func(r row) error {
		found = true
		return each(r)
	}, args...)
	return found, err
}

// changes gives how many rows the last statement changed.
func (h *handle) changes() int64 { return sqlite3.Xsqlite3_changes64(h.tls, h.db) }

// lastID gives the rowid of the last insert.
func (h *handle) lastID() int64 { return sqlite3.Xsqlite3_last_insert_rowid(h.tls, h.db) }

// inTransaction says whether one is open; some errors end it by themselves.
func (h *handle) inTransaction() bool {
	return sqlite3.Xsqlite3_get_autocommit(h.tls, h.db) == 0
}

// commit commits.
func (h *handle) commit() error {
	really := func() error { return h.exec("COMMIT") }
	if h.faults.commit != nil {
		return h.faults.commit(really)
	}
	return really()
}

// rollback ends whatever transaction is open.
func (h *handle) rollback() error {
	if !h.inTransaction() {
		return nil
	}
	return h.exec("ROLLBACK")
}

// pragma reads one.
func (h *handle) pragma(name string) (string, error) {
	var out string
	err := h.query("PRAGMA "+name, func(r row) error {
		out = r.text(0)
		return nil
	})
	return out, err
}

// prepare gives the kept statement of a text, which must be a constant of this
// package.
func (h *handle) prepare(sql string) (*stmt, error) {
	if s, ok := h.stmts[sql]; ok {
		return s, nil
	}
	text, err := libc.CString(sql)
	if err != nil {
		return nil, fmt.Errorf("copy a statement: %w", err)
	}
	defer libc.Xfree(h.tls, text)
	rc := sqlite3.Xsqlite3_prepare_v3(h.tls, h.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, h.out, 0)
	if rc != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("prepare %s: %w", strings.Join(strings.Fields(sql), " "), h.failure(rc))
	}
	s := &stmt{tls: h.tls, db: h, ptr: *(*uintptr)(foreign(h.out)), sql: sql}
	s.params = int(sqlite3.Xsqlite3_bind_parameter_count(h.tls, s.ptr))
	h.stmts[sql] = s
	return s, nil
}

// foreign makes a pointer of an address in the library's own memory, which the
// garbage collector neither moves nor frees.
func foreign(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)) //nolint:gosec // not Go's memory
}
