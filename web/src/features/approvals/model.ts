// An approval, as the screen says it. Pure.
import { groupBy } from "../../lib/group";
import { never } from "../../lib/never";
import { seconds, span } from "../../lib/time";
import type { Alert, Approval, Me, Run, Step } from "../../lib/wire";

const cap = (s: string): string => (s ? `${s[0]?.toUpperCase()}${s.slice(1)}` : s);

/** The words of an action's name: "edr.isolate_host" → "Isolate host". */
function actionWords(action: string): string {
  const last = action.slice(action.lastIndexOf(".") + 1);
  return cap(last.replaceAll("_", " "));
}

export type Headline = { verb: string; targets: string[]; free: boolean };

/** Built from data, verb and target. Free text of a playbook stands only where there is no action. */
export function headline(a: Pick<Approval, "kind" | "action" | "title" | "targets">): Headline {
  const targets = (a.targets ?? []).map((t) => t.value);
  switch (a.kind) {
    case "action":
      return { verb: actionWords(a.action) || a.title, targets, free: false };
    case "extend":
      return {
        verb: a.action ? `Keep longer: ${actionWords(a.action).toLowerCase()}` : "Keep longer",
        targets,
        free: false,
      };
    case "halt":
      return { verb: "Lift the halt", targets: [], free: false };
    case "approval":
    case "question":
      return { verb: a.title, targets, free: true };
    default:
      return never(a.kind);
  }
}

/** The verb as a button repeats it: "isolate host". */
export const verbInside = (h: Headline): string =>
  h.free ? h.verb : `${h.verb[0]?.toLowerCase() ?? ""}${h.verb.slice(1)}`;

export type Blast = { level: "low" | "medium" | "high"; why: string };

const HEAVY_TAGS = ["critical", "tier-0", "tier-1", "protected", "vip"];

/** How much goes wrong if the answer is. Medium and high take two keys. */
export function blast(a: Pick<Approval, "kind" | "impact" | "targets" | "inverse">): Blast {
  const targets = a.targets ?? [];
  const heavy = targets.find((t) => (t.tags ?? []).some((tag) => HEAVY_TAGS.includes(tag.toLowerCase())));
  if (a.kind === "question") return { level: "low", why: "an answer changes nothing by itself" };
  if (heavy && a.impact !== "release")
    return { level: "high", why: `${heavy.value} is tagged ${(heavy.tags ?? []).join(", ")}` };
  if (targets.length > 5) return { level: "high", why: `${targets.length} targets at once` };
  if (a.impact === "contain" && !a.inverse) return { level: "high", why: "it cannot be undone" };
  if (a.impact === "contain" || a.kind !== "action")
    return { level: "medium", why: a.kind === "action" ? "it contains" : "what follows is not shown here" };
  return { level: "low", why: a.impact === "release" ? "it gives back what was taken" : "it does not contain" };
}

/** Votes given and needed, over all requirements. */
export function slots(a: Pick<Approval, "required" | "votes">): { given: number; needed: number } {
  const needed = (a.required ?? []).reduce((n, r) => n + r.quorum, 0);
  const open = (a.required ?? []).filter((r) => !r.met);
  const yes = (a.votes ?? []).filter((v) => v.decision === "approve" && v.counts).length;
  if (open.length === 0 && needed > 0) return { given: needed, needed };
  return { given: Math.min(yes, Math.max(0, needed - 1)), needed };
}

