package account

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestACanonicalNameIsItsOwnCanonicalName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9._-]{1,70}`)).Draw(t, "text")
		name, err := CanonicalName(text)
		if err != nil {
			return
		}
		again, err := CanonicalName(name)
		if err != nil || again != name || !strings.EqualFold(name, text) || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			t.Fatalf("%q gave %q, then %q (%v)", text, name, again, err)
		}
	})
}

func FuzzStoredHashesAreReadOrRefused(f *testing.F) {
	good, err := hashPassword("correct horse battery", rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		good, "", "$", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2i$v=19$m=8,t=1,p=1$$", strings.Replace(good, "v=19", "v=16", 1), strings.Replace(good, "t=2", "t=2000", 1),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePHC(text)
		if err != nil {
			return
		}
		if p.memory > 256*1024 || p.time > 16 || p.time < 1 || p.threads < 1 || len(p.key) < 16 || len(p.salt) < 8 {
			t.Errorf("%q was read as %+v", text, p)
		}
	})
}

func TestAHashIsOfTheAgreedCostAndMatchesOnlyItsPassword(t *testing.T) {
	text, err := hashPassword("correct horse battery", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(text, want) {
		t.Errorf("got %s, want it to begin with %s", text, want)
	}
	p, err := parsePHC(text)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batter": false, "": false} {
		if got := p.matches(password); got != want {
			t.Errorf("%q: got %v, want %v", password, got, want)
		}
	}
	other, err := hashPassword("correct horse battery", rand.Reader)
	if err != nil || other == text {
		t.Errorf("two hashes of one password are equal (%v)", err)
	}
	if nobody().matches("") || nobody().matches("correct horse battery") {
		t.Error("somebody matched nobody")
	}
}

func TestTheThrottleStaysBounded(t *testing.T) {
	th := newThrottle()
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	for i := range 3 * maxTallies {
		th.enter("n"+string(rune('a'+i%26))+strings.Repeat("x", i%40)+time.Duration(i).String(), "192.0.2.1", now.Add(time.Duration(i)*time.Second/50))
	}
	if got := len(th.counts); got > maxTallies+2 {
		t.Errorf("the table has %d rows", got)
	}
}

func TestOneNetworkIsOneAddress(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "?", "evil": "?",
	} {
		if got := network(ip); got != want {
			t.Errorf("%q: got %q, want %q", ip, got, want)
		}
	}
}
