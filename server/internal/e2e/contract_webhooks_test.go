package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func githubSign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestContractWebhooks holds the server to the page's chapter Webhooks.
func TestContractWebhooks(t *testing.T) {
	w := newWorld(t, standard)
	body := func() string { return alertBody(unique("w"), "quiet", "low", "ws-1") }
	post := func(source, body string, header ...string) reply {
		return w.guest().do("POST", "/hooks/"+source, body, header...)
	}

	t.Run("unknown, unsigned, wrongly signed and expired all get one and the same 401", func(t *testing.T) {
		w.use(t)
		b := body()
		now := time.Now()
		same := map[string]int{}
		for name, r := range map[string]reply{
			"unknown":            post("nothing", b, sign(edrSecret, b, now)...),
			"unsigned":           post("edr", b),
			"wrong secret":       post("edr", b, sign("another secret", b, now)...),
			"of another body":    post("edr", b, sign(edrSecret, b+" ", now)...),
			"six minutes old":    post("edr", b, sign(edrSecret, b, now.Add(-6*time.Minute))...),
			"six minutes early":  post("edr", b, sign(edrSecret, b, now.Add(6*time.Minute))...),
			"no timestamp":       post("edr", b, "X-Signature", sign(edrSecret, b, now)[3]),
			"no number":          post("edr", b, "X-Timestamp", "soon", "X-Signature", "sha256=00"),
			"no token":           post("siem", b),
			"wrong token":        post("siem", b, "Authorization", "Bearer x"),
			"empty token":        post("siem", b, "Authorization", "Bearer "),
			"wrong basic":        post("basic", b, "Authorization", "Basic c2VuZGVyOng="),
			"github, unsigned":   post("hub", b),
			"github, wrong":      post("hub", b, "X-Hub-Signature-256", githubSign("x", b)),
			"another case":       post("EDR", b, sign(edrSecret, b, now)...),
			"malformed unsigned": post("edr", "{"),
		} {
			if r.status != 401 {
				t.Errorf("%s: got %d %s, want 401", name, r.status, r.raw)
			}
			same[r.text("code")+r.text("title")+r.text("detail")]++
		}
		if len(same) != 1 {
			t.Errorf("the answers differ: %v", same)
		}
	})
	t.Run("each way to authenticate lets a delivery in", func(t *testing.T) {
		w.use(t)
		b := body()
		h := sign(edrSecret, b, time.Now())
		post("edr", b, h...).want(t, 202)
		b = body()
		h = sign(edrSecret, b, time.Now())
		h[3] = strings.TrimPrefix(h[3], "sha256=")
		post("edr", b, h...).want(t, 202)
		b = body()
		post("edr", b, sign(oldEdrSecret, b, time.Now())...).want(t, 202)
		b = body()
		post("hub", b, "X-Hub-Signature-256", githubSign(hubSecret, b), "X-GitHub-Delivery", unique("gh")).want(t, 202)
		b = body()
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		post("stripe", b, "Stripe-Signature", "t="+stamp+",v1="+strings.TrimPrefix(githubSign(hubSecret, stamp+"."+b), "sha256=")).want(t, 202)
		b = body()
		std := hmac.New(sha256.New, []byte("std-secret-0123456789abcdef"))
		std.Write([]byte("msg_1." + stamp + "." + b))
		post("standard", b, "webhook-id", "msg_1", "webhook-timestamp", stamp, "webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(std.Sum(nil))).want(t, 202)
		post("siem", `{"findings":[]}`, "Authorization", "Bearer "+siemToken).want(t, 202)
		post("basic", body(), "Authorization", "Basic c2VuZGVyOmJhc2ljLXBhc3MtMDEyMzQ1Njc4OWFiY2RlZg==").want(t, 202)
	})
	t.Run("the same delivery gets the stored answer, another body under its identity is 409", func(t *testing.T) {
		w.use(t)
		b, id := body(), unique("delivery")
		first := post("edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", id)...).want(t, 202)
		again := post("edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", id)...).want(t, 202)
		if string(first.raw) != string(again.raw) {
			t.Errorf("got %s, then %s", first.raw, again.raw)
		}
		if got := w.people["admin"].get("/alerts/" + first.text("alerts", 0, "id")).at("count"); got != 1.0 {
			t.Errorf("the redelivery was counted: %v", got)
		}
		other := body()
		post("edr", other, append(sign(edrSecret, other, time.Now()), "X-Delivery-Id", id)...).refused(t, 409, "delivery_conflict")
	})
	t.Run("a signed delivery without a name is known by its timestamp and body", func(t *testing.T) {
		w.use(t)
		b := body()
		h := sign(edrSecret, b, time.Now())
		first := post("plain", b, h...).want(t, 202)
		post("plain", b, h...).want(t, 202)
		if got := w.people["admin"].get("/alerts/" + first.text("alerts", 0, "id")).at("count"); got != 1.0 {
			t.Errorf("count: got %v, want 1", got)
		}
	})
	t.Run("a repeat raises the count and starts nothing", func(t *testing.T) {
		w.use(t)
		b := alertBody(unique("w"), "note", "low", "ws-1")
		first := post("edr", b, sign(edrSecret, b, time.Now())...).want(t, 202)
		again := post("edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", unique("d"))...).want(t, 202)
		if again.at("alerts", 0, "new") != false || again.text("alerts", 0, "id") != first.text("alerts", 0, "id") || len(again.list("runs")) != 0 {
			t.Errorf("got %s", again.raw)
		}
		if got := w.people["admin"].get("/alerts/" + first.text("alerts", 0, "id")).at("count"); got != 2.0 {
			t.Errorf("count: got %v, want 2", got)
		}
	})
	t.Run("a repeat of a closed alert reopens it", func(t *testing.T) {
		w.use(t)
		b := body()
		first := post("edr", b, sign(edrSecret, b, time.Now())...).want(t, 202)
		id := first.text("alerts", 0, "id")
		w.people["admin"].do("PATCH", "/api/v1/alerts/"+id, map[string]any{"status": "closed", "verdict": "benign", "reason": "x"}).want(t, 200)
		again := post("edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", unique("d"))...).want(t, 202)
		if again.at("alerts", 0, "new") != false || w.people["admin"].get("/alerts/"+id).text("status") == "closed" {
			t.Errorf("got %s, still closed", again.raw)
		}
	})
	t.Run("a source's own mapping takes items, closes and when", func(t *testing.T) {
		w.use(t)
		key := unique("f")
		finding := func(state string) string {
			return fmt.Sprintf(`{"findings":[{"id":%q,"rule":"R","kind":"quiet","level":3,"host":"ws-9","state":%q},{"id":"x%s","rule":"R","kind":"quiet","level":1,"host":"ws-9","state":"pending"}]}`, key, state, key)
		}
		auth := []string{"Authorization", "Bearer " + siemToken}
		r := post("siem", finding("firing"), auth...).want(t, 202)
		if len(r.list("alerts")) != 1 {
			t.Fatalf("got %s, want one alert: the other is not firing", r.raw)
		}
		a := w.people["admin"].get("/alerts/" + r.text("alerts", 0, "id"))
		if a.text("severity") != "high" || a.text("source_id") != key || a.text("hosts", 0, "name") != "ws-9" || a.text("source") != "siem" {
			t.Errorf("got %s", a.raw)
		}
		post("siem", finding("resolved"), auth...).want(t, 202)
		if got := w.people["admin"].get("/alerts/" + a.text("id")).text("status"); got != "closed" {
			t.Errorf("after the resolve: got %q, want closed", got)
		}
	})
	t.Run("what cannot be mapped is stored and marked", func(t *testing.T) {
		w.use(t)
		r := post("edr", `{"severity":"purple","odd":1}`, sign(edrSecret, `{"severity":"purple","odd":1}`, time.Now())...).want(t, 202)
		a := w.people["admin"].get("/alerts/" + r.text("alerts", 0, "id"))
		if a.at("mapped") != false || a.at("fields", "odd") != 1.0 || a.text("severity") != "low" {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("an array is taken whole or not at all, at most a thousand", func(t *testing.T) {
		w.use(t)
		two := "[" + body() + "," + body() + "]"
		if r := post("edr", two, sign(edrSecret, two, time.Now())...).want(t, 202); len(r.list("alerts")) != 2 {
			t.Errorf("got %s", r.raw)
		}
		marker := unique("whole")
		bad := "[" + alertBody(marker, "quiet", "low", marker) + ",7]"
		if r := post("edr", bad, sign(edrSecret, bad, time.Now())...); r.status != 400 && r.status != 202 {
			t.Errorf("an element that is no object: got %d", r.status)
		} else if found := len(w.people["admin"].get("/alerts?q=" + marker).list("items")); r.status == 400 && found != 0 {
			t.Error("a refused array left an alert behind")
		}
		many := "[" + strings.Repeat(`{"source_id":"m"},`, 1000) + `{"source_id":"m"}]`
		if r := post("edr", many, sign(edrSecret, many, time.Now())...); r.status != 400 && r.status != 413 {
			t.Errorf("1001 alerts: got %d", r.status)
		}
	})
	t.Run("malformed is 400, the wrong type 415, too large 413", func(t *testing.T) {
		w.use(t)
		for name, text := range map[string]string{
			"cut": `{"a":`, "two values": `{} {}`, "a duplicate key": `{"a":1,"a":2}`, "a large number": `{"a":99999999999999999999}`,
			"not UTF-8": "{\"a\":\"\xff\"}", "empty": "", "deep": strings.Repeat("[", 500) + strings.Repeat("]", 500),
		} {
			if r := post("edr", text, sign(edrSecret, text, time.Now())...); r.status != 400 {
				t.Errorf("%s: got %d %s, want 400", name, r.status, r.raw)
			}
		}
		b := body()
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/xml"} {
			if r := post("edr", b, append(sign(edrSecret, b, time.Now()), "Content-Type", kind)...); r.status != 415 {
				t.Errorf("%q: got %d, want 415", kind, r.status)
			}
		}
		large := `{"title":"` + strings.Repeat("x", 1<<20) + `"}`
		post("edr", large, sign(edrSecret, large, time.Now())...).refused(t, 413, "too_large")
		small := `{"title":"` + strings.Repeat("x", 2<<10) + `"}`
		post("slow", small, "Authorization", "Bearer "+siemToken).refused(t, 413, "too_large")
	})
	t.Run("over the rate is 429 with Retry-After, and only for who is let in", func(t *testing.T) {
		w.use(t)
		for range 20 {
			post("slow", body(), "Authorization", "Bearer wrong").want(t, 401)
		}
		got := []int{}
		for range 6 {
			r := post("slow", body(), "Authorization", "Bearer "+siemToken)
			got = append(got, r.status)
			if r.status == 429 && r.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
		if got[0] != 202 || !slices.Contains(got, 429) {
			t.Errorf("got %v, want 202 first and 429 in the end", got)
		}
	})
	t.Run("a cross-site page cannot use a source without its secret, and GET takes nothing", func(t *testing.T) {
		w.use(t)
		if r := w.guest().do("GET", "/hooks/edr", nil); r.status != 401 && r.status != 404 && r.status != 405 {
			t.Errorf("GET: got %d", r.status)
		}
	})
	t.Run("a delivery signed while the server was away is taken after it", func(t *testing.T) {
		w.use(t)
		b, id := body(), unique("late")
		first := post("edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", id)...).want(t, 202)
		w.kill()
		w.launch()
		w.people["admin"] = w.admin()
		again := w.guest().do("POST", "/hooks/edr", b, append(sign(edrSecret, b, time.Now()), "X-Delivery-Id", id)...).want(t, 202)
		if string(first.raw) != string(again.raw) {
			t.Errorf("after kill -9: got %s, want %s", again.raw, first.raw)
		}
	})
}
