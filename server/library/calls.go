package library

import (
	"context"
	"fmt"
	"slices"

	"github.com/tocsin-soar/tocsin/server/playbook"
)

// callable finds what playbooks may call: each as it is in force, or will be when this
// load is over. What a file brings as a draft only can be checked against, and is not
// in force when it is called. The stronger come last: workspace over database over
// shipped.
func (b *build) callable(ctx context.Context, books map[string]Book, ours, theirs []file) error {
	out := map[string]text{}
	b.now.catalog.books = out
	for _, f := range theirs {
		out[f.base()] = b.text(f.base(), f.raw, f.sha256)
	}
	for slug, book := range books {
		v := book.Published
		if v == nil || v.Origin != Database {
			continue
		}
		if t, same := b.before.catalog.books[slug]; same && t.sha256 == v.SHA256 {
			out[slug] = t
			continue
		}
		raw, err := b.o.Archive.Kept(ctx, KindPlaybook, v.SHA256)
		if err != nil {
			return fmt.Errorf("read playbook %s: %w", slug, err)
		}
		out[slug] = textOf(slug, raw)
	}
	for _, f := range ours {
		out[f.base()] = b.text(f.base(), f.raw, f.sha256)
	}
	return nil
}

// text takes what was read before where it is the same.
func (b *build) text(slug string, raw []byte, sha string) text {
	if t, same := b.before.catalog.books[slug]; same && t.sha256 == sha {
		return t
	}
	return textOf(slug, raw)
}

// calls gives the versions in force of all that a playbook calls, and of what they
// call in turn. What is not in force is left out.
func (s *Snapshot) calls(p *playbook.Playbook) map[string]string {
	names := playbook.Calls(p.Steps)
	if len(names) == 0 {
		return nil
	}
	out := map[string]string{}
	for len(names) > 0 {
		slug := names[0]
		names = names[1:]
		e := s.entries[slug]
		if _, done := out[slug]; done || e.Playbook == nil {
			continue
		}
		out[slug] = e.Playbook.SHA256
		names = append(names, playbook.Calls(e.Playbook.Steps)...)
	}
	return out
}

// callers says whether a playbook calls others: what it is checked against changes
// with them.
func callers(p *playbook.Playbook) bool {
	return slices.ContainsFunc(p.Steps, func(b *playbook.Block) bool { return len(playbook.Calls([]*playbook.Block{b})) > 0 })
}
