package alert

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// DefaultWindow is how long repeats of an alert are counted on it, from when it
// was last seen.
const DefaultWindow = 24 * time.Hour

// Outcome of meeting the alert with the same key.
type Outcome string

// The outcomes.
const (
	IsNew    Outcome = "new"
	Repeat   Outcome = "repeat"
	Reopened Outcome = "reopened"
	IsClosed Outcome = "closed"
	Nothing  Outcome = "nothing"
)

// DedupKey says which alerts are one: by the source's own expression over alert
// (nil: none), else source and source id, else source, title and the sorted
// entities. An expression that cannot be read, or gives nothing, falls back.
func DedupKey(a Alert, key *expr.Expr) string {
	if key != nil {
		v, err := key.Eval(expr.Vars{"alert": Value(a, true)})
		if err == nil && v != nil && v != "" {
			return hash("key", a.Source, v)
		}
	}
	if a.SourceID != "" {
		return hash("id", a.Source, a.SourceID)
	}
	return hash("entities", a.Source, []any{a.Title, anyOf(Entities(a))})
}

// hash marks each way to make a key, so that two ways never meet.
func hash(kind, source string, v any) string {
	d, err := ident.Digest([]any{kind, source, v})
	if err != nil { // a number outside ±2^53: still the same key for the same value
		return ident.Sum(fmt.Appendf(nil, "%s\x00%s\x00%v", kind, source, v))
	}
	return d
}

// Fold meets a new alert with the one that has its key (nil: there is none).
// Window counts from when the old one was last seen; zero is the default.
// Closes says that the new one reports the end of the old.
func Fold(old *Alert, in Alert, window time.Duration, closes bool, now time.Time) (Alert, Outcome) {
	if window <= 0 {
		window = DefaultWindow
	}
	recent := old != nil && !now.After(old.LastSeen.Add(window))
	switch {
	case closes && old == nil:
		return in, Nothing
	case closes:
		return closeIt(*old, in)
	case !recent:
		return in, IsNew
	}
	out := seen(*old, in)
	out.Count++
	if old.Status == Closed {
		out.Status, out.Verdict, out.Reason = New, nil, ""
		return out, Reopened
	}
	return out, Repeat
}

// closeIt closes an alert that is open. One that a person closed stays as it is.
func closeIt(old, in Alert) (Alert, Outcome) {
	if old.Status == Closed {
		return old, Nothing
	}
	out := seen(old, in)
	out.Status, out.Reason = Closed, "closed by the source"
	return out, IsClosed
}

// seen adds what a repeat tells: when, how bad at most, and on what else. What
// the alert says about itself stays as it was first told.
func seen(old, in Alert) Alert {
	out := old
	if in.LastSeen.After(out.LastSeen) {
		out.LastSeen = in.LastSeen
	}
	if in.FirstSeen.Before(out.FirstSeen) {
		out.FirstSeen = in.FirstSeen
	}
	if in.Severity.Rank() > out.Severity.Rank() {
		out.Severity = in.Severity
	}
	out.Confidence = max(out.Confidence, in.Confidence)
	out.Hosts = union(old.Hosts, in.Hosts)
	out.Users = union(old.Users, in.Users)
	out.IPs = union(old.IPs, in.IPs)
	out.Domains = union(old.Domains, in.Domains)
	out.URLs = union(old.URLs, in.URLs)
	out.Files = union(old.Files, in.Files)
	out.Processes = union(old.Processes, in.Processes)
	out.Mails = unionMails(old.Mails, in.Mails)
	out.Attack = union(old.Attack, in.Attack)
	out.Labels = union(old.Labels, in.Labels)
	return out
}

// union keeps the order and the bound of lists, and never writes into a.
func union[T comparable](a, b []T) []T {
	out := slices.Concat([]T{}, a)
	for _, v := range b {
		if len(out) >= maxList {
			break
		}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func unionMails(a, b []Mail) []Mail {
	out := slices.Concat([]Mail{}, a)
	for _, m := range b {
		same := func(o Mail) bool {
			return o.From == m.From && o.Subject == m.Subject && o.MessageID == m.MessageID && slices.Equal(o.To, m.To)
		}
		if len(out) < maxList && !slices.ContainsFunc(out, same) {
			out = append(out, m)
		}
	}
	return out
}

// Entities lists what an alert is about as kind:value, sorted, each once: two
// alerts that share one may belong together.
func Entities(a Alert) []string {
	var out []string
	add := func(kind string, values ...string) {
		for _, v := range values {
			if v != "" {
				out = append(out, kind+":"+v)
			}
		}
	}
	for _, h := range a.Hosts {
		add("host", h.Name, h.ID)
		add("ip", h.IP)
	}
	for _, u := range a.Users {
		add("user", u.Name, u.ID)
		add("mail", u.Mail)
	}
	add("ip", a.IPs...)
	add("domain", a.Domains...)
	add("url", a.URLs...)
	for _, m := range a.Mails {
		add("mail", m.From)
		add("mail", m.To...)
		add("message", m.MessageID)
	}
	for _, f := range a.Files {
		add("hash", f.MD5, f.SHA1, f.SHA256)
		if f.MD5 == "" && f.SHA1 == "" && f.SHA256 == "" {
			add("file", f.Path, f.Name)
		}
	}
	for _, p := range a.Processes {
		add("process", p.CommandLine)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func anyOf[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// number writes a plain value as text.
func number(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	}
	return ""
}
