package store

import (
	"testing"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Events that nobody wants are not kept; one that is wanted is handed on once.
func TestAnEventIsKeptForThoseWhoWantItAndHandedOnOnce(t *testing.T) {
	s, _ := fresh(t)
	closing := func(n int) {
		a := anAlert(n)
		if err := s.commit(t.Context(), func(tx *tx) error { return tx.insertAlert(a, noon) }); err != nil {
			t.Fatal(err)
		}
		_, err := s.UpdateAlert(t.Context(), a.ID, func(a alert.Alert, _ int64) (alert.Alert, []audit.Draft, error) {
			a.Status, a.Reason = alert.Closed, "seen"
			return a, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	closing(1)
	if list, err := s.Events(t.Context(), 10); err != nil || len(list) != 0 {
		t.Fatalf("nobody wants them, and %v %v is kept", list, err)
	}
	s.Want([]string{"alert.closed"})
	closing(2)
	list, err := s.Events(t.Context(), 10)
	if err != nil || len(list) != 1 || list[0].Subject != "alert.closed" || list[0].Data["id"] != anAlert(2).ID || list[0].Data["reason"] != "seen" {
		t.Fatalf("got %+v, %v", list, err)
	}
	for range 2 {
		if err := s.HandOn(t.Context(), list[0], nil); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.Events(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("it is still kept: %v %v", list, err)
	}
	if err := s.CallBack(t.Context(), "nobody's", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a token of nobody: %v", err)
	}
}
