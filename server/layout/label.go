package layout

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// longest is how much of a text a node shows; the page has the whole.
const longest = 30

// node says what a block is called.
func node(b *playbook.Block, path, parent string) Node {
	n := Node{
		Path: path, ID: b.ID, Kind: string(b.Kind), Parent: parent, Line: b.Line,
		MayFail: b.OnError == "continue",
	}
	what, detail := words(b)
	if b.Action != nil {
		n.Action = b.Action.Ref
		if a := b.Action.Action; a != nil {
			n.Impact, n.SideEffect = string(a.Impact), a.Impact.SideEffect()
		}
	}
	switch {
	case b.Name != "":
		n.Label = b.Name
	case b.Given:
		n.Label = humane(b.ID)
	default:
		n.Label = what
	}
	n.Label, n.Detail = short(n.Label), short(detail)
	return n
}

// words are what a block does, and the rest of it.
func words(b *playbook.Block) (what, detail string) {
	switch {
	case b.Action != nil:
		what, detail = b.Action.Ref, b.Action.Ref
		if a := b.Action.Action; a != nil && a.Title != "" {
			what = a.Title
		}
		if b.Action.For > 0 {
			detail += ", for " + document.FormatDuration(b.Action.For)
		}
	case b.Kind == playbook.KindIf:
		what, detail = "If", source(b)
	case b.ForEach != nil:
		what, detail = "For each "+b.ForEach.As, "at most "+strconv.Itoa(b.ForEach.Limit)
	case b.Wait != nil:
		what, detail = "Wait", waited(b.Wait)
	case b.Question != nil:
		what, detail = "Ask", strings.Join(b.Question.To, ", ")
	case b.Approval != nil:
		what, detail = "Approval", strings.Join(b.Approval.To, ", ")
	case b.Kind == playbook.KindSet:
		names := make([]string, 0, len(b.Set))
		for _, s := range b.Set {
			names = append(names, s.Name)
		}
		what, detail = "Set", strings.Join(names, ", ")
	case b.Kind == playbook.KindFail:
		what = "Fail"
	case b.Kind == playbook.KindReturn:
		what = "Return"
	default:
		what, detail = wordsOfFlow(b)
	}
	if b.If != nil && b.Kind != playbook.KindIf {
		detail = strings.TrimSuffix("if "+source(b)+", "+detail, ", ")
	}
	return what, detail
}

// wordsOfFlow are the words of the blocks that lead somewhere.
func wordsOfFlow(b *playbook.Block) (what, detail string) {
	switch {
	case b.Switch != nil:
		what = "Switch"
		if v := b.Switch.Value; v != nil && v.Expr() != nil {
			detail = strings.Join(strings.Fields(v.Expr().Source()), " ")
		}
	case b.While != nil:
		what, detail = "While", "at most "+strconv.Itoa(b.While.Limit)
		if b.While.If != nil {
			detail = strings.Join(strings.Fields(b.While.If.Source()), " ")
		}
	case b.Try != nil:
		what = "Try"
		if len(b.Try.Finally) > 0 {
			detail = "and in the end in any case"
		}
	case b.Call != nil:
		what, detail = "Call", b.Call.Playbook
		if b.Call.Detach {
			detail += ", not waited for"
		}
	case b.Transform != nil:
		what = "Transform"
		if b.Transform.JQ != nil {
			detail = strings.Join(strings.Fields(b.Transform.JQ.Source()), " ")
		}
	case b.Undo != nil:
		what, detail = "Undo", "all of this run"
		if b.Undo.Step != "" {
			detail = humane(b.Undo.Step)
		}
	}
	return what, detail
}

func source(b *playbook.Block) string {
	if b.If == nil {
		return ""
	}
	return strings.Join(strings.Fields(b.If.Source()), " ")
}

func waited(w *playbook.Wait) string {
	switch {
	case w.Callback:
		return "to be called back"
	case w.Event != "":
		return "for " + w.Event
	}
	v, word := w.For, ""
	if v == nil {
		v, word = w.Until, "until "
	}
	if v == nil {
		return ""
	}
	if lit, ok := v.Static(); ok {
		if text, ok := lit.(string); ok {
			return word + text
		}
	}
	return word + "a computed time"
}

// humane writes an id as words.
func humane(id string) string {
	text := strings.ReplaceAll(id, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

func short(text string) string {
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	runes := []rune(text)
	return string(runes[:longest-1]) + "…"
}
