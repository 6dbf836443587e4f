package library

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// refusal says every error among problems at its field; nil where there is none. The
// text is the one that was checked, in one line.
func refusal(what string, text []byte, ps []fault.Problem) error {
	if !fault.Broken(ps) {
		return nil
	}
	err := fault.New(fault.InvalidInput, "%s", what)
	for _, p := range ps {
		if p.Severity != fault.SeverityError {
			continue
		}
		message := p.Message
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		err.Places = append(err.Places, fault.Place{At: fieldAt(text, p.Column), Message: message})
	}
	return err
}

// fieldAt gives the JSON pointer of the innermost field whose key or value stands at
// a column (from 1) of a text in one line; "/" for the whole.
func fieldAt(text []byte, column int) string {
	f := finder{column: column, at: "/"}
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := d.Token()
		if err != nil || f.take(tok, int(d.InputOffset())) {
			return f.at
		}
	}
}

// finder walks a JSON text token by token, up to a column.
type finder struct {
	column int
	at     string
	stack  []level
	key    bool // the next text is a key
}

// level is an object or a list that is open, with where the walk stands in it.
type level struct {
	list bool
	n    int
	name string
}

// take takes a token that ends at an offset, and says whether the column is reached.
func (f *finder) take(tok json.Token, end int) bool {
	if top := f.top(); top != nil && top.list && tok != json.Delim(']') {
		top.name = strconv.Itoa(top.n)
		top.n++
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '{' || tok == '[' {
			f.stack, f.key = append(f.stack, level{list: tok == '['}), tok == '{'
			return false
		}
		f.stack = f.stack[:len(f.stack)-1]
	case string:
		if f.key {
			f.top().name, f.key = tok, false
			if end-len(tok)-2 < f.column {
				f.at = f.pointer()
			}
			return false
		}
	}
	top := f.top()
	f.key = top != nil && !top.list
	return end >= f.column
}

func (f *finder) top() *level {
	if len(f.stack) == 0 {
		return nil
	}
	return &f.stack[len(f.stack)-1]
}

func (f *finder) pointer() string {
	var b strings.Builder
	for _, l := range f.stack {
		b.WriteString("/" + l.name)
	}
	return b.String()
}
