# A whole question for tests: a reviewed playbook isolates one host, on a Monday
# at ten, and nothing has happened yet. object.union(base, {…}) changes single
# fields of it.
package tocsin.lib.shipped.question_test

nothing := {"total": 0, "by_action": {}, "by_impact": {}, "by_target_kind": {}, "by_playbook": {}}

base := {
	"action": {
		"id": "edr.isolate_host", "integration": "edr", "impact": "contain",
		"params": {"host": "ws-117"}, "lease_seconds": 0, "digest": "sha256:00",
	},
	"purpose": "step",
	"targets": [{"kind": "host", "value": "ws-117", "tags": [], "owner": ""}],
	"connection": {"name": "edr", "environment": "production", "tags": []},
	"playbook": {"name": "malware-isolate", "version": "sha256:00", "author": "ann", "reviewed": true, "age_seconds": 2592000},
	"run": {"id": "run_00", "trigger": "alert", "depth": 0, "started_at": "2026-01-05T10:00:00Z"},
	"alert": null,
	"effect": null,
	"actor": {"kind": "system", "name": "", "roles": []},
	"approvals": [],
	"attempt": {"number": 1, "error": ""},
	"now": {"time": "2026-01-05T10:00:00Z", "weekday": "monday", "hour": 10, "business": true},
	"facts": {"in_force": nothing, "made": {"run": nothing, "10m": nothing, "1h": nothing, "24h": nothing}},
}

config := {
	"limits": {"contain": {"per_run": 10, "per_10m": 10}, "user": {"per_run": 5, "per_hour": 5}, "token": {"per_run": 20}},
	"hours": {"timezone": "UTC", "days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "08:00", "to": "18:00", "holidays": []},
	"protected_tags": ["protected"],
	"critical_tags": ["critical"],
	"disabled": [],
}

with_impact(impact) := object.union(base, {"action": {"impact": impact}})

with_tags(tags) := object.union(base, {"targets": [{"kind": "host", "value": "ws-117", "tags": tags, "owner": ""}]})

# with_made gives a question before which n things of a kind were made in a window.
with_made(window, by, kind, n) := object.union(base, {"facts": {"made": {window: {by: {kind: n}}}}})

# many gives n targets of a kind.
many(kind, n) := [{"kind": kind, "value": sprintf("t-%d", [i]), "tags": [], "owner": ""} |
	some i in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
	i < n
]

# names gives the rules that speak in a set.
names(set) := {member.rule | some member in set}
