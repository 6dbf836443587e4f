package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/ident"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	priv = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	pub  = priv.Public().(ed25519.PublicKey)
)

func drafts() *rapid.Generator[audit.Draft] {
	text := rapid.StringOf(rapid.RuneFrom([]rune("abcé\u2028\x00\x1f\n\t\r\b\f\"\\<>&😀")))
	return rapid.Custom(func(t *rapid.T) audit.Draft {
		s := func(label string) string { return text.Draw(t, label) }
		return audit.Draft{
			At:    noon.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "µs")) * time.Microsecond),
			Actor: audit.Actor{Kind: s("kind"), ID: s("id"), Name: s("name"), Auth: s("auth"), IP: s("ip")},
			Verb:  s("verb"), Object: audit.Object{Kind: s("okind"), ID: s("oid")},
			Run: s("run"), Step: s("step"), Decision: s("decision"), Digest: s("digest"),
			Before: s("before"), After: s("after"), Reason: s("reason"), Outcome: audit.Done,
		}
	})
}

func begin() audit.Draft {
	return audit.Draft{
		At: noon, Actor: audit.Actor{Kind: "system"}, Verb: audit.VerbBegin,
		Object: audit.Object{Kind: "instance", ID: "ins_1"}, Digest: audit.KeyText(pub), Outcome: audit.Done,
	}
}

// written makes a log of n entries with a signed checkpoint at its end.
func written(n int) ([]audit.Row, audit.Checkpoint) {
	var rows []audit.Row
	var tree audit.Tree
	var prev audit.Row
	for i := range n {
		d := begin()
		if i > 0 {
			d = audit.Draft{At: noon, Verb: "alert.edit", Object: audit.Object{Kind: "alert", ID: strconv.Itoa(i)}, Outcome: audit.Done}
		}
		prev = audit.Link(prev, d)
		tree.Append(prev.Leaf)
		rows = append(rows, prev)
	}
	c := audit.Checkpoint{Instance: "ins_1", Size: tree.Size(), Root: tree.Root(), Chain: prev.Chain, At: noon}
	return rows, c.Sign(priv)
}

func TestAnEntryIsTheCanonicalJSONOfItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, seq := drafts().Draw(t, "draft"), rapid.Int64Range(1, 1<<50).Draw(t, "seq")
		raw := d.Encode(seq)
		v, err := ident.Decode(raw)
		if err != nil {
			t.Fatalf("not JSON: %v: %s", err, raw)
		}
		want, err := ident.Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, want) {
			t.Fatalf("got  %s\nwant %s", raw, want)
		}
		e, err := audit.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != seq || e.Actor != d.Actor || e.Object != d.Object || e.Reason != d.Reason || !e.At.Equal(d.At) {
			t.Fatalf("came back as %+v", e)
		}
	})
}

func TestAnEntryHasTheFieldsOfTheContract(t *testing.T) {
	raw := audit.Draft{At: noon, Verb: "halt.on", Before: "", After: "ab", Outcome: audit.Refused}.Encode(9)
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"v": 1.0, "seq": 9.0, "at": "2026-11-24T12:00:00.000000Z", "verb": "halt.on",
		"actor":  map[string]any{"kind": "", "id": "", "name": "", "auth": "", "ip": ""},
		"object": map[string]any{"kind": "", "id": ""}, "run": "", "step": "", "decision": "", "digest": "",
		"before": nil, "after": "ab", "reason": "", "outcome": "refused",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTextThatIsNoEntryIsRefused(t *testing.T) {
	good := string(begin().Encode(1))
	for name, raw := range map[string]string{
		"nothing":             "",
		"no object":           "[]",
		"an unknown key":      strings.Replace(good, `"v":1`, `"v":1,"x":1`, 1),
		"another version":     strings.Replace(good, `"v":1`, `"v":2`, 1),
		"a space":             strings.Replace(good, `"v":1`, `"v": 1`, 1),
		"a key twice":         strings.Replace(good, `"v":1`, `"v":1,"v":1`, 1),
		"an upper-case key":   strings.Replace(good, `"verb"`, `"Verb"`, 1),
		"more behind it":      good + " ",
		"a needless escape":   strings.Replace(good, `"audit.begin"`, `"\u0061udit.begin"`, 1),
		"another time's form": strings.Replace(good, "12:00:00.000000Z", "12:00:00Z", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := audit.Decode([]byte(raw)); err == nil {
				t.Errorf("read as %+v", e)
			}
		})
	}
}

