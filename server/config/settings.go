package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Setting is one row of the table: what it is called, what it is by default and
// why one would change it.
type Setting struct {
	Key     string // dotted, as in a file
	Flag    string // of tocsin serve, without dashes, or ""
	Default string // as text; what is worked out from others is said in Why
	Why     string
	Secret  bool
	List    bool
	Bool    bool // the flag needs no value
	put     func(c *Config, text string) error
}

// Env gives the environment variable of the setting.
func (s Setting) Env() string {
	return "TOCSIN_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Settings gives the whole table, in the order of the documentation.
func Settings() []Setting {
	return append(append(reach(), keeping()...), bounds()...)
}

func reach() []Setting {
	return []Setting{
		{
			Key: "addr", Flag: "addr", Default: "127.0.0.1:8080",
			Why: "Where the server listens. Anything but loopback needs `base_url`. Port 0 takes a free one.",
			put: func(c *Config, s string) error { c.Addr = s; return hostPort(s) },
		},
		{
			Key: "base_url", Default: "",
			Why: "How browsers and mails reach the server, without a path. Default: the listening address, when that is loopback. With https the cookie is `__Host-tocsin`; plain http is accepted on loopback only.",
			put: putBaseURL,
		},
		{
			Key: "tls_cert", Default: "",
			Why: "PEM file with the certificate chain, when the server speaks TLS itself. Needs `tls_key`.",
			put: func(c *Config, s string) error { c.TLSCert = s; return nil },
		},
		{
			Key: "tls_key", Default: "",
			Why: "PEM file with the key of `tls_cert`.",
			put: func(c *Config, s string) error { c.TLSKey = s; return nil },
		},
		{
			Key: "trusted_proxies", Default: "", List: true,
			Why: "Addresses or CIDRs of reverse proxies whose `X-Forwarded-For` is believed. Default: none is.",
			put: putProxies,
		},
		{
			Key: "demo", Flag: "demo", Default: "false", Bool: true,
			Why: "Starts the demo range beside the server and prints a log-in link at each start.",
			put: func(c *Config, s string) error { return putBool(&c.Demo, s) },
		},
		{
			Key: "demo_addr", Default: "",
			Why: "Where the demo range listens. Default: the port after the server's.",
			put: func(c *Config, s string) error {
				if c.DemoAddr = s; s == "" {
					return nil
				}
				return hostPort(s)
			},
		},
		{
			Key: "log_level", Default: "info",
			Why: "`debug` for more, `warn` or `error` for less.",
			put: func(c *Config, s string) error { return putWord(&c.LogLevel, s, "debug", "info", "warn", "error") },
		},
		{
			Key: "metrics.public", Default: "false", Bool: true,
			Why: "Serves `/metrics` without a token of scope `metrics`, for a scraper that cannot send one.",
			put: func(c *Config, s string) error { return putBool(&c.MetricsPublic, s) },
		},
	}
}

func keeping() []Setting {
	return []Setting{
		{
			Key: "data", Flag: "data", Default: "data",
			Why: "Folder of the database, the key and the socket. Made with mode 0700.",
			put: func(c *Config, s string) error { return putText(&c.Data, s, "a folder") },
		},
		{
			Key: "workspace", Flag: "workspace", Default: "",
			Why: "Folder with your sources, connections, playbooks and policies; it is watched.",
			put: func(c *Config, s string) error { c.Workspace = s; return nil },
		},
		{
			Key: "db", Default: "",
			Why: "`sqlite:PATH`. Default: `sqlite:<data>/tocsin.db`. `postgres://…` is refused until it is built.",
			put: putDB,
		},
		{
			Key: "engine", Default: "embedded",
			Why: "The host that runs playbooks. `temporal://HOST:PORT/NAMESPACE` is refused until it is built.",
			put: putEngine,
		},
		{
			Key: "admin_password", Default: "", Secret: true,
			Why: "The first person's password on an empty database (`admin`). Without it a one-time link is printed.",
			put: func(c *Config, s string) error { c.AdminPassword = secret.Of(s); return nil },
		},
		{
			Key: "key", Default: "", Secret: true,
			Why: "The key that seals secrets, instead of a file. Keep it apart from backups: without it the secrets are lost.",
			put: func(c *Config, s string) error { c.Key = secret.Of(s); return nil },
		},
		{
			Key: "key_file", Default: "",
			Why: "File with the key that seals secrets. Default: `<data>/key`, made only together with a new database; missing beside an existing one stops the start.",
			put: func(c *Config, s string) error { c.KeyFile = s; return nil },
		},
		{
			Key: "instance", Default: "",
			Why: "Names the instance where the machine's own identity changes with each start (containers).",
			put: func(c *Config, s string) error {
				if c.Instance = s; s != "" && !nameLike.MatchString(s) {
					return errors.New("is 1 to 64 of A-Z, a-z, 0-9, . _ and -")
				}
				return nil
			},
		},
		{
			Key: "secrets.env", Default: "", List: true,
			Why: "The only environment variables that `env://` references may read; never `TOCSIN_*`.",
			put: putSecretsEnv,
		},
		{
			Key: "secrets.dir", Default: "",
			Why: "The only folder that `file://` references may read.",
			put: func(c *Config, s string) error { c.SecretsDir = s; return nil },
		},
		{
			Key: "review", Default: "people",
			Why: "`people`: a new or changed workspace playbook with contain actions is a draft until a second person publishes it. `files`: published as loaded, because it was reviewed in git.",
			put: func(c *Config, s string) error {
				return putWord((*string)(&c.Review), s, string(ReviewPeople), string(ReviewFiles))
			},
		},
	}
}

func bounds() []Setting {
	return []Setting{
		{
			Key: "limits.delivery", Default: "1MiB",
			Why: "The largest body of `POST /hooks/…`, whatever a source allows; at most 16MiB.",
			put: func(c *Config, s string) error { return putSize(&c.Delivery, s, 1<<10, 16<<20) },
		},
		{
			Key: "limits.workers", Default: "64",
			Why: "Actions under way at once over all connections.",
			put: func(c *Config, s string) error { return putCount(&c.Workers, s, 1, 4096) },
		},
		{
			Key: "limits.streams", Default: "1000",
			Why: "Event streams at once; one browser takes one.",
			put: func(c *Config, s string) error { return putCount(&c.Streams, s, 1, 100_000) },
		},
		{
			Key: "limits.connections", Default: "16384",
			Why: "HTTP connections at once; more are closed at once.",
			put: func(c *Config, s string) error { return putCount(&c.Connections, s, 16, 1_000_000) },
		},
		{
			Key: "limits.stop", Default: "25s",
			Why: "How long a stop waits for actions under way before they are left to be settled at the next start.",
			put: func(c *Config, s string) error { return putDuration(&c.StopWithin, s, time.Second, time.Hour) },
		},
	}
}

var nameLike = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func putBool(to *bool, s string) error {
	switch s {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return errors.New("is true or false")
	}
	return nil
}

func putText(to *string, s, what string) error {
	if *to = s; s == "" {
		return fmt.Errorf("names %s", what)
	}
	return nil
}

// putWord takes one of the words; a misspelt one is named with the nearest.
func putWord(to *string, s string, words ...string) error {
	if slices.Contains(words, s) {
		*to = s
		return nil
	}
	near := ""
	if w := fault.Suggest(s, words); w != "" {
		near = fmt.Sprintf("; did you mean %q?", w)
	}
	return fmt.Errorf("is one of %s%s", strings.Join(words, ", "), near)
}

func putCount(to *int, s string, least, most int) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return fmt.Errorf("is a number from %d to %d", least, most)
	}
	*to = n
	return nil
}

