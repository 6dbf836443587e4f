package fault

// Severity of a problem in a document.
type Severity string

// The two severities; only an error stops a save.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Problem is one mistake in a document (playbook, manifest, policy, workspace
// file), with its place and a hint what to type instead. Line and column count
// from 1; 0 means the whole file.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint"`
}

// Broken says whether any of the problems is an error.
func Broken(ps []Problem) bool {
	for _, p := range ps {
		if p.Severity == SeverityError {
			return true
		}
	}
	return false
}