func TestAnUntouchedLogIsWhole(t *testing.T) {
	rows, c := written(20)
	got, err := audit.Verify(audit.Rows(rows), pub, []audit.Checkpoint{c})
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Report{Instance: "ins_1", Key: audit.KeyText(pub), Entries: 20, Checkpoints: 1, Root: c.Root, Chain: c.Chain}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnySingleChangeIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "entries")
		rows, c := written(n)
		i := rapid.IntRange(0, n-1).Draw(t, "at")
		want := audit.Finding{Seq: int64(i + 1)}
		extra := audit.Draft{At: noon, Verb: "token.manage", Outcome: audit.Done}
		switch rapid.SampledFrom([]string{"byte", "rewritten", "hash", "gone", "gone, numbers closed", "new", "new, linked"}).Draw(t, "change") {
		case "byte":
			rows[i].Entry = slices.Clone(rows[i].Entry)
			rows[i].Entry[rapid.IntRange(0, len(rows[i].Entry)-1).Draw(t, "byte")] ^= 1
			want.Damage = audit.Changed
		case "rewritten": // with hashes that fit, as somebody with the database would
			prev := audit.Row{}
			if i > 0 {
				prev = rows[i-1]
			}
			rows[i] = audit.Link(prev, extra)
			want.Damage = audit.Changed
			if i > 0 && i < n-1 { // the entry itself is linked well; the next one tells
				got := verify(t, rows, c)
				if got == nil || got.Seq < int64(i+1) || got.Seq > int64(i+2) {
					t.Fatalf("got %+v", got)
				}
				return
			}
			if i == n-1 { // only the checkpoint knows
				want.Damage = audit.Forked
			}
		case "hash":
			rows[i].Chain[3] ^= 4
			want.Damage = audit.Changed
		case "gone":
			rows = slices.Delete(rows, i, i+1)
			want.Damage = audit.Removed
		case "gone, numbers closed":
			rows = slices.Delete(rows, i, i+1)
			renumber(rows)
			want.Damage = audit.Removed
		case "new":
			rows = slices.Insert(rows, i, audit.Row{Entry: extra.Encode(int64(i + 1)), Leaf: audit.Leaf(extra.Encode(int64(i + 1)))})
			renumber(rows)
			want.Damage = audit.Inserted
		case "new, linked":
			if i == 0 {
				i, want.Seq = 1, 2
			}
			rows = slices.Insert(rows, i, audit.Link(rows[i-1], extra))
			renumber(rows)
			want.Damage = audit.Inserted
		}
		got := verify(t, rows, c)
		if got == nil || got.Seq != want.Seq || got.Damage != want.Damage {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func renumber(rows []audit.Row) {
	for i := range rows {
		rows[i].Seq = int64(i + 1)
	}
}

func verify(t *rapid.T, rows []audit.Row, c audit.Checkpoint) *audit.Finding {
	r, err := audit.Verify(audit.Rows(rows), pub, []audit.Checkpoint{c})
	if err != nil {
		t.Fatal(err)
	}
	return r.First
}

func TestAForgedCheckpointIsNamed(t *testing.T) {
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	rows, c := written(5)
	for name, tc := range map[string]struct {
		key  ed25519.PublicKey
		c    audit.Checkpoint
		want audit.Damage
	}{
		"signed by another key":   {pub, c.Sign(other), audit.Unsigned},
		"of a root never reached": {pub, func() audit.Checkpoint { d := c; d.Root[0]++; return d.Sign(priv) }(), audit.Forked},
		"not signed":              {pub, func() audit.Checkpoint { d := c; d.Signature = nil; return d }(), audit.Unsigned},
		"ahead of the log":        {pub, func() audit.Checkpoint { d := c; d.Size = 9; return d.Sign(priv) }(), audit.Removed},
		"judged by another key":   {other.Public().(ed25519.PublicKey), c, audit.Changed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := audit.Verify(audit.Rows(rows), tc.key, []audit.Checkpoint{tc.c})
			if err != nil || got.First == nil || got.First.Damage != tc.want {
				t.Errorf("got %+v %v, want %s", got.First, err, tc.want)
			}
		})
	}
}

