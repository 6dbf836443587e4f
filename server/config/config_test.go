package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/config"
)

func load(t *testing.T, in config.Input) *config.Config {
	t.Helper()
	c, problems := config.Load(in)
	if problems != nil {
		t.Fatalf("got problems %+v", problems)
	}
	return c
}

func TestWithoutAnySettingTheDefaultsHold(t *testing.T) {
	c := load(t, config.Input{})
	got := []any{c.Addr, c.Data, c.Workspace, c.Demo, c.DB, c.Engine, c.KeyFile, c.BaseURL.String(), c.Review, c.MetricsPublic, c.StopWithin, c.Delivery, len(c.Proxies), c.Secure(), c.AdminPassword.Empty()}
	want := []any{"127.0.0.1:8080", "data", "", false, "data/tocsin.db", "embedded", "data/key", "http://127.0.0.1:8080", config.ReviewPeople, false, 25 * time.Second, int64(1 << 20), 0, false, true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFlagsGoOverEnvironmentOverFileOverDefaults(t *testing.T) {
	in := config.Input{
		Flags:    map[string]string{"addr": "127.0.0.1:1"},
		Env:      map[string]string{"TOCSIN_ADDR": "127.0.0.1:2", "TOCSIN_REVIEW": "files", "HOME": "/root", "TOCSIN_DATA": "", "TOCSIN_URL": "x", "TOCSIN_PORT_8080_TCP_ADDR": "10.0.0.1"},
		FileName: "tocsin.yaml",
		File:     []byte("addr: 127.0.0.1:3\nreview: people\nsecrets:\n  env: [EDR_SECRET, JIRA_TOKEN]\n  dir: /run/secrets\nlimits.stop: 5s\nmetrics: {public: true}\n"),
	}
	c := load(t, in)
	if c.Addr != "127.0.0.1:1" || c.Review != config.ReviewFiles || c.SecretsDir != "/run/secrets" || c.StopWithin != 5*time.Second || !c.MetricsPublic {
		t.Errorf("got %+v", c)
	}
	if d := cmp.Diff([]string{"EDR_SECRET", "JIRA_TOKEN"}, c.SecretsEnv); d != "" {
		t.Error(d)
	}
	from := map[string]string{}
	for _, o := range c.Origins() {
		from[o.Key] = o.From
	}
	want := map[string]string{"addr": "--addr", "review": "TOCSIN_REVIEW", "secrets.env": "tocsin.yaml line 4", "limits.stop": "tocsin.yaml line 6", "data": "default"} //nolint:gosec // origins
	for k, w := range want {
		if from[k] != w {
			t.Errorf("%s comes from %q, want %q", k, from[k], w)
		}
	}
}

func TestEverySettingThatIsBadMissingOrMisspeltStopsTheStart(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		file string
		want string
		hint string
	}{
		"misspelt variable":           {env: map[string]string{"TOCSIN_REVIEWS": "files"}, want: "TOCSIN_REVIEWS is not a setting", hint: "TOCSIN_REVIEW"},
		"misspelt key":                {file: "secrets:\n  evn: [A]\n", want: "secrets.evn is not a setting", hint: "secrets.env"},
		"misspelt group":              {file: "secret:\n  env: [A]\n", want: "secret is not a setting", hint: "secrets"},
		"key in other case":           {file: "Review: files\n", want: "Review is not a setting"},
		"misspelt word":               {env: map[string]string{"TOCSIN_REVIEW": "peple"}, want: `did you mean "people"?`},
		"word in other case":          {env: map[string]string{"TOCSIN_REVIEW": "Files"}, want: "review is one of"},
		"key twice":                   {file: "review: files\nreview: people\n", want: ""},
		"key nested and dotted":       {file: "metrics: {public: true}\nmetrics.public: false\n", want: "stands twice"},
		"key without value":           {file: "tls_cert:\n", want: "without a value"},
		"alias":                       {file: "data: &a x\nworkspace: *a\n", want: ""},
		"not yaml":                    {file: "data: [\n", want: ""},
		"a list":                      {file: "- data\n", want: "is a map of settings"},
		"list for one":                {file: "data: [a]\n", want: "not a list"},
		"map for one":                 {file: "data: {a: b}\n", want: "not a map"},
		"commas in a file":            {file: "secrets: {env: 'A,B'}\n", want: "is a list in a file"},
		"yes for true":                {env: map[string]string{"TOCSIN_METRICS_PUBLIC": "yes"}, want: "is true or false"},
		"TRUE for true":               {env: map[string]string{"TOCSIN_METRICS_PUBLIC": "TRUE"}, want: "is true or false"},
		"postgres":                    {env: map[string]string{"TOCSIN_DB": "postgres://u:p@h/d"}, want: "not built yet"}, //nolint:gosec // of nobody
		"mysql":                       {env: map[string]string{"TOCSIN_DB": "mysql://h/d"}, want: "is sqlite:PATH"},
		"sqlite with parameters":      {env: map[string]string{"TOCSIN_DB": "sqlite:x.db?_pragma=synchronous(0)"}, want: "is sqlite:PATH"},
		"sqlite in memory":            {env: map[string]string{"TOCSIN_DB": "sqlite:"}, want: "is sqlite:PATH"},
		"temporal":                    {env: map[string]string{"TOCSIN_ENGINE": "temporal://h:7233/ns"}, want: "not built yet"},
		"other engine":                {env: map[string]string{"TOCSIN_ENGINE": "embeded"}, want: `did you mean "embedded"?`}, //nolint:misspell // on purpose
		"all addresses":               {env: map[string]string{"TOCSIN_ADDR": "0.0.0.0:8080"}, want: "base_url is needed"},
		"all addresses, no host":      {env: map[string]string{"TOCSIN_ADDR": ":8080"}, want: "base_url is needed"},
		"all addresses, v6":           {env: map[string]string{"TOCSIN_ADDR": "[::]:8080"}, want: "base_url is needed"},
		"no port":                     {env: map[string]string{"TOCSIN_ADDR": "127.0.0.1"}, want: "HOST:PORT"},
		"port too big":                {env: map[string]string{"TOCSIN_ADDR": "127.0.0.1:70000"}, want: "port"},
		"plain http outside":          {env: map[string]string{"TOCSIN_BASE_URL": "http://tocsin.example.org"}, want: "plain http"},
		"plain http, looks like us":   {env: map[string]string{"TOCSIN_BASE_URL": "http://127.0.0.1.example.org"}, want: "plain http"},
		"plain http, localhost.evil":  {env: map[string]string{"TOCSIN_BASE_URL": "http://localhost.example.org"}, want: "plain http"},
		"base URL with a path":        {env: map[string]string{"TOCSIN_BASE_URL": "https://h/tocsin"}, want: "no user, path or query"},
		"base URL with a user":        {env: map[string]string{"TOCSIN_BASE_URL": "https://u:p@h"}, want: "no user, path or query"}, //nolint:gosec // of nobody
		"base URL without scheme":     {env: map[string]string{"TOCSIN_BASE_URL": "tocsin.example.org"}, want: "is an address like"},
		"base URL of a script":        {env: map[string]string{"TOCSIN_BASE_URL": "javascript://h"}, want: "is an address like"},
		"certificate without key":     {env: map[string]string{"TOCSIN_TLS_CERT": "c.pem"}, want: "tls_key"},
		"TLS and http":                {env: map[string]string{"TOCSIN_TLS_CERT": "c", "TOCSIN_TLS_KEY": "k", "TOCSIN_BASE_URL": "http://localhost"}, want: "says http"},
		"two keys":                    {env: map[string]string{"TOCSIN_KEY": "a", "TOCSIN_KEY_FILE": "b"}, want: "give one"},
		"trusting everybody":          {env: map[string]string{"TOCSIN_TRUSTED_PROXIES": "0.0.0.0/0"}, want: "nearly everybody"},
		"trusting everybody, v6":      {env: map[string]string{"TOCSIN_TRUSTED_PROXIES": "::/0"}, want: "nearly everybody"},
		"a proxy by name":             {env: map[string]string{"TOCSIN_TRUSTED_PROXIES": "proxy"}, want: "addresses or CIDRs"},
		"our own secret":              {env: map[string]string{"TOCSIN_SECRETS_ENV": "EDR,TOCSIN_KEY"}, want: "never lists TOCSIN_"}, //nolint:gosec // names
		"our own secret, other case":  {env: map[string]string{"TOCSIN_SECRETS_ENV": "tocsin_key"}, want: "never lists TOCSIN_"},
		"a pattern of variables":      {env: map[string]string{"TOCSIN_SECRETS_ENV": "*"}, want: "names of environment variables"},
		"no limit of workers":         {env: map[string]string{"TOCSIN_LIMITS_WORKERS": "0"}, want: "a number from 1"},
		"limit with text":             {env: map[string]string{"TOCSIN_LIMITS_WORKERS": "many"}, want: "a number from 1"},
		"deliveries of a gigabyte":    {env: map[string]string{"TOCSIN_LIMITS_DELIVERY": "1GiB"}, want: "is a size"},
		"a duration without a unit":   {env: map[string]string{"TOCSIN_LIMITS_STOP": "30"}, want: "is a duration"},
		"mail, not built":             {env: map[string]string{"TOCSIN_SMTP_HOST": "h"}, want: "not built yet"},
		"single sign-on, not built":   {file: "oidc: {issuer: x}\n", want: "not built yet"},
		"an instance with odd letter": {env: map[string]string{"TOCSIN_INSTANCE": "a b"}, want: "instance is"},
	} {
		t.Run(name, func(t *testing.T) {
			in := config.Input{Env: tc.env, FileName: "f.yaml"}
			if tc.file != "" {
				in.File = []byte(tc.file)
			}
			c, problems := config.Load(in)
			if c != nil || len(problems) == 0 {
				t.Fatal("the settings were accepted")
			}
			var text strings.Builder
			for _, p := range problems {
				text.WriteString(p.Message + " " + p.Hint + "\n")
			}
			if !strings.Contains(text.String(), tc.want) || !strings.Contains(text.String(), tc.hint) {
				t.Errorf("got %q, want %q and hint %q", text.String(), tc.want, tc.hint)
			}
		})
	}
}

func TestAllMistakesAreNamedAtOnceWithTheirLine(t *testing.T) {
	_, problems := config.Load(config.Input{
		Flags:    map[string]string{"adr": "x"},
		Env:      map[string]string{"TOCSIN_ENGINE": "x"},
		FileName: "f.yaml", File: []byte("demo: true\nreviews: files\nlimits:\n  workers: 0\n"),
	})
	got := map[string]int{}
	for _, p := range problems {
		got[p.File] = max(got[p.File], p.Line)
	}
	if d := cmp.Diff(map[string]int{"--adr": 0, "TOCSIN_ENGINE": 0, "f.yaml": 4}, got); d != "" || len(problems) != 4 {
		t.Errorf("%d problems: %s", len(problems), d)
	}
}

func TestWhatFollowsFromOtherSettingsIsWorkedOut(t *testing.T) {
	for name, tc := range map[string]struct {
		env    map[string]string
		base   string
		secure bool
	}{
		"https in front":       {map[string]string{"TOCSIN_ADDR": "0.0.0.0:8080", "TOCSIN_BASE_URL": "https://Tocsin.example.org/"}, "https://tocsin.example.org", true},
		"TLS by the server":    {map[string]string{"TOCSIN_TLS_CERT": "c", "TOCSIN_TLS_KEY": "k"}, "https://127.0.0.1:8080", true},
		"http on localhost":    {map[string]string{"TOCSIN_BASE_URL": "http://localhost:9000"}, "http://localhost:9000", false},
		"http on v6 loopback":  {map[string]string{"TOCSIN_ADDR": "[::1]:9000"}, "http://[::1]:9000", false},
		"127.0.0.2 is this":    {map[string]string{"TOCSIN_ADDR": "127.0.0.2:9000"}, "http://127.0.0.2:9000", false},
		"a free port, no base": {map[string]string{"TOCSIN_ADDR": "127.0.0.1:0"}, "http://127.0.0.1:4711", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, config.Input{Env: tc.env})
			c.Listening("127.0.0.1:4711")
			if c.BaseURL.String() != tc.base || c.Secure() != tc.secure {
				t.Errorf("got %s, secure %v", c.BaseURL, c.Secure())
			}
		})
	}
	c := load(t, config.Input{Env: map[string]string{"TOCSIN_DATA": "/var/lib/tocsin", "TOCSIN_DB": "sqlite:/srv/t.db"}})
	if c.DB != "/srv/t.db" || c.KeyFile != "/var/lib/tocsin/key" {
		t.Errorf("got %s, %s", c.DB, c.KeyFile)
	}
}

