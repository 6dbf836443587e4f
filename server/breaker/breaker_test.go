package breaker_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func TestOnlyCertainKindsSpeakOfTheConnection(t *testing.T) {
	secret := "s3cret-of-the-request"
	reply := func(kind fault.Kind, status int, did connector.Did, said string) connector.Reply {
		return connector.Reply{Did: did, Status: status, Err: fault.New(kind, "%s", said)}
	}
	for name, tc := range map[string]struct {
		reply connector.Reply
		heard breaker.Heard
		text  string
	}{
		"all went well":             {connector.Reply{Did: connector.DidDone}, breaker.Answered, ""},
		"nobody listens":            {reply(fault.Unavailable, 0, connector.DidNothing, "nothing was sent: the connection was refused"), breaker.Away, "the connection was refused"},
		"a native one cannot reach": {reply(fault.Unavailable, 0, connector.DidNothing, "dial "+secret), breaker.Away, "it cannot be reached"},
		"it failed":                 {reply(fault.Unavailable, 500, connector.DidUnknown, secret), breaker.Failed, "it failed (status 500)"},
		"what is behind it is away": {reply(fault.Unavailable, 502, connector.DidUnknown, secret), breaker.Away, "it failed (status 502)"},
		"it says later":             {reply(fault.Unavailable, 503, connector.DidNothing, secret), breaker.Away, "it says that it is not available (status 503)"},
		"it was cut":                {reply(fault.Unavailable, 0, connector.DidUnknown, secret), breaker.Away, "the connection was cut before the whole reply came"},
		"it was too slow":           {reply(fault.Timeout, 0, connector.DidUnknown, secret), breaker.Away, "no whole reply came in time"},
		"credentials":               {reply(fault.Unauthorized, 401, connector.DidNothing, secret), breaker.Failed, "it refuses the credentials (status 401)"},
		"not found":                 {reply(fault.NotFound, 404, connector.DidNothing, secret), breaker.Answered, ""},
		"too many calls":            {reply(fault.RateLimited, 429, connector.DidNothing, secret), breaker.Answered, ""},
		"a reply of another shape":  {reply(fault.BadReply, 200, connector.DidDone, secret), breaker.Answered, ""},
		"our own mistake":           {reply(fault.InvalidInput, 0, connector.DidNothing, secret), breaker.Nothing, ""},
		"cancelled":                 {reply(fault.Cancelled, 0, connector.DidUnknown, secret), breaker.Nothing, ""},
		"an address not allowed":    {reply(fault.EgressDenied, 0, connector.DidNothing, secret), breaker.Nothing, ""},
		"lines in the reason":       {reply(fault.Unavailable, 0, connector.DidNothing, "nothing was sent: a\nb"), breaker.Away, "it cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			got := breaker.Of(tc.reply)
			if got != (breaker.Outcome{Heard: tc.heard, Text: tc.text}) {
				t.Errorf("got %+v", got)
			}
			if strings.Contains(got.Text, secret) {
				t.Errorf("it tells a value of the request: %q", got.Text)
			}
		})
	}
}

func hear(l breaker.Line, h ...breaker.Heard) breaker.Line {
	for i, w := range h {
		l = l.Hear(breaker.Outcome{Heard: w, Text: string(w)}, noon.Add(time.Duration(i)*time.Second))
	}
	return l
}

func TestFailuresInARowMakeAConnectionDegradedThenFailing(t *testing.T) {
	away, refused, fine := breaker.Away, breaker.Failed, breaker.Answered
	for name, tc := range map[string]struct {
		heard  []breaker.Heard
		status breaker.Status
		open   bool
	}{
		"nothing heard":                   {nil, breaker.OK, false},
		"one failure":                     {[]breaker.Heard{away}, breaker.Degraded, false},
		"four":                            {[]breaker.Heard{away, away, away, away}, breaker.Degraded, false},
		"five":                            {[]breaker.Heard{away, away, away, away, away}, breaker.Degraded, false},
		"six":                             {[]breaker.Heard{away, away, away, away, away, away}, breaker.Failing, true},
		"six, one answer between":         {[]breaker.Heard{away, away, away, fine, away, away, away}, breaker.Degraded, false},
		"six refusals do not stop calls":  {[]breaker.Heard{refused, refused, refused, refused, refused, refused}, breaker.Failing, false},
		"a refusal says that it is there": {[]breaker.Heard{away, away, away, away, away, refused, away}, breaker.Failing, false},
		"an answer mends it":              {[]breaker.Heard{away, away, away, away, away, away, fine}, breaker.OK, false},
		"what says nothing counts not":    {[]breaker.Heard{away, breaker.Nothing, away, breaker.Nothing}, breaker.Degraded, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := hear(breaker.Line{}, tc.heard...)
			if l.Status() != tc.status || l.Open != tc.open {
				t.Errorf("got %s, open %v: %+v", l.Status(), l.Open, l)
			}
		})
	}
}

