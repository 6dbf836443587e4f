package connector

import (
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// never are headers that belong to the runtime: where a request goes, who sends
// it and how long it is cannot be written by an action.
var never = []string{ //nolint:gochecknoglobals // a constant table
	"host", "authorization", "cookie", "transfer-encoding", "content-length", "connection", "keep-alive", "te",
	"trailer", "upgrade", "expect", "accept-encoding", "http2-settings", "forwarded", "x-http-method-override",
	"x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
}

// CheckHeaders refuses (invalid_input) headers and query parameters that are not
// an action's to set: those of the runtime and the connection's own
// authentication, however they are spelt.
func (a *Action) CheckHeaders(r Rendered, c Connection) error {
	own, _ := a.AuthPlace(c)
	for name := range r.Headers {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		reserved := slices.Contains(never, plain) || strings.HasPrefix(plain, "proxy-") || strings.HasPrefix(plain, "x-forwarded-") ||
			c.AuthType == "header" && plain == strings.ReplaceAll(strings.ToLower(own), "_", "-") ||
			a.Idempotency != "" && plain == strings.ToLower(a.Idempotency)
		if reserved {
			return fault.New(fault.InvalidInput, "the header %s is not an action's to set", plain)
		}
	}
	if c.AuthType == "query" {
		for name := range r.Query {
			if strings.EqualFold(name, own) {
				return fault.New(fault.InvalidInput, "the query parameter %s carries the connection's credentials", own)
			}
		}
	}
	return nil
}

// AuthPlace gives the header or query parameter that carries a connection's
// value, and what stands before it: from the connection, else from the manifest.
func (a *Action) AuthPlace(c Connection) (name, prefix string) {
	for _, k := range a.auth {
		if k.Type == c.AuthType {
			name, prefix = k.Name, k.Prefix
			break
		}
	}
	if own := c.Auth["name"].Reveal(); own != "" {
		name = own
	}
	if name == "" {
		name = map[string]string{"header": "X-Api-Key", "query": "api_key"}[c.AuthType]
	}
	return name, prefix
}
