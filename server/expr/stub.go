package expr

// Expr is a compiled CEL expression.
type Expr struct{}

// Eval evaluates; errors are *fault.Error of kind expression.
func (e *Expr) Eval(vars Vars) (any, error) { panic("pending") }

// Source gives the text.
func (e *Expr) Source() string { panic("pending") }

// Value is a literal, an expression, text with expressions, or a list or map of those.
type Value struct{}

// Eval evaluates.
func (v *Value) Eval(vars Vars) (any, error) { panic("pending") }
