package audit

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"fmt"
	"iter"
	"slices"
)

// Damage says what was done to the log.
type Damage string

// The kinds of damage. Unsigned and Forked concern a checkpoint, all others an
// entry.
const (
	Changed  Damage = "changed"
	Removed  Damage = "removed"
	Inserted Damage = "inserted"
	Unsigned Damage = "unsigned"
	Forked   Damage = "forked"
)

// Finding is the first place at which the log is not what was written: the
// sequence of the entry, or the size of the checkpoint.
type Finding struct {
	Seq    int64  `json:"seq"`
	Damage Damage `json:"damage"`
	Why    string `json:"why"`
}

// Report is what a check of the log found. First is nil when nothing is wrong.
type Report struct {
	Instance    string   `json:"instance"`
	Key         string   `json:"key"`
	Entries     int64    `json:"entries"`
	Checkpoints int      `json:"checkpoints"` // that hold, with a valid signature
	Root        Hash     `json:"root"`
	Chain       Hash     `json:"chain"`
	First       *Finding `json:"first"`
}

// Verify reads all rows in the order of their sequence and names the first that
// was changed, removed or inserted. Checkpoints must be signed by key and hold;
// without a key that of the first entry is taken, which proves order only. The
// error is that of reading, never of the log.
func Verify(rows iter.Seq2[Row, error], key ed25519.PublicKey, checkpoints []Checkpoint) (Report, error) {
	v := verifier{key: key, checks: slices.SortedFunc(slices.Values(checkpoints), func(a, b Checkpoint) int {
		return cmp.Compare(a.Size, b.Size)
	})}
	for r, err := range rows {
		if err != nil {
			return v.report, fmt.Errorf("read the audit log: %w", err)
		}
		if v.take(r); v.report.First != nil {
			return v.report, nil
		}
	}
	v.end()
	return v.report, nil
}

type verifier struct {
	key    ed25519.PublicKey
	known  []ed25519.PublicKey // named by the log itself, after the first
	checks []Checkpoint        // still ahead
	tree   Tree
	last   Row      // the last good one
	before Hash     // chain before last
	held   *Row     // does not fit; the next row tells why
	fork   *Finding // a checkpoint that does not hold; the next row tells why
	report Report
}

func (v *verifier) fail(seq int64, d Damage, why string) {
	v.report.First = &Finding{Seq: seq, Damage: d, Why: why}
}

// take checks one row against all before it.
func (v *verifier) take(r Row) {
	if v.held != nil {
		v.explain(*v.held, &r)
		return
	}
	if v.fork != nil {
		v.report.First = v.fork
		if Chain(v.before, r.Leaf) == r.Chain {
			v.fail(v.last.Seq, Inserted, "the chain goes on as if this entry were not there")
		}
		return
	}
	want := v.last.Seq + 1
	e, err := Decode(r.Entry)
	switch {
	case r.Seq > want:
		v.fail(want, Removed, fmt.Sprintf("entries %d to %d are missing", want, r.Seq-1))
	case r.Seq < want:
		v.fail(r.Seq, Inserted, "an entry stands out of order")
	case err == nil && e.Seq > want && Leaf(r.Entry) == r.Leaf:
		v.fail(want, Removed, fmt.Sprintf("in its place stands what was entry %d", e.Seq))
	case err != nil, e.Seq != want, Leaf(r.Entry) != r.Leaf, Chain(v.last.Chain, r.Leaf) != r.Chain:
		v.held = &r
	default:
		v.accept(r, e)
	}
}

// explain says why a row does not fit, by the one behind it: where that one
// continues the chain as if the row were not there, the row was put in.
func (v *verifier) explain(bad Row, next *Row) {
	switch {
	case Chain(v.before, bad.Leaf) == bad.Chain && Leaf(bad.Entry) == bad.Leaf && v.last.Seq > 0:
		v.fail(v.last.Seq, Inserted, "the chain goes on as if this entry were not there")
	case next != nil && Chain(v.last.Chain, next.Leaf) == next.Chain:
		v.fail(bad.Seq, Inserted, "the chain goes on as if this entry were not there")
	default:
		v.fail(bad.Seq, Changed, "the entry, or the one before it, is not what the chain says was written")
	}
}

func (v *verifier) accept(r Row, e Entry) {
	if r.Seq == 1 && !v.begin(e) {
		return
	}
	if e.Verb == VerbKey {
		if k, err := ParseKey(e.Digest); err == nil {
			v.known = append(v.known, k)
		}
	}
	v.before, v.last = v.last.Chain, r
	v.tree.Append(r.Leaf)
	v.report.Entries, v.report.Chain = r.Seq, r.Chain
	for len(v.checks) > 0 && v.checks[0].Size <= r.Seq && v.report.First == nil && v.fork == nil {
		v.check(v.checks[0])
		v.checks = v.checks[1:]
	}
}

// begin reads instance and key out of the first entry.
func (v *verifier) begin(e Entry) bool {
	k, err := ParseKey(e.Digest)
	if e.Verb != VerbBegin || err != nil {
		v.fail(1, Changed, "the first entry does not name the instance and its public key")
		return false
	}
	if v.key != nil && !bytes.Equal(k, v.key) {
		v.fail(1, Changed, "the first entry names another public key than the one given")
		return false
	}
	v.key = k
	v.report.Instance, v.report.Key = e.Object.ID, e.Digest
	return true
}

func (v *verifier) check(c Checkpoint) {
	signed := c.Signed(v.key)
	for _, k := range v.known {
		signed = signed || c.Signed(k)
	}
	switch {
	case !signed:
		v.fail(c.Size, Unsigned, "the signature of a checkpoint is not that of the log's key")
	case c.Size != v.tree.Size() || c.Root != v.tree.Root() || c.Chain != v.last.Chain:
		v.fork = &Finding{Seq: c.Size, Damage: Forked, Why: "a signed checkpoint of this size has another root"}
	default:
		v.report.Checkpoints++
	}
}

func (v *verifier) end() {
	if v.held != nil {
		v.explain(*v.held, nil)
		return
	}
	if v.fork != nil {
		v.report.First = v.fork
		return
	}
	v.report.Root = v.tree.Root()
	if len(v.checks) > 0 {
		v.fail(v.last.Seq+1, Removed, fmt.Sprintf("a checkpoint says that there were %d entries", v.checks[len(v.checks)-1].Size))
	}
}
