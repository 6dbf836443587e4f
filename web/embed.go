// Package web carries the built web app inside the binary.
package web

import (
	"embed"
	"io/fs"
)

// dist holds what "npm run build" made. Only a placeholder is in git, so a
// binary built without that step still compiles; whoever serves the app tells
// the two apart by whether index.html is there.
//
//go:embed all:dist
var dist embed.FS

// Dist is the built app with index.html at its root. It holds nothing but a
// placeholder when the app was not built.
var Dist fs.FS = sub() //nolint:gochecknoglobals // embedded content is a constant

func sub() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only on an invalid path, and this one is fixed above.
		panic("web: " + err.Error())
	}
	return files
}
