// An alert, as the screen says it. Pure.
import { spoof } from "../../lib/hostile";
import type { Alert, Run } from "../../lib/wire";
import type { GlyphName } from "../../ui/Sprite";

/** The first thing an alert is about: a host, a person, an address, a domain, a mail, a file. */
export function entity(a: Alert): string {
  return (
    a.hosts[0]?.name ||
    a.hosts[0]?.ip ||
    a.users[0]?.name ||
    a.users[0]?.mail ||
    a.mails[0]?.from ||
    a.domains[0] ||
    a.ips[0] ||
    a.urls[0] ||
    a.files[0]?.name ||
    a.files[0]?.sha256 ||
    ""
  );
}

export type Indicator = { glyph: GlyphName; kind: string; value: string; note: string; lookalike: string };

/** Every entity and indicator, each once, look-alikes named. */
export function indicators(a: Alert): Indicator[] {
  const out: Indicator[] = [];
  const seen = new Set<string>();
  const add = (glyph: GlyphName, kind: string, value: string, note = "") => {
    if (!value || seen.has(kind + value)) return;
    seen.add(kind + value);
    out.push({ glyph, kind, value, note, lookalike: lookalike(value) });
  };
  for (const h of a.hosts) add("i-host", "host", h.name || h.ip, [h.name ? h.ip : "", h.os].filter(Boolean).join(", "));
  for (const u of a.users)
    add("i-user", "person", u.name || u.mail, [u.domain, u.name ? u.mail : ""].filter(Boolean).join(", "));
  for (const f of a.files) add("i-hash", "file", f.sha256 || f.sha1 || f.md5 || f.path || f.name, f.name);
  for (const d of a.domains) add("i-globe", "domain", d);
  for (const u of a.urls) add("i-globe", "URL", u);
  for (const ip of a.ips) add("i-server", "address", ip);
  for (const m of a.mails) add("i-mail", "mail", m.from, m.subject);
  for (const p of a.processes)
    add("i-process", "process", p.command_line || p.path || p.name, p.parent ? `started by ${p.parent}` : "");
  return out;
}

function lookalike(value: string): string {
  for (const word of value.split(/[^\p{L}\p{N}\p{M}]+/u)) {
    const why = spoof(word);
    if (why) return why;
  }
  return "";
}

const RANK = ["in_doubt", "approval", "question"];

/** The run that says most about an alert: one that needs a person, then the newest. */
export function telling(runs: readonly Run[]): Run | undefined {
  const need = (r: Run) =>
    Math.min(...(r.waiting ?? []).map((w) => (RANK.includes(w.kind) ? RANK.indexOf(w.kind) : 9)), 9);
  return [...runs].sort((x, y) => need(x) - need(y) || y.created_at.localeCompare(x.created_at))[0];
}

/** What the playbook does about it, in three words. */
export function runWords(r: Run): string {
  switch (r.status) {
    case "waiting": {
      const w = r.waiting?.[0];
      if (!w) return "waiting";
      return (
        {
          approval: "approval",
          question: "question",
          in_doubt: "in doubt",
          timer: "waits for a time",
          event: "waits for an event",
          connection: "connection down",
          concurrency: "queued",
          halt: "halted",
        }[w.kind] ?? "waiting"
      );
    }
    case "succeeded":
      return r.partial ? "partly done" : "done";
    case "failed":
      return r.error ? `failed: ${r.error.kind.replaceAll("_", " ")}` : "failed";
    default:
      return r.status;
  }
}

/** The moment until which a person is awaited. */
export const due = (r: Run): string | null =>
  r.status === "waiting"
    ? ((r.waiting ?? []).find((w) => w.kind === "approval" || w.kind === "question")?.until ?? null)
    : null;

export const verdictWords = (v: Alert["verdict"]): string =>
  v === null ? "" : { true_positive: "true positive", false_positive: "false positive", benign: "benign" }[v];

export type Storm = { title: string; source: string; n: number; minutes: number; bars: number[] };

const STORM_AT = 20;

/** Many alerts of one title from one source within a few minutes, as one line. Counts what is on the screen. */
export function storm(alerts: readonly Alert[], now: number): Storm | null {
  const minutes = 5;
  const by = new Map<string, Alert[]>();
  for (const a of alerts) {
    if (now - Date.parse(a.last_seen) > minutes * 60_000 || a.status === "closed") continue;
    const key = `${a.source}\u0000${a.title}`;
    by.set(key, [...(by.get(key) ?? []), a]);
  }
  const most = [...by.values()].sort((x, y) => y.length - x.length)[0];
  const first = most?.[0];
  if (!most || !first || most.length < STORM_AT) return null;
  const bars = Array.from({ length: 20 }, () => 0);
  for (const a of most) {
    const i = Math.min(19, Math.max(0, Math.floor(((now - Date.parse(a.last_seen)) / (minutes * 60_000)) * 20)));
    bars[19 - i] = (bars[19 - i] ?? 0) + 1;
  }
  return { title: first.title, source: first.source, n: most.length, minutes, bars };
}
