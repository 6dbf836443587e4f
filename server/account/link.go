package account

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// setPassword is the purpose of a link that sets one and logs in.
const setPassword = "password"

// NewLink makes a one-time link for a person: the text that opens it, once,
// until the moment given. Links that the person had before end.
func (d *Desk) NewLink(ctx context.Context, by audit.Actor, name string) (text string, until time.Time, err error) {
	u, err := d.Find(ctx, name)
	if err != nil {
		return "", time.Time{}, err
	}
	if u.Kind != Person || u.Disabled {
		return "", time.Time{}, fault.New(fault.Conflict, "a link is for an active person, not for a service account or a disabled one").WithCode("not_a_person")
	}
	if text, err = d.secret(); err != nil {
		return "", time.Time{}, err
	}
	now := d.Clock()
	l := Link{Hash: sum(text), User: u.ID, Purpose: setPassword, CreatedAt: now, ExpiresAt: now.Add(LinkLife)}
	draft := draftOf(by, UserManage, u.ID, "a link to set a password was made", now)
	if err := d.Links.AddLink(ctx, l, []audit.Draft{draft}); err != nil {
		return "", time.Time{}, fmt.Errorf("add a link: %w", err)
	}
	return text, l.ExpiresAt, nil
}

// UseLink opens a link: it sets the password, ends every session that the
// person had and begins a new one. It works once.
func (d *Desk) UseLink(ctx context.Context, text, password, ip string) (Grant, error) {
	now := d.Clock()
	// Before anything is counted: a weak password says nothing about the link.
	if err := CheckPassword("", password); err != nil {
		return Grant{}, err
	}
	// The address alone counts here: nobody is named.
	if wait, first := d.throttle.enter("?link "+network(ip), ip, now); wait > 0 {
		if first {
			d.refused(ctx, "", ip, "too many links that do not open", now)
		}
		return Grant{}, slow(wait)
	}
	if len(text) != secretText {
		return Grant{}, expired()
	}
	var hash string
	var err error
	if busy := d.kitchen.do(ctx, func() { hash, err = hashPassword(password, d.Random) }); busy != nil {
		return Grant{}, busy
	}
	if err != nil {
		return Grant{}, err
	}
	id, err := d.secret()
	if err != nil {
		return Grant{}, err
	}
	g := Grant{ID: id}
	use := func(l Link, u User) (LinkUse, error) {
		if l.Purpose != setPassword || !now.Before(l.ExpiresAt) || u.Disabled || u.Kind != Person {
			return LinkUse{}, expired()
		}
		if err := CheckPassword(u.Name, password); err != nil {
			return LinkUse{}, err
		}
		u.Password, u.UpdatedAt, u.LastLogin = hash, now, &now
		s := Session{Hash: sum(id), User: u.ID, Auth: "link", IP: ip, CreatedAt: now, SeenAt: now}
		g.Identity = identity(s, u)
		draft := draftOf(g.Identity.Actor(), "session.begin", u.ID, "a password was set by link", now)
		return LinkUse{
			Change:  UserChange{User: u, EndSessions: true, EndLinks: true, Audit: []audit.Draft{draft}},
			Session: s,
		}, nil
	}
	if err := d.Links.UseLink(ctx, sum(text), use); err != nil {
		if fault.KindOf(err) == fault.Unauthorized {
			d.refused(ctx, "", ip, "a link that does not open", now)
			return Grant{}, expired()
		}
		return Grant{}, fmt.Errorf("use a link: %w", err)
	}
	d.throttle.good("?link "+network(ip), ip, now)
	return g, nil
}

func draftOf(by audit.Actor, verb, user, reason string, now time.Time) audit.Draft {
	return audit.Draft{
		At: now, Actor: by, Verb: verb, Object: audit.Object{Kind: "user", ID: user},
		Reason: reason, Outcome: audit.Done,
	}
}
