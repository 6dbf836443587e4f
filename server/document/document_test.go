package document

import (
	"testing"
	"time"
)

func TestDecodeReadsWhatWasWrittenAndNamesWhatIsWrong(t *testing.T) {
	var into struct {
		Name  string        `yaml:"name,required"`
		Every time.Duration `yaml:"every"`
		Max   Size          `yaml:"max"`
		Tags  []string      `yaml:"tags"`
		N     *int          `yaml:"n" min:"1"`
		Rest  *Node         `yaml:"rest"`
	}
	n, ps := Parse("x.yaml", []byte("name: x\nevery: 1h30m\nmax: 1MiB\ntags: [a, \"b\"]\nn: 3\nrest: {a: [1, 2.5, true, null, 0x10]}\nnam: 3\n"))
	if len(ps) != 0 {
		t.Fatal(ps)
	}
	ps = Decode(n, &into)
	if len(ps) != 1 || ps[0].Line != 7 || ps[0].Column != 1 || ps[0].Hint != `did you mean "name"?` {
		t.Fatalf("%+v", ps)
	}
	if into.Name != "x" || into.Every != 90*time.Minute || into.Max != 1<<20 || *into.N != 3 || len(into.Tags) != 2 || into.Rest == nil {
		t.Fatalf("%+v", into)
	}
}
