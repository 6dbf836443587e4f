package httpcall

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// TestASecretIsFoundInEveryEncodingAndPlace: wherever it stands in a longer text,
// also in one that was encoded as a whole, what is left does not give it back.
func TestASecretIsFoundInEveryEncodingAndPlace(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringN(8, 40, 60).Draw(r, "secret")
		before := rapid.StringN(0, 10, 10).Draw(r, "before")
		after := rapid.StringN(0, 10, 10).Draw(r, "after")
		s := newScrubber(map[string]string{"token": text})
		quoted, _ := json.Marshal(text)
		whole := []byte(before + text + after)
		for name, encoded := range map[string]string{
			"plain":      string(whole),
			"JSON":       before + string(quoted) + after,
			"query":      before + url.QueryEscape(text) + after,
			"path":       before + url.PathEscape(text) + after,
			"hex":        hex.EncodeToString(whole),
			"HEX":        strings.ToUpper(hex.EncodeToString(whole)),
			"base64":     base64.StdEncoding.EncodeToString(whole),
			"base64 URL": base64.RawURLEncoding.EncodeToString(whole),
		} {
			got := s.text(encoded)
			if !strings.Contains(got, mask) {
				r.Fatalf("%s: %q keeps %q", name, got, text)
			}
		}
	})
}

func TestShortWordsAndNamesAreNoSecrets(t *testing.T) {
	s := newScrubber(map[string]string{"username": "administrator", "name": "X-Api-Key", "value": "abc"})
	if got := s.text("administrator sent X-Api-Key: abc"); strings.Contains(got, mask) {
		t.Errorf("got %q", got)
	}
}

func TestChangedCredentialsAreScrubbedAtOnce(t *testing.T) {
	c := New(Options{})
	conn := connector.Connection{Name: "edr", Auth: map[string]secret.Value{"token": secret.Of("first-token")}}
	if got := c.scrubber(conn).text("first-token"); got != mask {
		t.Errorf("got %q", got)
	}
	conn.Auth = map[string]secret.Value{"token": secret.Of("second-token")}
	if got := c.scrubber(conn).text("second-token"); got != mask {
		t.Errorf("after a change: got %q", got)
	}
}
