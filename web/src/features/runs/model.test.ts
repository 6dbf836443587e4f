import { describe, expect, test } from "vitest";
import { runState, stepState } from "../../lib/states";
import type { JournalEvent, Run, Step, Waiting } from "../../lib/wire";
import {
  attempts,
  headWords,
  legend,
  opening,
  scale,
  spansFrom,
  spansOf,
  ticks,
  triggerWords,
  worstFirst,
} from "./model";

const start = Date.parse("2026-11-23T02:10:06Z");
const at = (s: number): string => new Date(start + s * 1000).toISOString();

const step = (path: string, status: Step["status"], o: Partial<Step> = {}): Step => ({
  path,
  id: path,
  kind: "action",
  name: "",
  action: "edr.get_host",
  impact: "read",
  connection: "",
  status,
  attempts: 1,
  occurrence: 1,
  started_at: at(0),
  ended_at: at(1),
  input: null,
  output: null,
  error: null,
  decision: "",
  approval: "",
  effect: "",
  dry_run: false,
  ...o,
});

const run = (o: Partial<Run>): Run => ({
  id: "run_1",
  playbook: "p",
  version: "",
  status: "running",
  partial: false,
  trigger: { kind: "alert", index: 0 },
  inputs: null,
  outputs: null,
  waiting: [],
  steps: null,
  alert: null,
  error: null,
  started_at: at(0),
  ended_at: null,
  created_at: at(0),
  severity: "",
  ...o,
});

describe("amber is for people only", () => {
  test.each<[Waiting["kind"], "waiting" | "in-doubt" | "queued"]>([
    ["approval", "waiting"],
    ["question", "waiting"],
    ["in_doubt", "in-doubt"],
    ["timer", "queued"],
    ["event", "queued"],
    ["connection", "queued"],
    ["concurrency", "queued"],
    ["halt", "queued"],
  ])("a run that waits for %s is %s", (kind, want) => {
    expect(runState({ status: "waiting", waiting: [{ step: "", kind, ref: "", until: null, text: "" }] })).toBe(want);
  });
  test("the worst wait gives the mark", () => {
    const w = (kind: Waiting["kind"]): Waiting => ({ step: "", kind, ref: "", until: null, text: "" });
    expect(runState({ status: "waiting", waiting: [w("timer"), w("approval"), w("in_doubt")] })).toBe("in-doubt");
  });
  test("a step that waits for a timer is not amber either", () => {
    expect(stepState(step("a", "waiting"))).toBe("queued");
    expect(stepState(step("a", "waiting", { approval: "apr_1" }))).toBe("waiting");
  });
  test("a timeout and a denial have marks of their own", () => {
    const e = (kind: string) => ({ kind, message: "", step: "", attempt: 1, retryable: false });
    expect([
      stepState(step("a", "failed", { error: e("timeout") })),
      stepState(step("a", "failed", { error: e("denied") })),
      stepState(step("a", "failed")),
    ]).toEqual(["timed-out", "denied", "failed"]);
  });
});

describe("the list", () => {
  const steps = [
    step("done", "succeeded"),
    step("wait", "waiting", { approval: "apr_1" }),
    step("bad", "failed"),
    step("work", "running"),
    step("later", "pending"),
    step("out", "skipped"),
  ];
  test("is worst first", () => {
    expect(worstFirst(steps).map((g) => [g.title, g.steps.map((s) => s.path)])).toEqual([
      ["Needs a person", ["wait"]],
      ["Went wrong", ["bad"]],
      ["At work", ["work"]],
      ["Not yet", ["later"]],
      ["Done", ["done"]],
      ["Left out", ["out"]],
    ]);
  });
  test("the page opens on the step that waits for a person", () => {
    expect(opening(steps)?.path).toBe("wait");
  });
  test("of a run that is over, on the step that ended last", () => {
    expect(
      opening([step("a", "succeeded", { ended_at: at(9) }), step("b", "succeeded", { ended_at: at(3) })])?.path,
    ).toBe("a");
  });
  test("the legend counts each state once", () => {
    expect(legend(steps).reduce((n, l) => n + l.n, 0)).toBe(steps.length);
  });
});

