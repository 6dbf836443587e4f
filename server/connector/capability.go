package connector

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Capability is a typed contract that actions of several integrations fulfil
// (integrations.md): a playbook written on it runs on whichever product is there.
type Capability struct {
	Impact  Impact
	Inverse string   // the capability that undoes it, or ""
	Input   []string // parameters that every action which implements it takes
	Output  []string // parts that its output always has
}

// Capabilities are the known ones by name.
var Capabilities = map[string]Capability{ //nolint:gochecknoglobals // a constant table
	"ticket.create":            {Impact: Write, Inverse: "ticket.close", Output: []string{"key"}},
	"ticket.get":               {Impact: Read, Input: []string{"key"}},
	"ticket.search":            {Impact: Read},
	"ticket.comment":           {Impact: Write, Input: []string{"key"}},
	"ticket.close":             {Impact: Write, Input: []string{"key"}},
	"edr.get_host":             {Impact: Read, Input: []string{"host"}},
	"edr.list_processes":       {Impact: Read, Input: []string{"host"}},
	"edr.isolate_host":         {Impact: Contain, Inverse: "edr.release_host", Input: []string{"host"}},
	"edr.release_host":         {Impact: Release, Input: []string{"host"}},
	"identity.get_user":        {Impact: Read, Input: []string{"user"}},
	"identity.disable_user":    {Impact: Contain, Inverse: "identity.enable_user", Input: []string{"user"}},
	"identity.enable_user":     {Impact: Release, Input: []string{"user"}},
	"firewall.block_address":   {Impact: Contain, Inverse: "firewall.unblock_address", Input: []string{"address"}},
	"firewall.unblock_address": {Impact: Release, Input: []string{"address"}},
	"mail.search":              {Impact: Read},
	"mail.purge":               {Impact: Contain},
	"mail.restore":             {Impact: Release},
	"chat.post":                {Impact: Write, Input: []string{"channel", "text"}},
	"siem.search":              {Impact: Read, Input: []string{"query"}},
	"edr.kill_process":         {Impact: Contain, Input: []string{"host", "pid"}},
	"identity.revoke_sessions": {Impact: Contain, Input: []string{"user"}},
	"file.reputation":          {Impact: Read, Input: []string{"sha256"}},
	"address.reputation":       {Impact: Read, Input: []string{"address"}},
	"domain.reputation":        {Impact: Read, Input: []string{"domain"}},
	"url.reputation":           {Impact: Read, Input: []string{"url"}},
}

var capabilityName = regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z][a-z0-9_]*$`)

// implements checks an action against the capability it claims.
func (p *parser) implements(a *parsed) {
	n := a.file.Implements
	if n == nil {
		return
	}
	name := n.Scalar()
	c, known := Capabilities[name]
	switch {
	case n.Kind != document.Text || !capabilityName.MatchString(name):
		p.say(n.Problem("bad_value", "a capability is written area.verb_thing", "edr.isolate_host"))
		return
	case !known:
		hint := "what it promises is not checked"
		if near := fault.Suggest(name, slices.Sorted(maps.Keys(Capabilities))); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.say(n.Warning("unknown_capability", name+" is not one of the known capabilities", hint))
	case c.Impact != a.action.Impact:
		p.say(n.Problem("capability", fmt.Sprintf("%s has the impact %s", name, c.Impact), ""))
	}
	a.action.Implements = name
	for _, in := range c.Input {
		if property(a.action.Input, in) == nil {
			p.say(n.Problem("capability", fmt.Sprintf("%s takes the input %q", name, in), ""))
		}
	}
	for _, out := range c.Output {
		if property(a.action.Output, out) == nil {
			p.say(n.Problem("capability", fmt.Sprintf("%s gives the output %q", name, out), ""))
		}
	}
}

// inverseFits checks that the inverse of a capability implements its inverse.
func (p *parser) inverseFits(a *parsed, other *Action, n *document.Node) {
	c, known := Capabilities[a.action.Implements]
	if known && c.Inverse != "" && other.Implements != c.Inverse {
		p.say(n.Problem("capability", fmt.Sprintf("%s is undone by an action that implements %s", a.action.Implements, c.Inverse), ""))
	}
}