func TestAWholeHistoryForgedWithoutTheKeyShowsAtTheCheckpoint(t *testing.T) {
	_, c := written(6)
	forged, _ := written(5)
	forged = append(forged, audit.Link(forged[4], audit.Draft{At: noon, Verb: "user.manage", Outcome: audit.Done}))
	got, err := audit.Verify(audit.Rows(forged), pub, []audit.Checkpoint{c})
	if err != nil || got.First == nil || got.First.Damage != audit.Forked || got.First.Seq != 6 {
		t.Errorf("got %+v %v", got.First, err)
	}
}

func TestInclusionOfEveryLeafIsProvenAndNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "leaves")
		leaves := make([]audit.Hash, n)
		for i := range leaves {
			leaves[i] = audit.Leaf(fmt.Append(nil, i))
		}
		root := audit.Root(leaves)
		i := rapid.IntRange(0, n-1).Draw(t, "index")
		path, err := audit.Inclusion(leaves, i)
		if err != nil {
			t.Fatal(err)
		}
		if !audit.Included(leaves[i], int64(i), int64(n), path, root) {
			t.Fatalf("leaf %d of %d is not proven", i, n)
		}
		if audit.Included(audit.Leaf([]byte("other")), int64(i), int64(n), path, root) {
			t.Fatal("a leaf that is not there is proven")
		}
		if j := (i + 1) % n; j != i && audit.Included(leaves[i], int64(j), int64(n), path, root) {
			t.Fatal("a leaf is proven at another place")
		}
	})
}

func TestTheRootIsThatOfRFC9162(t *testing.T) {
	// The test vectors of Certificate Transparency: leaves of the RFC 6962 tree.
	var leaves []audit.Hash
	for _, s := range []string{"", "\x00", "\x10", "\x20\x21", "\x30\x31", "\x40\x41\x42\x43", "\x50\x51\x52\x53\x54\x55\x56\x57", "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"} {
		leaves = append(leaves, audit.Leaf([]byte(s)))
	}
	for n, want := range map[int]string{
		0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	} {
		if got := audit.Root(leaves[:n]).String(); got != want {
			t.Errorf("root of %d: got %s, want %s", n, got, want)
		}
	}
}

func TestAnExportReadsBackAsItWas(t *testing.T) {
	rows, c := written(4)
	var file bytes.Buffer
	if err := audit.Export(&file, audit.Rows(rows), []audit.Checkpoint{c}); err != nil {
		t.Fatal(err)
	}
	gotRows, gotChecks, err := audit.Import(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, gotRows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]audit.Checkpoint{c}, gotChecks); diff != "" {
		t.Error(diff)
	}
}

func FuzzImportNeverPanics(f *testing.F) {
	rows, c := written(2)
	var file bytes.Buffer
	if err := audit.Export(&file, audit.Rows(rows), []audit.Checkpoint{c}); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`{"checkpoint":{"size":-1}}`))
	f.Add([]byte(`{"seq":1,"entry":"{}","leaf":"00","chain":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, checks, err := audit.Import(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if _, err := audit.Verify(audit.Rows(rows), pub, checks); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeGivesOnlyWhatEncodes(f *testing.F) {
	f.Add(begin().Encode(1))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := audit.Decode(raw)
		if err != nil {
			return
		}
		again := audit.Draft{
			At: e.At, Actor: e.Actor, Verb: e.Verb, Object: e.Object, Run: e.Run, Step: e.Step, Decision: e.Decision,
			Digest: e.Digest, Reason: e.Reason, Outcome: e.Outcome,
		}
		if e.Before != nil {
			again.Before = *e.Before
		}
		if e.After != nil {
			again.After = *e.After
		}
		if !bytes.Equal(again.Encode(e.Seq), raw) {
			t.Fatalf("two texts for one entry: %q", raw)
		}
	})
}
