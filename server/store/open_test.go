package store

import (
	"context"
	"database/sql"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm/schema"

	"github.com/tocsin-soar/tocsin/server/audit"
)

func TestASecondProcessIsRefused(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	open1(t, o)
}

// S112.
func TestOthersCannotReadTheDatabase(t *testing.T) {
	dir := t.TempDir() + "/data"
	o, _ := options(t, dir)
	s := open1(t, o)
	accept(t, s, 1)
	for path, want := range map[string]os.FileMode{dir: 0o700, o.Path: 0o600, o.Path + "-wal": 0o600, dir + "/audit.key": 0o600, dir + "/instance.lock": 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestADatabaseOfANewerVersionIsRefused(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	tamper(t, o.Path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

// tamper changes a closed database behind the store's back.
func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range statements {
		if _, err := db.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// F11 and F12.
func TestADatabaseThatIsDamagedOrMissingIsRefusedAndNotMadeAnew(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"no database at all": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("not a database ", 1000)), 0o600) },
		"a page of zeroes": func(p string) error {
			f, err := os.OpenFile(p, os.O_RDWR, 0) //nolint:gosec // of a test's own
			if err == nil {
				_, err = f.WriteAt(make([]byte, 3*4096), 4096)
			}
			return err
		},
		"a folder in its place":       func(p string) error { _ = os.Remove(p); return os.Mkdir(p, 0o700) },
		"the file gone, its log left": func(p string) error { _ = os.WriteFile(p+"-wal", []byte("x"), 0o600); return os.Remove(p) },
		"the key of the log gone":     func(p string) error { return os.Remove(signerPath(p)) },
		"another key of the log":      func(p string) error { return os.WriteFile(signerPath(p), []byte(strings.Repeat("ab", 32)), 0o600) },
		"a key that is none":          func(p string) error { return os.WriteFile(signerPath(p), []byte("zz"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			s := open1(t, o)
			for i := range 20 {
				accept(t, s, i)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := damage(o.Path); err != nil {
				t.Fatal(err)
			}
			if s, err := Open(t.Context(), o); err == nil {
				_ = s.Close(t.Context())
				t.Error("it was opened")
			}
		})
	}
}

func TestEveryRowStructHasExactlyTheColumnsOfItsTable(t *testing.T) {
	s, _ := fresh(t)
	for _, r := range []interface{ TableName() string }{
		alertRow{}, runRow{}, stepRow{}, approvalRow{}, effectRow{}, decisionRow{}, auditRow{}, userRow{}, tokenRow{},
	} {
		t.Run(r.TableName(), func(t *testing.T) {
			parsed, err := schema.Parse(r, &sync.Map{}, schema.NamingStrategy{})
			if err != nil {
				t.Fatal(err)
			}
			want := names(t, s, r.TableName())
			got := slices.Sorted(slices.Values(parsed.DBNames))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func names(t *testing.T, s *Store, table string) []string {
	t.Helper()
	list, err := s.strings(t.Context(), `SELECT name FROM pragma_table_info(?) ORDER BY name`, table)
	if err != nil || len(list) == 0 {
		t.Fatalf("columns of %s: %v %v", table, list, err)
	}
	return list
}

func TestEveryTableIsStrict(t *testing.T) {
	s, _ := fresh(t)
	loose, err := s.strings(t.Context(), `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
		AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`)
	if err != nil || len(loose) != 0 {
		t.Errorf("not strict: %v (%v)", loose, err)
	}
}

// S103.
func TestAuditAndJournalRefuseToBeRewritten(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	appendEvents(t, s, run, 0, 3)
	if _, err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`UPDATE audit SET entry = x'00'`, `UPDATE audit SET at = 0 WHERE seq = 1`, `DELETE FROM audit`, `DELETE FROM audit WHERE seq = 2`,
		`REPLACE INTO audit SELECT * FROM audit WHERE seq = 1`, `UPDATE OR REPLACE audit SET seq = 1 WHERE seq = 2`,
		`UPDATE journal SET body = '{}'`, `DELETE FROM journal`, `REPLACE INTO journal SELECT * FROM journal WHERE seq = 1`,
		`UPDATE checkpoint SET size = 9`, `DELETE FROM checkpoint`,
	} {
		err := s.commit(t.Context(), func(tx *tx) error { return tx.exec(q) })
		if err == nil {
			t.Errorf("%s was carried out", q)
		}
	}
	verified(t, s)
}

// Fact 14: content that was changed below the triggers.
func TestAnEditedRowIsFoundByItsChain(t *testing.T) {
	for name, tc := range map[string]struct {
		edit    string
		journal bool
	}{
		"an entry of the audit log": {`UPDATE audit SET entry = CAST(replace(CAST(entry AS TEXT), '"alert.receive"', '"alert.refused"') AS BLOB) WHERE seq = 2`, false},
		"an entry taken out":        {`DELETE FROM audit WHERE seq = 2`, false},
		"a journal's event":         {`UPDATE journal SET body = '{"n":7}' WHERE seq = 2`, true},
		"an event's time":           {`UPDATE journal SET at = at + 1 WHERE seq = 1`, true},
		"an event taken out":        {`DELETE FROM journal WHERE seq = 2`, true},
		"the last event taken out":  {`DELETE FROM journal WHERE seq = 3`, true},
		"an event put in":           {`INSERT INTO journal SELECT run, 4, at, kind, body, body_sha256, chain FROM journal WHERE seq = 3`, true},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			s := open1(t, o)
			run := aRun(t, s, 1)
			appendEvents(t, s, run, 0, 3)
			accept(t, s, 2)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			tamper(t, o.Path, `DROP TRIGGER audit_no_update`, `DROP TRIGGER audit_no_delete`, `DROP TRIGGER journal_no_update`, `DROP TRIGGER journal_no_delete`, tc.edit)
			s = open1(t, o)
			if tc.journal {
				if _, err := s.Load(t.Context(), run); err == nil {
					t.Error("the run was loaded")
				}
				return
			}
			r, err := s.VerifyAudit(t.Context(), nil)
			if err != nil || r.First == nil || r.First.Seq != 2 {
				t.Errorf("got %+v (%v)", r.First, err)
			}
		})
	}
}

func TestTheFirstEntryNamesInstanceAndKey(t *testing.T) {
	s, _ := fresh(t)
	r := verified(t, s)
	if r.Instance != s.Instance() || r.Key != s.PublicKey() || !strings.HasPrefix(s.Instance(), "ins_") {
		t.Errorf("got %+v", r)
	}
	if !s.Fresh() {
		t.Error("a new database is not fresh")
	}
}

// S003.
func TestTwoInstallationsShareNothing(t *testing.T) {
	a, _ := fresh(t)
	o, _ := options(t, t.TempDir())
	c := &counting{}
	c.n.Store(1000)
	o.Random = c
	b := open1(t, o)
	if a.Instance() == b.Instance() || a.PublicKey() == b.PublicKey() {
		t.Error("two databases have one name or one key")
	}
}

func TestCheckpointsAreSignedAndHold(t *testing.T) {
	s, c := fresh(t)
	accept(t, s, 1)
	one, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Checkpoint(t.Context())
	if err != nil || again.Size != one.Size || again.At != one.At {
		t.Errorf("nothing happened, and it is another checkpoint: %v", err)
	}
	c.Add(1)
	accept(t, s, 2)
	if _, err := s.Tend(t.Context(), Keep{}); err != nil {
		t.Fatal(err)
	}
	key, err := audit.ParseKey(s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.VerifyAudit(t.Context(), key)
	if err != nil || r.First != nil || r.Checkpoints != 2 {
		t.Errorf("got %+v (%v)", r, err)
	}
}

func TestALongLogIsCutWithoutWaitingForReaders(t *testing.T) {
	s, _ := fresh(t)
	accept(t, s, 1)
	tx, err := s.pool.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM alert").Scan(&n); err != nil {
		t.Fatal(err)
	}
	accept(t, s, 2)
	if err := s.cutWAL(t.Context()); err != nil {
		t.Fatal(err)
	}
	accept(t, s, 3)
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM alert").Scan(&n); err != nil || n != 1 {
		t.Errorf("the reader sees %d alerts (%v)", n, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.cutWAL(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.opt.Path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("the log has %d bytes (%v)", info.Size(), err)
	}
}
