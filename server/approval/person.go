package approval

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Canonical gives the one spelling of a name: without surrounding space and with
// letters folded, so that two spellings never make two people.
func Canonical(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		// Among A and a the capital has the lower number; names are written small.
		if least >= 'A' && least <= 'Z' {
			return least + ('a' - 'A')
		}
		return least
	}, strings.TrimSpace(name))
}

// isName says whether a canonical name can be one of a person: printable ASCII
// of log-in names. Look-alike letters of other scripts make no second person.
func isName(name string) bool {
	if name == "" || len(name) > 254 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("._-@+", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// crowd finds people by the one spelling of their names. Two entries of one
// spelling are one person, who is as little as the least of the two.
type crowd map[string]Person

func crowdOf(people map[string]Person) crowd {
	c := crowd{}
	for _, key := range slices.Sorted(maps.Keys(people)) {
		p := people[key]
		if p.Name == "" {
			p.Name = key
		}
		name := Canonical(p.Name)
		if twin, ok := c[name]; ok {
			p.Active = p.Active && twin.Active
			p.Roles = common(p.Roles, twin.Roles)
			p.Teams = common(p.Teams, twin.Teams)
		}
		p.Name = name
		c[name] = p
	}
	return c
}

func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(w string) bool { return !slices.Contains(b, w) })
}

// WhyNot says in words why a person may not decide a request, "" where they may.
func WhyNot(r Request, p Person) string {
	name := Canonical(p.Name)
	switch {
	case !isName(name):
		return "this is not the name of a person"
	case !p.Active:
		return "this account is disabled or not a person's"
	case len(r.Requirements) == 0:
		return "no rule names anybody for this request"
	}
	why := ""
	for _, q := range r.Requirements {
		w := bars(r, q, p, name)
		if w == "" {
			return ""
		}
		if why == "" || w != notNamed { // an exclusion says more than "not named"
			why = w
		}
	}
	return why
}

const notNamed = "no rule of this request names you or one of your roles or teams"

// bars says why a person cannot fill a slot of a requirement, "" where they can.
func bars(r Request, q Requirement, p Person, name string) string {
	if !named(r.Asked(q), p, name) {
		return notNamed
	}
	for _, n := range q.Not {
		switch n = Canonical(n); {
		case n == "starter" && r.Starter != "" && Canonical(r.Starter) == name:
			return "you started the run, and who starts it may not approve it"
		case n == "author" && r.Author != "" && Canonical(r.Author) == name:
			return "you wrote this version of the playbook, and its author may not approve it"
		case n == "user:"+name:
			return "the rule excludes you by name"
		}
	}
	return ""
}

func named(who []string, p Person, name string) bool {
	return slices.ContainsFunc(who, func(w string) bool {
		kind, what, ok := strings.Cut(Canonical(w), ":")
		if !ok || what == "" {
			return false
		}
		has := func(have string) bool { return Canonical(have) == what }
		switch kind {
		case "role":
			return slices.ContainsFunc(p.Roles, has)
		case "team":
			return slices.ContainsFunc(p.Teams, has)
		case "user":
			return what == name
		}
		return false
	})
}

// Deciders gives the names of those who may decide a request, sorted. An empty
// list means that nobody can, which the request must say.
func Deciders(r Request, people map[string]Person) []string {
	out := []string{}
	for name, p := range crowdOf(people) {
		if WhyNot(r, p) == "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
