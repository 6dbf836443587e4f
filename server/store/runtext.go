package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// startText is the column start of a run: what it was queued with.
type startText struct {
	Trigger engine.Trigger `json:"trigger"`
	Inputs  engine.Object  `json:"inputs"`
	Effect  *gate.Effect   `json:"effect,omitempty"`
	Error   *engine.Error  `json:"error,omitempty"`

	Calls map[string]string `json:"calls,omitempty"`
}

// viewText is the column view of a run: what the page shows besides the columns.
type viewText struct {
	Partial bool             `json:"partial,omitempty"`
	Inputs  engine.Object    `json:"inputs"`
	Outputs engine.Object    `json:"outputs"`
	Error   *engine.Error    `json:"error,omitempty"`
	Waiting []engine.Waiting `json:"waiting,omitempty"`
}

func runText(st engine.Start) (start, view []byte, err error) {
	start, err = json.Marshal(startText{st.Trigger, st.Inputs, st.Effect, st.Error, st.Calls})
	if err == nil {
		view, err = json.Marshal(viewText{Inputs: st.Inputs, Error: st.Error})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("encode the start of a run: %w", err)
	}
	return start, view, nil
}

// severityOf gives the word of a priority, which is a severity's rank.
func severityOf(priority int64) string {
	if priority < 1 || priority > int64(len(alert.Severities)) {
		return ""
	}
	return string(alert.Severities[priority-1])
}

// waitsOf gives the words of what a run waits for, each once and between spaces,
// and whether only people, timers or other runs can move it on.
func waitsOf(v *engine.Run) (words string, parked bool) {
	parked = v.Status == engine.RunWaiting && len(v.Waiting) > 0
	words = " "
	for _, w := range v.Waiting {
		if !strings.Contains(words, " "+string(w.Kind)+" ") {
			words += string(w.Kind) + " "
		}
		switch w.Kind {
		case engine.WaitApproval, engine.WaitQuestion, engine.WaitTimer, engine.WaitEvent, engine.WaitInDoubt,
			engine.WaitConcurrency:
		case engine.WaitConnection, engine.WaitHalt:
			parked = false
		}
	}
	if words == " " {
		words = ""
	}
	return words, parked
}
