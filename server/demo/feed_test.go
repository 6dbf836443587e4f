package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// product is what the range takes for the product: it checks signatures and keeps
// what it took.
type product struct {
	*httptest.Server
	secrets string
	taken   map[string]string // body by delivery
	wrong   []string
	refuse  int // so many deliveries get 503 first
	forget  int // so many are taken, but the answer is lost
	looked  int
}

func newProduct(t *testing.T) *product {
	t.Helper()
	p := &product{taken: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *product) serve(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/readyz" {
		if p.looked++; p.looked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	source, _ := strings.CutPrefix(q.URL.Path, "/hooks/")
	body, _ := io.ReadAll(q.Body)
	key, _ := read(p.secrets, source+"-hook")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(q.Header.Get("X-Timestamp") + "." + string(body)))
	id := q.Header.Get("X-Delivery-Id")
	if q.Header.Get("X-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		p.wrong = append(p.wrong, id+": signature")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.refuse > 0 {
		p.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if old, ok := p.taken[id]; ok && old != string(body) {
		p.wrong = append(p.wrong, id+": another body")
		w.WriteHeader(http.StatusConflict)
		return
	}
	p.taken[id] = string(body)
	if p.forget > 0 {
		p.forget--
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// feed runs until everything is sent that is due within the time, on a clock that
// moves when the feed waits.
func feed(t *testing.T, r *Range, p *product, c *clock, within time.Duration) {
	t.Helper()
	p.secrets = r.Secrets()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := c.now().Add(within)
	r.pause = func(ctx context.Context, d time.Duration) error {
		if c.now().Add(d).After(end) {
			stop()
			return context.Canceled
		}
		c.forward(d)
		return ctx.Err()
	}
	if err := r.Feed(ctx, p.URL); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
}

func TestTheFirstMinuteBringsSixDetections(t *testing.T) {
	c := newClock()
	r, p := open(t, t.TempDir(), c), newProduct(t)
	feed(t, r, p, c, time.Minute)
	if len(p.taken) != 6 || len(p.wrong) > 0 {
		t.Errorf("got %d deliveries, wrong %v; want six", len(p.taken), p.wrong)
	}
	for id, body := range p.taken {
		if !json.Valid([]byte(body)) {
			t.Errorf("%s is not JSON", id)
		}
	}
}

func TestASecondStartSendsNothingTwice(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r, p := open(t, dir, c), newProduct(t)
	feed(t, r, p, c, time.Minute)
	shut(t, r)
	first := len(p.taken)
	p.taken = map[string]string{}

	r = open(t, dir, c)
	feed(t, r, p, c, time.Minute)
	if first != 6 || len(p.taken) != 0 {
		t.Errorf("first start %d, second start %d; want 6 and 0", first, len(p.taken))
	}
	feed(t, r, p, c, 3*time.Hour)
	if want := 9; len(p.taken) != want { // two more illnesses, seven repeats of noise
		t.Errorf("in three hours: got %d more, want %d", len(p.taken), want)
	}
}

func TestTheNextDayBringsOneIllnessMoreOnAHostThatIsNotIsolated(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r, p := open(t, dir, c), newProduct(t)
	feed(t, r, p, c, time.Minute)
	ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{}`)
	c.forward(24 * time.Hour)
	p.taken = map[string]string{}
	feed(t, r, p, c, time.Minute)
	all := strings.Join(slices.Collect(maps.Values(p.taken)), "")
	if len(p.taken) != 2 || !strings.Contains(all, "HR-LT-0112") || strings.Contains(all, "FIN-LT-0231") {
		t.Errorf("got %d deliveries: %s", len(p.taken), all)
	}
}

func TestARefusedDetectionIsSentAgainAndALostAnswerChangesNothing(t *testing.T) {
	c := newClock()
	r, p := open(t, t.TempDir(), c), newProduct(t)
	p.refuse, p.forget = 2, 2
	feed(t, r, p, c, 5*time.Minute)
	if len(p.taken) != 6 || len(p.wrong) > 0 {
		t.Errorf("got %d deliveries, wrong %v; want six and the same bytes each time", len(p.taken), p.wrong)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := sleep(ctx, time.Hour); err == nil {
		t.Error("the wait outlived its context")
	}
}
