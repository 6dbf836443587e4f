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
		Lined: l.Program.Playbook.Concurrency != nil,
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
	l.State, cmds = engine.Step(l.Program, l.State, engine.Event{At: at, Body: b})
	rec.Leaves = rec.Leaves || l.State.Stands() && l.State.Status().Final()
	rec.Events = append(rec.Events, Event{Seq: l.State.Seq(), At: at, Kind: kind, Body: raw})
	return cmds, nil
}

// Seal puts the read model into the record: call it last.
func (l *Live) Seal(rec *Record) {
	v := l.State.View()
	rec.View = &v
	rec.Steps = append(rec.Steps, l.State.TakeTouched()...)
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
