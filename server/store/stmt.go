package store

import (
	"fmt"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib" //nolint:depguard // see handle.go
)

// stmt is one prepared statement with memory of its own for the texts and blobs
// that are bound to it.
type stmt struct {
	tls    *libc.TLS
	db     *handle
	ptr    uintptr
	sql    string
	params int
	busy   bool
	mem    uintptr
	size   int
}

// keepMemory is how much memory a statement keeps between executions.
const keepMemory = 256 << 10

func (s *stmt) close() {
	sqlite3.Xsqlite3_finalize(s.tls, s.ptr)
	if s.mem != 0 {
		libc.Xfree(s.tls, s.mem)
	}
	s.ptr, s.mem = 0, 0
}

// reset makes the statement ready for the next execution; its error repeats
// that of the execution.
func (s *stmt) reset() {
	sqlite3.Xsqlite3_reset(s.tls, s.ptr)
	s.busy = false
	if s.size > keepMemory {
		sqlite3.Xsqlite3_clear_bindings(s.tls, s.ptr)
		libc.Xfree(s.tls, s.mem)
		s.mem, s.size = 0, 0
	}
}

// bind gives every parameter its value. The library reads texts and blobs until
// reset, so they are copied to memory that the garbage collector does not know.
func (s *stmt) bind(args []any) error {
	if len(args) != s.params {
		return fmt.Errorf("%d values for %d parameters: %s", len(args), s.params, s.sql)
	}
	need := 0
	for _, a := range args {
		switch a := a.(type) {
		case string:
			need += len(a) + 1
		case []byte:
			need += len(a) + 1
		}
	}
	s.db.bound += need
	if err := s.grow(need); err != nil {
		return err
	}
	at := 0
	for i, a := range args {
		if rc := s.bindOne(int32(i+1), a, &at); rc != sqlite3.SQLITE_OK {
			return fmt.Errorf("bind parameter %d of %s: %w", i+1, s.sql, s.db.failure(rc))
		}
	}
	return nil
}

func (s *stmt) grow(need int) error {
	if need <= s.size {
		return nil
	}
	if s.mem != 0 {
		libc.Xfree(s.tls, s.mem)
	}
	size := max(need, 1<<10)
	s.mem = libc.Xmalloc(s.tls, libc.Tsize_t(size))
	if s.mem == 0 {
		s.size = 0
		return fmt.Errorf("no memory for %d bytes", size)
	}
	s.size = size
	return nil
}

func (s *stmt) bindOne(i int32, arg any, at *int) int32 {
	switch a := arg.(type) {
	case nil:
		return sqlite3.Xsqlite3_bind_null(s.tls, s.ptr, i)
	case int64:
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, a)
	case int:
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, int64(a))
	case uint64:
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, int64(a)) //nolint:gosec // sequences, far below 2^63
	case bool:
		if a {
			return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, 1)
		}
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, 0)
	case string:
		p := s.copy(at, len(a))
		copy(p, a)
		return sqlite3.Xsqlite3_bind_text(s.tls, s.ptr, i, s.address(p), int32(len(a)), 0) //nolint:gosec // bounded by maxPayload
	case []byte:
		if a == nil {
			return sqlite3.Xsqlite3_bind_null(s.tls, s.ptr, i)
		}
		p := s.copy(at, len(a))
		copy(p, a)
		return sqlite3.Xsqlite3_bind_blob(s.tls, s.ptr, i, s.address(p), int32(len(a)), 0) //nolint:gosec // bounded by maxPayload
	case time.Time:
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, a.UnixMicro())
	case *time.Time:
		if a == nil {
			return sqlite3.Xsqlite3_bind_null(s.tls, s.ptr, i)
		}
		return sqlite3.Xsqlite3_bind_int64(s.tls, s.ptr, i, a.UnixMicro())
	}
	return sqlite3.SQLITE_MISMATCH
}

// copy takes n bytes of the statement's memory, and one more, so that an empty
// text has an address too.
func (s *stmt) copy(at *int, n int) []byte {
	p := unsafe.Slice((*byte)(foreign(s.mem)), s.size)[*at : *at+n : *at+n+1] //nolint:gosec // not Go's memory
	*at += n + 1
	return p
}

func (s *stmt) address(p []byte) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(p))) //nolint:gosec // the library's own memory
}

// row is one row of a result, valid until the next one.
type row struct {
	tls *libc.TLS
	ptr uintptr
}

func (r row) null(i int32) bool {
	return sqlite3.Xsqlite3_column_type(r.tls, r.ptr, i) == sqlite3.SQLITE_NULL
}

func (r row) int(i int32) int64 { return sqlite3.Xsqlite3_column_int64(r.tls, r.ptr, i) }

func (r row) bool(i int32) bool { return r.int(i) != 0 }

func (r row) text(i int32) string {
	p := sqlite3.Xsqlite3_column_text(r.tls, r.ptr, i)
	return string(r.bytes(p, i))
}

// blob gives a copy; nil for NULL.
func (r row) blob(i int32) []byte {
	if r.null(i) {
		return nil
	}
	p := sqlite3.Xsqlite3_column_blob(r.tls, r.ptr, i)
	return append([]byte{}, r.bytes(p, i)...)
}

func (r row) bytes(p uintptr, i int32) []byte {
	n := sqlite3.Xsqlite3_column_bytes(r.tls, r.ptr, i)
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(foreign(p)), n) //nolint:gosec // not Go's memory
}

func (r row) time(i int32) time.Time { return micro(r.int(i)) }

func (r row) moment(i int32) *time.Time {
	if r.null(i) {
		return nil
	}
	t := r.time(i)
	return &t
}

// micro reads a stored moment.
func micro(us int64) time.Time { return time.UnixMicro(us).UTC() }

func (r row) number(i int32) *int64 {
	if r.null(i) {
		return nil
	}
	n := r.int(i)
	return &n
}
