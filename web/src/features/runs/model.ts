// A run, as the screen says it. Pure.
import { groupBy } from "../../lib/group";
import { type State, stepState } from "../../lib/states";
import { left, took } from "../../lib/time";
import type { Decision, JournalEvent, Run, Step } from "../../lib/wire";

export const stepName = (s: Pick<Step, "name" | "id" | "action" | "path">): string =>
  s.name || humane(s.action ? (s.action.split(".").at(-1) ?? s.id) : s.id || s.path);

const humane = (word: string): string => {
  const t = word.replaceAll("_", " ");
  return t ? `${t[0]?.toUpperCase()}${t.slice(1)}` : t;
};

/** Changes other systems. */
export const actsOutside = (s: Pick<Step, "impact">): boolean => ["write", "contain", "release"].includes(s.impact);

/** The run's state in one line of words: what it waits for, or why it failed. */
export function headWords(r: Run): string {
  const w = (r.waiting ?? [])[0];
  const more = (r.waiting?.length ?? 0) - 1;
  switch (r.status) {
    case "waiting":
      return w
        ? `${w.text || `Waits for ${w.kind.replaceAll("_", " ")}`}${more > 0 ? `, and ${more} more` : ""}`
        : "Waits";
    case "failed":
      return r.error ? `Failed: ${r.error.message}` : "Failed";
    case "succeeded":
      return r.partial ? "Partly done: some items failed" : "Succeeded";
    case "queued":
      return "Queued";
    case "running":
      return "Running";
    case "cancelled":
      return "Cancelled";
  }
}

/** What started it, in words. */
export function triggerWords(r: Pick<Run, "trigger">): string {
  const t = r.trigger;
  switch (t.kind) {
    case "alert":
      return t.source ? `alert from ${t.source}` : "an alert";
    case "schedule":
      return `schedule ${t.schedule ?? ""}`.trim();
    case "manual":
      return `by ${t.by || "hand"}`;
    case "effect":
      return (
        {
          undo: `undo by ${t.by || "a person"}`,
          expiry: "expiry of a lease",
          extend: `extension by ${t.by || "a person"}`,
          verify: "a check",
        }[t.purpose ?? ""] ?? "an effect"
      );
    default:
      return t.kind;
  }
}

export const final = (r: Pick<Run, "status">): boolean =>
  r.status === "succeeded" || r.status === "failed" || r.status === "cancelled";

export type Group = { title: string; steps: Step[] };

/** Worst first: needs a person, went wrong, at work, not yet, done. For the list and for phones. */
export function worstFirst(steps: readonly Step[]): Group[] {
  const of = (s: Step): string => {
    switch (stepState(s)) {
      case "waiting":
      case "in-doubt":
        return "Needs a person";
      case "failed":
      case "timed-out":
      case "denied":
        return "Went wrong";
      case "running":
      case "retrying":
      case "queued":
      case "undoing":
        return "At work";
      case "not-started":
        return "Not yet";
      case "skipped":
      case "cancelled":
        return "Left out";
      default:
        return "Done";
    }
  };
  const by = groupBy(steps, of);
  return ["Needs a person", "Went wrong", "At work", "Not yet", "Done", "Left out"].flatMap((title) => {
    const xs = by.get(title);
    return xs ? [{ title, steps: xs }] : [];
  });
}

/** The step the page opens on: the one that waits for a person, went wrong, is at work, or the last that ended. */
export function opening(steps: readonly Step[]): Step | undefined {
  const first = worstFirst(steps).filter((g) => g.title !== "Not yet" && g.title !== "Left out")[0];
  if (!first) return steps[0];
  if (first.title !== "Done") return first.steps[0];
  return [...first.steps].sort((x, y) => (x.ended_at ?? "").localeCompare(y.ended_at ?? "")).at(-1);
}

