package engine

import (
	"encoding/json"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Program is a compiled playbook: its blocks, and where each of them lies.
type Program struct {
	Playbook *playbook.Playbook
	nodes    map[string]node              // by block id
	ids      []string                     // in document order
	inverses map[string]*connector.Action // by action_sha256

	// Calls are the versions in force (sha256 hex, by slug) of every playbook that
	// this one calls, and of those that they call. A run pins them when it begins.
	Calls map[string]string
}

// node is where a block lies: iter is the innermost loop around it ("" for
// none), rel its path from that one's iteration on.
type node struct {
	block *playbook.Block
	iter  string
	rel   string
}

// Compile makes a program of a checked playbook. find gives an action by
// "integration.action", of the same manifests that the playbook was checked with.
func Compile(pb *playbook.Playbook, find func(ref string) (*connector.Action, bool)) *Program {
	p := &Program{Playbook: pb, nodes: map[string]node{}, inverses: map[string]*connector.Action{}}
	p.place(pb.Steps, "", "")
	for _, id := range p.ids {
		a := p.nodes[id].block.Action
		if a == nil || a.Action.Inverse == nil {
			continue
		}
		if inv, ok := find(a.Action.Integration + "." + a.Action.Inverse.Action); ok {
			p.inverses[inv.SHA256] = inv
		}
	}
	return p
}

func (p *Program) place(blocks []*playbook.Block, iter, prefix string) {
	for _, b := range blocks {
		path := join(prefix, b.ID)
		p.nodes[b.ID] = node{b, iter, path}
		p.ids = append(p.ids, b.ID)
		for _, a := range b.Arms() {
			switch {
			case a.Turns:
				p.place(a.Blocks, b.ID, "")
			case a.Name != "":
				p.place(a.Blocks, iter, join(path, a.Name))
			default:
				p.place(a.Blocks, iter, path)
			}
		}
	}
}

// Single is a run of one action outside any playbook: an undo, an expiry, an
// extension, a click. It is stored with the run.
type Single struct {
	Action     string `json:"action"`     // integration.action
	Manifest   string `json:"manifest"`   // action_sha256
	Connection string `json:"connection"` // "" means the default one
	Params     Object `json:"params"`
	Lease      int64  `json:"lease"` // seconds, of an extension
}

// Program makes the program of a single action.
func (s Single) Program(a *connector.Action) *Program {
	b := &playbook.Block{
		ID: "action", Kind: playbook.KindAction, OnError: "fail",
		Action: &playbook.Action{
			Ref: s.Action, Action: a, Connection: s.Connection,
			With: expr.Literal(map[string]any(s.Params)), Timeout: defaultAttempt,
			For: seconds(s.Lease),
		},
	}
	none := func(string) (*connector.Action, bool) { return nil, false }
	return Compile(&playbook.Playbook{Steps: []*playbook.Block{b}, Timeout: defaultRun}, none)
}

// Actions lists the actions of the program with their digests, for the run to
// pin.
func (p *Program) Actions() map[string]string {
	out := map[string]string{}
	for _, id := range p.ids {
		if a := p.nodes[id].block.Action; a != nil {
			out[a.Ref] = a.Action.SHA256
		}
	}
	return out
}

// Block finds a block by its id.
func (p *Program) Block(id string) (*playbook.Block, bool) {
	n, ok := p.nodes[id]
	return n.block, ok
}

func join(prefix, id string) string {
	if prefix == "" {
		return id
	}
	return prefix + "/" + id
}

func eachPath(owner string, i int) string { return fmt.Sprintf("%s/each[%d]", owner, i) }

func turnPath(owner string, i int) string { return fmt.Sprintf("%s/turn[%d]", owner, i) }

// JSON is how the program of a single action is stored with its run.
func (s Single) JSON() []byte {
	raw, err := json.Marshal(s)
	if err != nil { // its values came out of JSON or an expression
		return []byte("{}")
	}
	return raw
}

// ReadSingle reads a stored single action.
func ReadSingle(raw []byte) (Single, error) {
	var s Single
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read the action of a run: %w", err)
	}
	return s, nil
}
