package library

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// Entry is a playbook with what is in force of it.
type Entry struct {
	Slug     string
	Category string // the folder it lies in, or ""
	Origin   Origin // of what is in force, else of the draft
	File     string // that brings it, or ""
	Managed  bool   // a workspace's file brings it: read-only in the app
	Book     Book
	Playbook *playbook.Playbook // in force; nil: nothing is
	Draft    *playbook.Playbook // waits to be published; nil: nothing does
	Problems []fault.Problem    // of what the file holds, else of the draft

	key string // of the catalog that it was checked against
}

// Plan is a schedule of a playbook in force. Its id is the playbook's slug, with
// -2, -3, … for further ones.
type Plan struct {
	ID       string
	Playbook string
	Version  string // sha256 hex
	Index    int    // of the trigger
	Schedule playbook.ScheduleTrigger
}

// Moment is a trigger of a playbook in force by the clock, once.
type Moment struct {
	Playbook string
	Version  string // sha256 hex
	Index    int    // of the trigger
	At       time.Time
	Since    time.Time // when it came into force
}

// checked is a file with what the checker says of it.
type checked struct {
	file     *file
	playbook *playbook.Playbook // nil: it has errors
	problems []fault.Problem
}

// playbooks brings files, shelf and what is in force together.
func (b *build) playbooks(ctx context.Context) error {
	b.testFiles()
	list, err := b.o.Shelf.Books(ctx)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	books := map[string]Book{}
	for _, book := range list {
		books[book.Slug] = book
	}
	ours := named(slices.DeleteFunc(slices.Clone(b.files.playbooks), func(f file) bool { return f.origin != Workspace }), file.base, b.say)
	theirs := named(slices.DeleteFunc(slices.Clone(b.files.playbooks), func(f file) bool { return f.origin != Shipped }), file.base, b.say)
	if err := b.callable(ctx, books, ours, theirs); err != nil {
		return err
	}
	workspace, shipped := b.checkAll(ours), b.checkAll(theirs)
	slugs := map[string]bool{}
	for slug := range books {
		slugs[slug] = true
	}
	for slug := range workspace {
		slugs[slug] = true
	}
	for slug := range shipped {
		slugs[slug] = true
	}
	for slug := range slugs {
		book, known := books[slug]
		if !known {
			book = Book{Slug: slug}
		}
		if book, err = b.settle(ctx, book, workspace[slug], shipped[slug]); err != nil {
			return err
		}
		e, err := b.entry(ctx, book, workspace[slug], shipped[slug])
		if err != nil {
			return err
		}
		if book.Published != nil || book.Draft != nil || len(e.Problems) > 0 {
			b.now.entries[slug] = e
		}
	}
	return nil
}

// testFiles says what is wrong with tests, though nothing here runs them.
func (b *build) testFiles() {
	for _, f := range b.files.tests {
		_, ps := playbook.ParseTests(f.label, f.raw)
		b.say(ps...)
	}
}

func (b *build) checkAll(list []file) map[string]checked {
	out := map[string]checked{}
	for _, f := range list {
		c := b.check(f)
		if f.origin == Workspace {
			b.say(c.problems...) // a shipped one may want products that are not there
		}
		out[f.base()] = c
	}
	return out
}

// check compiles a file, or takes it from before where neither it nor the catalog
// has changed.
func (b *build) check(f file) checked {
	before, had := b.before.entries[f.base()]
	if had && before.key == b.now.catalog.key && before.File == f.label {
		for _, p := range []*playbook.Playbook{before.Playbook, before.Draft} {
			if p != nil && p.SHA256 == f.sha256 && !callers(p) && !fault.Broken(before.Problems) { // those are of a text in between
				return checked{&f, p, before.Problems}
			}
		}
	}
	p, ps := playbook.Compile(f.base(), f.label, f.raw, b.now.catalog)
	return checked{&f, p, ps}
}

// contains says whether a playbook has contain actions.
func contains(p *playbook.Playbook) bool {
	found := false
	playbook.Walk(p.Steps, func(b *playbook.Block) {
		found = found || b.Action != nil && b.Action.Action != nil && b.Action.Action.Impact == connector.Contain
	})
	return found
}

// settle rules what is in force of a playbook, and writes it where it has changed.
func (b *build) settle(ctx context.Context, book Book, ours, theirs checked) (Book, error) {
	want := b.rule(book, ours, theirs)
	if sameBook(book, want) {
		return book, nil
	}
	for _, c := range []checked{ours, theirs} {
		if c.playbook == nil {
			continue
		}
		if err := b.o.Archive.Keep(ctx, KindPlaybook, c.file.raw, nil); err != nil {
			return book, fmt.Errorf("keep playbook %s: %w", book.Slug, err)
		}
	}
	out, err := b.o.Shelf.ChangeBook(ctx, book.Slug, func(now Book) (Book, []audit.Draft, error) {
		want := b.rule(now, ours, theirs)
		return want, b.audit(now, want), nil
	})
	if err != nil {
		return book, fmt.Errorf("put playbook %s in force: %w", book.Slug, err)
	}
	return out, nil
}

