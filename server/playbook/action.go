package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Capabilities is what a Catalog may know besides: which connection fulfils a
// capability.
type Capabilities interface {
	Fulfilled(capability string) (connection string, ok bool)
}

func (k *compiler) action(d *draft, raw *rawAction, f facts) {
	a := &Action{Timeout: defaultAttempt, For: raw.For}
	d.block.Action = a
	if raw.Timeout != 0 {
		a.Timeout = raw.Timeout
	}
	k.between(d.node, "timeout", raw.Timeout, time.Millisecond, longestAttempt)
	k.between(d.node, "for", raw.For, time.Second, longestLease)
	a.Retry = k.retry(d.node.Get("retry"), raw.Retry)
	found := k.findAction(raw.Action, a)
	with := raw.With
	if with == nil {
		with = d.node.Empty()
	}
	if !found {
		k.value(with, f, nil)
		k.declare(d, expr.Dyn)
		return
	}
	if with.Kind != document.Map {
		k.add(with.Problem("wrong_type", "with must be a map of parameters", ""))
	} else {
		a.With = k.value(with, f, a.Action.Input)
	}
	k.connection(raw.Connection, a)
	k.effect(d, raw, a)
	k.declare(d, expr.SchemaType(a.Action.Output))
}

// findAction looks up what the block calls.
func (k *compiler) findAction(n *document.Node, a *Action) bool {
	if n == nil {
		return false
	}
	if n.Kind != document.Text {
		k.add(n.Problem("wrong_type", "an action must be text", "integration.action"))
		return false
	}
	a.Ref = n.Scalar()
	found, ok := k.catalog.Action(n.Scalar())
	if !ok {
		k.add(k.unknownAction(n))
		return false
	}
	a.Action, a.Ref = found, found.Ref()
	if a.Ref != n.Scalar() {
		if c, ok := k.catalog.(Capabilities); ok {
			a.Connection, _ = c.Fulfilled(n.Scalar())
		}
	}
	return true
}

func (k *compiler) unknownAction(n *document.Node) fault.Problem {
	if _, capability := connector.Capabilities[n.Scalar()]; capability && !k.integration(n.Scalar()) {
		return n.Problem("unfulfilled", "no connection fulfils "+n.Scalar(), "name one in capabilities.yaml: \""+n.Scalar()+": NAME\"")
	}
	known := k.catalog.Actions()
	hint := "it has the form integration.action"
	integration, _, dotted := strings.Cut(n.Scalar(), ".")
	var same []string
	for _, ref := range known {
		if dotted && strings.HasPrefix(ref, integration+".") {
			same = append(same, strings.TrimPrefix(ref, integration+"."))
		}
	}
	near := fault.Suggest(n.Scalar(), known)
	switch {
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	case len(same) > 0:
		hint = integration + " has: " + strings.Join(same, ", ")
	case dotted:
		hint = fmt.Sprintf("there is no integration %q", integration)
	}
	return n.Problem("unknown_action", fmt.Sprintf("unknown action %q", n.Scalar()), hint)
}

// integration says whether the part of a reference before the dot is an integration.
func (k *compiler) integration(ref string) bool {
	id, _, _ := strings.Cut(ref, ".")
	return slices.ContainsFunc(k.catalog.Actions(), func(known string) bool {
		a, ok := k.catalog.Action(known)
		return ok && a.Integration == id
	})
}

func (k *compiler) connection(n *document.Node, a *Action) {
	if n == nil {
		return
	}
	if n.Kind != document.Text {
		k.add(n.Problem("wrong_type", "connection must be text, the name of a connection", ""))
		return
	}
	a.Connection = n.Scalar()
	known := k.catalog.Connections(a.Action.Integration)
	if len(known) == 0 || slices.Contains(known, n.Scalar()) {
		return
	}
	hint := "one of: " + strings.Join(known, ", ")
	if near := fault.Suggest(n.Scalar(), known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	k.add(n.Problem("unknown_connection", fmt.Sprintf("%s has no connection %q", a.Action.Integration, n.Scalar()), hint))
}

// effect checks what becomes of what the action leaves behind.
func (k *compiler) effect(d *draft, raw *rawAction, a *Action) {
	inverse := a.Action.Inverse != nil
	for _, word := range []string{"for", "undo"} {
		if d.node.Has(word) && !inverse {
			k.add(d.node.KeyNode(word).Problem("no_inverse", a.Ref+" cannot be undone", "remove "+word+", or choose an action that has an inverse"))
		}
	}
	if a.Action.Impact == connector.Contain && !inverse {
		k.add(d.node.KeyNode("action").Warning("irreversible", a.Ref+" contains and cannot be undone", ""))
	}
	if raw.Undo == nil || raw.Undo.With == nil || !inverse {
		return
	}
	var schema map[string]any
	if back, ok := k.catalog.Action(a.Action.Integration + "." + a.Action.Inverse.Action); ok {
		schema = back.Input
	}
	s := expr.NewScope().With("input", expr.SchemaType(a.Action.Input)).With("output", expr.SchemaType(a.Action.Output))
	v, ps := document.Value(raw.Undo.With, s, schema)
	k.add(ps...)
	a.UndoWith = v
}

func (k *compiler) retry(n *document.Node, raw *rawRetry) *Retry {
	if raw == nil {
		return nil
	}
	out := &Retry{Attempts: 3, First: 2 * time.Second, Factor: 2, Max: time.Minute}
	if n.Has("attempts") {
		out.Attempts = raw.Attempts
	}
	if n.Has("first") {
		out.First = raw.First
	}
	if n.Has("factor") {
		out.Factor = raw.Factor
	}
	if n.Has("max") {
		out.Max = raw.Max
	}
	k.between(n, "first", raw.First, time.Millisecond, longestPause)
	k.between(n, "max", raw.Max, time.Millisecond, longestPause)
	if out.First > out.Max {
		if !n.Has("max") {
			out.Max = out.First
		} else {
			k.add(n.KeyNode("max").Problem("out_of_range", "max is shorter than first", ""))
		}
	}
	return out
}
