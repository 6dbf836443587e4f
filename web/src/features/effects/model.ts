// The ledger, as the screen says it. Pure.
import { groupBy } from "../../lib/group";
import { short } from "../../lib/ids";
import { never } from "../../lib/never";
import type { State } from "../../lib/states";
import type { Effect } from "../../lib/wire";

export type Asset = { kind: string; value: string; owner: string; tags: string[]; effects: Effect[] };

/** What an effect is on: its targets, else the first word that its undo needs (the key of a ticket). */
export function targetsOf(
  e: Pick<Effect, "targets" | "inverse">,
): { kind: string; value: string; owner: string; tags: string[] }[] {
  const own = e.targets ?? [];
  if (own.length > 0) return own.map((t) => ({ kind: t.kind, value: t.value, owner: t.owner, tags: t.tags ?? [] }));
  const [name, value] =
    Object.entries(e.inverse.params ?? {}).find(([, v]) => typeof v === "string" && v.length <= 80) ?? [];
  return typeof value === "string" ? [{ kind: name ?? "", value, owner: "", tags: [] }] : [];
}

/** By asset, because that is how one asks. */
export function byAsset(effects: readonly Effect[]): Asset[] {
  const groups = groupBy(effects, (e) => {
    const t = targetsOf(e)[0];
    return t ? `${t.kind} ${t.value}` : "";
  });
  return [...groups.values()]
    .map((xs) => {
      const t = xs[0] && targetsOf(xs[0])[0];
      return {
        kind: t?.kind ?? "",
        value: t?.value ?? "no target",
        owner: t?.owner ?? "",
        tags: t?.tags ?? [],
        effects: [...xs].sort((x, y) => y.since.localeCompare(x.since)),
      };
    })
    .sort((x, y) => x.value.localeCompare(y.value));
}

const words = (action: string): string => {
  const w = action.slice(action.lastIndexOf(".") + 1).replaceAll("_", " ");
  return `${w[0]?.toUpperCase() ?? ""}${w.slice(1)}`;
};

export const effectWords = (e: Pick<Effect, "action">): string => words(e.action);
export const inverseWords = (e: Pick<Effect, "inverse">): string => words(e.inverse.action);

export function effectState(e: Effect): { state: State; words: string } {
  switch (e.status) {
    case "in_force":
      return {
        state: "succeeded",
        words: (e.holds ?? []).length > 1 ? `in force, held by ${(e.holds ?? []).length} runs` : "in force",
      };
    case "undoing":
      return { state: "undoing", words: "being undone" };
    case "undone":
      return {
        state: "undone",
        words:
          { expiry: "ended by itself", person: "undone", run: "undone by its run", policy: "ended by policy" }[
            e.ended_by
          ] ?? "undone",
      };
    case "undo_failed":
      return { state: "failed", words: "undo failed" };
    case "in_doubt":
      return { state: "in-doubt", words: "in doubt" };
    case "foreign":
      return { state: "not-started", words: "was there before us" };
    case "drifted":
      return { state: "failed", words: "not as we left it" };
    default:
      return never(e.status);
  }
}

/** Who said yes, over all holds. */
export function approvedBy(e: Effect): string {
  const names = [...new Set((e.holds ?? []).flatMap((h) => h.approved_by ?? []))];
  if (names.length > 0) return names.join(", ");
  if (e.status === "foreign") return "not by us";
  // Once it is being undone its holds are gone, and with them who agreed.
  return (e.holds ?? []).length > 0 ? "policy, alone" : "";
}

/** Whether it can be undone now, and why not. */
export function undoWhyNot(e: Effect): string {
  switch (e.status) {
    case "undone":
      return "It is undone.";
    case "undoing":
      return "It is being undone.";
    default:
      return e.inverse.action ? "" : "It has no inverse.";
  }
}

/** The other runs that want it, in words. */
export const keptBy = (e: Effect): string => {
  const n = (e.holds ?? []).length;
  return n > 1
    ? `${n} runs hold it: ${(e.holds ?? []).map((h) => short(h.run)).join(", ")}. Undoing ends all of their holds.`
    : "";
};
