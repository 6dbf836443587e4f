package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
)

func TestWhatIsKnownOfAConnectionIsKeptUntilAllIsWell(t *testing.T) {
	s, _ := fresh(t)
	noon := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]breaker.Line{
		"open":     {Failures: 5, Away: 5, Error: "the connection was refused", Since: noon, Open: true, Until: noon.Add(breaker.Pause)},
		"degraded": {Failures: 2, Error: "it refuses the credentials", Since: noon},
		"looked":   {Failures: 1, Away: 1, Looked: true, Error: "x", Since: noon.Add(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // new, and again
				if err := s.SaveLine(t.Context(), name, want); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Lines(t.Context())
			if err != nil || !reflect.DeepEqual(got[name], want) {
				t.Errorf("got %+v (%v)\nwant %+v", got[name], err, want)
			}
			if err := s.SaveLine(t.Context(), name, breaker.Line{}); err != nil {
				t.Fatal(err)
			}
			if got, err = s.Lines(t.Context()); err != nil || len(got) != 0 {
				t.Errorf("left %v (%v)", got, err)
			}
		})
	}
}
