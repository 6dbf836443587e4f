package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func noUser() *fault.Error    { return fault.New(fault.NotFound, "there is no such user") }
func noSession() *fault.Error { return fault.New(fault.NotFound, "there is no such session") }
func noToken() *fault.Error   { return fault.New(fault.NotFound, "there is no such token") }

// hashOf reads the hex SHA-256 of a secret text. Anything else is not found.
func hashOf(hash string, missing *fault.Error) ([]byte, error) {
	raw, err := digestOf(hash)
	if err != nil || raw == nil {
		return nil, missing
	}
	return raw, nil
}

func userOf(r userRow) (account.User, error) {
	u := account.User{
		ID: r.ID, Name: r.Name, Email: r.Email, Kind: account.Kind(r.Kind), Disabled: r.Disabled, ManagedBy: r.ManagedBy, Version: r.Version,
		CreatedAt: micro(r.CreatedAt), UpdatedAt: micro(r.UpdatedAt), LastLogin: microOf(r.LastLogin), Password: r.Password,
	}
	if err := readJSON(r.Roles, &u.Roles); err != nil {
		return u, err
	}
	return u, readJSON(r.Teams, &u.Teams)
}

const userColumns = `id, name, email, kind, roles, teams, disabled, managed_by, version, created_at, updated_at, last_login, password`

// userBy reads a user inside an act, by id; none is fault NotFound.
func (t *tx) userBy(id string) (account.User, error) {
	var u account.User
	found, err := t.one(`SELECT `+userColumns+` FROM user WHERE id = ?`, func(r row) (err error) {
		u, err = userOf(userRow{
			r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5), r.bool(6), r.text(7), r.int(8), r.int(9), r.int(10), r.number(11), r.text(12),
		})
		return err
	}, id)
	if err != nil {
		return u, fmt.Errorf("read a user: %w", err)
	}
	if !found {
		return u, noUser()
	}
	return u, nil
}

// User finds by id; fault NotFound.
func (s *Store) User(ctx context.Context, id string) (account.User, error) {
	return s.userWhere(ctx, "id", id)
}

// UserNamed finds by canonical name; fault NotFound.
func (s *Store) UserNamed(ctx context.Context, name string) (account.User, error) {
	return s.userWhere(ctx, "name", name)
}

func (s *Store) userWhere(ctx context.Context, column, value string) (account.User, error) {
	r, err := first[userRow](ctx, s.read, noUser().Message, column, value)
	if err != nil {
		return account.User{}, err
	}
	return userOf(r)
}

// ListUsers gives a page; sort words: name (default), created_at.
func (s *Store) ListUsers(ctx context.Context, p lookup.Page) (lookup.List[account.User], error) {
	return page(ctx, s.read, listing[userRow, account.User]{
		sorts:  map[string]string{"name": "name", "created_at": "created_at"},
		first:  "name",
		unique: "id",
		read:   userColumns,
		value: func(r userRow, column string) any {
			switch column {
			case "name":
				return r.Name
			case "created_at":
				return r.CreatedAt
			}
			return r.ID
		},
		noun: func(_ context.Context, r userRow) (account.User, error) { return userOf(r) },
	}, p)
}

// AddUser adds a user whose name is free; with First only the very first one.
func (s *Store) AddUser(ctx context.Context, n account.NewUser) error {
	return s.commit(ctx, func(t *tx) error {
		if n.First {
			some, err := t.one(`SELECT 1 FROM user LIMIT 1`, func(row) error { return nil })
			if err != nil {
				return fmt.Errorf("look for users: %w", err)
			}
			if some {
				return fault.New(fault.Conflict, "there are users already").WithCode("not_first")
			}
		}
		if err := t.saveUser(n.User); err != nil {
			return err
		}
		return t.link(n.Audit...)
	})
}

// saveUser writes a user, new or changed, with the version it says.
func (t *tx) saveUser(u account.User) error {
	roles, err := json.Marshal(orEmpty(u.Roles))
	if err != nil {
		return fmt.Errorf("encode roles: %w", err)
	}
	teams, err := json.Marshal(orEmpty(u.Teams))
	if err != nil {
		return fmt.Errorf("encode teams: %w", err)
	}
	err = t.exec(`INSERT INTO user (id, name, email, kind, roles, teams, disabled, managed_by, version, created_at, updated_at, last_login, password)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET email = excluded.email, roles = excluded.roles, teams = excluded.teams, disabled = excluded.disabled,
			managed_by = excluded.managed_by, version = excluded.version, updated_at = excluded.updated_at, last_login = excluded.last_login,
			password = excluded.password`,
		u.ID, u.Name, u.Email, string(u.Kind), string(roles), string(teams), u.Disabled, u.ManagedBy, u.Version, u.CreatedAt, u.UpdatedAt, u.LastLogin, u.Password)
	if constraint(err) {
		return fault.Wrap(err, fault.Conflict, "the name is taken").WithCode("name_taken")
	}
	if err != nil {
		return fmt.Errorf("write a user: %w", err)
	}
	return t.changed("user", u.ID, u.Version)
}