/** "role:responder" → "a responder"; several are joined with "or". */
export function whoWords(who: readonly string[]): string {
  const words = who.map((w) => {
    const at = w.indexOf(":");
    const kind = w.slice(0, at);
    const name = w.slice(at + 1);
    if (kind === "role") return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
    if (kind === "team") return `somebody of ${name}`;
    return name || w;
  });
  return words.length < 2 ? (words[0] ?? "nobody") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

const NUMBER = ["None", "One", "Two", "Three", "Four", "Five"];

/** What is still missing, a line for each unmet requirement. */
export function missing(a: Pick<Approval, "required" | "votes">): { n: string; who: string; not: string }[] {
  const { given, needed } = slots(a);
  const open = (a.required ?? []).filter((r) => !r.met);
  return open.map((r) => {
    const n = open.length === 1 ? Math.max(1, Math.min(r.quorum, needed - given)) : r.quorum;
    const first = given === 0 || open.length > 1;
    return {
      n: `${NUMBER[n] ?? n}${first ? "" : " more"}`,
      who: whoWords(r.who),
      not: (r.not ?? []).map((x) => NOT[x] ?? `not ${x.replace(/^user:/, "")}`).join(", "),
    };
  });
}

const NOT: Record<string, string> = { starter: "not who started the run", author: "not the playbook's author" };

export type Standing = { may: true; decides: boolean; after: number } | { may: false; why: string };

/** Whether this person's vote would count, and whether it would decide. The server has the last word. */
export function standing(a: Approval, me: Me): Standing {
  const mine = (a.votes ?? []).find((v) => same(v.by, me.name));
  if (mine)
    return {
      may: false,
      why: mine.counts ? "You have voted. Others must agree too." : mine.why_not || "Your vote does not count here.",
    };
  const open = (a.required ?? []).filter((r) => !r.met);
  if (open.length === 0) return { may: false, why: "Nothing is missing; the server is about to go on." };
  let excluded = "";
  for (const r of open) {
    if (!entitled(r.who, me)) continue;
    const bar = barred(r.not ?? [], a, me);
    if (bar) {
      excluded ||= bar;
      continue;
    }
    const { given, needed } = slots(a);
    return { may: true, decides: needed - given <= 1, after: Math.max(0, needed - given - 1) };
  }
  const who = open.map((r) => whoWords(r.who)).join("; and ");
  return {
    may: false,
    why: excluded
      ? `${excluded} ${cap(who)} can.`
      : `${cap(who)} can decide this; you have ${me.roles.join(", ") || "no role"}.`,
  };
}

/** Whether this person said yes to it. */
export const votedYes = (a: Pick<Approval, "votes">, me: Me): boolean =>
  (a.votes ?? []).some((v) => v.decision === "approve" && same(v.by, me.name));

const same = (x: string, y: string): boolean => x.toLowerCase() === y.toLowerCase();

function entitled(who: readonly string[], me: Me): boolean {
  return who.some((w) => {
    const at = w.indexOf(":");
    const name = w.slice(at + 1);
    switch (w.slice(0, at)) {
      case "role":
        return me.roles.includes(name);
      case "team":
        return me.teams.includes(name);
      case "user":
        return same(name, me.name);
      default:
        return false;
    }
  });
}

function barred(not: readonly string[], a: Approval, me: Me): string {
  for (const n of not) {
    if (n === "starter" && same(a.starter, me.name)) return "You started this run, so you cannot approve it.";
    if (n === "author" && same(a.author, me.name))
      return "You wrote this version of the playbook, so you cannot approve it.";
    if (n.startsWith("user:") && same(n.slice(5), me.name)) return "The policy excludes you by name.";
  }
  return "";
}

/** What silence does: the next escalation, or what happens at the deadline. */
export function silence(a: Approval, now: number): { at: string; text: string } {
  const asked = Date.parse(a.created_at);
  const next = (a.requirements ?? [])
    .flatMap((r) => r.escalate ?? [])
    .map((e) => ({ at: asked + seconds(e.after) * 1000, who: e.who }))
    .filter((e) => e.at > now && e.at < Date.parse(a.deadline))
    .sort((x, y) => x.at - y.at)[0];
  if (next) return { at: new Date(next.at).toISOString(), text: `Then it also goes to ${whoWords(next.who)}.` };
  if (a.kind === "question")
    return {
      at: a.deadline,
      text: a.otherwise == null ? "Then the step fails." : `Then the answer is ${summary(a.otherwise)}.`,
    };
  return {
    at: a.deadline,
    text: a.kind === "halt" ? "Then everything stays halted." : "Then it counts as no, and nothing is sent.",
  };
}

/** The moment that presses: the next escalation or the deadline. */
export const dueAt = (a: Approval, now: number): string => silence(a, now).at;

/** By how much the deadline may be moved, "" where it may not. */
export function moreTime(a: Approval): string {
  if (a.extended || a.status !== "pending") return "";
  const best = (a.requirements ?? []).map((r) => r.extend).sort((x, y) => seconds(y) - seconds(x))[0];
  return best && seconds(best) > 0 ? best : "";
}

/** How long after the last vote it may still be taken back, in seconds. */
export const holdSeconds = (a: Pick<Approval, "requirements">): number =>
  Math.max(0, ...(a.requirements ?? []).map((r) => seconds(r.hold)));

export type Held = { by: "you" | "others"; until: string };

/** The undo window of the server, while it runs. */
export function held(a: Approval, me: Me, now: number): Held | null {
  if (a.status !== "approved" || !a.held_until || Date.parse(a.held_until) <= now) return null;
  return {
    by: votedYes(a, me) ? "you" : "others",
    until: a.held_until,
  };
}

/** How it ended, in words. */
export function ended(a: Approval, me: Me): string {
  const by = (d: string) => {
    const names = (a.votes ?? []).filter((v) => v.decision === d).map((v) => (same(v.by, me.name) ? "you" : v.by));
    return names.length > 0 ? ` by ${names.join(" and ")}` : "";
  };
  switch (a.status) {
    case "pending":
      return "";
    case "approved":
      return a.kind === "question" ? `Answered${by("approve")}` : `Approved${by("approve")}`;
    case "denied":
      return `Denied${by("deny")}`;
    case "expired":
      return "Nobody answered in time";
    case "void":
      return "Void: what was asked has changed";
    case "withdrawn":
      return "Taken back";
    default:
      return never(a.status);
  }
}

/** The words for what an impact means. */
export function impactWords(a: Pick<Approval, "kind" | "impact">): string {
  switch (a.impact) {
    case "contain":
      return "Contains: it takes something away from the target.";
    case "release":
      return "Releases: it gives back what was taken.";
    case "write":
      return "Writes to another system.";
    case "read":
      return "Only reads.";
    default:
      return a.kind === "question" ? "Your answer steers the run." : "What follows in the playbook goes on or stops.";
  }
}

/** How it is undone, as plainly as can be said. */
export function undoWords(a: Pick<Approval, "kind" | "impact" | "inverse" | "lease_seconds">): string {
  if (a.kind !== "action" || a.impact === "read" || a.impact === "release") return "";
  if (!a.inverse) return "Cannot be undone: the action has no inverse.";
  return a.lease_seconds
    ? `Reversible. Undone by itself after ${span(a.lease_seconds)}.`
    : "Reversible. It stays until somebody undoes it.";
}

export type Fact = {
  what: string;
  value: string;
  verdict: "malicious" | "suspicious" | "benign" | "unknown" | null;
  words: string;
  source: string;
  at: string | null;
};

const WORDS: Record<string, Fact["verdict"]> = {
  malicious: "malicious",
  bad: "malicious",
  malware: "malicious",
  phishing: "malicious",
  blocked: "malicious",
  suspicious: "suspicious",
  risky: "suspicious",
  unsure: "suspicious",
  benign: "benign",
  clean: "benign",
  harmless: "benign",
  good: "benign",
  safe: "benign",
  trusted: "benign",
  unknown: "unknown",
  undetected: "unknown",
  not_found: "unknown",
};

/** What a lookup says, read from the usual fields of its answer; null where it says nothing of the kind. */
export function verdictOf(output: unknown): Fact["verdict"] {
  if (typeof output !== "object" || output === null) return null;
  const o = output as Record<string, unknown>;
  for (const key of ["verdict", "reputation", "classification", "disposition", "result"]) {
    const v = o[key];
    if (typeof v === "string" && v.toLowerCase() in WORDS) return WORDS[v.toLowerCase()] ?? null;
  }
  const n = o["malicious"];
  if (n === true || (typeof n === "number" && n > 0)) return "malicious";
  if (n === false || n === 0) return "benign";
  return null;
}

/** The scalars of an answer in one line: "score 92, hosts 1". */
export function summary(output: unknown): string {
  if (output === null || output === undefined) return "no answer";
  if (typeof output !== "object") return String(output);
  if (Array.isArray(output)) return `${output.length} found`;
  const parts: string[] = [];
  for (const [k, v] of Object.entries(output)) {
    if (v === null || v === "") continue;
    if (Array.isArray(v)) parts.push(`${k.replaceAll("_", " ")}: ${v.length}`);
    else if (typeof v !== "object") parts.push(`${k.replaceAll("_", " ")}: ${String(v)}`);
    if (parts.length === 6) break;
  }
  return parts.join(" · ") || "an answer without plain values";
}

function stepFact(s: Step): Fact | null {
  if (s.impact !== "read") return null;
  const what = s.name || actionWords(s.action);
  const base = { what, source: s.connection, at: s.ended_at };
  if (s.status === "succeeded") return { ...base, value: summary(s.output), verdict: verdictOf(s.output), words: "" };
  if (s.status === "failed" || s.status === "retrying" || s.status === "in_doubt")
    return { ...base, value: s.error?.message ?? "no answer", verdict: "unknown", words: "Not known" };
  return null;
}

/** What speaks for it and against it: the alert's own claims, then what the run looked up. Nothing is left out for being benign. */
export function evidence(alert: Alert | undefined, run: Run | undefined): Fact[] {
  const out: Fact[] = [];
  if (alert) {
    for (const h of alert.hosts) {
      const value = [h.name, h.ip, h.os].filter(Boolean).join("  ");
      if (value) out.push({ what: "Host", value, verdict: null, words: "", source: alert.source, at: alert.last_seen });
    }
    const claim = (what: string, value: string) =>
      value && out.push({ what, value, verdict: null, words: "", source: alert.source, at: alert.last_seen });
    for (const f of alert.files) claim("File", [f.path || f.name, f.sha256].filter(Boolean).join("  "));
    for (const p of alert.processes)
      claim("Process", [p.parent, p.command_line || p.path || p.name].filter(Boolean).join(" › "));
    for (const u of alert.users)
      claim("Person", [u.domain ? `${u.domain}\\${u.name}` : u.name, u.mail].filter(Boolean).join("  "));
    for (const m of alert.mails) claim("Mail", [m.from, m.subject].filter(Boolean).join("  "));
    for (const u of alert.urls) claim("URL", u);
    for (const d of alert.domains) claim("Domain", d);
    for (const ip of alert.ips) claim("Address", ip);
  }
  for (const s of run?.steps ?? []) {
    const f = stepFact(s);
    if (f) out.push(f);
  }
  return out;
}

/** "3 speak for it, 2 against, 1 not known"; "" where no lookup gave a verdict. */
export function balance(facts: readonly Fact[]): { bad: number; good: number; open: number } {
  const n = (...v: Fact["verdict"][]) => facts.filter((f) => v.includes(f.verdict)).length;
  return { bad: n("malicious", "suspicious"), good: n("benign"), open: n("unknown") };
}

/** What presses first comes first. */
export const byDue = (items: readonly Approval[], now: number): Approval[] =>
  [...items].sort((x, y) => dueAt(x, now).localeCompare(dueAt(y, now)) || x.id.localeCompare(y.id));

export type Group = "due" | "playbook" | "target";

/** The list in groups; inside each by due time. */
export function grouped(items: readonly Approval[], by: Group, now: number): { title: string; items: Approval[] }[] {
  const sorted = byDue(items, now);
  switch (by) {
    case "due":
      return [{ title: "", items: sorted }];
    case "playbook":
      return [...groupBy(sorted, (a) => a.playbook || "by hand")].map(([title, xs]) => ({ title, items: xs }));
    case "target":
      return [...groupBy(sorted, (a) => a.targets?.[0]?.value ?? "no target")].map(([title, xs]) => ({
        title,
        items: xs,
      }));
    default:
      return never(by);
  }
}

/** Whether the words of a search stand in what the list shows. */
export function matches(a: Approval, q: string): boolean {
  if (!q) return true;
  const hay = [a.title, a.action, a.playbook, ...(a.targets ?? []).map((t) => t.value)].join(" ").toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((w) => hay.includes(w));
}

/** For screen readers at five minutes and one minute. */
export function warning(msLeft: number): string {
  if (msLeft <= 0) return "The time is over.";
  if (msLeft <= 60_000) return "Less than one minute left to decide.";
  if (msLeft <= 300_000) return "Less than five minutes left to decide.";
  return "";
}

/** What the digest was made of, where it can be read. */
export function preimage(a: Approval): { base_url: string; bytes: number } {
  const text = a.preimage ?? "";
  let base = "";
  try {
    const raw: unknown = JSON.parse(text);
    if (typeof raw === "object" && raw !== null && "base_url" in raw && typeof raw.base_url === "string")
      base = raw.base_url;
  } catch {
    // Shown as it is; nothing is read out of it.
  }
  return { base_url: base, bytes: new TextEncoder().encode(text).length };
}
