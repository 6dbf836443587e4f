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
	at := "/"
	d := json.NewDecoder(bytes.NewReader(text))
	type frame struct {
		list bool
		n    int
		key  string
	}
	var stack []frame
	pointer := func() string {
		var b strings.Builder
		for _, f := range stack {
			b.WriteString("/" + f.key)
		}
		return b.String()
	}
	key := false // the next text is a key
	for {
		tok, err := d.Token()
		if err != nil {
			return at
		}
		begins := int(d.InputOffset())
		if top := len(stack) - 1; top >= 0 && stack[top].list && tok != json.Delim(']') {
			stack[top].key = strconv.Itoa(stack[top].n)
			stack[top].n++
		}
		switch tok := tok.(type) {
		case json.Delim:
			switch tok {
			case '{':
				stack, key = append(stack, frame{}), true
				continue
			case '[':
				stack, key = append(stack, frame{list: true}), false
				continue
			}
			stack = stack[:len(stack)-1]
		case string:
			if top := len(stack) - 1; key && top >= 0 && !stack[top].list {
				stack[top].key, key = tok, false
				if begins-len(tok)-2 < column {
					at = pointer()
				}
				continue
			}
		}
		key = len(stack) > 0 && !stack[len(stack)-1].list
		if begins >= column {
			return at
		}
	}
}
