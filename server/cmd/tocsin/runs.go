package main

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func runCommands() []command {
	return []command{
		{
			name: "runs list", args: "[--status S] [--playbook NAME] [--waiting KIND] [--alert ID] [--since TIME]", short: "List runs, newest first",
			example: "tocsin runs list --status waiting --waiting in_doubt", run: listRuns,
		},
		{name: "runs show", args: "ID", short: "Show a run with its steps", example: "tocsin runs show run_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b", run: showRun},
		{
			name: "runs cancel", args: "ID [--force --reason TEXT]", short: "End a run early",
			example: "tocsin runs cancel run_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b --reason \"started twice\"", run: cancelRun,
		},
		{
			name: "runs resolve", args: "ID --step PATH --as done|failed|retry [--output JSON] --reason TEXT", short: "Say what became of a step in doubt",
			example: `tocsin runs resolve run_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b --step "contain/each[3]/isolate" --as failed --reason "the console shows nothing"`, run: resolveRun,
		},
	}
}

// pairs are NAME=VALUE flags in the order given.
type pairs [][2]string

func (p *pairs) String() string { return "" }

// Set adds one.
func (p *pairs) Set(text string) error {
	name, v, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return misuse{"it is NAME=VALUE"}
	}
	*p = append(*p, [2]string{name, v})
	return nil
}

func runPlaybook(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	var given pairs
	fl.Var(&given, "input", "an input, `name=value`; a value that is no text is JSON")
	alert := fl.String("alert", "", "the `id` of the alert to run it on")
	wait := fl.String("wait", "", "wait for the end, at most this `long`; exit code 1 when it failed or has not ended")
	name, err := slug(fl, args)
	if err != nil {
		return err
	}
	var long time.Duration
	if *wait != "" {
		if long, err = document.ParseDuration(*wait); err != nil {
			return misuse{"--wait is a duration, like 30s"}
		}
	}
	if *alert != "" && !ident.Valid(ident.Alert, *alert) {
		return misuse{"--alert is alr_ and 32 hex digits"}
	}
	c, err := sh.dial(true)
	if err != nil {
		return err
	}
	inputs, err := c.inputs(ctx, name, given)
	if err != nil {
		return err
	}
	body := map[string]any{"inputs": inputs}
	if *alert != "" {
		body["alert"] = *alert
	}
	raw, err := c.ask(ctx, http.MethodPost, "playbooks/"+name+"/runs", nil, body)
	if err != nil {
		return err
	}
	run, err := read[engine.Run](raw)
	if err != nil {
		return err
	}
	if raw, run, err = c.follow(ctx, raw, run, long); err != nil {
		return err
	}
	if err := show(sh, raw, sh.run); err != nil {
		return err
	}
	if long > 0 && run.Status != engine.RunSucceeded {
		return errFound
	}
	return nil
}

// follow looks at a run until it has ended or the time is over.
func (c *client) follow(ctx context.Context, raw []byte, run engine.Run, most time.Duration) ([]byte, engine.Run, error) {
	for end := time.Now().Add(most); !run.Status.Final() && time.Now().Before(end); {
		if !pause(ctx, min(pollEvery, time.Until(end))) {
			break
		}
		var err error
		if raw, err = c.ask(ctx, http.MethodGet, "runs/"+run.ID, nil, nil); err != nil {
			return raw, run, err
		}
		if run, err = read[engine.Run](raw); err != nil {
			return raw, run, err
		}
	}
	return raw, run, nil
}

// pollEvery is how often a run that is waited for is looked at.
const pollEvery = 500 * time.Millisecond

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// inputs gives what was typed the types that the playbook declares.
func (c *client) inputs(ctx context.Context, name string, given pairs) (map[string]any, error) {
	out := map[string]any{}
	if len(given) == 0 {
		return out, nil
	}
	raw, err := c.ask(ctx, http.MethodGet, "playbooks/"+name, nil, nil)
	if err != nil {
		return nil, err
	}
	book, err := read[httpapi.Playbook](raw)
	if err != nil {
		return nil, err
	}
	for _, g := range given {
		i := slices.IndexFunc(book.Inputs, func(in httpapi.Input) bool { return in.Name == g[0] })
		if i < 0 || textual(book.Inputs[i].Schema) { // the server names an unknown one
			out[g[0]] = g[1]
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(g[1]), &v); err != nil {
			return nil, misuse{"the input " + g[0] + " is JSON: a number, true, [\"a\"] …"}
		}
		out[g[0]] = json.RawMessage(g[1])
	}
	return out, nil
}

// textual says that a schema takes text: it is not read as JSON then.
func textual(schema map[string]any) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == "string"
	case []any:
		return slices.Contains(t, any("string"))
	}
	return true
}

// slug parses the flags and gives the one argument, a playbook's or source's name.
func slug(fl *flag.FlagSet, args []string) (string, error) {
	rest, err := parse(fl, args, 1, 1)
	if err != nil {
		return "", err
	}
	if !ident.Slug(rest[0]) {
		return "", misuse{"a name is of a-z, 0-9 and -, at most 64"}
	}
	return rest[0], nil
}

