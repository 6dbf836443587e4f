package perform

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/ledger"
)

// Do sends a dispatched attempt and gives what is to be journaled of it. It never
// fails: what went wrong is in the event.
func (p *Performer) Do(ctx context.Context, a Attempt) engine.Body {
	if a.DryRun {
		return engine.Succeeded{Path: a.Path, Attempt: a.Number, Output: engine.Value{V: a.Wanted.Action.ExampleOutput}, DryRun: true}
	}
	if a.Wanted.Purpose == gate.ForExtend { // nothing is sent: the hold gets longer
		return engine.Succeeded{Path: a.Path, Attempt: a.Number, Output: engine.Value{V: map[string]any{}}}
	}
	r := p.Caller.Call(ctx, a.Permit, a.Call)
	return p.Read(a, r)
}

// Read turns a reply into an event (contract.md, What an HTTP reply means).
func (p *Performer) Read(a Attempt, r connector.Reply) engine.Body {
	if r.Did == connector.DidDone && r.Err == nil {
		return engine.Succeeded{
			Path: a.Path, Attempt: a.Number, Output: engine.Value{V: r.Output},
			Effect: p.made(a.Wanted, a.Call.Connection.Name, r.Output),
		}
	}
	e := errorOf(a, r.Err)
	read := !a.Wanted.Action.Impact.SideEffect()
	switch {
	case r.Did == connector.DidNothing, read && r.Did == connector.DidDone:
		return engine.Failed{Path: a.Path, Attempt: a.Number, Error: e, RetryAfter: retryAfter(r.Err)}
	case r.Did == connector.DidDone:
		e.Kind = string(fault.InDoubt)
		return engine.Unknown{Path: a.Path, Attempt: a.Number, Error: e, Output: engine.Value{V: r.Output}}
	default:
		return p.lost(a.Path, a.Number, a.Wanted, a.Call.Connection, e)
	}
}

// Lost is what a host reports of an attempt that was dispatched before it stopped.
func (p *Performer) Lost(w engine.Wanted) engine.Body {
	e := engine.Error{Kind: string(fault.Unavailable), Message: "the server stopped before the reply was recorded"}
	conn, err := p.Estate.Connection(w.Connection, w.Action.Integration)
	if err != nil {
		conn = connector.Connection{Name: w.Connection}
	}
	u := p.lost(w.Path, w.Attempt, w, conn, e)
	u.Lost = true
	return u
}

func (p *Performer) lost(path string, n int, w engine.Wanted, conn connector.Connection, e engine.Error) engine.Unknown {
	u := engine.Unknown{Path: path, Attempt: n, Error: e}
	a := w.Action
	u.Resend = !a.Impact.SideEffect() || a.Idempotency != "" && (a.Integration != "http" || conn.Idempotent)
	if h := a.Happened; h != nil && !u.Resend {
		u.Verify = true
		u.Settle = int64(h.Settle / time.Second)
	}
	return u
}

func errorOf(a Attempt, err error) engine.Error {
	if err == nil {
		err = fault.New(fault.Internal, "the integration gave no reason")
	}
	e := engine.Error{Kind: string(fault.KindOf(err)), Message: err.Error(), Step: a.Path, Attempt: a.Number}
	if fault.KindOf(err) == fault.Internal {
		e.Message = "an internal error; the log of the server says more"
	}
	e.Message += advice(fault.Kind(e.Kind), a.Call.Connection.Name)
	return e
}

// advice names the connection that is to blame for an error, and what to do.
func advice(kind fault.Kind, connection string) string {
	switch kind { //nolint:exhaustive // the other kinds are about the request
	case fault.Unavailable, fault.Timeout:
		return ". This was the connection " + connection + ": see that its other side runs, and test it under Integrations"
	case fault.Unauthorized:
		return ". This was the connection " + connection + ": enter its credentials anew, and test it under Integrations"
	case fault.EgressDenied:
		return ". This was the connection " + connection + ": where its address is meant, allow it in its egress"
	default:
		return ""
	}
}

func retryAfter(err error) int64 {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return int64(e.RetryAfter / time.Second)
	}
	return 0
}

