// Package playbooks is the shipped playbooks: what a team can run on its first day
// and read to write its own.
package playbooks

import "embed"

// FS holds <category>/<name>.yaml with their tests and recorded alerts.
//
//go:embed */*.yaml */testdata
var FS embed.FS