// id parses the flags and gives the one argument, an id.
func id(fl *flag.FlagSet, args []string, p ident.Prefix) (string, error) {
	rest, err := parse(fl, args, 1, 1)
	if err != nil {
		return "", err
	}
	if !ident.Valid(p, rest[0]) {
		return "", misuse{"the id is " + string(p) + " and 32 hex digits"}
	}
	return rest[0], nil
}

func publishPlaybook(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	version := fl.String("version", "", "the draft that you have read, `sha256:` and hex; another one is refused")
	name, err := slug(fl, args)
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodPost, "playbooks/"+name+"/publish", nil, map[string]any{"version": *version}, func(p httpapi.Playbook) {
		sh.say("%s is in force as %s", p.Name, p.Version)
	})
}

func listRuns(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	q, err := lister(fl, args,
		filter{"status", "only with this `status`: queued, running, waiting, succeeded, failed or cancelled"},
		filter{"playbook", "only of the playbook with this `name`"},
		filter{"waiting", "only those that wait for this `kind`: approval, question, timer, in_doubt, …"},
		filter{"alert", "only for the alert with this `id`"},
		filter{"since", "only since this `time`, or for this long"})
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "runs", q, nil, func(l lookup.List[engine.Run]) {
		var rows [][]string
		for _, r := range l.Items {
			rows = append(rows, []string{r.ID, r.Playbook, string(r.Status), r.Trigger.Kind, when(&r.CreatedAt), waitsFor(r)})
		}
		sh.table("no runs", []string{"ID", "PLAYBOOK", "STATUS", "TRIGGER", "SINCE", "WAITS FOR"}, rows)
		sh.more(l.Next)
	})
}

func waitsFor(r engine.Run) string {
	var out []string
	for _, w := range r.Waiting {
		out = append(out, w.Text)
	}
	return strings.Join(out, "; ")
}

func showRun(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	run, err := id(fl, args, ident.Run)
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "runs/"+run, nil, nil, sh.run)
}

// run shows a run in words.
func (sh *shell) run(r engine.Run) {
	sh.say("%s  %s  %s", r.ID, r.Playbook, string(r.Status))
	sh.say("started %s, ended %s", when(r.StartedAt), when(r.EndedAt))
	if r.Error != nil {
		sh.say("error %s at %s: %s", r.Error.Kind, r.Error.Step, r.Error.Message)
	}
	for _, w := range r.Waiting {
		sh.say("waits at %s: %s", w.Step, w.Text)
	}
	var rows [][]string
	for _, s := range r.Steps {
		why := s.Approval
		if s.Error != nil {
			why = s.Error.Kind + ": " + s.Error.Message
		}
		rows = append(rows, []string{s.Path, string(s.Status), s.Action, s.Connection, why})
	}
	if len(rows) > 0 {
		sh.table("", []string{"STEP", "STATUS", "ACTION", "CONNECTION", ""}, rows)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Outputs)) {
		sh.say("output %s: %s", name, shown(r.Outputs[name]))
	}
}

func cancelRun(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	force := fl.Bool("force", false, "do not wait for its undo: its effects stay in force, in the ledger")
	reason := fl.String("reason", "", "why, in `words`")
	run, err := id(fl, args, ident.Run)
	if err != nil {
		return err
	}
	if *force && *reason == "" {
		return misuse{"--force needs --reason"}
	}
	body := map[string]any{"force": *force, "reason": *reason}
	return talk(ctx, sh, http.MethodPost, "runs/"+run+"/cancel", nil, body, func(r engine.Run) {
		sh.say("%s is being cancelled; it is %s", r.ID, string(r.Status))
	})
}

func resolveRun(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	step := fl.String("step", "", "the `path` of the step")
	as := fl.String("as", "", "the `word`: done, failed or retry")
	output := fl.String("output", "", "with done: what the action gave, `JSON` or @FILE")
	reason := fl.String("reason", "", "how you know, in `words`")
	run, err := id(fl, args, ident.Run)
	if err != nil {
		return err
	}
	switch {
	case *step == "":
		return misuse{"--step is missing"}
	case !slices.Contains([]string{"done", "failed", "retry"}, *as):
		return misuse{"--as is done, failed or retry"}
	case *reason == "":
		return misuse{"--reason is missing"}
	case *output != "" && *as != "done":
		return misuse{"--output goes with --as done"}
	}
	body := map[string]any{"step": *step, "as": *as, "reason": *reason}
	if *output != "" {
		if body["output"], err = value("output", *output); err != nil {
			return err
		}
	}
	return talk(ctx, sh, http.MethodPost, "runs/"+run+"/resolve", nil, body, func(r engine.Run) {
		sh.say("%s goes on; it is %s", r.ID, string(r.Status))
	})
}