// ChangeUser looks at a user as they are and writes what change gives. Votes that
// wait are weighed anew with the new roles when they are used.
func (s *Store) ChangeUser(ctx context.Context, id string, change func(u account.User, admins int) (account.UserChange, error)) (account.User, error) {
	var out account.User
	err := s.commit(ctx, func(t *tx) error {
		u, err := t.userBy(id)
		if err != nil {
			return err
		}
		admins := 0
		err = t.query(`SELECT count(*) FROM user, json_each(user.roles) role WHERE role.value = 'admin' AND user.disabled = 0 AND user.id <> ?`,
			func(r row) error { admins = int(r.int(0)); return nil }, id)
		if err != nil {
			return fmt.Errorf("count admins: %w", err)
		}
		c, err := change(u, admins)
		if err != nil {
			return err
		}
		out, err = t.applyUser(u, c)
		return err
	})
	return out, err
}

// applyUser writes a change of a user and ends what ends with it.
func (t *tx) applyUser(old account.User, c account.UserChange) (account.User, error) {
	u := c.User
	u.ID, u.Name, u.Kind, u.CreatedAt, u.Version = old.ID, old.Name, old.Kind, old.CreatedAt, old.Version+1
	if err := t.saveUser(u); err != nil {
		return u, err
	}
	if c.EndSessions {
		if err := t.exec(`DELETE FROM session WHERE user = ?`, u.ID); err != nil {
			return u, fmt.Errorf("end sessions: %w", err)
		}
	}
	if c.RevokeTokens {
		if err := t.exec(`UPDATE token SET revoked_at = ? WHERE owner = ? AND revoked_at IS NULL`, u.UpdatedAt, u.ID); err != nil {
			return u, fmt.Errorf("revoke tokens: %w", err)
		}
	}
	if c.EndLinks {
		if err := t.exec(`DELETE FROM link WHERE user = ? AND used = 0`, u.ID); err != nil {
			return u, fmt.Errorf("end links: %w", err)
		}
	}
	return u, t.link(c.Audit...)
}

// AddLink stores a one-time link; older unused ones of its purpose end.
func (s *Store) AddLink(ctx context.Context, l account.Link, a []audit.Draft) error {
	hash, err := hashOf(l.Hash, noUser())
	if err != nil {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		if _, err := t.userBy(l.User); err != nil {
			return err
		}
		err := t.exec(`DELETE FROM link WHERE user = ? AND purpose = ? AND used = 0`, l.User, l.Purpose)
		if err == nil {
			err = t.exec(`INSERT INTO link (hash, user, purpose, created_at, expires_at, used) VALUES (?, ?, ?, ?, ?, 0)`,
				hash, l.User, l.Purpose, l.CreatedAt, l.ExpiresAt)
		}
		if err != nil {
			return fmt.Errorf("write a link: %w", err)
		}
		return t.link(a...)
	})
}

// UseLink uses a link, once.
func (s *Store) UseLink(ctx context.Context, hash string, use func(l account.Link, u account.User) (account.LinkUse, error)) error {
	unknown := fault.New(fault.Unauthorized, "the link is not valid any more")
	key, err := hashOf(hash, unknown)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		l := account.Link{Hash: hash}
		found, err := t.one(`SELECT user, purpose, created_at, expires_at FROM link WHERE hash = ? AND used = 0`, func(r row) error {
			l.User, l.Purpose, l.CreatedAt, l.ExpiresAt = r.text(0), r.text(1), r.time(2), r.time(3)
			return nil
		}, key)
		if err != nil {
			return fmt.Errorf("look for a link: %w", err)
		}
		if !found {
			return unknown
		}
		u, err := t.userBy(l.User)
		if err != nil {
			return err
		}
		done, err := use(l, u)
		if err != nil {
			return err
		}
		if err := t.exec(`UPDATE link SET used = 1 WHERE hash = ?`, key); err != nil {
			return fmt.Errorf("use up a link: %w", err)
		}
		if _, err := t.applyUser(u, done.Change); err != nil {
			return err
		}
		return t.addSession(done.Session)
	})
}

