package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

func hostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("is HOST:PORT, like 127.0.0.1:8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("has a port that is not one")
	}
	if strings.ContainsAny(host, "/@ ") {
		return errors.New("has a host that is not one")
	}
	return nil
}

// loopback says whether only this machine reaches the host. An empty host is
// every address.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func putBaseURL(c *Config, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is an address like https://tocsin.example.org")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return errors.New("has scheme, host and port only, no user, path or query")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("uses plain http on a host that is not loopback: passwords would cross the network in clear; use https")
	}
	c.BaseURL = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	return nil
}

func putDB(c *Config, s string) error {
	if s == "" {
		return nil
	}
	path, ok := strings.CutPrefix(s, "sqlite:")
	switch {
	case strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://"):
		return errors.New("names PostgreSQL, which is not built yet; use sqlite:PATH or leave it out")
	case !ok || path == "" || strings.ContainsAny(path, "?#\x00"):
		return errors.New("is sqlite:PATH")
	}
	c.DB = path
	return nil
}

func putEngine(c *Config, s string) error {
	if strings.HasPrefix(s, "temporal://") {
		return errors.New("names Temporal, which is not built yet; use embedded or leave it out")
	}
	return putWord(&c.Engine, s, "embedded")
}

// settle works out what follows from other settings, and refuses what does not
// go together. It gives the key that is to blame.
func (c *Config) settle() (key string, err error) {
	if c.DB == "" {
		c.DB = filepath.Join(c.Data, "tocsin.db")
	}
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return "tls_cert", errors.New("goes together with tls_key: give both or none")
	case !c.Key.Empty() && c.KeyFile != "":
		return "key_file", errors.New("and key are both set: give one")
	}
	if c.Key.Empty() && c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "key")
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "addr", errors.New("is HOST:PORT")
	}
	if c.TLSCert != "" && c.BaseURL != nil && c.BaseURL.Scheme == "http" {
		return "base_url", errors.New("says http, but tls_cert is set")
	}
	if c.BaseURL != nil {
		return "", nil
	}
	if !loopback(host) {
		return "base_url", errors.New("is needed where addr is not loopback: say how browsers reach the server, like https://tocsin.example.org")
	}
	if port != "0" {
		c.BaseURL = c.own(net.JoinHostPort(host, port))
	}
	return "", nil
}

// own is the base URL of a server that is reached where it listens.
func (c *Config) own(hostPort string) *url.URL {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: hostPort}
}

// Listening settles the base URL of a server that took any free port.
func (c *Config) Listening(hostPort string) {
	if c.BaseURL == nil {
		c.BaseURL = c.own(hostPort)
	}
}
