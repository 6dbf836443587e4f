package httpapi

import (
	"strconv"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) integrations() (lookup.List[Integration], error) {
	is, err := c.s.d.Catalogue.Integrations(c.ctx)
	return paged(c, is, err, func(i Integration) string { return i.ID })
}

func (c *call) connections() (lookup.List[Connection], error) {
	cs, err := c.s.d.Connections.Connections(c.ctx)
	for i := range cs {
		cs[i] = wired(cs[i])
	}
	return paged(c, cs, err, func(k Connection) string { return k.Name })
}

// paged cuts a page out of a list that is whole in memory and sorted by name; the
// cursor is the last name of the page before.
func paged[T any](c *call, all []T, err error, name func(T) string) (lookup.List[T], error) {
	if err != nil {
		return lookup.List[T]{}, err
	}
	p, err := c.page()
	if err != nil {
		return lookup.List[T]{}, err
	}
	out := lookup.List[T]{Items: []T{}}
	for _, x := range all {
		if p.Cursor != "" && name(x) <= p.Cursor {
			continue
		}
		if len(out.Items) == p.Limit {
			last := name(out.Items[p.Limit-1])
			out.Next = &last
			break
		}
		out.Items = append(out.Items, x)
	}
	return out, nil
}

// wired gives a connection whose lists are never null.
func wired(k Connection) Connection {
	k.Tags, k.UsedBy, k.Egress.Allow, k.Auth.Set = listed(k.Tags), listed(k.UsedBy), listed(k.Egress.Allow), listed(k.Auth.Set)
	return k
}

func (c *call) connection() (Connection, error) {
	k, err := c.s.d.Connections.Connection(c.ctx, c.id())
	if err != nil {
		return Connection{}, err
	}
	c.setETag(strconv.FormatInt(k.Version, 10))
	return wired(k), nil
}

func (c *call) addConnection(b ConnectionWish) (Connection, error) {
	if !ident.Slug(b.Name) {
		return Connection{}, fault.New(fault.InvalidInput, "a connection's name is 1 to 64 of a-z, 0-9 and -").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/name", Message: "is 1 to 64 of a-z, 0-9 and -"})
	}
	return c.storeConnection(b, true)
}

func (c *call) putConnection(b ConnectionWish) (Connection, error) {
	if b.Name != c.id() {
		return Connection{}, fault.New(fault.InvalidInput, "a connection is not renamed").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/name", Message: "is the name in the address"})
	}
	return c.storeConnection(b, false)
}

func (c *call) storeConnection(b ConnectionWish, create bool) (Connection, error) {
	seen, err := c.seen()
	if err != nil {
		return Connection{}, err
	}
	k, err := c.s.d.Connections.PutConnection(c.ctx, c.actor(), b, create, seen)
	if err != nil {
		return Connection{}, changedMeanwhile(err)
	}
	c.setETag(strconv.FormatInt(k.Version, 10))
	return wired(k), nil
}

// changedMeanwhile gives the editor who sent If-Match the answer of HTTP.
func changedMeanwhile(err error) error {
	if fault.CodeOf(err) == "changed_meanwhile" {
		return stale()
	}
	return err
}

func (c *call) deleteConnection(none) (any, error) {
	seen, err := c.seen()
	if err != nil {
		return nil, err
	}
	return nil, changedMeanwhile(c.s.d.Connections.DeleteConnection(c.ctx, c.actor(), c.id(), seen))
}

func (c *call) testConnection(none) (ConnectionTest, error) {
	return c.s.d.Connections.TestConnection(c.ctx, c.actor(), c.id())
}

func (c *call) schedules() (lookup.List[Schedule], error) {
	ss, err := c.s.d.Schedules.Schedules(c.ctx)
	for i := range ss {
		ss[i].Next = listed(ss[i].Next)
	}
	return paged(c, ss, err, func(s Schedule) string { return s.ID })
}

func (c *call) pause(none) (Schedule, error) {
	s, err := c.s.d.Schedules.PauseSchedule(c.ctx, c.actor(), c.id(), true)
	s.Next = listed(s.Next)
	return s, err
}

func (c *call) resume(none) (Schedule, error) {
	s, err := c.s.d.Schedules.PauseSchedule(c.ctx, c.actor(), c.id(), false)
	s.Next = listed(s.Next)
	return s, err
}

func (c *call) runSchedule(none) (Started, error) {
	run, err := c.s.d.Schedules.RunSchedule(c.ctx, c.actor(), c.id())
	return Started{Run: run}, err
}
