package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tocsin-soar/tocsin/server/fault"
)

//nolint:gochecknoglobals // compiled once
var (
	reURL  = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]{1,15}://[^\s<>"\\^|]+`)
	reMail = regexp.MustCompile(`(?i)\b[a-z0-9._%+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+\b`)
	reHost = regexp.MustCompile(`(?i)\b[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))+\b`)
	reIPv6 = regexp.MustCompile(`(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?:\d{1,3}\.){3}\d{1,3})?`)
	reHash = regexp.MustCompile(`(?i)\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b`)
	reCVE  = regexp.MustCompile(`(?i)\bCVE-\d{4}-\d{4,7}\b`)

	refanger = strings.NewReplacer(
		"[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[DOT]", ".", "(DOT)", ".",
		"[:]", ":", "[://]", "://", "[@]", "@", "(@)", "@", "[at]", "@", "(at)", "@")
	reHxxp = regexp.MustCompile(`(?i)\bhxxp(s?)(:|\[:)`)

	defanger = strings.NewReplacer(".", "[.]", "@", "[@]", "://", "[://]")
	reHTTP   = regexp.MustCompile(`(?i)\bhttp(s?)://`)
)

// defang makes indicators harmless to click. What is defanged already stays.
func defang(s string) string {
	return defanger.Replace(reHTTP.ReplaceAllString(refang(s), "hxxp${1}://"))
}

// refang undoes the common ways of defanging.
func refang(s string) string {
	return refanger.Replace(reHxxp.ReplaceAllString(s, "http${1}${2}"))
}

// regex is a pattern with an estimate of its size as a program.
type regex struct {
	*regexp.Regexp
	size int
}

// compileRegex refuses what is too long or would grow too large: RE2 never
// backtracks, but its work is the text's length times the pattern's size.
func compileRegex(pattern string) (regex, error) {
	if len(pattern) > maxPattern {
		return regex{}, fault.New(fault.Expression, "the pattern is longer than %d bytes", maxPattern)
	}
	size := patternSize(pattern)
	if size > 4*maxPattern {
		return regex{}, fault.New(fault.Expression, "the pattern repeats too much")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return regex{}, fault.Wrap(err, fault.Expression, "the pattern is not a regular expression (RE2)")
	}
	return regex{re, size}, nil
}

func (r regex) match(text string) ref.Val {
	if len(text) > maxText {
		return tooLarge("a text is longer than %d bytes", maxText)
	}
	if r.size*len(text) > maxRegex {
		return tooLarge("the pattern is too large for a text of this length")
	}
	return types.Bool(r.MatchString(text))
}

func matchDynamic(a, b ref.Val) ref.Val {
	text, ok := a.(types.String)
	pattern, isText := b.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(a)
	}
	re, err := compileRegex(string(pattern))
	if err != nil {
		return types.WrapErr(err)
	}
	return re.match(string(text))
}

// patternSize estimates how many instructions a pattern becomes: counted
// repetitions copy what they repeat.
func patternSize(p string) int {
	const enough = 1 << 30
	sums, last := []int{0}, 0 // open groups; the atom a repetition would repeat
	add := func(n int) { sums[len(sums)-1] = min(sums[len(sums)-1]+n, enough); last = n }
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i += escapeLength(p[i:]) - 1
			add(1)
		case '[':
			i += classLength(p[i:]) - 1
			add(1)
		case '(':
			sums = append(sums, 0)
		case ')':
			if len(sums) > 1 {
				inner := sums[len(sums)-1]
				sums = sums[:len(sums)-1]
				add(inner + 2)
			}
		case '{':
			times, length := repetition(p[i:])
			if length == 0 {
				add(1)
				continue
			}
			i += length - 1
			grown := min(last*max(0, times-1), enough)
			add(grown)
			last = min(last+grown, enough)
		default:
			add(1)
		}
	}
	total := 0
	for _, n := range sums {
		total = min(total+n, enough)
	}
	return total
}

