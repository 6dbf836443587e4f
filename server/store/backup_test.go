package store

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// F29.
func TestABackupUnderLoadIsWhole(t *testing.T) {
	s, _ := fresh(t)
	accept(t, s, 0)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 1; !stop.Load(); i++ {
				if _, err := s.Accept(t.Context(), aDelivery(w*100000+i), keepNew); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	dest := filepath.Join(t.TempDir(), "backup.db")
	b, err := s.Backup(t.Context(), dest, "1.2.3", "/data/key")
	stop.Store(true)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if b.AuditSeq < 2 || b.Instance != s.Instance() || b.Version != "1.2.3" || !strings.Contains(b.Keys, "/data/key") {
		t.Errorf("the manifest says %+v", b)
	}
	if info, err := os.Stat(dest); err != nil || info.Mode().Perm() != 0o600 || info.Size() != b.Bytes {
		t.Errorf("the file: %+v (%v)", info, err)
	}
	if _, err := s.Backup(t.Context(), dest, "", ""); err == nil {
		t.Error("a backup replaced another one")
	}
	left, err := filepath.Glob(dest + "*")
	if err != nil || len(left) != 2 {
		t.Errorf("files: %v (%v)", left, err)
	}
}

// underWay makes a database with a run that dispatched something, waits for an
// approval, and holds an effect whose lease is over soon.
func busy(t *testing.T) (s *Store, run string, req approval.Request) {
	t.Helper()
	s, _ = fresh(t)
	person(t, s, "ana", "lead")
	run = aRun(t, s, 1)
	req = asked(run, "1")
	until := noon.Add(time.Minute)
	rec := perform.Record{
		Run: run, Events: events(0, 3), View: view(run, engine.RunWaiting, engine.WaitApproval), Open: []approval.Request{req},
		SetTimers: []perform.Timer{{TimerKey: perform.TimerKey{Path: "a", Kind: "deadline"}, Due: until}},
		Effects:   []perform.Grip{grip(perform.GripTake, run, "eff_1", &until)},
	}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	return s, run, req
}

// F30.
func TestARestoredDatabaseDoesNothingUntilItIsReleased(t *testing.T) {
	s, run, req := busy(t)
	if _, err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(t.TempDir(), "backup.db")
	if _, err := s.Backup(t.Context(), src, "1", "key"); err != nil {
		t.Fatal(err)
	}
	o, c := options(t, t.TempDir())
	chance := &counting{}
	chance.n.Store(500)
	o.Random = chance
	c.Add(time.Hour)
	r, err := Restore(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Was != s.Instance() || r.Instance == s.Instance() || r.Doubtful != 1 || r.Void != 1 {
		t.Errorf("got %+v", r)
	}
	n := open1(t, o)
	if n.Instance() != r.Instance || !n.Halted() {
		t.Errorf("it is %s, halted %v", n.Instance(), n.Halted())
	}
	if h, err := n.HaltState(t.Context()); err != nil || !h.Quarantine {
		t.Errorf("halt %+v (%v)", h, err)
	}
	if a, err := n.Approval(t.Context(), req.ID); err != nil || a.Status != approval.Void {
		t.Errorf("the approval is %s (%v)", a.Status, err)
	}
	st, err := n.Load(t.Context(), run)
	if err != nil || st.Lost != 3 || len(st.Signals) != 1 || !strings.Contains(string(st.Signals[0].Body), "withdrawn") {
		t.Errorf("loaded with lost %d, signals %+v (%v)", st.Lost, st.Signals, err)
	}
	held := func() bool {
		t.Helper()
		timers, _, err := n.Due(t.Context(), c.Now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		leases, _, err := n.DueEffects(t.Context(), c.Now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(timers) == 0 && len(leases) == 0
	}
	if !held() {
		t.Error("timers and leases go on")
	}
	if rep := verified(t, n); rep.Checkpoints != 1 {
		t.Errorf("%d checkpoints of the original hold", rep.Checkpoints)
	}
	if _, err := n.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rep := verified(t, n); rep.Checkpoints != 2 {
		t.Errorf("%d checkpoints hold, one by a new key", rep.Checkpoints)
	}
	_, err = n.Halt(t.Context(), func(control.Halt, []approval.Person) (control.HaltOrder, error) {
		return control.HaltOrder{Audit: []audit.Draft{note("halt.off")}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if held() {
		t.Error("released, and still held")
	}
}

func TestAnythingButABackupIsNotRestored(t *testing.T) {
	s, _, _ := busy(t)
	for name, harm := range map[string]func(src string, o Options) error{
		"no manifest":          func(src string, _ Options) error { return os.Remove(manifestPath(src)) },
		"a manifest of none":   func(src string, _ Options) error { return os.WriteFile(manifestPath(src), []byte("{}"), 0o600) },
		"another file":         func(src string, _ Options) error { return os.WriteFile(src, []byte("x"), 0o600) },
		"a byte changed":       func(src string, _ Options) error { return flip(src) },
		"a database is there":  func(_ string, o Options) error { return os.WriteFile(o.Path, nil, 0o600) },
		"a journal is there":   func(_ string, o Options) error { return os.WriteFile(o.Path+"-wal", nil, 0o600) },
		"the backup is absent": func(src string, _ Options) error { return os.Remove(src) },
	} {
		t.Run(name, func(t *testing.T) {
			src := filepath.Join(t.TempDir(), "backup.db")
			if _, err := s.Backup(t.Context(), src, "1", "key"); err != nil {
				t.Fatal(err)
			}
			o, _ := options(t, t.TempDir())
			if err := harm(src, o); err != nil {
				t.Fatal(err)
			}
			if _, err := Restore(t.Context(), src, o); err == nil {
				t.Error("it was restored")
			}
			if _, err := os.Stat(o.Path + ".new"); err == nil {
				t.Error("something is left")
			}
		})
	}
}

func flip(path string) error {
	raw, err := os.ReadFile(path) //nolint:gosec // of a test's own
	if err != nil {
		return err
	}
	raw[len(raw)/2] ^= 1
	return os.WriteFile(path, raw, 0o600) //nolint:gosec // of a test's own
}

func TestADatabaseThatIsNotWhereItWasLeftIsQuarantined(t *testing.T) {
	copyTo := func(from, to string) error {
		raw, err := os.ReadFile(from) //nolint:gosec // of a test's own
		if err != nil {
			return err
		}
		return os.WriteFile(to, raw, 0o600) //nolint:gosec // of a test's own
	}
	for name, tc := range map[string]struct {
		move func(o *Options, old string) error // old is a copy of the database of before
		want bool
	}{
		"left alone": {func(*Options, string) error { return nil }, false},
		"instance.lock gone": {func(o *Options, _ string) error {
			return os.Remove(filepath.Join(filepath.Dir(o.Path), "instance.lock"))
		}, true},
		"instance.lock nonsense": {func(o *Options, _ string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(o.Path), "instance.lock"), []byte("x"), 0o600)
		}, true},
		"copied over itself": {func(o *Options, _ string) error {
			if err := copyTo(o.Path, o.Path+".copy"); err != nil {
				return err
			}
			return os.Rename(o.Path+".copy", o.Path)
		}, true},
		"rolled back in place": {func(o *Options, old string) error { return copyTo(old, o.Path) }, true},
		"another machine":      {func(o *Options, _ string) error { o.Instance = "other"; return nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			o.Instance = "here"
			s := open1(t, o)
			accept(t, s, 1)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			old := filepath.Join(t.TempDir(), "old.db")
			if err := copyTo(o.Path, old); err != nil {
				t.Fatal(err)
			}
			s = open1(t, o)
			accept(t, s, 2)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := tc.move(&o, old); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and stays so after a restart
				s = open1(t, o)
				h, err := s.HaltState(t.Context())
				if err != nil || h.Quarantine != tc.want || s.Halted() != tc.want {
					t.Errorf("got %+v, want %v (%v)", h, tc.want, err)
				}
				verified(t, s)
				if err := s.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestAMovedFolderOnTheSameDiskIsTheSameInstance(t *testing.T) {
	dir := t.TempDir()
	o, _ := options(t, dir+"/a")
	s := open1(t, o)
	accept(t, s, 1)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/a", dir+"/b"); err != nil {
		t.Fatal(err)
	}
	o.Path = dir + "/b/tocsin.db"
	if open1(t, o).Halted() {
		t.Error("quarantined")
	}
}
