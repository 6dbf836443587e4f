package connector_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func egress(t *testing.T, allow ...string) connector.Egress {
	t.Helper()
	e, err := connector.ParseEgress(allow)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func check(e connector.Egress, host, addr string, port uint16) error {
	return e.Check(host, netip.AddrPortFrom(netip.MustParseAddr(addr), port), connector.Own{})
}

func TestS007NoSpecialAddressIsReachedByDefault(t *testing.T) {
	for _, addr := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "169.254.169.254", "169.254.0.1",
		"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.0.170", "10.0.0.1", "10.255.255.255", "172.16.0.1",
		"172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "fc00::1",
		"fdff::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:a9fe:a9fe::",
		"2002:7f00:1::1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "2001::1", "2001:db8::1", "192.0.2.1",
		"198.51.100.1", "203.0.113.1", "192.88.99.1", "100::1", "3fff::1", "5f00::1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
		"::ffff:0:127.0.0.1", "4000::1", "8000::1", "e000::1", "fd12:3456::1", "2001:2::1", "2001:20::1",
	} {
		err := check(egress(t), "some.example", addr, 443)
		if fault.KindOf(err) != fault.EgressDenied {
			t.Errorf("%s: got %v; want egress_denied", addr, err)
			continue
		}
		plain := netip.MustParseAddr(addr).WithZone("").Unmap().String()
		if !strings.Contains(err.Error(), plain) || !strings.Contains(err.Error(), "some.example") {
			t.Errorf("%s: %q names neither the address nor the host", addr, err)
		}
	}
	for _, addr := range []string{"93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1", "192.167.255.255", "168.63.129.17", "2003::1", "2001:4860::8888"} {
		if err := check(egress(t), "some.example", addr, 443); err != nil {
			t.Errorf("%s: got %v; want none", addr, err)
		}
	}
}

func TestAnAllowListOpensExactlyWhatItNames(t *testing.T) {
	for name, tc := range map[string]struct {
		allow string
		host  string
		addr  string
		port  uint16
		ok    bool
	}{
		"the address":                               {"10.1.2.3", "h", "10.1.2.3", 443, true},
		"the address beside":                        {"10.1.2.3", "h", "10.1.2.4", 443, false},
		"the address, mapped":                       {"10.1.2.3", "h", "::ffff:10.1.2.3", 443, true},
		"a mapped entry":                            {"::ffff:10.1.2.3", "h", "10.1.2.3", 443, true},
		"a net":                                     {"10.1.0.0/16", "h", "10.1.255.255", 443, true},
		"beside a net":                              {"10.1.0.0/16", "h", "10.2.0.0", 443, false},
		"a mapped net":                              {"::ffff:10.1.0.0/112", "h", "10.1.2.3", 443, true},
		"the host":                                  {"edr.corp.example", "edr.corp.example", "10.1.2.3", 443, true},
		"the host, spelt otherwise":                 {"EDR.corp.example.", "edr.CORP.example", "10.1.2.3", 443, true},
		"another host":                              {"edr.corp.example", "siem.corp.example", "10.1.2.3", 443, false},
		"a host that ends alike":                    {"edr.corp.example", "evil-edr.corp.example", "10.1.2.3", 443, false},
		"a host below":                              {"corp.example", "x.corp.example", "10.1.2.3", 443, false},
		"the host at loopback":                      {"localhost", "localhost", "127.0.0.1", 8081, true},
		"the host at loopback in v6":                {"localhost", "localhost", "::1", 8081, true},
		"the host at metadata":                      {"edr.corp.example", "edr.corp.example", "169.254.169.254", 80, false},
		"the host at Azure's metadata":              {"edr.corp.example", "edr.corp.example", "168.63.129.16", 80, false},
		"the host unspecified":                      {"edr.corp.example", "edr.corp.example", "0.0.0.0", 80, false},
		"the host through NAT64":                    {"edr.corp.example", "edr.corp.example", "64:ff9b::a01:203", 80, false},
		"metadata by its address":                   {"169.254.169.254", "h", "169.254.169.254", 80, true},
		"metadata by its own net":                   {"169.254.0.0/16", "h", "169.254.169.254", 80, true},
		"metadata by everything":                    {"0.0.0.0/0", "h", "169.254.169.254", 80, false},
		"metadata by a wider net":                   {"169.0.0.0/8", "h", "169.254.169.254", 80, false},
		"Alibaba's metadata by the carrier net":     {"100.64.0.0/10", "h", "100.100.100.200", 80, false},
		"a private address by everything":           {"0.0.0.0/0", "h", "10.1.2.3", 80, true},
		"AWS's metadata by unique local":            {"fc00::/7", "h", "fd00:ec2::254", 80, false},
		"unique local by its net":                   {"fc00::/7", "h", "fd00::1", 80, true},
		"a zone":                                    {"fe80::1", "h", "fe80::1%eth0", 80, true},
		"its port":                                  {"10.1.2.3:8443", "h", "10.1.2.3", 8443, true},
		"another port":                              {"10.1.2.3:8443", "h", "10.1.2.3", 443, false},
		"a v6 port":                                 {"[fd00::1]:8443", "h", "fd00::1", 8443, true},
		"another v6 port":                           {"[fd00::1]:8443", "h", "fd00::1", 8444, false},
		"a net with a port":                         {"10.0.0.0/8:2376", "h", "10.1.2.3", 2376, true},
		"a host with a port":                        {"docker.example:2375", "docker.example", "10.1.2.3", 2375, true},
		"a public address on a port that is closed": {"93.184.215.14", "h", "93.184.215.14", 25, false},
		"the same, named":                           {"93.184.215.14:25", "h", "93.184.215.14", 25, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(egress(t, tc.allow), tc.host, tc.addr, tc.port); (err == nil) != tc.ok {
				t.Errorf("got %v; want allowed: %t", err, tc.ok)
			}
		})
	}
}

