package playbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// draft is a block between reading and checking.
type draft struct {
	block  *Block
	node   *document.Node
	raw    any
	loop   string    // id of the innermost for_each around it, "" for none
	at     int       // its place in document order
	arms   []arm     // its lists of blocks, in document order
	output expr.Type // as far as it is known
}

// arm is a list of blocks inside a block: then, else, do, or a branch's name.
type arm struct {
	name   string
	node   *document.Node
	blocks []*draft
}

func (d *draft) arm(name string) []*draft {
	for _, a := range d.arms {
		if a.name == name {
			return a.blocks
		}
	}
	return nil
}

func blocksOf(ds []*draft) []*Block {
	out := make([]*Block, 0, len(ds))
	for _, d := range ds {
		out = append(out, d.block)
	}
	return out
}

// reading is where in the document a list of blocks stands.
type reading struct {
	loop string
	top  bool
}

// draftAll reads all blocks and names them, so that every step is known before
// the first is checked.
func (k *compiler) draftAll(nodes []*document.Node) {
	counts := map[Kind]int{}
	k.draftList(nodes, reading{top: true}, counts)
	for _, d := range k.drafts {
		k.claim(d)
		if raw, ok := d.raw.(*rawSet); ok {
			for _, e := range raw.Set.Entries() {
				k.varType[e.Key] = expr.Dyn
			}
		}
	}
	for _, d := range k.drafts { // the loops' ids are known only now
		for _, a := range d.arms {
			for _, inner := range a.blocks {
				inner.loop = d.loop
				if d.block.Kind == KindForEach || d.block.Kind == KindWhile {
					inner.loop = d.block.ID
				}
			}
		}
	}
}

