package httpapi

import (
	"strconv"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) sources() (lookup.List[Source], error) {
	ss, err := c.s.d.Sources.Sources(c.ctx)
	return paged(c, ss, err, func(s Source) string { return s.Name })
}

func (c *call) source() (Source, error) {
	s, err := c.s.d.Sources.Source(c.ctx, c.id())
	if err != nil {
		return Source{}, err
	}
	c.setETag(strconv.FormatInt(s.Version, 10))
	return s, nil
}

func (c *call) addSource(b SourceWish) (SourceMade, error) {
	if !ident.Slug(b.Name) {
		return SourceMade{}, fault.New(fault.InvalidInput, "a source's name is 1 to 64 of a-z, 0-9 and -").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/name", Message: "is 1 to 64 of a-z, 0-9 and -"})
	}
	return c.storeSource(b, true)
}

func (c *call) putSource(b SourceWish) (SourceMade, error) {
	if b.Name != c.id() {
		return SourceMade{}, fault.New(fault.InvalidInput, "a source is not renamed").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/name", Message: "is the name in the address"})
	}
	return c.storeSource(b, false)
}

func (c *call) storeSource(b SourceWish, create bool) (SourceMade, error) {
	if b.Rotation != "" {
		if err := oneOf("/rotation", b.Rotation, "replace", "add"); err != nil {
			return SourceMade{}, err
		}
	}
	seen, err := c.seen()
	if err != nil {
		return SourceMade{}, err
	}
	m, err := c.s.d.Sources.PutSource(c.ctx, c.actor(), b, create, seen)
	if err != nil {
		return SourceMade{}, changedMeanwhile(err)
	}
	c.setETag(strconv.FormatInt(m.Source.Version, 10))
	return m, nil
}

func (c *call) deleteSource(none) (any, error) {
	seen, err := c.seen()
	if err != nil {
		return nil, err
	}
	return nil, changedMeanwhile(c.s.d.Sources.DeleteSource(c.ctx, c.actor(), c.id(), seen))
}

// trialBody is a payload, as text so that it is read as a delivery's bytes are, and
// a mapping that may not be saved yet.
type trialBody struct {
	Payload string            `json:"payload"`
	Mapping string            `json:"mapping,omitempty"`
	Items   string            `json:"items,omitempty"`
	Closes  string            `json:"closes,omitempty"`
	When    string            `json:"when,omitempty"`
	Map     map[string]string `json:"map,omitempty"`
}

func (c *call) tryMapping(b trialBody) (Trial, error) {
	w := SourceWish{Mapping: b.Mapping, Items: b.Items, Closes: b.Closes, When: b.When, Map: b.Map}
	return c.s.d.Sources.TrySource(c.ctx, w, b.Payload)
}

type payloadBody struct {
	Payload string `json:"payload"`
}

func (c *call) trySource(b payloadBody) (Trial, error) {
	return c.s.d.Sources.TrySource(c.ctx, SourceWish{Name: c.id()}, b.Payload)
}
