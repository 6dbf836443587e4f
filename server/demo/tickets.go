package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (s *state) ticket(key string) (*ticket, error) {
	for _, t := range s.Tickets {
		if strings.EqualFold(t.Key, key) {
			return t, nil
		}
	}
	return nil, notFound("ticket", key)
}

func createTicket(s *state, q request) (any, error) {
	var in struct {
		Title    string   `json:"title"`
		Text     string   `json:"text"`
		Priority string   `json:"priority"`
		Labels   []string `json:"labels"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	if in.Priority == "" {
		in.Priority = "normal"
	}
	switch {
	case strings.TrimSpace(in.Title) == "" || len(in.Title) > 300:
		return nil, refuse(http.StatusBadRequest, "bad_request", "a title has 1 to 300 characters")
	case !slices.Contains([]string{"low", "normal", "high", "urgent"}, in.Priority):
		return nil, refuse(http.StatusBadRequest, "bad_request", "priority is low, normal, high or urgent")
	case len(s.Tickets) >= maxTickets:
		return nil, refuse(http.StatusInsufficientStorage, "full", "the ticket system is full")
	}
	s.Counts["ticket"]++
	t := &ticket{
		Key: fmt.Sprintf("SEC-%d", s.Counts["ticket"]), Title: in.Title, Text: in.Text, Priority: in.Priority,
		Labels: append([]string{}, in.Labels...), Status: "open", Comments: []comment{}, CreatedAt: q.now,
	}
	t.URL = q.page + "/#" + t.Key
	s.Tickets = append(s.Tickets, t)
	return t, nil
}

func getTicket(s *state, q request) (any, error) { return s.ticket(q.http.PathValue("key")) }

func findTickets(s *state, q request) (any, error) {
	ask := q.http.URL.Query()
	label, text, ref := ask.Get("label"), strings.ToLower(ask.Get("text")), ask.Get("comment")
	found := []*ticket{}
	for _, t := range s.Tickets {
		fits := (label == "" || slices.Contains(t.Labels, label)) &&
			(text == "" || strings.Contains(strings.ToLower(t.Title+"\n"+t.Text), text)) &&
			(ref == "" || slices.ContainsFunc(t.Comments, func(c comment) bool { return c.Ref == ref }))
		if fits {
			found = append(found, t)
		}
	}
	return map[string]any{"items": found, "total": len(found)}, nil
}

func addComment(s *state, q request) (any, error) {
	var in struct {
		Text string `json:"text"`
		Ref  string `json:"ref"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	t, err := s.ticket(q.http.PathValue("key"))
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Text) == "" {
		return nil, refuse(http.StatusBadRequest, "bad_request", "a comment has a text")
	}
	if len(t.Comments) >= maxComments {
		return nil, refuse(http.StatusInsufficientStorage, "full", "the ticket takes no more comments")
	}
	t.Comments = append(t.Comments, comment{At: q.now, Text: in.Text, Ref: in.Ref})
	return t, nil
}

func closeTicket(s *state, q request) (any, error) {
	var in struct {
		Resolution string `json:"resolution"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	t, err := s.ticket(q.http.PathValue("key"))
	if err != nil {
		return nil, err
	}
	if t.Status != "closed" {
		now := q.now
		t.Status, t.ClosedAt = "closed", &now
		if in.Resolution != "" {
			t.Comments = append(t.Comments, comment{At: now, Text: "Closed: " + in.Resolution})
		}
	}
	return t, nil
}

func reopenTicket(s *state, q request) (any, error) {
	var in struct{}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	t, err := s.ticket(q.http.PathValue("key"))
	if err != nil {
		return nil, err
	}
	t.Status, t.ClosedAt = "open", nil
	return t, nil
}
