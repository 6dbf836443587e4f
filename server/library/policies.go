package library

import (
	"context"
	"maps"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// policies puts the workspace's policy tree in force when it has changed.
func (b *build) policies(ctx context.Context) error {
	fresh, tree := map[string]string{}, map[string][]byte{}
	for _, f := range b.files.policies {
		if _, stronger := tree[f.path]; !stronger {
			fresh[f.path], tree[f.path] = f.sha256, f.raw
		}
	}
	b.now.policyFiles = fresh
	if maps.Equal(fresh, b.before.policyFiles) {
		b.say(b.before.policyProblems...)
		b.now.policyProblems, b.now.policyCount = b.before.policyProblems, b.before.policyCount
		return nil
	}
	ps := b.o.Policies.Swap(ctx, tree)
	b.say(ps...)
	b.now.policyProblems, b.now.policyCount = ps, b.before.policyCount+1
	if fault.Broken(ps) && !b.before.loaded {
		return fault.New(fault.InvalidInput, "the workspace's policies cannot be used: %s", firstError(ps)).WithCode("policy_broken")
	}
	return nil
}

func firstError(ps []fault.Problem) string {
	for _, p := range ps {
		if p.Severity == fault.SeverityError {
			return p.File + ": " + p.Message
		}
	}
	return ""
}
