package hosttest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func (w *World) block(depth int) *playbook.Block {
	w.ids++
	b := &playbook.Block{ID: fmt.Sprintf("s%d", w.ids), OnError: "fail"}
	if w.r.IntN(4) == 0 {
		b.OnError = "continue"
	}
	n := w.r.IntN(25)
	if depth <= 0 {
		n = w.r.IntN(9)
	}
	switch n {
	case 0, 1, 2, 3, 4, 5:
		ref := []string{"sim.look", "sim.send", "sim.put", "sim.ticket", "sim.isolate"}[w.r.IntN(5)]
		if ref == "sim.isolate" {
			w.isolations = append(w.isolations, b.ID)
		}
		b.Kind = playbook.KindAction
		b.Action = &playbook.Action{Ref: ref, Action: w.actions[ref], With: expr.Literal(map[string]any{"i": int64(w.ids)}), Timeout: time.Second}
		if w.r.IntN(2) == 0 {
			b.Action.Retry = &playbook.Retry{Attempts: 1 + w.r.IntN(3)}
		}
	case 6, 7, 8:
		w.plain(b, n)
	case 9:
		b.Kind, b.Approval = playbook.KindApproval, &playbook.Approval{Title: expr.Literal("go on?"), To: []string{"role:responder"}, Quorum: 1, Within: time.Hour}
	case 10:
		b.Kind, b.If = playbook.KindIf, cond(w.r.IntN(2) == 0)
		b.Then, b.Else = w.blocks(depth-1, 1), w.blocks(depth-1, 0)
	case 11, 12:
		w.each(b, depth)
	case 13, 14:
		w.parallel(b, depth)
	case 15, 16:
		w.choice(b, depth)
	case 17, 18:
		w.loop(b, depth)
	case 19, 20, 21:
		w.try(b, depth)
	case 23:
		w.call(b)
	case 22:
		b.Kind, b.Undo = playbook.KindUndo, &playbook.Undo{}
		if len(w.isolations) > 0 && w.r.IntN(2) == 0 {
			b.Undo.Step = w.isolations[w.r.IntN(len(w.isolations))]
		}
	default:
		w.end(b)
	}
	if b.Kind != playbook.KindIf && w.r.IntN(6) == 0 {
		b.If = cond(w.r.IntN(3) > 0)
	}
	return b
}

// end draws a block that ends the run.
func (w *World) end(b *playbook.Block) {
	if w.finally > 0 || w.r.IntN(2) == 0 {
		b.Kind, b.Fail = playbook.KindFail, expr.Literal("enough")
	} else {
		b.Kind, b.Return = playbook.KindReturn, []playbook.Named{{Name: "v", Value: expr.Literal(int64(1))}}
	}
}

// call draws a call of the second playbook, which calls nobody.
func (w *World) call(b *playbook.Block) {
	if w.called {
		w.plain(b, 7)
		return
	}
	b.Kind, b.Call = playbook.KindCall, &playbook.Call{Playbook: "sub", With: expr.Literal(map[string]any{}), Detach: w.r.IntN(4) == 0}
}

// listen draws a wait for an event or a callback.
func (w *World) listen(b *playbook.Block) {
	wait := &playbook.Wait{Within: time.Hour}
	switch w.r.IntN(3) {
	case 0:
		wait.Callback = true
	case 1:
		wait.Event = "alert.closed"
		wait.Match, _ = expr.Cond("event.n > 2", expr.NewScope().With("event", expr.Map(expr.Dyn)))
	default:
		wait.Event = "run.failed"
	}
	if w.r.IntN(3) == 0 {
		wait.Otherwise = expr.Literal(map[string]any{"n": int64(0)})
	}
	b.Kind, b.Wait = playbook.KindWait, wait
}

// each draws a for_each.
func (w *World) each(b *playbook.Block, depth int) {
	items := make([]any, w.r.IntN(5))
	for i := range items {
		items[i] = int64(i)
	}
	each := &playbook.ForEach{Items: expr.Literal(items), As: "item", Concurrency: 1 + w.r.IntN(3), Limit: 4, Continue: w.r.IntN(2) == 0}
	if each.Concurrency > 1 {
		w.racing++
		defer func() { w.racing-- }()
	}
	each.Do = w.blocks(depth-1, 1)
	b.Kind, b.ForEach = playbook.KindForEach, each
}

// parallel draws branches, and how many of them must succeed.
func (w *World) parallel(b *playbook.Block, depth int) {
	p := &playbook.Parallel{}
	for i := range 1 + w.r.IntN(3) {
		p.Branches = append(p.Branches, playbook.Branch{Name: fmt.Sprintf("b%d", i), Steps: w.blocks(depth-1, 1)})
	}
	p.WaitFor = 1 + w.r.IntN(len(p.Branches))
	b.Kind, b.Parallel = playbook.KindParallel, p
}

