package layout

import (
	"cmp"
	"slices"
)

// drawing is a picture on its way.
type drawing struct {
	picture Picture
	joins   int
}

// port is where a way leaves a node, or runs on past one: its next edge begins
// there.
type port struct {
	from   string
	label  string
	kind   string
	points [][2]int // so far; the last one is where it goes on
}

func (p port) at() [2]int { return p.points[len(p.points)-1] }

// place draws a row that begins at x with its middle line at y, and leads the
// ways in to it. It gives the ways out.
func (d *drawing) place(s series, x, y int, in []port) []port {
	for i, p := range s {
		if i > 0 {
			x += columnGap
		}
		e := p.measure()
		switch p := p.(type) {
		case *leaf:
			in = d.leaf(p, x, y, in)
		case *fork:
			in = d.fork(p, x, y, in)
		case *frame:
			in = d.frame(p, x, y, e, in)
		}
		x += e.width
	}
	return in
}

func (d *drawing) leaf(l *leaf, x, y int, in []port) []port {
	n := l.node
	n.X, n.Y = x, y-nodeHeight/2
	if n.Kind == "join" {
		n.Y = y - joinSize/2
	}
	d.picture.Nodes = append(d.picture.Nodes, n)
	d.lead(in, n.Path, x, y)
	if l.ends {
		return nil
	}
	return []port{{from: n.Path, kind: "next", points: [][2]int{{x + n.W, y}}}}
}

// lead draws the edges of ports to a node at x, y: straight on to the gap before
// it, then up or down, then in.
func (d *drawing) lead(in []port, to string, x, y int) {
	for _, p := range in {
		points := p.points
		if at := p.at(); at[1] != y {
			bend := x - columnGap/2
			points = append(slices.Clip(points), [2]int{bend, at[1]}, [2]int{bend, y})
		}
		points = append(slices.Clip(points), [2]int{x, y})
		d.picture.Edges = append(d.picture.Edges, Edge{From: p.from, To: to, Label: p.label, Kind: p.kind, Points: points})
	}
}

// fork draws rows under each other.
func (d *drawing) fork(f *fork, x, y int, in []port) []port {
	turn := 0
	if f.head != nil {
		in = d.leaf(f.head, x, y, in)
		x += f.head.node.W
		turn = x + columnGap/2
		x += f.lead()
	}
	stack := f.stack()
	top := y - stack.above
	var out []port
	for i, r := range f.rows {
		e := r.extent()
		if i > 0 {
			top += rowGap
		}
		middle := top + e.above
		ways := make([]port, 0, len(in))
		for _, p := range in {
			ways = append(ways, p.into(r, turn, middle))
		}
		out = append(out, d.place(r.steps, x, middle, ways)...)
		top += e.above + e.below
	}
	if f.join != nil {
		return d.leaf(f.join, x+stack.width+columnGap, y, out)
	}
	return out
}

// into is the way into a row: behind an if it turns at once, so that there is
// room for its word.
func (p port) into(r lane, turn, middle int) port {
	out := port{from: p.from, kind: r.kind, label: r.label, points: p.points}
	if p.kind != "next" && turn == 0 {
		out.kind, out.label = p.kind, cmp.Or(r.label, p.label) // parallel at once behind an if or inside a loop
	}
	if turn > 0 {
		out.points = append(slices.Clip(out.points), [2]int{turn, p.at()[1]})
		if p.at()[1] != middle {
			out.points = append(out.points, [2]int{turn, middle})
		}
	}
	return out
}

// frame draws a loop's box and what is inside it.
func (d *drawing) frame(f *frame, x, y int, e extent, in []port) []port {
	n := f.node
	n.X, n.Y, n.W, n.H = x, y-e.above, e.width, e.above+e.below
	d.picture.Nodes = append(d.picture.Nodes, n)
	d.lead(in, n.Path, x, y)
	d.place(f.inner, x+pad, y, []port{{from: n.Path, kind: "each", points: [][2]int{{x, y}}}})
	return []port{{from: n.Path, kind: "next", points: [][2]int{{x + n.W, y}}}}
}
