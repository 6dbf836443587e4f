package demo

import (
	"bytes"
	_ "embed" // the page and its style
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var styleText []byte

//nolint:gochecknoglobals // parsed once
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"when": func(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") + " UTC" },
}).Parse(pageText))

// policy lets the page load its own style and nothing else.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// view is what the page shows: newest first.
type view struct {
	Hosts    []*host
	Users    []*user
	Mails    []*mail
	Tickets  []*ticket
	Chat     []chatMessage
	Blocks   []*block
	Isolated int
	Open     int
	Off      int
	Moved    int
}

func (r *Range) page(w http.ResponseWriter, q *http.Request) {
	var out bytes.Buffer
	r.world.Lock()
	err := pageTemplate.Execute(&out, viewOf(&r.world.state))
	r.world.Unlock()
	if err != nil {
		r.log.ErrorContext(q.Context(), "the range's page could not be written", slog.Any("error", err))
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	r.static(w, "text/html; charset=utf-8", out.Bytes())
}

func (r *Range) style(w http.ResponseWriter, _ *http.Request) {
	r.static(w, "text/css; charset=utf-8", styleText)
}

func (r *Range) static(w http.ResponseWriter, kind string, raw []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if _, err := w.Write(raw); err != nil {
		r.log.Debug("a reader of the range went away", slog.Any("error", err))
	}
}

func viewOf(s *state) view {
	v := view{
		Hosts: s.Hosts, Users: s.Users, Mails: s.Mails,
		Tickets: slices.Clone(s.Tickets), Chat: slices.Clone(s.Chat), Blocks: slices.Clone(s.Blocks),
	}
	slices.Reverse(v.Tickets)
	slices.Reverse(v.Chat)
	slices.Reverse(v.Blocks)
	for _, h := range s.Hosts {
		v.Isolated += one(h.Isolated)
	}
	for _, t := range s.Tickets {
		v.Open += one(t.Status == "open")
	}
	for _, u := range s.Users {
		v.Off += one(!u.Enabled)
	}
	for _, m := range s.Mails {
		v.Moved += one(m.Folder == quarantine)
	}
	return v
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
