// Package layout says where each step stands in a picture of a playbook.
package layout

import (
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Picture is a playbook drawn from left to right: nodes with their places in
// pixels, and edges with the points they run through. It is the same for the same
// playbook, always.
type Picture struct {
	Nodes  []Node `json:"nodes"`
	Edges  []Edge `json:"edges"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Node is a step, or one of what is drawn besides: the start (path "@start") and
// points where ways meet ("@join1", …). Path names a node; inside a loop it is
// each[*] or turn[*] for every turn.
type Node struct {
	Path       string `json:"path"`
	ID         string `json:"id"`
	Kind       string `json:"kind"` // of the block; start, join
	Label      string `json:"label"`
	Detail     string `json:"detail"` // the second line: action, condition, time, …
	Action     string `json:"action"`
	Impact     string `json:"impact"`
	SideEffect bool   `json:"side_effect"` // gets the hatched foot
	MayFail    bool   `json:"may_fail"`    // on_error: continue
	X          int    `json:"x"`
	Y          int    `json:"y"`
	W          int    `json:"w"`
	H          int    `json:"h"`
	Parent     string `json:"parent"` // path of the frame (loop or try) it is drawn in, or ""
	Line       int    `json:"line"`
}

// Edge leads from one node to another. Kind is next, then, else,
// case, default, branch, try, catch, or each (from a frame to the first step inside
// it).
type Edge struct {
	From   string   `json:"from"`
	To     string   `json:"to"`
	Label  string   `json:"label"`
	Kind   string   `json:"kind"`
	Points [][2]int `json:"points"`
}

// The measures of pictures/README.md.
const (
	margin     = 16
	nodeHeight = 44
	foot       = 6  // the hatched foot below a node that changes other systems
	rowGap     = 24 // so that 68 px lie between rows
	columnGap  = 22
	labelGap   = 30 // more, where an edge carries a word
	laneHeight = 12 // of a way without steps
	joinSize   = 12
	pad        = 14 // inside the frame of a loop
	title      = 30 // above what is inside it
	least      = 96
	most       = 240
)

// Graph draws a playbook. It may be an unfinished one (playbook.Sketch).
func Graph(p *playbook.Playbook) Picture {
	d := &drawing{picture: Picture{Nodes: []Node{}, Edges: []Edge{}}}
	start := &leaf{node: Node{Path: "@start", ID: "@start", Kind: "start", Label: startLabel(p), Line: startLine(p)}}
	start.size()
	row := append(series{start}, d.series(p.Steps, "", "")...)
	s := row.measure()
	d.place(row, margin, margin+s.above, nil)
	d.picture.Width = s.width + 2*margin
	d.picture.Height = s.above + s.below + foot + 2*margin
	return d.picture
}

// startLabel says what starts it most of the time: alerts, else the clock, else a
// person.
func startLabel(p *playbook.Playbook) string {
	label := "Start"
	for _, t := range p.Triggers {
		switch {
		case t.Alert != nil:
			return "Alert"
		case t.Schedule != nil, t.At != nil:
			label = "Schedule"
		case t.Event != nil && label != "Schedule":
			label = "Event"
		case label == "Start":
			label = "Manual"
		}
	}
	return label
}

func startLine(p *playbook.Playbook) int {
	if len(p.Triggers) == 0 {
		return 0
	}
	return p.Triggers[0].Line
}
