import { describe, expect, test } from "vitest";
import { age, clock, full, left, seconds, span, stamp, took, zoneName } from "./time";

const at = new Date("2026-11-23T02:14:07Z");

describe("left", () => {
  test.each([
    [-5, "0:00"],
    [0, "0:00"],
    [59_999, "0:59"],
    [401_000, "6:41"],
    [3_118_000, "51:58"],
    [4_320_000, "1:12 h"],
    [86_400_000 * 3, "3 d"],
  ])("%i ms is %s", (ms, want) => {
    expect(left(ms)).toBe(want);
  });
});

describe("age", () => {
  test.each([
    [-1000, "0 s"],
    [59_000, "59 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h"],
    [90_000_000, "1 d"],
  ])("%i ms is %s", (ms, want) => {
    expect(age(ms)).toBe(want);
  });
});

describe("took", () => {
  test.each([
    [0, "0 ms"],
    [80, "80 ms"],
    [800, "0.8 s"],
    [40_600, "40.6 s"],
    [59_960, "0:59"],
    [241_000, "4:01"],
  ])("%i ms is %s", (ms, want) => {
    expect(took(ms)).toBe(want);
  });
});

describe("seconds reads the server's lengths", () => {
  test.each([
    ["8s", 8],
    ["30m", 1800],
    ["1h30m", 5400],
    ["10m0s", 600],
    ["1.5h", 5400],
    ["500ms", 0.5],
    ["2d", 172_800],
    ["", 0],
    ["soon", 0],
    [undefined, 0],
  ])("%s", (text, want) => {
    expect(seconds(text)).toBe(want);
  });
});

test("span uses the largest unit that fits", () => {
  expect([span(8), span(600), span(28_800), span(86_400), span(5400)]).toEqual([
    "8 s",
    "10 min",
    "8 h",
    "1 d",
    "90 min",
  ]);
});

test("one moment reads in the person's zone, and in both on hover", () => {
  expect(clock(at, "UTC")).toBe("02:14:07");
  expect(clock(at, "Europe/Vienna")).toBe("03:14:07");
  expect(zoneName("UTC", at)).toBe("UTC");
  expect(full(at, "Europe/Vienna")).toContain("03:14:07");
  expect(full(at, "Europe/Vienna")).toContain("02:14:07 UTC");
});

test("a day is named when it is not today", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  expect(stamp(at, now, "UTC")).toBe("02:14:07");
  expect(stamp(new Date("2026-11-22T18:40:11Z"), now, "UTC")).toBe("22 Nov 18:40");
});
