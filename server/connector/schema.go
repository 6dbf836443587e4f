package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// maxPlaces bounds how many mistakes of one value are told.
const maxPlaces = 20

// nowhere refuses every reference that leaves the document.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a schema may refer to itself only")
}

// CompileSchema compiles a JSON Schema (draft 2020-12, formats asserted) that
// refers to nothing outside itself. The error names what is wrong with it.
func CompileSchema(schema map[string]any) (*jsonschema.Schema, error) {
	const here = "urn:schema"
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(here, any(schema)); err != nil {
		return nil, fmt.Errorf("read a schema: %w", err)
	}
	s, err := c.Compile(here)
	if err != nil {
		return nil, fmt.Errorf("compile a schema: %w", err)
	}
	return s, nil
}

// CheckInput says what in the parameters does not fit the action's input
// schema; nothing when they fit. No message holds a value.
func (a *Action) CheckInput(params map[string]any) []fault.Place {
	if params == nil {
		params = map[string]any{}
	}
	return checkValue(a.input, a.Input, params)
}

// CheckOutput says what in an output does not fit the action's output schema;
// nothing when it fits. No message holds a value.
func (a *Action) CheckOutput(output any) []fault.Place {
	return checkValue(a.output, a.Output, output)
}

// checkValue validates; an action made by hand has no compiled schema yet.
func checkValue(s *jsonschema.Schema, src map[string]any, v any) []fault.Place {
	if s == nil && src == nil {
		return nil
	}
	if s == nil {
		var err error
		if s, err = CompileSchema(src); err != nil {
			return []fault.Place{{At: "", Message: "the schema does not compile"}}
		}
	}
	return SchemaPlaces(s.Validate(v))
}

// SchemaPlaces turns the error of a schema's validation into places; nil for
// nil. No message holds a value out of what was validated.
func SchemaPlaces(err error) []fault.Place {
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []fault.Place{{Message: "cannot be checked"}}
	}
	var out []fault.Place
	leaves(bad, &out)
	if len(out) == 0 {
		out = []fault.Place{{Message: "does not fit"}}
	}
	return out
}

func leaves(e *jsonschema.ValidationError, out *[]fault.Place) {
	if len(*out) >= maxPlaces {
		return
	}
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			leaves(c, out)
		}
		return
	}
	at := pointer(e.InstanceLocation)
	for _, p := range mistakes(at, e.ErrorKind) {
		if len(*out) < maxPlaces && !slices.Contains(*out, p) {
			*out = append(*out, p)
		}
	}
}

// mistakes says in words what a schema keyword wants. Only the schema's own
// side is told; what came in is not.
func mistakes(at string, k jsonschema.ErrorKind) []fault.Place {
	say := func(format string, args ...any) []fault.Place {
		return []fault.Place{{At: at, Message: fmt.Sprintf(format, args...)}}
	}
	switch k := k.(type) {
	case *kind.Type:
		return say("must be %s, not %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Required:
		return keys(at, k.Missing, "is missing")
	case *kind.AdditionalProperties:
		return keys(at, k.Properties, "is not known")
	case *kind.Enum:
		return say("must be one of %s", words(k.Want))
	case *kind.Const:
		return say("must be %s", words([]any{k.Want}))
	case *kind.Format:
		return say("must be written as %s", k.Want)
	case *kind.Pattern:
		return say("must match %s", k.Want)
	case *kind.MinLength:
		return say("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return say("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return say("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return say("must have at most %d items", k.Want)
	case *kind.UniqueItems:
		return say("must not hold the same item twice")
	case *kind.Minimum:
		return say("must be at least %s", k.Want.RatString())
	case *kind.Maximum:
		return say("must be at most %s", k.Want.RatString())
	case *kind.FalseSchema:
		return say("must not be there")
	}
	return say("does not fit the schema's %s", strings.Join(k.KeywordPath(), "/"))
}

func keys(at string, names []string, what string) []fault.Place {
	names = slices.Sorted(slices.Values(names))
	out := make([]fault.Place, 0, len(names))
	for _, n := range names {
		out = append(out, fault.Place{At: at + "/" + token(n), Message: what})
	}
	return out
}

func words(vs []any) string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, ", ")
}

func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		b.WriteString(token(p))
	}
	return b.String()
}

// maxToken bounds a key that is named in a message.
const maxToken = 64

// token escapes one part of a JSON pointer and cuts what is too long to show.
func token(s string) string {
	if len(s) > maxToken {
		s = strings.ToValidUTF8(s[:maxToken], "") + "…"
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
