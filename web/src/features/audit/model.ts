// An entry of the audit log as a sentence: who, did, what, how. Pure.
import { short } from "../../lib/ids";
import type { AuditEntry } from "../../lib/wire";

const DID: Record<string, string> = {
  "alert.receive": "received",
  "alert.edit": "changed",
  "approval.decide": "decided",
  "approval.answer": "answered",
  "approval.withdraw": "took back",
  "approval.extend": "gave more time to",
  "approval.open": "asked about",
  "action.dispatch": "sent",
  "action.try": "tried",
  "action.done": "finished",
  decision: "ruled on",
  "effect.begin": "put in force",
  "effect.end": "ended",
  "effect.undo": "asked to undo",
  "effect.expire": "ended in time",
  "effect.extend": "asked to extend",
  "run.start": "started",
  "run.cancel": "cancelled",
  "run.retry": "retried",
  "run.resolve": "said what happened to",
  "run.undo": "asked to undo",
  "run.waiting": "waits in",
  "run.succeeded": "finished",
  "run.failed": "failed in",
  "run.cancelled": "ended",
  "halt.on": "halted",
  "halt.off": "lifted the halt of",
  "playbook.edit": "saved",
  "playbook.publish": "published",
  "policy.activate": "activated",
  "session.begin": "signed in",
  "session.end": "signed out",
  "session.link": "opened a link for",
  "alert.refused": "turned away",
  "halt.ask_off": "asked to lift the halt of",
  "schedule.pause": "paused",
  "schedule.resume": "resumed",
  "schedule.run": "ran",
  "connection.manage": "changed",
  "user.add": "added",
  "user.link": "made a link for",
  "user.disable": "disabled",
  "token.new": "made",
  "token.revoke": "revoked",
  "audit.key": "began the chain of",
  "backup.restore": "restored",
};

/** What was done, as a verb in the past. */
export const didWords = (e: Pick<AuditEntry, "verb" | "outcome">): string => {
  const w = DID[e.verb] ?? e.verb.replace(/[._]/g, " ");
  return e.outcome === "refused" ? `was refused: ${w}` : w;
};

export const whoWords = (e: Pick<AuditEntry, "actor">): string =>
  e.actor.kind === "token" ? `token ${e.actor.name || short(e.actor.id)}` : e.actor.name || e.actor.kind;

/** Where it was done and by what proof of identity. */
export function howWords(e: AuditEntry): string {
  const parts = [e.run ? short(e.run) : "", e.step, e.actor.auth, e.actor.ip, e.reason ? `“${e.reason}”` : ""];
  return parts.filter(Boolean).join(", ");
}

/** The page of the app that shows the object, where there is one. */
export type ObjectLink =
  | { to: "/alerts/$id" | "/runs/$id" | "/approvals/$id"; id: string }
  | { to: "/playbooks/$name"; name: string }
  | null;

export function objectLink(o: AuditEntry["object"]): ObjectLink {
  switch (o.kind) {
    case "alert":
      return { to: "/alerts/$id", id: o.id };
    case "run":
      return { to: "/runs/$id", id: o.id };
    case "approval":
      return { to: "/approvals/$id", id: o.id };
    case "playbook":
      return { to: "/playbooks/$name", name: o.id };
    default:
      return null;
  }
}

export const cut = (hash: string): string => (hash ? `${hash.slice(0, 4)}…${hash.slice(-2)}` : "");
