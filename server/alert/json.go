package alert

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// UnmarshalJSON keeps the numbers of fields exact: whole ones are int64.
func (a *Alert) UnmarshalJSON(raw []byte) error {
	type plain Alert
	in := struct {
		*plain
		Fields json.RawMessage `json:"fields"`
	}{plain: (*plain)(a)}
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("read an alert: %w", err)
	}
	a.Fields = nil
	if len(in.Fields) == 0 {
		return nil
	}
	v, err := ident.Decode(in.Fields)
	if err != nil {
		return fmt.Errorf("read an alert's fields: %w", err)
	}
	if v != nil {
		fields, ok := v.(map[string]any)
		if !ok {
			return errors.New("an alert's fields are no object")
		}
		a.Fields = fields
	}
	return nil
}
