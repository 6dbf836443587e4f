package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Entry is one person of a workspace's people file.
type Entry struct {
	Name  string
	Email string
	Roles []string
	Teams []string
}

// Sync makes the accounts of a file as the file says. Whoever left the file
// keeps the account without any role. What cannot be done comes back in words,
// one a person; the others are done.
func (d *Desk) Sync(ctx context.Context, by audit.Actor, file string, people []Entry) (problems []string, err error) {
	inFile := map[string]bool{}
	for _, p := range people {
		name, err := CanonicalName(p.Name)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%q: %s", p.Name, err))
			continue
		}
		if inFile[name] {
			problems = append(problems, fmt.Sprintf("%q: stands twice", name))
			continue
		}
		inFile[name] = true
		if err := d.syncOne(ctx, by, file, name, p); err != nil {
			if k := fault.KindOf(err); k != fault.InvalidInput && k != fault.Conflict {
				return nil, err
			}
			problems = append(problems, fmt.Sprintf("%q: %s", name, err))
		}
	}
	left, err := d.leftFile(ctx, file, inFile)
	if err != nil {
		return nil, err
	}
	for _, u := range left {
		_, err := d.change(ctx, by, u.ID, d.Clock(), func(u User) (User, error) {
			u.Roles, u.Teams, u.ManagedBy = []string{}, []string{}, ""
			return u, nil
		})
		if fault.KindOf(err) == fault.Conflict {
			problems = append(problems, fmt.Sprintf("%q: %s", u.Name, err))
		} else if err != nil {
			return nil, err
		}
	}
	return problems, nil
}

func (d *Desk) syncOne(ctx context.Context, by audit.Actor, file, name string, p Entry) error {
	old, err := d.Users.UserNamed(ctx, name)
	if fault.KindOf(err) == fault.NotFound {
		_, err = d.add(ctx, by, Wish{Name: name, Email: p.Email, Kind: Person, Roles: p.Roles, Teams: p.Teams}, file, false)
		return err
	}
	if err != nil {
		return fmt.Errorf("find a person: %w", err)
	}
	want := old
	want.ManagedBy = file
	if err := describe(&want, &p.Email, &p.Roles, &p.Teams); err != nil {
		return err
	}
	if same(old, want) {
		return nil
	}
	_, err = d.change(ctx, by, old.ID, d.Clock(), func(u User) (User, error) {
		if u.Kind != Person {
			return u, fault.New(fault.Conflict, "is a service account").WithCode("not_a_person")
		}
		u.ManagedBy, u.Email, u.Roles, u.Teams = want.ManagedBy, want.Email, want.Roles, want.Teams
		return u, nil
	})
	return err
}

func same(a, b User) bool {
	return a.ManagedBy == b.ManagedBy && a.Email == b.Email && slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Teams, b.Teams)
}

// leftFile finds who was brought by the file and is no longer in it.
func (d *Desk) leftFile(ctx context.Context, file string, inFile map[string]bool) ([]User, error) {
	var left []User
	p := lookup.Page{Limit: 200}
	for {
		l, err := d.Users.ListUsers(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("list people: %w", err)
		}
		for _, u := range l.Items {
			if u.ManagedBy == file && !inFile[u.Name] {
				left = append(left, u)
			}
		}
		if l.Next == nil {
			return left, nil
		}
		p.Cursor = *l.Next
	}
}