// made is the effect that a successful action put in force, with its inverse fully
// resolved; nil where there is none to keep.
func (p *Performer) made(w engine.Wanted, conn string, output any) *engine.Made {
	a := w.Action
	if a.Inverse == nil || a.Impact != connector.Contain && a.Impact != connector.Write {
		return nil
	}
	switch w.Purpose {
	case gate.ForExtend, gate.ForUndo, gate.ForExpiry: // what takes back leaves nothing to take back
		return nil
	case gate.ForStep, gate.ForVerify, gate.ForHealth, gate.ForManual:
	}
	inv, ok := p.Estate.Action(a.Integration + "." + a.Inverse.Action)
	if !ok {
		return nil
	}
	params, err := a.Undo(w.Params, output, w.UndoWith)
	if err != nil {
		params = map[string]any{}
	}
	key, err := ledger.Key(conn, inv.Ref(), params)
	if err != nil {
		return nil
	}
	m := &engine.Made{Key: key, Action: inv.Ref(), Params: params, Manifest: inv.SHA256, Lease: int64(w.Lease / time.Second)}
	if was, err := a.WasAlready(output); err == nil && was {
		m.Foreign = true
	}
	return m
}

// Resolve completes a person's "done" with the effect that it puts in force.
func (p *Performer) Resolve(w engine.Wanted, b engine.Resolved) engine.Resolved {
	if b.As == "done" {
		b.Effect = p.made(w, w.Connection, b.Output.V)
	}
	return b
}

// Finish folds the outcome of an attempt (or a person's word on it) into a record:
// the journal, the ledger, the reservations, the approval that is used up. With an
// effect or an approval it needs the ground: asking is not nil then.
func (p *Performer) Finish(l *Live, w engine.Wanted, body engine.Body, at time.Time, signals []int64, done func([]engine.Command, error)) (Record, *Asking) {
	write := func(g Ground) Record {
		rec := l.Blank()
		rec.Signals = signals
		body := identify(l, w, body, at)
		p.consequences(l, w, body, g, at, &rec)
		cmds, err := l.Take(at, body, &rec)
		p.undoFailed(l, w, at, &rec)
		l.Seal(&rec)
		done(cmds, err)
		return rec
	}
	if w.Approval == "" {
		return write(Ground{At: at}), nil
	}
	return l.Blank(), &Asking{Approval: w.Approval, Then: write}
}

// identify gives the effect its name and its end.
func identify(l *Live, w engine.Wanted, body engine.Body, at time.Time) engine.Body {
	name := func(m *engine.Made) *engine.Made {
		if m == nil {
			return nil
		}
		c := *m
		c.ID = ident.Derive(ident.Effect, at, c.Key, l.Start.ID, w.Path, strconv.Itoa(w.Occurrence))
		if c.Lease > 0 && !c.Foreign {
			until := at.Add(time.Duration(c.Lease) * time.Second)
			c.Until = &until
		}
		return &c
	}
	switch b := body.(type) {
	case engine.Succeeded:
		b.Effect = name(b.Effect)
		return b
	case engine.Verified:
		b.Effect = name(b.Effect)
		return b
	case engine.Resolved:
		b.Effect = name(b.Effect)
		return b
	}
	return body
}

