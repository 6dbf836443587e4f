package playbook

import (
	"fmt"
	"slices"

	"github.com/tocsin-soar/tocsin/server/expr"
)

// Switch goes one of several ways: the first case that holds, else Default.
type Switch struct {
	Value   *expr.Value // what Is is compared with; nil where every case has a condition
	Cases   []Way       // in document order
	Default []*Block
}

// Way is one case of a switch; exactly one of Is and When is set.
type Way struct {
	Is   []*expr.Value // the value equals one of these
	When *expr.Expr    // or this holds
	Text string        // how it is written, for people
	Do   []*Block
}

// While repeats Do for as long as If holds, at most Limit times.
type While struct {
	If    *expr.Expr
	Limit int
	Do    []*Block
}

// Try goes on with Catch when Do fails, and with Finally in any case.
type Try struct {
	Do      []*Block
	Catch   []*Block
	Finally []*Block
}

// Undo takes back what the run, or one of its steps, has put in force.
type Undo struct {
	Step string // id of the block; "" for all of them
}

// Transform makes another value of a value, by a jq program.
type Transform struct {
	Value *expr.Value
	JQ    *expr.JQ
}

// Call runs another playbook, as a run of its own.
type Call struct {
	Playbook string      // slug
	With     *expr.Value // gives a map: its inputs; nil: none
	Detach   bool        // nobody waits for it
}

// Arm is a list of blocks inside a block. Name is what a path has between the
// block's own and that of a block inside: "" for none. Turns are the arms of a
// loop: the path has each[i] or turn[i] there instead.
type Arm struct {
	Label  string // then, else, do, try, a branch's name, …
	Name   string
	Turns  bool
	Blocks []*Block
}

// Arms lists the blocks inside a block, in a fixed order, empty lists left out.
func (b *Block) Arms() []Arm {
	var out []Arm
	add := func(label, name string, turns bool, blocks []*Block) {
		if len(blocks) > 0 {
			out = append(out, Arm{label, name, turns, blocks})
		}
	}
	add("then", "", false, b.Then)
	add("else", "", false, b.Else)
	if b.ForEach != nil {
		add("do", "", true, b.ForEach.Do)
	}
	if b.Parallel != nil {
		for _, br := range b.Parallel.Branches {
			add(br.Name, br.Name, false, br.Steps)
		}
	}
	if b.Switch != nil {
		for i, c := range b.Switch.Cases {
			add(caseArm(i), "", false, c.Do)
		}
		add("default", "", false, b.Switch.Default)
	}
	if b.While != nil {
		add("do", "", true, b.While.Do)
	}
	if b.Try != nil {
		add("try", "", false, b.Try.Do)
		add("catch", "", false, b.Try.Catch)
		add("finally", "", false, b.Try.Finally)
	}
	return out
}

// caseArm names the i-th case of a switch among its arms.
func caseArm(i int) string { return fmt.Sprintf("case %d", i+1) }

// Walk visits blocks and all blocks inside them, in document order of each list.
func Walk(blocks []*Block, visit func(b *Block)) {
	for _, b := range blocks {
		visit(b)
		for _, a := range b.Arms() {
			Walk(a.Blocks, visit)
		}
	}
}

// Calls lists the playbooks that blocks call, each once, sorted.
func Calls(blocks []*Block) []string {
	var out []string
	Walk(blocks, func(b *Block) {
		if b.Call != nil && !slices.Contains(out, b.Call.Playbook) {
			out = append(out, b.Call.Playbook)
		}
	})
	slices.Sort(out)
	return out
}
