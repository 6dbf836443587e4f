package connector

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// Egress is where a connection may go beyond the public internet: its egress
// allow list, read. The zero value allows public addresses on usual ports only.
type Egress struct {
	nets  []allowedNet
	hosts []allowedHost
}

type allowedNet struct {
	net  netip.Prefix
	port uint16 // 0: any usual one
}

type allowedHost struct {
	name string
	port uint16
}

// ParseEgress reads an allow list: addresses, CIDRs and host names, each with
// ":port" where an otherwise refused port is meant ("127.0.0.1", "10.1.0.0/16",
// "edr.corp.example", "[::1]:2375"). What cannot be read is invalid_input.
func ParseEgress(allow []string) (Egress, error) {
	var e Egress
	for _, text := range allow {
		name, port, ok := cutPort(strings.TrimSpace(text))
		if !ok {
			return Egress{}, badEgress(text)
		}
		if p, err := netip.ParsePrefix(name); err == nil {
			if p = plainPrefix(p); p.Masked() != p {
				return Egress{}, fault.New(fault.InvalidInput, "egress.allow: %q has bits set behind its length; write %s", text, p.Masked())
			}
			e.nets = append(e.nets, allowedNet{p, port})
			continue
		}
		if a, err := netip.ParseAddr(name); err == nil {
			a = a.WithZone("").Unmap()
			e.nets = append(e.nets, allowedNet{netip.PrefixFrom(a, a.BitLen()), port})
			continue
		}
		if name = CanonicalHost(name); !hostName(name) {
			return Egress{}, badEgress(text)
		}
		e.hosts = append(e.hosts, allowedHost{name, port})
	}
	return e, nil
}

func badEgress(text string) error {
	return fault.New(fault.InvalidInput, "egress.allow: %q is neither an address nor a CIDR nor a host name", text)
}

// cutPort splits "name:port", where name may be a bare or bracketed v6 address.
func cutPort(text string) (name string, port uint16, ok bool) {
	if rest, found := strings.CutPrefix(text, "["); found {
		name, tail, closed := strings.Cut(rest, "]")
		if !closed || tail != "" && !strings.HasPrefix(tail, ":") {
			return "", 0, false
		}
		if tail == "" {
			return name, 0, true
		}
		port, ok = portNumber(tail[1:])
		return name, port, ok
	}
	if strings.Count(text, ":") != 1 { // none, or a bare v6 address
		return text, 0, text != ""
	}
	name, digits, _ := strings.Cut(text, ":")
	port, ok = portNumber(digits)
	return name, port, ok && name != ""
}

func portNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0
}

func plainPrefix(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p
}

