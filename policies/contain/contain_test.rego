package tocsin.shipped.contain_test

import data.tocsin.lib.shipped.question_test as q
import data.tocsin.shipped

asked(question) := q.names(members) if {
	members := shipped.approve with input as question with data.config as q.config
}

denied(question) := q.names(members) if {
	members := shipped.deny with input as question with data.config as q.config
}

member(rule, question) := found if {
	some found in shipped.approve with input as question with data.config as q.config
	found.rule == rule
}

test_containment_needs_one_responder_who_is_neither_starter_nor_author if {
	asked(q.base) == {"contain"}
	m := member("contain", q.base)
	m.who == ["role:responder"]
	m.not == ["starter", "author"]
	not "quorum" in object.keys(m)
	count(shipped.allow) == 0 with input as q.base
}

test_only_containment_does if {
	every impact in ["read", "write", "release"] {
		not "contain" in asked(q.with_impact(impact))
	}
}

test_a_critical_target_needs_two if {
	question := q.with_tags(["server", "critical"])
	asked(question) == {"contain", "contain_critical"}
	m := member("contain_critical", question)
	m.quorum == 2
	m.who == member("contain", question).who
}

test_a_critical_target_may_be_read_and_written if {
	every impact in ["read", "write", "release"] {
		question := object.union(q.with_tags(["critical"]), {"action": {"impact": impact}})
		not "contain_critical" in asked(question)
	}
}

test_a_protected_target_is_never_contained if {
	denied(q.with_tags(["protected"])) == {"protected"}
	denied(q.with_tags(["server"])) == set()
}

test_one_protected_target_of_many_is_enough if {
	question := object.union(q.base, {"targets": array.concat(q.many("host", 3), q.with_tags(["protected"]).targets)})
	denied(question) == {"protected"}
}

test_a_protected_target_may_be_released if {
	every impact in ["read", "write", "release"] {
		question := object.union(q.with_tags(["protected"]), {"action": {"impact": impact}})
		denied(question) == set()
	}
}

test_the_tags_are_those_of_the_values if {
	config := object.union(q.config, {"protected_tags": ["crown"], "critical_tags": ["vip"]})
	"protected" in q.names(shipped.deny) with input as q.with_tags(["crown"]) with data.config as config
	not "protected" in q.names(shipped.deny) with input as q.with_tags(["protected"]) with data.config as config
	"contain_critical" in q.names(shipped.approve) with input as q.with_tags(["vip"]) with data.config as config
}

test_containment_without_a_target_is_denied if {
	denied(object.union(q.base, {"targets": []})) == {"no_target"}
	denied(object.union(q.with_impact("write"), {"targets": []})) == set()
}

test_an_open_target_is_denied if {
	every value in ["", " ", "*", "ws-*", "all", "ALL", " any ", "null", "None", "undefined", "everything"] {
		question := object.union(q.base, {"targets": [{"kind": "host", "value": value, "tags": [], "owner": ""}]})
		denied(question) == {"open_target"}
	}
}

test_a_plain_target_is_not if {
	every value in ["ws-117", "allan", "10.0.0.1", "anyhost"] {
		question := object.union(q.base, {"targets": [{"kind": "host", "value": value, "tags": [], "owner": ""}]})
		denied(question) == set()
	}
}

test_an_open_target_matters_for_containment_only if {
	question := object.union(q.with_impact("write"), {"targets": [{"kind": "host", "value": "*", "tags": [], "owner": ""}]})
	denied(question) == set()
}

test_outside_business_hours_a_lead_hears_of_it if {
	question := object.union(q.base, {"now": {"business": false}})
	asked(question) == {"contain", "contain_off_hours"}
	m := member("contain_off_hours", question)
	m.who == ["role:responder"]
	m.escalate == [{"after": "10m", "who": ["role:lead"]}]
}

test_outside_business_hours_other_things_go_on if {
	every impact in ["read", "write", "release"] {
		question := object.union(q.with_impact(impact), {"now": {"business": false}})
		not "contain_off_hours" in asked(question)
	}
}

fresh := {"playbook": {"reviewed": false, "age_seconds": 604799}}

test_a_new_playbook_needs_an_engineer_in_its_first_week if {
	question := object.union(q.base, fresh)
	asked(question) == {"contain", "new_playbook"}
	m := member("new_playbook", question)
	m.who == ["role:engineer"]
	m.not == ["starter", "author"]
}

test_a_week_later_it_does_not if {
	asked(object.union(q.base, object.union(fresh, {"playbook": {"age_seconds": 604800}}))) == {"contain"}
}

test_a_reviewed_new_playbook_does_not if {
	asked(object.union(q.base, object.union(fresh, {"playbook": {"reviewed": true}}))) == {"contain"}
}

test_a_new_playbook_may_write if {
	question := object.union(q.with_impact("write"), fresh)
	not "new_playbook" in asked(question)
}
