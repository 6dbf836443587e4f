package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// perMinute is how many messages the chat takes in a minute, as real ones have it.
const perMinute = 60

func postChat(s *state, q request) (any, error) {
	var in struct {
		Channel string `json:"channel"`
		Text    string `json:"text"`
		Ref     string `json:"ref"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(channels, in.Channel):
		return nil, notFound("channel", in.Channel)
	case strings.TrimSpace(in.Text) == "" || len(in.Text) > 4000:
		return nil, refuse(http.StatusBadRequest, "bad_request", "a message has 1 to 4000 characters")
	}
	if n := len(s.Chat); n >= perMinute {
		if wait := time.Minute - q.now.Sub(s.Chat[n-perMinute].At); wait > 0 {
			return nil, &refusal{http.StatusTooManyRequests, "rate_limited", "too many messages in a minute", int(wait/time.Second) + 1}
		}
	}
	s.Counts["chat"]++
	m := chatMessage{ID: fmt.Sprintf("m%06d", s.Counts["chat"]), Channel: in.Channel, Text: in.Text, At: q.now, Ref: in.Ref}
	s.Chat = append(s.Chat, m)
	if over := len(s.Chat) - maxChat; over > 0 {
		s.Chat = s.Chat[over:]
	}
	return m, nil
}

func listChat(s *state, q request) (any, error) {
	channel, ref := q.http.URL.Query().Get("channel"), q.http.URL.Query().Get("ref")
	found := []chatMessage{}
	for _, m := range s.Chat {
		if (channel == "" || m.Channel == channel) && (ref == "" || m.Ref == ref) {
			found = append(found, m)
		}
	}
	return map[string]any{"messages": found, "total": len(found)}, nil
}
