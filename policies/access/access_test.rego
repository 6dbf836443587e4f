package tocsin.access_test

import data.tocsin.access

asks(kind, roles, scopes, verb) := {
	"actor": {"kind": kind, "id": "usr_00", "roles": roles, "teams": ["blue"], "scopes": scopes},
	"verb": verb,
	"object": {"kind": "", "id": "", "team": ""},
	"now": "2026-01-05T10:00:00Z",
}

# The table of the contract, written out: which roles may do it, and which scope
# a token needs.
table := {
	"see": {"roles": roles, "scope": "read"},
	"approval.decide": {"roles": roles, "scope": "decide"},
	"alert.edit": {"roles": {"analyst", "responder", "lead"}, "scope": "write"},
	"note.add": {"roles": {"analyst", "responder", "lead"}, "scope": "write"},
	"run.start": {"roles": {"analyst", "responder", "lead"}, "scope": "operate"},
	"run.cancel": {"roles": {"responder", "lead"}, "scope": "operate"},
	"run.retry": {"roles": {"responder", "lead"}, "scope": "operate"},
	"run.resolve": {"roles": {"responder", "lead"}, "scope": "operate"},
	"effect.undo": {"roles": {"responder", "lead"}, "scope": "operate"},
	"effect.extend": {"roles": {"responder", "lead"}, "scope": "operate"},
	"action.try": {"roles": {"responder", "lead"}, "scope": "operate"},
	"halt.on": {"roles": {"responder", "lead", "admin"}, "scope": "operate"},
	"halt.off": {"roles": {"lead", "admin"}, "scope": "operate"},
	"playbook.edit": {"roles": {"engineer"}, "scope": "write"},
	"policy.edit": {"roles": {"engineer"}, "scope": "write"},
	"source.edit": {"roles": {"engineer"}, "scope": "write"},
	"connection.manage": {"roles": {"engineer"}, "scope": "write"},
	"schedule.edit": {"roles": {"engineer"}, "scope": "write"},
	"playbook.publish": {"roles": {"engineer", "lead"}, "scope": "write"},
	"policy.activate": {"roles": {"engineer", "lead"}, "scope": "write"},
	"audit.read": {"roles": {"auditor", "lead", "admin"}, "scope": "read"},
	"audit.export": {"roles": {"auditor", "lead", "admin"}, "scope": "read"},
	"decision.read": {"roles": {"auditor", "lead", "admin"}, "scope": "read"},
	"user.manage": {"roles": {"admin"}, "scope": "admin"},
	"token.manage": {"roles": {"admin"}, "scope": "admin"},
	"connection.grant": {"roles": {"admin"}, "scope": "admin"},
	"backup": {"roles": {"admin"}, "scope": "admin"},
	"settings": {"roles": {"admin"}, "scope": "admin"},
}

roles := {"viewer", "analyst", "responder", "engineer", "lead", "auditor", "admin"}

scopes := {"read", "write", "operate", "decide", "admin", "metrics"}

test_each_role_may_what_the_table_says if {
	every verb, row in table {
		row.roles == {role |
			some role in roles
			access.allow with input as asks("user", [role], [], verb)
		}
	}
}

test_no_verb_is_missing_in_the_table if {
	access.verbs == {verb | some verb, _ in table} | {"metrics"}
}

test_a_token_needs_the_scope_and_its_owner_the_role if {
	every verb, row in table {
		{row.scope} == {scope |
			some scope in scopes
			access.allow with input as asks("token", roles, [scope], verb)
		}
		every scope in scopes {
			not access.allow with input as asks("token", [], [scope], verb)
		}
	}
}

test_two_roles_may_what_either_may if {
	access.allow with input as asks("user", ["viewer", "engineer"], [], "playbook.edit")
	not access.allow with input as asks("user", ["viewer", "engineer"], [], "run.start")
}

test_who_has_no_role_may_nothing if {
	every verb, _ in table {
		not access.allow with input as asks("user", [], [], verb)
		not access.allow with input as asks("user", ["king", "Admin", "admin "], [], verb)
	}
}

test_a_no_is_said if {
	access.allow == false with input as asks("user", [], [], "see")
}

test_an_unknown_verb_is_nobodys if {
	every role in roles {
		every verb in ["", "SEE", "see ", "everything", "alert", "metrics"] {
			not access.allow with input as asks("user", [role], [], verb)
		}
	}
}

test_another_kind_of_actor_may_nothing if {
	not access.allow with input as asks("schedule", ["admin"], ["read"], "see")
}

test_the_operator_at_the_machine_is_like_a_person if {
	access.allow with input as asks("system", ["admin"], [], "backup")
	not access.allow with input as asks("system", ["admin"], [], "run.start")
}

test_metrics_are_for_a_token_made_for_them if {
	access.allow with input as asks("token", ["viewer"], ["metrics"], "metrics")
	access.allow with input as asks("token", [], ["metrics"], "metrics")
	not access.allow with input as asks("token", ["admin"], ["read", "admin"], "metrics")
	not access.allow with input as asks("user", ["admin"], ["metrics"], "metrics")
}

of_team(question, team) := object.union(question, {"object": {"team": team}})

test_a_thing_of_ones_own_team_is_like_any if {
	access.allow with input as of_team(asks("user", ["engineer"], [], "playbook.edit"), "blue")
}

test_a_thing_of_another_team_is_not_ones_own if {
	every role in {"viewer", "analyst", "responder", "engineer", "lead"} {
		not access.allow with input as of_team(asks("user", [role], [], "see"), "red")
	}
}

test_admins_and_auditors_look_after_all_teams if {
	access.allow with input as of_team(asks("user", ["admin"], [], "see"), "red")
	access.allow with input as of_team(asks("user", ["auditor"], [], "decision.read"), "red")
	not access.allow with input as of_team(asks("user", ["auditor"], [], "playbook.edit"), "red")
}