func putSize(to *int64, s string, least, most document.Size) error {
	n, err := document.ParseSize(s)
	if err != nil || n < least || n > most {
		return fmt.Errorf("is a size like 512KiB or 1MiB, from %d to %d bytes", least, most)
	}
	*to = int64(n)
	return nil
}

func putDuration(to *time.Duration, s string, least, most time.Duration) error {
	d, err := document.ParseDuration(s)
	if err != nil || d < least || d > most {
		return fmt.Errorf("is a duration like 30s or 10m, from %s to %s", least, most)
	}
	*to = d
	return nil
}

func putProxies(c *Config, s string) error {
	for _, text := range split(s) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return errors.New("lists addresses or CIDRs, like 10.0.0.5 or 10.0.0.0/24")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() < 8 {
			return errors.New("would trust nearly everybody: name the proxies")
		}
		c.Proxies = append(c.Proxies, p.Masked())
	}
	return nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func putSecretsEnv(c *Config, s string) error {
	for _, name := range split(s) {
		switch {
		case !envName.MatchString(name):
			return errors.New("lists names of environment variables")
		case strings.HasPrefix(strings.ToUpper(name), "TOCSIN_"):
			return errors.New("never lists TOCSIN_ variables: a workspace must not read the server's own secrets")
		}
		c.SecretsEnv = append(c.SecretsEnv, name)
	}
	return nil
}

// split takes a list by comma; nothing is no element.
func split(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
