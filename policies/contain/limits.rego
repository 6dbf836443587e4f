# Blast radius: above a limit a lead must agree as well, beside the responder.
package tocsin.shipped

import data.tocsin.lib.shipped.counting

approve contains {
	"rule": "limit_run",
	"reason": sprintf("this run would contain %d; the limit for one run is %d", [counting.most_in_run, data.config.limits.contain.per_run]),
	"who": ["role:lead"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	counting.most_in_run > data.config.limits.contain.per_run
}

approve contains {
	"rule": "limit_10m",
	"reason": sprintf("there would be %d contain actions in ten minutes; the limit is %d", [counting.contains_in_10m + counting.all_targets, data.config.limits.contain.per_10m]),
	"who": ["role:lead"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	counting.contains_in_10m + counting.all_targets > data.config.limits.contain.per_10m
}

approve contains {
	"rule": "limit_users_run",
	"reason": sprintf("this run would touch %d accounts; the limit for one run is %d", [counting.users_in_run, data.config.limits.user.per_run]),
	"who": ["role:lead"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	counting.targets.user > 0
	counting.users_in_run > data.config.limits.user.per_run
}

approve contains {
	"rule": "limit_users_hour",
	"reason": sprintf("%d accounts would be touched within an hour; the limit is %d", [counting.users_in_1h, data.config.limits.user.per_hour]),
	"who": ["role:lead"],
	"not": ["starter", "author"],
	"extend": "30m",
} if {
	input.action.impact == "contain"
	counting.targets.user > 0
	counting.users_in_1h > data.config.limits.user.per_hour
}
