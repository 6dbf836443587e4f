package memory

import (
	"fmt"

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
	playbook.Walk(blocks, func(b *playbook.Block) {
		c.steps = append(c.steps, b.ID)
		if b.Kind != playbook.KindIf && b.If != nil {
			c.branches = append(c.branches, b.ID+": if true", b.ID+": if false")
		}
		switch {
		case b.Kind == playbook.KindIf:
			c.branches = append(c.branches, b.ID+": then", b.ID+": else")
		case b.Switch != nil:
			for i := range b.Switch.Cases {
				c.branches = append(c.branches, caseName(b.ID, i))
			}
			c.branches = append(c.branches, b.ID+": default")
		case b.While != nil:
			c.branches = append(c.branches, b.ID+": a turn", b.ID+": an end")
		case b.Try != nil && len(b.Try.Catch) > 0:
			c.errors = append(c.errors, b.ID+": catch")
		}
		if b.OnError == "continue" {
			c.errors = append(c.errors, b.ID+": on_error")
		}
		if b.Question != nil && b.Question.Otherwise != nil || b.Wait != nil && b.Wait.Otherwise != nil {
			c.errors = append(c.errors, b.ID+": otherwise")
		}
	})
}

// caseName names a way of a switch; -1 is the default.
func caseName(id string, i int) string {
	if i < 0 {
		return id + ": default"
	}
	return fmt.Sprintf("%s: case %d", id, i+1)
}

// see notes what a run entered: from its journal, so that a condition counts also
// where nothing stands in its branch.
func (c *cover) see(r *Run) {
	ids := map[string]string{}
	for _, s := range r.State.Steps() {
		ids[s.Path] = s.ID
		if s.Status != engine.StepSkipped {
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
		case "switch":
			m, _ := ev.Value.V.(map[string]any)
			if n, ok := m["case"].(int64); ok {
				c.saw[caseName(id, int(n))] = true
			}
		case "while":
			c.saw[id+": "+map[bool]string{true: "a turn", false: "an end"}[ev.Value.V == true]] = true
		}
	}
	for _, id := range r.State.Caught() {
		c.saw[id+": catch"] = true
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
