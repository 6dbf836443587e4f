package alert

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of texts, in bytes, and of lists. What is longer is cut: the payload
// keeps the whole.
const (
	maxName  = 512
	maxTitle = 1000
	maxURL   = 4 << 10
	maxLong  = 16 << 10
	maxList  = 256
)

// clean cuts a text at a letter's end and takes out NUL, which not every reader
// survives. All else stays: it is data.
func clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\x00", "\uFFFD")
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
		s = s[:len(s)-1]
	}
	return s
}

// text reads a field that is text. Numbers are written; null is not given.
func (r *reader) text(name string, limit int) string { return r.asText(r.given[name], name, limit) }

func (r *reader) asText(v any, name string, limit int) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return clean(v, limit)
	case bool, int64, float64:
		return clean(number(v), limit)
	}
	r.misfit(name)
	return ""
}

// misfit notes a field that is there and cannot be read.
func (r *reader) misfit(name string) {
	if !slices.Contains(r.unread, name) {
		r.unread = append(r.unread, name)
	}
}

func (r *reader) severity() Severity {
	switch v := r.given["severity"].(type) {
	case nil:
		if !r.m.generic {
			return r.lowest()
		}
		return Low
	case string:
		if s := Severity(strings.ToLower(strings.TrimSpace(v))); s.Rank() > 0 {
			return s
		}
	case int64:
		if v >= 1 && v <= int64(len(Severities)) {
			return Severities[v-1]
		}
	}
	r.misfit("severity")
	return Low
}

// lowest is the severity where the mapping names none, or could not read it.
func (r *reader) lowest() Severity {
	for _, f := range r.m.fields {
		if f.name == "severity" {
			r.misfit("severity")
		}
	}
	return Low
}

func (r *reader) whole(v any, name string) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case int64:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
		if !math.IsNaN(v) && math.Abs(v) < 1<<53 {
			return int64(math.Round(v))
		}
	}
	r.misfit(name)
	return 0
}

// moment reads RFC 3339 or Unix time in seconds or milliseconds.
func (r *reader) moment(name string) time.Time {
	switch v := r.given[name].(type) {
	case nil:
		return time.Time{}
	case string:
		if v == "" {
			return time.Time{}
		}
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil && within(at) {
			return at.UTC().Truncate(time.Microsecond)
		}
	case int64:
		if at := unix(v); within(at) {
			return at
		}
	case float64:
		if math.Abs(v) < 1<<53 {
			if at := unix(int64(v)); within(at) {
				return at
			}
		}
	}
	r.misfit(name)
	return time.Time{}
}

func unix(v int64) time.Time {
	const milliseconds = 100_000_000_000 // as seconds: the year 5138
	if v >= milliseconds {
		return time.UnixMilli(v).UTC()
	}
	return time.Unix(v, 0).UTC()
}

// within keeps to years that every store and format can write.
func within(at time.Time) bool { return at.Year() >= 1970 && at.Year() <= 9999 }

// list reads a field that is a list; a single value counts as a list of one.
func (r *reader) list(name string) []any {
	switch v := r.given[name].(type) {
	case nil:
		return nil
	case []any:
		return v[:min(len(v), maxList)]
	default:
		return []any{v}
	}
}

// texts reads a list of text, each once, without empty ones.
func (r *reader) texts(name string, limit int) []string {
	out := []string{}
	seen := map[string]bool{}
	for _, v := range r.list(name) {
		s := r.asText(v, name, limit)
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) lowered(name string) []string {
	out := r.texts(name, maxName)
	for i, s := range out {
		out[i] = strings.ToLower(strings.TrimSuffix(s, "."))
	}
	return out
}

// addresses writes IP addresses in one way, so that equal ones are equal.
func (r *reader) addresses(name string) []string {
	out := r.texts(name, maxName)
	for i, s := range out {
		out[i] = address(s)
	}
	return out
}

func address(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Unmap().String()
	}
	return s
}

// entity reads the fields of one element of a list; an element that is plain
// text is its name.
type entity struct {
	r    *reader
	list string
	of   map[string]any
}

func entities[T any](r *reader, list, name string, read func(e entity) T) []T {
	out := []T{}
	for _, v := range r.list(list) {
		switch v := v.(type) {
		case map[string]any:
			out = append(out, read(entity{r, list, v}))
		case string:
			out = append(out, read(entity{r, list, map[string]any{name: v}}))
		case nil:
		default:
			r.misfit(list)
		}
	}
	return out
}

func (e entity) text(name string, limit int) string { return e.r.asText(e.of[name], e.list, limit) }

func (e entity) whole(name string) int64 { return e.r.whole(e.of[name], e.list) }

func (e entity) hash(name string) string { return strings.ToLower(e.text(name, maxName)) }

func hosts(r *reader) []Host {
	return entities(r, "hosts", "name", func(e entity) Host {
		return Host{Name: e.text("name", maxName), IP: address(e.text("ip", maxName)), OS: e.text("os", maxName), ID: e.text("id", maxName)}
	})
}

func users(r *reader) []User {
	return entities(r, "users", "name", func(e entity) User {
		return User{Name: e.text("name", maxName), Domain: e.text("domain", maxName), Mail: e.text("mail", maxName), ID: e.text("id", maxName)}
	})
}

func mails(r *reader) []Mail {
	return entities(r, "mails", "from", func(e entity) Mail {
		to := reader{given: e.of}
		m := Mail{From: e.text("from", maxName), To: to.texts("to", maxName), Subject: e.text("subject", maxTitle), MessageID: e.text("message_id", maxName)}
		if len(to.unread) > 0 {
			r.misfit("mails")
		}
		return m
	})
}

func files(r *reader) []File {
	return entities(r, "files", "name", func(e entity) File {
		return File{
			Name: e.text("name", maxName), Path: e.text("path", maxURL), Size: max(0, e.whole("size")),
			MD5: e.hash("md5"), SHA1: e.hash("sha1"), SHA256: e.hash("sha256"),
		}
	})
}

func processes(r *reader) []Process {
	return entities(r, "processes", "name", func(e entity) Process {
		return Process{
			Name: e.text("name", maxName), Path: e.text("path", maxURL), PID: max(0, e.whole("pid")),
			CommandLine: e.text("command_line", maxLong), Parent: e.text("parent", maxName),
		}
	})
}
