package tocsin.shipped.limits_test

import data.tocsin.lib.shipped.question_test as q
import data.tocsin.shipped

asked(question) := q.names(members) if {
	members := shipped.approve with input as question with data.config as q.config
}

members(question) := found if {
	found := shipped.approve with input as question with data.config as q.config
}

limits := {"limit_run", "limit_10m", "limit_users_run", "limit_users_hour"}

hit(question) := limits & asked(question)

test_the_tenth_in_a_run_is_like_the_first if {
	hit(q.with_made("run", "by_impact", "contain", 9)) == set()
}

test_the_eleventh_in_a_run_needs_a_lead if {
	hit(q.with_made("run", "by_impact", "contain", 10)) == {"limit_run"}
}

test_ten_targets_at_once_are_like_one if {
	hit(object.union(q.base, {"targets": q.many("host", 10)})) == set()
}

test_eleven_targets_at_once_need_a_lead if {
	hit(object.union(q.base, {"targets": q.many("host", 11)})) == {"limit_run", "limit_10m"}
}

test_targets_of_earlier_actions_count if {
	made := q.with_made("run", "by_target_kind", "host", 8)
	hit(object.union(made, {"targets": q.many("host", 2)})) == set()
	hit(object.union(made, {"targets": q.many("host", 3)})) == {"limit_run"}
}

test_a_target_named_twice_counts_once if {
	twice := array.concat(q.many("host", 10), q.many("host", 10))
	hit(object.union(q.base, {"targets": twice})) == set()
}

test_the_tenth_in_ten_minutes_is_like_the_first if {
	hit(q.with_made("10m", "by_impact", "contain", 9)) == set()
}

test_the_eleventh_in_ten_minutes_needs_a_lead if {
	hit(q.with_made("10m", "by_impact", "contain", 10)) == {"limit_10m"}
}

users(n) := object.union(q.base, {"targets": q.many("user", n)})

test_five_accounts_are_like_one if {
	hit(users(5)) == set()
	hit(object.union(q.with_made("run", "by_target_kind", "user", 4), {"targets": q.many("user", 1)})) == set()
}

test_the_sixth_account_in_a_run_needs_a_lead if {
	hit(users(6)) == {"limit_users_run", "limit_users_hour"}
	hit(object.union(q.with_made("run", "by_target_kind", "user", 5), {"targets": q.many("user", 1)})) == {"limit_users_run"}
}

test_the_sixth_account_in_an_hour_needs_a_lead if {
	hit(object.union(q.with_made("1h", "by_target_kind", "user", 4), {"targets": q.many("user", 1)})) == set()
	hit(object.union(q.with_made("1h", "by_target_kind", "user", 5), {"targets": q.many("user", 1)})) == {"limit_users_hour"}
}

test_accounts_are_no_matter_of_a_host if {
	hit(q.with_made("run", "by_target_kind", "user", 9)) == set()
	hit(q.with_made("1h", "by_target_kind", "user", 9)) == set()
}

test_reads_writes_and_releases_have_no_such_limit if {
	every impact in ["read", "write", "release"] {
		every window in ["run", "10m"] {
			hit(object.union(q.with_made(window, "by_impact", "contain", 50), {"action": {"impact": impact}})) == set()
		}
		hit(object.union(users(9), {"action": {"impact": impact}})) == set()
	}
}

test_a_lead_is_asked_beside_the_responder if {
	question := object.union(q.with_made("run", "by_impact", "contain", 10), q.with_made("10m", "by_impact", "contain", 10))
	asked(question) == {"contain", "limit_run", "limit_10m"}
	every member in members(object.union(question, {"targets": q.many("user", 9)})) {
		member.rule in {"contain", "limit_run", "limit_10m", "limit_users_run", "limit_users_hour"}
		member.who == {true: ["role:responder"], false: ["role:lead"]}[member.rule == "contain"]
		member.not == ["starter", "author"]
	}
}

test_the_limits_are_those_of_the_values if {
	config := object.union(q.config, {"limits": {"contain": {"per_run": 2}}})
	some member in shipped.approve with input as q.with_made("run", "by_impact", "contain", 2) with data.config as config
	member.rule == "limit_run"
	member.reason == "this run would contain 3; the limit for one run is 2"
}
