package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Input is all that settings come from. Flags holds the flags that were given,
// by name without dashes; Env every variable of the environment; File the bytes
// of the settings file, nil for none.
type Input struct {
	Flags    map[string]string
	Env      map[string]string
	FileName string
	File     []byte
}

type value struct{ text, from string }

// Load joins flags over environment over file over defaults, and checks the
// result. Where any problem is an error the settings must not be used.
func Load(in Input) (*Config, []fault.Problem) {
	table := Settings()
	values, problems := gather(table, in)
	c := &Config{}
	for _, s := range table {
		v, ok := values[s.Key]
		if !ok {
			v = value{s.Default, "default"}
		}
		if err := s.put(c, v.text); err != nil {
			problems = append(problems, wrong(v.from, s.Key, err))
		}
		c.origins = append(c.origins, Origin{s.Key, shown(s, v.text), v.from})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if key, err := c.settle(); err != nil {
		from := "default"
		if v, ok := values[key]; ok {
			from = v.from
		}
		return nil, append(problems, wrong(from, key, err))
	}
	c.showWorkedOut()
	return c, nil
}

func shown(s Setting, text string) string {
	if s.Secret && text != "" {
		return "••••••"
	}
	return text
}

// showWorkedOut puts what followed from other settings in place of the empty
// default.
func (c *Config) showWorkedOut() {
	from := map[string]string{"db": "sqlite:" + c.DB, "key_file": c.KeyFile}
	if c.BaseURL != nil {
		from["base_url"] = c.BaseURL.String()
	}
	for i, o := range c.origins {
		if text, ok := from[o.Key]; ok && o.Text == "" {
			c.origins[i].Text = text
		}
	}
}

func wrong(from, key string, err error) fault.Problem {
	name, line := from, 0
	if file, n, ok := strings.Cut(from, " line "); ok {
		name = file
		if _, err := fmt.Sscan(n, &line); err != nil {
			line = 0
		}
	}
	return fault.Problem{
		File: name, Line: line, Severity: fault.SeverityError, Code: "bad_setting",
		Message: fmt.Sprintf("%s %s", key, err),
	}
}

func gather(table []Setting, in Input) (map[string]value, []fault.Problem) {
	values := map[string]value{}
	problems := fromFile(table, in, values)
	problems = append(problems, fromEnv(table, in.Env, values)...)
	flags := map[string]string{}
	for _, s := range table {
		if text, ok := in.Flags[s.Flag]; ok && s.Flag != "" {
			values[s.Key] = value{text, "--" + s.Flag}
		}
		flags[s.Flag] = s.Key
	}
	for name := range in.Flags {
		if flags[name] == "" {
			problems = append(problems, wrong("--"+name, "the flag", errors.New("is not known")))
		}
	}
	return values, problems
}

// others are variables of the same prefix that belong to somebody else: the
// command line's own, and those that Kubernetes sets for a service called tocsin.
var others = regexp.MustCompile(`^TOCSIN_(URL|TOKEN|CONFIG|SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$`)

func fromEnv(table []Setting, env map[string]string, values map[string]value) []fault.Problem {
	var problems []fault.Problem
	keys := map[string]Setting{}
	var names []string
	for _, s := range table {
		keys[s.Env()] = s
		names = append(names, s.Env())
	}
	var given []string
	for name := range env {
		if strings.HasPrefix(name, "TOCSIN_") && !others.MatchString(name) {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	for _, name := range given {
		s, ok := keys[name]
		switch {
		case !ok:
			problems = append(problems, unknown(name, name, names))
		case env[name] == "": // as good as unset; every default is a safe one
		default:
			values[s.Key] = value{env[name], name}
		}
	}
	return problems
}

// later are groups of settings that the documentation promises for later.
var later = []string{"smtp", "oidc", "retention"} //nolint:gochecknoglobals // a constant table

func unknown(from, name string, known []string) fault.Problem {
	p := fault.Problem{
		File: from, Severity: fault.SeverityError, Code: "unknown_setting",
		Message: name + " is not a setting",
	}
	word := strings.ToLower(strings.TrimPrefix(name, "TOCSIN_"))
	for _, l := range later {
		if strings.HasPrefix(word, l) {
			p.Message = name + " is a setting that is not built yet"
		}
	}
	if near := fault.Suggest(name, known); near != "" {
		p.Hint = "did you mean " + near + "?"
	}
	return p
}

func fromFile(table []Setting, in Input, values map[string]value) []fault.Problem {
	if in.File == nil {
		return nil
	}
	root, problems := document.Parse(in.FileName, in.File)
	if root == nil || len(problems) > 0 {
		return problems
	}
	if root.Kind == document.Null { // an empty file
		return nil
	}
	if root.Kind != document.Map {
		return append(problems, root.Problem("bad_setting", "a settings file is a map of settings", ""))
	}
	f := file{in.FileName, table, values}
	return f.walk("", root)
}

type file struct {
	name   string
	table  []Setting
	values map[string]value
}

func (f file) walk(prefix string, n *document.Node) []fault.Problem {
	var problems []fault.Problem
	for _, e := range n.Entries() {
		key := prefix + e.Key
		if e.Value.Kind == document.Map && f.group(key) {
			problems = append(problems, f.walk(key+".", e.Value)...)
			continue
		}
		at := slices.IndexFunc(f.table, func(s Setting) bool { return s.Key == key })
		if at < 0 {
			p := unknown(f.name, key, f.keys())
			p.Line, p.Column = e.Line, e.Column
			problems = append(problems, p)
			continue
		}
		text, err := textOf(f.table[at], e.Value)
		from := fmt.Sprintf("%s line %d", f.name, e.Line)
		if _, twice := f.values[key]; twice {
			err = errors.New("stands twice")
		}
		if err != nil {
			problems = append(problems, wrong(from, key, err))
			continue
		}
		f.values[key] = value{text, from}
	}
	return problems
}

// keys lists the settings and the groups of settings.
func (f file) keys() []string {
	var out []string
	for _, s := range f.table {
		out = append(out, s.Key)
		if group, _, ok := strings.Cut(s.Key, "."); ok {
			out = append(out, group)
		}
	}
	return out
}

// group says whether settings lie below the key.
func (f file) group(key string) bool {
	return slices.ContainsFunc(f.table, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
}

func textOf(s Setting, n *document.Node) (string, error) {
	switch n.Kind {
	case document.List:
		return listOf(s, n)
	case document.Map:
		return "", errors.New("is one value, not a map")
	case document.Null:
		return "", errors.New("stands without a value: give one or take the line out")
	case document.Text, document.Bool, document.Int, document.Float:
		if s.List && strings.Contains(n.Scalar(), ",") {
			return "", errors.New("is a list in a file: [a, b]")
		}
		if n.Scalar() == "" {
			return "", errors.New("is empty: give a value or take the line out")
		}
		return n.Scalar(), nil
	}
	return "", errors.New("cannot be read")
}

func listOf(s Setting, n *document.Node) (string, error) {
	if !s.List {
		return "", errors.New("is one value, not a list")
	}
	var parts []string
	for _, i := range n.Items() {
		if i.Kind == document.List || i.Kind == document.Map || i.Scalar() == "" || strings.Contains(i.Scalar(), ",") {
			return "", errors.New("is a list of single words")
		}
		parts = append(parts, i.Scalar())
	}
	return strings.Join(parts, ","), nil
}
