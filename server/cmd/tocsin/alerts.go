package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

const alertExample = "alr_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b"

func alertCommands() []command {
	return []command{
		{
			name: "alerts list", args: "[--severity S] [--status S] [--source NAME] [--owner NAME] [--q TEXT] [--since TIME]", short: "List alerts, newest first",
			example: "tocsin alerts list --status new --severity critical --since 24h", run: listAlerts,
		},
		{name: "alerts show", args: "ID", short: "Show an alert with its runs and related ones", example: "tocsin alerts show " + alertExample, run: showAlert},
		{
			name: "alerts send", args: "SOURCE FILE [--secret-env NAME | --bearer-env NAME] [--header NAME=VALUE]…", short: "Send a recorded alert to a source",
			example: "EDR_SECRET=… tocsin alerts send edr alert.json --secret-env EDR_SECRET", run: sendAlert,
		},
		{
			name: "alerts close", args: "ID --reason TEXT [--verdict V]", short: "Close an alert",
			example: "tocsin alerts close " + alertExample + ` --verdict false_positive --reason "the backup job"`, run: closeAlert,
		},
	}
}

func listAlerts(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	q, err := lister(fl, args,
		filter{"severity", "only of this `severity`: informational, low, medium, high or critical"},
		filter{"status", "only with this `status`: new, in_progress or closed"},
		filter{"source", "only from the source with this `name`"},
		filter{"owner", "only of the person with this `name`"},
		filter{"q", "only with this `text` in title, source id or entities"},
		filter{"since", "only since this `time`, or for this long"})
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "alerts", q, nil, func(l lookup.List[alert.Alert]) {
		var rows [][]string
		for _, a := range l.Items {
			rows = append(rows, []string{a.ID, string(a.Severity), string(a.Status), a.Source, a.Title, strconv.FormatInt(a.Count, 10), when(&a.LastSeen)})
		}
		sh.table("no alerts", []string{"ID", "SEVERITY", "STATUS", "SOURCE", "TITLE", "COUNT", "LAST SEEN"}, rows)
		sh.more(l.Next)
	})
}

// alertView is what is shown of an alert in words.
type alertView struct {
	ID, Title, Description, Source string
	Severity, Status               string
	Verdict                        *string
	Owner, Reason                  string
	Count                          int64
	FirstSeen                      time.Time `json:"first_seen"`
	LastSeen                       time.Time `json:"last_seen"`
	Hosts                          []struct{ Name string }
	Users                          []struct{ Name string }
	IPs                            []string
	Runs                           []struct{ ID, Playbook, Status string }
	Related                        []struct {
		ID, Title string
		Why       []string
	}
}

func showAlert(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	one, err := id(fl, args, ident.Alert)
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "alerts/"+one, nil, nil, sh.alert)
}

func (sh *shell) alert(a alertView) {
	sh.say("%s  %s  %s", a.ID, a.Severity, a.Status)
	sh.say("%s", a.Title)
	if a.Description != "" {
		sh.say("%s", a.Description)
	}
	sh.say("from %s, seen %d times, first %s, last %s", a.Source, a.Count, when(&a.FirstSeen), when(&a.LastSeen))
	if a.Verdict != nil || a.Reason != "" {
		verdict := "no verdict"
		if a.Verdict != nil {
			verdict = *a.Verdict
		}
		sh.say("%s: %s", verdict, a.Reason)
	}
	for _, h := range a.Hosts {
		sh.say("host     %s", h.Name)
	}
	for _, u := range a.Users {
		sh.say("user     %s", u.Name)
	}
	for _, ip := range a.IPs {
		sh.say("address  %s", ip)
	}
	for _, r := range a.Runs {
		sh.say("run      %s  %s  %s", r.ID, r.Playbook, r.Status)
	}
	for _, r := range a.Related {
		sh.say("related  %s  %s (%s)", r.ID, r.Title, strings.Join(r.Why, ", "))
	}
}

func sendAlert(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	secretEnv := fl.String("secret-env", "", "sign it with the secret in the environment variable of this `name`, in the style tocsin")
	bearerEnv := fl.String("bearer-env", "", "send the token in the environment variable of this `name`")
	var more pairs
	fl.Var(&more, "header", "a further header, `name=value`; several times for several")
	rest, err := parse(fl, args, 2, 2)
	if err != nil {
		return err
	}
	source, file := rest[0], rest[1]
	if !ident.Slug(source) {
		return misuse{"a source's name is of a-z, 0-9 and -, at most 64"}
	}
	body, err := sh.payload(file)
	if err != nil {
		return err
	}
	headers := map[string]string{}
	for _, h := range more {
		headers[h[0]] = h[1]
	}
	if *secretEnv != "" {
		secret, err := sh.variable(*secretEnv)
		if err != nil {
			return err
		}
		sign(headers, secret, body, time.Now())
	}
	if *bearerEnv != "" {
		token, err := sh.variable(*bearerEnv)
		if err != nil {
			return err
		}
		headers["Authorization"] = "Bearer " + token
	}
	c, err := sh.dial(false)
	if err != nil {
		return err
	}
	raw, err := c.send(ctx, http.MethodPost, c.base.JoinPath("hooks", source), body, headers)
	if err != nil {
		return err
	}
	return show(sh, raw, sh.taken)
}

func (sh *shell) taken(a intake.Answer) {
	for _, x := range a.Alerts {
		if x.New {
			sh.say("%s is new", x.ID)
		} else {
			sh.say("%s was known", x.ID)
		}
	}
	for _, r := range a.Runs {
		sh.say("%s is queued", r)
	}
}

// payload reads a file, "-" for standard input.
func (sh *shell) payload(file string) ([]byte, error) {
	if file == "-" {
		return readAll(sh.in, "standard input")
	}
	return readFile(file)
}

// variable reads a secret from the environment, so that it stands in no list of
// processes.
func (sh *shell) variable(name string) (string, error) {
	v := sh.env[name]
	if v == "" {
		return "", fault.New(fault.InvalidInput, "the environment variable %s is not set", name)
	}
	return v, nil
}

// sign gives a delivery the headers of the style tocsin.
func sign(headers map[string]string, secret string, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	headers["X-Timestamp"], headers["X-Signature"] = at, "sha256="+hex.EncodeToString(mac.Sum(nil))
}

func closeAlert(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	reason := fl.String("reason", "", "why, in `words`")
	verdict := fl.String("verdict", "", "the `word`: true_positive, false_positive or benign")
	one, err := id(fl, args, ident.Alert)
	if err != nil {
		return err
	}
	body := map[string]any{"status": alert.Closed, "reason": *reason}
	switch {
	case *reason == "":
		return misuse{"--reason is missing"}
	case *verdict != "" && !slices.Contains([]string{"true_positive", "false_positive", "benign"}, *verdict):
		return misuse{"--verdict is true_positive, false_positive or benign"}
	case *verdict != "":
		body["verdict"] = *verdict
	}
	return talk(ctx, sh, http.MethodPatch, "alerts/"+one, nil, body, func(a alertView) {
		sh.say("%s is %s", a.ID, a.Status)
	})
}
