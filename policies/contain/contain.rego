package tocsin.shipped

import data.tocsin.lib.shipped.naming

approve contains {
	"rule": "contain",
	"reason": "containment needs a person who is neither its starter nor its author",
	"who": ["role:responder"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
}

approve contains {
	"rule": "contain_critical",
	"reason": "a target is tagged as critical, so two people must agree",
	"who": ["role:responder"],
	"quorum": 2,
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	some target in input.targets
	some tag in target.tags
	tag in data.config.critical_tags
}

# Few people are on duty then, so a lead hears of it too.
approve contains {
	"rule": "contain_off_hours",
	"reason": "it is outside business hours: after ten minutes a lead is asked as well",
	"who": ["role:responder"],
	"not": ["starter", "author"],
	"extend": "30m",
	"escalate": [{"after": "10m", "who": ["role:lead"]}],
} if {
	input.action.impact == "contain"
	not input.now.business
}

approve contains {
	"rule": "new_playbook",
	"reason": "this version of the playbook is less than a week old and nobody has reviewed it",
	"who": ["role:engineer"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	not input.playbook.reviewed
	input.playbook.age_seconds < 604800 # a week
}

deny contains {"rule": "protected", "reason": "a target is tagged as protected: it is never contained"} if {
	input.action.impact == "contain"
	some target in input.targets
	some tag in target.tags
	tag in data.config.protected_tags
}

# An empty or open list of targets must never mean all of them.
deny contains {"rule": "no_target", "reason": "a contain action must say what it is done to"} if {
	input.action.impact == "contain"
	count(input.targets) == 0
}

deny contains {"rule": "open_target", "reason": "a target that may mean many things is never contained"} if {
	input.action.impact == "contain"
	some target in input.targets
	naming.is_open(target.value)
}
