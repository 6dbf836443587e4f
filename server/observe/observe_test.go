package observe_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/observe"
	"github.com/tocsin-soar/tocsin/server/secret"
)

func TestALogRecordIsOneLineWhateverItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		log := observe.NewLogger(&out, "info", &observe.Scrubber{})
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"a\n{\"level\":\"ERROR\"}", "\x1b[31mred\x1b[0m", "\u2028x", "\u202egnp.exe", "\x9b31m", "\u009b31m", "\r\n", "\x00", "\x7f", "\ufeff",
		})).Draw(t, "text")
		log.Info("got something", slog.String("text", text), slog.Any("error", errors.New(text)))
		line := strings.TrimSuffix(out.String(), "\n")
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("not one JSON object: %q: %v", line, err)
		}
		for _, r := range line {
			if r < 0x20 || r == 0x7f || r >= 0x80 && r <= 0x9f || r >= 0x2028 && r <= 0x202e {
				t.Fatalf("rune %U got through: %q", r, line)
			}
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); rec["text"] != want && len(text) == len(want) {
			t.Fatalf("got %q, want %q", rec["text"], want)
		}
	})
}

func TestKnownSecretsLeaveTheLogInNoEncoding(t *testing.T) {
	const pass = `p"ss/w+rd & <Ünïcode>` //nolint:gosec // of nobody
	var out bytes.Buffer
	var s observe.Scrubber
	log := observe.NewLogger(&out, "debug", &s)
	s.Know(secret.Of(pass), secret.Of("short"), secret.Of(""), secret.Of("another-token-123"))
	inJSON, err := json.Marshal(map[string]string{"password": pass})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain": "with " + pass + " inside", "query": url.QueryEscape(pass), "path": url.PathEscape(pass),
		"base64": base64.StdEncoding.EncodeToString([]byte(pass)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(pass)),
		"json": string(inJSON), "hex": fmt.Sprintf("%x", pass), "other": "Bearer another-token-123",
	} {
		out.Reset()
		log.Warn("call "+text, //nolint:sloglint // a message that a library made up
			slog.String("s", text), slog.Any("err", fmt.Errorf("send: %w", errors.New(text))),
			slog.Group("g", slog.Any("v", []string{text})), slog.Any("any", struct{ A string }{text}))
		got := out.String()
		for _, form := range []string{pass, url.QueryEscape(pass), url.PathEscape(pass), base64.StdEncoding.EncodeToString([]byte(pass)), fmt.Sprintf("%x", pass), "another-token-123", `p\"ss/w+rd`} {
			if strings.Contains(got, form) {
				t.Errorf("%s: %q stands in %s", name, form, got)
			}
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: not JSON: %s", name, got)
		}
	}
	out.Reset()
	log.Info("a short walk")
	if !strings.Contains(out.String(), "a short walk") {
		t.Errorf("a secret of five letters blotted out a word: %s", out.String())
	}
}

func TestTheLevelIsRespectedAndLongTextsAreCut(t *testing.T) {
	var out bytes.Buffer
	log := observe.NewLogger(&out, "warn", &observe.Scrubber{})
	log.Info("quiet")
	if out.Len() != 0 {
		t.Errorf("info was written: %s", out.String())
	}
	log.Error("loud", slog.String("text", strings.Repeat("x", 100_000)))
	if n := out.Len(); n == 0 || n > 5000 {
		t.Errorf("the line has %d bytes", n)
	}
}

func TestMetricsAreServedUnderTheirNames(t *testing.T) {
	m := observe.NewMetrics("v1")
	m.Request("GET", "/api/v1/runs/:id", 200, time.Millisecond)
	m.Stream(1)
	m.Delivery("edr", "accepted")
	m.Alert("edr", "new")
	m.Run("isolate", "succeeded")
	m.Step("failed")
	m.Call("jira", "unknown", time.Second)
	m.Decision("deny", time.Microsecond)
	m.Commit(7, time.Millisecond, nil)
	m.Commit(1, time.Millisecond, errors.New("EIO"))
	m.Panic("http")
	m.Problems(2, 1)
	m.Queue("signals", func() float64 { return 5 })
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`tocsin_http_requests_total{method="GET",route="/api/v1/runs/:id",status="200"} 1`, "tocsin_streams 1",
		`tocsin_deliveries_total{answer="accepted",source="edr"} 1`, `tocsin_alerts_total{outcome="new",source="edr"} 1`,
		`tocsin_runs_total{playbook="isolate",status="succeeded"} 1`, `tocsin_steps_total{status="failed"} 1`,
		`tocsin_calls_total{did="unknown",integration="jira"} 1`, `tocsin_decisions_total{outcome="deny"} 1`,
		`tocsin_commits_total{result="ok"} 1`, `tocsin_commits_total{result="error"} 1`, `tocsin_commit_acts_sum 8`,
		`tocsin_panics_total{place="http"} 1`, `tocsin_problems{severity="error"} 2`, `tocsin_queue_length{queue="signals"} 5`,
		`version="v1"`, "go_goroutines",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}
