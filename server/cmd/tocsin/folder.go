package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"strings"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// folder reads which data folder is meant, beside the flags that a command has added
// itself.
func (sh *shell) folder(fl *flag.FlagSet, args []string, least, most int) (*config.Config, []string, error) {
	file := fl.String("config", "", "the settings `file` (YAML)")
	fl.String("data", "", "the data `folder`")
	rest, err := parse(fl, args, least, most)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := sh.load(fl, *file)
	if err != nil {
		return nil, nil, err
	}
	cfg.LogLevel = "error" // what a command does it says itself
	return cfg, rest, nil
}

// order has one thing done on a data folder, through its server where one runs.
func (sh *shell) order(ctx context.Context, cfg *config.Config, o app.Order) (app.Result, error) {
	desk, err := app.OpenOperator(ctx, cfg, sh.err)
	if err != nil {
		return app.Result{}, err
	}
	defer desk.Close(ctx)
	return desk.Do(ctx, o)
}

func userCommands() []command {
	return []command{
		{
			name: "user add", args: "NAME --role R… [--team T…] [--email ADDRESS] [--service] [--password-stdin] [--data DIR]", short: "Add a person or a service account",
			example: `tocsin user add anna --role analyst --role responder
			tocsin user add feeder --service --role analyst`,
			run: addUser,
		},
		{name: "user link", args: "NAME [--data DIR]", short: "Print a one-time log-in link", example: "tocsin user link anna", run: linkUser},
		{name: "user disable", args: "NAME [--data DIR]", short: "Disable an account and log it out", example: "tocsin user disable anna", run: disableUser},
		{name: "user list", args: "[--data DIR]", short: "List the accounts", example: "tocsin user list --json", run: listUsers},
	}
}

func addUser(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	var roles, teams words
	fl.Var(&roles, "role", "a `role`: analyst, responder, lead, engineer, auditor or admin; several times for several")
	fl.Var(&teams, "team", "a `team`; several times for several")
	email := fl.String("email", "", "the mail `address`")
	service := fl.Bool("service", false, "a service account: it has tokens, no password, and never votes")
	secret := fl.Bool("password-stdin", false, "read the password from standard input; without it make a link with tocsin user link")
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	o := app.Order{Do: "user.add", Name: rest[0], Email: *email, Roles: roles, Teams: teams, Service: *service}
	switch {
	case len(roles) == 0:
		return misuse{"--role is missing"}
	case *service && *secret:
		return misuse{"a service account has no password"}
	case *secret:
		if o.Password, err = readPassword(sh.in); err != nil {
			return err
		}
	}
	r, err := sh.order(ctx, cfg, o)
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(r.User)
		return nil
	}
	sh.say("%s is added with %s", r.User.Name, strings.Join(r.User.Roles, ", "))
	if !*secret && !*service {
		sh.say("tocsin user link %s makes a link with which the password is set", r.User.Name)
	}
	return nil
}

// maxPassword bounds what is read as one, in bytes.
const maxPassword = 4096

func readPassword(from io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(from, maxPassword)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if err != nil && line == "" {
		return "", fault.New(fault.InvalidInput, "there is no password on standard input")
	}
	return line, nil
}

func linkUser(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "user.link", Name: rest[0]})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(map[string]any{"url": r.Link, "expires_at": r.Until})
		return nil
	}
	sh.say("%s", r.Link)
	sh.say("It opens once, until %s.", when(r.Until))
	return nil
}

func disableUser(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "user.disable", Name: rest[0]})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(r.User)
		return nil
	}
	sh.say("%s is disabled", r.User.Name)
	return nil
}

func listUsers(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, _, err := sh.folder(fl, args, 0, 0)
	if err != nil {
		return err
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "user.list"})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(lookup.List[account.User]{Items: append([]account.User{}, r.Users...)})
		return nil
	}
	var rows [][]string
	for _, u := range r.Users {
		state := "active"
		if u.Disabled {
			state = "disabled"
		}
		rows = append(rows, []string{u.Name, string(u.Kind), strings.Join(u.Roles, ","), strings.Join(u.Teams, ","), state, when(u.LastLogin)})
	}
	sh.table("nobody", []string{"NAME", "KIND", "ROLES", "TEAMS", "STATE", "LAST LOG-IN"}, rows)
	return nil
}

func tokenCommands() []command {
	return []command{
		{
			name: "token new", args: "NAME --scope S… [--for LABEL] [--days N] [--data DIR]", short: "Make an API token for an account",
			example: `tocsin token new anna --scope read --scope decide --for laptop
			tocsin token new feeder --scope write --days 90`,
			run: newToken,
		},
		{name: "token list", args: "[NAME] [--data DIR]", short: "List tokens, never their text", example: "tocsin token list anna", run: listTokens},
		{name: "token revoke", args: "ID [--data DIR]", short: "End a token at once", example: "tocsin token revoke tok_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b", run: revokeToken},
	}
}

func newToken(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	var scopes words
	fl.Var(&scopes, "scope", "a `scope`: read, write, operate, decide, admin or metrics; several times for several")
	fl.Var(&scopes, "scopes", "the same, with commas between the `scopes`")
	user := fl.String("user", "", "the account's `name`, in place of the argument")
	label := fl.String("for", "command line", "what the token is for, in `words`")
	fl.StringVar(label, "name", *label, "the same `words`")
	days := fl.Int("days", 0, "how many `days` it holds; as long as tokens may unless said otherwise")
	cfg, rest, err := sh.folder(fl, args, 0, 1)
	if err != nil {
		return err
	}
	owner := *user
	if len(rest) == 1 {
		owner = rest[0]
	}
	switch {
	case owner == "" || *user != "" && len(rest) == 1 && rest[0] != *user:
		return misuse{"name one account"}
	case len(scopes) == 0:
		return misuse{"--scope is missing"}
	case *days < 0:
		return misuse{"--days is a number from 1"}
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "token.new", Name: owner, ID: *label, Scopes: scopes, Days: *days})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(httpapi.NewToken{Token: r.Text, About: *r.Token})
		return nil
	}
	sh.say("%s", r.Text)
	sh.say("This is %s of %s, with %s, until %s. It is shown this once.", r.Token.ID, owner, strings.Join(r.Token.Scopes, ", "), when(r.Token.ExpiresAt))
	return nil
}

func listTokens(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 0, 1)
	if err != nil {
		return err
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "token.list", Name: strings.Join(rest, "")})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(lookup.List[account.Token]{Items: append([]account.Token{}, r.Tokens...)})
		return nil
	}
	var rows [][]string
	for _, t := range r.Tokens {
		state := "valid"
		if t.RevokedAt != nil {
			state = "revoked"
		}
		rows = append(rows, []string{t.ID, t.OwnerName, t.Name, strings.Join(t.Scopes, ","), state, when(t.ExpiresAt), when(t.LastUsed)})
	}
	sh.table("no tokens", []string{"ID", "OWNER", "FOR", "SCOPES", "STATE", "UNTIL", "LAST USED"}, rows)
	return nil
}

func revokeToken(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	if !ident.Valid(ident.Token, rest[0]) {
		return misuse{"the id of a token is tok_ and 32 hex digits"}
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "token.revoke", ID: rest[0]})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(r.Token)
		return nil
	}
	sh.say("%s is revoked", r.Token.ID)
	return nil
}
