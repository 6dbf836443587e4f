package alert

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// MaxItems is how many alerts one delivery may carry.
const MaxItems = 1000

// Normalised is one alert of a payload before it has an id, and what the
// mapping says about it.
type Normalised struct {
	Alert  Alert
	Closes bool     // closes the alert with the same key
	Ignore bool     // acknowledged and counted, not stored
	Unread []string // what the mapping could not read: field names, items, when or closes
}

// Normalise turns a payload into alerts. What cannot be mapped is still an
// alert, with Mapped false. Headers must hold no credentials. An error means
// that the whole delivery is refused: it carries too many alerts.
func Normalise(m Mapping, payload any, headers map[string]string, source string, now time.Time) ([]Normalised, error) {
	items, unread := m.split(payload, headers)
	if len(items) > MaxItems {
		return nil, fault.New(fault.TooLarge, "a delivery may carry at most %d alerts", MaxItems).WithCode("too_many_alerts")
	}
	out := make([]Normalised, len(items))
	for i, item := range items {
		r := reader{m: m, source: source, now: now, unread: unread, vars: expr.Vars{
			"payload": payload, "item": item, "headers": plainHeaders(headers),
		}}
		out[i] = r.read(item)
	}
	return out, nil
}

func plainHeaders(headers map[string]string) map[string]any {
	out := make(map[string]any, len(headers))
	for k, v := range headers {
		out[k] = v
	}
	return out
}

// split finds the items of a payload. Where it cannot, the payload is one.
func (m Mapping) split(payload any, headers map[string]string) (items []any, unread []string) {
	if m.items == nil {
		if list, ok := payload.([]any); ok {
			return list, nil
		}
		return []any{payload}, nil
	}
	found := any(nil)
	if m.within != nil {
		found = payload
		for _, name := range m.within {
			object, _ := found.(map[string]any)
			found = object[name]
		}
	} else {
		v, err := m.items.Eval(expr.Vars{"payload": payload, "item": payload, "headers": plainHeaders(headers)})
		if err == nil {
			found = v
		}
	}
	if list, ok := found.([]any); ok {
		return list, nil
	}
	return []any{payload}, []string{"items"}
}

// reader reads one item.
type reader struct {
	m      Mapping
	source string
	now    time.Time
	vars   expr.Vars
	unread []string
	given  map[string]any // by field
}

func (r *reader) read(item any) Normalised {
	n := Normalised{}
	if r.m.when != nil {
		n.Ignore = !r.holds("when", r.m.when, true)
	}
	switch {
	case r.m.generic:
		r.given, _ = item.(map[string]any)
		n.Closes = r.given["status"] == string(Closed)
	default:
		n.Closes = r.m.closes != nil && r.holds("closes", r.m.closes, false)
		r.given = map[string]any{}
		for _, f := range r.m.fields {
			v, err := f.expr.Eval(r.vars)
			if err != nil {
				r.unread = append(r.unread, f.name)
				continue
			}
			r.given[f.name] = v
		}
	}
	if n.Closes { // closes is evaluated first: what closes is never ignored
		n.Ignore = false
	}
	n.Alert = r.alert(item)
	n.Unread = r.unread
	return n
}

// holds evaluates a condition; one that cannot be read counts as otherwise.
func (r *reader) holds(name string, e *expr.Expr, otherwise bool) bool {
	yes, err := e.Bool(r.vars)
	if err != nil {
		r.unread = append(r.unread, name)
		return otherwise
	}
	return yes
}

func (r *reader) alert(item any) Alert {
	a := Alert{
		Source: r.source, SourceID: r.text("source_id", maxName), URL: r.text("url", maxURL),
		Title: r.text("title", maxTitle), Description: r.text("description", maxLong),
		Category: r.text("category", maxName), Status: New, Severity: r.severity(),
		Confidence: min(max(r.whole(r.given["confidence"], "confidence"), 0), 100),
		FirstSeen:  r.moment("first_seen"), LastSeen: r.moment("last_seen"), Count: 1,
		Hosts: hosts(r), Users: users(r), IPs: r.addresses("ips"), Domains: r.lowered("domains"),
		URLs: r.texts("urls", maxURL), Mails: mails(r), Files: files(r), Processes: processes(r),
		Attack: r.texts("attack", maxName), Labels: r.texts("labels", maxName),
		Fields: fieldsOf(item),
	}
	if a.Title == "" {
		a.Title = r.fallbackTitle(item)
		r.misfit("title")
	}
	if v, ok := r.given["verdict"].(string); ok && r.m.generic && Verdict(v) {
		a.Verdict = &v
	}
	a.FirstSeen, a.LastSeen = order(a.FirstSeen, a.LastSeen, r.now)
	a.Mapped = len(r.unread) == 0
	return a
}

// Verdict says whether a word is one of the verdicts.
func Verdict(word string) bool {
	return word == "true_positive" || word == "false_positive" || word == "benign"
}

// order fills in what is not given. No alert was seen in the future: it would
// hold its window open.
func order(first, last, now time.Time) (time.Time, time.Time) {
	if last.IsZero() || last.After(now) {
		last = now
	}
	if first.IsZero() || first.After(last) {
		first = last
	}
	return first, last
}

// fieldsOf keeps the vendor's own names; an item that is no object stands under
// the name value.
func fieldsOf(item any) map[string]any {
	if m, ok := item.(map[string]any); ok && m != nil {
		return m
	}
	return map[string]any{"value": item}
}

// fallbackTitle finds what most vendors call a title.
func (r *reader) fallbackTitle(item any) string {
	m, _ := item.(map[string]any)
	for _, name := range []string{"title", "Title", "name", "rule_name", "alertname", "summary", "message", "description"} {
		if s, ok := m[name].(string); ok && clean(s, maxTitle) != "" {
			return clean(s, maxTitle)
		}
	}
	return "Alert from " + r.source
}
