package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/store"
)

// Operator is what whoever holds the data folder may do: accounts, tokens, backup,
// audit, halt. While a server runs on the folder it goes through the server's socket,
// so that there is one writer.
type Operator struct {
	a    *App         // opened here, or the server's own
	far  *http.Client // to the server's socket
	path string
}

// OpenOperator opens a data folder: through the server that runs on it, or by
// itself.
func OpenOperator(ctx context.Context, cfg *config.Config, logTo io.Writer) (*Operator, error) {
	path := filepath.Join(cfg.Data, "tocsin.sock")
	if _, err := os.Stat(path); err == nil {
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path); err == nil {
			_ = conn.Close() // it only had to answer
			return &Operator{path: path, far: &http.Client{Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "unix", path)
				},
			}}}, nil
		}
	}
	if missing, err := absent(cfg.DB); err != nil || missing {
		return nil, fault.New(fault.NotFound, "there is no database in %s; start the server once, or name the folder with --data", cfg.Data)
	}
	a, err := openFolder(ctx, cfg, logTo)
	if err != nil {
		return nil, err
	}
	return &Operator{a: a}, nil
}

// openFolder opens a data folder without serving it.
func openFolder(ctx context.Context, cfg *config.Config, logTo io.Writer) (*App, error) {
	a := newApp(cfg, logTo)
	if err := a.openStore(ctx); err != nil {
		return nil, err
	}
	a.desk = account.New(account.Options{
		Users: a.store, Links: a.store, Sessions: a.store, Tokens: a.store, Log: a.store, Clock: a.clock, Random: rand.Reader,
	})
	a.control = &control.Control{Store: a.store, Clock: a.clock, NewID: a.newID}
	return a, nil
}

// linkBase is where links lead: to the server that listens, else to where it will.
func (a *App) linkBase() *url.URL {
	switch {
	case a.base != nil:
		return a.base
	case a.cfg.BaseURL != nil:
		return a.cfg.BaseURL
	}
	return &url.URL{Scheme: "http", Host: a.cfg.Addr}
}

// Close closes what was opened here.
func (o *Operator) Close(ctx context.Context) {
	if o.far == nil && o.a != nil {
		o.a.close(ctx)
	}
}

