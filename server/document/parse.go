package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// source is what all nodes of a document share.
type source struct {
	file  string
	src   []byte
	lines []int // byte offset of the start of each line
}

type style int

const (
	plain style = iota
	single
	double
	literal
	folded
)

// errDepth is what the depth check answers the parser with.
var errDepth = errors.New("nested too deep")

type limits struct{}

func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return errDepth
	}
	return nil
}

func (limits) CheckAlias(int, int) error { return nil } // aliases are refused altogether

// Parse reads exactly one YAML document. It refuses more than MaxBytes, text
// that is not UTF-8, nesting deeper than MaxDepth, aliases, anchors, merge keys,
// tags, duplicate keys, keys that are not text, and numbers that JSON cannot
// hold. The node is nil when the text could not be read as a whole; where it is
// given beside problems, the rest of the document can still be checked.
func Parse(file string, src []byte) (*Node, []fault.Problem) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	doc := &source{file: file, src: src}
	whole := &Node{doc: doc}
	if len(src) > MaxBytes {
		return nil, []fault.Problem{whole.Problem("too_large", fmt.Sprintf("the file is larger than %d bytes", MaxBytes), "split it")}
	}
	doc.lines = lineStarts(src)
	if at := invalidUTF8(src); at >= 0 {
		line, column := doc.place(at)
		return nil, []fault.Problem{whole.problemAt(line, column, fault.SeverityError, "encoding", "the file is not UTF-8", "save it as UTF-8")}
	}
	if at := hidden(src); at >= 0 {
		line, column := doc.place(at)
		return nil, []fault.Problem{whole.problemAt(line, column, fault.SeverityError, "hidden_character", "a character here makes the file read otherwise than it looks", `write it as an escape in double quotes ("\u2028"), end lines with LF or CRLF`)}
	}
	if at := tooBusy(src); at >= 0 {
		line, column := doc.place(at)
		return nil, []fault.Problem{whole.problemAt(line, column, fault.SeverityError, "too_large", fmt.Sprintf("the document has more than %d values", maxNodes), "split it")}
	}
	root, problem := compose(doc)
	if problem != nil {
		return nil, []fault.Problem{*problem}
	}
	b := builder{doc: doc}
	n := b.node(root, 0)
	if b.fatal {
		n = nil
	}
	return n, b.problems
}

// compose lets the library build its tree of the only document.
func compose(doc *source) (*yaml.Node, *fault.Problem) {
	whole := &Node{doc: doc}
	loader, err := yaml.NewLoader(bytes.NewReader(doc.src), yaml.WithPlugin(limits{}))
	if err != nil {
		p := whole.Problem("syntax", "the file cannot be read as YAML", "")
		return nil, &p
	}
	var root yaml.Node
	if err := loader.Load(&root); err != nil {
		p := syntax(whole, err)
		return nil, &p
	}
	var second yaml.Node
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
		return &root, nil
	case err != nil:
		p := syntax(whole, err)
		return nil, &p
	}
	p := whole.problemAt(max(second.Line, 1), max(second.Column, 1), fault.SeverityError, "second_document", "the file holds a second document", "put it into a file of its own")
	return nil, &p
}

func syntax(whole *Node, err error) fault.Problem {
	if errors.Is(err, io.EOF) {
		return whole.problemAt(1, 1, fault.SeverityError, "empty", "the file is empty", "")
	}
	line, column, message := 0, 0, "the file is no YAML"
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		line, column = e.Mark.Line, e.Mark.Column
		message = "this is no YAML: " + e.Message
		if e.ContextMsg != "" {
			message += " " + e.ContextMsg
		}
	}
	if errors.Is(err, errDepth) || strings.Contains(err.Error(), errDepth.Error()) {
		return whole.problemAt(line, column, fault.SeverityError, "too_deep", fmt.Sprintf("lists and maps are nested deeper than %d", MaxDepth), "")
	}
	hint := ""
	switch {
	case strings.Contains(message, "tab") || strings.Contains(message, "cannot start any token"):
		hint = "indent with spaces; put text that begins with @, ` or % in quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		hint = "put text that contains ': ' in quotes"
	case strings.Contains(message, "quoted scalar"):
		hint = "close the quotes"
	case strings.Contains(message, "did not find expected"):
		hint = "look at the indentation, and at brackets and quotes that are not closed"
	}
	return whole.problemAt(line, column, fault.SeverityError, "syntax", message, hint)
}

// builder turns the library's tree into ours.
type builder struct {
	doc      *source
	problems []fault.Problem
	nodes    int
	fatal    bool
}

func (b *builder) refuse(n *Node, code, message, hint string) {
	b.fatal = true
	if len(b.problems) < 20 {
		b.problems = append(b.problems, n.Problem(code, message, hint))
	}
}