/** The second line of a step's node and row. */
export function stepMeta(s: Step, now: number): string {
  switch (s.status) {
    case "failed":
    case "in_doubt":
      return s.error?.message ?? s.status.replace("_", " ");
    case "retrying":
      return `try ${s.attempts + 1}${s.error ? ` after ${s.error.kind.replaceAll("_", " ")}` : ""}`;
    case "running":
      return s.started_at ? left(now - Date.parse(s.started_at)) : "running";
    case "waiting":
      return s.approval ? "waits for a person" : "waits";
    case "succeeded":
      return s.dry_run
        ? "dry run"
        : s.started_at && s.ended_at
          ? took(Date.parse(s.ended_at) - Date.parse(s.started_at))
          : "";
    case "skipped":
      return "not taken";
    case "cancelled":
      return "cancelled";
    case "pending":
      return "";
  }
}

// The timeline: idle time is folded, so that three seconds of work and three minutes of waiting fit one line.

export type Span = { from: number; to: number; kind: "work" | "wait" | "held" };
type Fold = { from: number; to: number };
export type Scale = { at: (t: number) => number; folds: (Fold & { left: number; width: number })[]; end: number };

const FOLD_MS = 8_000; // time in which nothing works, longer than this, is folded
const LONG_PART = 0.2; // and so is work in which nothing begins or ends for this part of the whole
const FOLD_WIDTH = 0.09;

/** When each step worked, waited for people and was held, as the journal has it. */
export function spansFrom(events: readonly JournalEvent[], now: number): ReadonlyMap<string, Span[]> {
  const out = new Map<string, Span[]>();
  const open = new Map<string, Span>();
  const begin = (path: string, at: number, kind: Span["kind"]) => {
    end(path, at);
    const span = { from: at, to: now, kind };
    open.set(path, span);
    out.set(path, [...(out.get(path) ?? []), span]);
  };
  const end = (path: string, at: number) => {
    const span = open.get(path);
    if (span) span.to = at;
    open.delete(path);
  };
  for (const e of events) {
    const path = eventPath(e);
    if (!path) continue;
    const at = Date.parse(e.at);
    const b = e.body as { outcome?: string; permitted?: boolean; held_until?: string };
    switch (e.kind) {
      case "decided":
        if (b.outcome === "approve" && !b.permitted) begin(path, at, "wait");
        break;
      case "requested":
      case "halted":
        begin(path, at, "wait");
        break;
      case "approval_decided":
        if (b.held_until) begin(path, at, "held");
        else end(path, at);
        break;
      case "dispatched":
        begin(path, at, "work");
        break;
      case "succeeded":
      case "failed":
      case "unknown":
      case "resolved":
        end(path, at);
        break;
    }
  }
  return out;
}

/** The same from what the run says of a step, where the journal is not there (yet). */
export function spansOf(s: Step, now: number): Span[] {
  if (!s.started_at) return [];
  const from = Date.parse(s.started_at);
  const to = s.ended_at ? Date.parse(s.ended_at) : now;
  const waits =
    s.approval !== "" ||
    ["approval", "question", "wait"].includes(s.kind) ||
    ["waiting", "retrying"].includes(s.status);
  return [{ from, to: Math.max(to, from), kind: waits ? "wait" : "work" }];
}

/** A time axis over the moments at which something begins or ends; what lies long between two of them is folded. */
export function scale(spans: readonly Span[], start: number, now: number): Scale {
  const marks = [...new Set([start, now, ...spans.flatMap((s) => [s.from, s.to])])]
    .filter((t) => t >= start && t <= now)
    .sort((x, y) => x - y);
  const pieces: { from: number; to: number; fold: boolean }[] = [];
  for (let i = 1; i < marks.length; i++) {
    const from = marks[i - 1] ?? start;
    const to = marks[i] ?? now;
    const works = spans.some((s) => s.kind === "work" && s.from < to && s.to > from);
    const long = to - from > (now - start) * LONG_PART && marks.length > 4;
    pieces.push({ from, to, fold: to - from > FOLD_MS && (!works || long) });
  }
  const folds = pieces.filter((p) => p.fold).length;
  const plain = pieces.filter((p) => !p.fold).reduce((n, p) => n + (p.to - p.from), 0);
  const room = Math.max(0.3, 1 - folds * FOLD_WIDTH);
  const each = folds > 0 ? (1 - room) / folds : 0;
  const points: [number, number][] = [[start, 0]];
  const out: Scale["folds"] = [];
  let x = 0;
  for (const p of pieces) {
    const w = p.fold ? each : plain > 0 ? ((p.to - p.from) / plain) * room : 0;
    if (p.fold) out.push({ from: p.from, to: p.to, left: x, width: w });
    x += w;
    points.push([p.to, x]);
  }
  const at = (t: number): number => {
    for (let i = 1; i < points.length; i++) {
      const [a, p] = points[i - 1] ?? [0, 0];
      const [b, q] = points[i] ?? [0, 0];
      if (t <= b) return b === a ? q : p + ((Math.max(t, a) - a) / (b - a)) * (q - p);
    }
    return x;
  };
  return { at, folds: out, end: x };
}

