package app

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/layout"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/schedule"
)

// books shows the library's playbooks in the API's words.
type books struct{ lib *library.Library }

// Playbooks lists them by name.
func (b books) Playbooks(_ context.Context, p lookup.Page) (lookup.List[httpapi.Playbook], error) {
	list := lookup.List[httpapi.Playbook]{Items: []httpapi.Playbook{}}
	limit := p.Limit
	if limit <= 0 {
		limit = 50
	}
	for _, e := range b.lib.Current().Playbooks() {
		if p.Cursor != "" && e.Slug <= p.Cursor {
			continue
		}
		if len(list.Items) == limit {
			next := list.Items[limit-1].Name
			list.Next = &next
			break
		}
		w := shownBook(e)
		w.Source, w.Inputs, w.Problems = "", []httpapi.Input{}, []fault.Problem{}
		list.Items = append(list.Items, w)
	}
	return list, nil
}

// Playbook gives the version in force, or the one named.
func (b books) Playbook(ctx context.Context, name, version string) (httpapi.Playbook, error) {
	e, ok := b.lib.Current().Playbook(name)
	if !ok {
		return httpapi.Playbook{}, fault.New(fault.NotFound, "no such playbook")
	}
	w := shownBook(e)
	if version == "" {
		return w, nil
	}
	src, err := b.lib.Text(ctx, version)
	if err != nil {
		return httpapi.Playbook{}, err
	}
	pb, problems := b.lib.Check(name, src)
	w.Version, w.Source, w.Problems = "sha256:"+strings.TrimPrefix(version, "sha256:"), string(src), problems
	w.Published = e.Playbook != nil && e.Playbook.SHA256 == strings.TrimPrefix(version, "sha256:")
	if pb != nil {
		fillBook(&w, pb)
	}
	return w, nil
}

func shownBook(e library.Entry) httpapi.Playbook {
	w := httpapi.Playbook{
		Name: e.Slug, Title: e.Slug, Category: e.Category, Origin: string(e.Origin), Attack: []string{},
		Triggers: []httpapi.TriggerInfo{}, Inputs: []httpapi.Input{}, Actions: []string{}, Problems: e.Problems,
		Published: e.Playbook != nil,
	}
	if w.Problems == nil {
		w.Problems = []fault.Problem{}
	}
	if e.Managed {
		w.ManagedBy = e.File
	}
	if v := e.Book.Published; v != nil {
		w.Version, w.Author, w.Reviewed = "sha256:"+v.SHA256, v.Author, v.Reviewed
		w.UpdatedAt = v.PublishedAt
	}
	if e.Draft != nil && e.Book.Draft != nil {
		v := e.Book.Draft
		w.Draft = &httpapi.Draft{Version: "sha256:" + v.SHA256, Author: v.Author, At: v.At, Source: string(e.Draft.Source)}
		if e.Playbook == nil {
			w.Author = v.Author
		}
	}
	pb := e.Playbook
	if pb == nil {
		pb = e.Draft
	}
	if pb != nil {
		w.Source = string(pb.Source)
		fillBook(&w, pb)
	}
	return w
}

// fillBook says what a compiled playbook is made of.
func fillBook(w *httpapi.Playbook, pb *playbook.Playbook) {
	if pb.Name != "" {
		w.Title = pb.Name
	}
	w.Description = pb.Description
	w.Attack = append([]string{}, pb.Attack...)
	w.Triggers, w.Inputs = []httpapi.TriggerInfo{}, []httpapi.Input{}
	w.Manual, w.AlertRequired = false, false
	for _, t := range pb.Triggers {
		switch {
		case t.Alert != nil:
			w.Triggers = append(w.Triggers, httpapi.TriggerInfo{Kind: "alert", Text: t.Alert.If.Source()})
		case t.Schedule != nil:
			text := t.Schedule.Cron
			if s, err := schedule.Parse(t.Schedule.Cron, t.Schedule.Timezone); err == nil {
				text = s.Words()
			}
			w.Triggers = append(w.Triggers, httpapi.TriggerInfo{Kind: "schedule", Text: text})
		case t.Manual != nil:
			w.Manual, w.AlertRequired = true, t.Manual.AlertRequired
			w.Triggers = append(w.Triggers, httpapi.TriggerInfo{Kind: "manual", Text: "started by hand"})
		}
	}
	for _, in := range pb.Inputs {
		x := httpapi.Input{Name: in.Name, Schema: in.Schema, Optional: in.Optional}
		if in.Default != nil {
			if v, fixed := in.Default.Static(); fixed {
				x.Default = v
			} else if e := in.Default.Expr(); e != nil {
				x.Default = "${{ " + e.Source() + " }}"
			}
		}
		w.Inputs = append(w.Inputs, x)
	}
	refs := map[string]bool{}
	playbook.Walk(pb.Steps, func(bl *playbook.Block) {
		if bl.Action != nil {
			refs[bl.Action.Ref] = true
		}
	})
	w.Actions = []string{}
	for ref := range refs {
		w.Actions = append(w.Actions, ref)
	}
	slices.Sort(w.Actions)
}

