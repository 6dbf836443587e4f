package perform

import (
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// TriesBroken says whether an attempt is made although its connection is known to be
// broken: what ends an effect, asks what became of an attempt or looks at the
// connection must not wait for others to find out, and an extension sends nothing.
func TriesBroken(w engine.Wanted) bool {
	switch w.Purpose {
	case gate.ForUndo, gate.ForExpiry, gate.ForVerify, gate.ForHealth, gate.ForExtend:
		return true
	case gate.ForStep, gate.ForManual:
	}
	return false
}

// UsesDisabled says whether an attempt is made although people have disabled its
// connection: undo and release still work (governance.md).
func UsesDisabled(w engine.Wanted) bool {
	return TriesBroken(w) || w.Action.Impact == connector.Release
}

// Await turns the outcome of an attempt through a connection that is known to be
// broken into one after which the step waits for it: where the attempt certainly did
// nothing, or where sending it again can do no harm. Text says in words how it is
// broken.
func Await(b engine.Body, w engine.Wanted, text string) engine.Body {
	if text == "" || TriesBroken(w) {
		return b
	}
	switch b := b.(type) {
	case engine.Failed:
		if b.Error.Kind == string(fault.Unavailable) {
			b.Broken = text
		}
		return b
	case engine.Unknown:
		if b.Resend && (b.Error.Kind == string(fault.Unavailable) || b.Error.Kind == string(fault.Timeout)) {
			b.Broken = text
		}
		return b
	}
	return b
}
