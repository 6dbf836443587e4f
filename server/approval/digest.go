package approval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// Preimage is what a digest is made of (governance.md, Approvals). What does
// not apply is nil.
type Preimage struct {
	Kind              Kind
	Instance          string
	Run               any // text or nil
	Step              any
	Occurrence        any // int64 or nil
	PlaybookSHA256    any
	Action            any
	ActionSHA256      any
	Connection        any
	BaseURL           any
	CredentialVersion any // int64 or nil
	Params            map[string]any
	Targets           []Target
	Impact            any
	LeaseSeconds      any // int64 or nil
}

// Digest gives "sha256:" and the hex SHA-256 of the canonical form, and that
// form itself. Parameters with numbers outside ±2^53 are refused.
func (p Preimage) Digest() (digest, preimage string, err error) {
	targets, err := sortedTargets(p.Targets)
	if err != nil {
		return "", "", err
	}
	params := any(p.Params)
	if p.Params == nil {
		params = map[string]any{}
	}
	raw, err := ident.Canonical(map[string]any{
		"v": 1, "kind": string(p.Kind), "instance": p.Instance, "run": p.Run, "step": p.Step,
		"occurrence": p.Occurrence, "playbook_sha256": p.PlaybookSHA256, "action": p.Action,
		"action_sha256": p.ActionSHA256, "connection": p.Connection, "base_url": p.BaseURL,
		"credential_version": p.CredentialVersion, "params": params, "targets": targets,
		"impact": p.Impact, "lease_seconds": p.LeaseSeconds,
	})
	if err != nil {
		return "", "", fmt.Errorf("digest of an action: %w", err)
	}
	return "sha256:" + ident.Sum(raw), string(raw), nil
}

// sortedTargets gives {kind, value} of each, sorted by canonical bytes.
func sortedTargets(ts []Target) ([]any, error) {
	type pair struct {
		raw string
		v   any
	}
	pairs := make([]pair, len(ts))
	for i, t := range ts {
		v := map[string]any{"kind": t.Kind, "value": t.Value}
		raw, err := ident.Canonical(v)
		if err != nil {
			return nil, fmt.Errorf("a target: %w", err)
		}
		pairs[i] = pair{string(raw), v}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.raw, b.raw) })
	out := make([]any, len(pairs))
	for i, p := range pairs {
		out[i] = p.v
	}
	return out, nil
}