describe("the time axis", () => {
  const spans = [
    { from: start, to: start + 2000, kind: "work" as const },
    { from: start + 40_000, to: start + 44_000, kind: "work" as const },
    { from: start + 2000, to: start + 40_000, kind: "wait" as const },
  ];
  const s = scale(spans, start, start + 44_000);
  test("folds what is idle and keeps the rest in scale", () => {
    expect(s.folds.map((f) => [f.from - start, f.to - start])).toEqual([[2000, 40_000]]);
    const first = s.at(start + 2000) - s.at(start);
    const last = s.at(start + 44_000) - s.at(start + 40_000);
    expect(last / first).toBeCloseTo(2, 5);
  });
  test("never runs backwards and ends at one", () => {
    let x = -1;
    for (let t = start; t <= start + 44_000; t += 250) {
      expect(s.at(t)).toBeGreaterThanOrEqual(x);
      x = s.at(t);
    }
    expect(s.at(start + 44_000)).toBeCloseTo(1, 9);
    expect(s.at(start - 5000)).toBe(0);
  });
  test("without anything long nothing is folded", () => {
    expect(scale(spans.slice(0, 1), start, start + 2000).folds).toEqual([]);
  });
  test("ticks stand apart and outside of folds", () => {
    const marks = ticks(s, start, start + 44_000);
    expect(marks[0]?.label).toBe("0 s");
    for (let i = 1; i < marks.length; i++)
      expect((marks[i]?.at ?? 0) - (marks[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(0.085);
  });
  test("a step without a beginning has no bar", () => {
    expect(spansOf(step("a", "pending", { started_at: null }), start)).toEqual([]);
  });
});

const event = (seq: number, kind: string, s: number, body: Record<string, unknown>): JournalEvent => ({
  seq,
  at: at(s),
  kind,
  body,
  chain: "",
});

test("the journal tells work from waiting from being held", () => {
  const events = [
    event(1, "decided", 1, { path: "iso", outcome: "approve", permitted: false }),
    event(2, "approval_decided", 10, { path: "iso", status: "approved", held_until: at(18) }),
    event(3, "dispatched", 18, { path: "iso", attempt: 1 }),
    event(4, "succeeded", 20, { path: "iso", attempt: 1 }),
    event(5, "dispatched", 3, { path: "url", attempt: 1 }),
  ];
  const s = spansFrom(events, start + 30_000);
  expect(s.get("iso")?.map((x) => [x.kind, (x.from - start) / 1000, (x.to - start) / 1000])).toEqual([
    ["wait", 1, 10],
    ["held", 10, 18],
    ["work", 18, 20],
  ]);
  expect(s.get("url")?.map((x) => [x.kind, (x.to - start) / 1000])).toEqual([["work", 30]]);
});

test("attempts pair what was sent with what came back", () => {
  const events = [
    event(1, "dispatched", 0, { path: "a", attempt: 1, key: "k1" }),
    event(2, "failed", 1, { path: "a", attempt: 1, error: { kind: "rate_limited", message: "429" } }),
    event(3, "dispatched", 2, { path: "a", attempt: 2, key: "k1" }),
    event(4, "dispatched", 2, { path: "b", attempt: 1, key: "k2" }),
  ];
  expect(attempts(events, "a").map((x) => [x.n, x.result, x.message, x.ended])).toEqual([
    [1, "failed", "429", at(1)],
    [2, "under way", "", null],
  ]);
});

test("the head says in words what the run waits for", () => {
  const w: Waiting = { step: "iso", kind: "approval", ref: "apr_1", until: null, text: "Waits for one responder" };
  expect(headWords(run({ status: "waiting", waiting: [w, w] }))).toBe("Waits for one responder, and 1 more");
  expect(
    headWords(
      run({ status: "failed", error: { kind: "denied", message: "no", step: "", attempt: 0, retryable: false } }),
    ),
  ).toBe("Failed: no");
  expect(triggerWords(run({ trigger: { kind: "effect", index: 0, purpose: "undo", by: "jana" } }))).toBe(
    "undo by jana",
  );
});
