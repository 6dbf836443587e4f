package httpapi_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// reader is an event stream being read.
type reader struct {
	t      *testing.T
	res    *http.Response
	events chan string // "name id data"
	ended  chan struct{}
}

func (w *world) read(head ...string) *reader {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/api/v1/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range head {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &reader{t: w.t, res: res, events: make(chan string, 10_000), ended: make(chan struct{})}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	go r.run()
	return r
}

func (r *reader) run() {
	defer close(r.ended)
	sc := bufio.NewScanner(r.res.Body)
	var name, id, data string
	for sc.Scan() {
		k, v, _ := strings.Cut(sc.Text(), ": ")
		switch k {
		case "event":
			name = v
		case "id":
			id = v
		case "data":
			data = v
		case "":
			if name != "" {
				r.events <- strings.TrimSpace(name + " " + id + " " + data)
			}
			name, id, data = "", "", ""
		}
	}
}

// next gives the next event, or fails.
func (r *reader) next() string {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-r.ended:
		r.t.Fatal("the stream ended")
	case <-time.After(10 * time.Second): //nolint:forbidigo // a bound of the test
		r.t.Fatal("nothing came")
	}
	return ""
}

// over says whether the stream ends within a while.
func (r *reader) over() bool {
	select {
	case <-r.ended:
		return true
	case <-time.After(8 * time.Second): //nolint:forbidigo // a bound of the test
		return false
	}
}

func change(seq int64, kind string) lookup.Change {
	return lookup.Change{Seq: seq, Kind: kind, ID: fmt.Sprintf("%s-%d", kind, seq), Version: seq}
}

func TestFact16EventsComeWhileTheStreamIsOpen(t *testing.T) {
	w := newWorld(t)
	w.commit(change(1, "alert")) // before: not for this reader
	r := w.read(w.person("jana", account.Viewer))
	if r.res.StatusCode != http.StatusOK || !strings.HasPrefix(r.res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("got %d %v", r.res.StatusCode, r.res.Header)
	}
	for i := int64(2); i < 6; i++ {
		w.commit(change(i, "run"))
		if got, want := r.next(), fmt.Sprintf(`change %d {"kind":"run","id":"run-%d","version":%d}`, i, i, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	w.commit(change(6, "alert"), change(7, "effect"), change(8, "approval"))
	for i := 6; i < 9; i++ {
		if got := r.next(); !strings.HasPrefix(got, fmt.Sprintf("change %d ", i)) {
			t.Errorf("got %s as number %d", got, i)
		}
	}
}

func TestAReaderThatReturnsGetsWhatItMissedOnce(t *testing.T) {
	w := newWorld(t)
	jana := w.person("jana", account.Viewer)
	for i := int64(1); i <= 1200; i++ {
		w.commit(change(i, "run"))
	}
	r := w.read(jana, "Last-Event-ID: 3")
	w.commit(change(1201, "run"))
	for i := 4; i <= 1201; i++ {
		if got := r.next(); !strings.HasPrefix(got, fmt.Sprintf("change %d ", i)) {
			t.Fatalf("got %s as number %d", got, i)
		}
	}
	for name, head := range map[string]string{"from before what is kept": "Last-Event-ID: 5", "from another database": "Last-Event-ID: 99999"} {
		w.house.mu.Lock()
		w.outbox = w.outbox[len(w.outbox)-100:]
		w.house.mu.Unlock()
		if got := w.read(jana, head).next(); got != "reset  {}" && got != "reset {}" {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if got := w.ask(http.MethodGet, "/api/v1/stream", "", jana, "Last-Event-ID: abc"); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a strange id: got %d", got.StatusCode)
	}
}

func TestAStreamEndsWithTheRightsOfItsReader(t *testing.T) {
	yes := true
	for name, end := range map[string]func(w *world, cookie string){
		"log-out": func(w *world, cookie string) { w.ask(http.MethodDelete, "/api/v1/session", "", cookie) },
		"disabled": func(w *world, _ string) {
			_, _ = w.desk.Change(w.t.Context(), audit.Actor{}, "jana", 0, account.Edit{Disabled: &yes})
			w.commit(change(2, "user"))
		},
		"roles taken": func(w *world, _ string) {
			_, _ = w.desk.Change(w.t.Context(), audit.Actor{}, "jana", 0, account.Edit{Roles: &[]string{}})
			w.commit(change(2, "user"))
		},
		"idle for half an hour": func(w *world, _ string) { w.pass(31 * time.Minute); w.commit(change(2, "run")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			jana := w.person("jana", account.Viewer)
			r := w.read(jana)
			w.commit(change(1, "run"))
			r.next()
			end(w, jana)
			if !r.over() {
				t.Error("the stream is still open")
			}
			for len(r.events) > 0 {
				t.Errorf("afterwards came %s", <-r.events)
			}
		})
	}
}

func TestAStreamKeepsWhatItsReaderMayNotHearOf(t *testing.T) {
	w := newWorld(t)
	viewer, root := w.read(w.person("vic", account.Viewer)), w.read(w.person("root", account.Admin))
	w.commit(change(1, "audit"), change(2, "user"), change(3, "run"))
	if got := viewer.next(); !strings.HasPrefix(got, "change 3 ") {
		t.Errorf("a viewer heard %s", got)
	}
	for i := 1; i <= 3; i++ {
		if got := root.next(); !strings.HasPrefix(got, fmt.Sprintf("change %d ", i)) {
			t.Errorf("an admin heard %s as number %d", got, i)
		}
	}
}

func TestF34ASlowReaderIsDroppedAndNobodyWaitsForIt(t *testing.T) {
	w := newWorld(t)
	slow, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	k, v, _ := strings.Cut(w.person("slow", account.Viewer), ": ")
	slow.Header.Set(k, v)
	res, err := http.DefaultTransport.RoundTrip(slow) // its body is not read
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	quick := w.read(w.person("quick", account.Viewer))
	var seq, heard int64
	took := time.Duration(0)
	for range 400 { // 400 times 250 changes: far more than sockets and the ring hold
		batch := make([]lookup.Change, 250)
		for i := range batch {
			seq++
			batch[i] = lookup.Change{Seq: seq, Kind: "run", ID: strings.Repeat("x", 200), Version: seq}
		}
		from := time.Now() //nolint:forbidigo // the time is what is tested
		w.commit(batch...)
		took = max(took, time.Since(from)) //nolint:forbidigo // as above
		for heard < seq {                  // the quick one keeps up
			if got := quick.next(); strings.HasPrefix(got, "change") {
				heard++
			}
		}
		if w.openStreams() == 1 {
			break
		}
	}
	if w.openStreams() != 1 {
		t.Error("the slow reader is still there")
	}
	if took > time.Second {
		t.Errorf("a commit waited %v for a reader", took)
	}
}

// openStreams reads the gauge.
func (w *world) openStreams() int {
	_, err := w.desk.Find(w.t.Context(), "scraper")
	if err != nil {
		w.person("scraper", account.Admin)
	}
	got := w.ask(http.MethodGet, "/metrics", "", w.token("scraper", "metrics"))
	for line := range strings.Lines(got.body) {
		var n int
		if _, err := fmt.Sscanf(line, "tocsin_streams %d", &n); err == nil {
			return n
		}
	}
	return -1
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, func(d *httpapi.Deps) { d.Streams = 2 })
	jana := w.person("jana", account.Viewer)
	w.read(jana)
	w.read(jana)
	if got := w.ask(http.MethodGet, "/api/v1/stream", "", jana); got.StatusCode != http.StatusServiceUnavailable || got.problem(t).Code != "too_many_streams" || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}
