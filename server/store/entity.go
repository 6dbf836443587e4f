package store

import (
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/alert"
)

// entity is one thing an alert is about.
type entity struct{ kind, value string }

// The bounds of what is indexed of one alert.
const (
	maxEntities    = 64
	maxEntityBytes = 256
	maxSearchBytes = 4 << 10
)

// entitiesOf gives what an alert is about, lower case, each once.
func entitiesOf(a alert.Alert) []entity {
	var out []entity
	add := func(kind, value string) {
		value = strings.ToLower(strings.TrimSpace(value))
		e := entity{kind, value}
		if value == "" || len(value) > maxEntityBytes || len(out) >= maxEntities || slices.Contains(out, e) {
			return
		}
		out = append(out, e)
	}
	for _, h := range a.Hosts {
		add("host", h.Name)
		add("ip", h.IP)
	}
	for _, u := range a.Users {
		add("user", u.Name)
	}
	for _, ip := range a.IPs {
		add("ip", ip)
	}
	for _, d := range a.Domains {
		add("domain", d)
	}
	for _, u := range a.URLs {
		add("url", u)
	}
	for _, m := range a.Mails {
		add("sender", m.From)
		add("message", m.MessageID)
	}
	for _, f := range a.Files {
		add("file", f.SHA256)
		add("file", f.SHA1)
		add("file", f.MD5)
	}
	return out
}

// searchText is what free text is looked for in: title, source id, entities.
func searchText(a alert.Alert) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(a.Title))
	b.WriteByte('\n')
	b.WriteString(strings.ToLower(a.SourceID))
	for _, e := range entitiesOf(a) {
		b.WriteByte('\n')
		b.WriteString(e.value)
	}
	for _, f := range a.Files {
		b.WriteByte('\n')
		b.WriteString(strings.ToLower(f.Name))
	}
	text := b.String()
	if len(text) > maxSearchBytes {
		text = strings.ToValidUTF8(text[:maxSearchBytes], "")
	}
	return text
}