func TestS013PortsOfOtherProtocolsAreClosed(t *testing.T) {
	for _, port := range []uint16{0, 22, 23, 25, 53, 110, 143, 389, 445, 587, 636, 993, 1433, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 6379, 9092, 10250, 11211, 27017} {
		if err := check(egress(t), "h", "93.184.215.14", port); err == nil {
			t.Errorf("port %d is open on a public address", port)
		}
		if err := check(egress(t, "10.0.0.0/8"), "h", "10.0.0.1", port); err == nil {
			t.Errorf("port %d is open where only a net is named", port)
		}
		if port == 0 {
			continue
		}
		if err := check(egress(t, fmt.Sprintf("10.0.0.1:%d", port)), "h", "10.0.0.1", port); err != nil {
			t.Errorf("port %d, named: %v", port, err)
		}
	}
	for _, port := range []uint16{80, 443, 8000, 8080, 8081, 8443, 9200, 5601, 8089, 55000} {
		if err := check(egress(t), "h", "93.184.215.14", port); err != nil {
			t.Errorf("port %d: %v", port, err)
		}
	}
}

func TestAnAllowListIsReadStrictly(t *testing.T) {
	for _, bad := range []string{
		"", " ", "*", "*.example.org", "10.0.0.0/33", "10.0.0.1/8", "http://10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x", "10.0.0.1:",
		"[::1", "[::1]x", "::1]:80", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "a..b", "host name", "host/path", "user@host", "ex\u00e4mple.org",
		strings.Repeat("a", 64) + ".org", "fd00::1:80:", "10.0.0.0/8/8", ":80",
	} {
		if _, err := connector.ParseEgress([]string{bad}); fault.KindOf(err) != fault.InvalidInput {
			t.Errorf("%q: got %v; want invalid_input", bad, err)
		}
	}
}

// TestNoNameEverOpensASpecialAddress looks at any address: with nothing but host
// names on the list, what is reached is global unicast or a private range.
func TestNoNameEverOpensASpecialAddress(t *testing.T) {
	e := egress(t, "named.example")
	rapid.Check(t, func(r *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, "v4")
		if rapid.Bool().Draw(r, "v6") {
			raw = rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "bytes")
		}
		a, _ := netip.AddrFromSlice(raw)
		if check(e, "named.example", a.String(), 443) != nil {
			return
		}
		a = a.Unmap()
		if a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsInterfaceLocalMulticast() || !a.IsGlobalUnicast() && !a.IsLoopback() {
			r.Fatalf("%s was reached by a name", a)
		}
	})
}

func FuzzParseEgress(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "10.0.0.0/8:22", "[::1]:80", "a.b:1", "::ffff:1.2.3.4/120", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := connector.ParseEgress([]string{s})
		if err == nil && check(e, "other.example", "169.254.169.254", 80) == nil && !strings.Contains(s, "169.254") && !strings.Contains(strings.ToLower(s), "a9fe") {
			t.Errorf("%q opens the metadata address", s)
		}
	})
}
