package tocsin.shipped

allow contains {"rule": "reads", "reason": "reading changes nothing"} if {
	input.action.impact == "read"
}

# The platform's own checks look; they never act.
deny contains {"rule": "checks_only_read", "reason": "a check of the platform may only read"} if {
	input.purpose in {"verify", "health"}
	input.action.impact != "read"
}
