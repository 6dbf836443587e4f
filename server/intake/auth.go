package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// skew is how far a signed moment may lie from ours.
const skew = 5 * time.Minute

// maxIdentity bounds a delivery's name, in bytes.
const maxIdentity = 256

// refused is the one answer to everybody who did not prove themselves, whatever
// the reason: it tells no one which sources exist.
func refused() *fault.Error {
	return fault.New(fault.Unauthorized, "the delivery is not authenticated")
}

// nobody stands in for a source that is not there, so that asking for it takes
// as long as for one that is.
func nobody() Source {
	return Source{Auth: Auth{HMAC: &HMAC{Style: StyleTocsin, Secrets: []secret.Value{secret.Of("nobody knows this one")}}}, Disabled: true}
}

// proof is what a request brought along to prove itself.
type proof struct {
	ok       bool
	identity string // that the style itself gives
	signedAt string
}

// authenticate checks a request against a source; only ok tells.
func authenticate(s Source, r Request, now time.Time) proof {
	switch {
	case s.Auth.HMAC != nil:
		return s.Auth.HMAC.check(r, now)
	case len(s.Auth.Bearer) > 0:
		scheme, token, _ := strings.Cut(r.header("authorization"), " ")
		return proof{ok: anyEqual(s.Auth.Bearer, strings.TrimSpace(token)) && strings.EqualFold(scheme, "Bearer")}
	case s.Auth.Basic != nil:
		return proof{ok: s.Auth.Basic.check(r.header("authorization"))}
	}
	return proof{}
}

func (b Basic) check(header string) bool {
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	user, password, found := strings.Cut(string(raw), ":")
	sameUser := same(user, b.Username)
	samePassword := anyEqual(b.Passwords, password)
	return sameUser && samePassword && found && err == nil && strings.EqualFold(scheme, "Basic")
}

// anyEqual compares with every secret, also after one was equal.
func anyEqual(secrets []secret.Value, given string) bool {
	ok := false
	for _, s := range secrets {
		if text := s.Reveal(); text != "" && same(text, given) {
			ok = true
		}
	}
	return ok
}

// same compares in constant time, lengths included.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func (h HMAC) check(r Request, now time.Time) proof {
	switch h.Style {
	case StyleTocsin:
		at := r.header("x-timestamp")
		sig := strings.TrimPrefix(r.header("x-signature"), "sha256=")
		return proof{ok: h.signed(at+".", r.Body, hexes(sig)) && fresh(at, now), signedAt: at}
	case StyleGitHub:
		sig, prefixed := strings.CutPrefix(r.header("x-hub-signature-256"), "sha256=")
		return proof{ok: h.signed("", r.Body, hexes(sig)) && prefixed, identity: r.header("x-github-delivery")}
	case StyleStripe:
		at, sigs := stripe(r.header("stripe-signature"))
		return proof{ok: h.signed(at+".", r.Body, hexes(sigs...)) && fresh(at, now), signedAt: at}
	case StyleStandard:
		id, at := r.header("webhook-id"), r.header("webhook-timestamp")
		sigs := standard(r.header("webhook-signature"))
		return proof{ok: h.signed(id+"."+at+".", r.Body, sigs) && fresh(at, now) && id != "", identity: id, signedAt: at}
	}
	return proof{}
}

// maxSignatures bounds how many a header may carry.
const maxSignatures = 16

// signed says whether one of the signatures was made with one of the secrets
// over prefix and body.
func (h HMAC) signed(prefix string, body []byte, sigs [][]byte) bool {
	ok := false
	for _, s := range h.Secrets {
		key := h.key(s)
		if len(key) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(prefix))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, sig := range sigs {
			if hmac.Equal(want, sig) {
				ok = true
			}
		}
	}
	return ok
}

// key is the secret's bytes; Standard Webhooks writes them in base64.
func (h HMAC) key(s secret.Value) []byte {
	text := s.Reveal()
	if h.Style == StyleStandard {
		encoded, _ := strings.CutPrefix(text, "whsec_")
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			return raw
		}
	}
	return []byte(text)
}

func hexes(sigs ...string) [][]byte {
	var out [][]byte
	for _, s := range sigs[:min(len(sigs), maxSignatures)] {
		if raw, err := hex.DecodeString(s); err == nil && len(raw) == sha256.Size {
			out = append(out, raw)
		}
	}
	return out
}

// stripe reads t=…,v1=…,v1=….
func stripe(header string) (at string, sigs []string) {
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			at = v
		case "v1":
			sigs = append(sigs, v)
		}
	}
	return at, sigs
}

// standard reads "v1,… v1,…"; other versions are other algorithms.
func standard(header string) [][]byte {
	var out [][]byte
	for part := range strings.FieldsSeq(header) {
		encoded, ok := strings.CutPrefix(part, "v1,")
		if !ok || len(out) == maxSignatures {
			continue
		}
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(raw) == sha256.Size {
			out = append(out, raw)
		}
	}
	return out
}

// fresh says whether a moment in Unix seconds lies within the skew.
func fresh(at string, now time.Time) bool {
	sec, err := strconv.ParseInt(at, 10, 64)
	if err != nil || at[0] == '+' || sec < 0 || sec > 1<<40 {
		return false
	}
	d := now.Sub(time.Unix(sec, 0))
	return d <= skew && d >= -skew
}

// identity names a delivery: by the source's header, by the style's own, else
// for what was signed with a moment by moment and body. "" where none is known.
func identity(s Source, r Request, p proof) (string, error) {
	name := p.identity
	if s.Delivery != "" {
		if given := r.header(s.Delivery); given != "" {
			name = given
		}
	}
	switch {
	case len(name) > maxIdentity:
		return "", fault.New(fault.InvalidInput, "the delivery's name is longer than %d bytes", maxIdentity).WithCode("invalid_delivery")
	case name != "":
		return "name:" + name, nil
	case p.signedAt != "":
		return "hash:" + ident.Sum(append([]byte(p.signedAt+"."), r.Body...)), nil
	}
	return "", nil
}