func sameBook(a, b Book) bool {
	return sameVersion(a.Published, b.Published) && sameVersion(a.Draft, b.Draft)
}

func sameVersion(a, b *Version) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.SHA256 == b.SHA256 && a.Origin == b.Origin && a.Reviewed == b.Reviewed && a.File == b.File
}

// rule is what shall be in force of a playbook, by the files that bring it: ours of
// the workspace, theirs of the product. A file with errors changes nothing.
func (b *build) rule(book Book, ours, theirs checked) Book {
	out := book
	out.Published = stillThere(book.Published, ours, theirs)
	out.Draft = stillThere(book.Draft, ours, theirs)
	if p := theirs.playbook; p != nil && (out.Published == nil || out.Published.Origin == Shipped) {
		out.Published = b.published(out.Published, p.SHA256, Shipped, theirs.file.label, true)
	}
	p := ours.playbook
	if p == nil {
		return out
	}
	same := out.Published != nil && out.Published.SHA256 == p.SHA256
	switch {
	case same && out.Published.Origin == Workspace:
		out.Published = b.published(out.Published, p.SHA256, Workspace, ours.file.label, out.Published.Reviewed || b.o.ReviewFiles)
	case b.o.ReviewFiles || !contains(p) || same && out.Published.Reviewed:
		out.Published = b.published(nil, p.SHA256, Workspace, ours.file.label, b.o.ReviewFiles || same && out.Published.Reviewed)
	default:
		if out.Draft == nil || out.Draft.SHA256 != p.SHA256 || out.Draft.Origin != Workspace {
			out.Draft = &Version{SHA256: p.SHA256, Origin: Workspace, File: ours.file.label, At: b.at}
		}
		return out
	}
	out.Draft = nil
	return out
}

// stillThere drops a version whose file is gone.
func stillThere(v *Version, ours, theirs checked) *Version {
	if v != nil && (v.Origin == Workspace && ours.file == nil || v.Origin == Shipped && theirs.file == nil) {
		return nil
	}
	return v
}

// published is a version put in force without a person: the one before, where
// nothing about it has changed.
func (b *build) published(before *Version, sha string, origin Origin, label string, reviewed bool) *Version {
	v := Version{SHA256: sha, Origin: origin, File: label, At: b.at, Reviewed: reviewed, PublishedAt: &b.at}
	if before != nil && before.SHA256 == sha {
		v.At, v.PublishedAt, v.PublishedBy = before.At, before.PublishedAt, before.PublishedBy
		v.Author, v.Authors = before.Author, before.Authors
	}
	return &v
}

// audit says what a reload changed.
func (b *build) audit(before, after Book) []audit.Draft {
	var out []audit.Draft
	add := func(verb string, was, is *Version) {
		if sameVersion(was, is) {
			return
		}
		d := audit.Draft{
			At: b.at, Actor: audit.Actor{Kind: "system", Name: "workspace"}, Verb: verb,
			Object: audit.Object{Kind: "playbook", ID: after.Slug}, Outcome: audit.Done,
		}
		if was != nil {
			d.Before = was.SHA256
		}
		if is != nil {
			d.After, d.Reason = is.SHA256, "brought by "+is.File
		} else {
			d.Reason = "its file is gone"
		}
		out = append(out, d)
	}
	add("playbook.publish", before.Published, after.Published)
	if after.Draft != nil {
		add("playbook.edit", before.Draft, after.Draft)
	}
	return out
}

// entry compiles what a book says is in force, and its draft.
func (b *build) entry(ctx context.Context, book Book, ours, theirs checked) (Entry, error) {
	e := Entry{Slug: book.Slug, Book: book, key: b.now.catalog.key}
	for _, c := range []checked{theirs, ours} { // the stronger last
		if c.file != nil {
			e.Category, e.File, e.Origin, e.Problems = categoryOf(c.file.path), c.file.label, c.file.origin, c.problems
		}
	}
	e.Managed = ours.file != nil
	at := []checked{ours, theirs}
	var ps []fault.Problem
	var err error
	if e.Playbook, ps, err = b.compiled(ctx, book.Slug, book.Published, at); err != nil {
		return e, err
	}
	if book.Published != nil && book.Published.Origin != Shipped {
		b.say(ps...)
	}
	if e.Draft, ps, err = b.compiled(ctx, book.Slug, book.Draft, at); err != nil {
		return e, err
	}
	if !e.Managed && book.Draft != nil {
		e.Problems = ps
	}
	before := b.before.entries[book.Slug].Playbook
	if e.Playbook == nil && book.Published != nil && before != nil && before.SHA256 == book.Published.SHA256 {
		e.Playbook = before // what it needs has changed; it goes on with what it had
		e.key = ""          // and is checked anew next time
	}
	if book.Published != nil {
		e.Origin = book.Published.Origin
	} else if book.Draft != nil {
		e.Origin = book.Draft.Origin
	}
	if e.Origin == Database && !e.Managed {
		e.File = ""
	}
	return e, nil
}

