package layout

import (
	"strconv"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/playbook"
)

// extent is how much room something takes around its middle line.
type extent struct{ width, above, below int }

// part is one element of a row.
type part interface {
	measure() extent
}

// series is a row of parts, one behind the other.
type series []part

// leaf is a single node.
type leaf struct {
	node Node
	ends bool // nothing follows it: fail, return
}

// fork is rows above each other that begin and end together.
type fork struct {
	head *leaf // the if's node; nil for parallel
	rows []lane
	join *leaf // drawn where the ways meet, where not all are waited for
}

// lane is one row of a fork; empty steps are a way that only leads past.
type lane struct {
	label string
	kind  string
	steps series
}

// frame is a loop's box with what is done in each turn.
type frame struct {
	node  Node
	inner series
}

// size gives a node its width, after its words, and its height.
func (l *leaf) size() {
	l.node.W = max(least, min(most, 44+max(textWidth(l.node.Label, 72), textWidth(l.node.Detail, 66))))
	l.node.H = nodeHeight
	if l.node.SideEffect {
		l.node.H += foot
	}
}

// textWidth guesses the width of a text from a tenth of a pixel per character.
func textWidth(text string, tenths int) int { return utf8.RuneCountInString(text) * tenths / 10 }

func (l *leaf) measure() extent {
	if l.node.Kind == "join" {
		return extent{joinSize, joinSize / 2, joinSize / 2}
	}
	return extent{l.node.W, nodeHeight / 2, nodeHeight / 2}
}

func (s series) measure() extent {
	var out extent
	for i, p := range s {
		e := p.measure()
		if i > 0 {
			out.width += columnGap
		}
		out.width += e.width
		out.above, out.below = max(out.above, e.above), max(out.below, e.below)
	}
	return out
}

func (f *fork) lead() int {
	for _, r := range f.rows {
		if r.label != "" {
			return columnGap + labelGap
		}
	}
	return columnGap
}

func (f *fork) measure() extent {
	out := f.stack()
	if f.head != nil {
		h := f.head.measure()
		out = extent{h.width + f.lead() + out.width, max(h.above, out.above), max(h.below, out.below)}
	}
	if f.join != nil {
		out.width += columnGap + joinSize
	}
	return out
}

// stack measures the rows; their middle line lies between the first and the last.
func (f *fork) stack() extent {
	width, height, first, last := 0, 0, 0, 0
	for i, r := range f.rows {
		e := r.extent()
		width = max(width, e.width)
		if i == 0 {
			first = e.above
		} else {
			height += rowGap
		}
		last = height + e.above
		height += e.above + e.below
	}
	middle := (first + last) / 2
	return extent{width, middle, height - middle}
}

func (r lane) extent() extent {
	if len(r.steps) == 0 {
		return extent{0, laneHeight / 2, laneHeight / 2}
	}
	return r.steps.measure()
}

func (f *frame) measure() extent {
	e := f.inner.measure()
	width := max(e.width+2*pad, f.node.W)
	return extent{width, e.above + title, e.below + pad}
}

// series turns blocks into a row. prefix is the path so far, parent the loop.
// Where many ways would lead to many rows they meet in a point first.
func (d *drawing) series(blocks []*playbook.Block, prefix, parent string) series {
	var out series
	many := false
	for _, b := range blocks {
		p := d.part(b, prefix, parent)
		f, forks := p.(*fork)
		if many && forks && f.head == nil {
			out = append(out, d.meeting(parent, b.Line, ""))
		}
		many = forks && f.join == nil
		out = append(out, p)
	}
	return out
}

