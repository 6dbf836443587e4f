package expr

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// Type is what an expression gives. The zero Type is dyn: anything.
type Type struct {
	cel  *types.Type // nil means dyn
	obj  *object     // of an object
	elem *Type       // of a list or map
	null bool        // null is one of its values
	word bool        // an int that may come as a severity's word
}

// The plain types; SeverityType is an int between severity.informational and
// severity.critical.
var (
	Dyn          = Type{}                               //nolint:gochecknoglobals // a constant in all but name
	Bool         = Type{cel: types.BoolType}            //nolint:gochecknoglobals // a constant in all but name
	Int          = Type{cel: types.IntType}             //nolint:gochecknoglobals // a constant in all but name
	Double       = Type{cel: types.DoubleType}          //nolint:gochecknoglobals // a constant in all but name
	String       = Type{cel: types.StringType}          //nolint:gochecknoglobals // a constant in all but name
	Timestamp    = Type{cel: types.TimestampType}       //nolint:gochecknoglobals // a constant in all but name
	SeverityType = Type{cel: types.IntType, word: true} //nolint:gochecknoglobals // a constant in all but name
)

// object is a type with named fields. Its name is made of its content, so that
// equal schemas are one type.
type object struct {
	name   string
	fields map[string]Type
	open   bool // other fields may be there and are dyn
	typ    *types.Type
}

func newObject(fields map[string]Type, open bool) *object {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString(name + "\x00" + fields[name].text() + "\x00")
	}
	if open {
		b.WriteString("...")
	}
	// The # keeps the name out of reach: no expression can spell it.
	name := objectPrefix + ident.Sum([]byte(b.String()))[:16]
	return &object{name: name, fields: fields, open: open, typ: types.NewObjectType(name)}
}

const objectPrefix = "object#"

func (o *object) field(name string) (Type, bool) {
	t, ok := o.fields[name]
	if !ok && o.open {
		return Dyn, true
	}
	return t, ok
}

// text describes the type exactly, as a part of an object's name.
func (t Type) text() string {
	s := t.typ().String()
	if t.null {
		s += "?"
	}
	if t.word {
		s += "!"
	}
	return s
}

func (t Type) typ() *types.Type {
	if t.cel == nil {
		return types.DynType
	}
	return t.cel
}

func (t Type) isDyn() bool { return t.cel == nil || t.cel.Kind() == types.DynKind }

// String says the type in words, for messages.
func (t Type) String() string { return word(t.typ()) }

// List is a list of t.
func List(t Type) Type { return Type{cel: types.NewListType(t.typ()), elem: &t} }

// Map is a map from text to t.
func Map(t Type) Type {
	return Type{cel: types.NewMapType(types.StringType, t.typ()), elem: &t}
}

// Object has exactly these fields; reading another one is a mistake.
func Object(fields map[string]Type) Type {
	o := newObject(maps.Clone(fields), false)
	return Type{cel: o.typ, obj: o}
}

// Nullable is t or null.
func Nullable(t Type) Type {
	t.null = true
	return t
}

// Elem is the type of a list's items or a map's values; Dyn for anything else.
func (t Type) Elem() Type {
	if t.elem == nil {
		return Dyn
	}
	return *t.elem
}

// collect adds every object that can be reached from t.
func (t Type) collect(into map[string]*object) {
	if t.elem != nil {
		t.elem.collect(into)
	}
	if t.obj == nil || into[t.obj.name] != nil {
		return
	}
	into[t.obj.name] = t.obj
	for _, f := range t.obj.fields {
		f.collect(into)
	}
}

// word turns a CEL type into the words of a message.
func word(t *types.Type) string {
	switch t.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case types.StringKind:
		return "text"
	case types.DoubleKind:
		return "number"
	case types.IntKind:
		return "integer"
	case types.NullTypeKind:
		return "null"
	case types.StructKind:
		return "object"
	case types.DynKind, types.AnyKind, types.TypeParamKind:
		return "anything"
	case types.ListKind:
		if p := t.Parameters(); len(p) == 1 && p[0].Kind() != types.DynKind {
			return "list of " + word(p[0])
		}
		return "list"
	case types.MapKind:
		return "map"
	case types.OpaqueKind:
		if t.TypeName() == "optional_type" && len(t.Parameters()) == 1 {
			return "optional " + word(t.Parameters()[0])
		}
	}
	return t.TypeName()
}

// AlertType is the alert's type (alerts.md); its fields are dyn.
func AlertType() Type {
	text, list := String, func(names ...string) Type {
		fields := map[string]Type{}
		for _, n := range names {
			fields[n] = String
		}
		return List(Object(fields))
	}
	texts := List(text)
	return Object(map[string]Type{
		"id": text, "source": text, "source_id": text, "url": text, "title": text,
		"description": text, "category": text, "status": text, "verdict": Nullable(text),
		"severity": SeverityType, "confidence": Int,
		"first_seen": Timestamp, "last_seen": Timestamp, "count": Int, "mapped": Bool,
		"hosts": list("name", "ip", "os", "id"),
		"users": list("name", "domain", "mail", "id"),
		"ips":   texts, "domains": texts, "urls": texts, "attack": texts, "labels": texts,
		"mails": List(Object(map[string]Type{
			"from": text, "to": texts, "subject": text, "message_id": text,
		})),
		"files": List(Object(map[string]Type{
			"name": text, "path": text, "size": Int, "md5": text, "sha1": text, "sha256": text,
		})),
		"processes": List(Object(map[string]Type{
			"name": text, "path": text, "pid": Int, "command_line": text, "parent": text,
		})),
		"fields": Dyn,
		"raw":    Object(map[string]Type{"sha256": text, "bytes": Int}),
		"owner":  text, "reason": text, "run": text, "depth": Int,
	})
}

// ErrorType is the type of steps.X.error and of error in a catch block.
func ErrorType() Type {
	return Object(map[string]Type{
		"kind": String, "message": String, "step": String, "attempt": Int, "retryable": Bool,
	})
}

// RunType is the type of run: id, playbook, started_at, trigger.
func RunType() Type {
	o := newObject(map[string]Type{
		"kind": String, "index": Int, "source": String, "schedule": String,
		"planned_at": Nullable(Timestamp), "by": String,
	}, true)
	return Object(map[string]Type{
		"id": String, "playbook": String, "started_at": Timestamp, "trigger": {cel: o.typ, obj: o},
	})
}

// stepType is the type of steps.X.
func stepType(output Type) Type {
	return Object(map[string]Type{
		"status": String, "ok": Bool, "error": Nullable(ErrorType()), "output": output, "dry_run": Bool,
	})
}

// hexOf is used by functions that give digests.
func hexOf(b []byte) string { return hex.EncodeToString(b) }
