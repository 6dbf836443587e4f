package main

// commands lists everything one can type, in the order of the overview.
func commands() []command {
	return []command{serveCommand()}
}
