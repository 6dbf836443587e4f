package demo

import (
	"net/http"
	"slices"
	"strings"
)

func (s *state) user(name string) (*user, error) {
	for _, u := range s.Users {
		if strings.EqualFold(u.Name, name) || strings.EqualFold(u.Mail, name) || u.ID == name {
			return u, nil
		}
	}
	return nil, notFound("user", name)
}

func getUser(s *state, q request) (any, error) { return s.user(q.http.PathValue("user")) }

// account is the answer to enable and disable.
type account struct {
	User       string `json:"user"`
	Enabled    bool   `json:"enabled"`
	WasEnabled bool   `json:"was_enabled"`
}

func disableUser(s *state, q request) (any, error) { return setEnabled(s, q, false) }
func enableUser(s *state, q request) (any, error)  { return setEnabled(s, q, true) }

func setEnabled(s *state, q request, on bool) (any, error) {
	var in because
	if err := q.into(&in); err != nil {
		return nil, err
	}
	u, err := s.user(q.http.PathValue("user"))
	if err != nil {
		return nil, err
	}
	out := account{User: u.Name, Enabled: on, WasEnabled: u.Enabled}
	u.Enabled, u.Reason = on, in.Reason
	if on {
		u.Reason = ""
	} else {
		u.Sessions = 0
	}
	return out, nil
}

func signOutUser(s *state, q request) (any, error) {
	var in because
	if err := q.into(&in); err != nil {
		return nil, err
	}
	u, err := s.user(q.http.PathValue("user"))
	if err != nil {
		return nil, err
	}
	ended := u.Sessions
	u.Sessions = 0
	return map[string]any{"user": u.Name, "ended": ended}, nil
}

func getGroup(s *state, q request) (any, error) {
	group, members := q.http.PathValue("group"), []string{}
	for _, u := range s.Users {
		if slices.Contains(u.Groups, group) {
			members = append(members, u.Name)
		}
	}
	if !slices.Contains(groups, group) {
		return nil, notFound("group", group)
	}
	return map[string]any{"group": group, "members": members}, nil
}

func addMember(s *state, q request) (any, error)    { return setMember(s, q, true) }
func removeMember(s *state, q request) (any, error) { return setMember(s, q, false) }

func setMember(s *state, q request, in bool) (any, error) {
	var none because
	if err := q.into(&none); err != nil {
		return nil, err
	}
	group := q.http.PathValue("group")
	if !slices.Contains(groups, group) {
		return nil, notFound("group", group)
	}
	u, err := s.user(q.http.PathValue("user"))
	if err != nil {
		return nil, err
	}
	was := slices.Contains(u.Groups, group)
	if was && !in && len(u.Groups) == 1 {
		return nil, refuse(http.StatusConflict, "last_group", "an account stays in at least one group")
	}
	switch {
	case in && !was:
		u.Groups = append(slices.Clone(u.Groups), group)
	case !in && was:
		u.Groups = slices.DeleteFunc(slices.Clone(u.Groups), func(g string) bool { return g == group })
	}
	return map[string]any{"group": group, "user": u.Name, "member": in, "was_member": was}, nil
}
