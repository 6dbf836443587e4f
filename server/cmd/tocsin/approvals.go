package main

import (
	"context"
	"flag"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

const approvalExample = "apr_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b"

func approvalCommands() []command {
	return []command{
		{name: "approvals list", args: "[--status S] [--run ID]", short: "List approvals, newest first", example: "tocsin approvals list --status pending", run: listApprovals},
		{name: "approvals show", args: "ID", short: "Show what exactly would be approved", example: "tocsin approvals show " + approvalExample, run: showApproval},
		{
			name: "approvals approve", args: "ID [--digest D] [--comment TEXT]", short: "Approve exactly what is shown",
			example: `tocsin approvals approve ` + approvalExample + ` --comment "seen in the EDR"`, run: decide("approve"),
		},
		{
			name: "approvals deny", args: "ID [--digest D] --comment TEXT", short: "Deny it",
			example: `tocsin approvals deny ` + approvalExample + ` --comment "this is the mail gateway"`, run: decide("deny"),
		},
		{
			name: "approvals answer", args: "ID --answer JSON [--digest D]", short: "Answer a playbook's question",
			example: `tocsin approvals answer ` + approvalExample + ` --answer '{"block":true}'`, run: answer,
		},
	}
}

func listApprovals(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	q, err := lister(fl, args,
		filter{"status", "only with this `status`: pending, approved, denied, expired, void or withdrawn"},
		filter{"run", "only of the run with this `id`"})
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "approvals", q, nil, func(l lookup.List[approval.Request]) {
		var rows [][]string
		for _, a := range l.Items {
			rows = append(rows, []string{a.ID, string(a.Status), string(a.Kind), a.Title, a.Playbook, when(&a.Deadline)})
		}
		sh.table("no approvals", []string{"ID", "STATUS", "KIND", "WHAT", "PLAYBOOK", "UNTIL"}, rows)
		sh.more(l.Next)
	})
}

func showApproval(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	one, err := id(fl, args, ident.Approval)
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "approvals/"+one, nil, nil, sh.approval)
}

// approval shows a request in words, with all that its digest stands for.
func (sh *shell) approval(a approval.Request) {
	sh.say("%s  %s  %s", a.ID, string(a.Kind), string(a.Status))
	if a.Title != "" {
		sh.say("%s", a.Title)
	}
	if a.Action != "" {
		sh.say("action      %s (%s) through %s", a.Action, a.Impact, a.Connection)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Params)) {
		sh.say("parameter   %s: %s", name, shown(a.Params[name]))
	}
	for _, t := range a.Targets {
		sh.say("target      %s %s %s", t.Kind, t.Value, strings.Join(t.Tags, " "))
	}
	for _, r := range a.Reasons {
		sh.say("because     %s: %s", r.Rule, r.Reason)
	}
	for _, n := range a.Required {
		sh.say("needs       %d of %s for %s", n.Quorum, strings.Join(n.Who, ", "), n.Rule)
	}
	for _, v := range a.Votes {
		sh.say("vote        %s by %s %s", v.Decision, v.By, v.Comment)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Form)) {
		sh.say("field       %s: %s", name, shown(a.Form[name]))
	}
	if a.Inverse != nil {
		sh.say("undone by   %s", a.Inverse.Action)
	}
	sh.say("run         %s, step %s", a.Run, a.Step)
	sh.say("until       %s; silence is a refusal", when(&a.Deadline))
	sh.say("digest      %s", a.Digest)
}

// seen fetches a request, shows it and gives its digest; one that was read before,
// given by --digest, must still be it.
func (c *client) seen(ctx context.Context, sh *shell, one, digest string) (approval.Request, error) {
	raw, err := c.ask(ctx, http.MethodGet, "approvals/"+one, nil, nil)
	if err != nil {
		return approval.Request{}, err
	}
	a, err := read[approval.Request](raw)
	if err != nil {
		return a, err
	}
	if !sh.json {
		sh.approval(a)
	}
	if digest != "" && digest != a.Digest {
		return a, fault.New(fault.Conflict, "the request is not the one that you have read: its digest is another").WithCode("digest_changed")
	}
	return a, nil
}

func decide(word string) func(context.Context, *shell, *flag.FlagSet, []string) error {
	return func(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
		digest := fl.String("digest", "", "the `digest` that you have read; without it that of the request shown now")
		comment := fl.String("comment", "", "why, in `words`")
		one, err := id(fl, args, ident.Approval)
		if err != nil {
			return err
		}
		if word == "deny" && *comment == "" {
			return misuse{"--comment is missing"}
		}
		c, err := sh.dial(true)
		if err != nil {
			return err
		}
		a, err := c.seen(ctx, sh, one, *digest)
		if err != nil {
			return err
		}
		if a.Kind == approval.KindQuestion && word == "approve" {
			return fault.New(fault.InvalidInput, "this is a question; tocsin approvals answer answers it").WithCode("answer_needed")
		}
		raw, err := c.ask(ctx, http.MethodPost, "approvals/"+one+"/decision", nil, map[string]any{"decision": word, "digest": a.Digest, "comment": *comment})
		if err != nil {
			return err
		}
		return show(sh, raw, sh.outcome)
	}
}

func (sh *shell) outcome(a approval.Request) {
	sh.say("")
	switch {
	case a.HeldUntil != nil && a.Status == approval.Approved:
		sh.say("it is %s; it is sent after %s unless somebody withdraws it", string(a.Status), when(a.HeldUntil))
	case a.Status == approval.Pending:
		sh.say("your vote is counted; it waits for others")
	default:
		sh.say("it is %s", string(a.Status))
	}
}

func answer(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	digest := fl.String("digest", "", "the `digest` that you have read; without it that of the question shown now")
	text := fl.String("answer", "", "the fields of the form as a `JSON` object, or @FILE")
	one, err := id(fl, args, ident.Approval)
	if err != nil {
		return err
	}
	if *text == "" {
		return misuse{"--answer is missing"}
	}
	fields, err := object("answer", *text)
	if err != nil {
		return err
	}
	c, err := sh.dial(true)
	if err != nil {
		return err
	}
	a, err := c.seen(ctx, sh, one, *digest)
	if err != nil {
		return err
	}
	raw, err := c.ask(ctx, http.MethodPost, "approvals/"+one+"/answer", nil, map[string]any{"digest": a.Digest, "answer": fields})
	if err != nil {
		return err
	}
	return show(sh, raw, sh.outcome)
}
