package approval

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// MaxComment bounds a comment, in bytes.
const MaxComment = 4096

// Word is what a person says to a request.
type Word struct {
	By       string // the log-in name
	Decision string // Yes or No
	Digest   string // of what they saw
	Comment  string // the reason; needed for a No
}

// Cast adds a person's word to a pending request and closes it when that decides
// it: a No of an entitled person denies, the last Yes that was needed approves and
// starts the undo window. The same word again changes nothing. People are all who
// voted and the voter, as they are now. Errors have the codes digest_changed,
// already_decided, expired, not_entitled, reason_needed, answer_needed.
func Cast(r Request, people map[string]Person, w Word, now time.Time) (Request, error) {
	if r.Kind == KindQuestion {
		return r, fault.New(fault.InvalidInput, "this request is a question: it wants an answer").WithCode("answer_needed")
	}
	if w.Decision != Yes && w.Decision != No {
		return r, fault.New(fault.InvalidInput, "a decision is approve or deny").
			WithPlaces(fault.Place{At: "/decision", Message: "approve or deny"})
	}
	if err := open(r, people, w.By, w.Digest, now); err != nil {
		return r, err
	}
	if err := comment(w); err != nil {
		return r, err
	}
	name := Canonical(w.By)
	out := copied(r)
	if i := voteOf(out, name); i >= 0 {
		if out.Votes[i].Decision == w.Decision {
			return settle(out, people, now), nil
		}
		out.Votes = slices.Delete(out.Votes, i, i+1)
	}
	out.Votes = append(out.Votes, Vote{By: name, Decision: w.Decision, At: now, Comment: w.Comment})
	return settle(out, people, now), nil
}

// open checks that a request can take this person's word now.
func open(r Request, people map[string]Person, by, digest string, now time.Time) error {
	switch {
	case r.Status == Expired || r.Status == Pending && r.Late(now):
		return fault.New(fault.Conflict, "the deadline has passed").WithCode("expired")
	case r.Status != Pending:
		return fault.New(fault.Conflict, "the request is %s already", r.Status).WithCode("already_decided")
	case digest == "" || digest != r.Digest:
		return fault.New(fault.Conflict, "what is asked has changed since you looked; look again").WithCode("digest_changed")
	}
	return entitled(r, people, by)
}

func entitled(r Request, people map[string]Person, by string) error {
	p, ok := crowdOf(people)[Canonical(by)]
	if !ok {
		return fault.New(fault.Forbidden, "this is not the name of a person").WithCode("not_entitled")
	}
	if why := WhyNot(r, p); why != "" {
		return fault.New(fault.Forbidden, "%s", why).WithCode("not_entitled")
	}
	return nil
}

func comment(w Word) error {
	switch {
	case len(w.Comment) > MaxComment || !utf8.ValidString(w.Comment):
		return fault.New(fault.InvalidInput, "a comment is text of at most %d bytes", MaxComment).
			WithPlaces(fault.Place{At: "/comment", Message: "too long or not UTF-8"})
	case w.Decision == No && blank(w.Comment):
		return fault.New(fault.InvalidInput, "a denial needs a reason").WithCode("reason_needed").
			WithPlaces(fault.Place{At: "/comment", Message: "say why"})
	}
	return nil
}

// Late says whether the deadline has come.
func (r Request) Late(now time.Time) bool {
	return !r.Deadline.IsZero() && !now.Before(r.Deadline)
}

// settle writes the tally into a request and closes it where it decides.
func settle(r Request, people map[string]Person, now time.Time) Request {
	t := Weigh(r, people, now)
	r.Votes, r.Required = t.Votes, t.Needs
	switch {
	case t.Denied:
		r.Status, r.DecidedAt = Denied, &now
		r.Why = "denied by " + names(t.By)
	case t.Met:
		terms := TermsOf(r.Requirements)
		until := now.Add(terms.ValidFor)
		r.Status, r.DecidedAt, r.ValidUntil = Approved, &now, &until
		r.Why = "approved by " + names(t.By)
		if terms.Hold > 0 {
			held := now.Add(terms.Hold)
			r.HeldUntil = &held
		}
	}
	return r
}

// Withdraw takes a person's yes back: while the request is pending their vote is
// gone; in the undo window after it the request is withdrawn. After that the
// decision is final: already_decided. Who has no yes here gets nothing_to_withdraw.
func Withdraw(r Request, people map[string]Person, by string, now time.Time) (Request, error) {
	out := copied(r)
	name := Canonical(by)
	i := voteOf(out, name)
	if i < 0 || out.Votes[i].Decision != Yes {
		return r, fault.New(fault.Conflict, "there is no yes of yours to withdraw").WithCode("nothing_to_withdraw")
	}
	switch {
	case r.Status == Pending && !r.Late(now):
		out.Votes = slices.Delete(out.Votes, i, i+1)
		return settle(out, people, now), nil
	case r.Status == Approved && !r.UsedUp && r.HeldUntil != nil && now.Before(*r.HeldUntil):
		out.Status, out.DecidedAt, out.HeldUntil, out.ValidUntil = Withdrawn, &now, nil, nil
		out.Why = "withdrawn by " + name
		return out, nil
	}
	return r, fault.New(fault.Conflict, "the decision is final").WithCode("already_decided")
}

// Extend moves the deadline by what an entitled person asks for, once and within
// what every requirement grants: extend_limit, already_extended.
func Extend(r Request, people map[string]Person, who string, by time.Duration, now time.Time) (Request, error) {
	if err := open(r, people, who, r.Digest, now); err != nil {
		return r, err
	}
	limit := TermsOf(r.Requirements).Extend
	switch {
	case r.Extended:
		return r, fault.New(fault.Conflict, "more time was given already, and it is given once").WithCode("already_extended")
	case r.Deadline.IsZero() || limit == 0:
		return r, fault.New(fault.InvalidInput, "the policy gives this request no more time").WithCode("extend_limit")
	case by <= 0 || by > limit:
		return r, fault.New(fault.InvalidInput, "the policy gives at most %s more", DurationText(limit)).WithCode("extend_limit").
			WithPlaces(fault.Place{At: "/by", Message: "more than the policy gives"})
	}
	out := copied(r)
	out.Deadline, out.Extended = r.Deadline.Add(by), true
	return out, nil
}

// copied gives a request whose lists can be changed.
func copied(r Request) Request {
	r.Votes, r.Required, r.Escalated = slices.Clone(r.Votes), slices.Clone(r.Required), slices.Clone(r.Escalated)
	return r
}

func voteOf(r Request, name string) int {
	return slices.IndexFunc(r.Votes, func(v Vote) bool { return Canonical(v.By) == name })
}

func blank(s string) bool {
	for _, c := range s {
		switch c {
		case ' ', '\t', '\n', '\r', '\u00a0', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		default:
			return false
		}
	}
	return true
}

// names writes a list of names as people say it.
func names(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
