package vault_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/vault"
)

const canary = "canary-hunter2-üñî"

func newVault(t *testing.T, b byte) *vault.Vault {
	t.Helper()
	v, err := vault.New(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var home = vault.Place{Table: "connection", Row: "jira", Column: "token", Version: 3}

func TestWhatIsSealedOpensAtItsPlace(t *testing.T) {
	v := newVault(t, 1)
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(r, "text")
		sealed, err := v.Seal(home, text)
		if err != nil {
			r.Fatal(err)
		}
		got, err := v.Open(home, sealed)
		if err != nil || !bytes.Equal(got, text) {
			r.Fatalf("got %q, %v; want %q", got, err, text)
		}
	})
}

func TestTwoSealsOfOneTextDiffer(t *testing.T) {
	v := newVault(t, 1)
	a, _ := v.Seal(home, []byte(canary))
	b, _ := v.Seal(home, []byte(canary))
	if bytes.Equal(a, b) || bytes.Contains(a, []byte(canary)) {
		t.Error("a sealed text shows what it holds, or that two are equal")
	}
}

func TestS036ASealedTextOpensNowhereElse(t *testing.T) {
	v := newVault(t, 1)
	sealed, err := v.Seal(home, []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]vault.Place{
		"another table":          {Table: "source", Row: "jira", Column: "token", Version: 3},
		"another row":            {Table: "connection", Row: "slack", Column: "token", Version: 3},
		"another column":         {Table: "connection", Row: "jira", Column: "password", Version: 3},
		"an older version":       {Table: "connection", Row: "jira", Column: "token", Version: 2},
		"a newer version":        {Table: "connection", Row: "jira", Column: "token", Version: 4},
		"parts that shift":       {Table: "connectionj", Row: "ira", Column: "token", Version: 3},
		"parts that shift again": {Table: "connection", Row: "jirat", Column: "oken", Version: 3},
		"an empty place":         {},
		"an empty row":           {Table: "connection", Column: "token", Version: 3},
		"row and column swapped": {Table: "connection", Row: "token", Column: "jira", Version: 3},
	}
	for name, at := range places {
		t.Run(name, func(t *testing.T) {
			got, err := v.Open(at, sealed)
			if !errors.Is(err, vault.ErrSealed) || got != nil {
				t.Errorf("got %q, %v; want ErrSealed", got, err)
			}
		})
	}
}

func TestEveryChangedBitIsSeen(t *testing.T) {
	v := newVault(t, 1)
	sealed, err := v.Seal(home, []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			if got, err := v.Open(home, bad); err == nil {
				t.Fatalf("byte %d bit %d: opened to %q", i, bit, got)
			}
		}
		if _, err := v.Open(home, sealed[:i]); err == nil {
			t.Fatalf("cut to %d bytes: opened", i)
		}
	}
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	sealed, err := newVault(t, 1).Seal(home, []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	_, err = newVault(t, 2).Open(home, sealed)
	if !errors.Is(err, vault.ErrSealed) || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v; want ErrSealed", err)
	}
}

func TestS037ARewrappedTextOpensUnderTheNewKeyOnly(t *testing.T) {
	before, after := newVault(t, 1), newVault(t, 2)
	sealed, err := before.Seal(home, []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := before.Rewrap(after, home, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.Open(home, moved); err != nil || string(got) != canary {
		t.Errorf("new key: got %q, %v", got, err)
	}
	if _, err := before.Open(home, moved); err == nil {
		t.Error("the old key still opens it")
	}
	if _, err := before.Rewrap(after, vault.Place{Row: "else"}, sealed); err == nil {
		t.Error("a moved text was wrapped anew")
	}
}

func TestAKeyHasThirtyTwoBytes(t *testing.T) {
	for _, n := range []int{0, 1, 16, 24, 31, 33, 64} {
		if _, err := vault.New(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were taken", n)
		}
	}
}

func TestAKeyIsMadeOnlyWithANewDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, _, err := vault.LoadKey(vault.KeyOptions{Data: dir}); fault.CodeOf(err) != "key_missing" {
		t.Fatalf("beside an existing database: got %v; want key_missing", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "key")); !os.IsNotExist(err) {
		t.Fatal("a refused start left a key behind")
	}
	made, path, err := vault.LoadKey(vault.KeyOptions{Data: dir, NewDatabase: true})
	if err != nil || len(made) != 32 {
		t.Fatalf("new database: got %d bytes, %v", len(made), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	for _, fresh := range []bool{false, true} {
		again, _, err := vault.LoadKey(vault.KeyOptions{Data: dir, NewDatabase: fresh})
		if err != nil || !bytes.Equal(again, made) {
			t.Errorf("the key changed on a later start (new database: %t): %v", fresh, err)
		}
	}
}

func TestS003TwoInstallationsHaveTwoKeys(t *testing.T) {
	a, _, err1 := vault.LoadKey(vault.KeyOptions{Data: t.TempDir(), NewDatabase: true})
	b, _, err2 := vault.LoadKey(vault.KeyOptions{Data: t.TempDir(), NewDatabase: true})
	if err1 != nil || err2 != nil || bytes.Equal(a, b) {
		t.Errorf("equal keys, or %v, %v", err1, err2)
	}
}

func TestKeysAreReadStrictly(t *testing.T) {
	good := strings.Repeat("ab", 32)
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		code string
	}{
		"hex":                {good, 0o600, ""},
		"hex with a newline": {good + "\n", 0o600, ""},
		"base64":             {"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", 0o600, ""},
		"raw":                {strings.Repeat("\xab", 32), 0o600, ""},
		"read by the group":  {good, 0o640, "bad_key"},
		"read by everyone":   {good, 0o644, "bad_key"},
		"too short":          {good[:62], 0o600, "bad_key"},
		"too long":           {good + "ab", 0o600, "bad_key"},
		"empty":              {"", 0o600, "bad_key"},
		"huge":               {strings.Repeat("a", 5000), 0o600, "bad_key"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(path, []byte(tc.text), tc.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			key, _, err := vault.LoadKey(vault.KeyOptions{File: path})
			if tc.code == "" && (err != nil || hex.EncodeToString(key) != good) {
				t.Fatalf("got %x, %v", key, err)
			}
			if tc.code != "" && fault.CodeOf(err) != tc.code {
				t.Fatalf("got %v; want %s", err, tc.code)
			}
		})
	}
}

func TestAKeyFileThatIsNamedMustExist(t *testing.T) {
	_, _, err := vault.LoadKey(vault.KeyOptions{File: filepath.Join(t.TempDir(), "gone"), NewDatabase: true})
	if fault.CodeOf(err) != "key_missing" {
		t.Errorf("got %v; want key_missing", err)
	}
}

func TestTheKeyOfTheEnvironmentIsReadStrictly(t *testing.T) {
	if key, _, err := vault.LoadKey(vault.KeyOptions{Key: strings.Repeat("ab", 32)}); err != nil || len(key) != 32 {
		t.Errorf("hex: %x, %v", key, err)
	}
	if _, _, err := vault.LoadKey(vault.KeyOptions{Key: "hunter2"}); fault.CodeOf(err) != "bad_key" {
		t.Errorf("a word: got %v; want bad_key", err)
	} else if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the key: %v", err)
	}
}
