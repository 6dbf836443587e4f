// Package fakes stands in for hands in tests.
package fakes

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Accounts keeps people, links, sessions, tokens and their audit in memory, by
// the rules of account/store.go.
type Accounts struct {
	mu       sync.Mutex
	users    map[string]account.User
	links    map[string]account.Link
	sessions map[string]account.Session
	tokens   map[string]account.Token
	drafts   []audit.Draft
}

// NewAccounts gives an empty one.
func NewAccounts() *Accounts {
	return &Accounts{
		users: map[string]account.User{}, links: map[string]account.Link{},
		sessions: map[string]account.Session{}, tokens: map[string]account.Token{},
	}
}

// Audit gives what was written so far.
func (s *Accounts) Audit() []audit.Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.drafts)
}

// Stored gives everything that is kept as text, to look for secrets in it.
func (s *Accounts) Stored() (users []account.User, links []account.Link, sessions []account.Session, tokens []account.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		users = append(users, u)
	}
	for _, l := range s.links {
		links = append(links, l)
	}
	for _, e := range s.sessions {
		sessions = append(sessions, e)
	}
	for _, t := range s.tokens {
		tokens = append(tokens, t)
	}
	return users, links, sessions, tokens
}

// User finds by id.
func (s *Accounts) User(_ context.Context, id string) (account.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user(id)
}

func (s *Accounts) user(id string) (account.User, error) {
	u, ok := s.users[id]
	if !ok {
		return account.User{}, fault.New(fault.NotFound, "no such user")
	}
	return u, nil
}

// UserNamed finds by name.
func (s *Accounts) UserNamed(_ context.Context, name string) (account.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if u.Name == name {
			return u, nil
		}
	}
	return account.User{}, fault.New(fault.NotFound, "no such user")
}

// ListUsers gives them by name; the cursor is the last name.
func (s *Accounts) ListUsers(_ context.Context, p lookup.Page) (lookup.List[account.User], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []account.User
	for _, u := range s.users {
		if u.Name > p.Cursor {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b account.User) int { return strings.Compare(a.Name, b.Name) })
	return page(all, p.Limit, func(u account.User) string { return u.Name }), nil
}

func page[T any](all []T, limit int, cursor func(T) string) lookup.List[T] {
	if limit == 0 {
		limit = 50
	}
	l := lookup.List[T]{Items: []T{}}
	if len(all) > limit {
		next := cursor(all[limit-1])
		l.Next, all = &next, all[:limit]
	}
	l.Items = append(l.Items, all...)
	return l
}

// AddUser adds one with a free name.
func (s *Accounts) AddUser(_ context.Context, n account.NewUser) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.First && len(s.users) > 0 {
		return fault.New(fault.Conflict, "somebody is there").WithCode("not_first")
	}
	for _, u := range s.users {
		if u.Name == n.User.Name {
			return fault.New(fault.Conflict, "the name is taken").WithCode("name_taken")
		}
	}
	s.users[n.User.ID] = n.User
	s.drafts = append(s.drafts, n.Audit...)
	return nil
}

// ChangeUser writes what change gives.
func (s *Accounts) ChangeUser(_ context.Context, id string, change func(account.User, int) (account.UserChange, error)) (account.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.user(id)
	if err != nil {
		return u, err
	}
	admins := 0
	for _, o := range s.users {
		if o.ID != id && o.Kind == account.Person && !o.Disabled && slices.Contains(o.Roles, account.Admin) {
			admins++
		}
	}
	c, err := change(u, admins)
	if err != nil {
		return account.User{}, err
	}
	s.apply(u, &c)
	return c.User, nil
}

func (s *Accounts) apply(old account.User, c *account.UserChange) {
	c.User.Version = old.Version + 1
	s.users[old.ID] = c.User
	s.drafts = append(s.drafts, c.Audit...)
	for h, e := range s.sessions {
		if c.EndSessions && e.User == old.ID {
			delete(s.sessions, h)
		}
	}
	for h, l := range s.links {
		if c.EndLinks && l.User == old.ID {
			delete(s.links, h)
		}
	}
	for id, t := range s.tokens {
		if c.RevokeTokens && t.Owner == old.ID && t.RevokedAt == nil {
			at := c.User.UpdatedAt
			t.RevokedAt = &at
			s.tokens[id] = t
		}
	}
}

