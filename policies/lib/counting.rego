# Counting for the limits. A counter holds what was let through before this
# question; this action comes on top.
package tocsin.lib.shipped.counting

contains_in_run := object.get(input.facts.made.run.by_impact, "contain", 0)

contains_in_10m := object.get(input.facts.made["10m"].by_impact, "contain", 0)

changes_in_run := contains_in_run + object.get(input.facts.made.run.by_impact, "write", 0)

# targets: how many of each kind this action touches
targets[kind] := n if {
	some kind in {t.kind | some t in input.targets}
	n := count({t.value | some t in input.targets; t.kind == kind})
}

users_in_run := object.get(input.facts.made.run.by_target_kind, "user", 0) + object.get(targets, "user", 0)

users_in_1h := object.get(input.facts.made["1h"].by_target_kind, "user", 0) + object.get(targets, "user", 0)

# most_in_run: of the kinds this action touches, the one of which the run would
# have touched most. An action without targets counts as one.
most_in_run := max(totals | {contains_in_run + 1})

totals contains made + n if {
	some kind, n in targets
	made := object.get(input.facts.made.run.by_target_kind, kind, 0)
}

# all_targets: what this action adds to the contain actions of everybody
all_targets := max({1, sum([n | some n in targets])})
