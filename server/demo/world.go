package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Bounds of the world; a product that is full says so with 507.
const (
	maxTickets  = 2_000
	maxComments = 100
	maxChat     = 200 // older messages scroll away
	maxKeys     = 2_000
	maxBlocks   = 2_000
)

// world is the state of all products. One lock: it is a small world.
type world struct {
	sync.Mutex
	state state
	file  string
	saved []byte // what lies in the file, to go back to when a write fails
}

// state is what lies in range.json.
type state struct {
	Version  int                  `json:"version"`
	Base     time.Time            `json:"base"` // the world's first moment
	Hosts    []*host              `json:"hosts"`
	Users    []*user              `json:"users"`
	Mails    []*mail              `json:"mails"`
	Tickets  []*ticket            `json:"tickets"`
	Chat     []chatMessage        `json:"chat"`
	Blocks   []*block             `json:"blocks"`
	Answered []answered           `json:"answered"` // by idempotency key, oldest first
	Wave     int                  `json:"wave"`     // of sample detections, from 1
	WaveAt   time.Time            `json:"wave_at"`
	Spared   []string             `json:"spared"` // hosts that were isolated when the wave began
	Fed      map[string]time.Time `json:"fed"`    // deliveries of the wave that the product took, and when
	Counts   map[string]int64     `json:"counts"` // for names: the last ticket's number
}

type host struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	IP         string     `json:"ip"`
	OS         string     `json:"os"`
	User       string     `json:"user"`
	Site       string     `json:"site"`
	Online     bool       `json:"online"`
	Isolated   bool       `json:"isolated"`
	IsolatedAt *time.Time `json:"isolated_at"`
	Reason     string     `json:"reason"`
	Processes  []process  `json:"processes"`
}

type process struct {
	PID         int64  `json:"pid"`
	Name        string `json:"name"`
	Path        string `json:"path"`
	CommandLine string `json:"command_line"`
	Parent      string `json:"parent"`
	User        string `json:"user"`
	SHA256      string `json:"sha256"`
}

type user struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	FullName  string    `json:"full_name"`
	Mail      string    `json:"mail"`
	Unit      string    `json:"unit"`
	Manager   string    `json:"manager"`
	Groups    []string  `json:"groups"`
	Enabled   bool      `json:"enabled"`
	Sessions  int       `json:"sessions"`
	LastLogin time.Time `json:"last_login"`
	Reason    string    `json:"reason"`
}

type mail struct {
	ID          string    `json:"id"`
	From        string    `json:"from"`
	To          string    `json:"to"`
	Subject     string    `json:"subject"`
	Received    time.Time `json:"received"`
	URLs        []string  `json:"urls"`
	Attachments []string  `json:"attachments"`
	Folder      string    `json:"folder"` // inbox or quarantine
}

type ticket struct {
	Key       string     `json:"key"`
	Title     string     `json:"title"`
	Text      string     `json:"text"`
	Priority  string     `json:"priority"`
	Labels    []string   `json:"labels"`
	Status    string     `json:"status"` // open or closed
	Comments  []comment  `json:"comments"`
	CreatedAt time.Time  `json:"created_at"`
	ClosedAt  *time.Time `json:"closed_at"`
	URL       string     `json:"url"`
}

type comment struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	Ref  string    `json:"ref"` // the sender's own name for it, to find it again
}

type chatMessage struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	Text    string    `json:"text"`
	At      time.Time `json:"at"`
	Ref     string    `json:"ref"`
}

type block struct {
	Address string    `json:"address"` // an address or a CIDR, canonical
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
}

// answered is a reply kept for its idempotency key.
type answered struct {
	Key    string          `json:"key"`
	Path   string          `json:"path"`
	Sent   string          `json:"sent"` // SHA-256 of the request's body
	Status int             `json:"status"`
	Reply  json.RawMessage `json:"reply"`
}

const stateVersion = 1

// openWorld reads the state, or makes a new world at this moment.
func openWorld(file string, now time.Time) (*world, error) {
	w := &world{file: file}
	raw, err := os.ReadFile(file) //nolint:gosec // a file of the range's own folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.state = newState(now)
		return w, w.save()
	case err != nil:
		return nil, fmt.Errorf("read the range's state: %w", err)
	}
	if err := json.Unmarshal(raw, &w.state); err != nil {
		return nil, fmt.Errorf("the range's state cannot be read; remove its folder to begin anew: %w", err)
	}
	if w.state.Version != stateVersion {
		return nil, fmt.Errorf("the range's state is of version %d, this program knows %d; remove its folder to begin anew", w.state.Version, stateVersion)
	}
	w.saved = raw
	return w, nil
}

// save writes the state; when that fails, the world is as it was before.
func (w *world) save() error {
	raw, err := json.MarshalIndent(&w.state, "", " ")
	if err == nil {
		err = writeFile(w.file, raw)
	}
	if err == nil {
		w.saved = raw
		return nil
	}
	if w.saved != nil {
		var old state
		if back := json.Unmarshal(w.saved, &old); back != nil {
			return fmt.Errorf("go back to the last state: %w", errors.Join(back, err))
		}
		w.state = old
	}
	return fmt.Errorf("keep the range's state: %w", err)
}

// change lets f change the world and keeps the result; f's false means that
// nothing changed.
func (w *world) change(f func(s *state) bool) error {
	w.Lock()
	defer w.Unlock()
	if !f(&w.state) {
		return nil
	}
	return w.save()
}

// recall finds the reply kept for a key.
func (s *state) recall(path, key string) (answered, bool) {
	for _, a := range s.Answered {
		if a.Key == key && a.Path == path {
			return a, true
		}
	}
	return answered{}, false
}

// keep remembers a reply for its key; the oldest is forgotten.
func (s *state) keep(a answered) {
	s.Answered = append(s.Answered, a)
	if over := len(s.Answered) - maxKeys; over > 0 {
		s.Answered = s.Answered[over:]
	}
}
