// The states that a run and a step are shown in, and which mark each gets. Pure.
import { never } from "./never";
import type { Run, Step, Waiting } from "./wire";

export type State =
  | "not-started"
  | "queued"
  | "running"
  | "waiting"
  | "succeeded"
  | "failed"
  | "timed-out"
  | "retrying"
  | "skipped"
  | "cancelled"
  | "denied"
  | "undoing"
  | "undone"
  | "in-doubt";

const WORD: Record<State, string> = {
  "not-started": "not started",
  queued: "queued",
  running: "running",
  waiting: "waiting",
  succeeded: "ok",
  failed: "failed",
  "timed-out": "timed out",
  retrying: "retrying",
  skipped: "skipped",
  cancelled: "cancelled",
  denied: "denied",
  undoing: "undoing",
  undone: "undone",
  "in-doubt": "in doubt",
};

/** The state in a word. */
export const stateWord = (s: State): string => WORD[s];

/** Amber is for people only: a run that waits for a timer or a connection is queued, not waiting. */
function waitState(kind: Waiting["kind"]): State {
  switch (kind) {
    case "approval":
    case "question":
      return "waiting";
    case "in_doubt":
      return "in-doubt";
    default:
      return "queued";
  }
}

const URGENT: State[] = ["in-doubt", "waiting", "queued"];

/** What a run waits for most urgently decides its mark. */
export function runState(run: Pick<Run, "status" | "waiting">): State {
  switch (run.status) {
    case "queued":
    case "running":
    case "succeeded":
    case "failed":
    case "cancelled":
      return run.status;
    case "waiting": {
      const marks = (run.waiting ?? []).map((w) => waitState(w.kind));
      return URGENT.find((s) => marks.includes(s)) ?? "queued";
    }
    default:
      return never(run.status);
  }
}

export function stepState(step: Pick<Step, "status" | "error" | "kind" | "approval">): State {
  switch (step.status) {
    case "pending":
      return "not-started";
    case "waiting":
      return step.approval || step.kind === "approval" || step.kind === "question" ? "waiting" : "queued";
    case "in_doubt":
      return "in-doubt";
    case "failed":
      switch (step.error?.kind) {
        case "timeout":
          return "timed-out";
        case "denied":
        case "approval_denied":
          return "denied";
        default:
          return "failed";
      }
    case "running":
    case "retrying":
    case "succeeded":
    case "skipped":
    case "cancelled":
      return step.status;
    default:
      return never(step.status);
  }
}
