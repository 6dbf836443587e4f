package notification

import (
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Waiting tells of a request that was opened.
func Waiting(r approval.Request) Draft {
	d := ofRequest(r, ApprovalWaiting, r.CreatedAt)
	d.Key = "waiting/" + r.ID
	d.Text = because(r)
	d.To = Entitled(r)
	return d
}

// Reminder tells that a request still waits. Those who have answered are not
// reminded.
func Reminder(r approval.Request, at time.Time) Draft {
	d := ofRequest(r, ApprovalReminder, at)
	d.Key = "reminder/" + r.ID + "/" + strconv.FormatInt(at.UnixMicro(), 10)
	d.Text = approval.DurationText(r.Deadline.Sub(at).Round(time.Second)) + " left to decide; silence is a refusal."
	if r.Kind == approval.KindQuestion {
		d.Text = approval.DurationText(r.Deadline.Sub(at).Round(time.Second)) + " left to answer."
	}
	d.To = Entitled(r)
	for i := range d.To {
		for _, v := range r.Votes {
			d.To[i].Not = append(d.To[i].Not, approval.Canonical(v.By))
		}
	}
	return d
}

// Escalated tells those who may now decide as well.
func Escalated(r approval.Request, w approval.Widening) Draft {
	d := ofRequest(r, ApprovalEscalated, w.At)
	d.Key = "escalated/" + r.ID + "/" + strings.Join(w.Of, ",") + "/" + strings.Join(w.Who, ",")
	d.Text = "Nobody has decided for " + approval.DurationText(w.At.Sub(r.CreatedAt).Round(time.Second)) + ". You may decide now."
	for _, q := range r.Requirements {
		if w.Widens(q) {
			d.To = append(d.To, Audience{Who: folded(w.Who), Not: excluded(r, q)})
		}
	}
	return d
}

func ofRequest(r approval.Request, k Kind, at time.Time) Draft {
	d := Draft{
		Kind: k, At: at, Title: Cut(r.Title, MaxTitle), Object: Object{"approval", r.ID}, Run: r.Run, Step: r.Step, Alert: r.Alert, Asks: true,
	}
	if d.Title == "" {
		d.Title = "An approval waits"
	}
	if !r.Deadline.IsZero() {
		until := r.Deadline
		d.Until = &until
	}
	return d
}

// because says why people are asked.
func because(r approval.Request) string {
	for _, q := range r.Requirements {
		if q.Reason != "" {
			return Cut(q.Reason, MaxText)
		}
	}
	return ""
}

// Doubt tells that a person must say what became of a step.
func Doubt(run, step, action, alert, seq string, at time.Time) Draft {
	what := action
	if what == "" {
		what = step
	}
	return Draft{
		Key: "doubt/" + run + "/" + step + "/" + seq, Kind: StepInDoubt, At: at, Title: Cut("In doubt: "+what, MaxTitle),
		Text:   Cut("Nobody knows whether the step "+step+" took effect. Look at the other system and say what happened.", MaxText),
		Object: Object{"run", run}, Run: run, Step: step, Alert: alert, Asks: true, To: Everyone("role:responder", "role:lead"),
	}
}

// Lease tells the owners of an effect that a hold of theirs ends soon. kept says
// that others hold it beyond that.
func Lease(effect, what, run string, owners []string, until, at time.Time, kept bool) Draft {
	d := Draft{
		Key: "lease/" + effect + "/" + strconv.FormatInt(until.UnixMicro(), 10), Kind: LeaseEnding, At: at,
		Title: Cut("Ends soon: "+what, MaxTitle), Object: Object{"effect", effect}, Run: run, Until: &until, Asks: true,
		Text: "It is undone when its time is over. Extend it if it must stay longer.", Else: []string{"role:responder"},
	}
	if kept {
		d.Text = "This hold ends then. The effect stays: another run holds it longer."
	}
	who := make([]string, 0, len(owners))
	for _, o := range owners {
		who = append(who, "user:"+o)
	}
	d.To = Everyone(who...)
	return d
}

// StillInForce tells that an effect could not be undone.
func StillInForce(effect, what, run, why string, version int64, at time.Time) Draft {
	d := Draft{
		Key: "undo_failed/" + effect + "/" + strconv.FormatInt(version, 10), Kind: UndoFailed, At: at,
		Title: Cut("Could not be undone: "+what, MaxTitle), Text: "It is still in force. Undo it again, or undo it in the other system.",
		Object: Object{"effect", effect}, Run: run, Asks: true, To: Everyone("role:responder", "role:lead"),
	}
	if why != "" {
		d.Text = Cut(d.Text+" "+why, MaxText)
	}
	return d
}

// Ruled tells those whom a rule of the policy names of what it ruled on. A run and an
// action of it are told of once, however many attempts there are.
func Ruled(d gate.Decision, who []string) Draft {
	to := folded(who)
	out := Draft{
		Key: "policy/" + d.Run + "/" + d.Action + "/" + strings.Join(to, ","), Kind: Policy, At: d.At,
		Title: Cut(verdict(d)+": "+d.Action, MaxTitle), Object: Object{"run", d.Run}, Run: d.Run, Step: d.Step, To: Everyone(to...),
	}
	if d.Run == "" {
		out.Key, out.Object = "policy/"+d.ID, Object{"decision", d.ID}
	}
	for _, r := range d.Reasons {
		if r.Outcome == string(d.Outcome) {
			out.Text = Cut(r.Rule+": "+r.Reason, MaxText)
			break
		}
	}
	return out
}

func verdict(d gate.Decision) string {
	switch {
	case d.Outcome == gate.Deny:
		return "Denied"
	case d.Outcome == gate.Approve && !d.Permitted:
		return "Needs approval"
	}
	return "Allowed"
}

// Broken tells that a connection does not answer as it should.
func Broken(connection, why string, at time.Time) Draft {
	return Draft{
		Key: "connection/" + connection + "/" + strconv.FormatInt(at.UnixMicro(), 10), Kind: ConnectionBroken, At: at,
		Title: Cut("Connection "+connection+" is failing", MaxTitle), Text: Cut(why, MaxText),
		Object: Object{"connection", connection}, Asks: true, Single: true, To: Everyone("role:engineer", "role:lead"),
	}
}
