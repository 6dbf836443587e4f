package expr

import "strings"

// piece is a part of a text: literal text, or the source of an expression with
// its offset in the text.
type piece struct {
	text string
	expr bool
	at   int
}

const opener = "${{"

// split takes a text apart. An expression ends at the first }} outside CEL's
// quotes at bracket depth 0; $${{ is a literal ${{.
func split(src string) ([]piece, *Issue) {
	var pieces []piece
	var lit strings.Builder
	litAt := 0
	flush := func() {
		if lit.Len() > 0 {
			pieces = append(pieces, piece{text: lit.String(), at: litAt})
			lit.Reset()
		}
	}
	for i := 0; i < len(src); {
		if lit.Len() == 0 {
			litAt = i
		}
		switch {
		case strings.HasPrefix(src[i:], "$"+opener):
			lit.WriteString(opener)
			i += len(opener) + 1
		case strings.HasPrefix(src[i:], opener):
			end := closing(src, i+len(opener))
			if end < 0 {
				bad := problem(i, "syntax", "an expression is not closed", "end it with }}, or write $${{ for a literal ${{")
				return nil, &bad
			}
			flush()
			pieces = append(pieces, piece{text: src[i+len(opener) : end], expr: true, at: i + len(opener)})
			i = end + 2
		default:
			lit.WriteByte(src[i])
			i++
		}
	}
	flush()
	return pieces, nil
}

// closing finds the }} that ends an expression which begins at i, or -1.
func closing(src string, i int) int {
	depth := 0
	for i < len(src) {
		if n := quoted(src, i); n > 0 {
			i += n
			continue
		}
		switch src[i] {
		case '(', '[', '{':
			depth++
		case ')', ']':
			depth = max(0, depth-1)
		case '}':
			if depth == 0 && strings.HasPrefix(src[i:], "}}") {
				return i
			}
			depth = max(0, depth-1)
		}
		i++
	}
	return -1
}

// quoted gives the length of a CEL string that begins at i, 0 where none does.
// One that is not closed goes to the end.
func quoted(src string, i int) int {
	q := src[i]
	if q != '\'' && q != '"' {
		return 0
	}
	mark := src[i : i+1]
	if triple := strings.Repeat(mark, 3); strings.HasPrefix(src[i:], triple) {
		mark = triple
	}
	raw := isRaw(src, i)
	for j := i + len(mark); j < len(src); j++ {
		if src[j] == '\\' && !raw {
			j++
			continue
		}
		if strings.HasPrefix(src[j:], mark) {
			return j + len(mark) - i
		}
	}
	return len(src) - i
}

// isRaw says whether the quote at i stands behind r, rb or br.
func isRaw(src string, i int) bool {
	from := i
	for from > 0 && strings.IndexByte("rRbB", src[from-1]) >= 0 && i-from < 2 {
		from--
	}
	if from > 0 && isWord(src[from-1]) {
		return false
	}
	return strings.ContainsAny(src[from:i], "rR")
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
