package opa

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// calendar is data.config.hours, read.
type calendar struct {
	zone     *time.Location
	days     []string
	from, to int // minutes of the day
	holidays []string
}

// settings reads the shipped values and puts those of a workspace over them:
// maps are joined, anything else is replaced.
func settings(shipped, workspace *tree) (map[string]any, []fault.Problem) {
	base, problems := values(shipped)
	if len(problems) > 0 || workspace == nil || workspace.dataPath == "" {
		return base, problems
	}
	root, problems := document.Parse(workspace.dataPath, workspace.data)
	if blank(workspace.data) {
		return base, nil
	}
	if root == nil || fault.Broken(problems) {
		return base, problems
	}
	if root.Kind != document.Map {
		return base, append(problems, root.Problem("type", "data.yaml holds a map", "as in: limits: { contain: { per_run: 20 } }"))
	}
	problems = append(problems, unknownKeys(root, books()[schemaConfig].root)...)
	if fault.Broken(problems) {
		return base, problems
	}
	over, _ := root.Plain().(map[string]any)
	merged := join(base, over)
	if why := whyNot(books()[schemaConfig].root, merged); why != "" {
		at := placeOf(root, why)
		return base, append(problems, at.Problem("value", "data.config"+strings.Replace(why, ":", " is wrong:", 1), "see /schemas/"+schemaConfig+".json"))
	}
	return merged, problems
}

// blank says whether a file of values holds comments only: it changes nothing.
func blank(src []byte) bool {
	for line := range strings.Lines(string(src)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

func values(t *tree) (map[string]any, []fault.Problem) {
	root, problems := document.Parse(t.dataPath, t.data)
	if root == nil || fault.Broken(problems) {
		return nil, problems
	}
	v, ok := root.Plain().(map[string]any)
	if !ok {
		return nil, []fault.Problem{wrong(t.dataPath, 1, 1, "type", "data.yaml holds a map", "")}
	}
	if why := whyNot(books()[schemaConfig].root, v); why != "" {
		return nil, []fault.Problem{wrong(t.dataPath, 1, 1, "value", why, "")}
	}
	return v, nil
}

// unknownKeys names each key that the values do not have, with the nearest.
func unknownKeys(n *document.Node, at *node) []fault.Problem {
	var out []fault.Problem
	if n.Kind != document.Map || at == nil || at.fields == nil {
		return nil
	}
	for _, e := range n.Entries() {
		sub, ok := at.fields[e.Key]
		if !ok {
			out = append(out, document.UnknownKey(e, at.known()))
			continue
		}
		out = append(out, unknownKeys(e.Value, sub)...)
	}
	return out
}

// placeOf finds the node of the document that a misfit names, or the nearest above.
func placeOf(root *document.Node, why string) *document.Node {
	path, _, _ := strings.Cut(why, ":")
	at := root
	for key := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		next := at.Get(key)
		if next == nil {
			break
		}
		at = next
	}
	return at
}

func join(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for k, v := range over {
		was, isMap := out[k].(map[string]any)
		now, alsoMap := v.(map[string]any)
		if isMap && alsoMap {
			out[k] = join(was, now)
		} else {
			out[k] = v
		}
	}
	return out
}

func textList(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// readCalendar reads the hours of checked values.
func readCalendar(config map[string]any) (calendar, error) {
	h, _ := config["hours"].(map[string]any)
	name, _ := h["timezone"].(string)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return calendar{}, fmt.Errorf("the time zone database has no %q", name)
	}
	from, _ := h["from"].(string)
	to, _ := h["to"].(string)
	c := calendar{zone: zone, days: textList(h["days"]), holidays: textList(h["holidays"]), from: minutes(from), to: minutes(to)}
	for _, d := range c.holidays {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			return calendar{}, fmt.Errorf("a holiday is a date like 2026-12-25: %w", err)
		}
	}
	return c, nil
}

func minutes(clock string) int {
	var h, m int
	if _, err := fmt.Sscanf(clock, "%d:%d", &h, &m); err != nil {
		return 0
	}
	return h*60 + m
}

// moment tells a time in the words of the calendar. Hours that end before they
// begin go over midnight and belong to the day they began on.
func (c calendar) moment(at time.Time) gate.Now {
	local := at.In(c.zone)
	minute := local.Hour()*60 + local.Minute()
	return gate.Now{
		Time: at.UTC().Format(time.RFC3339), Weekday: weekday(local), Hour: int64(local.Hour()),
		Business: c.works(local, minute),
	}
}

func (c calendar) works(local time.Time, minute int) bool {
	if c.from <= c.to {
		return minute >= c.from && minute < c.to && c.day(local)
	}
	if minute >= c.from {
		return c.day(local)
	}
	return minute < c.to && c.day(local.AddDate(0, 0, -1))
}

func (c calendar) day(local time.Time) bool {
	return slices.Contains(c.days, weekday(local)) && !slices.Contains(c.holidays, local.Format(time.DateOnly))
}

func weekday(t time.Time) string { return strings.ToLower(t.Weekday().String()) }