// escapeLength covers \Q…\E and \p{…} besides plain escapes.
func escapeLength(p string) int {
	switch {
	case strings.HasPrefix(p, `\Q`):
		if end := strings.Index(p, `\E`); end >= 0 {
			return end + 2
		}
		return len(p)
	case strings.HasPrefix(p, `\p{`), strings.HasPrefix(p, `\P{`), strings.HasPrefix(p, `\x{`):
		if end := strings.IndexByte(p, '}'); end >= 0 {
			return end + 1
		}
	}
	return min(2, len(p))
}

func classLength(p string) int {
	i := 1
	if i < len(p) && p[i] == '^' {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	for i < len(p) && p[i] != ']' {
		switch {
		case p[i] == '\\':
			i++
		case strings.HasPrefix(p[i:], "[:"):
			if end := strings.Index(p[i:], ":]"); end > 0 {
				i += end + 1
			}
		}
		i++
	}
	return min(i+1, len(p))
}

// repetition reads {n}, {n,} and {n,m}; length is 0 for anything else.
func repetition(p string) (times, length int) {
	end := strings.IndexByte(p, '}')
	if end < 0 {
		return 0, 0
	}
	low, high, ranged := strings.Cut(p[1:end], ",")
	n, err := strconv.Atoi(low)
	if err != nil || n < 0 {
		return 0, 0
	}
	if !ranged || high == "" {
		return n + 1, end + 1
	}
	m, err := strconv.Atoi(high)
	if err != nil || m < n {
		return 0, 0
	}
	return m, end + 1
}

// quoter writes a text as a literal of a language.
type quoter func(s string) (string, error)

// quotes are the languages of quote.LANG.
func quotes() map[string]quoter {
	return map[string]quoter{
		"kql": quoteDouble, "lucene": quoteLucene, "esql": quoteDouble, "spl": quoteSPL,
		"ldap": quoteLDAP, "sql": quoteSQL, "sh": quoteSh,
	}
}

// quoting applies a quoter to text; numbers and truth values are literals in
// every language but the shell's and LDAP's, where they are text too.
func quoting(q quoter) func(ref.Val) ref.Val {
	return func(v ref.Val) ref.Val {
		var s string
		switch v := v.(type) {
		case types.String:
			s = string(v)
		case types.Int, types.Double, types.Bool, types.Uint:
			return types.String(fmt.Sprint(v.Value()))
		default:
			if o, ok := v.(*types.Optional); ok && o.HasValue() {
				return quoting(q)(o.GetValue())
			}
			return failed("only text, numbers and true or false can be quoted")
		}
		if len(s) > maxText {
			return tooLarge("a text is longer than %d bytes", maxText)
		}
		out, err := q(s)
		if err != nil {
			return types.WrapErr(err)
		}
		return types.String(out)
	}
}

func unquotable(what, lang string) error {
	return fault.New(fault.Expression, "%s cannot be quoted in %s", what, lang)
}

// quoteDouble is a text in double quotes with backslash escapes.
func quoteDouble(s string) (string, error) {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			return "", unquotable("a control character", "this language")
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

// quoteLucene is a phrase; Lucene knows no escapes for control characters.
func quoteLucene(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return "", unquotable("a control character", "Lucene")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, nil
}

// quoteSPL refuses the asterisk: the search command reads it as a wildcard
// within quotes too, so a value would choose how much is found.
func quoteSPL(s string) (string, error) {
	if strings.Contains(s, "*") {
		return "", unquotable("an asterisk", "SPL")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '`' }) {
		return "", unquotable("a control character or a backtick", "SPL")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, nil
}

// quoteLDAP escapes a value of a filter (RFC 4515).
func quoteLDAP(s string) (string, error) {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '\\' || c == '*' || c == '(' || c == ')' || c < 0x20 || c == 0x7f {
			fmt.Fprintf(&b, `\%02x`, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// quoteSQL refuses the backslash: some dialects read it as an escape, some do
// not, and no spelling is safe in both.
func quoteSQL(s string) (string, error) {
	if strings.ContainsAny(s, "\\\x00") {
		return "", unquotable("a backslash", "SQL")
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}

func quoteSh(s string) (string, error) {
	if strings.Contains(s, "\x00") {
		return "", unquotable("a NUL", "a shell")
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}
