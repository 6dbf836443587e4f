package expr

// Type is what an expression gives. The zero Type is dyn: anything.
type Type struct{}

// The plain types; SeverityType is an int between severity.informational and
// severity.critical.
var Dyn, Bool, Int, Double, String, Timestamp, SeverityType Type //nolint:gochecknoglobals // constants in all but name

// SchemaType turns a JSON Schema into a type; what it does not say is dyn.
func SchemaType(schema map[string]any) Type { panic("pending") }

// List is a list of t.
func List(t Type) Type { panic("pending") }

// Map is a map from text to t.
func Map(t Type) Type { panic("pending") }

// Object has exactly these fields; reading another one is a mistake.
func Object(fields map[string]Type) Type { panic("pending") }

// Nullable is t or null.
func Nullable(t Type) Type { panic("pending") }

// AlertType is the alert's type (alerts.md); its fields are dyn.
func AlertType() Type { panic("pending") }

// ErrorType is the type of steps.X.error and of error in a catch block.
func ErrorType() Type { panic("pending") }

// RunType is the type of run: id, playbook, started_at, trigger.
func RunType() Type { panic("pending") }

// Scope is what an expression may name. It never changes: With and Step give
// a new one.
type Scope struct{}

// NewScope knows the functions and no names.
func NewScope() *Scope { panic("pending") }

// With adds (or replaces) a name.
func (s *Scope) With(name string, t Type) *Scope { panic("pending") }

// Step adds steps.<id> with the type of its output.
func (s *Scope) Step(id string, output Type) *Scope { panic("pending") }

// DynamicRegex allows patterns that are not literals (regex: dynamic).
func (s *Scope) DynamicRegex() *Scope { panic("pending") }

// Expr is a compiled CEL expression. It may be evaluated by many goroutines.
type Expr struct{}

// Cond compiles bare CEL of type bool.
func Cond(src string, s *Scope) (*Expr, []Issue) { panic("pending") }

// Compile compiles bare CEL of the wanted type; Dyn takes anything.
func Compile(src string, s *Scope, want Type) (*Expr, []Issue) { panic("pending") }

// Eval evaluates; errors are *fault.Error of kind expression.
func (e *Expr) Eval(vars Vars) (any, error) { panic("pending") }

// Bool evaluates a condition.
func (e *Expr) Bool(vars Vars) (bool, error) { panic("pending") }

// Source gives the text.
func (e *Expr) Source() string { panic("pending") }

// Type gives what Eval gives.
func (e *Expr) Type() Type { panic("pending") }

// Reads lists what it reads, in order of the text.
func (e *Expr) Reads() []Read { panic("pending") }

// Implies lists the ids X for which the expression being true means steps.X.ok.
func (e *Expr) Implies() []string { panic("pending") }

// ImpliesAlert says that the expression being true means alert != null.
func (e *Expr) ImpliesAlert() bool { panic("pending") }

// Value is a literal, an expression, text with expressions, or a list or map
// of those. It may be evaluated by many goroutines.
type Value struct{}

// Text compiles text with ${{ CEL }} inside.
func Text(src string, s *Scope, o TextOptions) (*Value, []Issue) { panic("pending") }

// Literal is a JSON value that is always the same.
func Literal(v any) *Value { panic("pending") }

// ListOf is a list of values.
func ListOf(vs []*Value) *Value { panic("pending") }

// MapOf is a map; keys and vs are of equal length, the order is kept by Keys.
func MapOf(keys []string, vs []*Value) *Value { panic("pending") }

// Eval evaluates; errors are *fault.Error of kind expression, or invalid_input
// where a value may not stand in its place (a path segment ..).
func (v *Value) Eval(vars Vars) (any, error) { panic("pending") }

// Reads lists what it reads, in order.
func (v *Value) Reads() []Read { panic("pending") }

// Static gives the literal; ok is false where something has to be evaluated.
func (v *Value) Static() (lit any, ok bool) { panic("pending") }

// Type gives what Eval gives.
func (v *Value) Type() Type { panic("pending") }

// Fields gives keys and values of a map in order, nil for anything else.
func (v *Value) Fields() (keys []string, vs []*Value) { panic("pending") }

// Items gives the values of a list, nil for anything else.
func (v *Value) Items() []*Value { panic("pending") }
