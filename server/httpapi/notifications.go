package httpapi

import (
	"net/http"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/notification"
)

func notificationRoutes() []Route {
	n := about("notification")
	return []Route{
		list(base+"/notifications", account.See, "What you were told, unread first", (*call).notifications, nil, n,
			query(Param{Name: "unread", Words: []string{"true"}, Doc: "leave out what is read or over"})),
		send(http.MethodPost, base+"/notifications/read", account.See, "Say what you have read", (*call).readNotifications, n),
	}
}

// reader is who asks, in the words by which they are told things.
func (c *call) reader() lookup.Reader {
	u := c.who.User
	return lookup.Reader{ID: u.ID, Name: u.Name, Words: notification.Words(u.Name, u.Roles, u.Teams), Since: u.CreatedAt}
}

func (c *call) notifications() (lookup.Notifications, error) {
	p, err := c.page()
	if err != nil {
		return lookup.Notifications{}, err
	}
	return c.s.d.Notifications.Notifications(c.ctx, c.reader(), c.query["unread"] != "", p)
}

// readBody says which notifications were read: those named, or all.
type readBody struct {
	IDs []string `json:"ids,omitempty"`
	All bool     `json:"all,omitempty"`
}

// Unread is how many notifications are neither read nor over.
type Unread struct {
	Unread int64 `json:"unread"`
}

const maxRead = 200

func (c *call) readNotifications(b readBody) (Unread, error) {
	if len(b.IDs) > maxRead || len(b.IDs) == 0 && !b.All {
		return Unread{}, fault.New(fault.InvalidInput, "name 1 to %d notifications in ids, or say all: true", maxRead).WithCode("bad_request").
			WithPlaces(fault.Place{At: "/ids", Message: "1 to 200 ids"})
	}
	for _, id := range b.IDs {
		if !ident.Valid(ident.Notice, id) {
			return Unread{}, fault.New(fault.InvalidInput, "ids holds something that is no id of a notification").WithCode("bad_request").
				WithPlaces(fault.Place{At: "/ids", Message: "are ids of notifications"})
		}
	}
	n, err := c.s.d.Notifications.ReadNotifications(c.ctx, c.reader(), b.IDs, b.All)
	return Unread{n}, err
}
