package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

func TestFact5ConcurrentWebhooksKeepTheirBytes(t *testing.T) {
	w := newWorld(t)
	const senders, each = 40, 200
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				body := strings.Repeat(fmt.Sprintf("%d/%d.", s, i), 1+(s*7+i)%50)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("%s/hooks/source-%d-%d", w.url, s, i), strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("X-Signature", "good")
				req.Header.Set("X-Mine", body[:4])
				req.Header.Set("Content-Type", "application/json")
				res, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusAccepted {
					t.Errorf("got %d", res.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	if len(w.received) != senders*each {
		t.Fatalf("%d of %d arrived", len(w.received), senders*each)
	}
	spoiled := 0
	for _, d := range w.received {
		var s, i int
		if _, err := fmt.Sscanf(d.Source, "source-%d-%d", &s, &i); err != nil {
			spoiled++
			continue
		}
		want := strings.Repeat(fmt.Sprintf("%d/%d.", s, i), 1+(s*7+i)%50)
		if string(d.Body) != want || d.Headers.Get("X-Mine") != want[:4] || d.ContentType != "application/json" {
			spoiled++
		}
	}
	if spoiled > 0 {
		t.Errorf("%d of %d deliveries are not what was sent", spoiled, len(w.received))
	}
}

func TestADeliveryIsHandedOnByteForByte(t *testing.T) {
	w := newWorld(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("0"), 10<<20))
	_ = z.Close()
	for name, tc := range map[string]struct {
		body string
		head []string
	}{
		"spaces kept":       {"  {\"a\" : 1 }\n", nil},
		"no JSON":           {"\x00\xff{", nil},
		"a packed bomb":     {packed.String(), []string{"Content-Encoding: gzip"}},
		"a form":            {"a=1&b=2", []string{"Content-Type: application/x-www-form-urlencoded"}},
		"from another site": {"{}", []string{"Origin: https://siem.example", "Sec-Fetch-Site: cross-site"}},
	} {
		got := w.ask(http.MethodPost, "/hooks/edr", tc.body, append(tc.head, "X-Signature: good", "X-Delivery-Id: 1")...)
		if got.StatusCode != http.StatusAccepted || got.body != `{"alerts":[{"id":"`+alertID+`","new":true}],"runs":["`+runID+`"]}` {
			t.Errorf("%s: got %d %s", name, got.StatusCode, got.body)
		}
		d := w.received[len(w.received)-1]
		if string(d.Body) != tc.body || d.Source != "edr" || d.Headers.Get("X-Delivery-Id") != "1" {
			t.Errorf("%s: handed on %d bytes of %s", name, len(d.Body), d.Source)
		}
	}
}

func TestADeliveryIsChunkedOrNotAlike(t *testing.T) {
	w := newWorld(t)
	got := w.speak(t, "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nX-Signature: good\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n")
	if !strings.Contains(got, " 202 ") || string(w.received[0].Body) != `{"a":1}` {
		t.Errorf("got %.200s", got)
	}
}

func TestS098WhatIsTooLargeOrTooSlowIsRefusedBeforeItIsLookedAt(t *testing.T) {
	w := newWorld(t)
	big := strings.Repeat("x", 2<<20)
	announce := func(path string, n int) string {
		return w.speak(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-Signature: good\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, n))
	}
	for path, n := range map[string]int{"/hooks/edr": 1<<20 + 1, "/hooks/unknown": 2 << 20, "/api/v1/session": 3 << 20, "/api/v1/stream": 2} {
		if got := announce(path, n); !strings.Contains(got, " 413 ") || !strings.Contains(got, `"code":"too_large"`) {
			t.Errorf("%d bytes to %s: got %.200s", n, path, got)
		}
	}
	if got := w.ask(http.MethodPost, "/hooks/edr", big[:1<<20], "X-Signature: good"); got.StatusCode != http.StatusAccepted {
		t.Errorf("1 MiB: got %d", got.StatusCode)
	}
	// The length alone decides: nothing of the body is waited for.
	if got := w.speak(t, "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nContent-Length: 10737418240\r\n\r\n"); !strings.Contains(got, " 413 ") {
		t.Errorf("10 GB announced: got %.100s", got)
	}
	if got := w.speak(t, "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n"+big+"\r\n0\r\n\r\n"); !strings.Contains(got, " 413 ") {
		t.Errorf("2 MiB in chunks: got %.100s", got)
	}
	if got := w.ask(http.MethodPost, "/hooks/edr", `{"a":`+strings.Repeat("[", 10_000)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("deep JSON without a signature: got %d", got.StatusCode)
	}
	if len(w.received) != 1 {
		t.Errorf("%d deliveries were looked at", len(w.received))
	}
}

