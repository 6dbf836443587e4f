package account

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// How many failed log-ins one account and one address have in one window.
const (
	failWindow  = 15 * time.Minute
	failAccount = 10
	failAddress = 50
	// familiar is how long an address with a good log-in keeps an allowance of
	// its own, so that a stranger's guesses do not lock the owner out.
	familiar   = 30 * 24 * time.Hour
	maxTallies = 20_000
	busyAgain  = 2 * time.Second
)

type tally struct {
	from  time.Time
	fails int
	said  bool // that it is full stands in the audit log already
}

// bound is how many failures a key may have.
type bound struct {
	key  string
	most int
}

// throttle counts failed log-ins per account and per address, the same way for
// names that exist and names that do not.
type throttle struct {
	mu     sync.Mutex
	counts map[string]tally
	known  map[string]time.Time // account and address with a good log-in
}

func newThrottle() *throttle {
	return &throttle{counts: map[string]tally{}, known: map[string]time.Time{}}
}

// network is what counts as one address: all of an IPv6 /64.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "?"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

func (t *throttle) keys(name, ip string, now time.Time) (account, address string) {
	net := network(ip)
	account = "account " + name
	if at, ok := t.known[name+" "+net]; ok && now.Sub(at) < familiar {
		account += " from " + net
	}
	return account, "address " + net
}

// enter counts an attempt as failed until good takes it back, so that many at
// once cannot all get in under the limit. Where the limit is reached it says how
// long to wait, and counts nothing; first is true once a window.
func (t *throttle) enter(name, ip string, now time.Time) (wait time.Duration, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account, address := t.keys(name, ip, now)
	for _, b := range []bound{{account, failAccount}, {address, failAddress}} {
		c, ok := t.counts[b.key]
		left := failWindow - now.Sub(c.from)
		if !ok || c.fails < b.most || left <= 0 {
			continue
		}
		if !c.said {
			c.said, first = true, true
			t.counts[b.key] = c
		}
		wait = max(wait, left)
	}
	if wait > 0 {
		return wait, first
	}
	for _, key := range []string{account, address} {
		c, ok := t.counts[key]
		if !ok || now.Sub(c.from) >= failWindow {
			t.room(now)
			c = tally{from: now}
		}
		c.fails++
		t.counts[key] = c
	}
	return 0, false
}

// good forgets the account's failures and takes back the address's last one.
func (t *throttle) good(name, ip string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account, address := t.keys(name, ip, now)
	delete(t.counts, account)
	if c, ok := t.counts[address]; ok && c.fails > 0 {
		c.fails--
		t.counts[address] = c
	}
	if len(t.known) >= maxTallies {
		for k, at := range t.known {
			if now.Sub(at) >= familiar {
				delete(t.known, k)
			}
		}
	}
	if len(t.known) < maxTallies {
		t.known[name+" "+network(ip)] = now
	}
}

// room keeps the table bounded: what is over goes first, then what is not
// full, and then whatever comes first.
func (t *throttle) room(now time.Time) {
	over := func(c tally) bool { return now.Sub(c.from) >= failWindow }
	light := func(c tally) bool { return c.fails < failAccount }
	for _, goes := range []func(tally) bool{over, light, func(tally) bool { return true }} {
		for k, c := range t.counts {
			if len(t.counts) < maxTallies {
				return
			}
			if goes(c) {
				delete(t.counts, k)
			}
		}
	}
}

// slow is the answer of a full throttle, the same for every name.
func slow(wait time.Duration) error {
	return fault.New(fault.RateLimited, "too many failed log-ins; try again later").After(wait)
}
