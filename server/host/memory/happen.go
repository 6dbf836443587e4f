package memory

import (
	"maps"
	"strings"
	"time"
)

// eventFirst lets an event of the case come, where it comes before the next timer and
// the next answer.
func (p *play) eventFirst(timer time.Time, ticking bool, answer time.Time, answers bool) (came bool, err error) {
	when, n, l, ok := p.nextEvent()
	if !ok || ticking && timer.Before(when) || answers && answer.Before(when) {
		return false, nil
	}
	return true, p.happens(when, n, l)
}

// nextEvent finds what of the case's events reaches a wait first.
func (p *play) nextEvent() (at time.Time, n int, to hearing, ok bool) {
	for i, e := range p.c.Events {
		if p.came[i] {
			continue
		}
		for _, l := range p.h.listens {
			if l.Path != e.Wait && !strings.HasSuffix(l.Path, "/"+e.Wait) {
				continue
			}
			since, waits := p.waitsSince(l)
			if when := since.Add(e.After); waits && (!ok || when.Before(at)) {
				at, n, to, ok = when, i, l, true
			}
		}
	}
	return at, n, to, ok
}

// waitsSince tells when a step began to wait; a callback may come before it does.
func (p *play) waitsSince(l hearing) (time.Time, bool) {
	for _, s := range p.h.Run(l.run).State.Steps() {
		if s.Path == l.Path && s.StartedAt != nil {
			return *s.StartedAt, !s.Status.Settled()
		}
	}
	return time.Time{}, false
}

// happens lets an event of the case come.
func (p *play) happens(at time.Time, n int, to hearing) error {
	if err := p.h.Advance(at); err != nil {
		return err
	}
	p.came[n] = true
	body := plain(p.c.Events[n].Body)
	if event, ok := body.(map[string]any); ok && to.Subject != "" {
		event = maps.Clone(event)
		event["subject"], event["at"] = to.Subject, at.UTC().Format(time.RFC3339Nano)
		body = event
	}
	return p.h.Tell(to.run, to.Path, body)
}
