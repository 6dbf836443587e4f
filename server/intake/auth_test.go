package intake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/secret"
)

const (
	oldKey = "the old secret of the sender"
	newKey = "the new secret of the sender"
	body   = `{"source_id": "1", "title": "Malware", "severity": "high", "category": "malware"}`
)

func sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func sources() map[string]intake.Source {
	both := []secret.Value{secret.Of(newKey), secret.Of(oldKey)}
	style := func(s intake.Style, secrets ...secret.Value) intake.Source {
		return intake.Source{Auth: intake.Auth{HMAC: &intake.HMAC{Style: s, Secrets: secrets}}, Mapping: alert.Generic()}
	}
	all := map[string]intake.Source{
		"tocsin":   style(intake.StyleTocsin, both...),
		"github":   style(intake.StyleGitHub, both...),
		"stripe":   style(intake.StyleStripe, both...),
		"standard": style(intake.StyleStandard, secret.Of("whsec_"+base64.StdEncoding.EncodeToString([]byte(newKey)))),
		"bearer":   {Auth: intake.Auth{Bearer: both}, Mapping: alert.Generic()},
		"basic":    {Auth: intake.Auth{Basic: &intake.Basic{Username: "siem", Passwords: both}}, Mapping: alert.Generic()},
		"open":     {Mapping: alert.Generic()},
		"empty":    style(intake.StyleTocsin, secret.Of("")),
		"unset":    {Auth: intake.Auth{Bearer: []secret.Value{{}}}, Mapping: alert.Generic()},
		"strange":  style("strange", both...),
		"off":      style(intake.StyleTocsin, both...),
	}
	for name, s := range all {
		s.Name = name
		s.Disabled = name == "off"
		all[name] = s
	}
	return all
}

func unix(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }

func tocsin(key, at string) map[string]string {
	return map[string]string{"x-timestamp": at, "x-signature": sign(key, at+"."+body)}
}

func standardHeaders(id, at string) map[string]string {
	raw, _ := hex.DecodeString(sign(newKey, id+"."+at+"."+body))
	return map[string]string{"webhook-id": id, "webhook-timestamp": at, "webhook-signature": "v1a,xx v1," + base64.StdEncoding.EncodeToString(raw)}
}

