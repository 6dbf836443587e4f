package httpapi

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// waitMost is how long POST …/runs?wait= may take.
const waitMost = 60 * time.Second

// table is every address of the server. A new one is a new row, with its verb.
func (s *Server) table() []Route {
	return slices.Concat(s.outside(), entrance(), alertRoutes(), playbookRoutes(), runRoutes(), approvalRoutes(),
		effectRoutes(), ruleRoutes(), connectionRoutes(), sourceRoutes(), steering(), notificationRoutes(), oversight())
}

func (s *Server) outside() []Route {
	hook := Route{
		Method: http.MethodPost, Path: "/hooks/:source", Verb: Signed, Object: "source", Status: http.StatusAccepted,
		Summary: "Take alerts from a source", run: (*call).hook, answer: reflect.TypeFor[intake.Answer](),
	}
	numbers := account.Metrics
	if s.d.MetricsPublic {
		numbers = Public
	}
	stream := Route{
		Method: http.MethodGet, Path: base + "/stream", Verb: account.See, Object: "stream", Status: http.StatusOK,
		Summary: "What changed, as server-sent events", run: (*call).events, streams: true,
		Query: []Param{{Name: "last_event_id", Kind: "number", Doc: "resume after this one; the header Last-Event-ID does the same"}},
	}
	callback := Route{
		Method: http.MethodPost, Path: base + "/callbacks/:token", Verb: Signed, Object: "run", Status: http.StatusNoContent,
		Summary: "Call a waiting run back; the token is its only authentication and good for once", run: (*call).callback,
	}
	return []Route{
		hook, callback, stream,
		get("/healthz", Public, "Is the process alive", (*call).healthz),
		get("/readyz", Public, "Can it take alerts", (*call).readyz),
		{
			Method: http.MethodGet, Path: "/metrics", Verb: numbers, Object: "metrics", Status: http.StatusOK,
			Summary: "Numbers for Prometheus", run: (*call).metrics, streams: true,
		},
		get("/openapi.json", Public, "This API as OpenAPI 3.1", (*call).openapi),
		get("/schemas/:file", Public, "A JSON Schema by name, like playbook.json", (*call).schema),
	}
}

func entrance() []Route {
	return []Route{
		send(http.MethodPost, base+"/session", Public, "Log in", (*call).logIn, unnoted()),
		send(http.MethodPost, base+"/session/link", Public, "Log in by a one-time link and set the password", (*call).useLink, unnoted()),
		send(http.MethodDelete, base+"/session", Self, "Log out", (*call).logOut, status(http.StatusNoContent)),
		get(base+"/me", Self, "Who am I and what may I", (*call).me),
	}
}

//nolint:gochecknoglobals // closed sets of words
var (
	severities     = []string{"informational", "low", "medium", "high", "critical"}
	alertStatuses  = []string{"new", "in_progress", "closed"}
	runStatuses    = []string{"queued", "running", "waiting", "succeeded", "failed", "cancelled"}
	waitKinds      = []string{"approval", "question", "timer", "event", "connection", "concurrency", "in_doubt", "halt"}
	askStatuses    = []string{"pending", "approved", "denied", "expired", "void", "withdrawn"}
	effectStatuses = []string{"in_force", "undoing", "undone", "undo_failed", "in_doubt", "foreign", "drifted"}
	outcomes       = []string{"allow", "approve", "deny"}
	noticeKinds    = words(notification.Kinds())
)

func words[W ~string](list []W) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

func alertRoutes() []Route {
	return []Route{
		list(base+"/alerts", account.See, "Alerts, newest first", (*call).alerts, []string{"created_at", "last_seen", "severity", "count"}, about("alert"), query(
			Param{Name: "severity", Words: severities}, Param{Name: "status", Words: alertStatuses}, Param{Name: "source"},
			Param{Name: "owner"}, Param{Name: "q", Doc: "text in title, source id and entities"}, Param{Name: "since", Kind: "time"},
		)),
		get(base+"/alerts/:id", account.See, "One alert with its runs and related ones", (*call).alert, about("alert"), id(ident.Alert)),
		send(http.MethodPatch, base+"/alerts/:id", account.AlertEdit, "Triage an alert", (*call).editAlert, about("alert"), id(ident.Alert)),
	}
}