func TestPrintShowsOriginsAndNoSecret(t *testing.T) {
	c := load(t, config.Input{Env: map[string]string{"TOCSIN_ADMIN_PASSWORD": "hunter2 hunter2", "TOCSIN_KEY": "k3y-material", "TOCSIN_REVIEW": "files"}})
	got := c.Print()
	for _, secret := range []string{"hunter2", "k3y-material"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is printed", secret)
		}
	}
	for _, want := range []string{"# TOCSIN_REVIEW\n", "review: files", "admin_password: ••••••", "db: sqlite:data/tocsin.db", "# default\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if got := len(strings.Split(strings.TrimSpace(got), "\n")); got != len(config.Settings()) {
		t.Errorf("%d lines for %d settings", got, len(config.Settings()))
	}
}

func TestEverySettingHasAReasonAndAUniqueName(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if len(s.Why) < 20 || seen[s.Env()] || s.Key != strings.ToLower(s.Key) {
			t.Errorf("%s: why %q, seen before %v", s.Key, s.Why, seen[s.Env()])
		}
		seen[s.Env()] = true
		if !strings.Contains(config.Markdown(), "`"+s.Env()+"`") {
			t.Errorf("%s is not in the documentation", s.Key)
		}
	}
}

func FuzzAnySettingsFileIsReadOrRefused(f *testing.F) {
	for _, s := range []string{"", "addr: 127.0.0.1:1\n", "a: {b: {c: d}}\n", "secrets: {env: [A, B]}\n", "limits: []\n", "x: *a\n", "\xff\n", "addr: &a b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := config.Load(config.Input{FileName: "f", File: src})
		if (c == nil) == (len(problems) == 0) {
			t.Errorf("settings %v beside problems %v", c, problems)
		}
	})
}
