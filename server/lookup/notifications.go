package lookup

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/notification"
)

// Reader is somebody who looks at their notifications, as they are at this moment.
type Reader struct {
	ID    string   // usr_…
	Name  string   // the log-in name
	Words []string // by which they may be named (notification.Words)
	// Since is when the account was made: older ones are of no concern, unless they
	// still ask for something.
	Since time.Time
}

// Notifications is one page of what a person was told, unread first.
type Notifications struct {
	List[notification.Notification]
	// Unread counts all that are neither read nor over, not only those of this page.
	Unread int64 `json:"unread"`
}