func (d *drawing) part(b *playbook.Block, prefix, parent string) part {
	path := join(prefix, b.ID)
	n := node(b, path, parent)
	switch b.Kind {
	case playbook.KindIf:
		head := &leaf{node: n}
		head.size()
		f := &fork{head: head, rows: []lane{
			{"yes", "then", d.series(b.Then, path, parent)},
			{"no", "else", d.series(b.Else, path, parent)},
		}}
		align(f.rows)
		return f
	case playbook.KindParallel:
		return d.parallel(b, path, parent)
	case playbook.KindSwitch:
		return d.cases(b, n, path, parent)
	case playbook.KindForEach:
		return framed(n, d.series(b.ForEach.Do, path+"/each[*]", path))
	case playbook.KindWhile:
		return framed(n, d.series(b.While.Do, path+"/turn[*]", path))
	case playbook.KindTry:
		return d.try(b, n, path)
	case playbook.KindAction, playbook.KindWait, playbook.KindQuestion, playbook.KindApproval,
		playbook.KindSet, playbook.KindFail, playbook.KindReturn, playbook.KindUndo, playbook.KindTransform, playbook.KindCall:
	}
	l := &leaf{node: n, ends: (b.Kind == playbook.KindFail || b.Kind == playbook.KindReturn) && b.If == nil && b.OnError != "continue"}
	l.size()
	return l
}

func framed(n Node, inner series) *frame {
	l := leaf{node: n}
	l.size()
	return &frame{node: l.node, inner: inner}
}

// cases draws a switch: a row for each way, the default last.
func (d *drawing) cases(b *playbook.Block, n Node, path, parent string) part {
	head := &leaf{node: n}
	head.size()
	f := &fork{head: head}
	for _, c := range b.Switch.Cases {
		f.rows = append(f.rows, lane{short(c.Text), "case", d.series(c.Do, path, parent)})
	}
	f.rows = append(f.rows, lane{"else", "default", d.series(b.Switch.Default, path, parent)})
	align(f.rows)
	return f
}

// try draws a frame with what is tried, what is done on failure below it, and behind
// them what is done in every case.
func (d *drawing) try(b *playbook.Block, n Node, path string) part {
	var inner series
	if len(b.Try.Catch) == 0 {
		inner = d.series(b.Try.Do, path, path)
	} else {
		f := &fork{rows: []lane{
			{"", "try", d.series(b.Try.Do, path, path)},
			{"on failure", "catch", d.series(b.Try.Catch, path, path)},
		}}
		align(f.rows)
		inner = series{f}
		if last := b.Try.Finally; len(last) > 0 && forks(last[0]) {
			inner = append(inner, d.meeting(path, b.Line, ""))
		}
	}
	return framed(n, append(inner, d.series(b.Try.Finally, path, path)...))
}

// forks says whether a block begins with several ways at once.
func forks(b *playbook.Block) bool { return b.Kind == playbook.KindParallel }

func (d *drawing) parallel(b *playbook.Block, path, parent string) part {
	f := &fork{}
	for _, br := range b.Parallel.Branches {
		f.rows = append(f.rows, lane{"", "branch", d.series(br.Steps, join(path, br.Name), parent)})
	}
	align(f.rows)
	if n := len(f.rows); b.Parallel.WaitFor < n {
		f.join = d.meeting(parent, b.Line, strconv.Itoa(b.Parallel.WaitFor)+" of "+strconv.Itoa(n))
	}
	return f
}

// meeting makes a point where ways meet.
func (d *drawing) meeting(parent string, line int, label string) *leaf {
	d.joins++
	path := "@join" + strconv.Itoa(d.joins)
	return &leaf{node: Node{Path: path, ID: path, Kind: "join", Label: label, W: joinSize, H: joinSize, Parent: parent, Line: line}}
}

// align makes the columns of rows equally wide, as far as single nodes stand in
// them.
func align(rows []lane) {
	widths := []int{}
	for _, r := range rows {
		for i, p := range r.steps {
			l, single := p.(*leaf)
			if !single {
				break
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], l.node.W)
		}
	}
	for _, r := range rows {
		for i, p := range r.steps {
			l, single := p.(*leaf)
			if !single {
				break
			}
			l.node.W = widths[i]
		}
	}
}

func join(prefix, id string) string {
	if prefix == "" {
		return id
	}
	return prefix + "/" + id
}
