package demo

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// widest is how many addresses one entry may cover, as a power of two.
const widest = 12

// address reads an address or a network in its canonical form. A network that is
// wide, or the range's own organisation, is refused.
func address(text string) (string, error) {
	text = strings.TrimSpace(text)
	net, err := netip.ParsePrefix(text)
	if err != nil {
		ip, single := netip.ParseAddr(text)
		if single != nil || ip.Zone() != "" {
			return "", refuse(http.StatusBadRequest, "bad_request", "name an IP address or a network")
		}
		net = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
	}
	net = net.Masked()
	own := netip.MustParsePrefix("10.20.0.0/16")
	switch {
	case net.Addr().BitLen()-net.Bits() > widest:
		return "", refuse(http.StatusUnprocessableEntity, "too_wide", "a block covers at most 4096 addresses")
	case net.Overlaps(own):
		return "", refuse(http.StatusConflict, "own_network", "this would block the organisation's own network")
	case net.IsSingleIP():
		return net.Addr().String(), nil
	}
	return net.String(), nil
}

func blockAddress(s *state, q request) (any, error) {
	var in struct {
		Address string `json:"address"`
		Reason  string `json:"reason"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	canonical, err := address(in.Address)
	if err != nil {
		return nil, err
	}
	for _, b := range s.Blocks {
		if b.Address == canonical {
			return map[string]any{"address": canonical, "blocked": true, "was_blocked": true, "since": b.Since}, nil
		}
	}
	if len(s.Blocks) >= maxBlocks {
		return nil, refuse(http.StatusInsufficientStorage, "full", "the block list is full")
	}
	s.Blocks = append(s.Blocks, &block{Address: canonical, Reason: in.Reason, Since: q.now})
	return map[string]any{"address": canonical, "blocked": true, "was_blocked": false, "since": q.now}, nil
}

func unblockAddress(s *state, q request) (any, error) {
	var in struct {
		Address string `json:"address"`
		Reason  string `json:"reason"`
	}
	if err := q.into(&in); err != nil {
		return nil, err
	}
	canonical, err := address(in.Address)
	if err != nil {
		return nil, err
	}
	before := len(s.Blocks)
	s.Blocks = slices.DeleteFunc(s.Blocks, func(b *block) bool { return b.Address == canonical })
	return map[string]any{"address": canonical, "blocked": false, "was_blocked": len(s.Blocks) < before}, nil
}

// listBlocks gives all entries, or whether one address is blocked and since when.
func listBlocks(s *state, q request) (any, error) {
	ask := q.http.URL.Query().Get("address")
	if ask == "" {
		return map[string]any{"items": s.Blocks, "total": len(s.Blocks)}, nil
	}
	canonical, err := address(ask)
	if err != nil {
		return nil, err
	}
	var since *time.Time
	for _, b := range s.Blocks {
		if b.Address == canonical {
			since = &b.Since
		}
	}
	return map[string]any{"address": canonical, "blocked": since != nil, "since": since}, nil
}