// Check prepares the question to the other system whether an attempt took effect.
// It is a read of its own, asked of the policy with the purpose verify. The answer
// comes from send, which may run beside everything else; row is to be recorded.
func (p *Performer) Check(ctx context.Context, l *Live, w engine.Wanted, at time.Time, facts gate.Facts) (send func(context.Context) engine.Verified, row *Decided) {
	v := engine.Verified{Path: w.Path, Attempt: w.Attempt, Found: "unsure"}
	unsure := func(context.Context) engine.Verified { return v }
	h := w.Action.Happened
	if h == nil {
		return unsure, nil
	}
	probe, ok := p.Estate.Action(w.Action.Integration + "." + h.Action)
	vars := expr.Vars{"input": w.Action.WithDefaults(w.Params), "key": w.Key}
	params, isMap := evaluated(h.With, vars)
	if !ok || !isMap {
		return unsure, nil
	}
	q := w
	q.Action, q.Params, q.Purpose, q.Lease, q.Approval = probe, params, gate.ForVerify, 0, ""
	pr, err := p.Prepare(ctx, l, q, at, facts, nil)
	if err != nil {
		return unsure, nil
	}
	permitted := pr.answer.Outcome == gate.Allow
	dec, input, err := decision(l, pr, Ground{Question: pr.question, Answer: pr.answer}, permitted, at)
	if err != nil {
		return unsure, nil
	}
	row = &Decided{Decision: dec, Input: input, AlertSHA256: l.AlertSHA256, Notify: pr.answer.Limits.Notify}
	if !permitted {
		return unsure, row
	}
	call := connector.Call{
		Action: probe, Connection: pr.conn, Params: params, Key: w.Key, Timeout: w.Timeout, Preimage: pr.preimage,
	}
	return func(ctx context.Context) engine.Verified {
		reply := p.Caller.Call(ctx, gate.NewPermit(dec.ID, pr.digest), call)
		if reply.Err != nil {
			return v
		}
		return p.found(v, w, vars, reply.Output)
	}, row
}

func evaluated(v *expr.Value, vars expr.Vars) (map[string]any, bool) {
	if v == nil {
		return map[string]any{}, true
	}
	out, err := v.Eval(vars)
	m, ok := out.(map[string]any)
	return m, ok && err == nil
}

func (p *Performer) found(v engine.Verified, w engine.Wanted, vars expr.Vars, result any) engine.Verified {
	h := w.Action.Happened
	vars["result"] = result
	yes, err := h.Yes.Eval(vars)
	if err != nil {
		return v
	}
	if yes != true {
		if h.Settle > 0 { // without it an index may only lag
			v.Found = "no"
		}
		return v
	}
	out := result
	if h.Output != nil {
		if out, err = h.Output.Eval(vars); err != nil {
			return v
		}
	}
	if len(w.Action.CheckOutput(out)) > 0 {
		return v
	}
	v.Found, v.Output = "yes", engine.Value{V: out}
	v.Effect = p.made(w, w.Connection, out)
	return v
}

// approvedBy lists whose yes counted.
func approvedBy(r *approval.Request) []string {
	out := []string{}
	if r != nil {
		for _, v := range r.Votes {
			if v.Counts && v.Decision == approval.Yes {
				out = append(out, v.By)
			}
		}
	}
	return out
}

// Probe makes one read outside any run: a health check or a test call. It passes
// the policy with the purpose health; plainly allowed, it leaves no decision.
func (p *Performer) Probe(ctx context.Context, a *connector.Action, conn string, at time.Time, facts gate.Facts) (connector.Reply, error) {
	if a.Impact.SideEffect() {
		return connector.Reply{}, fault.New(fault.Denied, "a health check must be a read")
	}
	l := &Live{Playbook: gate.Playbook{Reviewed: true}}
	w := engine.Wanted{
		Path: "health", Action: a, Connection: conn, Params: example(a), Occurrence: 1, Attempt: 1,
		Key: ident.Key("health", conn, 1), Purpose: gate.ForHealth, Timeout: probeTimeout,
	}
	pr, err := p.Prepare(ctx, l, w, at, facts, nil)
	if err != nil {
		return connector.Reply{}, err
	}
	if pr.answer.Outcome != gate.Allow {
		return connector.Reply{}, fault.New(fault.Denied, "the policy does not allow the check: %s", inWords(pr.answer))
	}
	permit := gate.NewPermit(ident.Derive(ident.Decision, at, "health", conn), pr.digest)
	return p.Caller.Call(ctx, permit, connector.Call{
		Action: a, Connection: pr.conn, Params: w.Params, Key: w.Key, Timeout: w.Timeout, Preimage: pr.preimage,
	}), nil
}

const probeTimeout = 10 * time.Second

// example are the parameters of a check: those of the manifest's example.
func example(a *connector.Action) map[string]any {
	if a.ExampleInput == nil {
		return map[string]any{}
	}
	return a.ExampleInput
}
