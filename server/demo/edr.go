package demo

import (
	"net/http"
	"strings"
	"time"
)

func (s *state) host(name string) (*host, error) {
	for _, h := range s.Hosts {
		if strings.EqualFold(h.Name, name) || h.ID == name {
			return h, nil
		}
	}
	return nil, notFound("host", name)
}

func listHosts(s *state, q request) (any, error) {
	found := []*host{}
	user := q.http.URL.Query().Get("user")
	for _, h := range s.Hosts {
		if user == "" || strings.EqualFold(h.User, user) {
			found = append(found, h)
		}
	}
	return map[string]any{"hosts": found, "total": len(found)}, nil
}

func getHost(s *state, q request) (any, error) { return s.host(q.http.PathValue("host")) }

func listProcesses(s *state, q request) (any, error) {
	h, err := s.host(q.http.PathValue("host"))
	if err != nil {
		return nil, err
	}
	return map[string]any{"host": h.Name, "processes": h.Processes}, nil
}

// isolation is the answer to isolate and release.
type isolation struct {
	Host        string     `json:"host"`
	Isolated    bool       `json:"isolated"`
	WasIsolated bool       `json:"was_isolated"`
	At          *time.Time `json:"at"`
}

type because struct {
	Reason string `json:"reason"`
}

func isolateHost(s *state, q request) (any, error) {
	var in because
	if err := q.into(&in); err != nil {
		return nil, err
	}
	h, err := s.host(q.http.PathValue("host"))
	if err != nil {
		return nil, err
	}
	if !h.Online {
		return nil, refuse(http.StatusConflict, "host_offline", "the host is offline; an agent that does not answer cannot be isolated")
	}
	out := isolation{Host: h.Name, Isolated: true, WasIsolated: h.Isolated, At: h.IsolatedAt}
	if !h.Isolated {
		now := q.now
		h.Isolated, h.IsolatedAt, h.Reason, out.At = true, &now, in.Reason, &now
	}
	return out, nil
}

func releaseHost(s *state, q request) (any, error) {
	var in because
	if err := q.into(&in); err != nil {
		return nil, err
	}
	h, err := s.host(q.http.PathValue("host"))
	if err != nil {
		return nil, err
	}
	out := isolation{Host: h.Name, Isolated: false, WasIsolated: h.Isolated}
	h.Isolated, h.IsolatedAt, h.Reason = false, nil, ""
	return out, nil
}

func killProcess(s *state, q request) (any, error) {
	var in struct {
		PID int64 `json:"pid"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	h, err := s.host(q.http.PathValue("host"))
	if err != nil {
		return nil, err
	}
	if !h.Online {
		return nil, refuse(http.StatusConflict, "host_offline", "the host is offline")
	}
	for i, p := range h.Processes {
		if p.PID == in.PID {
			h.Processes = append(h.Processes[:i:i], h.Processes[i+1:]...)
			return map[string]any{"host": h.Name, "killed": p}, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "not_found", "the host runs no such process")
}

// fileVerdict is what the EDR's cloud knows of a file.
type fileVerdict struct {
	SHA256    string    `json:"sha256"`
	Verdict   string    `json:"verdict"` // malicious, suspicious, clean or unknown
	Family    string    `json:"family"`
	Engines   int       `json:"engines"`
	Flagged   int       `json:"flagged"`
	Hosts     []string  `json:"hosts"` // of this organisation, on which it runs
	FirstSeen time.Time `json:"first_seen"`
}

func getFile(s *state, q request) (any, error) {
	sum := strings.ToLower(q.http.PathValue("sha256"))
	if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return nil, refuse(http.StatusBadRequest, "bad_request", "a SHA-256 has 64 hex digits")
	}
	v, known := verdicts[sum]
	if !known {
		v = fileVerdict{Verdict: "unknown"}
	}
	v.SHA256, v.Hosts, v.FirstSeen = sum, []string{}, s.Base
	for _, h := range s.Hosts {
		for _, p := range h.Processes {
			if p.SHA256 == sum {
				v.Hosts = append(v.Hosts, h.Name)
				break
			}
		}
	}
	return v, nil
}

// findOperation answers what became of a call with this idempotency key.
func findOperation(s *state, q request) (any, error) {
	key := q.http.PathValue("key")
	for _, a := range s.Answered {
		if a.Key == key && strings.HasPrefix(a.Path, "POST /edr/") {
			return map[string]any{"key": key, "found": true, "output": a.Reply}, nil
		}
	}
	return map[string]any{"key": key, "found": false, "output": nil}, nil
}