func (b *builder) node(y *yaml.Node, depth int) *Node {
	n := &Node{doc: b.doc, Line: y.Line, Column: y.Column, Kind: Null}
	b.nodes++
	switch {
	case b.nodes > maxNodes:
		if b.nodes == maxNodes+1 {
			b.refuse(n, "too_large", fmt.Sprintf("the document has more than %d values", maxNodes), "split it")
		}
		return n
	case depth > MaxDepth:
		b.refuse(n, "too_deep", fmt.Sprintf("lists and maps are nested deeper than %d", MaxDepth), "")
		return n
	case y.Kind == yaml.AliasNode:
		b.refuse(n, "alias", "aliases are not allowed", "write the value out")
		return n
	case y.Anchor != "":
		b.refuse(n, "alias", "anchors are not allowed", "write the value out where it is needed")
		return n
	case y.Style&yaml.TaggedStyle != 0 || y.Tag == "!":
		b.refuse(n, "tag", "tags are not allowed", "leave the tag away")
		return n
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 1 {
			return b.node(y.Content[0], depth)
		}
	case yaml.SequenceNode:
		n.Kind = List
		for _, c := range y.Content {
			n.items = append(n.items, b.node(c, depth+1))
		}
	case yaml.MappingNode:
		n.Kind = Map
		b.entries(n, y, depth)
	case yaml.ScalarNode:
		b.scalar(n, y)
	case yaml.AliasNode, yaml.StreamNode:
	}
	return n
}

func (b *builder) entries(n *Node, y *yaml.Node, depth int) {
	seen := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := b.node(y.Content[i], depth+1)
		v := b.node(y.Content[i+1], depth+1)
		switch {
		case k.Kind == List || k.Kind == Map:
			b.refuse(k, "key", "a key must be text", "")
			continue
		case k.text == "<<" && k.style == plain:
			b.refuse(k, "alias", "merge keys are not allowed", "write the values out")
			continue
		case k.text == "":
			b.refuse(k, "key", "a key is missing", "")
			continue
		}
		if line, twice := seen[k.text]; twice {
			b.problems = append(b.problems, k.Problem("duplicate_key", fmt.Sprintf("the key %q stands twice, first in line %d", k.text, line), "remove one of the two"))
			continue
		}
		seen[k.text] = k.Line
		n.entries = append(n.entries, Entry{Key: k.text, Line: k.Line, Column: k.Column, Value: v, key: k})
	}
}

func (b *builder) scalar(n *Node, y *yaml.Node) {
	n.text, n.Kind = y.Value, Text
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.style = double
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.style = single
	case y.Style&yaml.LiteralStyle != 0:
		n.style = literal
	case y.Style&yaml.FoldedStyle != 0:
		n.style = folded
	default:
		if problem := n.resolve(); problem != nil {
			b.problems = append(b.problems, *problem)
		}
	}
}

var (
	wholeNumber = regexp.MustCompile(`^[-+]?[0-9]+$`)
	otherBase   = regexp.MustCompile(`^0(o[0-7]+|x[0-9a-fA-F]+)$`)
	anyNumber   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	noNumber    = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	zeros       = regexp.MustCompile(`^[-+]?0[0-9]+$`)
)

// resolve gives a plain scalar its type by YAML 1.2's core schema.
func (n *Node) resolve() *fault.Problem {
	s := n.text
	switch s {
	case "", "~", "null", "Null", "NULL":
		n.Kind = Null
		return nil
	case "true", "True", "TRUE":
		n.Kind, n.truth = Bool, true
		return nil
	case "false", "False", "FALSE":
		n.Kind = Bool
		return nil
	}
	var p fault.Problem
	switch {
	case noNumber.MatchString(s):
		p = n.Problem("number", "infinity and not-a-number are no values", "")
		return &p
	case zeros.MatchString(s):
		p = n.Problem("number", "a number begins with 0, which readers take differently", "leave the zeros away, or put it in quotes to make it text")
		return &p
	case wholeNumber.MatchString(s), otherBase.MatchString(s):
		i, err := strconv.ParseInt(strings.TrimPrefix(s, "+"), base(s), 64)
		if err != nil {
			p = n.Problem("number", "the number does not fit 64 bits", "put it in quotes to make it text")
			return &p
		}
		n.Kind, n.whole, n.number = Int, i, float64(i)
	case anyNumber.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(f, 0) {
			p = n.Problem("number", "the number is out of range", "")
			return &p
		}
		n.Kind, n.number = Float, f
	}
	return nil
}

// base is 0 where the prefix says it.
func base(s string) int {
	if otherBase.MatchString(s) {
		return 0
	}
	return 10
}

// invalidUTF8 gives the offset of the first byte that is no UTF-8, or -1.
func invalidUTF8(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// hidden gives the offset of the first character that shows a reviewer another
// text than the reader gets: line breaks that editors do not show (a lone CR, NEL,
// LS, PS) and marks that turn the direction of writing; -1 where there is none.
func hidden(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		switch {
		case r == '\r' && (at+1 == len(src) || src[at+1] != '\n'),
			r == 0x85, r == 0x2028, r == 0x2029, r == 0xfeff,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return at
		}
		at += size
	}
	return -1
}

// tooBusy gives the offset at which the text has so many signs that begin a
// value, that the tree would not be bounded by the file's size any more; -1 when
// it is not so. It counts generously: text may hold such signs too.
func tooBusy(src []byte) int {
	signs := 0
	for i, c := range src {
		switch c {
		case '[', '{', ',', '?':
			signs++
		case '-', ':':
			if i+1 == len(src) || src[i+1] == ' ' || src[i+1] == '\n' || src[i+1] == '\r' || src[i+1] == '\t' {
				signs++
			}
		}
		if signs > 2*maxNodes {
			return i
		}
	}
	return -1
}
