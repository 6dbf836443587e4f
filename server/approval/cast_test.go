package approval_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func word(by, decision string) approval.Word {
	w := approval.Word{By: by, Decision: decision, Digest: "sha256:aa"}
	if decision == approval.No {
		w.Comment = "not now"
	}
	return w
}

func crew() map[string]approval.Person {
	return people(person("rob", "responder"), person("rita", "responder"), person("lea", "lead"), person("sam", "responder"), person("vic", "viewer"),
		approval.Person{Name: "gone", Roles: []string{"responder"}})
}

func contain() approval.Request {
	r := request(approval.Requirement{
		Rule: "contain", Who: []string{"role:responder"}, Quorum: 1, Not: []string{"starter"}, Within: "30m", Extend: "10m", Hold: "8s", ValidFor: "15m",
	})
	r.Votes = []approval.Vote{}
	return r
}

func TestTheLastYesApprovesAndStartsTheUndoWindow(t *testing.T) {
	r := contain()
	got, err := approval.Cast(r, crew(), approval.Word{By: "Rob", Decision: approval.Yes, Digest: r.Digest, Comment: "go"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != approval.Approved || !got.DecidedAt.Equal(noon) || !got.HeldUntil.Equal(noon.Add(8*time.Second)) || !got.ValidUntil.Equal(noon.Add(15*time.Minute)) {
		t.Errorf("got %s decided %v held %v valid %v", got.Status, got.DecidedAt, got.HeldUntil, got.ValidUntil)
	}
	if diff := cmp.Diff([]approval.Vote{{By: "rob", Decision: approval.Yes, At: noon, Comment: "go", Counts: true}}, got.Votes); diff != "" {
		t.Error(diff)
	}
	if got.Why != "approved by rob" || !got.Required[0].Met {
		t.Errorf("why %q, required %+v", got.Why, got.Required)
	}
	if len(r.Votes) != 0 || r.Status != approval.Pending {
		t.Error("the request given was changed")
	}
}

func TestWithoutAHoldThereIsNoUndoWindow(t *testing.T) {
	r := contain()
	r.Requirements[0].Hold = "0s"
	got, err := approval.Cast(r, crew(), word("rob", approval.Yes), noon)
	if err != nil || got.HeldUntil != nil || got.Status != approval.Approved {
		t.Errorf("got %s held %v, %v", got.Status, got.HeldUntil, err)
	}
}

func TestAYesThatIsNotTheLastLeavesItPending(t *testing.T) {
	r := contain()
	r.Requirements[0].Quorum = 2
	one, err := approval.Cast(r, crew(), word("rob", approval.Yes), noon)
	if err != nil || one.Status != approval.Pending || one.DecidedAt != nil || one.HeldUntil != nil {
		t.Fatalf("got %s, %v", one.Status, err)
	}
	again, err := approval.Cast(one, crew(), word("ROB", approval.Yes), noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, again); diff != "" {
		t.Errorf("the second click changes something:\n%s", diff)
	}
	two, err := approval.Cast(again, crew(), word("rita", approval.Yes), noon.Add(time.Minute))
	if err != nil || two.Status != approval.Approved || two.Why != "approved by rita and rob" {
		t.Errorf("got %s %q, %v", two.Status, two.Why, err)
	}
}

func TestANoDenies(t *testing.T) {
	r := contain()
	r.Requirements[0].Quorum = 2
	one, err := approval.Cast(r, crew(), word("rob", approval.Yes), noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"rita", "rob"} { // also who said yes before
		got, err := approval.Cast(one, crew(), word(by, approval.No), noon)
		if err != nil || got.Status != approval.Denied || got.Why != "denied by "+by || got.HeldUntil != nil || got.ValidUntil != nil {
			t.Errorf("%s: got %s %q, %v", by, got.Status, got.Why, err)
		}
		if approval.Weigh(got, crew(), noon).Met {
			t.Error("a denied request permits")
		}
	}
}

func TestAWordIsRefusedWithItsCode(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*approval.Request)
		word   approval.Word
		now    time.Time
		code   string
		kind   fault.Kind
	}{
		"another digest":            {nil, approval.Word{By: "rob", Decision: approval.Yes, Digest: "sha256:ab"}, noon, "digest_changed", fault.Conflict},
		"a digest in capitals":      {nil, approval.Word{By: "rob", Decision: approval.Yes, Digest: "SHA256:AA"}, noon, "digest_changed", fault.Conflict},
		"no digest":                 {nil, approval.Word{By: "rob", Decision: approval.Yes}, noon, "digest_changed", fault.Conflict},
		"no digest on either side":  {func(r *approval.Request) { r.Digest = "" }, approval.Word{By: "rob", Decision: approval.Yes}, noon, "digest_changed", fault.Conflict},
		"approved before":           {func(r *approval.Request) { r.Status = approval.Approved }, word("rita", approval.Yes), noon, "already_decided", fault.Conflict},
		"denied before":             {func(r *approval.Request) { r.Status = approval.Denied }, word("rita", approval.Yes), noon, "already_decided", fault.Conflict},
		"void":                      {func(r *approval.Request) { r.Status = approval.Void }, word("rob", approval.Yes), noon, "already_decided", fault.Conflict},
		"withdrawn":                 {func(r *approval.Request) { r.Status = approval.Withdrawn }, word("rob", approval.Yes), noon, "already_decided", fault.Conflict},
		"expired":                   {func(r *approval.Request) { r.Status = approval.Expired }, word("rob", approval.Yes), noon, "expired", fault.Conflict},
		"at the deadline (S076)":    {nil, word("rob", approval.Yes), noon.Add(time.Hour), "expired", fault.Conflict},
		"a no at the deadline":      {nil, word("rob", approval.No), noon.Add(time.Hour), "expired", fault.Conflict},
		"a viewer":                  {nil, word("vic", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"a viewer's no":             {nil, word("vic", approval.No), noon, "not_entitled", fault.Forbidden},
		"the starter":               {nil, word("sam", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"the starter, spelt so":     {nil, word(" SAM", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"who is disabled":           {nil, word("gone", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"who does not exist":        {nil, word("zed", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"nobody":                    {nil, word("", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"a request of nobody":       {func(r *approval.Request) { r.Requirements = nil }, word("rob", approval.Yes), noon, "not_entitled", fault.Forbidden},
		"a no without a reason":     {nil, approval.Word{By: "rob", Decision: approval.No, Digest: "sha256:aa"}, noon, "reason_needed", fault.InvalidInput},
		"a no with a blank reason":  {nil, approval.Word{By: "rob", Decision: approval.No, Digest: "sha256:aa", Comment: " \u200b\n"}, noon, "reason_needed", fault.InvalidInput},
		"a comment without end":     {nil, approval.Word{By: "rob", Decision: approval.Yes, Digest: "sha256:aa", Comment: strings.Repeat("x", 4097)}, noon, "invalid_input", fault.InvalidInput},
		"a comment that is no text": {nil, approval.Word{By: "rob", Decision: approval.Yes, Digest: "sha256:aa", Comment: "\xff"}, noon, "invalid_input", fault.InvalidInput},
		"neither yes nor no":        {nil, word("rob", "yes"), noon, "invalid_input", fault.InvalidInput},
		"a question":                {func(r *approval.Request) { r.Kind = approval.KindQuestion }, word("rob", approval.Yes), noon, "answer_needed", fault.InvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			r := contain()
			if tc.change != nil {
				tc.change(&r)
			}
			got, err := approval.Cast(r, crew(), tc.word, tc.now)
			if fault.CodeOf(err) != tc.code || fault.KindOf(err) != tc.kind {
				t.Errorf("got %v (%s, %s), want %s, %s", err, fault.CodeOf(err), fault.KindOf(err), tc.code, tc.kind)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("a refusal changes the request:\n%s", diff)
			}
		})
	}
}

func TestARefusalSaysWhyInWords(t *testing.T) {
	_, err := approval.Cast(contain(), crew(), word("sam", approval.Yes), noon)
	if err == nil || !strings.Contains(err.Error(), "you started the run") {
		t.Errorf("got %v", err)
	}
}

func TestAYesCanBeWithdrawnInTheUndoWindowOnly(t *testing.T) {
	approved, err := approval.Cast(contain(), crew(), word("rob", approval.Yes), noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := approval.Withdraw(approved, crew(), "ROB", noon.Add(8*time.Second-time.Nanosecond))
	if err != nil || got.Status != approval.Withdrawn || got.HeldUntil != nil || got.ValidUntil != nil || got.Why != "withdrawn by rob" {
		t.Errorf("got %+v, %v", got, err)
	}
	if approval.Weigh(got, crew(), noon).Met {
		t.Error("a withdrawn yes permits")
	}
	for name, tc := range map[string]struct {
		r    approval.Request
		by   string
		at   time.Time
		code string
	}{
		"at its very end":        {approved, "rob", noon.Add(8 * time.Second), "already_decided"},
		"by somebody else":       {approved, "rita", noon, "nothing_to_withdraw"},
		"without an undo window": {func() approval.Request { r := approved; r.HeldUntil = nil; return r }(), "rob", noon, "already_decided"},
		"when it was used":       {func() approval.Request { r := approved; r.UsedUp = true; return r }(), "rob", noon, "already_decided"},
		"twice":                  {got, "rob", noon, "already_decided"},
		"of what was never said": {contain(), "rob", noon, "nothing_to_withdraw"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := approval.Withdraw(tc.r, crew(), tc.by, tc.at); fault.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func TestAVoteThatDecidedNothingYetCanBeWithdrawn(t *testing.T) {
	r := contain()
	r.Requirements[0].Quorum = 2
	one, err := approval.Cast(r, crew(), word("rob", approval.Yes), noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := approval.Withdraw(one, crew(), "rob", noon)
	if err != nil || got.Status != approval.Pending || len(got.Votes) != 0 {
		t.Errorf("got %s %v, %v", got.Status, got.Votes, err)
	}
}

func TestMoreTimeIsGivenOnceAndWithinTheLimit(t *testing.T) {
	r := contain()
	got, err := approval.Extend(r, crew(), "rob", 10*time.Minute, noon)
	if err != nil || !got.Deadline.Equal(r.Deadline.Add(10*time.Minute)) || !got.Extended {
		t.Fatalf("got %v, %v", got.Deadline, err)
	}
	none := contain()
	none.Requirements[0].Extend = "0s"
	two := contain()
	two.Requirements = append(two.Requirements, approval.Requirement{Rule: "x", Who: []string{"role:lead"}, Extend: "1m"})
	for name, tc := range map[string]struct {
		r    approval.Request
		by   string
		d    time.Duration
		now  time.Time
		code string
	}{
		"twice":                 {got, "rob", time.Minute, noon, "already_extended"},
		"more than the limit":   {r, "rob", 10*time.Minute + 1, noon, "extend_limit"},
		"more than the least":   {two, "rob", 2 * time.Minute, noon, "extend_limit"},
		"none is granted":       {none, "rob", time.Second, noon, "extend_limit"},
		"no time":               {r, "rob", 0, noon, "extend_limit"},
		"less time":             {r, "rob", -time.Minute, noon, "extend_limit"},
		"by a viewer":           {r, "vic", time.Minute, noon, "not_entitled"},
		"after the deadline":    {r, "rob", time.Minute, noon.Add(time.Hour), "expired"},
		"after the decision":    {func() approval.Request { d := r; d.Status = approval.Denied; return d }(), "rob", time.Minute, noon, "already_decided"},
		"without any deadline":  {func() approval.Request { d := r; d.Deadline = time.Time{}; return d }(), "rob", time.Minute, noon, "extend_limit"},
		"by the one who waits":  {r, "sam", time.Minute, noon, "not_entitled"},
		"by nobody of the kind": {r, "gone", time.Minute, noon, "not_entitled"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := approval.Extend(tc.r, crew(), tc.by, tc.d, tc.now); fault.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func question(form map[string]any) approval.Request {
	r := request(need("role:responder", 1))
	r.Kind, r.Form, r.Votes = approval.KindQuestion, form, []approval.Vote{}
	return r
}

var form = map[string]any{
	"verdict": map[string]any{"type": "string", "enum": []any{"compromised", "clean"}},
	"note":    map[string]any{"type": "string", "optional": true, "maxLength": int64(10)},
	"count":   map[string]any{"type": "integer", "optional": true, "minimum": int64(1), "maximum": 5.0},
	"score":   map[string]any{"type": "number", "optional": true},
	"sure":    map[string]any{"type": "boolean", "optional": true},
	"hosts":   map[string]any{"type": "array", "optional": true, "items": map[string]any{"type": "string"}, "maxItems": int64(2)},
	"when":    map[string]any{"type": "string", "optional": true, "format": "date-time"},
}

func TestAnAnswerFitsItsForm(t *testing.T) {
	for name, tc := range map[string]struct {
		answer map[string]any
		at     []string
	}{
		"what is needed":        {map[string]any{"verdict": "clean"}, nil},
		"everything":            {map[string]any{"verdict": "clean", "note": "x", "count": int64(5), "score": 0.5, "sure": true, "hosts": []any{"a", "b"}, "when": "2026-01-05T10:00:00Z"}, nil},
		"a whole double":        {map[string]any{"verdict": "clean", "count": 3.0}, nil},
		"null for none":         {map[string]any{"verdict": "clean", "note": nil}, nil},
		"nothing":               {nil, []string{"/answer/verdict"}},
		"null for what is not":  {map[string]any{"verdict": nil}, []string{"/answer/verdict"}},
		"no choice":             {map[string]any{"verdict": "dirty"}, []string{"/answer/verdict"}},
		"a choice in capitals":  {map[string]any{"verdict": "Clean"}, []string{"/answer/verdict"}},
		"a list of choices":     {map[string]any{"verdict": []any{"clean"}}, []string{"/answer/verdict"}},
		"too long":              {map[string]any{"verdict": "clean", "note": "12345678901"}, []string{"/answer/note"}},
		"ten wide letters":      {map[string]any{"verdict": "clean", "note": "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"}, nil},
		"a number as text":      {map[string]any{"verdict": "clean", "count": "3"}, []string{"/answer/count"}},
		"a half":                {map[string]any{"verdict": "clean", "count": 1.5}, []string{"/answer/count"}},
		"too few":               {map[string]any{"verdict": "clean", "count": int64(0)}, []string{"/answer/count"}},
		"too many":              {map[string]any{"verdict": "clean", "count": int64(6)}, []string{"/answer/count"}},
		"true as text":          {map[string]any{"verdict": "clean", "sure": "true"}, []string{"/answer/sure"}},
		"a list with a number":  {map[string]any{"verdict": "clean", "hosts": []any{"a", int64(1)}}, []string{"/answer/hosts"}},
		"a list in a list":      {map[string]any{"verdict": "clean", "hosts": []any{[]any{"a"}}}, []string{"/answer/hosts"}},
		"a list too long":       {map[string]any{"verdict": "clean", "hosts": []any{"a", "b", "c"}}, []string{"/answer/hosts"}},
		"a time in words":       {map[string]any{"verdict": "clean", "when": "now"}, []string{"/answer/when"}},
		"an object":             {map[string]any{"verdict": map[string]any{"a": 1}}, []string{"/answer/verdict"}},
		"a field too many":      {map[string]any{"verdict": "clean", "secret": "x"}, []string{"/answer"}},
		"broken text":           {map[string]any{"verdict": "clean", "note": "\xff"}, []string{"/answer/note"}},
		"several mistakes":      {map[string]any{"count": "x", "sure": int64(1)}, []string{"/answer/count", "/answer/sure", "/answer/verdict"}},
		"a field of other case": {map[string]any{"Verdict": "clean"}, []string{"/answer/verdict", "/answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			var at []string
			for _, p := range approval.CheckAnswer(form, tc.answer) {
				at = append(at, p.At)
				if strings.Contains(p.Message, "dirty") || strings.Contains(p.Message, "secret") {
					t.Errorf("the message repeats the answer: %s", p.Message)
				}
			}
			if diff := cmp.Diff(tc.at, at); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFirstValidAnswerDecides(t *testing.T) {
	r := question(form)
	answer := map[string]any{"verdict": "clean"}
	got, err := approval.Answer(r, crew(), "Rob", r.Digest, answer, noon)
	if err != nil || got.Status != approval.Approved || got.Why != "answered by rob" || got.HeldUntil != nil {
		t.Fatalf("got %s %q held %v, %v", got.Status, got.Why, got.HeldUntil, err)
	}
	if diff := cmp.Diff(any(answer), got.Answer); diff != "" {
		t.Error(diff)
	}
	if _, err := approval.Answer(got, crew(), "rita", r.Digest, answer, noon); fault.CodeOf(err) != "already_decided" {
		t.Errorf("a second answer: %v", err)
	}
}

func TestAnAnswerIsRefusedWithItsCode(t *testing.T) {
	r := question(form)
	good := map[string]any{"verdict": "clean"}
	for name, tc := range map[string]struct {
		r          approval.Request
		by, digest string
		answer     map[string]any
		now        time.Time
		code       string
	}{
		"it does not fit":    {r, "rob", r.Digest, map[string]any{}, noon, "bad_answer"},
		"another digest":     {r, "rob", "sha256:ab", good, noon, "digest_changed"},
		"a viewer":           {r, "vic", r.Digest, good, noon, "not_entitled"},
		"late":               {r, "rob", r.Digest, good, noon.Add(time.Hour), "expired"},
		"no question at all": {contain(), "rob", "sha256:aa", good, noon, "decision_needed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := approval.Answer(tc.r, crew(), tc.by, tc.digest, tc.answer, tc.now)
			if fault.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if diff := cmp.Diff(tc.r, got); diff != "" {
				t.Errorf("a refusal changes the request:\n%s", diff)
			}
		})
	}
}

// Races between decisions have one outcome: whatever order words come in, a
// request is decided at most once and only by entitled people.
func TestARequestIsDecidedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := contain()
		r.Requirements[0].Quorum = rapid.IntRange(1, 3).Draw(t, "quorum")
		decided := 0
		for i := range rapid.IntRange(1, 12).Draw(t, "words") {
			now := noon.Add(time.Duration(i) * time.Second)
			who := rapid.SampledFrom([]string{"rob", "RITA", "sam", "vic", "gone", "lea", "nobody"}).Draw(t, "who")
			before := r
			var err error
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				r, err = approval.Cast(r, crew(), word(who, approval.No), now)
			case 1:
				r, err = approval.Withdraw(r, crew(), who, now)
			default:
				r, err = approval.Cast(r, crew(), word(who, approval.Yes), now)
			}
			if err != nil {
				if diff := cmp.Diff(before, r); diff != "" {
					t.Fatalf("a refusal changes the request:\n%s", diff)
				}
				continue
			}
			if before.Status != approval.Pending && r.Status != approval.Withdrawn {
				t.Fatalf("%s became %s", before.Status, r.Status)
			}
			if before.Status == approval.Pending && r.Status != approval.Pending {
				decided++
			}
			if r.Status == approval.Approved && !approval.Weigh(r, crew(), now).Met {
				t.Fatal("approved, but the votes do not weigh enough")
			}
		}
		if decided > 1 {
			t.Fatalf("decided %d times", decided)
		}
	})
}

func FuzzCheckAnswer(f *testing.F) {
	f.Add("verdict", "clean", int64(3))
	f.Add("count", "", int64(-9))
	f.Add("a~/b", "x", int64(0))
	f.Fuzz(func(t *testing.T, name, text string, n int64) {
		for _, v := range []any{text, n, float64(n), []any{text, n}, map[string]any{text: n}, nil} {
			for _, p := range approval.CheckAnswer(form, map[string]any{name: v}) {
				if !strings.HasPrefix(p.At, "/answer") || p.Message == "" {
					t.Fatalf("got %+v", p)
				}
			}
		}
	})
}