// CanonicalHost gives a host's name in the form in which two are compared: lower
// case, no dot at the end.
func CanonicalHost(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

func hostName(s string) bool {
	if s == "" || len(s) > 253 || oddNumber(s) {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// Check says whether a connection may go to an address that a host (as the
// request names it) resolved to; else an egress_denied that names the address.
// own are the product's own addresses and hosts.
func (e Egress) Check(host string, to netip.AddrPort, own Own) error {
	host = CanonicalHost(host)
	addr := to.Addr().WithZone("").Unmap()
	why := ""
	switch class := classify(addr); {
	case to.Port() == 0:
		why = "has no port"
	case class == public:
	case class == private && e.named(host, addr, to.Port(), false):
	case class == special && e.listed(addr, to.Port(), false):
	case class == private:
		why = "is not a public address"
	default:
		why = "is a special address"
	}
	if why == "" && (refusedPort(to.Port()) || own.is(host, addr, to.Port())) && !e.named(host, addr, to.Port(), true) {
		why = "has a port that is only open to what names it"
	}
	if why == "" {
		return nil
	}
	return fault.New(fault.EgressDenied, "%s (for host %s) %s; if it is meant, list it under egress.allow of the connection",
		netip.AddrPortFrom(addr, to.Port()), host, why)
}

// named says whether the list names the address, or the host; with exact only an
// entry with this very port counts.
func (e Egress) named(host string, addr netip.Addr, port uint16, exact bool) bool {
	return e.listed(addr, port, exact) || slices.ContainsFunc(e.hosts, func(h allowedHost) bool {
		return h.name == host && fits(h.port, port, exact)
	})
}

// listed is named for entries that are addresses. A wide CIDR does not open a
// special range within it: that takes an entry inside the range.
func (e Egress) listed(addr netip.Addr, port uint16, exact bool) bool {
	return slices.ContainsFunc(e.nets, func(n allowedNet) bool {
		if !n.net.Contains(addr) || !fits(n.port, port, exact) {
			return false
		}
		return classify(addr) != special || slices.ContainsFunc(specials, func(s netip.Prefix) bool {
			return s.Contains(addr) && s.Bits() <= n.net.Bits() && s.Contains(n.net.Addr())
		})
	})
}

func fits(listed, port uint16, exact bool) bool {
	if exact || listed != 0 {
		return listed == port
	}
	return true
}

// Own is where this product itself listens and how it is reached.
type Own struct {
	Listen []netip.AddrPort
	Host   string // of the public base URL, canonical; "" for none
	Port   uint16
	// Local are this machine's addresses, for a listener on all of them.
	Local []netip.Addr
}

func (o Own) is(host string, addr netip.Addr, port uint16) bool {
	if o.Host != "" && host == o.Host && port == o.Port {
		return true
	}
	return slices.ContainsFunc(o.Listen, func(l netip.AddrPort) bool {
		if l.Port() != port {
			return false
		}
		at := l.Addr().WithZone("").Unmap()
		return at == addr || at.IsUnspecified() && (addr.IsLoopback() || slices.Contains(o.Local, addr))
	})
}

type class int

const (
	special class = iota // never by a host's name or a wide CIDR
	private              // where the connection names it
	public
)

// classify is closed at the end: what no table knows is public only in the ranges
// of global unicast.
func classify(a netip.Addr) class {
	in := func(ps []netip.Prefix) bool {
		return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	switch {
	case a == netip.IPv6Loopback():
		return private
	case !a.IsValid() || in(specials):
		return special
	case in(privates):
		return private
	case a.Is4() || globalV6.Contains(a):
		return public
	}
	return special
}

//nolint:gochecknoglobals // constant tables
var (
	globalV6 = netip.MustParsePrefix("2000::/3")

	privates = prefixes(
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // loopback, RFC 1918
		"100.64.0.0/10", // carrier NAT, RFC 6598
		"fc00::/7",
	)

	// specials: nothing useful answers there, or what answers is the machine's or
	// the cloud's own (metadata).
	specials = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
		"192.0.0.0/24",                                      // IETF assignments; 192.0.0.192 is a metadata service
		"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // documentation
		"192.88.99.0/24", "198.18.0.0/15", // 6to4 relays, benchmarking
		"168.63.129.16/32", "100.100.100.200/32", // metadata of Azure and Alibaba
		"::/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", // unspecified, v4 in v6
		"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", // NAT64, 6to4, Teredo and other assignments
		"100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16",
		"fd00:ec2::254/128", // metadata of AWS
		"fe80::/10", "fec0::/10", "ff00::/8",
	)

	// refused are ports on which something else than a web API listens, and that
	// an HTTP request could hurt; 2375 and its like hand out the machine.
	refused = []uint16{
		1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
		110, 111, 113, 115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526,
		530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993, 995, 1080, 1433, 1521, 1719, 1720, 1723,
		2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 4369, 5060, 5061, 5432, 5900, 5901, 6000, 6379,
		6566, 6665, 6666, 6667, 6668, 6669, 6697, 9042, 9092, 10250, 10255, 10256, 11211, 27017, 27018,
	}
)

func refusedPort(p uint16) bool { return slices.Contains(refused, p) }

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}
