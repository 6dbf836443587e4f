package connector

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// BaseURL reads the address of a connection: http or https, a host in plain
// ASCII, no user-info, query or fragment, no odd spelling of a number. What does
// not fit is invalid_input.
func BaseURL(text string) (*url.URL, error) {
	bad := func(why string) error { return fault.New(fault.InvalidInput, "base_url %s", why) }
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return nil, bad("holds a character that has no place in an address; write an international name in its xn-- form")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, bad("is not an address")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, bad("must begin with https:// or http://")
	case u.User != nil:
		return nil, bad("must not hold a user or password; they belong under auth")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return nil, bad("must not hold a query or fragment")
	case u.Hostname() == "":
		return nil, bad("names no host")
	case strings.Contains(u.Host, "%"):
		return nil, bad("names a zone or an encoded host")
	case oddNumber(u.Hostname()):
		return nil, bad("writes an IP address in a form that programs read differently; write four decimal numbers")
	case u.Port() == "" && strings.HasSuffix(u.Host, ":"):
		return nil, bad("ends its host with a colon")
	}
	if _, err := Join(u, ""); err != nil {
		return nil, bad("has a path with . or .. in it")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// oddNumber says whether a host ends in a number without being an IP address in
// its usual form (2130706433, 0x7f.1, 0177.0.0.1, 127.1): resolvers differ on
// those.
func oddNumber(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// Join puts an escaped path below a base address: cleaned of empty parts, of
// "." and of "..", which may not lead above the base. Encoded dots and
// backslashes that some server could read as a way up are refused.
func Join(base *url.URL, escaped string) (*url.URL, error) {
	bad := func(why string) error { return fault.New(fault.InvalidInput, "the path %s", why) }
	if strings.ContainsAny(escaped, "?#") {
		return nil, bad("holds ? or #; parameters belong under query")
	}
	var parts []string
	for seg := range strings.SplitSeq(escaped, "/") {
		switch {
		case !plainEscapes(seg):
			return nil, bad("is not well encoded")
		case seg == "" || seg == ".":
			continue
		case seg == "..":
			if len(parts) == 0 {
				return nil, bad("leads outside base_url")
			}
			parts = parts[:len(parts)-1]
			continue
		case hidden(seg):
			return nil, bad("hides . or .. in an encoding")
		}
		parts = append(parts, seg)
	}
	root := strings.TrimRight(base.EscapedPath(), "/")
	if slices.ContainsFunc(strings.Split(root, "/"), hidden) {
		return nil, bad("of base_url holds . or ..")
	}
	full := root
	if len(parts) > 0 {
		full += "/" + strings.Join(parts, "/")
		if strings.HasSuffix(escaped, "/") {
			full += "/"
		}
	} else if strings.HasSuffix(base.EscapedPath(), "/") || strings.HasSuffix(escaped, "/") || full == "" {
		full += "/"
	}
	plain, err := url.PathUnescape(full)
	if err != nil {
		return nil, bad("is not well encoded")
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: plain, RawPath: full}, nil
}

// plainEscapes says whether a segment is made of characters that may stand in a
// path, with every % followed by two hex digits and no control byte behind one.
func plainEscapes(seg string) bool {
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^`+"`{|}", c) >= 0 {
			return false
		}
		if c != '%' {
			continue
		}
		if i+2 >= len(seg) {
			return false
		}
		b, err := url.PathUnescape(seg[i : i+3])
		if err != nil || b[0] < ' ' || b[0] == 0x7f {
			return false
		}
		i += 2
	}
	return true
}

// hidden says whether a segment, as it is or decoded once or more often, has a
// part . or .. between slashes or backslashes.
func hidden(seg string) bool {
	for range 5 {
		for _, p := range strings.FieldsFunc(seg, func(r rune) bool { return r == '/' || r == '\\' }) {
			// a parameter after ; is dropped by some servers before they resolve ..
			p, _, _ = strings.Cut(p, ";")
			if p == "." || p == ".." {
				return true
			}
		}
		next, err := url.PathUnescape(seg)
		if err != nil || next == seg {
			return false
		}
		seg = next
	}
	return true // encoded deeper than anybody means it
}
