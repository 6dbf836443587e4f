package httpapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// nonceMark stands in index.html where the nonce of the answer goes.
const nonceMark = "__NONCE__"

// pages is the web app, read once.
type pages struct {
	index string // "" where the app was not built
	files map[string]file
}

// file is one file with its packed forms.
type file struct {
	kind     string
	etag     string
	raw      []byte
	br, gzip []byte
}

// readPages reads the built app; files that end in .br and .gz are the packed
// forms of their neighbours.
func readPages(app fs.FS) (*pages, error) {
	p := &pages{files: map[string]file{}}
	if app == nil {
		return p, nil
	}
	err := fs.WalkDir(app, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		raw, err := fs.ReadFile(app, name)
		if err != nil {
			return fmt.Errorf("read %s of the app: %w", name, err)
		}
		p.put(name, raw)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the app: %w", err)
	}
	return p, nil
}

func (p *pages) put(name string, raw []byte) {
	base, br := strings.CutSuffix(name, ".br")
	base, gz := strings.CutSuffix(base, ".gz")
	f := p.files["/"+base]
	switch {
	case name == "index.html":
		p.index = string(raw)
		return
	case base == "index.html": // holds the mark, not a nonce
		return
	case br:
		f.br = raw
	case gz:
		f.gzip = raw
	default:
		f.raw, f.kind, f.etag = raw, kindOf(name), `"`+ident.Sum(raw)[:32]+`"`
	}
	p.files["/"+base] = f
}

// kindOf gives the type by the name, from a list of our own: the machine's
// tables differ.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".json", ".webmanifest":
		return "application/json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// policy is what a page may do. The styles' nonce is new for each answer.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
}

// page answers with a file of the app, or with its first page for every address
// that the app itself knows.
func (s *Server) page(c *fiber.Ctx) error {
	name := c.Path()
	if f, ok := s.pages.files[name]; ok && f.raw != nil {
		return f.send(c)
	}
	if strings.Contains(name, ".") {
		return notFound()
	}
	c.Context().SetUserValue(localRoute, "app")
	text := s.pages.index
	if text == "" {
		text = unbuilt
	}
	var raw [16]byte
	s.d.Random(raw[:])
	nonce := base64.RawURLEncoding.EncodeToString(raw[:])
	c.Set(fiber.HeaderContentSecurityPolicy, policy(nonce))
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	return c.Status(http.StatusOK).SendString(strings.ReplaceAll(text, nonceMark, nonce)) //nolint:wrapcheck // never fails
}

func (f file) send(c *fiber.Ctx) error {
	c.Context().SetUserValue(localRoute, "asset")
	c.Set(fiber.HeaderContentType, f.kind)
	c.Set(fiber.HeaderETag, f.etag)
	c.Set(fiber.HeaderVary, "Accept-Encoding")
	cache := "no-cache"
	if strings.HasPrefix(c.Path(), "/assets/") { // named by their content
		cache = "public, max-age=31536000, immutable"
	}
	c.Set(fiber.HeaderCacheControl, cache)
	if c.Get(fiber.HeaderIfNoneMatch) == f.etag {
		c.Status(http.StatusNotModified)
		return nil
	}
	body := f.raw
	accept := c.Get(fiber.HeaderAcceptEncoding)
	switch {
	case f.br != nil && accepts(accept, "br"):
		c.Set(fiber.HeaderContentEncoding, "br")
		body = f.br
	case f.gzip != nil && accepts(accept, "gzip"):
		c.Set(fiber.HeaderContentEncoding, "gzip")
		body = f.gzip
	}
	return c.Status(http.StatusOK).Send(body) //nolint:wrapcheck // never fails
}

// accepts says whether an Accept-Encoding names the coding, not with q=0.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

// unbuilt is what a binary without the app shows.
const unbuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tocsin</title>
<style nonce="` + nonceMark + `">body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}code{font-family:ui-monospace,monospace}</style></head>
<body><h1>The web app is not in this binary</h1>
<p>The server runs and answers its API; the app was not built with it. Build both with</p>
<p><code>make build</code></p>
<p>and start <code>bin/tocsin serve</code> again. What the API offers stands in <a href="/openapi.json">/openapi.json</a>.</p>
</body></html>
`