// Order is one thing that the operator wants. Fields are those of the verb.
type Order struct {
	Do       string   `json:"do"`
	Name     string   `json:"name,omitempty"`
	Email    string   `json:"email,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Teams    []string `json:"teams,omitempty"`
	Password string   `json:"password,omitempty"`
	Service  bool     `json:"service,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	ID       string   `json:"id,omitempty"`
	Days     int      `json:"days,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Dest     string   `json:"dest,omitempty"`
	Key      string   `json:"key,omitempty"` // a public key of the audit log
}

// Result is what an order came to; the field of its verb is set.
type Result struct {
	User   *account.User   `json:"user,omitempty"`
	Users  []account.User  `json:"users,omitempty"`
	Link   string          `json:"link,omitempty"`
	Until  *time.Time      `json:"until,omitempty"`
	Token  *account.Token  `json:"token,omitempty"`
	Tokens []account.Token `json:"tokens,omitempty"`
	Text   string          `json:"text,omitempty"` // of a token, shown once
	Halt   *control.Halt   `json:"halt,omitempty"`
	Backup *store.Backup   `json:"backup,omitempty"`
	Audit  *audit.Report   `json:"audit,omitempty"`
}

// Do carries an order out, here or through the socket.
func (o *Operator) Do(ctx context.Context, in Order) (Result, error) {
	if o.far == nil {
		return o.do(ctx, in)
	}
	raw, err := json.Marshal(in) //nolint:gosec // it goes to the folder owner's socket, mode 0600, and nowhere else
	if err != nil {
		return Result{}, fault.Wrap(err, fault.Internal, "write the order down")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://operator/", bytes.NewReader(raw))
	if err != nil {
		return Result{}, fault.Wrap(err, fault.Internal, "address the server")
	}
	res, err := o.far.Do(req)
	if err != nil {
		return Result{}, fault.Wrap(err, fault.Unavailable, "the server does not answer on its socket")
	}
	defer func() { _ = res.Body.Close() }() // nothing depends on it
	if res.StatusCode != http.StatusOK {
		return Result{}, refusal(res.Body)
	}
	var out Result
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return Result{}, fault.Wrap(err, fault.Internal, "the server's answer cannot be read")
	}
	return out, nil
}

// handler serves orders on the socket.
func (o *Operator) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == exportPath {
			o.serveExport(w, r)
			return
		}
		var in Order
		d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
		d.DisallowUnknownFields()
		err := d.Decode(&in)
		var out Result
		if err == nil {
			out, err = o.do(r.Context(), in)
		} else {
			err = fault.New(fault.InvalidInput, "the order cannot be read")
		}
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // as above
	})
}

func (o *Operator) do(ctx context.Context, in Order) (Result, error) {
	switch in.Do {
	case "user.add", "user.link", "user.disable", "user.list":
		return o.user(ctx, in)
	case "token.new", "token.list", "token.revoke":
		return o.token(ctx, in)
	case "halt.on", "halt.off", "halt.status":
		return o.halt(ctx, in)
	case "backup":
		b, err := o.a.store.Backup(ctx, in.Dest, Version, o.a.keyPath)
		return Result{Backup: &b}, err
	case "audit.verify":
		return o.verify(ctx, in.Key)
	}
	return Result{}, fault.New(fault.InvalidInput, "no such order")
}

// verify checks the audit log, against a public key that was written down elsewhere
// where one is given.
func (o *Operator) verify(ctx context.Context, text string) (Result, error) {
	var key ed25519.PublicKey
	if text != "" {
		var err error
		if key, err = audit.ParseKey(text); err != nil {
			return Result{}, fault.Wrap(err, fault.InvalidInput, "this is not a public key of an audit log")
		}
	}
	r, err := o.a.store.VerifyAudit(ctx, key)
	return Result{Audit: &r}, err
}

func (o *Operator) user(ctx context.Context, in Order) (Result, error) {
	desk := o.a.desk
	switch in.Do {
	case "user.add":
		kind := account.Person
		if in.Service {
			kind = account.Service
		}
		u, err := desk.Add(ctx, operator, account.Wish{
			Name: in.Name, Email: in.Email, Kind: kind, Roles: in.Roles, Teams: in.Teams, Password: in.Password,
		})
		return Result{User: &u}, err
	case "user.link":
		text, until, err := desk.NewLink(ctx, operator, in.Name)
		if err != nil {
			return Result{}, err
		}
		return Result{Link: o.a.linkBase().JoinPath("/link").String() + "#" + text, Until: &until}, nil
	case "user.disable":
		yes := true
		u, err := desk.Change(ctx, operator, in.Name, 0, account.Edit{Disabled: &yes})
		return Result{User: &u}, err
	}
	out := Result{Users: []account.User{}}
	page := lookup.Page{Limit: 200}
	for {
		list, err := desk.People(ctx, page)
		if err != nil {
			return Result{}, err
		}
		out.Users = append(out.Users, list.Items...)
		if list.Next == nil {
			return out, nil
		}
		page.Cursor = *list.Next
	}
}

func (o *Operator) token(ctx context.Context, in Order) (Result, error) {
	desk := o.a.desk
	switch in.Do {
	case "token.new":
		wish := account.TokenWish{Owner: in.Name, Name: in.ID, Scopes: in.Scopes}
		if in.Days > 0 {
			end := o.a.clock().AddDate(0, 0, in.Days)
			wish.ExpiresAt = &end
		}
		text, t, err := desk.OperatorToken(ctx, operator, wish)
		return Result{Text: text, Token: &t}, err
	case "token.revoke":
		t, err := desk.RevokeToken(ctx, operator, in.ID)
		return Result{Token: &t}, err
	}
	list, err := desk.TokensOf(ctx, in.Name, lookup.Page{Limit: 200})
	return Result{Tokens: list.Items}, err
}

func (o *Operator) halt(ctx context.Context, in Order) (Result, error) {
	by := control.Actor{Actor: operator}
	var h control.Halt
	var err error
	switch in.Do {
	case "halt.on":
		h, err = o.a.control.HaltOn(ctx, by, in.Reason)
	case "halt.off":
		h, err = o.a.control.HaltOff(ctx, by, in.Reason, o.a.store.Instance())
	default:
		h, err = o.a.store.HaltState(ctx)
	}
	return Result{Halt: &h}, err
}

// Store is the database of a folder that no server runs on.
func (o *Operator) Store() (*store.Store, error) {
	if o.far != nil {
		return nil, errors.New("a server runs on this folder")
	}
	return o.a.store, nil
}
