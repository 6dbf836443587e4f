// Package config names every setting, its default, and why you would change it.
package config

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/tocsin-soar/tocsin/server/secret"
)

// Review says who publishes playbooks of the workspace.
type Review string

// The two ways.
const (
	ReviewPeople Review = "people" // a second person, in the app
	ReviewFiles  Review = "files"  // published as loaded, reviewed in git
)

// Config is the result: every setting, checked.
type Config struct {
	Addr      string // host:port of the listener; port 0 is any
	Data      string // folder
	Workspace string // folder, or ""
	Demo      bool
	DemoAddr  string // host:port of the demo range, or "" for the port after Addr's
	LogLevel  string // debug, info, warn or error

	AdminPassword secret.Value // empty: a link is printed
	DB            string       // file path of the SQLite database
	Engine        string       // embedded
	Key           secret.Value // empty: KeyFile
	KeyFile       string
	BaseURL       *url.URL // without path; nil only where Addr has port 0 on loopback: known after listening
	TLSCert       string
	TLSKey        string
	Proxies       []netip.Prefix
	Instance      string

	SecretsEnv []string // the only variables that env:// may read
	SecretsDir string   // the only folder that file:// may read, or ""

	Review        Review
	MetricsPublic bool

	StopWithin  time.Duration // for attempts in flight, on a stop
	Workers     int           // actions at once
	Streams     int           // event streams at once
	Connections int           // HTTP connections at once
	Delivery    int64         // bytes of the largest body of POST /hooks

	origins []Origin
}

// Secure says whether browsers reach the server by https: the cookie is then
// __Host-tocsin.
func (c *Config) Secure() bool { return c.BaseURL != nil && c.BaseURL.Scheme == "https" }

// Origin is a setting as it came out, with where its value is from. A secret's
// text is masked.
type Origin struct {
	Key  string `json:"key"`
	Text string `json:"value"`
	From string `json:"from"` // --flag, TOCSIN_NAME, file:line or default
}

// Origins lists every setting in the order of the table.
func (c *Config) Origins() []Origin { return c.origins }