func basic(user, password string) map[string]string {
	return map[string]string{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func with(m map[string]string, more ...string) map[string]string {
	out := maps.Clone(m)
	for pair := range slices.Chunk(more, 2) {
		out[pair[0]] = pair[len(pair)-1]
	}
	return out
}

// TestOnlyProvenSendersPass is S094 to S096, for each way to prove oneself.
func TestOnlyProvenSendersPass(t *testing.T) {
	now := unix(0)
	for name, tc := range map[string]struct {
		source  string
		headers map[string]string
		body    string
		ok      bool
	}{
		"tocsin":                       {"tocsin", tocsin(newKey, now), body, true},
		"tocsin with a prefix":         {"tocsin", with(tocsin(newKey, now), "x-signature", "sha256="+sign(newKey, now+"."+body)), body, true},
		"tocsin in capitals":           {"tocsin", with(tocsin(newKey, now), "x-signature", strings.ToUpper(sign(newKey, now+"."+body))), body, true},
		"a secret that is rotated out": {"tocsin", tocsin(oldKey, now), body, true},
		"five minutes old":             {"tocsin", tocsin(newKey, unix(-5*time.Minute)), body, true},
		"five minutes ahead":           {"tocsin", tocsin(newKey, unix(5*time.Minute)), body, true},
		"older than five minutes":      {"tocsin", tocsin(newKey, unix(-5*time.Minute-time.Second)), body, false},
		"more than five minutes ahead": {"tocsin", tocsin(newKey, unix(5*time.Minute+time.Second)), body, false},
		"unsigned":                     {"tocsin", map[string]string{}, body, false},
		"signed without a moment":      {"tocsin", map[string]string{"x-signature": sign(newKey, body)}, body, false},
		"a moment that is no number":   {"tocsin", tocsin(newKey, "now"), body, false},
		"a moment with a sign":         {"tocsin", tocsin(newKey, "+"+now), body, false},
		"a moment with a fraction":     {"tocsin", tocsin(newKey, now+".0"), body, false},
		"another moment than signed":   {"tocsin", with(tocsin(newKey, now), "x-timestamp", unix(time.Second)), body, false},
		"another secret":               {"tocsin", tocsin("guess", now), body, false},
		"one flipped bit":              {"tocsin", tocsin(newKey, now), "z" + body[1:], false},
		"the same JSON written anew":   {"tocsin", tocsin(newKey, now), strings.ReplaceAll(body, " ", ""), false},
		"a cut signature":              {"tocsin", with(tocsin(newKey, now), "x-signature", sign(newKey, now+"."+body)[:32]), body, false},
		"an empty signature":           {"tocsin", with(tocsin(newKey, now), "x-signature", ""), body, false},
		"a source that is off":         {"off", tocsin(newKey, now), body, false},
		"a source that is not there":   {"nothere", tocsin(newKey, now), body, false},
		"no name":                      {"", tocsin(newKey, now), body, false},
		"a source without any proof":   {"open", map[string]string{}, body, false},
		"an empty secret":              {"empty", tocsin("", now), body, false},
		"a secret that is not set":     {"unset", map[string]string{"authorization": "Bearer "}, body, false},
		"a style that is none":         {"strange", tocsin(newKey, now), body, false},
		"the stand-in's secret":        {"nothere", tocsin("nobody knows this one", now), body, false},
		"github":                       {"github", map[string]string{"x-hub-signature-256": "sha256=" + sign(newKey, body), "x-github-delivery": "d1"}, body, true},
		"github's old secret":          {"github", map[string]string{"x-hub-signature-256": "sha256=" + sign(oldKey, body)}, body, true},
		"github without prefix":        {"github", map[string]string{"x-hub-signature-256": sign(newKey, body)}, body, false},
		"github with SHA-1":            {"github", map[string]string{"x-hub-signature": "sha1=" + sign(newKey, body)[:40]}, body, false},
		"github signed over another":   {"github", map[string]string{"x-hub-signature-256": "sha256=" + sign(newKey, body+" ")}, body, false},
		"stripe":                       {"stripe", map[string]string{"stripe-signature": "t=" + now + ",v1=" + sign(newKey, now+"."+body)}, body, true},
		"stripe with two signatures":   {"stripe", map[string]string{"stripe-signature": "t=" + now + ",v1=" + sign("x", now) + ", v1=" + sign(oldKey, now+"."+body) + ",v0=zz"}, body, true},
		"stripe with v0 only":          {"stripe", map[string]string{"stripe-signature": "t=" + now + ",v0=" + sign(newKey, now+"."+body)}, body, false},
		"stripe of an hour ago":        {"stripe", map[string]string{"stripe-signature": "t=" + unix(-time.Hour) + ",v1=" + sign(newKey, unix(-time.Hour)+"."+body)}, body, false},
		"standard":                     {"standard", standardHeaders("msg_1", now), body, true},
		"standard without an id":       {"standard", standardHeaders("", now), body, false},
		"standard under another id":    {"standard", with(standardHeaders("msg_1", now), "webhook-id", "msg_2"), body, false},
		"standard of an hour ago":      {"standard", standardHeaders("msg_1", unix(-time.Hour)), body, false},
		"bearer":                       {"bearer", map[string]string{"authorization": "Bearer " + newKey}, body, true},
		"bearer's old token":           {"bearer", map[string]string{"authorization": "bearer " + oldKey}, body, true},
		"another token":                {"bearer", map[string]string{"authorization": "Bearer x"}, body, false},
		"a part of the token":          {"bearer", map[string]string{"authorization": "Bearer " + newKey[:10]}, body, false},
		"no scheme":                    {"bearer", map[string]string{"authorization": newKey}, body, false},
		"another scheme":               {"bearer", basic("siem", newKey), body, false},
		"basic":                        {"basic", basic("siem", newKey), body, true},
		"basic's old password":         {"basic", basic("siem", oldKey), body, true},
		"another user":                 {"basic", basic("root", newKey), body, false},
		"another password":             {"basic", basic("siem", "x"), body, false},
		"broken base64":                {"basic", map[string]string{"authorization": "Basic !!!"}, body, false},
		"a token for a password":       {"basic", map[string]string{"authorization": "Bearer " + newKey}, body, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, catalog{sources: sources()})
			_, err := b.Receive(t.Context(), intake.Request{Source: tc.source, Body: []byte(tc.body), Headers: tc.headers, ContentType: "application/json"})
			if tc.ok {
				if err != nil || len(b.store.alerts) != 1 {
					t.Fatalf("it was refused: %v", err)
				}
				return
			}
			if len(b.store.alerts) != 0 || len(b.store.audit) != 0 || len(b.store.delivered) != 0 {
				t.Error("something was written")
			}
			const same = "the delivery is not authenticated"
			if err == nil || err.Error() != same || fault.CodeOf(err) != "unauthorized" || fault.KindOf(err) != fault.Unauthorized {
				t.Errorf("the answer tells more: %v", err)
			}
		})
	}
}