// tops are the blocks of the outermost list.
func (k *compiler) tops() []*draft {
	inside := map[*draft]bool{}
	for _, d := range k.drafts {
		for _, a := range d.arms {
			for _, inner := range a.blocks {
				inside[inner] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(k.drafts), func(d *draft) bool { return inside[d] })
}

func (k *compiler) draftList(nodes []*document.Node, r reading, counts map[Kind]int) []*draft {
	var out []*draft
	for _, n := range nodes {
		if d := k.draft(n, r, counts); d != nil {
			out = append(out, d)
		}
	}
	return out
}

func (k *compiler) draft(n *document.Node, r reading, counts map[Kind]int) *draft {
	if n.Kind != document.Map {
		k.add(n.Problem("wrong_type", "a block must be a map", "for example - action: jira.create_issue"))
		return nil
	}
	if len(k.drafts) >= maxBlocks {
		if len(k.drafts) == maxBlocks {
			k.add(n.Problem("too_large", fmt.Sprintf("a playbook may have at most %d blocks", maxBlocks), "split it"))
		}
		return nil
	}
	f, ok := k.formOf(n)
	if !ok {
		return nil
	}
	d := &draft{
		node: n, raw: f.raw(), at: len(k.drafts),
		block: &Block{Kind: f.kind, Line: n.Line, Column: n.Column, OnError: "fail"},
	}
	k.drafts = append(k.drafts, d)
	k.add(document.DecodeAs(n, d.raw, "the block "+string(f.kind))...)
	c := commonOf(d.raw)
	d.block.Name = c.Name
	if c.OnError != "" {
		d.block.OnError = c.OnError
	}
	k.name(d, c.ID, counts)
	k.armsOf(d, r, counts)
	return d
}

// formOf finds out what kind of block a map is.
func (k *compiler) formOf(n *document.Node) (form, bool) {
	var has []form
	words := []string{}
	for _, f := range forms() {
		words = append(words, f.word())
		if n.Has(f.key) && (f.kind != KindUndo || !n.Has("action")) { // undo: { with } belongs to an action
			has = append(has, f)
		}
	}
	if len(has) == 1 {
		return has[0], true
	}
	if len(has) > 1 {
		k.add(n.KeyNode(has[1].key).Problem("two_blocks", fmt.Sprintf("a block is one thing: %s or %s", has[0].key, has[1].key), "begin another element of the list with -"))
		return has[0], false
	}
	if n.Has("switch") {
		k.add(n.KeyNode("switch").Problem("missing_key", "switch needs the key \"cases\"", "cases: [ { is: value, do: [ … ] } ]"))
		return form{}, false
	}
	if n.Has("if") {
		k.add(n.KeyNode("if").Problem("missing_key", "if needs the key \"then\"", "then: followed by a list of blocks"))
		return form{}, false
	}
	hint := "a block has one of: " + strings.Join(words, ", ")
	for _, e := range n.Entries() {
		if near := fault.Suggest(e.Key, words); near != "" && e.Key != "id" {
			k.add(document.UnknownKey(e, words))
			return form{}, false
		}
	}
	k.add(n.Problem("unknown_block", "this block says not what it does", hint))
	return form{}, false
}

// commonOf gives the keys that all blocks share.
func commonOf(raw any) common {
	switch r := raw.(type) {
	case *rawAction:
		return r.common
	case *rawIf:
		return r.common
	case *rawForEach:
		return r.common
	case *rawParallel:
		return r.common
	case *rawWait:
		return r.common
	case *rawQuestion:
		return r.common
	case *rawApproval:
		return r.common
	case *rawSet:
		return r.common
	case *rawFail:
		return r.common
	case *rawReturn:
		return r.common
	case *rawSwitch:
		return r.common
	case *rawWhile:
		return r.common
	case *rawTry:
		return r.common
	case *rawTakeBack:
		return r.common
	case *rawTransform:
		return r.common
	case *rawCall:
		return r.common
	}
	return common{}
}

// name gives the block its id: as written, or its kind and number.
func (k *compiler) name(d *draft, id *document.Node, counts map[Kind]int) {
	if id == nil {
		counts[d.block.Kind]++
		d.block.ID = fmt.Sprintf("%s%d", d.block.Kind, counts[d.block.Kind])
		return
	}
	d.block.Given = true
	d.block.ID = id.Scalar()
	switch {
	case id.Kind != document.Text || !ident.Name(id.Scalar()):
		k.add(id.Problem("bad_name", fmt.Sprintf("%q cannot be an id", id.Scalar()), "a small letter, then small letters, digits and _, at most 48"))
	case reserved(id.Scalar()):
		k.add(id.Problem("reserved", fmt.Sprintf("%q is a word of the expression language", id.Scalar()), "choose another id"))
	}
}

// claim takes the block's id; the second with it is a mistake.
func (k *compiler) claim(d *draft) {
	first, taken := k.byID[d.block.ID]
	if !taken {
		k.byID[d.block.ID] = d
		return
	}
	at := d.node
	if d.block.Given {
		at = commonOf(d.raw).ID
	} else if first.block.Given {
		at = commonOf(first.raw).ID
		k.add(at.Problem("duplicate_id", fmt.Sprintf("the id %q is also that of a block without one, in line %d", d.block.ID, d.block.Line), "choose another id"))
		return
	}
	k.add(at.Problem("duplicate_id", fmt.Sprintf("the id %q is taken in line %d", d.block.ID, first.block.Line), "ids are unique in a playbook"))
}

// armKeys are the keys of a block under which lists of blocks stand.
func armKeys(kind Kind) []string {
	switch kind {
	case KindIf:
		return []string{"then", "else"}
	case KindForEach, KindWhile:
		return []string{"do"}
	case KindSwitch:
		return []string{"default"}
	case KindTry:
		return []string{"try", "catch", "finally"}
	case KindAction, KindParallel, KindWait, KindQuestion, KindApproval, KindSet, KindFail, KindReturn, KindUndo, KindTransform, KindCall:
	}
	return nil
}

// armsOf reads the blocks inside a block, in the order of the document.
func (k *compiler) armsOf(d *draft, r reading, counts map[Kind]int) {
	for _, e := range d.node.Entries() {
		switch {
		case slices.Contains(armKeys(d.block.Kind), e.Key) && e.Value.Kind == document.List:
			k.arm(d, e.Key, e.Value, r, counts)
		case d.block.Kind == KindParallel && e.Key == "parallel":
			k.branches(d, e.Value, r, counts)
		case d.block.Kind == KindSwitch && e.Key == "cases":
			for i, c := range e.Value.Items() {
				if do := c.Get("do"); do != nil && do.Kind == document.List {
					k.arm(d, caseArm(i), do, r, counts)
				}
			}
		}
	}
}

func (k *compiler) arm(d *draft, name string, n *document.Node, r reading, counts map[Kind]int) {
	a := arm{name: name, node: n}
	a.blocks = k.draftList(n.Items(), reading{loop: r.loop}, counts)
	if len(n.Items()) == 0 && (d.block.Kind != KindSwitch || name == "default") { // a case may do nothing
		k.add(n.Problem("no_steps", name+" has no steps", "add one, or leave "+name+" away"))
	}
	d.arms = append(d.arms, a)
}

func (k *compiler) branches(d *draft, n *document.Node, r reading, counts map[Kind]int) {
	if n.Kind != document.Map || len(n.Entries()) == 0 {
		k.add(n.Problem("wrong_type", "parallel must be a map of named branches", "parallel: { first: [ … ], second: [ … ] }"))
		return
	}
	for _, e := range n.Entries() {
		switch {
		case !ident.Name(e.Key) || reserved(e.Key):
			k.add(e.KeyNode().Problem("bad_name", fmt.Sprintf("%q cannot name a branch", e.Key), "a small letter, then small letters, digits and _, at most 48"))
		case e.Value.Kind != document.List:
			k.add(e.Value.Problem("wrong_type", "a branch must be a list of blocks", ""))
		default:
			k.arm(d, e.Key, e.Value, r, counts)
		}
	}
}
