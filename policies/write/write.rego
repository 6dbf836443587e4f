package tocsin.shipped

import data.tocsin.lib.shipped.counting

allow contains {"rule": "writes", "reason": "the playbook is reviewed"} if {
	input.action.impact == "write"
	input.playbook.reviewed
}

allow contains {"rule": "writes_elsewhere", "reason": "the connection is not a production one"} if {
	input.action.impact == "write"
	input.connection.environment != "production"
}

approve contains {
	"rule": "writes_unreviewed",
	"reason": "nobody has reviewed this version of the playbook, and the connection is a production one",
	"who": ["role:engineer"],
	"not": ["starter", "author"],
} if {
	input.action.impact == "write"
	input.connection.environment == "production"
	not input.playbook.reviewed
}

# A token's budget: what a program started may change only so much by itself.
approve contains {
	"rule": "token_budget",
	"reason": sprintf("a run that a token started has made %d changes already; the limit is %d", [counting.changes_in_run, data.config.limits.token.per_run]),
	"who": ["role:lead"],
	"not": ["starter"],
} if {
	input.actor.kind == "token"
	input.action.impact in {"write", "contain"}
	counting.changes_in_run >= data.config.limits.token.per_run
}
