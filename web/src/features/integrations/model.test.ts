import { describe, expect, test } from "vitest";
import type { Connection, Source } from "../../lib/wire";
import { draftOf, drops, errorAt, sourceDraft, sourceWish, switched, wishOf } from "./model";

const c = {
  name: "jira",
  integration: "jira",
  environment: "production",
  tags: ["soc"],
  base_url: "https://x.example",
  rate: { per_second: 10, burst: 20 },
  concurrency: 8,
  default: true,
  disabled: false,
  idempotent: true,
  egress: { allow: ["127.0.0.1"] },
  auth: { type: "basic", set: ["password", "username"] },
  version: 3,
} as unknown as Connection;

describe("a connection's form", () => {
  test("unchanged sends what there was, and no secret", () => {
    expect(wishOf(draftOf(c), c)).toEqual({
      name: "jira",
      integration: "jira",
      environment: "production",
      base_url: "https://x.example",
      tags: ["soc"],
      egress: { allow: ["127.0.0.1"] },
      default: true,
      disabled: false,
      idempotent: true,
      auth: { type: "basic" },
      rate: { per_second: 10, burst: 20 },
      concurrency: 8,
    });
  });
  test("sends only the secrets that were typed", () => {
    expect(wishOf({ ...draftOf(c), fields: { password: "new", username: "" } }, c).auth).toEqual({
      type: "basic",
      password: "new",
    });
  });
  test("says before what drops the stored secret", () => {
    expect(drops(draftOf(c), c)).toBe("");
    expect(drops({ ...draftOf(c), base_url: "https://y.example" }, c)).toBe("another address");
    expect(drops({ ...draftOf(c), auth: "bearer", egress: "" }, c)).toBe(
      "another kind of authentication and other allowed addresses",
    );
    expect(drops({ ...draftOf(c), base_url: "https://y.example" }, null)).toBe("");
  });
  test("switching off changes nothing else", () => {
    expect(switched(c, true)).toEqual({ ...wishOf(draftOf(c), c), disabled: true });
  });
});

test("an error stands at its field", () => {
  const e = {
    places: [
      { at: "/base_url", message: "is no address" },
      { at: "/auth/type", message: "is not known" },
    ],
  };
  expect(errorAt(e, "/base_url")).toBe("is no address");
  expect(errorAt(e, "/auth")).toBe("is not known");
  expect(errorAt(e, "/name")).toBe("");
  expect(errorAt(null, "/name")).toBe("");
});

describe("a source's form", () => {
  const spec = {
    mapping: "",
    items: "payload.x",
    closes: "",
    when: "",
    map: { title: "item.t" },
    auth: "bearer",
    style: "",
    username: "",
    delivery: "",
    key: "alert.source_id",
    window: "1h0m0s",
    per_second: 5,
    body: 0,
  };
  const s = { name: "siem", disabled: false, version: 2, spec } as unknown as Source;
  test("keeps a mapping of its own, the bounds and the secret", () => {
    const w = sourceWish(sourceDraft(s), s, "");
    expect(w).toMatchObject({ items: "payload.x", map: { title: "item.t" }, window: "1h0m0s", key: "alert.source_id" });
    expect(w.rotation).toBeUndefined();
    expect(w.mapping).toBeUndefined();
  });
  test("another kind of authentication makes a new secret", () => {
    expect(sourceWish({ ...sourceDraft(s), way: "hmac/github" }, s, "").rotation).toBe("replace");
  });
  test("a new one is signed unless said otherwise", () => {
    expect(sourceWish({ ...sourceDraft(null), name: " edr " }, null, "")).toMatchObject({
      name: "edr",
      auth: "hmac",
      style: "tocsin",
      mapping: "generic",
    });
  });
});
