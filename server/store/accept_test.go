package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/fault"
)

func TestADeliveryBecomesAnAlertAndAQueuedRun(t *testing.T) {
	s, _ := fresh(t)
	got := accept(t, s, 1)
	if len(got.Alerts) != 1 || !got.Alerts[0].New || len(got.Runs) != 1 {
		t.Fatalf("got %+v", got)
	}
	a, err := s.Alert(t.Context(), got.Alerts[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(anAlert(1), a.Alert); diff != "" {
		t.Error(diff)
	}
	st, err := s.Load(t.Context(), got.Runs[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(startOf(anAlert(1)), st.Start); diff != "" {
		t.Error(diff)
	}
	verified(t, s)
}

func TestTheSameDeliveryAgainGetsTheSameAnswer(t *testing.T) {
	s, _ := fresh(t)
	first := accept(t, s, 1)
	again := accept(t, s, 1)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	if n := rows(t, s, "SELECT count(*) FROM run"); n != 1 {
		t.Errorf("%d runs", n)
	}
	other := aDelivery(1)
	other.SHA256, other.Raw = aDelivery(2).SHA256, aDelivery(2).Raw
	_, err := s.Accept(t.Context(), other, keepNew)
	if fault.CodeOf(err) != "delivery_conflict" {
		t.Errorf("another body: %v", err)
	}
}
