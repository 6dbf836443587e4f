import { describe, expect, test } from "vitest";
import { takeToken } from "../features/people/Door";
import { safeNext } from "./doors";

describe("after a sign-in only a path of this app follows", () => {
  test.each([
    ["/approvals/apr_1?tab=team", "/approvals/apr_1?tab=team"],
    ["//evil.example", "/"],
    ["/\\evil.example", "/"],
    ["https://evil.example", "/"],
    ["javascript:alert(1)", "/"],
    ["/login?next=/login", "/"],
    ["", "/"],
    [undefined, "/"],
  ])("%s", (next, want) => {
    expect(safeNext(next)).toBe(want);
  });
});

test("the token leaves the address as soon as it is read", () => {
  history.replaceState(null, "", "/link#token=tok%2Babc");
  expect(takeToken()).toBe("tok+abc");
  expect(location.href).not.toContain("tok");
  history.replaceState(null, "", "/link?token=abc");
  expect(takeToken()).toBe("abc");
  expect(location.search).toBe("");
});
