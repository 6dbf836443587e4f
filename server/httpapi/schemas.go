package httpapi

import "encoding/json"

// ErrorsSchema is the JSON Schema of a refusal with the list of codes: what
// /schemas/errors.json answers.
func ErrorsSchema() (json.RawMessage, error) { return errorsSchema() }
