package demo

import (
	"net/http"
	"slices"
	"strings"
)

const (
	inbox      = "inbox"
	quarantine = "quarantine"
	maxMove    = 100
)

func (s *state) mail(id string) (*mail, error) {
	for _, m := range s.Mails {
		if m.ID == id {
			return m, nil
		}
	}
	return nil, notFound("message", id)
}

func getMail(s *state, q request) (any, error) { return s.mail(q.http.PathValue("message")) }

func searchMail(s *state, q request) (any, error) {
	var in struct {
		From    string `json:"from"`
		Subject string `json:"subject"`
		URL     string `json:"url"`
		Folder  string `json:"folder"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	if in.From == "" && in.Subject == "" && in.URL == "" && in.Folder != quarantine {
		return nil, refuse(http.StatusBadRequest, "bad_request", "name a sender, a subject or a URL; a search for everything is not answered")
	}
	found := []*mail{}
	for _, m := range s.Mails {
		fits := (in.From == "" || strings.EqualFold(m.From, in.From)) &&
			(in.Subject == "" || strings.Contains(strings.ToLower(m.Subject), strings.ToLower(in.Subject))) &&
			(in.URL == "" || slices.Contains(m.URLs, in.URL)) &&
			(in.Folder == "" || m.Folder == in.Folder)
		if fits {
			found = append(found, m)
		}
	}
	return map[string]any{"messages": found, "total": len(found)}, nil
}

func purgeMail(s *state, q request) (any, error)   { return move(s, q, quarantine) }
func restoreMail(s *state, q request) (any, error) { return move(s, q, inbox) }

// move takes all messages or none: an unknown one refuses the whole call.
func move(s *state, q request, folder string) (any, error) {
	var in struct {
		IDs    []string `json:"ids"`
		Reason string   `json:"reason"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > maxMove {
		return nil, refuse(http.StatusBadRequest, "bad_request", "name 1 to 100 messages")
	}
	ms := make([]*mail, 0, len(in.IDs))
	for _, id := range in.IDs {
		m, err := s.mail(id)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	moved, already := []string{}, []string{}
	for _, m := range ms {
		if m.Folder == folder {
			already = append(already, m.ID)
			continue
		}
		m.Folder = folder
		moved = append(moved, m.ID)
	}
	return map[string]any{"folder": folder, "moved": moved, "already": already}, nil
}
