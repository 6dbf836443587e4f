package document

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// place turns a byte offset into line and column.
func (d *source) place(offset int) (line, column int) {
	line = 1
	lo, hi := 0, len(d.lines)
	for lo < hi {
		mid := (lo + hi) / 2
		if d.lines[mid] <= offset {
			line, lo = mid+1, mid+1
		} else {
			hi = mid
		}
	}
	return line, 1 + utf8.RuneCount(d.src[d.lines[line-1]:offset])
}

// offset turns line and column into a byte offset, -1 where there is none.
func (d *source) offset(line, column int) int {
	if line < 1 || line > len(d.lines) {
		return -1
	}
	at := d.lines[line-1]
	for range column - 1 {
		if at >= len(d.src) {
			return -1
		}
		_, size := utf8.DecodeRune(d.src[at:])
		at += size
	}
	return at
}

// Place gives line and column of the byte at offset in the node's text: the
// quotes, escapes and folds before it are counted. Where the way back is not
// clear it gives the nearest place before it.
func (n *Node) Place(offset int) (line, column int) {
	if n.doc == nil || n.Line < 1 {
		return n.Line, n.Column
	}
	at := n.doc.offset(n.Line, n.Column)
	if at < 0 || at >= len(n.doc.src) {
		return n.Line, n.Column
	}
	w := walk{src: n.doc.src, at: at, style: n.style}
	w.enter(n.text)
	offset = min(offset, len(n.text))
	for i := 0; i < offset; {
		_, size := utf8.DecodeRuneInString(n.text[i:])
		w.skipIndent()
		if i+size > offset || !w.step(n.text[i:i+size]) {
			break
		}
		i += size
	}
	if offset < len(n.text) {
		w.skipIndent()
		w.joined()
	}
	return n.doc.place(min(w.at, len(n.doc.src)))
}

// walk goes through the source of a scalar beside its value.
type walk struct {
	src    []byte
	at     int
	style  style
	indent int  // of a block scalar
	fresh  bool // a line of a block scalar begins, its indentation is ahead
	breaks bool // the character before was a line break
}

func (w *walk) block() bool { return w.style == literal || w.style == folded }

func (w *walk) enter(text string) {
	switch w.style {
	case single, double:
		w.at++
	case literal, folded:
		w.at = w.lineEnd(w.at) + 1
		w.indent = w.blockIndent(text)
		w.fresh = true
	case plain:
	}
}

func (w *walk) lineEnd(at int) int {
	at = min(at, len(w.src))
	if i := bytes.IndexByte(w.src[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(w.src)
}

func (w *walk) blank(at int) bool {
	return at < len(w.src) && len(bytes.TrimSpace(w.src[at:w.lineEnd(at)])) == 0
}

// blockIndent counts the spaces before the first line with text, less those that
// belong to the value.
func (w *walk) blockIndent(text string) int {
	first := strings.TrimLeft(text, "\n")
	own := len(first) - len(strings.TrimLeft(first, " "))
	for at := w.at; at < len(w.src); at = w.lineEnd(at) + 1 {
		line := w.src[at:w.lineEnd(at)]
		if rest := bytes.TrimLeft(line, " "); len(bytes.TrimSpace(rest)) > 0 {
			return max(len(line)-len(rest)-own, 0)
		}
	}
	return 0
}

// skipIndent leaves the indentation of a new line of a block scalar behind.
func (w *walk) skipIndent() {
	if !w.fresh {
		return
	}
	w.fresh = false
	for i := 0; i < w.indent && w.at < len(w.src) && w.src[w.at] == ' '; i++ {
		w.at++
	}
}

// joined leaves escaped line breaks behind, which read as nothing.
func (w *walk) joined() {
	for w.style == double && w.at+1 < len(w.src) && w.src[w.at] == '\\' && (w.src[w.at+1] == '\n' || w.src[w.at+1] == '\r') {
		w.at = w.lineEnd(w.at) + 1
		w.blanks()
	}
}

// step leaves the source of one character of the value behind; false when the
// two do not fit together any more.
func (w *walk) step(char string) bool {
	w.joined()
	if w.at >= len(w.src) {
		return false
	}
	c := w.src[w.at]
	switch {
	case w.style == double && c == '\\':
		w.at += escape(w.src[w.at:])
	case w.style == single && c == '\'' && char == "'":
		w.at += 2
	case c == '\r' || c == '\n' || !w.block() && w.blank(w.at):
		return w.fold(char)
	case bytes.HasPrefix(w.src[w.at:], []byte(char)):
		w.at += len(char)
	default:
		return false
	}
	w.breaks = false
	return true
}

// fold leaves a line break behind. One reads as a space, several as one newline
// less; in a literal block each is a newline.
func (w *walk) fold(char string) bool {
	if char != " " && char != "\n" {
		return false
	}
	w.at = w.lineEnd(w.at) + 1
	if w.style != literal && char == "\n" && !w.breaks && w.blank(w.at) {
		w.at = w.lineEnd(w.at) + 1
	}
	w.breaks = char == "\n"
	w.fresh = w.block()
	if !w.fresh {
		w.blanks()
	}
	return true
}

func (w *walk) blanks() {
	for w.at < len(w.src) && (w.src[w.at] == ' ' || w.src[w.at] == '\t') {
		w.at++
	}
}

// escape gives the length of an escape sequence in a double-quoted scalar.
func escape(src []byte) int {
	if len(src) < 2 {
		return 1
	}
	switch src[1] {
	case 'x':
		return min(4, len(src))
	case 'u':
		return min(6, len(src))
	case 'U':
		return min(10, len(src))
	}
	return 2
}
