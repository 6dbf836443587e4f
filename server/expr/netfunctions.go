package expr

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"golang.org/x/net/publicsuffix"
)

func netFunctions() []cel.EnvOption {
	text := types.StringType
	return []cel.EnvOption{
		cel.Function("contains",
			cel.MemberOverload("cidr_contains_text", []*types.Type{ext.CIDRType, text}, types.BoolType, cel.BinaryBinding(cidrContains)),
			cel.MemberOverload("cidr_contains_ip", []*types.Type{ext.CIDRType, ext.IPType}, types.BoolType, cel.BinaryBinding(cidrContains))),
		cel.Function("url", cel.Overload("url_text", []*types.Type{text}, urlObject().typ, cel.UnaryBinding(parseURL))),
		cel.Function("isURL", cel.Overload("is_url_text", []*types.Type{text}, types.BoolType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			_, valid := splitURL(string(s))
			return types.Bool(ok && valid)
		}))),
		cel.Function("domain", cel.Overload("domain_text", []*types.Type{text}, domainObject().typ, cel.UnaryBinding(parseDomain))),
	}
}

func cidrContains(a, b ref.Val) ref.Val {
	c, ok := a.(ext.CIDR)
	if !ok {
		return types.MaybeNoSuchOverloadErr(a)
	}
	var ip netip.Addr
	switch b := b.(type) {
	case ext.IP:
		ip = b.Addr
	case types.String:
		parsed, err := netip.ParseAddr(string(b))
		if err != nil {
			return failed("cidr.contains: the text is no IP address")
		}
		ip = parsed
	default:
		return types.MaybeNoSuchOverloadErr(b)
	}
	return types.Bool(c.Contains(ip.Unmap().WithZone("")))
}

func urlObject() *object {
	return newObject(map[string]Type{
		"scheme": String, "host": String, "port": Int, "path": String, "query": String, "fragment": String,
	}, false)
}

func parseURL(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	u, ok := splitURL(string(s))
	if !ok {
		return failed("url: the text is no URL with a host")
	}
	return plainAdapter.NativeToValue(u)
}

// splitURL takes a URL with scheme and host apart. Port is 0 where none is given.
func splitURL(s string) (map[string]any, bool) {
	if len(s) > maxText {
		return nil, false
	}
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return nil, false
	}
	port, err := strconv.ParseInt("0"+u.Port(), 10, 32)
	if err != nil || port > 65535 {
		return nil, false
	}
	return map[string]any{
		"scheme": strings.ToLower(u.Scheme), "host": strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")),
		"port": port, "path": u.Path, "query": u.RawQuery, "fragment": u.Fragment,
	}, true
}

func domainObject() *object {
	return newObject(map[string]Type{"name": String, "registrable": String, "suffix": String, "tld": String}, false)
}

// parseDomain gives empty text for what does not apply: an IP address and a
// public suffix belong to nobody who registered them.
func parseDomain(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	name := strings.ToLower(strings.Trim(strings.TrimSpace(string(s)), "."))
	out := map[string]any{"name": name, "registrable": "", "suffix": "", "tld": ""}
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || name == "" || strings.ContainsAny(name, "/:@ ") {
		return plainAdapter.NativeToValue(out)
	}
	suffix, _ := publicsuffix.PublicSuffix(name)
	out["suffix"], out["tld"] = suffix, name[strings.LastIndexByte(name, '.')+1:]
	if registrable, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		out["registrable"] = registrable
	}
	return plainAdapter.NativeToValue(out)
}

func iocsObject() *object {
	list := List(String)
	return newObject(map[string]Type{
		"ips": list, "domains": list, "urls": list, "mails": list,
		"md5": list, "sha1": list, "sha256": list, "cves": list,
	}, false)
}

// maxIOCs bounds each list of extract.iocs.
const maxIOCs = 1000

// extractIOCs finds indicators in a text, refanged, each once, in order.
func extractIOCs(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if bad := guardText([]ref.Val{s}); bad != nil {
		return bad
	}
	return plainAdapter.NativeToValue(findIOCs(refang(string(s))))
}

func findIOCs(text string) map[string]any {
	found := map[string][]any{}
	seen := map[string]bool{}
	add := func(kind, value string) {
		if value == "" || seen[kind+value] || len(found[kind]) >= maxIOCs {
			return
		}
		seen[kind+value] = true
		found[kind] = append(found[kind], value)
	}
	for _, u := range reURL.FindAllString(text, -1) {
		u = trimURL(u)
		if parts, valid := splitURL(u); valid {
			add("urls", u)
			addHost(add, parts["host"].(string)) //nolint:forcetypeassert // made three lines above
		}
	}
	rest := reURL.ReplaceAllString(text, " ")
	for _, m := range reMail.FindAllString(rest, -1) {
		m = strings.ToLower(m)
		add("mails", m)
		addHost(add, m[strings.LastIndexByte(m, '@')+1:])
	}
	rest = reMail.ReplaceAllString(rest, " ")
	for _, h := range reHost.FindAllString(rest, -1) {
		addHost(add, h)
	}
	for _, a := range reIPv6.FindAllString(rest, -1) {
		if ip, err := netip.ParseAddr(a); err == nil && ip.Is6() && strings.Count(a, ":") > 1 {
			add("ips", ip.String())
		}
	}
	for _, h := range reHash.FindAllString(rest, -1) {
		kind := map[int]string{32: "md5", 40: "sha1", 64: "sha256"}[len(h)]
		if kind != "" {
			add(kind, strings.ToLower(h))
		}
	}
	for _, c := range reCVE.FindAllString(rest, -1) {
		add("cves", strings.ToUpper(c))
	}
	out := map[string]any{}
	for name := range iocsObject().fields {
		out[name] = slices.Concat([]any{}, found[name])
	}
	return out
}

// addHost sorts a host into addresses and names. A name counts only below a
// public suffix that is listed: invoice.pdf is no domain.
func addHost(add func(kind, value string), host string) {
	host = strings.ToLower(strings.Trim(host, ".[]"))
	if ip, err := netip.ParseAddr(host); err == nil {
		add("ips", ip.String())
		return
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if listed := icann || strings.Contains(suffix, "."); listed && suffix != host {
		add("domains", host)
	}
}

// trimURL takes off what belongs to the sentence around it.
func trimURL(u string) string {
	u = strings.TrimRight(u, ".,;:!?'\"`*")
	for _, pair := range []string{"()", "[]", "{}"} {
		for strings.HasSuffix(u, pair[1:]) && strings.Count(u, pair[:1]) < strings.Count(u, pair[1:]) {
			u = u[:len(u)-1]
		}
	}
	return u
}
