package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
)

// keepDelivery is how long the same delivery gets the same answer.
const keepDelivery = 24 * time.Hour

// Accept takes a delivery in (intake.Store).
func (s *Store) Accept(ctx context.Context, d intake.Delivery, fold func(old *alert.Alert, it intake.Item) intake.Folded) (intake.Answer, error) {
	sum, err := digestOf(d.SHA256)
	if err != nil || sum == nil {
		return intake.Answer{}, fault.New(fault.Internal, "a delivery without its digest")
	}
	var answer intake.Answer
	err = s.commit(ctx, func(t *tx) error {
		known, err := t.delivered(d, sum, &answer)
		if known || err != nil {
			return err
		}
		answer = intake.Answer{Alerts: []intake.Taken{}, Runs: []string{}}
		if err := t.keepAs(sum, d.Raw, d.At); err != nil {
			return err
		}
		for _, it := range d.Items {
			if err := t.acceptItem(d, it, fold, &answer); err != nil {
				return err
			}
		}
		if err := t.link(d.Audit...); err != nil {
			return err
		}
		return t.remember(d, sum, answer)
	})
	if err != nil {
		return intake.Answer{}, err
	}
	return answer, nil
}

// delivered looks whether a delivery was taken before; the same body again gets
// the stored answer, another one is a conflict.
func (t *tx) delivered(d intake.Delivery, sum []byte, answer *intake.Answer) (bool, error) {
	if d.Identity == "" {
		return false, nil
	}
	var before, raw []byte
	found, err := t.one(`SELECT sha256, answer FROM delivery WHERE source = ? AND identity = ? AND at > ?`, func(r row) error {
		before, raw = r.blob(0), []byte(r.text(1))
		return nil
	}, d.Source, d.Identity, d.At.Add(-keepDelivery))
	switch {
	case err != nil:
		return false, fmt.Errorf("look for a delivery: %w", err)
	case !found:
		return false, nil
	case !bytes.Equal(before, sum):
		return false, fault.New(fault.Conflict, "this delivery came before with another body").WithCode("delivery_conflict")
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return false, fmt.Errorf("read a stored answer: %w", err)
	}
	return true, nil
}

func (t *tx) remember(d intake.Delivery, sum []byte, answer intake.Answer) error {
	if d.Identity == "" {
		return nil
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	err = t.exec(`INSERT INTO delivery (source, identity, id, sha256, at, answer) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, identity) DO UPDATE SET id = excluded.id, sha256 = excluded.sha256, at = excluded.at, answer = excluded.answer`,
		d.Source, d.Identity, d.ID, sum, d.At, string(raw))
	if err != nil {
		return fmt.Errorf("remember a delivery: %w", err)
	}
	return nil
}

func (t *tx) acceptItem(d intake.Delivery, it intake.Item, fold func(old *alert.Alert, it intake.Item) intake.Folded, answer *intake.Answer) error {
	old, version, err := t.alertLike(it.Alert.Source, it.Alert.Dedup)
	if err != nil {
		return err
	}
	f := fold(old, it)
	if !f.Store {
		if old != nil && !it.Ignore {
			answer.Alerts = append(answer.Alerts, intake.Taken{ID: old.ID})
		}
		return t.link(f.Audit...)
	}
	if f.New {
		err = t.insertAlert(f.Alert, d.At)
	} else {
		err = t.updateAlert(f.Alert, version+1)
	}
	if err != nil {
		return err
	}
	if err := t.closed(old, f.Alert); err != nil {
		return err
	}
	answer.Alerts = append(answer.Alerts, intake.Taken{ID: f.Alert.ID, New: f.New})
	for _, st := range f.Starts {
		id, err := t.insertRun(st)
		if err != nil {
			return err
		}
		answer.Runs = append(answer.Runs, id)
	}
	return t.link(f.Audit...)
}

// closed publishes that an alert was closed.
func (t *tx) closed(old *alert.Alert, a alert.Alert) error {
	if a.Status != alert.Closed || old == nil || old.Status == alert.Closed {
		return nil
	}
	data := map[string]any{
		"id": a.ID, "source": a.Source, "title": a.Title, "severity": string(a.Severity), "verdict": nil, "reason": a.Reason,
	}
	if a.Verdict != nil {
		data["verdict"] = *a.Verdict
	}
	return t.publish("alert.closed", a.Depth, data)
}

const alertColumns = `version, body, fields, fields_sha256, dedup`

// alertLike finds the latest alert of a source with a deduplication key, nil
// where there is none.
func (t *tx) alertLike(source, dedup string) (*alert.Alert, int64, error) {
	return t.alertBy(`SELECT `+alertColumns+` FROM alert WHERE source = ? AND dedup = ? ORDER BY last_seen DESC LIMIT 1`, source, dedup)
}

func (t *tx) alertBy(sql string, args ...any) (*alert.Alert, int64, error) {
	var version int64
	var body, fields, dedup string
	var sum []byte
	found, err := t.one(sql, func(r row) error {
		version, body, fields, sum, dedup = r.int(0), r.text(1), r.text(2), r.blob(3), r.text(4)
		return nil
	}, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("look for an alert: %w", err)
	}
	if !found {
		return nil, 0, nil
	}
	raw, err := t.whole(fields, sum)
	if err != nil {
		return nil, 0, err
	}
	a, err := readAlert(body, raw, dedup)
	return a, version, err
}

// readAlert puts an alert together from its columns; fields may be nil.
func readAlert(body string, fields []byte, dedup string) (*alert.Alert, error) {
	var a alert.Alert
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return nil, fmt.Errorf("read an alert: %w", err)
	}
	if fields != nil {
		var o engine.Object
		if err := json.Unmarshal(fields, &o); err != nil {
			return nil, fmt.Errorf("read the fields of alert %s: %w", a.ID, err)
		}
		a.Fields = o
	}
	a.Dedup = dedup
	return &a, nil
}

