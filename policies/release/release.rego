package tocsin.shipped

import data.tocsin.lib.shipped.lease

# Who allowed or approved the action also agreed to its end.
allow contains {"rule": "release_expiry", "reason": "the lease that was decided on has ended"} if {
	input.action.impact == "release"
	lease.ended
}

# The one who asks for it may confirm it: nobody is excluded.
approve contains {
	"rule": "release",
	"reason": "lifting a containment needs a responder",
	"who": ["role:responder"],
	"extend": "30m",
} if {
	input.action.impact == "release"
	not lease.ended
}
