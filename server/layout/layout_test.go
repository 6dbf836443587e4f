package layout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func wait(id string) *playbook.Block {
	return &playbook.Block{ID: id, Given: true, Kind: playbook.KindWait, Wait: &playbook.Wait{}}
}

// some draws a random list of blocks; used counts them, so that ids differ.
func some(t *rapid.T, depth int, used *int) []*playbook.Block {
	kinds := []string{"wait", "wait", "action", "fail"}
	if depth > 0 {
		kinds = append(kinds, "if", "if", "parallel", "parallel", "for_each", "switch", "while", "try", "try")
	}
	var out []*playbook.Block
	for range rapid.IntRange(1, 4).Draw(t, "blocks") {
		*used++
		b := wait(fmt.Sprintf("s%d", *used))
		b.Name = strings.Repeat("wide ", rapid.IntRange(0, 9).Draw(t, "name"))
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case "action":
			b.Kind, b.Wait = playbook.KindAction, nil
			b.Action = &playbook.Action{Ref: "edr.isolate_host", Action: &connector.Action{Impact: connector.Contain}}
		case "fail":
			b.Kind, b.Wait = playbook.KindFail, nil
		case "if":
			b.Kind, b.Wait = playbook.KindIf, nil
			b.Then = some(t, depth-1, used)
			if rapid.Bool().Draw(t, "else") {
				b.Else = some(t, depth-1, used)
			}
		case "parallel":
			b.Kind, b.Wait = playbook.KindParallel, nil
			b.Parallel = &playbook.Parallel{}
			for i := range rapid.IntRange(1, 5).Draw(t, "branches") {
				b.Parallel.Branches = append(b.Parallel.Branches, playbook.Branch{Name: fmt.Sprintf("b%d", i), Steps: some(t, depth-1, used)})
			}
			b.Parallel.WaitFor = rapid.IntRange(1, len(b.Parallel.Branches)).Draw(t, "wait_for")
		case "for_each":
			b.Kind, b.Wait = playbook.KindForEach, nil
			b.ForEach = &playbook.ForEach{As: "item", Limit: 10, Do: some(t, depth-1, used)}
		case "switch":
			b.Kind, b.Wait, b.Switch = playbook.KindSwitch, nil, &playbook.Switch{}
			for range rapid.IntRange(1, 4).Draw(t, "cases") {
				b.Switch.Cases = append(b.Switch.Cases, playbook.Way{Text: "a word", Do: some(t, depth-1, used)})
			}
			if rapid.Bool().Draw(t, "default") {
				b.Switch.Default = some(t, depth-1, used)
			}
		case "while":
			b.Kind, b.Wait, b.While = playbook.KindWhile, nil, &playbook.While{Limit: 9, Do: some(t, depth-1, used)}
		case "try":
			b.Kind, b.Wait, b.Try = playbook.KindTry, nil, &playbook.Try{Do: some(t, depth-1, used)}
			if rapid.Bool().Draw(t, "catch") {
				b.Try.Catch = some(t, depth-1, used)
			}
			if rapid.Bool().Draw(t, "finally") || len(b.Try.Catch) == 0 {
				b.Try.Finally = some(t, depth-1, used)
			}
		}
		out = append(out, b)
	}
	return out
}

func TestPicturesAreSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		used := 0
		p := &playbook.Playbook{Steps: some(t, 4, &used)}
		g := Graph(p)
		byPath := map[string]Node{}
		for _, n := range g.Nodes {
			if _, twice := byPath[n.Path]; twice {
				t.Fatalf("two nodes %s", n.Path)
			}
			byPath[n.Path] = n
			if n.X < 0 || n.Y < 0 || n.X+n.W > g.Width || n.Y+n.H > g.Height {
				t.Fatalf("%s lies outside the picture: %+v of %dx%d", n.Path, n, g.Width, g.Height)
			}
		}
		apart(t, g, byPath)
		for _, e := range g.Edges {
			connected(t, e, byPath)
		}
		if diff := cmp.Diff(g, Graph(p)); diff != "" {
			t.Fatal("drawn twice it is another picture", diff)
		}
	})
}

