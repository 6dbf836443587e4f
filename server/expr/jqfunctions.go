package expr

import (
	"maps"
	"slices"
	"strings"
)

// jqRule says which guards a function of jq needs: before on its input, args on its
// arguments (those that are values), after on what it gives. ours is its definition
// where jq's own would go around the guards.
type jqRule struct {
	before string
	args   []string
	after  bool
	ours   string
}

// jqOurs are the functions with definitions of ours, each behind those it calls.
var jqOurs = []string{"add/1", "IN/1", "IN/2", "INDEX/2", "INDEX/1"} //nolint:gochecknoglobals // a constant table

//nolint:gochecknoglobals // a constant table
var jqFunctions = func() map[string]jqRule {
	out := map[string]jqRule{}
	list := func(words string, r jqRule) {
		for w := range strings.FieldsSeq(words) {
			out[w] = r
		}
	}
	// They are made of instructions, or look at one value only.
	list(`empty/0 error/0 error/1 not/0 type/0 select/1 recurse/1 recurse/2 first/1 last/1 isempty/1 until/2 while/2 repeat/1
		range/1 range/2 range/3 any/2 all/2 arrays/0 objects/0 iterables/0 booleans/0 numbers/0 strings/0 nulls/0 values/0 scalars/0
		has/1 floor/0 ceil/0 round/0 trunc/0 fabs/0 abs/0 sqrt/0 cbrt/0 exp/0 exp2/0 exp10/0 log/0 log2/0 log10/0 sin/0 cos/0 tan/0
		asin/0 acos/0 atan/0 atan2/2 pow/2 fmin/2 fmax/2 fmod/2 isnan/0 isinfinite/0 isfinite/0 isnormal/0 nan/0 infinite/0 path/1
		gmtime/0 mktime/0`, jqRule{})
	list("limit/2 skip/2 nth/2", jqRule{args: []string{guardTimes}})
	list("nth/1", jqRule{args: []string{guardAt}})
	list("first/0 last/0", jqRule{before: guardTouch})
	// Their work grows with their input; closures are guarded where they stand.
	list("map/1 any/0 all/0 any/1 all/1", jqRule{before: guardIter})
	list(`length/0 utf8bytelength/0 keys/0 paths/0 paths/1 in/1 startswith/1 endswith/1 bsearch/1 min/0 max/0 min_by/1 max_by/1
		del/1 recurse/0`, jqRule{before: guardAny})
	list(`add/0 map_values/1 to_entries/0 from_entries/0 with_entries/1 walk/1 reverse/0 sort/0 unique/0 sort_by/1 group_by/1 unique_by/1
		flatten/0 explode/0 implode/0 ascii_downcase/0 ascii_upcase/0 ltrim/0 rtrim/0 trim/0 tojson/0 tostring/0 toboolean/0 pick/1
		tostream/0 combinations/0 fromdate/0 todate/0 fromdateiso8601/0 todateiso8601/0`, jqRule{before: guardAny, after: true})
	list("fromjson/0", jqRule{before: guardAny, after: true})
	list("tonumber/0", jqRule{before: guardDigit, after: true})
	list("combinations/1 flatten/1", jqRule{before: guardAny, args: []string{guardTimes}, after: true})
	list("ltrimstr/1 rtrimstr/1 trimstr/1 join/1 split/1", jqRule{before: guardAny, args: []string{guardAny}, after: true})
	list("transpose/0", jqRule{before: guardGrid, after: true})
	list("contains/1 inside/1 index/1 rindex/1 indices/1", jqRule{before: guardAny, args: []string{guardEach}, after: true})
	list("getpath/1", jqRule{args: []string{guardWay}})
	list("setpath/2", jqRule{before: guardIter, args: []string{guardWay, guardAny}, after: true})
	list("delpaths/1", jqRule{before: guardAny, args: []string{guardAny}, after: true})
	list("test/1 test/2 match/1 match/2 capture/1 capture/2 scan/1 scan/2 splits/1 splits/2 split/2", jqRule{args: []string{guardRegex}, after: true})
	list("sub/2 sub/3 gsub/2 gsub/3", jqRule{args: []string{guardSub}, after: true})
	// jq's own definitions of these would go around the guards.
	out["add/1"] = jqRule{ours: "def add(f): [f] | add;"}
	out["IN/1"] = jqRule{ours: "def IN(s): . as $x | any(s; . == $x);"}
	out["IN/2"] = jqRule{ours: "def IN(a; b): any(a; . as $x | any(b; . == $x));"}
	out["INDEX/2"] = jqRule{ours: "def INDEX(s; f): [s | { key: (f | tostring), value: . }] | from_entries;"}
	out["INDEX/1"] = jqRule{ours: "def INDEX(f): [.[] | { key: (f | tostring), value: . }] | from_entries;"}
	return out
}()

// jqRefused are functions of jq that are not offered: nobody means another one.
//
//nolint:gochecknoglobals // a constant table
var jqRefused = strings.Fields(`env input inputs debug stderr halt halt_error now localtime strflocaltime strftime strptime builtins
	input_filename modulemeta get_search_list fromstream truncate_stream input_line_number`)

// jqNames lists the functions' names, for suggestions.
func jqNames() []string {
	seen := map[string]bool{}
	for key := range jqFunctions {
		name, _, _ := strings.Cut(key, "/")
		seen[name] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