func TestTheTimeOfTroubleIsThatOfTheFirstFailure(t *testing.T) {
	l := hear(breaker.Line{}, breaker.Away, breaker.Away, breaker.Away)
	if !l.Since.Equal(noon) || l.Error != "away" {
		t.Errorf("got %+v", l)
	}
	if l = l.Hear(breaker.Outcome{Heard: breaker.Answered}, noon); l != (breaker.Line{}) {
		t.Errorf("an answer leaves %+v", l)
	}
}

func TestAfterThePauseOneCallMayTry(t *testing.T) {
	l := hear(breaker.Line{}, breaker.Away, breaker.Away, breaker.Away, breaker.Away, breaker.Away, breaker.Away)
	for name, tc := range map[string]struct {
		at    time.Time
		ok    bool
		reach breaker.Reach
	}{
		"at once":           {noon.Add(5 * time.Second), false, breaker.Open},
		"a moment before":   {l.Until.Add(-1), false, breaker.Open},
		"when it is over":   {l.Until, true, breaker.HalfOpen},
		"long after":        {l.Until.Add(time.Hour), true, breaker.HalfOpen},
		"a clock gone back": {noon.Add(-time.Hour), false, breaker.Open},
	} {
		t.Run(name, func(t *testing.T) {
			if ok, reach := l.Admits(tc.at), l.Reach(tc.at, false); ok != tc.ok || reach != tc.reach {
				t.Errorf("got %v %v", ok, reach)
			}
		})
	}
	if again := l.Hear(breaker.Outcome{Heard: breaker.Away}, l.Until); !again.Until.Equal(l.Until.Add(breaker.Pause)) {
		t.Errorf("a try that failed waits until %s", again.Until)
	}
}

func TestALookThatFailedShowsAtOnceAndIsMendedByACall(t *testing.T) {
	l := breaker.Line{}.Look(breaker.Outcome{Heard: breaker.Answered}, false, "not allowed", noon)
	if l.Status() != breaker.Failing || l.Open || l.Error != "not allowed" || !l.Since.Equal(noon) {
		t.Errorf("got %+v", l)
	}
	if l = l.Hear(breaker.Outcome{Heard: breaker.Answered}, noon); l.Status() != breaker.OK {
		t.Errorf("got %+v", l)
	}
}

func TestALineIsOpenExactlyAfterEnoughFailuresInARow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, row := breaker.Line{}, 0
		at := noon
		words := []breaker.Heard{breaker.Away, breaker.Away, breaker.Away, breaker.Answered, breaker.Failed, breaker.Nothing}
		for _, h := range rapid.SliceOfN(rapid.SampledFrom(words), 0, 40).Draw(t, "heard") {
			at = at.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "s")) * time.Second)
			before := l
			l = l.Hear(breaker.Outcome{Heard: h, Text: "x"}, at)
			switch h {
			case breaker.Away:
				row++
			case breaker.Answered, breaker.Failed:
				row = 0
			case breaker.Nothing:
			}
			if l.Open != (row >= breaker.Trip) {
				t.Fatalf("open is %v after %d in a row", l.Open, row)
			}
			if (l.Status() == breaker.OK) != (l.Error == "") || (l.Error == "") != l.Since.IsZero() {
				t.Fatalf("state and words differ: %+v", l)
			}
			if !l.Worth(before) && l.Status() != before.Status() {
				t.Fatal("a change of state is not worth writing down")
			}
		}
	})
}
