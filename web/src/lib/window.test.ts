import { expect, test } from "vitest";
import { inSight } from "./window";

test.each([
  ["at the top", 0, 240, 24, 500, [0, 16]],
  ["in the middle", 2400, 240, 24, 500, [94, 116]],
  ["at the end", 11_760, 240, 24, 500, [484, 499]],
  ["scrolled beyond a list that became short", 11_760, 240, 24, 3, [0, 2]],
  ["nothing at all", 0, 240, 24, 0, [0, -1]],
])("%s", (_name, top, height, row, count, want) => {
  expect(inSight(top, height, row, count)).toEqual(want);
});
