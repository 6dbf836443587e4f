import type { Notification } from "../../lib/wire";
import type { GlyphName } from "../../ui/Sprite";

type Look = { words: string; glyph: GlyphName; tone: "waiting" | "failed" | "in-doubt" | "" };

const LOOK: Record<string, Look> = {
  approval_waiting: { words: "Waits for your decision", glyph: "s-waiting", tone: "waiting" },
  approval_reminder: { words: "Still waits for your decision", glyph: "i-clock", tone: "waiting" },
  approval_escalated: { words: "Now you may decide, too", glyph: "i-people", tone: "waiting" },
  lease_ending: { words: "Ends soon", glyph: "i-clock", tone: "waiting" },
  in_doubt: { words: "Say what happened", glyph: "s-in-doubt", tone: "in-doubt" },
  undo_failed: { words: "Undo failed", glyph: "s-failed", tone: "failed" },
  connection_broken: { words: "Connection fails", glyph: "i-integrations", tone: "failed" },
  note: { words: "A playbook tells you", glyph: "i-bell", tone: "" },
  policy: { words: "The policy tells you", glyph: "i-policies", tone: "" },
};

/** How a kind looks; one that this version does not know is told plainly. */
export const look = (kind: string): Look => LOOK[kind] ?? { words: "", glyph: "i-bell", tone: "" };

export const isNew = (n: Pick<Notification, "read" | "over">): boolean => !n.read && !n.over;

export type Place =
  | { to: "/approvals/$id"; id: string }
  | { to: "/effects"; undo: string }
  | { to: "/runs/$id"; id: string; step: string }
  | { to: "/alerts/$id"; id: string }
  | { to: "/integrations"; at: string };

/** Where a notification leads; its run where its object has no page. */
export function placeOf(n: Pick<Notification, "object" | "run" | "step">): Place | null {
  switch (n.object.kind) {
    case "approval":
      return { to: "/approvals/$id", id: n.object.id };
    case "effect":
      return { to: "/effects", undo: n.object.id };
    case "alert":
      return { to: "/alerts/$id", id: n.object.id };
    case "connection":
      return { to: "/integrations", at: n.object.id };
    default:
      return n.run ? { to: "/runs/$id", id: n.run, step: n.step } : null;
  }
}

/** What became of it, where that is known without opening it. */
export function after(n: Pick<Notification, "kind" | "over">): string {
  if (!n.over) return "";
  if (n.kind.startsWith("approval_")) return "decided";
  if (n.kind === "lease_ending") return "extended or ended";
  if (n.kind === "connection_broken") return "answers again";
  return "settled";
}

export const badge = (unread: number): string => (unread > 99 ? "99+" : String(unread));

/** A later end, by hours from the present one. */
export const later = (until: string, hours: number): string =>
  new Date(Date.parse(until) + hours * 3_600_000).toISOString();
