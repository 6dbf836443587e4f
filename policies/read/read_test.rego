package tocsin.shipped.read_test

import data.tocsin.lib.shipped.question_test as q
import data.tocsin.shipped

test_reads_are_allowed if {
	"reads" in q.names(shipped.allow) with input as q.with_impact("read")
}

test_reading_does_not_allow_anything_else if {
	every impact in ["write", "contain", "release"] {
		not "reads" in q.names(shipped.allow) with input as q.with_impact(impact)
	}
}

test_a_check_of_the_platform_never_acts if {
	every purpose in ["verify", "health"] {
		every impact in ["write", "contain", "release"] {
			question := object.union(q.with_impact(impact), {"purpose": purpose})
			"checks_only_read" in q.names(shipped.deny) with input as question
		}
	}
}

test_a_check_may_read if {
	question := object.union(q.with_impact("read"), {"purpose": "verify"})
	count(shipped.deny) == 0 with input as question
}

test_a_step_may_act if {
	count(shipped.deny) == 0 with input as q.with_impact("write")
}
