package account

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// FirstName is the first person on an empty database.
const FirstName = "admin"

// Wish is what somebody shall be; Password is "" for none (a link sets one).
type Wish struct {
	Name     string
	Email    string
	Kind     Kind
	Roles    []string
	Teams    []string
	Password string
}

// Edit is what shall change about somebody; nil leaves it.
type Edit struct {
	Email    *string
	Roles    *[]string
	Teams    *[]string
	Disabled *bool
	Password *string
}

// Find gives somebody by log-in name, in any spelling of it.
func (d *Desk) Find(ctx context.Context, name string) (User, error) {
	canonical, err := CanonicalName(name)
	if err != nil {
		return User{}, fault.New(fault.NotFound, "there is nobody of this name")
	}
	u, err := d.Users.UserNamed(ctx, canonical)
	if err != nil {
		return User{}, fmt.Errorf("find a person: %w", err)
	}
	return u, nil
}

// People lists everybody by name.
func (d *Desk) People(ctx context.Context, p lookup.Page) (lookup.List[User], error) {
	l, err := d.Users.ListUsers(ctx, p)
	if err != nil {
		return lookup.List[User]{}, fmt.Errorf("list people: %w", err)
	}
	return l, nil
}

// Add makes an account.
func (d *Desk) Add(ctx context.Context, by audit.Actor, w Wish) (User, error) {
	return d.add(ctx, by, w, "", false)
}

// Bootstrap makes the first person where there is nobody yet: admin, with the
// roles admin, engineer and responder. Added is false where somebody is there.
func (d *Desk) Bootstrap(ctx context.Context, by audit.Actor, password string) (added bool, err error) {
	w := Wish{Name: FirstName, Kind: Person, Roles: []string{Admin, Engineer, Responder}, Password: password}
	_, err = d.add(ctx, by, w, "", true)
	if fault.CodeOf(err) == "not_first" {
		return false, nil
	}
	return err == nil, err
}

func (d *Desk) add(ctx context.Context, by audit.Actor, w Wish, file string, first bool) (User, error) {
	now := d.Clock()
	u := User{Kind: w.Kind, ManagedBy: file, Version: 1, CreatedAt: now, UpdatedAt: now}
	if u.Kind == "" {
		u.Kind = Person
	}
	if u.Kind != Person && u.Kind != Service {
		return User{}, fault.New(fault.InvalidInput, "an account is of kind person or service").WithCode("bad_kind")
	}
	var err error
	if u.Name, err = CanonicalName(w.Name); err != nil {
		return User{}, err
	}
	if err := describe(&u, &w.Email, &w.Roles, &w.Teams); err != nil {
		return User{}, err
	}
	if w.Password != "" {
		if u.Password, err = d.newPassword(ctx, u, w.Password); err != nil {
			return User{}, err
		}
	}
	if u.ID, err = d.id(ident.User, now); err != nil {
		return User{}, err
	}
	draft := draftOf(by, UserManage, u.ID, "added as "+u.Name, now)
	if draft.After, err = digest(u); err != nil {
		return User{}, err
	}
	if err := d.Users.AddUser(ctx, NewUser{User: u, First: first, Audit: []audit.Draft{draft}}); err != nil {
		return User{}, fmt.Errorf("add a person: %w", err)
	}
	return u, nil
}

func (d *Desk) newPassword(ctx context.Context, u User, password string) (string, error) {
	if u.Kind != Person {
		return "", fault.New(fault.InvalidInput, "a service account has tokens, never a password").WithCode("not_a_person")
	}
	if err := CheckPassword(u.Name, password); err != nil {
		return "", err
	}
	var hash string
	var err error
	if busy := d.kitchen.do(ctx, func() { hash, err = hashPassword(password, d.Random) }); busy != nil {
		return "", busy
	}
	return hash, err
}

