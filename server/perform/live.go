package perform

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Live is a run in memory: its program, its state, and what the policy is told of
// it. Only one goroutine at a time may hold it.
type Live struct {
	Start   engine.Start
	Program *engine.Program
	State   engine.State

	Alert       map[string]any // as the policy sees it, or nil
	AlertSHA256 string         // of its stored JSON, or ""
	Playbook    gate.Playbook

	alertText []byte // Alert in canonical form, made when it is first needed
}

// wholeInput puts the alert back into a question's canonical bytes. The alert is the
// largest part and the same for all decisions of a run, so it is written once.
func (l *Live) wholeInput(q gate.Question, input []byte) ([]byte, error) {
	if l.Alert == nil {
		return input, nil
	}
	if l.alertText == nil {
		text, err := ident.Lossless(l.Alert)
		if err != nil {
			return nil, fmt.Errorf("the alert: %w", err)
		}
		l.alertText = text
	}
	head, err := ident.Lossless(map[string]any{"action": q.Action, "actor": q.Actor})
	if err != nil {
		return nil, fmt.Errorf("the question: %w", err)
	}
	// Keys stand in order, so alert follows action and actor.
	const key, null = `,"alert":`, `null`
	at := len(head) - 1 + len(key)
	if !bytes.HasPrefix(input[len(head)-1:], []byte(key+null)) {
		return nil, errors.New("the question's canonical form is not in order")
	}
	return slices.Concat(input[:at], l.alertText, input[at+len(null):]), nil
}

// Begin gives the event with which a run starts.
func (l *Live) Begin() engine.Started {
	return engine.Started{
		Semantics: engine.Semantics, Inputs: l.Start.Inputs, Manifests: l.Program.Actions(),
		Calls: l.calls(), Lined: l.Program.Playbook.Concurrency != nil,
	}
}

// Take folds an event and everything that can be computed at once into the record,
// and gives the commands that reach outside.
func (l *Live) Take(at time.Time, body engine.Body, rec *Record) ([]engine.Command, error) {
	var out []engine.Command
	todo := []engine.Body{body}
	for len(todo) > 0 {
		b := todo[0]
		todo = todo[1:]
		cmds, err := l.Once(at, b, rec)
		if err != nil {
			return nil, err
		}
		for _, c := range cmds {
			switch c := c.(type) {
			case engine.Evaluate:
				todo = append(todo, l.State.Evaluate(l.Program, c))
			case engine.SetTimer:
				rec.SetTimers = append(rec.SetTimers, Timer{TimerKey{c.Path, c.Timer}, c.Due})
			case engine.DropTimer:
				rec.drop(TimerKey{c.Path, c.Timer})
			case engine.Void:
				rec.Close = append(rec.Close, closing(c))
			case engine.Line:
				rec.Line = &c
			case engine.Listen:
				rec.Listens = append(rec.Listens, c)
			case engine.Unlisten:
				rec.Listens = slices.DeleteFunc(rec.Listens, func(o engine.Listen) bool { return o.Path == c.Path })
				rec.Unlisten = append(rec.Unlisten, c.Path)
			case engine.StartRun:
				rec.Starts = append(rec.Starts, l.child(c, at))
			case engine.CancelRun:
				if err := rec.tell(c.Run, engine.CancelRequested{By: l.Start.ID, Reason: "the run that called it ends", Force: c.Force}); err != nil {
					return nil, err
				}
			default:
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// Once folds one event into the record and gives its commands, none carried out.
func (l *Live) Once(at time.Time, b engine.Body, rec *Record) ([]engine.Command, error) {
	kind, raw, err := engine.Encode(b)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", l.Start.ID, err)
	}
	var cmds []engine.Command
	before := l.State.Status().Final()
	l.State, cmds = engine.Step(l.Program, l.State, engine.Event{At: at, Body: b})
	if over := l.State.Status().Final(); over && !before {
		rec.Leaves, rec.Deaf = l.State.Stands(), l.Program.Listens()
		if parent, report := l.State.Report(); report != nil {
			if err := rec.tell(parent, *report); err != nil {
				return nil, err
			}
		}
	}
	rec.Events = append(rec.Events, Event{Seq: l.State.Seq(), At: at, Kind: kind, Body: raw})
	return cmds, nil
}

// Seal puts the read model into the record: call it last.
func (l *Live) Seal(rec *Record) {
	v := l.State.View()
	rec.View = &v
	rec.Steps = append(rec.Steps, l.State.TakeTouched()...)
}

// calls are the versions that a run pins of what it calls: those of the run at the top.
func (l *Live) calls() map[string]string {
	if l.Start.Calls != nil {
		return l.Start.Calls
	}
	return l.Program.Calls
}

// child is the run that a call begins. It has the alert, and for the policy the one who
// started the run at the top.
func (l *Live) child(c engine.StartRun, at time.Time) engine.Start {
	tr := l.Start.Trigger
	calls := l.calls()
	if calls == nil {
		calls = map[string]string{}
	}
	return engine.Start{
		ID: c.Run, Key: "call/" + c.Run, Playbook: c.Playbook, Version: c.Version, Inputs: c.Inputs, At: at,
		Alert: l.Start.Alert, AlertRaw: l.Start.AlertRaw, Priority: l.Start.Priority, Calls: calls,
		Trigger: engine.Trigger{
			Kind: "playbook", Source: tr.Source, By: tr.By, Roles: tr.Roles, ActorKind: tr.ActorKind, Depth: tr.Depth,
			Parent: l.Start.ID, Step: c.Path, Detached: c.Detached, Calls: tr.Calls + 1,
		},
	}
}

// tell leaves an event for another run.
func (r *Record) tell(run string, b engine.Body) error {
	kind, raw, err := engine.Encode(b)
	if err != nil {
		return fmt.Errorf("tell run %s: %w", run, err)
	}
	r.Send = append(r.Send, Signal{Run: run, Kind: kind, Body: raw})
	return nil
}

// Blank is an empty record that goes on where the run stands.
func (l *Live) Blank() Record {
	return Record{Run: l.Start.ID, Expect: l.State.Seq()}
}

// drop takes a timer back, also one that this record was to set. Drops are written
// before sets.
func (r *Record) drop(k TimerKey) {
	r.SetTimers = slices.DeleteFunc(r.SetTimers, func(t Timer) bool { return t.TimerKey == k })
	r.DropTimers = append(r.DropTimers, k)
}
