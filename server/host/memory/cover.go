package memory

import (
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Coverage says which steps, branches and error paths no case has entered.
type Coverage struct {
	Steps    Covered `json:"steps"`
	Branches Covered `json:"branches"`
	Errors   Covered `json:"errors"`
}

// Covered counts one kind.
type Covered struct {
	Hit     int      `json:"hit"`
	All     int      `json:"all"`
	Missing []string `json:"missing"`
}

// Percent is how much was entered, 100 where there is nothing.
func (c Covered) Percent() int {
	if c.All == 0 {
		return 100
	}
	return c.Hit * 100 / c.All
}

// cover collects what the cases entered.
type cover struct {
	steps, branches, errors []string // in document order
	saw                     map[string]bool
}

func newCover(pb *playbook.Playbook) *cover {
	c := &cover{saw: map[string]bool{}}
	c.plan(pb.Steps)
	return c
}

func (c *cover) plan(blocks []*playbook.Block) {
	for _, b := range blocks {
		c.steps = append(c.steps, b.ID)
		if b.Kind == playbook.KindIf {
			c.branches = append(c.branches, b.ID+": then", b.ID+": else")
		} else if b.If != nil {
			c.branches = append(c.branches, b.ID+": if true", b.ID+": if false")
		}
		if b.OnError == "continue" {
			c.errors = append(c.errors, b.ID+": on_error")
		}
		if b.Question != nil && b.Question.Otherwise != nil {
			c.errors = append(c.errors, b.ID+": otherwise")
		}
		c.plan(b.Then)
		c.plan(b.Else)
		if b.ForEach != nil {
			c.plan(b.ForEach.Do)
		}
		if b.Parallel != nil {
			for _, br := range b.Parallel.Branches {
				c.plan(br.Steps)
			}
		}
	}
}

// see notes what a run entered: from its journal, so that a condition counts also
// where nothing stands in its branch.
func (c *cover) see(r *Run) {
	ids := map[string]string{}
	for _, s := range r.State.Steps() {
		ids[s.Path] = s.ID
		if s.Status != engine.StepSkipped && s.Kind != "undo" {
			c.saw[s.ID] = true
		}
		if s.Status == engine.StepFailed {
			c.saw[s.ID+": on_error"] = true
		}
	}
	for _, e := range r.Journal {
		b, err := engine.Decode(e.Kind, e.Body)
		if err != nil {
			continue
		}
		ev, ok := b.(engine.Evaluated)
		if !ok {
			continue
		}
		id := ids[ev.Path]
		switch ev.What {
		case "if":
			c.saw[id+": if "+word(ev.Value.V)] = true
			c.saw[id+": "+map[bool]string{true: "then", false: "else"}[ev.Value.V == true]] = true
		case "otherwise":
			c.saw[id+": otherwise"] = true
		}
	}
}

func word(v any) string {
	if v == true {
		return "true"
	}
	return "false"
}

func (c *cover) report() Coverage {
	return Coverage{Steps: c.count(c.steps), Branches: c.count(c.branches), Errors: c.count(c.errors)}
}

func (c *cover) count(all []string) Covered {
	out := Covered{All: len(all), Missing: []string{}}
	for _, s := range all {
		if c.saw[s] {
			out.Hit++
		} else {
			out.Missing = append(out.Missing, s)
		}
	}
	return out
}
