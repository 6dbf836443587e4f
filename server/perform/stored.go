package perform

import "github.com/tocsin-soar/tocsin/server/engine"

// Stored is a run as it lies in the database. It stands here, below the hosts and
// the store, because both speak of it.
type Stored struct {
	Start   engine.Start
	Events  []Event
	Signals []Signal
	// Lost is 0 but in a restored copy: attempts that were dispatched up to this
	// sequence and have no result are in doubt, whatever their integration
	// promises; the original may have gone on.
	Lost uint64
}

// DueTimer is a timer with its run.
type DueTimer struct {
	Run string
	Timer
}

// Unfinished is a run that is not final, as a host that starts needs to know it.
type Unfinished struct {
	Run      string
	Priority int  // rank of its alert's severity, 0 without one
	Begun    bool // it has a journal: something may be under way
}
