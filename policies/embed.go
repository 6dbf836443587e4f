// Package policies is the shipped rules: what may be done, what needs a person,
// what never happens.
package policies

import "embed"

// FS holds the modules with their tests, their values (data.yaml) and the
// schemas of what they are asked and what they may answer.
//
//go:embed data.yaml schemas/*.json */*.rego
var FS embed.FS