// AddLink stores a link and ends the older ones.
func (s *Accounts) AddLink(_ context.Context, l account.Link, a []audit.Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, o := range s.links {
		if o.User == l.User && o.Purpose == l.Purpose {
			delete(s.links, h)
		}
	}
	s.links[l.Hash] = l
	s.drafts = append(s.drafts, a...)
	return nil
}

// UseLink opens one, once.
func (s *Accounts) UseLink(_ context.Context, hash string, use func(account.Link, account.User) (account.LinkUse, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[hash]
	if !ok {
		return fault.New(fault.Unauthorized, "no such link")
	}
	u, err := s.user(l.User)
	if err != nil {
		return err
	}
	got, err := use(l, u)
	if err != nil {
		return err
	}
	delete(s.links, hash)
	s.apply(u, &got.Change)
	s.sessions[got.Session.Hash] = got.Session
	return nil
}

// AddSession stores a session.
func (s *Accounts) AddSession(_ context.Context, e account.Session, version int64, replaces string, a []audit.Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.user(e.User)
	if err != nil {
		return err
	}
	if u.Version != version {
		return fault.New(fault.Conflict, "changed meanwhile")
	}
	u.LastLogin = &e.CreatedAt
	s.users[u.ID] = u
	delete(s.sessions, replaces)
	s.sessions[e.Hash] = e
	s.drafts = append(s.drafts, a...)
	return nil
}

// Session finds one with its user.
func (s *Accounts) Session(_ context.Context, hash string) (account.Session, account.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.sessions[hash]
	if !ok {
		return e, account.User{}, fault.New(fault.NotFound, "no such session")
	}
	u, err := s.user(e.User)
	return e, u, err
}

// TouchSession moves SeenAt.
func (s *Accounts) TouchSession(_ context.Context, hash string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.sessions[hash]; ok {
		e.SeenAt = at
		s.sessions[hash] = e
	}
	return nil
}

// EndSession forgets one.
func (s *Accounts) EndSession(_ context.Context, hash string, a []audit.Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, hash)
	s.drafts = append(s.drafts, a...)
	return nil
}

// SweepSessions forgets what is over.
func (s *Accounts) SweepSessions(_ context.Context, idle, began time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, e := range s.sessions {
		if e.SeenAt.Before(idle) || e.CreatedAt.Before(began) {
			delete(s.sessions, h)
		}
	}
	return nil
}

// AddToken stores a token.
func (s *Accounts) AddToken(_ context.Context, t account.Token, version int64, a []audit.Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.user(t.Owner)
	if err != nil {
		return err
	}
	if u.Version != version {
		return fault.New(fault.Conflict, "changed meanwhile")
	}
	s.tokens[t.ID] = t
	s.drafts = append(s.drafts, a...)
	return nil
}

// Token finds by hash.
func (s *Accounts) Token(_ context.Context, hash string) (account.Token, account.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		if t.Hash == hash {
			u, err := s.user(t.Owner)
			return t, u, err
		}
	}
	return account.Token{}, account.User{}, fault.New(fault.NotFound, "no such token")
}

// ListTokens gives them by id; the cursor is the last id.
func (s *Accounts) ListTokens(_ context.Context, owner string, p lookup.Page) (lookup.List[account.Token], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []account.Token
	for _, t := range s.tokens {
		if (owner == "" || t.Owner == owner) && t.ID > p.Cursor {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b account.Token) int { return strings.Compare(a.ID, b.ID) })
	return page(all, p.Limit, func(t account.Token) string { return t.ID }), nil
}

// ChangeToken writes what change gives.
func (s *Accounts) ChangeToken(_ context.Context, id string, change func(account.Token) (account.Token, []audit.Draft, error)) (account.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[id]
	if !ok {
		return t, fault.New(fault.NotFound, "no such token")
	}
	t, a, err := change(t)
	if err != nil {
		return account.Token{}, err
	}
	s.tokens[id] = t
	s.drafts = append(s.drafts, a...)
	return t, nil
}

// TouchToken moves LastUsed.
func (s *Accounts) TouchToken(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tokens[id]; ok {
		t.LastUsed = &at
		s.tokens[id] = t
	}
	return nil
}

// LogAudit keeps entries.
func (s *Accounts) LogAudit(_ context.Context, a []audit.Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drafts = append(s.drafts, a...)
	return nil
}