/** Round moments for the axis: at most n, never inside a fold, never closer than a tenth of the width. */
export function ticks(s: Scale, start: number, now: number): { at: number; label: string }[] {
  const out: { at: number; label: string }[] = [];
  const steps = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000];
  const span = now - start;
  const step = steps.find((x) => span / x <= 60) ?? 36e5;
  let lastX = -1;
  for (let t = start; t < now; t += step) {
    const x = s.at(t);
    if (s.folds.some((f) => t > f.from && t < f.to) || x - lastX < 0.085 || x > 0.93) continue;
    lastX = x;
    out.push({ at: x, label: t === start ? "0 s" : took(t - start) });
  }
  return out;
}

const EVENT: Record<string, string> = {
  started: "started",
  evaluated: "worked out",
  decided: "policy decided",
  halted: "held by the halt",
  resumed: "went on",
  dispatched: "sent",
  succeeded: "succeeded",
  failed: "failed",
  unknown: "outcome unknown",
  verified: "checked with the other system",
  timer_fired: "time came",
  requested: "asked people",
  escalated: "asked more people",
  approval_decided: "people answered",
  resolved: "a person said what happened",
  cancel_requested: "cancel asked",
  hold_ended: "hold ended",
  reasked: "policy asked again",
};

/** A line of the journal in words. */
export const eventWords = (e: JournalEvent): string => EVENT[e.kind] ?? e.kind.replaceAll("_", " ");

export function eventPath(e: JournalEvent): string {
  const b = e.body;
  return typeof b === "object" && b !== null && "path" in b && typeof b.path === "string" ? b.path : "";
}

/** Attempts of one step, from its journal: what was sent, when, and what came back. */
export type Attempt = { n: number; sent: string; key: string; ended: string | null; result: string; message: string };

export function attempts(events: readonly JournalEvent[], path: string): Attempt[] {
  const out: Attempt[] = [];
  for (const e of events) {
    if (eventPath(e) !== path) continue;
    const b = e.body as { attempt?: number; key?: string; error?: { kind?: string; message?: string }; found?: string };
    const last = out.at(-1);
    if (e.kind === "dispatched")
      out.push({
        n: b.attempt ?? out.length + 1,
        sent: e.at,
        key: b.key ?? "",
        ended: null,
        result: "under way",
        message: "",
      });
    else if (last && ["succeeded", "failed", "unknown", "verified"].includes(e.kind)) {
      last.ended = e.at;
      last.result = e.kind === "verified" ? `checked: ${b.found ?? ""}` : e.kind;
      last.message = b.error?.message ?? "";
    }
  }
  return out;
}

/** The decisions of one step, newest first. */
export const decisionsFor = (all: readonly Decision[], path: string): Decision[] =>
  all.filter((d) => d.step === path).sort((x, y) => y.at.localeCompare(x.at));

/** How many steps are in each state, in the order of the legend. */
export function legend(steps: readonly Step[]): { state: State; n: number }[] {
  const order: State[] = [
    "succeeded",
    "running",
    "waiting",
    "in-doubt",
    "queued",
    "retrying",
    "failed",
    "timed-out",
    "denied",
    "not-started",
    "skipped",
    "cancelled",
  ];
  const n = groupBy(steps, stepState);
  return order.flatMap((state) => {
    const xs = n.get(state);
    return xs ? [{ state, n: xs.length }] : [];
  });
}