func TestS112SlowHeadersAndBodiesAreCutAtTenSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	w := newWorld(t)
	var wg sync.WaitGroup
	for name, begin := range map[string]string{
		"nothing":    "",
		"headers":    "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nX-A",
		"body":       "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nX-Signature: good\r\nContent-Length: 100\r\n\r\n{",
		"one byte/s": "POST /hooks/edr HTTP/1.1\r\nHost: x\r\nX-Signature: good\r\nContent-Length: 100\r\n\r\n{",
	} {
		wg.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			from := time.Now() //nolint:forbidigo // a socket's time
			_ = c.SetDeadline(from.Add(25 * time.Second))
			_, _ = c.Write([]byte(begin))
			if name == "one byte/s" {
				go func() {
					for range 20 {
						if _, err := c.Write([]byte(" ")); err != nil {
							return
						}
						time.Sleep(time.Second) //nolint:forbidigo // the sender is slow
					}
				}()
			}
			buf := make([]byte, 4096)
			n, _ := c.Read(buf)
			if took := time.Since(from); took > 15*time.Second || took < 5*time.Second { //nolint:forbidigo // as above
				t.Errorf("%s: cut after %v", name, took)
			}
			if strings.Contains(string(buf[:n]), "HTTP/1.1 2") {
				t.Errorf("%s: got %.100s", name, buf[:n])
			}
		})
	}
	wg.Wait()
	if len(w.received) != 0 {
		t.Error("a slow delivery got in")
	}
}

func TestTheAnswerToADeliveryIsTheUseCases(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		err  error
		want int
		code string
		wait string
	}{
		"over the rate":  {fault.New(fault.RateLimited, "too many").After(1500 * time.Millisecond), 429, "rate_limited", "2"},
		"conflict":       {fault.New(fault.Conflict, "other body").WithCode("delivery_conflict"), 409, "delivery_conflict", ""},
		"wrong type":     {fault.New(fault.InvalidInput, "JSON only").WithCode("unsupported_type"), 415, "unsupported_type", ""},
		"not JSON":       {fault.New(fault.InvalidInput, "no JSON").WithCode("bad_json"), 400, "bad_json", ""},
		"database full":  {fault.New(fault.Unavailable, "cannot be stored now").After(5 * time.Second), 503, "unavailable", "5"},
		"too large":      {fault.New(fault.TooLarge, "too large"), 413, "too_large", ""},
		"not authentic":  {fault.New(fault.Unauthorized, "no"), 401, "unauthorized", ""},
		"something else": {errors.New("SELECT"), 500, "internal", ""},
	} {
		w.house.mu.Lock()
		w.fail = tc.err
		w.house.mu.Unlock()
		got := w.ask(http.MethodPost, "/hooks/edr", "{}", "X-Signature: good")
		if got.StatusCode != tc.want || got.problem(t).Code != tc.code || got.Header.Get("Retry-After") != tc.wait {
			t.Errorf("%s: got %d %s, Retry-After %q", name, got.StatusCode, got.body, got.Header.Get("Retry-After"))
		}
	}
	for _, path := range []string{"/hooks/EDR", "/hooks/a%2Fb", "/hooks/a_b", "/hooks/" + strings.Repeat("a", 65)} {
		unknown, known := w.ask(http.MethodPost, path, "{}"), w.ask(http.MethodPost, "/hooks/edr", "{}")
		u, k := unknown.problem(t), known.problem(t)
		u.Instance, k.Instance = "", ""
		if unknown.StatusCode != http.StatusUnauthorized || fmt.Sprint(u) != fmt.Sprint(k) {
			t.Errorf("%s: got %d %s, want the answer of a known source: %s", path, unknown.StatusCode, unknown.body, known.body)
		}
	}
}

func TestASourceHasABoundOfItsOwnBelowTheServers(t *testing.T) {
	w := newWorld(t, func(d *httpapi.Deps) {
		d.Bound = func(source string) int64 { return map[string]int64{"small": 10, "large": 10 << 20}[source] }
	})
	for path, want := range map[string]int{"/hooks/small": 413, "/hooks/large": 202, "/hooks/unknown": 413} {
		if got := w.ask(http.MethodPost, path, `{"a":"0123456789"}`, "X-Signature: good"); got.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, got.StatusCode, want)
		}
	}
	if got := w.speak(t, "POST /hooks/large HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"); !strings.Contains(got, " 413 ") {
		t.Errorf("over the server's: got %.100s", got)
	}
}
