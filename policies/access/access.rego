# Who may see and do what. Roles do not imply each other; a token may do what
# its owner's roles and its own scopes both allow.
package tocsin.access

default allow := false

allow if {
	some role in input.actor.roles
	input.verb in may[role]
	in_scope
	in_team
}

# The metrics are for a scraper: no role reads them, only a token made for it.
allow if {
	input.verb == "metrics"
	input.actor.kind == "token"
	in_scope
}

everybody := {"see", "approval.decide"}

handling := {"alert.edit", "run.start", "note.add"}

steering := {"run.cancel", "run.retry", "run.resolve", "effect.undo", "effect.extend", "action.try"}

building := {"playbook.edit", "policy.edit", "source.edit", "connection.manage", "schedule.edit"}

releasing := {"playbook.publish", "policy.activate"}

proving := {"audit.read", "audit.export", "decision.read"}

running := {"user.manage", "token.manage", "connection.grant", "backup", "settings"}

# may: the table. Who decides an approval is ruled by its requirements; that the
# author does not publish, by the publishing itself.
may := {
	"viewer": everybody,
	"analyst": union({everybody, handling}),
	"responder": union({everybody, handling, steering, {"halt.on"}}),
	"engineer": union({everybody, building, releasing}),
	"lead": union({everybody, handling, steering, releasing, proving, {"halt.on", "halt.off"}}),
	"auditor": union({everybody, proving}),
	"admin": union({everybody, proving, running, {"halt.on", "halt.off"}}),
}

# verbs: all there are
verbs := {verb | some set in scopes; some verb in set}

# scopes: which verbs a token's scope is good for
scopes := {
	"read": union({{"see"}, proving}),
	"write": union({{"alert.edit", "note.add"}, building, releasing}),
	"operate": union({{"run.start", "halt.on", "halt.off"}, steering}),
	"decide": {"approval.decide"},
	"admin": running,
	"metrics": {"metrics"},
}

# Scopes are of tokens; a person, and the operator at the machine, needs none.
in_scope if input.actor.kind in {"user", "system"}

in_scope if {
	input.actor.kind == "token"
	some scope in input.actor.scopes
	input.verb in scopes[scope]
}

# A thing without a team is everybody's. Admins and auditors look after all.
in_team if input.object.team == ""

in_team if input.object.team in input.actor.teams

in_team if {
	some role in input.actor.roles
	role in {"admin", "auditor"}
}
