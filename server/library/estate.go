package library

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// estate is what the workspace says of hosts, addresses and people, by every name
// of theirs, case folded.
type estate struct {
	byName map[string][]*thing
}

type thing struct {
	name  string
	kind  string
	tags  []string
	owner string
}

func newEstate() *estate { return &estate{byName: map[string][]*thing{}} }

// fold makes the spellings of one name equal: case, blanks around, the dot behind
// a domain name.
func fold(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")
}

func (e *estate) add(t *thing, names []string) {
	for _, n := range append([]string{t.name}, names...) {
		if key := fold(n); key != "" && !slices.Contains(e.byName[key], t) {
			e.byName[key] = append(e.byName[key], t)
		}
	}
}

// find joins what is known of everything that has the name; one of the same kind
// gives owner and first name.
func (e *estate) find(kind, value string) (tags []string, owner, canonical string) {
	tags, canonical = []string{}, value
	exact := false
	for _, t := range e.byName[fold(value)] {
		for _, tag := range t.tags {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		same := strings.EqualFold(t.kind, kind)
		if owner == "" || same && !exact {
			owner, canonical = t.owner, t.name
		}
		exact = exact || same
	}
	slices.Sort(tags)
	return tags, owner, canonical
}

// estate reads assets.csv and identities.csv. A table with a mistake in one line
// is not taken in part: the thing in that line may be a protected one.
func (b *build) estate() error {
	fresh := newEstate()
	var wrong []fault.Problem
	for _, table := range []struct {
		name    string
		columns []string
		thing   func(row []string) (*thing, []string)
	}{
		{"assets.csv", []string{"name", "aliases", "kind", "tags", "owner"}, func(r []string) (*thing, []string) {
			return &thing{name: r[0], kind: r[2], tags: words(r[3]), owner: r[4]}, words(r[1])
		}},
		{"identities.csv", []string{"name", "aliases", "mail", "tags", "manager"}, func(r []string) (*thing, []string) {
			return &thing{name: r[0], kind: "user", tags: words(r[3]), owner: r[4]}, append(words(r[1]), r[2])
		}},
	} {
		f, ok := b.files.single[table.name]
		if !ok {
			continue
		}
		b.now.estateSHA += f.sha256
		rows, problem := rowsOf(f, table.columns)
		if problem != nil {
			wrong = append(wrong, *problem)
			continue
		}
		for _, r := range rows {
			fresh.add(table.thing(r))
		}
	}
	b.now.things = fresh
	b.say(wrong...)
	if len(wrong) == 0 {
		return nil
	}
	if !b.before.loaded {
		return fault.New(fault.InvalidInput, "the tables of assets and identities cannot be used: %s", firstError(wrong)).WithCode("estate_broken")
	}
	b.now.things, b.now.estateSHA = b.before.things, b.before.estateSHA
	return nil
}

// words splits a field at semicolons.
func words(field string) []string {
	var out []string
	for w := range strings.SplitSeq(field, ";") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func rowsOf(f file, columns []string) ([][]string, *fault.Problem) {
	at := func(line int, code, message, hint string) *fault.Problem {
		p := f.problem(code, message, hint)
		p.Line, p.Column = line, 1
		return &p
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(f.raw, []byte("\ufeff"))))
	r.FieldsPerRecord = len(columns)
	head, err := r.Read()
	want := strings.Join(columns, ",")
	if err != nil || !slices.Equal(head, columns) {
		return nil, at(1, "bad_columns", "the first line must name the columns: "+want, "")
	}
	var out [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			line := len(out) + 2
			if e, ok := errors.AsType[*csv.ParseError](err); ok {
				line = e.Line
			}
			return nil, at(line, "bad_row", "this line cannot be read: it must have "+strconv.Itoa(len(columns))+" fields", want+"; several values in one field are parted by ;")
		}
		line, _ := r.FieldPos(0)
		if strings.TrimSpace(row[0]) == "" {
			return nil, at(line, "bad_row", "this line has no name", "")
		}
		out = append(out, row)
	}
}

// rawPerson is one of people.yaml.
type rawPerson struct {
	Name  string         `yaml:"name,required" doc:"the log-in name"`
	Email string         `yaml:"email" doc:"where links are sent"`
	Roles *document.Node `yaml:"roles" schema:"roles" doc:"viewer analyst responder engineer lead auditor admin"`
	Teams []string       `yaml:"teams" doc:"for requirements like team:night"`
}

var login = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// roleWords are the roles of people (contract.md, Access).
func roleWords() []string {
	return []string{"viewer", "analyst", "responder", "engineer", "lead", "auditor", "admin"}
}

func (b *build) peopleFile() {
	f, ok := b.files.single["people.yaml"]
	if !ok {
		return
	}
	b.now.peopleSHA = f.sha256
	people, ps := readPeople(f)
	b.say(ps...)
	if fault.Broken(ps) {
		people, b.now.peopleSHA = b.before.persons, b.before.peopleSHA
	}
	b.now.persons = people
}

func readPeople(f file) ([]Person, []fault.Problem) {
	root, ps := document.Parse(f.label, f.raw)
	if root == nil {
		return nil, ps
	}
	if root.Kind != document.List {
		return nil, append(ps, root.Problem("wrong_type", "people must be a list", "- { name: bea, email: bea@example.org, roles: [responder] }"))
	}
	var out []Person
	seen := map[string]int{}
	for _, n := range root.Items() {
		var raw rawPerson
		ps = append(ps, document.DecodeAs(n, &raw, "a person")...)
		p := Person{Name: raw.Name, Email: raw.Email, Teams: raw.Teams}
		if raw.Name != "" && !login.MatchString(raw.Name) {
			ps = append(ps, n.Get("name").Problem("bad_name", fmt.Sprintf("%q cannot be a log-in name", raw.Name), "small letters, digits, . _ and -, at most 64"))
		}
		if line, twice := seen[raw.Name]; twice && raw.Name != "" {
			ps = append(ps, n.Problem("duplicate_name", fmt.Sprintf("%s stands in line %d already", raw.Name, line), ""))
		}
		seen[raw.Name] = n.Line
		for _, r := range raw.Roles.Items() {
			if !slices.Contains(roleWords(), r.Scalar()) {
				ps = append(ps, r.Problem("bad_value", fmt.Sprintf("there is no role %q", r.Scalar()), oneOf(r.Scalar(), roleWords())))
				continue
			}
			p.Roles = append(p.Roles, r.Scalar())
		}
		if raw.Roles != nil && raw.Roles.Kind != document.List {
			ps = append(ps, raw.Roles.Problem("wrong_type", "roles must be a list", "roles: [analyst]"))
		}
		out = append(out, p)
	}
	return out, ps
}