// alertText gives the columns body and fields of an alert.
func (t *tx) alertText(a alert.Alert) (body, fields string, sum []byte, err error) {
	raw, err := json.Marshal(engine.Object(a.Fields))
	if err != nil {
		return "", "", nil, fmt.Errorf("encode the fields of an alert: %w", err)
	}
	a.Fields = nil
	text, err := json.Marshal(a)
	if err != nil {
		return "", "", nil, fmt.Errorf("encode an alert: %w", err)
	}
	fields, sum, err = t.inline(raw, a.LastSeen)
	return string(text), fields, sum, err
}

func (t *tx) insertAlert(a alert.Alert, at time.Time) error {
	body, fields, sum, err := t.alertText(a)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO alert (id, source, dedup, status, severity, owner, count, last_seen, created_at, version, search, body, fields, fields_sha256)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
		a.ID, a.Source, a.Dedup, string(a.Status), a.Severity.Rank(), a.Owner, a.Count, a.LastSeen, at, searchText(a), body, fields, sum)
	if err != nil {
		return fmt.Errorf("insert an alert: %w", err)
	}
	if err := t.name(a); err != nil {
		return err
	}
	return t.changed("alert", a.ID, 1)
}

func (t *tx) updateAlert(a alert.Alert, version int64) error {
	body, fields, sum, err := t.alertText(a)
	if err != nil {
		return err
	}
	err = t.exec(`UPDATE alert SET status = ?, severity = ?, owner = ?, count = ?, last_seen = ?, version = ?, search = ?, body = ?, fields = ?, fields_sha256 = ?
		WHERE id = ?`,
		string(a.Status), a.Severity.Rank(), a.Owner, a.Count, a.LastSeen, version, searchText(a), body, fields, sum, a.ID)
	if err != nil {
		return fmt.Errorf("update an alert: %w", err)
	}
	if err := t.name(a); err != nil {
		return err
	}
	return t.changed("alert", a.ID, version)
}

// name writes what an alert is about, for "related".
func (t *tx) name(a alert.Alert) error {
	for _, e := range entitiesOf(a) {
		err := t.exec(`INSERT INTO entity (kind, value, alert) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, e.kind, e.value, a.ID)
		if err != nil {
			return fmt.Errorf("name what an alert is about: %w", err)
		}
	}
	return nil
}

// insertRun queues a run and gives its id: the one it got when it was started
// before, by the same key.
func (t *tx) insertRun(st engine.Start) (string, error) {
	program, err := t.keepSome(st.Program, st.At)
	if err != nil {
		return "", err
	}
	saw, err := t.keepSome(st.AlertRaw, st.At)
	if err != nil {
		return "", err
	}
	text, view, err := runText(st)
	if err != nil {
		return "", err
	}
	start, startSum, err := t.inline(text, st.At)
	if err != nil {
		return "", err
	}
	status, over := engine.RunQueued, any(nil)
	if st.Error != nil {
		status, over = engine.RunFailed, st.At
	}
	err = t.exec(`INSERT INTO run (id, start_key, playbook, digest, program, alert, alert_sha256, priority, start, start_sha256,
			status, waits, parked, view, view_sha256, created_at, started_at, ended_at, head, chain, lost, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, ?, NULL, ?, ?, ?, 0, zeroblob(32), 0, 1) ON CONFLICT (start_key) DO NOTHING`,
		st.ID, st.Key, st.Playbook, st.Version, program, st.Alert, saw, st.Priority, start, startSum, string(status), string(view), st.At, over, over)
	if err != nil {
		return "", fmt.Errorf("queue a run: %w", err)
	}
	if t.handle.changes() == 0 {
		id := ""
		_, err := t.one(`SELECT id FROM run WHERE start_key = ?`, func(r row) error { id = r.text(0); return nil }, st.Key)
		if err != nil {
			return "", fmt.Errorf("look for a run: %w", err)
		}
		return id, nil
	}
	return st.ID, t.queued(st.ID, st.Priority)
}

func (t *tx) keepSome(raw []byte, at time.Time) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	return t.keep(raw, at)
}
