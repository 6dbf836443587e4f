package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// maxWords bounds by how many words the audience of one notification is named.
const maxWords = 200

// tell writes notifications. One whose key is known is none.
func (t *tx) tell(drafts ...notification.Draft) error {
	for _, d := range drafts {
		if _, err := t.tellOne(d); err != nil {
			return err
		}
	}
	return nil
}

// tellOne writes one and gives its id, "" where it was known.
func (t *tx) tellOne(d notification.Draft) (string, error) {
	if d.Single {
		open, err := t.one(`SELECT 1 FROM notification WHERE object = ? AND kind = ? AND asks = 1 AND over = 0 LIMIT 1`,
			func(row) error { return nil }, d.Object.ID, string(d.Kind))
		if err != nil {
			return "", fmt.Errorf("look for a notification: %w", err)
		}
		if open {
			return "", nil
		}
	}
	id := ident.Derive(ident.Notice, d.At, d.Key)
	body, err := json.Marshal(notification.Notification{
		ID: id, Kind: d.Kind, At: d.At, Title: notification.Cut(d.Title, notification.MaxTitle),
		Text: notification.Cut(d.Text, notification.MaxText), Object: d.Object, Run: d.Run, Step: d.Step, Alert: d.Alert, Until: d.Until,
	})
	if err != nil {
		return "", fmt.Errorf("encode a notification: %w", err)
	}
	err = t.exec(`INSERT INTO notification (id, key, kind, object, run, at, asks, over, delivered_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)
		ON CONFLICT DO NOTHING`, id, d.Key, string(d.Kind), d.Object.ID, d.Run, d.At, d.Asks, string(body))
	if err != nil {
		return "", fmt.Errorf("write a notification: %w", err)
	}
	if t.handle.changes() == 0 {
		return "", nil
	}
	if err := t.address(id, d.To); err != nil {
		return "", err
	}
	if len(d.Else) > 0 {
		n, err := t.reached(id)
		if err != nil {
			return "", err
		}
		if n == 0 {
			if err := t.address(id, notification.Everyone(d.Else...)); err != nil {
				return "", err
			}
		}
	}
	return id, t.changed("notification", id, 1)
}

