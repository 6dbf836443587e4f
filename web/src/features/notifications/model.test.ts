import { describe, expect, test } from "vitest";
import { after, badge, isNew, later, look, placeOf } from "./model";

const at = (kind: string, id: string) => ({ object: { kind, id }, run: "run_1", step: "isolate" });

describe("a notification leads", () => {
  test.each([
    ["to its approval", at("approval", "apr_1"), { to: "/approvals/$id", id: "apr_1" }],
    ["to its effect, opened", at("effect", "eff_1"), { to: "/effects", undo: "eff_1" }],
    ["to its alert", at("alert", "alr_1"), { to: "/alerts/$id", id: "alr_1" }],
    ["to its connection", at("connection", "edr"), { to: "/integrations", at: "edr" }],
    ["to its run and step", at("run", "run_1"), { to: "/runs/$id", id: "run_1", step: "isolate" }],
    [
      "to its run where its object has no page",
      at("decision", "dec_1"),
      { to: "/runs/$id", id: "run_1", step: "isolate" },
    ],
  ])("%s", (_, n, want) => expect(placeOf(n)).toEqual(want));
  test("nowhere without a run", () =>
    expect(placeOf({ object: { kind: "decision", id: "d" }, run: "", step: "" })).toBeNull());
});

test("what is over says what became of it and is not new", () => {
  expect(after({ kind: "approval_reminder", over: true })).toBe("decided");
  expect(after({ kind: "lease_ending", over: true })).toBe("extended or ended");
  expect(after({ kind: "lease_ending", over: false })).toBe("");
  expect(isNew({ read: false, over: true })).toBe(false);
  expect(isNew({ read: false, over: false })).toBe(true);
});

test("a kind that this version does not know is told plainly", () => {
  expect(look("from_tomorrow")).toEqual({ words: "", glyph: "i-bell", tone: "" });
});

test("the badge never grows wide", () => {
  expect([badge(1), badge(99), badge(100)]).toEqual(["1", "99", "99+"]);
});

test("keeping longer counts from the present end", () => {
  expect(later("2026-11-24T12:00:00Z", 4)).toBe("2026-11-24T16:00:00.000Z");
});
