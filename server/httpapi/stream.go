package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

const (
	batchMost  = 500  // changes written at once
	resumeMost = 5000 // changes read back for one that returns; more is a reset
)

// stream is one reader of events.
type stream struct {
	s     *Server
	sub   *subscription
	look  func(ctx context.Context) error // does the session still hold
	kinds map[string]bool                 // kinds that are kept from this reader
	last  int64                           // sequence written last
	back  int64                           // resume after it; 0: from now on
	w     *bufio.Writer
}

// events answers with an endless stream of what changed.
func (c *call) events() (any, error) {
	base := c.base // the request's own context ends when this returns
	back, err := c.lastEvent()
	if err != nil {
		return nil, err
	}
	conn := c.c.Context().Conn()
	sub, ok := c.s.hub.join(c.who.Session, func() { _ = conn.Close() })
	if !ok {
		return nil, fault.New(fault.Unavailable, "there are too many event streams").WithCode("too_many_streams").After(10 * time.Second)
	}
	st := &stream{s: c.s, sub: sub, back: back, last: back, kinds: c.hidden(), look: c.again()}
	h := &c.c.Context().Response.Header
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	c.s.d.Numbers.Stream(1)
	c.c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer c.s.d.Numbers.Stream(-1)
		defer c.s.hub.leave(sub)
		defer st.calm(base)
		st.w = w
		st.run(base)
	})
	return nil, nil
}

// calm keeps a panic in this goroutine from ending the process.
func (st *stream) calm(ctx context.Context) {
	if p := recover(); p != nil {
		st.s.d.Numbers.Panic("stream")
		st.s.d.Log.LogAttrs(ctx, slog.LevelError, "panic caught", slog.String("route", "stream"),
			slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	}
}

// lastEvent gives the sequence that the reader had before.
func (c *call) lastEvent() (int64, error) {
	text := c.c.Get("Last-Event-ID")
	if text == "" {
		text = c.query["last_event_id"]
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n == math.MaxInt64 {
		return 0, fault.New(fault.InvalidInput, "Last-Event-ID is not an id of this stream").WithCode("bad_parameter")
	}
	return n, nil
}

// hidden lists the kinds that the reader may not hear of.
func (c *call) hidden() map[string]bool {
	out := map[string]bool{}
	for kind, verb := range map[string]string{"user": account.UserManage, "audit": account.AuditRead, "token": account.TokenManage} {
		out[kind] = !c.may(verb, kind, "")
	}
	return out
}

// again remembers how to prove the reader anew, without the request.
func (c *call) again() func(ctx context.Context) error {
	s, ip := c.s, c.who.IP
	ask := func(ctx context.Context, who account.Identity, err error) error {
		if err != nil {
			return err
		}
		q := account.Question{Actor: who.Asker(), Verb: account.See, Object: account.Object{Kind: "stream"}, Now: s.d.Clock()}
		if !s.d.Access.May(ctx, q) {
			return fault.New(fault.Forbidden, "may no longer see")
		}
		return nil
	}
	if c.who.Session == "" {
		token := bearer(c.c)
		return func(ctx context.Context) error {
			who, err := s.d.Gatekeeper.Bearer(ctx, token, ip)
			return ask(ctx, who, err)
		}
	}
	id, _ := s.cookie(c.c)
	return func(ctx context.Context) error {
		who, err := s.d.Gatekeeper.Session(ctx, id, ip, true)
		return ask(ctx, who, err)
	}
}

// run writes until the reader, the session or the server ends.
func (st *stream) run(ctx context.Context) {
	if _, err := st.w.WriteString("retry: 2000\n: hello\n\n"); err != nil || st.w.Flush() != nil {
		return
	}
	if st.back > 0 && !st.resume(ctx) {
		return
	}
	looked := st.s.d.Clock()
	for {
		came := st.wait(ctx, st.s.beat)
		if came && !st.pause(ctx, st.s.gather) {
			return
		}
		if st.ended(ctx) {
			return
		}
		changes := st.s.hub.take(st.sub, batchMost)
		now := st.s.d.Clock()
		if !came || now.Sub(looked) >= st.s.recheck || now.Before(looked) || tells(changes, "user") {
			if st.look(ctx) != nil {
				return
			}
			looked = now
		}
		if !st.write(changes) {
			return
		}
	}
}

func (st *stream) ended(ctx context.Context) bool {
	select {
	case <-st.sub.over:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func tells(changes []lookup.Change, kind string) bool {
	for _, c := range changes {
		if c.Kind == kind {
			return true
		}
	}
	return false
}

// wait says whether something came before the time was over.
func (st *stream) wait(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-st.sub.wake:
		return true
	case <-st.sub.over:
	case <-ctx.Done():
	}
	return false
}

// pause lets changes gather into one batch; false where the stream ended.
func (st *stream) pause(ctx context.Context, d time.Duration) bool {
	t, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-st.sub.over:
		return false
	case <-t.Done():
		return ctx.Err() == nil
	}
}

// resume writes what the reader missed; what is too much or no longer kept is a
// reset: read all anew.
func (st *stream) resume(ctx context.Context) bool {
	for read, first := 0, true; ; first = false {
		changes, newest, err := st.s.d.Changes.Changes(ctx, st.last, batchMost)
		if err != nil {
			return false
		}
		lost := first && len(changes) > 0 && changes[0].Seq != st.last+1
		if lost || read >= resumeMost || newest < st.last {
			st.last = newest
			return st.event("reset", []byte(`{}`))
		}
		if len(changes) == 0 {
			return true
		}
		read += len(changes)
		if !st.write(changes) {
			return false
		}
		st.last = max(st.last, changes[len(changes)-1].Seq)
	}
}

// write writes changes that are newer than the last one, or a heartbeat where
// there are none.
func (st *stream) write(changes []lookup.Change) bool {
	wrote := false
	for _, c := range changes {
		if c.Seq <= st.last || st.kinds[c.Kind] {
			continue
		}
		raw, err := json.Marshal(struct {
			Kind    string `json:"kind"`
			ID      string `json:"id"`
			Version int64  `json:"version"`
		}{c.Kind, c.ID, c.Version})
		if err != nil {
			return false
		}
		if _, err := fmt.Fprintf(st.w, "id: %d\nevent: change\ndata: %s\n\n", c.Seq, raw); err != nil {
			return false
		}
		st.last, wrote = c.Seq, true
	}
	if !wrote {
		return st.event("heartbeat", []byte(`{}`))
	}
	return st.w.Flush() == nil
}

func (st *stream) event(name string, data []byte) bool {
	if _, err := fmt.Fprintf(st.w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return false
	}
	return st.w.Flush() == nil
}
