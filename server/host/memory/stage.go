package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Connection is the case's own, or one for each integration in production.
func (p *play) Connection(name, integration string) (connector.Connection, error) {
	for _, c := range p.c.Given.Connections {
		if c.Integration == integration && (name == "" || c.Name == name) {
			env := c.Environment
			if env == "" {
				env = "production"
			}
			return connector.Connection{
				Name: c.Name, Integration: c.Integration, Environment: env, Tags: c.Tags, Idempotent: c.Idempotent,
				BaseURL: "https://" + c.Name + ".test",
			}, nil
		}
	}
	if len(p.c.Given.Connections) > 0 {
		return connector.Connection{}, fault.New(fault.Unavailable, "the case has no connection for %s", integration)
	}
	if name == "" {
		name = integration
	}
	return connector.Connection{Name: name, Integration: integration, Environment: "production", BaseURL: "https://" + name + ".test"}, nil
}

// Tags are those of the case's assets.
func (p *play) Tags(_, value string) (tags []string, owner string) {
	for _, a := range p.c.Given.Assets {
		for _, n := range append([]string{a.Name}, a.Aliases...) {
			if strings.EqualFold(n, value) {
				return a.Tags, a.Owner
			}
		}
	}
	return []string{}, ""
}

// Action finds an action.
func (p *play) Action(ref string) (*connector.Action, bool) { return p.cat.Action(ref) }

// Call answers as the case says, else with the manifest's example.
func (p *play) Call(_ context.Context, permit gate.Permit, c connector.Call) connector.Reply {
	digest, err := c.Sent()
	if err == nil {
		err = permit.Check(digest)
	}
	if err != nil {
		return connector.Reply{Did: connector.DidNothing, Err: err}
	}
	ref := c.Action.Ref()
	p.calls = append(p.calls, called{ref, c.Connection.Name, c.Params})
	r, ok := p.reply(ref)
	switch {
	case !ok:
		return connector.Reply{Did: connector.DidDone, Output: c.Action.ExampleOutput}
	case r.Error != nil:
		return failing(r.Error)
	}
	out := plain(r.Output)
	if places := c.Action.CheckOutput(out); len(places) > 0 {
		p.fail("replies."+ref, "an output that fits the action's schema", places[0].At+": "+places[0].Message)
	}
	return connector.Reply{Did: connector.DidDone, Output: out}
}

// reply gives the next scripted reply; a single one stands for every call.
func (p *play) reply(ref string) (playbook.TestReply, bool) {
	list := p.c.Replies[ref]
	n := p.used[ref]
	p.used[ref]++
	switch {
	case len(list) == 1:
		return list[0], true
	case n < len(list):
		return list[n], true
	}
	return playbook.TestReply{}, false
}

func failing(e *playbook.TestError) connector.Reply {
	message := e.Message
	if message == "" {
		message = "the test says so"
	}
	did := connector.DidNothing
	if e.Kind == string(fault.Timeout) {
		did = connector.DidUnknown
	}
	if e.Did != "" {
		did = connector.Did(e.Did)
	}
	return connector.Reply{Did: did, Err: fault.New(fault.Kind(e.Kind), "%s", message)}
}

// plain turns what the test file holds into JSON's plain types.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	}
	return v
}

// like says where got differs from want: a map may hold more, "*" is any value.
func like(at string, want, got any) (where string, ok bool) {
	switch w := plain(want).(type) {
	case string:
		return at, w == "*" || w == got
	case map[string]any:
		return likeMap(at, w, got)
	case []any:
		return likeList(at, w, got)
	case int64:
		return at, sameNumber(float64(w), got)
	case float64:
		return at, sameNumber(w, got)
	default:
		return at, want == got
	}
}

func likeMap(at string, want map[string]any, got any) (where string, ok bool) {
	g, isMap := got.(map[string]any)
	if !isMap {
		return at, false
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		v, has := g[k]
		if !has {
			return at + "." + k, false
		}
		if where, ok := like(at+"."+k, want[k], v); !ok {
			return where, false
		}
	}
	return "", true
}

func likeList(at string, want []any, got any) (where string, ok bool) {
	g, isList := got.([]any)
	if !isList || len(g) != len(want) {
		return at, false
	}
	for i, e := range want {
		if where, ok := like(fmt.Sprintf("%s[%d]", at, i), e, g[i]); !ok {
			return where, false
		}
	}
	return "", true
}

func sameNumber(want float64, got any) bool {
	switch g := got.(type) {
	case int64:
		return want == float64(g)
	case float64:
		return want == g
	}
	return false
}
