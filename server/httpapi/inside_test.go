package httpapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func TestATableWithARouteThatNobodyMayHaveIsRefused(t *testing.T) {
	good := (&Server{}).table()
	if err := checkTable(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(r *Route){
		"no verb":         func(r *Route) { r.Verb = "" },
		"a verb misspelt": func(r *Route) { r.Verb = "seee" },
		"an address of another row": func(r *Route) {
			r.Path, r.Method, r.ID = good[0].Path, good[0].Method, good[0].ID
		},
		"nothing behind it": func(r *Route) { r.run = nil },
		"no words":          func(r *Route) { r.Summary = "" },
		"an id of no kind":  func(r *Route) { r.Path, r.ID = "/api/v1/things/:id", "" },
	} {
		table := (&Server{}).table()
		spoil(&table[len(table)-1])
		if checkTable(table) == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzABodyIsReadOrRefusedWithoutItsValues(f *testing.F) {
	for _, s := range []string{
		`{"name":"a","integration":"b"}`, `{}`, `[]`, `null`, `{"name":1}`, `{"auth":{"a":1}}`, `{"rate":{"per_second":1e400}}`, `{"a":"\ud800"}`, "{\"\xff\":1}", `{"name":"a","name":"b"}`,
	} {
		f.Add([]byte(s), "s3cret-v4lue-that-is-long")
	}
	f.Fuzz(func(t *testing.T, raw []byte, mark string) {
		var w ConnectionWish
		err := bind(raw, &w)
		if err == nil {
			// What was read says the same when it is written and read again.
			again, jsonErr := json.Marshal(w)
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			var v ConnectionWish
			if err := bind(again, &v); err != nil {
				t.Errorf("%s was read, and as %s it is refused: %v", raw, again, err)
			}
			return
		}
		if fault.KindOf(err) != fault.InvalidInput {
			t.Errorf("%v", err)
		}
		if len(mark) > 8 && !strings.Contains(`{"name":integration environment tags base_url auth egress rate concurrency default disabled idempotent`, mark) {
			body := []byte(`{"name":["` + strings.ToUpper(fmt.Sprintf("%x", mark)) + `"]}`)
			p, _ := problemOf(bind(body, &w), "x")
			out, _ := json.Marshal(p)
			if strings.Contains(string(out), strings.ToUpper(fmt.Sprintf("%x", mark))) {
				t.Errorf("a value is repeated: %s", out)
			}
		}
	})
}

func TestAStreamGetsEachChangeOnceInOrderOrEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHub(10)
		var seq int64
		say := func(n int) {
			batch := make([]lookup.Change, n)
			for i := range batch {
				seq++
				batch[i].Seq = seq
			}
			h.hear(batch)
		}
		say(rapid.IntRange(0, 20_000).Draw(t, "before"))
		s, ok := h.join("", nil)
		if !ok {
			t.Fatal("no place")
		}
		want := seq + 1
		for _, n := range rapid.SliceOf(rapid.IntRange(-600, 9000)).Draw(t, "acts") {
			if n >= 0 {
				say(n)
				continue
			}
			for _, c := range h.take(s, -n) {
				if c.Seq != want {
					t.Fatalf("got %d, want %d", c.Seq, want)
				}
				want++
			}
		}
		select {
		case <-s.over:
			return
		default:
		}
		for want <= seq {
			got := h.take(s, 500)
			if len(got) == 0 {
				t.Fatalf("nothing came after %d of %d", want-1, seq)
			}
			if got[0].Seq != want {
				t.Fatalf("got %d, want %d", got[0].Seq, want)
			}
			want += int64(len(got))
		}
	})
}

func TestKeptAnswersStayBounded(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	r := newReplays(func() time.Time { return now })
	body := make([]byte, 8<<10)
	begin := func(key string) string {
		code, _, err := r.Begin(t.Context(), key, "d")
		if code != 0 {
			t.Fatal(code)
		}
		return fault.CodeOf(err)
	}
	for i := range 3 * maxReplays {
		key := strconv.Itoa(i)
		if i%3 == 0 { // one in three stays under way
			if got := begin(key); got != "" {
				t.Fatalf("request %d: got %q", i, got)
			}
			continue
		}
		if got := begin(key); got != "" && got != "rate_limited" {
			t.Fatalf("request %d: got %q", i, got)
		}
		if err := r.End(t.Context(), key, 200, body); err != nil {
			t.Fatal(err)
		}
		if r.bytes > replayBytes+len(body) || len(r.kept) > maxReplays {
			t.Fatalf("%d answers of %d bytes are kept", len(r.kept), r.bytes)
		}
	}
	for i := range 3 * maxReplays / 2 {
		begin(fmt.Sprint("more", i)) // all under way: at the bound they are refused
	}
	if got := begin("one more"); got != "rate_limited" {
		t.Errorf("over the bound: got %q", got)
	}
	if got := begin("0"); got != "in_progress" {
		t.Errorf("one under way was forgotten: %q", got)
	}
	now = now.Add(25 * time.Hour)
	if got := begin("one more"); got != "" {
		t.Errorf("a day later: %q", got)
	}
}

func TestAPatternMeetsItsAddressOnly(t *testing.T) {
	for path, want := range map[string]bool{"/a/x/b": true, "/a//b": false, "/a/x": false, "/a/x/b/": false, "/A/x/b": false, "a/x/b": false} {
		if got := sameShape("/a/:id/b", path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
