# Whether an effect ends because its lease does.
package tocsin.lib.shipped.lease

# ended: the question comes from the clock, and every hold was decided on, by a
# rule or by people, together with its end.
ended if {
	input.purpose == "expiry"
	count(input.effect.holds) > 0
	every hold in input.effect.holds {
		hold.lease_seconds > 0
		hold.outcome in {"allow", "approve"}
	}
}
