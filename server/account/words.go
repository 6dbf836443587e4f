package account

import (
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// The roles. They do not imply each other; a person holds several.
const (
	Viewer    = "viewer"
	Analyst   = "analyst"
	Responder = "responder"
	Engineer  = "engineer"
	Lead      = "lead"
	Auditor   = "auditor"
	Admin     = "admin"
)

// Roles lists every role.
func Roles() []string {
	return []string{Viewer, Analyst, Responder, Engineer, Lead, Auditor, Admin}
}

// Scopes lists what a token may be good for; it is never good for more than
// its owner's roles.
func Scopes() []string {
	return []string{"read", "write", "operate", "decide", "admin", "metrics"}
}

// The verbs that tocsin.access rules on; they are also the audit log's.
const (
	See              = "see"
	AlertEdit        = "alert.edit"
	RunStart         = "run.start"
	NoteAdd          = "note.add"
	RunCancel        = "run.cancel"
	RunRetry         = "run.retry"
	RunResolve       = "run.resolve"
	EffectUndo       = "effect.undo"
	EffectExtend     = "effect.extend"
	ActionTry        = "action.try"
	ApprovalDecide   = "approval.decide"
	HaltOn           = "halt.on"
	HaltOff          = "halt.off"
	PlaybookEdit     = "playbook.edit"
	PolicyEdit       = "policy.edit"
	SourceEdit       = "source.edit"
	ConnectionManage = "connection.manage"
	ScheduleEdit     = "schedule.edit"
	PlaybookPublish  = "playbook.publish"
	PolicyActivate   = "policy.activate"
	AuditRead        = "audit.read"
	AuditExport      = "audit.export"
	DecisionRead     = "decision.read"
	UserManage       = "user.manage"
	TokenManage      = "token.manage"
	ConnectionGrant  = "connection.grant"
	Backup           = "backup"
	Settings         = "settings"
	Metrics          = "metrics"
)

// Verbs lists every verb, for "what may I".
func Verbs() []string {
	return []string{
		See, AlertEdit, RunStart, NoteAdd, RunCancel, RunRetry, RunResolve, EffectUndo, EffectExtend, ActionTry,
		ApprovalDecide, HaltOn, HaltOff, PlaybookEdit, PolicyEdit, SourceEdit, ConnectionManage, ScheduleEdit,
		PlaybookPublish, PolicyActivate, AuditRead, AuditExport, DecisionRead, UserManage, TokenManage,
		ConnectionGrant, Backup, Settings, Metrics,
	}
}

// Question is what tocsin.access is asked; its JSON is the policy's input.
type Question struct {
	Actor  Asker     `json:"actor"`
	Verb   string    `json:"verb"`
	Object Object    `json:"object"`
	Now    time.Time `json:"now"`
}

// Asker is who asks. Scopes count for a token only.
type Asker struct {
	Kind   string   `json:"kind"` // user, token or system
	ID     string   `json:"id"`
	Roles  []string `json:"roles"`
	Teams  []string `json:"teams"`
	Scopes []string `json:"scopes"`
}

// Object is what the verb is about; fields that do not apply are "".
type Object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Team string `json:"team"`
}

// Identity is somebody who has proven who they are.
type Identity struct {
	User    User
	Kind    string   // user or token
	ID      string   // usr_… or tok_…
	Scopes  []string // of a token
	Session string   // hash of the session, "" for a token
	Auth    string   // password, link or token
	IP      string
}

// Asker gives the identity in the policy's words.
func (i Identity) Asker() Asker {
	return Asker{Kind: i.Kind, ID: i.ID, Roles: list(i.User.Roles), Teams: list(i.User.Teams), Scopes: list(i.Scopes)}
}

// Actor gives the identity in the audit log's words.
func (i Identity) Actor() audit.Actor {
	return audit.Actor{Kind: i.Kind, ID: i.ID, Name: i.User.Name, Auth: i.Auth, IP: i.IP}
}

// list gives a list that is never null on the wire.
func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// maxName bounds a log-in name.
const maxName = 64

// reserved are names that mean something else in policies and in the audit log.
func reserved(name string) bool {
	switch name {
	case "starter", "author", "system", "operator", "schedule", "anyone", "nobody", "me", "tocsin":
		return true
	}
	return false
}

// CanonicalName gives the one spelling of a log-in name: lower case of
// [a-z0-9._-], begun and ended by a letter or digit, no two marks in a row.
// Everything else is refused, look-alike letters of other scripts included, so
// that one person has one name.
func CanonicalName(text string) (string, error) {
	bad := fault.New(fault.InvalidInput, "a log-in name is 1 to %d of a-z, 0-9 and single . _ - between them", maxName).WithCode("bad_name")
	if text == "" || len(text) > maxName {
		return "", bad
	}
	out := make([]byte, len(text))
	mark := true // as if one stood before the first
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			mark = false
		case (c == '.' || c == '_' || c == '-') && !mark:
			mark = true
		default:
			return "", bad
		}
		out[i] = c
	}
	if mark || reserved(string(out)) {
		return "", bad
	}
	return string(out), nil
}

// knownWords gives words sorted and once each; one that is not in known is
// named with the nearest known one.
func knownWords(what string, words, known []string) ([]string, error) {
	out := []string{}
	for _, w := range words {
		if slices.Contains(known, w) {
			out = append(out, w)
			continue
		}
		e := fault.New(fault.InvalidInput, "there is no such %s; the %ss are %s", what, what, strings.Join(known, ", "))
		return nil, e.WithCode("unknown_" + what)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// maxTeams bounds how many teams one person is in.
const maxTeams = 50

// teamNames checks and sorts the names of teams.
func teamNames(teams []string) ([]string, error) {
	if len(teams) > maxTeams {
		return nil, fault.New(fault.InvalidInput, "a person is in %d teams at most", maxTeams).WithCode("bad_team")
	}
	out := []string{}
	for _, t := range teams {
		name, err := CanonicalName(t)
		if err != nil || name != t {
			return nil, fault.New(fault.InvalidInput, "a team's name is of a-z, 0-9 and single . _ - between them").WithCode("bad_team")
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