// Versions lists them, newest first.
func (b books) Versions(ctx context.Context, name string) ([]httpapi.Version, error) {
	e, ok := b.lib.Current().Playbook(name)
	if !ok {
		return nil, fault.New(fault.NotFound, "no such playbook")
	}
	list, err := b.lib.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	out := make([]httpapi.Version, 0, len(list))
	for _, v := range list {
		w := httpapi.Version{
			Version: "sha256:" + v.SHA256, Author: v.Author, At: v.At, State: "old",
			PublishedBy: v.PublishedBy, PublishedAt: v.PublishedAt,
		}
		switch {
		case e.Book.Published != nil && e.Book.Published.SHA256 == v.SHA256:
			w.State = "published"
		case e.Book.Draft != nil && e.Book.Draft.SHA256 == v.SHA256:
			w.State = "draft"
		}
		out = append(out, w)
	}
	return out, nil
}

// Graph draws a version.
func (b books) Graph(ctx context.Context, name, version string) (httpapi.Graph, error) {
	e, ok := b.lib.Current().Playbook(name)
	if !ok {
		return httpapi.Graph{}, fault.New(fault.NotFound, "no such playbook")
	}
	pb := e.Playbook
	if pb == nil {
		pb = e.Draft
	}
	if version != "" && (pb == nil || pb.SHA256 != strings.TrimPrefix(version, "sha256:")) {
		src, err := b.lib.Text(ctx, version)
		if err != nil {
			return httpapi.Graph{}, err
		}
		pb, _ = b.lib.Check(name, src)
	}
	if pb == nil {
		return httpapi.Graph{}, fault.New(fault.NotFound, "this version cannot be drawn: it is not a playbook")
	}
	return picture(pb), nil
}

func picture(pb *playbook.Playbook) httpapi.Graph {
	p := layout.Graph(pb)
	g := httpapi.Graph{Width: float64(p.Width), Height: float64(p.Height), Nodes: []httpapi.GraphNode{}, Edges: []httpapi.GraphEdge{}}
	for _, n := range p.Nodes {
		g.Nodes = append(g.Nodes, httpapi.GraphNode{
			Path: n.Path, ID: n.ID, Kind: n.Kind, Label: n.Label, Action: n.Action, Impact: n.Impact, SideEffect: n.SideEffect,
			X: float64(n.X), Y: float64(n.Y), W: float64(n.W), H: float64(n.H), Parent: n.Parent, Line: n.Line,
		})
	}
	for _, e := range p.Edges {
		w := httpapi.GraphEdge{From: e.From, To: e.To, Label: e.Label, Kind: e.Kind, Points: [][2]float64{}}
		for _, pt := range e.Points {
			w.Points = append(w.Points, [2]float64{float64(pt[0]), float64(pt[1])})
		}
		g.Edges = append(g.Edges, w)
	}
	return g
}

// CheckPlaybook compiles a text as a save would.
func (b books) CheckPlaybook(_ context.Context, name string, src []byte) ([]fault.Problem, *httpapi.Graph, error) {
	pb, problems := b.lib.Check(name, src)
	if problems == nil {
		problems = []fault.Problem{}
	}
	if pb == nil {
		return problems, nil, nil
	}
	g := picture(pb)
	return problems, &g, nil
}

// authors changes playbooks.
type authors struct {
	books
	a *App
}

// Draft stores a draft.
func (w authors) Draft(ctx context.Context, by control.Actor, name string, src []byte, seen string) (httpapi.Playbook, error) {
	e, err := w.lib.SaveDraft(ctx, by.Actor, name, src, strings.TrimPrefix(seen, "sha256:"))
	if err != nil {
		return httpapi.Playbook{}, err
	}
	w.a.reload(ctx)
	return shownBook(e), nil
}

// Publish puts a draft in force.
func (w authors) Publish(ctx context.Context, by control.Actor, name, version string) (httpapi.Playbook, error) {
	e, err := w.lib.Publish(ctx, by.Actor, name, strings.TrimPrefix(version, "sha256:"))
	if err != nil {
		return httpapi.Playbook{}, err
	}
	w.a.reload(ctx)
	return shownBook(e), nil
}
