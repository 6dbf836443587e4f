package store

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Runs lists runs without steps, inputs and outputs, newest first; sort words:
// created_at (default), severity.
func (s *Store) Runs(ctx context.Context, f lookup.Runs, p lookup.Page) (lookup.List[engine.Run], error) {
	return page(ctx, s.read, listing[runRow, engine.Run]{
		sorts:  map[string]string{"created_at": "id", "severity": "priority"},
		first:  "-created_at",
		unique: "id",
		read:   runColumns,
		value: func(r runRow, column string) any {
			if column == "priority" {
				return r.Priority
			}
			return r.ID
		},
		noun: s.shortRun,
	}, p, is[runRow]("playbook", f.Playbook), is[runRow]("status", f.Status), is[runRow]("alert", f.Alert),
		where[runRow](f.Waiting == "", `waits LIKE ? ESCAPE '\'`, contains(" "+f.Waiting+" ")),
		where[runRow](f.Since.IsZero(), "created_at >= ?", f.Since.UnixMicro()))
}

const runColumns = "id, playbook, digest, alert, priority, start, start_sha256, status, view, view_sha256, created_at, started_at, ended_at, head, chain, version"

func (s *Store) shortRun(ctx context.Context, r runRow) (engine.Run, error) {
	run, err := s.wholeRun(ctx, r)
	run.Inputs, run.Outputs = nil, nil
	return run, err
}

func (s *Store) wholeRun(ctx context.Context, r runRow) (engine.Run, error) {
	start, err := s.whole(ctx, r.Start, r.StartSHA256)
	if err != nil {
		return engine.Run{}, err
	}
	view, err := s.whole(ctx, r.View, r.ViewSHA256)
	if err != nil {
		return engine.Run{}, err
	}
	return runOf(r, start, view)
}

// runOf puts a run together from its row and the two texts.
func runOf(r runRow, start, view []byte) (engine.Run, error) {
	var st startText
	var v viewText
	if err := json.Unmarshal(start, &st); err != nil {
		return engine.Run{}, fmt.Errorf("read the start of run %s: %w", r.ID, err)
	}
	if err := json.Unmarshal(view, &v); err != nil {
		return engine.Run{}, fmt.Errorf("read run %s: %w", r.ID, err)
	}
	run := engine.Run{
		ID: r.ID, Playbook: r.Playbook, Status: engine.RunStatus(r.Status), Partial: v.Partial, Trigger: st.Trigger,
		Inputs: v.Inputs, Outputs: v.Outputs, Error: v.Error, Waiting: v.Waiting, Steps: []engine.StepView{},
		StartedAt: microOf(r.StartedAt), EndedAt: microOf(r.EndedAt), CreatedAt: micro(r.CreatedAt), Severity: severityOf(r.Priority),
	}
	if r.Digest != "" {
		run.Version = "sha256:" + r.Digest
	}
	if r.Alert != "" {
		run.Alert = &r.Alert
	}
	if run.Waiting == nil {
		run.Waiting = []engine.Waiting{}
	}
	return run, nil
}

// Run gives a run with its steps, in the order in which they were reached; fault
// NotFound.
func (s *Store) Run(ctx context.Context, id string) (engine.Run, error) {
	r, err := first[runRow](ctx, s.read, "there is no such run", "id", id)
	if err != nil {
		return engine.Run{}, err
	}
	run, err := s.wholeRun(ctx, r)
	if err != nil {
		return run, err
	}
	rows, err := gorm.G[stepRow](s.read).Where("run = ?", id).Order("place").Find(ctx)
	if err != nil {
		return run, reading(ctx, err)
	}
	for _, row := range rows {
		raw, err := s.whole(ctx, row.Body, row.BodySHA256)
		if err != nil {
			return run, err
		}
		v, err := readStep(raw)
		if err != nil {
			return run, err
		}
		run.Steps = append(run.Steps, v)
	}
	return run, nil
}

func readStep(raw []byte) (engine.StepView, error) {
	var text stepText
	if err := json.Unmarshal(raw, &text); err != nil {
		return engine.StepView{}, fmt.Errorf("read a step: %w", err)
	}
	v := text.StepView
	v.Input, v.Output = text.Input, text.Output.V
	return v, nil
}

// run reads a run with its steps inside an act.
func (t *tx) run(id string) (engine.Run, error) {
	var r runRow
	found, err := t.one(`SELECT id, playbook, digest, alert, priority, start, start_sha256, status, view, view_sha256, created_at, started_at, ended_at
		FROM run WHERE id = ?`, func(c row) error {
		r = runRow{
			ID: c.text(0), Playbook: c.text(1), Digest: c.text(2), Alert: c.text(3), Priority: c.int(4), Start: c.text(5), StartSHA256: c.blob(6),
			Status: c.text(7), View: c.text(8), ViewSHA256: c.blob(9), CreatedAt: c.int(10), StartedAt: c.number(11), EndedAt: c.number(12),
		}
		return nil
	}, id)
	if err != nil {
		return engine.Run{}, fmt.Errorf("read run %s: %w", id, err)
	}
	if !found {
		return engine.Run{}, fault.New(fault.NotFound, "there is no such run")
	}
	start, err := t.whole(r.Start, r.StartSHA256)
	if err != nil {
		return engine.Run{}, err
	}
	view, err := t.whole(r.View, r.ViewSHA256)
	if err != nil {
		return engine.Run{}, err
	}
	run, err := runOf(r, start, view)
	if err != nil {
		return run, err
	}
	err = t.query(`SELECT body, body_sha256 FROM step WHERE run = ? ORDER BY place`, func(c row) error {
		raw, err := t.whole(c.text(0), c.blob(1))
		if err != nil {
			return err
		}
		v, err := readStep(raw)
		run.Steps = append(run.Steps, v)
		return err
	}, id)
	return run, err
}

