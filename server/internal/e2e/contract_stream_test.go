package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func streams(t *testing.T, w *world) {
	t.Helper()
	t.Run("GET /stream tells what changed, at once and again from Last-Event-ID", func(t *testing.T) {
		w.use(t)
		ctx, stop := context.WithTimeout(context.Background(), waitLimit)
		defer stop()
		last := ""
		listen := func(want string) {
			q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/stream", nil)
			if err != nil {
				t.Fatal(err)
			}
			if last != "" {
				q.Header.Set("Last-Event-ID", last)
			}
			c := *w.people["admin"].http
			c.Timeout = 0
			res, err := c.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
				t.Fatalf("type: got %q", kind)
			}
			if want == "" {
				want, _ = w.alert(t, "quiet", "low", "ws-stream")
			}
			begin := time.Now()
			lines := bufio.NewScanner(res.Body)
			for lines.Scan() {
				line := lines.Text()
				if id, ok := strings.CutPrefix(line, "id:"); ok && strings.TrimSpace(id) != "" {
					last = strings.TrimSpace(id)
				}
				data, ok := strings.CutPrefix(line, "data:")
				if ok && strings.Contains(data, want) {
					var d any
					if err := json.Unmarshal([]byte(data), &d); err != nil {
						t.Errorf("data: %v", err)
					}
					has(t, "a change", d, "kind id version")
					if took := time.Since(begin); took > 3*time.Second {
						t.Errorf("it took %s", took)
					}
					return
				}
			}
			t.Errorf("the stream ended without %s: %v", want, lines.Err())
		}
		listen("")
		missed, _ := w.alert(t, "quiet", "low", "ws-stream")
		listen(missed)
	})
}
