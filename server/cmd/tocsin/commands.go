package main

import "slices"

// commands lists everything one can type, in the order of the overview.
func commands() []command {
	return slices.Concat(
		[]command{serveCommand()}, playbookCommands(), policyCommands(), integrationCommands(), runCommands(), approvalCommands(),
		effectCommands(), alertCommands(), operateCommands(), userCommands(), tokenCommands(), aboutCommands(),
	)
}
