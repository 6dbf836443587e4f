package expr

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// ourFunctions adds what the field needs to CEL.
func ourFunctions() cel.EnvOption {
	text, whole, stamp, param := types.StringType, types.IntType, types.TimestampType, types.NewTypeParamType("A")
	opts := []cel.EnvOption{
		cel.Function(fnMatches, cel.Overload("matches_text", []*types.Type{text, text}, types.BoolType,
			cel.BinaryBinding(matchDynamic))),
		cel.Function(fnEach, cel.Overload("each_any", []*types.Type{param}, param, cel.UnaryBinding(each))),
		cel.Function(fnDistinct, cel.Overload("distinct_list", []*types.Type{types.NewListType(param)}, types.NewListType(param),
			cel.UnaryBinding(distinct))),
		cel.Function(fnEqual, cel.Overload("equal_any", []*types.Type{param, param}, types.BoolType,
			cel.BinaryBinding(equal))),
		cel.Function("repeat", cel.MemberOverload("text_repeat", []*types.Type{text, whole}, text,
			cel.BinaryBinding(repeat))),
		cel.Function("defang", cel.Overload("defang_text", []*types.Type{text}, text, onText(defang))),
		cel.Function("refang", cel.Overload("refang_text", []*types.Type{text}, text, onText(refang))),
		cel.Function("extract.iocs", cel.Overload("extract_iocs_text", []*types.Type{text}, iocsObject().typ,
			cel.UnaryBinding(extractIOCs))),
		cel.Function("hash.sha256",
			cel.Overload("sha256_text", []*types.Type{text}, text, cel.UnaryBinding(sha)),
			cel.Overload("sha256_bytes", []*types.Type{types.BytesType}, text, cel.UnaryBinding(sha))),
		cel.Function("json.parse", cel.Overload("json_parse_text", []*types.Type{text}, types.DynType,
			cel.UnaryBinding(parseJSON))),
		cel.Function("json.encode", cel.Overload("json_encode_any", []*types.Type{types.DynType}, text,
			cel.UnaryBinding(encodeJSON))),
		cel.Function("time.add",
			cel.Overload("time_add_text", []*types.Type{stamp, text}, stamp, cel.BinaryBinding(addTime)),
			cel.Overload("time_add_duration", []*types.Type{stamp, types.DurationType}, stamp, cel.BinaryBinding(addTime))),
		cel.Function("severity.of", cel.Overload("severity_of_text", []*types.Type{text}, whole, cel.UnaryBinding(severityOf))),
		cel.Function("severity.word", cel.Overload("severity_word_int", []*types.Type{whole}, text, cel.UnaryBinding(severityWord))),
	}
	for i, w := range severities {
		opts = append(opts, cel.Constant("severity."+w, whole, types.Int(i+1)))
	}
	for lang, quote := range quotes() {
		opts = append(opts, cel.Function("quote."+lang, cel.Overload("quote_"+lang, []*types.Type{types.DynType}, text, cel.UnaryBinding(quoting(quote)))))
	}
	return options(append(opts, netFunctions()...))
}

// options makes one option of many.
func options(opts []cel.EnvOption) cel.EnvOption {
	return func(e *cel.Env) (*cel.Env, error) {
		var err error
		for _, o := range opts {
			if e, err = o(e); err != nil {
				return nil, err
			}
		}
		return e, nil
	}
}

// builtinObjects are the types that our functions give.
func builtinObjects() map[string]*object {
	all := map[string]*object{}
	for _, o := range []*object{urlObject(), domainObject(), iocsObject()} {
		all[o.name] = o
	}
	return all
}

// onText makes a function of text to text, within the bound of a text.
func onText(f func(string) string) cel.OverloadOpt {
	return cel.UnaryBinding(func(v ref.Val) ref.Val {
		s, ok := v.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		if bad := guardText([]ref.Val{s}); bad != nil {
			return bad
		}
		return types.String(f(string(s)))
	})
}

func failed(format string, args ...any) ref.Val {
	return types.WrapErr(fault.New(fault.Expression, format, args...))
}

func repeat(a, b ref.Val) ref.Val {
	s, ok := a.(types.String)
	n, isInt := b.(types.Int)
	switch {
	case !ok || !isInt:
		return types.MaybeNoSuchOverloadErr(a)
	case n < 0:
		return failed("repeat needs a count of 0 or more")
	case n > maxValue || int(n)*len(s) > maxValue:
		return tooLarge("repeating makes a text longer than %d bytes", maxValue)
	}
	return types.String(strings.Repeat(string(s), int(n)))
}

func sha(v ref.Val) ref.Val {
	var raw []byte
	switch v := v.(type) {
	case types.String:
		raw = []byte(v)
	case types.Bytes:
		raw = v
	default:
		return types.MaybeNoSuchOverloadErr(v)
	}
	sum := sha256.Sum256(raw)
	return types.String(hexOf(sum[:]))
}

func parseJSON(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if len(s) > maxValue {
		return tooLarge("a text is longer than %d bytes", maxValue)
	}
	out, err := ident.Decode([]byte(s))
	if err != nil {
		return types.WrapErr(fault.Wrap(err, fault.Expression, "json.parse: the text is not JSON that can be kept exactly"))
	}
	return plainAdapter.NativeToValue(out)
}

func encodeJSON(v ref.Val) ref.Val {
	out, err := toPlain(v)
	if err != nil {
		return types.WrapErr(err)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return types.WrapErr(fault.Wrap(err, fault.Expression, "json.encode: the value has no JSON form"))
	}
	if len(raw) > maxValue {
		return tooLarge("a text would be longer than %d bytes", maxValue)
	}
	return types.String(raw)
}

func addTime(a, b ref.Val) ref.Val {
	at, ok := a.(types.Timestamp)
	if !ok {
		return types.MaybeNoSuchOverloadErr(a)
	}
	var by time.Duration
	switch d := b.(type) {
	case types.Duration:
		by = d.Duration
	case types.String:
		parsed, err := time.ParseDuration(string(d))
		if err != nil {
			return failed("time.add: the duration is not like 90s, 10m or 4h")
		}
		by = parsed
	default:
		return types.MaybeNoSuchOverloadErr(b)
	}
	return at.Add(types.Duration{Duration: by})
}

func severityOf(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	r := rank(strings.ToLower(string(s)))
	if r == 0 {
		return failed("severity.of: the word is none of %s", strings.Join(severities[:], ", "))
	}
	return types.Int(r)
}

func severityWord(v ref.Val) ref.Val {
	n, ok := v.(types.Int)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if n < 1 || int(n) > len(severities) {
		return failed("severity.word: the number is not between 1 and %d", len(severities))
	}
	return types.String(severities[n-1])
}
