package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) playbooks() (lookup.List[Playbook], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[Playbook]{}, err
	}
	return c.s.d.Playbooks.Playbooks(c.ctx, p)
}

func (c *call) playbook() (Playbook, error) {
	p, err := c.s.d.Playbooks.Playbook(c.ctx, c.id(), c.query["version"])
	if err != nil {
		return Playbook{}, err
	}
	c.tagPlaybook(p)
	return p, nil
}

// tagPlaybook names the state that an author edits: the draft where there is one.
func (c *call) tagPlaybook(p Playbook) {
	v := p.Version
	if p.Draft != nil {
		v = p.Draft.Version
	}
	if v != "" {
		c.setETag(v)
	}
}

// sourceBody is a text, as YAML or as JSON with the field source.
type sourceBody struct {
	Source string `json:"source"`
}

// Checked is what a check found.
type Checked struct {
	Problems []fault.Problem `json:"problems"`
	Graph    *Graph          `json:"graph"`
}

func (c *call) checkPlaybook(b sourceBody) (Checked, error) {
	name := c.query["name"]
	if name == "" {
		name = "playbook"
	}
	if !ident.Slug(name) {
		return Checked{}, badParam("name", "is of a-z, 0-9 and -")
	}
	ps, g, err := c.s.d.Playbooks.CheckPlaybook(c.ctx, name, []byte(b.Source))
	if err != nil {
		return Checked{}, err
	}
	return Checked{Problems: listed(ps), Graph: g}, nil
}

// listed gives a list that is never null.
func listed[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func (c *call) draft(b sourceBody) (Playbook, error) {
	seen, err := c.ifMatch()
	if err != nil {
		return Playbook{}, err
	}
	p, err := c.s.d.Authors.Draft(c.ctx, c.actor(), c.id(), []byte(b.Source), seen)
	if fault.CodeOf(err) == "changed_meanwhile" && seen != "" {
		return Playbook{}, stale()
	}
	if err != nil {
		return Playbook{}, err
	}
	c.tagPlaybook(p)
	return p, nil
}

type publishBody struct {
	Version string `json:"version,omitempty"`
}

func (c *call) publish(b publishBody) (Playbook, error) {
	return c.s.d.Authors.Publish(c.ctx, c.actor(), c.id(), b.Version)
}

func (c *call) versions() (lookup.List[Version], error) {
	vs, err := c.s.d.Playbooks.Versions(c.ctx, c.id())
	return lookup.List[Version]{Items: listed(vs)}, err
}

func (c *call) graph() (Graph, error) {
	return c.s.d.Playbooks.Graph(c.ctx, c.id(), c.query["version"])
}

type runBody struct {
	Inputs map[string]any `json:"inputs,omitempty"`
	Alert  string         `json:"alert,omitempty"`
}

// startRun starts a run; with ?wait= it answers with the finished run (200), or
// with the run as it is when the time is over (202).
func (c *call) startRun(b runBody) (engine.Run, error) {
	wait, err := c.waiting()
	if err != nil {
		return engine.Run{}, err
	}
	if b.Alert != "" && !ident.Valid(ident.Alert, b.Alert) {
		return engine.Run{}, fault.New(fault.InvalidInput, "the alert is not an id of one").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/alert", Message: "is an id: alr_ and 32 hex digits"})
	}
	o := StartRun{Playbook: c.id(), Inputs: b.Inputs, Alert: b.Alert}
	if key, _, err := c.onceKey(); err == nil && key != "" {
		o.Key = "request/" + key // so that it starts once also across a restart
	}
	finished := c.watch() // before the start, so that nothing is missed
	defer finished.stop()
	id, err := c.s.d.RunControl.StartRun(c.ctx, c.actor(), o)
	if err != nil {
		return engine.Run{}, err
	}
	return c.await(finished, id, wait)
}

func (c *call) waiting() (time.Duration, error) {
	text := c.query["wait"]
	if text == "" {
		return 0, nil
	}
	d, err := document.ParseDuration(text)
	if err != nil || d > waitMost {
		return 0, badParam("wait", "is a duration of at most 60s")
	}
	return d, nil
}

// watch hears of runs that change.
func (c *call) watch() *watcher {
	w := &watcher{changed: make(chan struct{}, 1)}
	w.stop = c.s.d.Changes.Subscribe(func(changes []lookup.Change) {
		if tells(changes, "run") {
			select {
			case w.changed <- struct{}{}:
			default:
			}
		}
	})
	return w
}

type watcher struct {
	changed chan struct{}
	stop    func()
}

func (c *call) await(w *watcher, id string, most time.Duration) (engine.Run, error) {
	ctx, cancel := context.WithTimeout(c.ctx, most)
	defer cancel()
	for {
		r, err := c.s.d.Runs.Run(c.ctx, id)
		if err != nil {
			return engine.Run{}, err
		}
		if r.Status.Final() {
			c.status = http.StatusOK
			return r, nil
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			return r, nil
		}
	}
}