func playbookRoutes() []Route {
	return []Route{
		list(base+"/playbooks", account.See, "Playbooks by name", (*call).playbooks, nil, about("playbook")),
		send(http.MethodPost, base+"/playbooks/check", account.See, "Check the text of a playbook", (*call).checkPlaybook,
			about("playbook"), yaml(), unnoted(), query(Param{Name: "name", Doc: "the file's name without .yaml"})),
		get(base+"/playbooks/:name", account.See, "One playbook with its text", (*call).playbook, about("playbook"), query(Param{Name: "version"})),
		send(http.MethodPut, base+"/playbooks/:name", account.PlaybookEdit, "Make a draft", (*call).draft, about("playbook"), yaml()),
		send(http.MethodPost, base+"/playbooks/:name/publish", account.PlaybookPublish, "Put a draft in force", (*call).publish, about("playbook")),
		get(base+"/playbooks/:name/versions", account.See, "Versions, newest first", (*call).versions, about("playbook")),
		get(base+"/playbooks/:name/graph", account.See, "The playbook as a picture", (*call).graph, about("playbook"), query(Param{Name: "version"})),
		send(http.MethodPost, base+"/playbooks/:name/runs", account.RunStart, "Start a run by hand", (*call).startRun,
			about("playbook"), within(waitMost+5*time.Second), status(http.StatusAccepted),
			query(Param{Name: "wait", Kind: "duration", Doc: "answer with the finished run, or as it is after this long; at most 60s"})),
	}
}

func runRoutes() []Route {
	run := []option{about("run"), id(ident.Run)}
	with := func(o ...option) []option { return append(slices.Clone(run), o...) }
	return []Route{
		list(base+"/runs", account.See, "Runs, newest first", (*call).runs, []string{"created_at", "severity"}, about("run"), query(
			Param{Name: "playbook"}, Param{Name: "status", Words: runStatuses}, Param{Name: "waiting", Words: waitKinds},
			Param{Name: "alert"}, Param{Name: "since", Kind: "time"},
		)),
		get(base+"/runs/:id", account.See, "One run with its steps", (*call).oneRun, run...),
		get(base+"/runs/:id/journal", account.See, "The run's journal", (*call).journal, run...),
		send(http.MethodPost, base+"/runs/:id/cancel", account.RunCancel, "Cancel a run", (*call).cancel, with(status(http.StatusAccepted))...),
		send(http.MethodPost, base+"/runs/:id/undo", account.EffectUndo, "Undo what the run has in force", (*call).undoRun, with(status(http.StatusAccepted))...),
		send(http.MethodPost, base+"/runs/:id/resolve", account.RunResolve, "Say what became of a step in doubt", (*call).resolve, with(status(http.StatusAccepted))...),
	}
}

func approvalRoutes() []Route {
	one := []option{about("approval"), id(ident.Approval)}
	return []Route{
		list(base+"/approvals", account.See, "Approvals, newest first", (*call).approvals, []string{"created_at", "deadline"}, about("approval"),
			query(Param{Name: "status", Words: askStatuses}, Param{Name: "run"})),
		get(base+"/approvals/:id", account.See, "One approval, exactly as it will be sent", (*call).approval, one...),
		send(http.MethodPost, base+"/approvals/:id/decision", account.ApprovalDecide, "Approve or deny", (*call).decide, one...),
		send(http.MethodPost, base+"/approvals/:id/answer", account.ApprovalDecide, "Answer a question", (*call).answerQuestion, one...),
		send(http.MethodPost, base+"/approvals/:id/withdraw", account.ApprovalDecide, "Take an approval back while it is held", (*call).withdraw, one...),
		send(http.MethodPost, base+"/approvals/:id/extend", account.ApprovalDecide, "Ask for more time, once", (*call).moreTime, one...),
	}
}

func effectRoutes() []Route {
	one := []option{about("effect"), id(ident.Effect)}
	with := func(o ...option) []option { return append(slices.Clone(one), o...) }
	return []Route{
		list(base+"/effects", account.See, "What is or was in force", (*call).effects, []string{"since"}, about("effect"),
			query(Param{Name: "status", Words: effectStatuses}, Param{Name: "run"}, Param{Name: "target"})),
		get(base+"/effects/:id", account.See, "One effect", (*call).effect, one...),
		send(http.MethodPost, base+"/effects/:id/undo", account.EffectUndo, "Undo an effect", (*call).undoEffect, with(status(http.StatusAccepted))...),
		send(http.MethodPost, base+"/effects/:id/extend", account.EffectExtend, "Ask for a later end", (*call).extendEffect, with(status(http.StatusAccepted))...),
	}
}

func ruleRoutes() []Route {
	return []Route{
		list(base+"/decisions", account.See, "Decisions of the policy, newest first", (*call).decisions, []string{"at"}, about("decision"),
			query(Param{Name: "run"}, Param{Name: "outcome", Words: outcomes}, Param{Name: "action"})),
		get(base+"/decisions/:id", account.See, "One decision; its input for those who may read it", (*call).decision, about("decision"), id(ident.Decision)),
		get(base+"/policies", account.See, "The policy in force", (*call).policies, about("policy")),
		send(http.MethodPost, base+"/policies/check", account.PolicyEdit, "Check modules beside the shipped ones", (*call).checkPolicies, about("policy"), unnoted()),
	}
}

