package store

import (
	"fmt"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// standing is a run in line.
type standing struct {
	run  string
	most int64
	held bool
	told bool
}

// others writes what a record means for other runs: most mean nothing.
func (t *tx) others(rec perform.Record) error {
	for _, st := range rec.Starts {
		if _, err := t.insertRun(st); err != nil {
			return err
		}
	}
	for _, m := range rec.Send {
		if err := t.signal(m.Run, m.Kind, m.Body); err != nil {
			return err
		}
	}
	if err := t.hearing(rec); err != nil {
		return err
	}
	return t.lines(rec)
}

// lines lets a run get in line, or out of it. Runs of playbooks without concurrency do
// neither.
func (t *tx) lines(rec perform.Record) error {
	if rec.Line != nil {
		if err := t.getInLine(rec.Run, *rec.Line); err != nil {
			return err
		}
	}
	if rec.Leaves {
		return t.leaveLine(rec.Run)
	}
	return nil
}

func (t *tx) getInLine(run string, l engine.Line) error {
	playbook := ""
	if _, err := t.one(`SELECT playbook FROM run WHERE id = ?`, func(r row) error { playbook = r.text(0); return nil }, run); err != nil {
		return fmt.Errorf("look for run %s: %w", run, err)
	}
	line, err := t.lineOf(playbook, l.Key)
	if err != nil {
		return err
	}
	if l.Then == "drop" && len(line) >= l.Limit {
		return t.send(run, engine.Dropped{Limit: l.Limit})
	}
	if err := t.exec(`INSERT INTO place (run, playbook, key, most, held, told) VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT DO NOTHING`, run, playbook, l.Key, l.Limit); err != nil {
		return fmt.Errorf("get in line: %w", err)
	}
	if line, err = t.lineOf(playbook, l.Key); err != nil {
		return err
	}
	if l.Then == "cancel_oldest" {
		if err := t.tellOldest(line, l.Limit); err != nil {
			return err
		}
	}
	return t.moveUp(line)
}

// tellOldest asks all but the newest to end.
func (t *tx) tellOldest(line []standing, limit int) error {
	for i := 0; i < len(line)-limit; i++ {
		if line[i].told {
			continue
		}
		if err := t.exec(`UPDATE place SET told = 1 WHERE run = ?`, line[i].run); err != nil {
			return fmt.Errorf("tell the oldest in line: %w", err)
		}
		if err := t.send(line[i].run, engine.CancelRequested{By: "concurrency", Reason: "a newer run with the same key takes its place"}); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) leaveLine(run string) error {
	playbook, key := "", ""
	found, err := t.one(`SELECT playbook, key FROM place WHERE run = ?`, func(r row) error { playbook, key = r.text(0), r.text(1); return nil }, run)
	if err != nil || !found {
		return err
	}
	if err := t.exec(`DELETE FROM place WHERE run = ?`, run); err != nil {
		return fmt.Errorf("leave the line: %w", err)
	}
	line, err := t.lineOf(playbook, key)
	if err != nil {
		return err
	}
	return t.moveUp(line)
}

// moveUp lets those begin for whom there is room, the first in line first. What was
// told to end takes no place any more.
func (t *tx) moveUp(line []standing) error {
	held := int64(0)
	for _, s := range line {
		if s.held {
			held++
		}
	}
	for _, s := range line {
		if s.held || s.told {
			continue
		}
		if held >= s.most {
			return nil
		}
		held++
		if err := t.exec(`UPDATE place SET held = 1 WHERE run = ?`, s.run); err != nil {
			return fmt.Errorf("move up in line: %w", err)
		}
		if err := t.send(s.run, engine.Placed{}); err != nil {
			return err
		}
	}
	return nil
}

// lineOf lists a line, the oldest run first: their ids are made of the time.
func (t *tx) lineOf(playbook, key string) ([]standing, error) {
	var out []standing
	err := t.query(`SELECT run, most, held, told FROM place WHERE playbook = ? AND key = ? ORDER BY run`, func(r row) error {
		out = append(out, standing{r.text(0), r.int(1), r.bool(2), r.bool(3)})
		return nil
	}, playbook, key)
	if err != nil {
		return nil, fmt.Errorf("look along a line: %w", err)
	}
	return out, nil
}

// send leaves an event for a run.
func (t *tx) send(run string, b engine.Body) error {
	kind, body, err := engine.Encode(b)
	if err != nil {
		return err
	}
	return t.signal(run, kind, body)
}