// describe puts in what is given, checked.
func describe(u *User, email *string, roles, teams *[]string) (err error) {
	if email != nil {
		if u.Email, err = address(*email); err != nil {
			return err
		}
	}
	if roles != nil {
		if u.Roles, err = knownWords("role", *roles, Roles()); err != nil {
			return err
		}
	}
	if teams != nil {
		if u.Teams, err = teamNames(*teams); err != nil {
			return err
		}
	}
	u.Roles, u.Teams = list(u.Roles), list(u.Teams)
	return nil
}

func address(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 {
		return "", fault.New(fault.InvalidInput, "the mail address is not one").WithCode("bad_email")
	}
	return text, nil
}

// digest names the state of an account in the audit log.
func digest(u User) (string, error) {
	s, err := ident.Digest(u)
	if err != nil {
		return "", fmt.Errorf("name the state of an account: %w", err)
	}
	return s, nil
}

// Change edits an account. Version is what the editor has seen, 0 for any:
// another one is fault Conflict, code changed_meanwhile. Whoever loses or gains
// a role, team or password, or is disabled, is logged out at once.
func (d *Desk) Change(ctx context.Context, by audit.Actor, name string, version int64, e Edit) (User, error) {
	u, err := d.Find(ctx, name)
	if err != nil {
		return User{}, err
	}
	var hash string
	if e.Password != nil {
		if hash, err = d.newPassword(ctx, u, *e.Password); err != nil {
			return User{}, err
		}
	}
	now := d.Clock()
	return d.change(ctx, by, u.ID, now, func(u User) (User, error) {
		switch {
		case version != 0 && version != u.Version:
			return u, fault.New(fault.Conflict, "somebody else changed this account meanwhile").WithCode("changed_meanwhile")
		case u.ManagedBy != "" && (e.Email != nil || e.Roles != nil || e.Teams != nil):
			return u, fault.New(fault.Conflict, "%s brings this account; change it there", u.ManagedBy).WithCode("managed_by_files")
		}
		if e.Disabled != nil {
			u.Disabled = *e.Disabled
		}
		if hash != "" {
			u.Password = hash
		}
		return u, describe(&u, e.Email, e.Roles, e.Teams)
	})
}

func (d *Desk) change(ctx context.Context, by audit.Actor, id string, now time.Time, edit func(u User) (User, error)) (User, error) {
	u, err := d.Users.ChangeUser(ctx, id, func(old User, admins int) (UserChange, error) {
		u, err := edit(old)
		if err != nil {
			return UserChange{}, err
		}
		if rules(old) && !rules(u) && admins == 0 {
			return UserChange{}, fault.New(fault.Conflict, "this is the last active admin").WithCode("last_admin")
		}
		u.UpdatedAt = now
		c := UserChange{User: u, RevokeTokens: u.Disabled && !old.Disabled}
		c.EndSessions = u.Disabled != old.Disabled || u.Password != old.Password ||
			!slices.Equal(u.Roles, old.Roles) || !slices.Equal(u.Teams, old.Teams)
		c.EndLinks = u.Disabled || u.Password != old.Password
		draft := draftOf(by, UserManage, id, changed(old, u), now)
		if draft.Before, err = digest(old); err != nil {
			return UserChange{}, err
		}
		if draft.After, err = digest(u); err != nil {
			return UserChange{}, err
		}
		c.Audit = []audit.Draft{draft}
		return c, nil
	})
	if err != nil {
		return User{}, fmt.Errorf("change a person: %w", err)
	}
	return u, nil
}

func rules(u User) bool {
	return u.Kind == Person && !u.Disabled && slices.Contains(u.Roles, Admin)
}

// changed says in words what is different.
func changed(old, u User) string {
	switch {
	case u.Disabled && !old.Disabled:
		return "disabled"
	case !u.Disabled && old.Disabled:
		return "enabled"
	case u.Password != old.Password:
		return "password set"
	case !slices.Equal(u.Roles, old.Roles):
		return "roles changed"
	case !slices.Equal(u.Teams, old.Teams):
		return "teams changed"
	}
	return "changed"
}
