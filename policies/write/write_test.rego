package tocsin.shipped.write_test

import data.tocsin.lib.shipped.question_test as q
import data.tocsin.shipped

unreviewed := {"playbook": {"reviewed": false}}

lab := {"connection": {"environment": "lab"}}

write := q.with_impact("write")

test_a_reviewed_playbook_writes if {
	"writes" in q.names(shipped.allow) with input as write
	count(shipped.approve) == 0 with input as write
}

test_an_unreviewed_one_writes_outside_production if {
	question := object.union(write, object.union(unreviewed, lab))
	q.names(shipped.allow) == {"writes_elsewhere"} with input as question
	count(shipped.approve) == 0 with input as question
}

test_an_unreviewed_one_needs_one_engineer_in_production if {
	question := object.union(write, unreviewed)
	count(shipped.allow) == 0 with input as question
	some member in shipped.approve with input as question
	member.rule == "writes_unreviewed"
	member.who == ["role:engineer"]
	member.not == ["starter", "author"]
}

test_a_connection_that_names_no_environment_is_not_production if {
	question := object.union(write, object.union(unreviewed, {"connection": {"environment": ""}}))
	"writes_elsewhere" in q.names(shipped.allow) with input as question
}

test_writes_allow_nothing_else if {
	every impact in ["contain", "release"] {
		question := object.union(q.with_impact(impact), lab)
		not "writes" in q.names(shipped.allow) with input as question
		not "writes_elsewhere" in q.names(shipped.allow) with input as question
	}
}

made(writes, contains) := {"facts": {"made": {"run": {"by_impact": {"write": writes, "contain": contains}}}}}

token := {"actor": {"kind": "token"}}

budget(question) if {
	"token_budget" in q.names(shipped.approve) with input as question with data.config as q.config
}

test_a_token_may_change_twenty_things_in_a_run if {
	not budget(object.union(write, object.union(token, made(19, 0))))
	not budget(object.union(write, object.union(token, made(9, 10))))
}

test_then_a_lead_must_agree if {
	budget(object.union(write, object.union(token, made(20, 0))))
	budget(object.union(write, object.union(token, made(10, 10))))
	budget(object.union(q.base, object.union(token, made(0, 20))))
}

test_the_budget_is_of_tokens_and_of_changes_only if {
	not budget(object.union(write, made(20, 0)))
	not budget(object.union(q.with_impact("read"), object.union(token, made(20, 0))))
}
