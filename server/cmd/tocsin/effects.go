package main

import (
	"context"
	"flag"
	"net/http"
	"strings"

	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

const effectExample = "eff_019a5c7e8f7a7c0e9f4b1c2d3e4f5a6b"

func effectCommands() []command {
	return []command{
		{name: "effects list", args: "[--status S] [--run ID] [--target VALUE]", short: "List what is or was in force", example: "tocsin effects list --status in_force", run: listEffects},
		{name: "effects undo", args: "ID --reason TEXT", short: "Undo an effect", example: "tocsin effects undo " + effectExample + ` --reason "cleaned"`, run: undoEffect},
		{
			name: "effects extend", args: "ID --until TIME [--reason TEXT]", short: "Ask for a later end of an effect",
			example: "tocsin effects extend " + effectExample + ` --until 4h --reason "not cleaned yet"`, run: extendEffect,
		},
	}
}

func listEffects(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	q, err := lister(fl, args,
		filter{"status", "only with this `status`: in_force, undoing, undone, undo_failed, in_doubt, foreign or drifted"},
		filter{"run", "only of the run with this `id`"},
		filter{"target", "only on the target with this `value`"})
	if err != nil {
		return err
	}
	return talk(ctx, sh, http.MethodGet, "effects", q, nil, func(l lookup.List[ledger.Effect]) {
		var rows [][]string
		for _, e := range l.Items {
			rows = append(rows, []string{e.ID, string(e.Status), e.Action, targets(e), when(&e.Since), when(e.Until)})
		}
		sh.table("no effects", []string{"ID", "STATUS", "ACTION", "TARGETS", "SINCE", "UNTIL"}, rows)
		sh.more(l.Next)
	})
}

func targets(e ledger.Effect) string {
	var out []string
	for _, t := range e.Targets {
		out = append(out, t.Kind+" "+t.Value)
	}
	return strings.Join(out, ", ")
}

func undoEffect(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	reason := fl.String("reason", "", "why, in `words`")
	one, err := id(fl, args, ident.Effect)
	if err != nil {
		return err
	}
	if *reason == "" {
		return misuse{"--reason is missing"}
	}
	return talk(ctx, sh, http.MethodPost, "effects/"+one+"/undo", nil, map[string]any{"reason": *reason}, func(e ledger.Effect) {
		sh.say("%s on %s is %s, by %s", e.Action, targets(e), string(e.Status), e.UndoRun)
	})
}

func extendEffect(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	until := fl.String("until", "", "the new end: a `time` (RFC 3339), or how long from now, like 4h")
	reason := fl.String("reason", "", "why, in `words`")
	one, err := id(fl, args, ident.Effect)
	if err != nil {
		return err
	}
	end, err := moment(*until, 1)
	if err != nil {
		return misuse{"--until is a time (RFC 3339), or how long from now, like 4h"}
	}
	return talk(ctx, sh, http.MethodPost, "effects/"+one+"/extend", nil, map[string]any{"until": end, "reason": *reason}, func(e ledger.Effect) {
		sh.say("%s on %s ends %s; a later end is asked of the policy", e.Action, targets(e), when(e.Until))
	})
}