func connectionRoutes() []Route {
	c, manage := about("connection"), account.ConnectionManage
	return []Route{
		list(base+"/integrations", account.See, "Integrations and their actions", (*call).integrations, nil, about("integration")),
		list(base+"/connections", account.See, "Connections and their health", (*call).connections, nil, c),
		get(base+"/connections/:name", account.See, "One connection, without its secrets", (*call).connection, c),
		send(http.MethodPost, base+"/connections", manage, "Make a connection", (*call).addConnection, c, status(http.StatusCreated), unnoted()),
		send(http.MethodPut, base+"/connections/:name", manage, "Change a connection", (*call).putConnection, c),
		send(http.MethodDelete, base+"/connections/:name", manage, "Delete a connection that nothing uses", (*call).deleteConnection, c, status(http.StatusNoContent)),
		send(http.MethodPost, base+"/connections/:name/test", manage, "Make a test call", (*call).testConnection, c, unnoted(), within(45*time.Second)),
	}
}

func sourceRoutes() []Route {
	s, edit := about("source"), account.SourceEdit
	return []Route{
		list(base+"/sources", account.See, "Sources of alerts", (*call).sources, nil, s),
		get(base+"/sources/:name", account.See, "One source, without its secrets", (*call).source, s),
		send(http.MethodPost, base+"/sources", edit, "Make a source; its secret is shown once", (*call).addSource, s, status(http.StatusCreated), unnoted()),
		send(http.MethodPost, base+"/sources/test", edit, "Try a mapping on a payload; nothing is stored", (*call).tryMapping, s, unnoted()),
		send(http.MethodPut, base+"/sources/:name", edit, "Change a source", (*call).putSource, s, unnoted()),
		send(http.MethodDelete, base+"/sources/:name", edit, "Delete a source; its alerts stay", (*call).deleteSource, s, status(http.StatusNoContent)),
		send(http.MethodPost, base+"/sources/:name/test", edit, "Try a source's mapping on a payload; nothing is stored", (*call).trySource, s, unnoted()),
	}
}

func steering() []Route {
	sch := about("schedule")
	return []Route{
		list(base+"/schedules", account.See, "Schedules with their next runs", (*call).schedules, nil, sch),
		send(http.MethodPost, base+"/schedules/:id/pause", account.ScheduleEdit, "Pause a schedule", (*call).pause, sch),
		send(http.MethodPost, base+"/schedules/:id/resume", account.ScheduleEdit, "Resume a schedule", (*call).resume, sch),
		send(http.MethodPost, base+"/schedules/:id/run", account.ScheduleEdit, "Run it now", (*call).runSchedule, sch, status(http.StatusAccepted)),
		get(base+"/halt", account.See, "Is the kill switch on", (*call).halted, about("halt")),
		send(http.MethodPut, base+"/halt", account.HaltOn, "Throw or lift the kill switch", (*call).halt, about("halt")),
	}
}

func oversight() []Route {
	return []Route{
		list(base+"/audit", account.AuditRead, "The audit log, newest first", (*call).audit, []string{"seq"}, about("audit"), query(
			Param{Name: "actor"}, Param{Name: "verb"}, Param{Name: "object"}, Param{Name: "run"},
			Param{Name: "since", Kind: "time"}, Param{Name: "until", Kind: "time"},
		)),
		get(base+"/audit/checkpoint", account.AuditRead, "The signed head of the audit log", (*call).checkpoint, about("audit")),
		get(base+"/problems", account.See, "What is wrong with loaded files", (*call).problems, about("problem")),
		list(base+"/users", account.UserManage, "People and service accounts", (*call).users, []string{"name", "created_at"}, about("user")),
		send(http.MethodPost, base+"/users", account.UserManage, "Add somebody", (*call).addUser, about("user"), status(http.StatusCreated)),
		get(base+"/users/:name", account.UserManage, "One account", (*call).user, about("user")),
		send(http.MethodPatch, base+"/users/:name", account.UserManage, "Change an account", (*call).editUser, about("user")),
		send(http.MethodPost, base+"/users/:name/link", account.UserManage, "Make a one-time log-in link", (*call).link, about("user"), unnoted(), status(http.StatusCreated)),
		list(base+"/tokens", account.TokenManage, "API tokens, never their text", (*call).tokens, []string{"created_at"}, about("token"), query(Param{Name: "owner"})),
		send(http.MethodPost, base+"/tokens", account.TokenManage, "Make a token; its text is shown once", (*call).addToken, about("token"), unnoted(), status(http.StatusCreated)),
		send(http.MethodDelete, base+"/tokens/:id", account.TokenManage, "Revoke a token", (*call).revokeToken, about("token"), id(ident.Token)),
	}
}