// Journal gives the journal of a run, held to its chain; fault NotFound.
func (s *Store) Journal(ctx context.Context, run string) ([]lookup.Event, error) {
	st, err := s.Load(ctx, run)
	if err != nil {
		return nil, err
	}
	out := make([]lookup.Event, len(st.Events))
	chain := make([]byte, 32)
	for i, e := range st.Events {
		chain = chainOf(chain, e)
		out[i] = lookup.Event{Seq: e.Seq, At: e.At, Kind: e.Kind, Body: e.Body, Chain: hexOf(chain)}
	}
	return out, nil
}

// whole reads a pair of columns back.
func (s *Store) whole(ctx context.Context, text string, sum []byte) ([]byte, error) {
	if sum == nil {
		return []byte(text), nil
	}
	return s.payload(ctx, sum)
}

// payload reads bytes by their hash.
func (s *Store) payload(ctx context.Context, sum []byte) ([]byte, error) {
	var raw []byte
	found := false
	err := s.each(ctx, `SELECT bytes FROM payload WHERE sha256 = ?`, []any{sum}, func(scan func(...any) error) error {
		found = true
		return scan(&raw)
	})
	if err == nil && !found {
		err = fmt.Errorf("payload %x is missing", sum)
	}
	return raw, err
}

// Payload gives bytes by their hex SHA-256, as a raw delivery (alert.Raw) or an
// archived file; fault NotFound.
func (s *Store) Payload(ctx context.Context, sum string) ([]byte, error) {
	key, err := digestOf(sum)
	if err != nil || key == nil {
		return nil, fault.New(fault.NotFound, "there is no such payload")
	}
	var raw []byte
	found := false
	err = s.each(ctx, `SELECT bytes FROM payload WHERE sha256 = ?`, []any{key}, func(scan func(...any) error) error {
		found = true
		return scan(&raw)
	})
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no such payload")
	}
	return raw, err
}

// The bounds of what hangs on an alert.
const (
	maxAlertRuns = 100
	maxRelated   = 20
)

// Alert gives an alert with its runs and the alerts that name the same things;
// fault NotFound.
func (s *Store) Alert(ctx context.Context, id string) (lookup.Alert, error) {
	out := lookup.Alert{Runs: []engine.Run{}, Related: []lookup.Related{}}
	r, err := first[alertRow](ctx, s.read, "there is no such alert", "id", id)
	if err != nil {
		return out, err
	}
	fields, err := s.whole(ctx, r.Fields, r.FieldsSHA256)
	if err != nil {
		return out, err
	}
	a, err := readAlert(r.Body, fields, r.Dedup)
	if err != nil {
		return out, err
	}
	out.Alert, out.Version = *a, r.Version
	rows, err := gorm.G[runRow](s.read).Select(runColumns).Where("alert = ?", id).
		Order(clause.OrderByColumn{Column: clause.Column{Name: "id"}, Desc: true}).Limit(maxAlertRuns).Find(ctx)
	if err != nil {
		return out, reading(ctx, err)
	}
	for _, row := range rows {
		run, err := s.shortRun(ctx, row)
		if err != nil {
			return out, err
		}
		out.Runs = append(out.Runs, run)
	}
	out.Related, err = s.related(ctx, id)
	return out, err
}

// related finds alerts that share the most with one, newest first among equals.
// Things that very many alerts name say nothing and are left out.
func (s *Store) related(ctx context.Context, id string) ([]lookup.Related, error) {
	out := []lookup.Related{}
	err := s.each(ctx, `WITH own AS (
			SELECT kind, value FROM entity e WHERE alert = ?1
			AND (SELECT count(*) FROM (SELECT 1 FROM entity c WHERE c.kind = e.kind AND c.value = e.value LIMIT 201)) <= 200),
		shared AS (
			SELECT e.alert, json_group_array(e.kind || ' ' || e.value) AS why, count(*) AS n
			FROM own JOIN entity e USING (kind, value) WHERE e.alert <> ?1 GROUP BY e.alert ORDER BY n DESC, e.alert DESC LIMIT ?2)
		SELECT a.id, a.status, a.severity, a.last_seen, json_extract(a.body, '$.title'), shared.why
		FROM shared JOIN alert a ON a.id = shared.alert ORDER BY shared.n DESC, a.id DESC`, []any{id, maxRelated}, func(scan func(...any) error) error {
		var r lookup.Related
		var rank, seen int64
		var why string
		if err := scan(&r.ID, &r.Status, &rank, &seen, &r.Title, &why); err != nil {
			return err
		}
		r.Severity, r.LastSeen = alert.Severity(severityOf(rank)), micro(seen)
		if err := readJSON(why, &r.Why); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	return out, err
}

// UpdateAlert looks at an alert as it is and writes what change gives, with its
// audit entries; fault NotFound. An error of change changes nothing.
func (s *Store) UpdateAlert(ctx context.Context, id string, change func(a alert.Alert, version int64) (alert.Alert, []audit.Draft, error)) (alert.Alert, error) {
	var out alert.Alert
	err := s.commit(ctx, func(t *tx) error {
		a, version, err := t.alertBy(`SELECT `+alertColumns+` FROM alert WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if a == nil {
			return fault.New(fault.NotFound, "there is no such alert")
		}
		next, drafts, err := change(*a, version)
		if err != nil {
			return err
		}
		out = next
		if err := t.updateAlert(next, version+1); err != nil {
			return err
		}
		if err := t.closed(a, next); err != nil {
			return err
		}
		return t.link(drafts...)
	})
	return out, err
}
