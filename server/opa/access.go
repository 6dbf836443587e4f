package opa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/tocsin-soar/tocsin/server/account"
)

// maxCached bounds how many answers are kept; when full, they are forgotten.
const maxCached = 8192

// access answers tocsin.access. Rego is the truth; as long as no rule reads who
// exactly asks, about which thing and when, equal questions have equal answers,
// which are kept.
type access struct {
	query  query
	verbs  []string
	cached bool
	mu     sync.RWMutex
	known  map[string]bool
}

func newAccess(ctx context.Context, store storage.Store, c *ast.Compiler) (*access, error) {
	q, err := prepared(ctx, store, c, "members = data."+pkgAccess+".allow")
	if err != nil {
		return nil, err
	}
	a := &access{query: q, cached: !reads(c, "input.now", "input.object.id", "input.actor.id"), known: map[string]bool{}}
	list, err := prepared(ctx, store, c, "members = data."+pkgAccess+".verbs")
	if err != nil {
		return nil, err
	}
	r := run(ctx, list, ast.NewObject())
	set, ok := r.value.(ast.Set)
	if r.err != nil || !ok {
		return nil, errors.Join(errors.New("tocsin.access names no verbs"), r.err)
	}
	set.Foreach(func(t *ast.Term) {
		if s, ok := t.Value.(ast.String); ok {
			a.verbs = append(a.verbs, string(s))
		}
	})
	slices.Sort(a.verbs)
	return a, nil
}

// reads says whether any rule reads one of the references or something below or
// above it.
func reads(c *ast.Compiler, refs ...string) bool {
	found := false
	for _, m := range c.Modules {
		ast.WalkRefs(m, func(r ast.Ref) bool {
			for _, text := range refs {
				ref := ast.MustParseRef(text)
				found = found || r.HasPrefix(ref) || r[0].Value.Compare(ast.InputRootDocument.Value) == 0 && ref.HasPrefix(r)
			}
			return found
		})
	}
	return found
}

// May says whether somebody may do a thing. Anything but a plain yes is no.
func (p *Policy) May(ctx context.Context, q account.Question) bool {
	a := p.access
	if !a.cached {
		return a.ask(ctx, q)
	}
	key := keyOf(q)
	a.mu.RLock()
	may, ok := a.known[key]
	a.mu.RUnlock()
	if ok {
		return may
	}
	may = a.ask(ctx, q)
	if ctx.Err() != nil { // a no for want of time is not the rule's
		return may
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxCached {
		clear(a.known)
	}
	a.known[key] = may
	return may
}

// Verbs lists every verb that tocsin.access knows.
func (p *Policy) Verbs() []string { return slices.Clone(p.access.verbs) }

// keyOf names what the rules read of a question. Lengths keep the parts apart.
func keyOf(q account.Question) string {
	var b strings.Builder
	put := func(s string) { fmt.Fprintf(&b, "%d:%s", len(s), s) }
	list := func(l []string) {
		fmt.Fprintf(&b, "[%d]", len(l))
		for _, s := range l {
			put(s)
		}
	}
	put(q.Actor.Kind)
	put(q.Verb)
	put(q.Object.Kind)
	put(q.Object.Team)
	list(q.Actor.Roles)
	list(q.Actor.Teams)
	list(q.Actor.Scopes)
	return b.String()
}

func (a *access) ask(ctx context.Context, q account.Question) bool {
	in := map[string]any{
		"actor": map[string]any{
			"kind": q.Actor.Kind, "id": q.Actor.ID, "roles": texts(q.Actor.Roles), "teams": texts(q.Actor.Teams),
			"scopes": texts(q.Actor.Scopes),
		},
		"verb":   q.Verb,
		"object": map[string]any{"kind": q.Object.Kind, "id": q.Object.ID, "team": q.Object.Team},
		"now":    q.Now.UTC().Format(time.RFC3339),
	}
	if whyNot(books()[schemaAccess].root, in) != "" {
		return false
	}
	input, err := valueOf(in, 0)
	if err != nil {
		return false
	}
	v, _, err := evaluate(ctx, a.query, input.Value)
	return err == nil && v.Compare(ast.Boolean(true)) == 0
}
