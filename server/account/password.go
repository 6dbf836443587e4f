package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// What a hash costs: OWASP's floor for argon2id.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
)

const (
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
)

// CheckPassword says in words what is wrong with a new password, or nil.
func CheckPassword(name, password string) error {
	bad := func(text string) error {
		return fault.New(fault.InvalidInput, "%s", text).WithCode("weak_password")
	}
	low := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		return bad("the password is not text in UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return bad(fmt.Sprintf("the password needs at least %d characters", minPassword))
	case len(password) > maxPassword:
		return bad(fmt.Sprintf("the password is longer than %d bytes", maxPassword))
	case common(low) || low == strings.Repeat(low[:1], len(low)):
		return bad("the password is one of the first that anybody tries")
	case low == strings.ToLower(name):
		return bad("the password is the name")
	}
	return nil
}

// common knows passwords that every guesser tries first and that are long
// enough to get past the length rule.
func common(low string) bool {
	switch low {
	case "password", "passw0rd", "p@ssw0rd", "p@ssword", "password1", "password12", "password123", "password1234", "passwort",
		"12345678", "123456789", "1234567890", "0123456789", "87654321", "987654321", "11223344", "12341234", "123123123",
		"qwertyui", "qwertyuiop", "qwerty123", "qwerty12", "qwertz123", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "q1w2e3r4",
		"asdfghjk", "asdfghjkl", "zxcvbnm1", "abcd1234", "abcdefgh", "abc12345", "a1b2c3d4", "letmein1", "letmein123",
		"iloveyou", "iloveyou1", "sunshine", "princess", "football", "baseball", "superman", "trustno1", "starwars",
		"welcome1", "welcome123", "changeme", "changeme1", "changeme123", "change-me", "default1", "administrator",
		"admin123", "admin1234", "adminadmin", "rootroot", "testtest", "test1234", "temp1234", "secret123", "computer":
		return true
	}
	return false
}

// hashPassword gives the PHC text of the argon2id hash.
func hashPassword(password string, random io.Reader) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key)), nil
}

// phc is a stored hash, taken apart.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// parsePHC reads a stored hash. Costs are bounded, so that a row somebody
// edited cannot eat the machine.
func parsePHC(text string) (phc, error) {
	bad := errors.New("a stored password hash cannot be read")
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, bad
	}
	var p phc
	if n, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil || n != 3 {
		return phc{}, bad
	}
	if p.memory < 8 || p.memory > 256*1024 || p.time < 1 || p.time > 16 || p.threads < 1 || p.threads > 16 {
		return phc{}, bad
	}
	var errs [2]error
	p.salt, errs[0] = base64.RawStdEncoding.DecodeString(part[4])
	p.key, errs[1] = base64.RawStdEncoding.DecodeString(part[5])
	if errs[0] != nil || errs[1] != nil || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, bad
	}
	return p, nil
}

// matches compares in constant time.
func (p phc) matches(password string) bool {
	got := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(got, p.key) == 1
}

// nobody is the hash that an unknown name is measured against: the same work
// with a key that nothing gives.
func nobody() phc {
	return phc{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
}

// kitchen bounds how many passwords are hashed at once and how many wait.
type kitchen struct{ places, queue chan struct{} }

func newKitchen() *kitchen {
	return &kitchen{places: make(chan struct{}, 2), queue: make(chan struct{}, 64)}
}

// do runs work in a free place; over the bound it is refused.
func (k *kitchen) do(ctx context.Context, work func()) error {
	select {
	case k.queue <- struct{}{}:
		defer func() { <-k.queue }()
	default:
		return fault.New(fault.RateLimited, "too many log-ins at once; try again shortly").After(busyAgain)
	}
	select {
	case k.places <- struct{}{}:
		defer func() { <-k.places }()
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Cancelled, "the log-in was given up")
	}
	work()
	return nil
}
