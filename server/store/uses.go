package store

import (
	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/health"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/library"
)

// What the use cases ask of a database.
var (
	_ intake.Store     = (*Store)(nil)
	_ inbox.Store      = (*Store)(nil)
	_ control.Store    = (*Store)(nil)
	_ account.Users    = (*Store)(nil)
	_ account.Links    = (*Store)(nil)
	_ account.Sessions = (*Store)(nil)
	_ account.Tokens   = (*Store)(nil)
	_ account.Log      = (*Store)(nil)
	_ hunt.Store       = (*Store)(nil)
	_ library.Archive  = (*Store)(nil)
	_ library.Shelf    = (*Store)(nil)
	_ library.Cabinet  = (*Store)(nil)
	_ health.Store     = (*Store)(nil)
)
