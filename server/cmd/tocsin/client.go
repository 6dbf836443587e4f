package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

const (
	maxAnswer = 64 << 20         // bytes of an answer
	maxAsking = 90 * time.Second // a request, with the longest wait that the API allows
	apiBase   = "api/v1"
)

// refusal is a problem that the server answered with.
type refusal struct {
	httpapi.Problem
	raw []byte
}

func (r *refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("the server answers %d %s", r.Status, http.StatusText(r.Status))
	}
	if r.Code == "" {
		return r.Detail
	}
	return r.Detail + " (" + r.Code + ")"
}

// client speaks to a server.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// dial reads TOCSIN_URL and, where the API is asked, TOCSIN_TOKEN.
func (sh *shell) dial(withToken bool) (*client, error) {
	text, token := sh.env["TOCSIN_URL"], strings.TrimSpace(sh.env["TOCSIN_TOKEN"])
	switch {
	case text == "":
		return nil, fault.New(fault.InvalidInput, "TOCSIN_URL is not set: it names the server, like https://tocsin.example.org")
	case withToken && token == "":
		return nil, fault.New(fault.InvalidInput, "TOCSIN_TOKEN is not set: tocsin token new makes a token")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.New(fault.InvalidInput, "TOCSIN_URL is no address of a server; it looks like https://tocsin.example.org")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fault.New(fault.InvalidInput, "TOCSIN_URL is plain http to another machine: everybody between could read the token; use https")
	}
	return &client{base: u, token: token, http: &http.Client{
		Timeout: maxAsking,
		// A redirect could take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// ask sends a request to the API and gives its answer. Path is below /api/v1.
func (c *client) ask(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, fault.Wrap(err, fault.InvalidInput, "the request cannot be written down")
		}
	}
	u := c.base.JoinPath(apiBase, path)
	u.RawQuery = query.Encode()
	return c.send(ctx, method, u, raw, map[string]string{"Authorization": "Bearer " + c.token})
}

func (c *client) send(ctx context.Context, method string, u *url.URL, body []byte, headers map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body)) //nolint:gosec // the server that TOCSIN_URL names
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the request cannot be addressed")
	}
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tocsin/"+app.Version)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req) //nolint:gosec // as above
	if err != nil {
		return nil, unreached(err, c.base)
	}
	defer func() { _ = res.Body.Close() }() // nothing depends on it
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Unavailable, "the server's answer broke off")
	case len(raw) > maxAnswer:
		return nil, fault.New(fault.TooLarge, "the server's answer is larger than %d MiB", maxAnswer>>20)
	case res.StatusCode >= http.StatusMultipleChoices:
		return nil, refusalOf(res, raw)
	}
	return raw, nil
}

func unreached(err error, base *url.URL) error {
	why := "it does not answer"
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		why = "it does not answer in time"
	}
	return fault.Wrap(err, fault.Unavailable, "the server at %s cannot be reached: %s", base, why)
}

func refusalOf(res *http.Response, raw []byte) error {
	r := &refusal{Problem: httpapi.Problem{Status: res.StatusCode}}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "application/problem+json" {
		if err := json.Unmarshal(raw, &r.Problem); err == nil {
			r.raw = raw
			return r
		}
	}
	r.Problem = httpapi.Problem{
		Type: "about:blank", Title: http.StatusText(res.StatusCode), Status: res.StatusCode,
		Detail: fmt.Sprintf("the server answers %d %s; is TOCSIN_URL a Tocsin?", res.StatusCode, http.StatusText(res.StatusCode)), Errors: []fault.Place{},
	}
	r.raw, _ = json.Marshal(r.Problem) // plain text and numbers
	return r
}

// read gives an answer its shape.
func read[T any](raw []byte) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fault.Wrap(err, fault.BadReply, "the server's answer cannot be read; is it another version?")
	}
	return v, nil
}

// talk is the common form of a command on a server: parse, ask, then print the
// answer as it came or in words.
func talk[T any](ctx context.Context, sh *shell, method, path string, query url.Values, body any, words func(T)) error {
	c, err := sh.dial(true)
	if err != nil {
		return err
	}
	raw, err := c.ask(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	return show(sh, raw, words)
}

func show[T any](sh *shell, raw []byte, words func(T)) error {
	if sh.json {
		sh.printRaw(raw)
		return nil
	}
	v, err := read[T](raw)
	if err != nil {
		return err
	}
	words(v)
	return nil
}

// filter is a flag that becomes a parameter of a list.
type filter struct{ name, usage string }

// lister reads the flags of a list.
func lister(fl *flag.FlagSet, args []string, filters ...filter) (url.Values, error) {
	texts := map[string]*string{}
	for _, f := range filters {
		texts[f.name] = fl.String(f.name, "", f.usage)
	}
	limit := fl.Int("limit", 50, "how many at most, 200 at once")
	cursor := fl.String("cursor", "", "go on where the list before ended: its `next`")
	sort := fl.String("sort", "", "the order, a `word` of the API; - before it turns it round")
	if _, err := parse(fl, args, 0, 0); err != nil {
		return nil, err
	}
	if *limit < 1 || *limit > 200 {
		return nil, misuse{"--limit is from 1 to 200"}
	}
	q := url.Values{"limit": {strconv.Itoa(*limit)}}
	for name, text := range texts {
		if *text == "" {
			continue
		}
		if name == "since" {
			at, err := moment(*text, -1)
			if err != nil {
				return nil, misuse{"--since is a time (RFC 3339) or how long ago, like 24h"}
			}
			*text = at.Format(time.RFC3339)
		}
		q.Set(name, *text)
	}
	for name, text := range map[string]string{"cursor": *cursor, "sort": *sort} {
		if text != "" {
			q.Set(name, text)
		}
	}
	return q, nil
}

// moment reads a time, or a duration from now in the given direction.
func moment(text string, direction int) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	d, err := document.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("read a moment: %w", err)
	}
	if direction < 0 {
		d = -d
	}
	return time.Now().UTC().Add(d), nil
}

// more says that a list goes on.
func (sh *shell) more(next *string) {
	if next != nil && *next != "" {
		sh.say("there are more: --cursor %s", *next)
	}
}