// plain draws a block that only sets, waits or asks.
func (w *World) plain(b *playbook.Block, n int) {
	switch n {
	case 6:
		if w.r.IntN(3) == 0 {
			src := []string{"map(. + 1)", ".[5]", "error(\"no\")", ".[]"}[w.r.IntN(4)]
			program, _ := expr.CompileJQ(src)
			b.Kind, b.Transform = playbook.KindTransform, &playbook.Transform{Value: expr.Literal([]any{int64(1), 2.5}), JQ: program}
			break
		}
		b.Kind, b.Set = playbook.KindSet, []playbook.Named{{Name: "v", Value: expr.Literal(2.0)}}
	case 7:
		if w.r.IntN(2) == 0 {
			w.listen(b)
			break
		}
		b.Kind, b.Wait = playbook.KindWait, &playbook.Wait{For: expr.Literal("5m")}
	default:
		b.Kind, b.Question = playbook.KindQuestion, &playbook.Question{
			Title: expr.Literal("sure?"), To: []string{"role:responder"}, Within: time.Hour,
			Form: map[string]any{"ok": map[string]any{"type": "boolean"}}, Fields: []string{"ok"},
		}
		if w.r.IntN(2) == 0 {
			b.Question.Otherwise = expr.Literal(map[string]any{"ok": false})
		}
	}
}

func cond(yes bool) *expr.Expr {
	e, _ := expr.Cond(strconv.FormatBool(yes), expr.NewScope())
	return e
}

func (w *World) blocks(depth, least int) []*playbook.Block {
	var out []*playbook.Block
	for range least + w.r.IntN(3) {
		out = append(out, w.block(depth))
	}
	return out
}

// Playbook draws a random playbook.
func (w *World) Playbook() *playbook.Playbook {
	pb := &playbook.Playbook{Slug: "sim", Steps: w.blocks(3, 1), Timeout: 24 * time.Hour, Undo: w.r.IntN(2) == 0}
	if w.r.IntN(4) == 0 {
		pb.Concurrency = w.Concurrency()
	}
	return pb
}

// Sub draws the playbook that others call.
func (w *World) Sub() *playbook.Playbook {
	w.called, w.isolations = true, nil
	pb := &playbook.Playbook{
		Slug: "sub", Steps: w.blocks(2, 1), Timeout: 24 * time.Hour, Undo: w.r.IntN(2) == 0,
		Outputs: []playbook.Named{{Name: "o", Value: expr.Literal(int64(1))}},
	}
	if w.r.IntN(6) == 0 {
		pb.Concurrency = w.Concurrency()
	}
	return pb
}

// Concurrency draws how many runs go on at once.
func (w *World) Concurrency() *playbook.Concurrency {
	then := []string{"queue", "drop", "cancel_oldest"}[w.r.IntN(3)]
	return &playbook.Concurrency{Key: expr.Literal("k"), Limit: 1 + w.r.IntN(2), Then: then}
}

// IntN draws a number for the driver of a test.
func (w *World) IntN(n int) int { return w.r.IntN(n) }

// choice draws a switch over a number.
func (w *World) choice(b *playbook.Block, depth int) {
	s := &playbook.Switch{Value: expr.Literal(int64(w.r.IntN(4)))}
	for i := range 1 + w.r.IntN(3) {
		way := playbook.Way{Is: []*expr.Value{expr.Literal(float64(i))}, Do: w.blocks(depth-1, 0)}
		if w.r.IntN(4) == 0 {
			way.Is, way.When = nil, cond(w.r.IntN(2) == 0)
		}
		s.Cases = append(s.Cases, way)
	}
	s.Default = w.blocks(depth-1, 0)
	b.Kind, b.Switch = playbook.KindSwitch, s
}

// loop draws a while that counts in a name of its own; in turns that go on at once,
// where the checker lets nobody set a name, one that never ends by itself.
func (w *World) loop(b *playbook.Block, depth int) {
	if w.racing > 0 {
		b.Kind, b.While = playbook.KindWhile, &playbook.While{If: cond(w.r.IntN(4) > 0), Limit: 1 + w.r.IntN(4), Do: w.blocks(depth-1, 1)}
		return
	}
	name := "n_" + b.ID
	scope := expr.NewScope().With("vars", expr.Map(expr.Dyn))
	text := func(src string) *expr.Expr {
		e, _ := expr.Compile(src, scope, expr.Dyn)
		return e
	}
	w.ids++
	count := &playbook.Block{
		ID: fmt.Sprintf("s%d", w.ids), OnError: "fail", Kind: playbook.KindSet,
		Set: []playbook.Named{{Name: name, Value: expr.Of(text("vars.?" + name + ".orValue(0) + 1"))}},
	}
	holds, _ := expr.Cond("vars.?"+name+".orValue(0) < "+strconv.Itoa(w.r.IntN(4)), scope)
	b.Kind, b.While = playbook.KindWhile, &playbook.While{If: holds, Limit: 1 + w.r.IntN(4)}
	b.While.Do = append([]*playbook.Block{count}, w.blocks(depth-1, 0)...)
}

func (w *World) try(b *playbook.Block, depth int) {
	t := &playbook.Try{Do: w.blocks(depth-1, 1)}
	if w.r.IntN(3) > 0 {
		t.Catch = w.blocks(depth-1, 1)
	}
	if len(t.Catch) == 0 || w.r.IntN(2) == 0 {
		w.finally++
		t.Finally = w.blocks(depth-1, 1)
		w.finally--
	}
	b.Kind, b.Try = playbook.KindTry, t
}