// address writes whom a notification is for.
func (t *tx) address(id string, to []notification.Audience) error {
	left := maxWords
	for _, a := range to {
		nots := slices.Compact(slices.Sorted(slices.Values(a.Not)))
		if nots == nil {
			nots = []string{}
		}
		raw, err := json.Marshal(nots)
		if err != nil {
			return fmt.Errorf("encode an audience: %w", err)
		}
		for _, w := range a.Who {
			if left--; left < 0 {
				return nil
			}
			err := t.exec(`INSERT INTO notification_to (word, notification, nots) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, w, id, string(raw))
			if err != nil {
				return fmt.Errorf("write an audience: %w", err)
			}
		}
	}
	return nil
}

// reached counts the active people that a notification is for at this moment.
func (t *tx) reached(id string) (n int64, err error) {
	_, err = t.one(`SELECT count(*) FROM user u WHERE u.disabled = 0 AND u.kind = 'person' AND EXISTS (
			SELECT 1 FROM notification_to a WHERE a.notification = ? AND (a.word = 'user:' || u.name
				OR EXISTS (SELECT 1 FROM json_each(u.roles) WHERE 'role:' || value = a.word)
				OR EXISTS (SELECT 1 FROM json_each(u.teams) WHERE 'team:' || value = a.word))
			AND NOT EXISTS (SELECT 1 FROM json_each(a.nots) WHERE value = u.name))`, func(r row) error { n = r.int(0); return nil }, id)
	if err != nil {
		return 0, fmt.Errorf("count who is told: %w", err)
	}
	return n, nil
}

// again lets a notification ask once more, of those who have read it too.
func (t *tx) again(key string) error {
	var id string
	_, err := t.one(`SELECT id FROM notification WHERE key = ? AND over = 1`, func(r row) error { id = r.text(0); return nil }, key)
	if err == nil && id != "" {
		err = t.exec(`UPDATE notification SET over = 0 WHERE id = ?`, id)
		if err == nil {
			err = t.exec(`DELETE FROM notification_read WHERE notification = ?`, id)
		}
		if err == nil {
			err = t.changed("notification", id, 3)
		}
	}
	if err != nil {
		return fmt.Errorf("ask again: %w", err)
	}
	return nil
}

// settled says that what was asked for about an object is done.
func (t *tx) settled(object string, kinds ...notification.Kind) error {
	return t.overs(`SELECT id, kind FROM notification WHERE object = ? AND asks = 1 AND over = 0`, kinds, object)
}

// settledRun says that nothing is asked for about a run any more.
func (t *tx) settledRun(run string, kinds ...notification.Kind) error {
	return t.overs(`SELECT id, kind FROM notification WHERE run = ? AND asks = 1 AND over = 0`, kinds, run)
}

// settledStep says that a step is in doubt no longer.
func (t *tx) settledStep(run, step string) error {
	return t.overs(`SELECT id, kind FROM notification WHERE run = ? AND asks = 1 AND over = 0 AND json_extract(body, '$.step') = ?`,
		[]notification.Kind{notification.StepInDoubt}, run, step)
}

func (t *tx) overs(sql string, kinds []notification.Kind, of ...any) error {
	var ids []string
	err := t.query(sql, func(r row) error {
		if slices.Contains(kinds, notification.Kind(r.text(1))) {
			ids = append(ids, r.text(0))
		}
		return nil
	}, of...)
	if err != nil {
		return fmt.Errorf("look for notifications: %w", err)
	}
	for _, id := range ids {
		if err := t.exec(`UPDATE notification SET over = 1 WHERE id = ?`, id); err != nil {
			return fmt.Errorf("settle a notification: %w", err)
		}
		if err := t.changed("notification", id, 2); err != nil {
			return err
		}
	}
	return nil
}

// Tell writes a notification that belongs to no other act, with its audit, and says
// how many active people it reaches. The same key tells nobody a second time.
func (s *Store) Tell(ctx context.Context, d notification.Draft, drafts ...audit.Draft) (told int64, err error) {
	err = s.commit(ctx, func(t *tx) error {
		id, err := t.tellOne(d)
		if err != nil {
			return err
		}
		if id == "" { // an attempt that is sent again answers as the first one
			_, err := t.one(`SELECT id FROM notification WHERE key = ?`, func(r row) error { id = r.text(0); return nil }, d.Key)
			if err != nil {
				return fmt.Errorf("look for a notification: %w", err)
			}
			drafts = nil
		}
		if told, err = t.reached(id); err != nil {
			return err
		}
		return t.link(drafts...)
	})
	return told, err
}

// Settle says that what was asked for about an object is done.
func (s *Store) Settle(ctx context.Context, object string, kinds ...notification.Kind) error {
	return s.commit(ctx, func(t *tx) error { return t.settled(object, kinds...) })
}

// mine selects what is for a reader; ?1 words, ?2 name, ?3 id, ?4 since.
const mine = `WITH mine AS (
		SELECT DISTINCT notification AS id FROM notification_to
		WHERE word IN (SELECT value FROM json_each(?1)) AND NOT EXISTS (SELECT 1 FROM json_each(nots) WHERE value = ?2)),
	shown AS (
		SELECT n.id AS id, n.body AS body, n.over AS over, r.notification IS NOT NULL AS seen,
			n.over = 1 OR r.notification IS NOT NULL AS quiet
		FROM mine JOIN notification n ON n.id = mine.id LEFT JOIN notification_read r ON r.user = ?3 AND r.notification = n.id
		WHERE n.at >= ?4 OR (n.asks = 1 AND n.over = 0)) `

func about(who lookup.Reader) ([]any, error) {
	words, err := json.Marshal(who.Words)
	if err != nil {
		return nil, fmt.Errorf("encode who looks: %w", err)
	}
	return []any{string(words), who.Name, who.ID, who.Since.UnixMicro()}, nil
}

// Notifications lists what a person was told, unread first, then the newest first.
// With unread only those that are neither read nor over.
func (s *Store) Notifications(ctx context.Context, who lookup.Reader, unread bool, p lookup.Page) (lookup.Notifications, error) {
	out := lookup.Notifications{List: lookup.List[notification.Notification]{Items: []notification.Notification{}}}
	if p.Limit == 0 {
		p.Limit = defaultPage
	}
	if p.Limit < 1 || p.Limit > maxPage {
		return out, fault.New(fault.InvalidInput, "limit is 1 to %d", maxPage).WithCode("bad_limit")
	}
	quiet, after, err := notificationCursor(p.Cursor)
	if err != nil {
		return out, err
	}
	args, err := about(who)
	if err != nil {
		return out, err
	}
	last := int64(0)
	err = s.each(ctx, mine+`SELECT body, over, seen, quiet FROM shown
		WHERE (?5 = '' OR quiet > ?6 OR (quiet = ?6 AND id < ?5)) AND (?7 = 0 OR quiet = 0)
		ORDER BY quiet, id DESC LIMIT ?8`, append(args, after, quiet, unread, p.Limit+1), func(scan func(...any) error) error {
		var body string
		var over, seen bool
		var n notification.Notification
		var q int64
		if err := scan(&body, &over, &seen, &q); err != nil {
			return err
		}
		if len(out.Items) == p.Limit {
			next := fmt.Sprintf("%d.%s", last, out.Items[p.Limit-1].ID)
			out.Next = &next
			return nil
		}
		if err := readJSON(body, &n); err != nil {
			return err
		}
		n.Over, n.Read, last = over, seen, q
		out.Items = append(out.Items, n)
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Unread, err = s.unread(ctx, who)
	return out, err
}

// notificationCursor reads the place of the last one of a page: its half of the
// list, a point, its id.
func notificationCursor(text string) (quiet int64, id string, err error) {
	if text == "" {
		return 0, "", nil
	}
	half, id, ok := strings.Cut(text, ".")
	if !ok || half != "0" && half != "1" || !ident.Valid(ident.Notice, id) {
		return 0, "", fault.New(fault.InvalidInput, "the cursor is not one that this list gave").WithCode("bad_cursor")
	}
	return int64(half[0] - '0'), id, nil
}

func (s *Store) unread(ctx context.Context, who lookup.Reader) (n int64, err error) {
	args, err := about(who)
	if err != nil {
		return 0, err
	}
	err = s.each(ctx, mine+`SELECT count(*) FROM shown WHERE quiet = 0`, args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// ReadNotifications notes that a person has read those named, or with all every one
// of theirs up to now. What is not theirs is left out. It gives how many are unread
// afterwards.
func (s *Store) ReadNotifications(ctx context.Context, who lookup.Reader, ids []string, all bool) (int64, error) {
	args, err := about(who)
	if err != nil {
		return 0, err
	}
	named, err := json.Marshal(ids)
	if err != nil {
		return 0, fmt.Errorf("encode what was read: %w", err)
	}
	now := s.opt.Clock()
	err = s.commit(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO notification_read (user, notification, at) `+mine+`SELECT ?3, id, ?5 FROM shown
			WHERE seen = 0 AND (?6 = 1 OR id IN (SELECT value FROM json_each(?7))) LIMIT ?8 ON CONFLICT DO NOTHING`,
			append(args, now, all, string(named), sweepRows)...)
		if err != nil {
			return fmt.Errorf("note what was read: %w", err)
		}
		if t.handle.changes() == 0 {
			return nil
		}
		// Other windows of the same person count anew; whose they are is nobody's business.
		return t.changed("notification", "read", now.UnixMicro())
	})
	if err != nil {
		return 0, err
	}
	return s.unread(ctx, who)
}

// forgetNotifications removes what is older than a moment and asks for nothing.
func (t *tx) forgetNotifications(before time.Time) error {
	var ids []string
	err := t.query(`SELECT id FROM notification WHERE at < ? AND (asks = 0 OR over = 1) ORDER BY at LIMIT ?`,
		func(r row) error { ids = append(ids, r.text(0)); return nil }, before, sweepRows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		for _, sql := range []string{
			`DELETE FROM notification_read WHERE notification = ?`, `DELETE FROM notification_to WHERE notification = ?`,
			`DELETE FROM notification WHERE id = ?`,
		} {
			if err := t.exec(sql, id); err != nil {
				return err
			}
		}
	}
	return nil
}