func (t *tx) addSession(e account.Session) error {
	hash, err := hashOf(e.Hash, noSession())
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO session (hash, user, auth, ip, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)`, hash, e.User, e.Auth, e.IP, e.CreatedAt, e.SeenAt)
	if err != nil {
		return fmt.Errorf("write a session: %w", err)
	}
	return nil
}

// AddSession stores a session in place of another one.
func (s *Store) AddSession(ctx context.Context, e account.Session, version int64, replaces string, a []audit.Draft) error {
	return s.commit(ctx, func(t *tx) error {
		u, err := t.unchanged(e.User, version)
		if err != nil {
			return err
		}
		if replaces != "" {
			if err := t.endSession(replaces); err != nil {
				return err
			}
		}
		if err := t.addSession(e); err != nil {
			return err
		}
		if err := t.exec(`UPDATE user SET last_login = ? WHERE id = ?`, e.CreatedAt, u.ID); err != nil {
			return fmt.Errorf("note a log-in: %w", err)
		}
		return t.link(a...)
	})
}

// unchanged gives a user whose version is still the one that was looked at.
func (t *tx) unchanged(id string, version int64) (account.User, error) {
	u, err := t.userBy(id)
	if err == nil && u.Version != version {
		err = fault.New(fault.Conflict, "the user was changed meanwhile")
	}
	return u, err
}

// Session gives a session and its user as they are now; fault NotFound.
func (s *Store) Session(ctx context.Context, hash string) (account.Session, account.User, error) {
	e := account.Session{Hash: hash}
	key, err := hashOf(hash, noSession())
	if err != nil {
		return e, account.User{}, err
	}
	var r userRow
	found := false
	err = s.each(ctx, `SELECT s.user, s.auth, s.ip, s.created_at, s.seen_at, u.id, u.name, u.email, u.kind, u.roles, u.teams, u.disabled, u.managed_by,
			u.version, u.created_at, u.updated_at, u.last_login, u.password
		FROM session s JOIN user u ON u.id = s.user WHERE s.hash = ?`, []any{key}, func(scan func(...any) error) error {
		var created, seen int64
		found = true
		err := scan(&e.User, &e.Auth, &e.IP, &created, &seen, &r.ID, &r.Name, &r.Email, &r.Kind, &r.Roles, &r.Teams, &r.Disabled, &r.ManagedBy,
			&r.Version, &r.CreatedAt, &r.UpdatedAt, &r.LastLogin, &r.Password)
		e.CreatedAt, e.SeenAt = micro(created), micro(seen)
		return err
	})
	if err != nil {
		return e, account.User{}, err
	}
	if !found {
		return e, account.User{}, noSession()
	}
	u, err := userOf(r)
	return e, u, err
}

// TouchSession moves SeenAt forward.
func (s *Store) TouchSession(ctx context.Context, hash string, at time.Time) error {
	key, err := hashOf(hash, noSession())
	if err != nil {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		if err := t.exec(`UPDATE session SET seen_at = ?1 WHERE hash = ?2 AND seen_at < ?1`, at, key); err != nil {
			return fmt.Errorf("touch a session: %w", err)
		}
		return nil
	})
}

// EndSession forgets a session; none is no error.
func (s *Store) EndSession(ctx context.Context, hash string, a []audit.Draft) error {
	return s.commit(ctx, func(t *tx) error {
		if err := t.endSession(hash); err != nil {
			return err
		}
		return t.link(a...)
	})
}

func (t *tx) endSession(hash string) error {
	key, err := hashOf(hash, noSession())
	if err != nil {
		return nil //nolint:nilerr // what is no hash is no session
	}
	if err := t.exec(`DELETE FROM session WHERE hash = ?`, key); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// SweepSessions forgets sessions and links that are over.
func (s *Store) SweepSessions(ctx context.Context, idle, began time.Time) error {
	return s.commit(ctx, func(t *tx) error {
		err := t.exec(`DELETE FROM session WHERE seen_at < ? OR created_at < ?`, idle, began)
		if err == nil {
			err = t.exec(`DELETE FROM link WHERE expires_at < ?`, idle)
		}
		if err != nil {
			return fmt.Errorf("sweep sessions: %w", err)
		}
		return nil
	})
}

// orEmpty gives a list that is never null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
