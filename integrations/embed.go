// Package integrations carries the manifests of everything Tocsin can talk to.
package integrations

import "embed"

// FS holds <id>/manifest.yaml of each shipped integration.
//
//go:embed */manifest.yaml
var FS embed.FS
