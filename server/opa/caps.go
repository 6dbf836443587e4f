package opa

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// allowed are the functions that a policy may call: pure, without a clock, the
// network, randomness or the environment, and none whose result can be much
// larger than what it was given. What a later OPA adds is refused until it
// stands here.
func allowed() []string {
	return []string{
		"abs", "and", "array.concat", "array.flatten", "array.reverse", "array.slice", "assign",
		"base64.decode", "base64.encode", "base64.is_valid", "base64url.decode",
		"ceil", "concat", "contains", "count", "crypto.sha256", "div", "endswith", "eq", "equal", "floor", "format_int",
		"glob.match", "glob.quote_meta", "gt", "gte", "hex.decode", "hex.encode",
		"indexof", "internal.member_2", "internal.member_3", "internal.print", "intersection",
		"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string",
		"json.filter", "json.is_valid", "json.marshal", "json.remove", "json.unmarshal",
		"lower", "lt", "lte", "max", "min", "minus", "mul", "neq",
		"net.cidr_contains", "net.cidr_contains_matches", "net.cidr_intersects", "net.cidr_is_valid", "net.cidr_merge",
		"object.filter", "object.get", "object.keys", "object.remove", "object.subset", "object.union", "object.union_n",
		"or", "plus", "print", "product", "regex.find_n", "regex.is_valid", "regex.match", "regex.split", "rem", "round",
		"semver.compare", "semver.is_valid", "set_diff", "sort", "split", "sprintf", "startswith",
		"strings.any_prefix_match", "strings.any_suffix_match", "strings.count", "strings.reverse", "substring", "sum",
		"time.add_date", "time.clock", "time.date", "time.diff", "time.parse_duration_ns", "time.parse_ns",
		"time.parse_rfc3339_ns", "time.weekday", "to_number",
		"trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix", "type_name",
		"union", "units.parse", "units.parse_bytes", "upper", "uri.is_valid", "uri.parse", "urlquery.decode", "walk",
	}
}

// capabilities is what this house lets Rego do: Rego v1, the functions above, no
// host to fetch a schema from. Tests may also name their cases.
func capabilities(tests bool) *ast.Capabilities {
	names := allowed()
	if tests {
		names = append(names, "internal.test_case")
	}
	c := &ast.Capabilities{
		AllowNet: []string{},
		Features: []string{ast.FeatureRegoV1, ast.FeatureKeywordsInRefs},
	}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if slices.Contains(names, b.Name) {
			c.Builtins = append(c.Builtins, b)
		}
	}
	return c
}