// apart says that no two nodes overlap unless one is the frame of the other.
func apart(t *rapid.T, g Picture, byPath map[string]Node) {
	t.Helper()
	within := func(n Node, frame string) bool {
		for n.Parent != "" {
			if n.Parent == frame {
				return true
			}
			n = byPath[n.Parent]
		}
		return false
	}
	for i, a := range g.Nodes {
		for _, b := range g.Nodes[i+1:] {
			overlap := a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
			switch {
			case within(b, a.Path):
				if b.X < a.X || b.Y < a.Y || b.X+b.W > a.X+a.W || b.Y+b.H > a.Y+a.H {
					t.Fatalf("%s leaves its frame %s", b.Path, a.Path)
				}
			case overlap && !within(a, b.Path):
				t.Fatalf("%+v overlaps %+v", a, b)
			}
		}
	}
}

// connected says that an edge begins and ends at its nodes, runs only to the
// right, up or down, and crosses no node.
func connected(t *rapid.T, e Edge, byPath map[string]Node) {
	t.Helper()
	from, ok1 := byPath[e.From]
	to, ok2 := byPath[e.To]
	if !ok1 || !ok2 {
		t.Fatalf("an edge from %s to %s, which is no node", e.From, e.To)
	}
	first, last := e.Points[0], e.Points[len(e.Points)-1]
	begin := from.X + from.W
	if e.Kind == "each" {
		begin = from.X
	}
	if first[0] != begin || first[1] < from.Y || first[1] > from.Y+from.H {
		t.Fatalf("%+v does not begin at %+v", e, from)
	}
	if last[0] != to.X || last[1] < to.Y || last[1] > to.Y+to.H {
		t.Fatalf("%+v does not end at %+v", e, to)
	}
	for i := 1; i < len(e.Points); i++ {
		a, b := e.Points[i-1], e.Points[i]
		if b[0] < a[0] || a[0] != b[0] && a[1] != b[1] {
			t.Fatalf("%+v runs back or aslant", e)
		}
		for _, n := range byPath {
			if n.Kind == "for_each" || n.Kind == "while" || n.Kind == "try" {
				continue
			}
			if min(a[0], b[0]) < n.X+n.W && max(a[0], b[0]) > n.X && min(a[1], b[1]) < n.Y+n.H && max(a[1], b[1]) > n.Y {
				t.Fatalf("%+v crosses %+v", e, n)
			}
		}
	}
}

func TestRowsAndColumnsHaveTheMeasuresOfThePictures(t *testing.T) {
	p := &playbook.Playbook{
		Triggers: []playbook.Trigger{{Alert: &playbook.AlertTrigger{}, Line: 2}},
		Steps: []*playbook.Block{
			{ID: "look", Kind: playbook.KindParallel, Parallel: &playbook.Parallel{WaitFor: 2, Branches: []playbook.Branch{
				{Name: "a", Steps: []*playbook.Block{wait("host")}}, {Name: "b", Steps: []*playbook.Block{wait("user")}},
			}}},
			wait("score"),
		},
	}
	g := Graph(p)
	at := map[string]Node{}
	for _, n := range g.Nodes {
		at[n.Path] = n
	}
	start, host, user, score := at["@start"], at["look/a/host"], at["look/b/user"], at["score"]
	got := []int{start.H, user.Y - host.Y, host.X - start.X - start.W, score.X - host.X - host.W, start.Y - host.Y, score.Y - start.Y}
	if diff := cmp.Diff([]int{44, 68, 22, 22, 34, 0}, got); diff != "" {
		t.Error(diff)
	}
	if start.Label != "Alert" || start.Line != 2 || host.Label != "Host" {
		t.Errorf("%+v %+v", start, host)
	}
	if len(g.Edges) != 4 {
		t.Errorf("%d edges", len(g.Edges))
	}
}

func TestFiveHundredStepsAreDrawnInSixtyMilliseconds(t *testing.T) {
	p := &playbook.Playbook{}
	for i := range 100 {
		b := &playbook.Block{ID: fmt.Sprintf("p%d", i), Kind: playbook.KindParallel, Parallel: &playbook.Parallel{WaitFor: 4}}
		for j := range 5 {
			b.Parallel.Branches = append(b.Parallel.Branches, playbook.Branch{Name: fmt.Sprintf("b%d", j), Steps: []*playbook.Block{wait(fmt.Sprintf("s%d_%d", i, j))}})
		}
		p.Steps = append(p.Steps, b)
	}
	best := time.Hour
	for range 5 {
		start := time.Now() //nolint:forbidigo // the test is about how long it takes
		if g := Graph(p); len(g.Nodes) != 601 {
			t.Fatalf("%d nodes", len(g.Nodes))
		}
		best = min(best, time.Since(start)) //nolint:forbidigo // the test is about how long it takes
	}
	if best > 60*time.Millisecond {
		t.Errorf("it took %s", best)
	}
}
