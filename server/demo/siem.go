package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	defaultHits = 50
	maxHits     = 500
	maxTerms    = 20
)

// term is one condition of a query. Without a field it is looked for in all.
type term struct{ field, value string }

// searchEvents answers a query in a small part of Lucene's language: terms
// (field:value, field:"two words", word, "two words", *) joined by AND.
func searchEvents(s *state, q request) (any, error) {
	var in struct {
		Query string `json:"query"`
		From  string `json:"from"` // RFC 3339, or nothing
		To    string `json:"to"`
		Size  int    `json:"size"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	if in.Size == 0 {
		in.Size = defaultHits
	}
	if in.Size < 1 || in.Size > maxHits {
		return nil, refuse(http.StatusBadRequest, "bad_request", "size is 1 to 500")
	}
	terms, err := parseQuery(in.Query)
	if err != nil {
		return nil, err
	}
	from, err := moment(in.From, time.Time{})
	if err != nil {
		return nil, err
	}
	to, err := moment(in.To, q.now.Add(time.Nanosecond))
	if err != nil {
		return nil, err
	}
	hits, total := []event{}, 0
	for _, e := range events(s.Base) {
		if e.Time.Before(from) || !e.Time.Before(to) || !fits(e, terms) {
			continue
		}
		if total++; len(hits) < in.Size {
			hits = append(hits, e)
		}
	}
	return map[string]any{"total": total, "hits": hits, "took_ms": 1}, nil
}

// moment reads an end of the time searched; nothing means the given one.
func moment(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, badQuery("from and to are RFC 3339 times")
	}
	return at, nil
}

func fits(e event, terms []term) bool {
	values := e.values()
	for _, t := range terms {
		want := strings.ToLower(t.value)
		if t.field != "" && strings.ToLower(values[t.field]) != want {
			return false
		}
		anywhere := func(name string) bool { return strings.Contains(strings.ToLower(values[name]), want) }
		if t.field == "" && !slices.ContainsFunc(fields, anywhere) {
			return false
		}
	}
	return true
}

// parseQuery reads a query; what it does not know it refuses rather than ignores.
func parseQuery(text string) ([]term, error) {
	var terms []term
	rest := strings.TrimSpace(text)
	for {
		var t term
		var err error
		if t, rest, err = parseTerm(rest); err != nil {
			return nil, err
		}
		if t.value != "*" || t.field != "" {
			terms = append(terms, t)
		}
		switch {
		case rest == "":
			return terms, nil
		case len(terms) >= maxTerms:
			return nil, badQuery("a query has at most 20 terms")
		}
		after, ok := strings.CutPrefix(rest, "AND ")
		if !ok {
			return nil, badQuery("terms are joined by AND, and by nothing else")
		}
		rest = strings.TrimLeft(after, " ")
	}
}

// parseTerm reads one term and the blanks after it.
func parseTerm(rest string) (term, string, error) {
	var t term
	if name, after, ok := strings.Cut(rest, ":"); ok && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && name != "" {
		if !slices.Contains(fields, name) {
			return t, "", badQuery(fmt.Sprintf("there is no field %q", name))
		}
		t.field, rest = name, after
	}
	value, rest, err := parseWord(rest)
	if err != nil {
		return t, "", err
	}
	if value == "" {
		return t, "", badQuery("a term is empty; * finds everything")
	}
	t.value = value
	return t, strings.TrimLeft(rest, " "), nil
}

// parseWord reads "quoted text" or a word up to the next blank; a backslash
// takes the character after it as it is.
func parseWord(rest string) (word, after string, err error) {
	rest, quoted := strings.CutPrefix(rest, `"`)
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		case quoted && c == '"':
			return b.String(), rest[i+1:], nil
		case !quoted && c == ' ':
			return b.String(), rest[i:], nil
		case !quoted && c == '"':
			return "", "", badQuery("a quote stands inside a word")
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", "", badQuery("a quote is not closed")
	}
	return b.String(), "", nil
}

func badQuery(why string) error {
	return refuse(http.StatusBadRequest, "bad_query", why)
}