func categoryOf(p string) string {
	dir := path.Dir(p)
	if dir == "playbooks" {
		return ""
	}
	return path.Base(dir)
}

// compiled gives the playbook of a version: from the files, from before, or from
// the archive. It is nil beside problems that are errors.
func (b *build) compiled(ctx context.Context, slug string, v *Version, at []checked) (*playbook.Playbook, []fault.Problem, error) {
	if v == nil {
		return nil, nil, nil
	}
	for _, c := range at {
		if c.playbook != nil && c.playbook.SHA256 == v.SHA256 {
			return c.playbook, nil, nil // its problems are said already
		}
	}
	before := b.before.entries[slug]
	for _, p := range []*playbook.Playbook{before.Playbook, before.Draft} {
		if p != nil && p.SHA256 == v.SHA256 && before.key == b.now.catalog.key && !callers(p) {
			return p, nil, nil
		}
	}
	raw, err := b.o.Archive.Kept(ctx, KindPlaybook, v.SHA256)
	if err != nil {
		return nil, nil, fmt.Errorf("read playbook %s: %w", slug, err)
	}
	label := slug + ".yaml"
	if v.File != "" {
		label = v.File
	}
	p, ps := playbook.Compile(slug, label, raw, b.now.catalog)
	if p != nil {
		ps = nil
	}
	return p, ps, nil
}

// finish derives what is asked often.
func (s *Snapshot) finish() {
	slices.SortStableFunc(s.problems, func(a, b fault.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	s.problems = slices.Compact(s.problems)
	var force []string
	for _, e := range s.Playbooks() {
		if e.Playbook == nil {
			continue
		}
		force = append(force, e.Slug+"="+e.Playbook.SHA256)
		plans := 0
		for i, t := range e.Playbook.Triggers {
			switch {
			case t.Alert != nil:
				s.triggers = append(s.triggers, trigger.Candidate{
					Playbook: e.Slug, Version: e.Playbook.SHA256, Index: i,
					If: t.Alert.If, Repeat: t.Alert.Repeat, Priority: t.Alert.Priority,
				})
			case t.Event != nil:
				s.events = append(s.events, trigger.EventCandidate{
					Playbook: e.Slug, Version: e.Playbook.SHA256, Index: i, Subject: t.Event.Subject, If: t.Event.If,
				})
			case t.At != nil:
				m := Moment{Playbook: e.Slug, Version: e.Playbook.SHA256, Index: i, At: *t.At}
				if v := e.Book.Published; v != nil && v.PublishedAt != nil {
					m.Since = *v.PublishedAt
				}
				s.moments = append(s.moments, m)
			case t.Schedule != nil:
				plans++
				id := e.Slug
				if plans > 1 {
					id += "-" + strconv.Itoa(plans)
				}
				s.plans = append(s.plans, Plan{ID: id, Playbook: e.Slug, Version: e.Playbook.SHA256, Index: i, Schedule: *t.Schedule})
			}
		}
	}
	s.booksKey = ident.Sum([]byte(strings.Join(force, "\n")))
}

// UsedBy lists the playbooks in force that use a connection: by name, through a
// capability, or as the default one.
func (s *Snapshot) UsedBy(connection string) []string {
	var out []string
	for _, e := range s.Playbooks() {
		if e.Playbook == nil {
			continue
		}
		uses := false
		playbook.Walk(e.Playbook.Steps, func(b *playbook.Block) {
			if b.Action == nil || b.Action.Action == nil {
				return
			}
			name := b.Action.Connection
			if name == "" {
				name = s.defaults[b.Action.Action.Integration]
			}
			uses = uses || name == connection
		})
		if uses {
			out = append(out, e.Slug)
		}
	}
	return out
}

// since says what differs from a snapshot before.
func (s *Snapshot) since(before *Snapshot) Changes {
	return Changes{
		Playbooks:    differing(before.entries, s.entries, func(a, b Entry) bool { return sameBook(a.Book, b.Book) }),
		Integrations: differing(before.manifestsByID, s.manifestsByID, func(a, b Manifest) bool { return a.SHA256 == b.SHA256 }),
		Connections:  differing(before.connectionsByName, s.connectionsByName, sameConnection),
		Sources:      differing(before.sourcesByName, s.sourcesByName, func(a, b Source) bool { return a.sha256 == b.sha256 }),
		Policies:     before.policyCount != s.policyCount,
		People:       before.peopleSHA != s.peopleSHA || before.estateSHA != s.estateSHA,
		Problems:     s.Problems(),
	}
}
