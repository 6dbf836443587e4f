package tocsin.shipped.release_test

import data.tocsin.lib.shipped.question_test as q
import data.tocsin.shipped

release := q.with_impact("release")

hold := {"run": "run_01", "step": "isolate", "until": "2026-01-05T10:00:00Z", "approved_by": ["bea"], "lease_seconds": 14400, "outcome": "approve"}

ends(purpose, holds) := object.union(release, {"purpose": purpose, "effect": {"key": "k", "holds": holds}})

test_the_end_of_a_lease_is_allowed if {
	every outcome in ["allow", "approve"] {
		question := ends("expiry", [hold, object.union(hold, {"outcome": outcome})])
		q.names(shipped.allow) == {"release_expiry"} with input as question
		count(shipped.approve) == 0 with input as question
	}
}

test_an_end_that_nobody_decided_on_is_not if {
	every broken in [{"lease_seconds": 0}, {"outcome": ""}, {"outcome": "deny"}] {
		question := ends("expiry", [hold, object.union(hold, broken)])
		count(shipped.allow) == 0 with input as question
		q.names(shipped.approve) == {"release"} with input as question
	}
}

test_an_effect_that_nobody_holds_does_not_expire if {
	question := ends("expiry", [])
	count(shipped.allow) == 0 with input as question
	q.names(shipped.approve) == {"release"} with input as question
}

test_any_other_release_needs_one_responder_who_may_have_asked_for_it if {
	every purpose in ["step", "undo", "manual", "extend"] {
		question := ends(purpose, [hold])
		count(shipped.allow) == 0 with input as question
		members := shipped.approve with input as question
		q.names(members) == {"release"}
		every member in members {
			member.who == ["role:responder"]
			not "not" in object.keys(member)
			not "quorum" in object.keys(member)
		}
	}
}

test_a_release_without_an_effect_needs_one_too if {
	question := object.union(release, {"purpose": "expiry", "effect": null})
	q.names(shipped.approve) == {"release"} with input as question
}

test_an_expiry_allows_releases_only if {
	every impact in ["write", "contain"] {
		question := object.union(ends("expiry", [hold]), {"action": {"impact": impact}})
		not "release_expiry" in q.names(shipped.allow) with input as question
		not "release" in q.names(shipped.approve) with input as question
	}
}
