package document

import (
	"bytes"
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
	w := walk{src: n.doc.src, at: at, style: n.style, first: at}
	w.enter()
	offset = min(offset, len(n.text))
	for i := 0; i < offset; {
		_, size := utf8.DecodeRuneInString(n.text[i:])
		w.skipIndent()
		if i+size > offset || !w.step(n.text[i:i+size]) {
			break
		}
		i += size
	}
	w.settle(n.text, offset)
	return n.doc.place(min(w.at, len(n.doc.src)))
}

// walk goes through the source of a scalar beside its value.
type walk struct {
	src    []byte
	at     int
	first  int // where the scalar begins
	style  style
	indent int // of a block scalar
	fresh  bool
}

func (w *walk) enter() {
	switch w.style {
	case single, double:
		w.at++
	case literal, folded:
		w.at = w.lineEnd(w.at) + 1
		w.indent = w.blockIndent()
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

// blockIndent counts the spaces before the first line with text.
func (w *walk) blockIndent() int {
	for at := w.at; at < len(w.src); at = w.lineEnd(at) + 1 {
		line := w.src[at:w.lineEnd(at)]
		text := bytes.TrimLeft(line, " ")
		if len(bytes.TrimSpace(text)) > 0 {
			return len(line) - len(text)
		}
	}
	return 0
}

// skipIndent leaves the indentation of a new line of a block scalar behind.
func (w *walk) skipIndent() {
	if w.style != literal && w.style != folded || !w.fresh {
		return
	}
	w.fresh = false
	for i := 0; i < w.indent && w.at < len(w.src) && w.src[w.at] == ' '; i++ {
		w.at++
	}
}

// step leaves the source of one character of the value behind; false when the
// two do not fit together any more.
func (w *walk) step(char string) bool {
	if w.at >= len(w.src) {
		return false
	}
	c := w.src[w.at]
	switch {
	case w.style == double && c == '\\':
		w.at += escape(w.src[w.at:])
		return true
	case w.style == single && c == '\'' && char == "'":
		w.at += 2
		return true
	case c == '\r' || c == '\n' || (c == ' ' || c == '\t') && w.foldAhead():
		return w.fold(char)
	case bytes.HasPrefix(w.src[w.at:], []byte(char)):
		w.at += len(char)
		return true
	}
	return false
}

// foldAhead says whether only blanks stand between here and the line's end.
func (w *walk) foldAhead() bool {
	if w.style == literal || w.style == folded {
		return false
	}
	return len(bytes.TrimSpace(w.src[w.at:w.lineEnd(w.at)])) == 0
}

// fold leaves a line break behind, which reads as a space or as a newline.
func (w *walk) fold(char string) bool {
	if char != " " && char != "\n" {
		return false
	}
	if w.style == literal || w.style == folded {
		w.at, w.fresh = w.lineEnd(w.at)+1, true
		return true
	}
	// In flow scalars n breaks read as n-1 newlines, or a single one as a space;
	// the blanks around them read as nothing.
	w.at = w.lineEnd(w.at) + 1
	if next := bytes.TrimSpace(w.src[min(w.at, len(w.src)):w.lineEnd(w.at)]); len(next) == 0 && char == "\n" {
		w.blanks()
		if w.at < len(w.src) && w.src[w.at] == '\n' {
			after := w.at + 1
			rest := w.src[after:w.lineEnd(after)]
			if len(bytes.TrimSpace(rest)) > 0 {
				w.at = after
				w.blanks()
			}
		}
		return true
	}
	w.blanks()
	return true
}

func (w *walk) blanks() {
	for w.at < len(w.src) && (w.src[w.at] == ' ' || w.src[w.at] == '\t') {
		w.at++
	}
}

// settle leaves an indentation behind when a character of the value follows.
func (w *walk) settle(text string, offset int) {
	if offset < len(text) {
		w.skipIndent()
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
	case '\n', '\r': // an escaped line break reads as nothing
		n := 2
		for n < len(src) && (src[n] == ' ' || src[n] == '\t' || src[n] == '\n') {
			n++
		}
		return n
	}
	return 2
}
