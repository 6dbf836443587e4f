import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parse, refresher } from "./stream";

describe("parse", () => {
  test.each([
    ["one change", '{"kind":"run","id":"run_1","version":3}', [{ kind: "run", id: "run_1", version: 3 }]],
    [
      "a batch",
      '[{"kind":"run","id":"a"},{"kind":"alert","id":"b"}]',
      [
        { kind: "run", id: "a" },
        { kind: "alert", id: "b" },
      ],
    ],
    ["not JSON", "hello", []],
    ["another shape", '{"id":3}', []],
    ["null", "null", []],
  ])("%s", (_name, data, want) => {
    expect(parse(data)).toEqual(want);
  });
});

describe("refresher", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const stale = (client: QueryClient) =>
    client
      .getQueryCache()
      .getAll()
      .filter((q) => q.state.isInvalidated)
      .map((q) => q.queryKey.join("/"));

  test("makes the lists of the kind and the one thing stale, and nothing else", () => {
    const client = new QueryClient();
    for (const key of [
      ["run", "list", "x"],
      ["run", "run_1"],
      ["run", "run_1", "journal"],
      ["run", "run_2"],
      ["alert", "list"],
      ["playbook", "a", "graph"],
    ])
      client.setQueryData(key, 1);
    refresher(client, 100)([{ kind: "run", id: "run_1" }]);
    expect(stale(client)).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(stale(client)).toEqual(["run/list/x", "run/run_1", "run/run_1/journal"]);
  });

  test("two hundred changes are one refresh", () => {
    const client = new QueryClient();
    const spy = vi.spyOn(client, "invalidateQueries");
    const refresh = refresher(client, 100);
    for (let i = 0; i < 200; i++) refresh([{ kind: "run", id: `run_${i}` }]);
    vi.advanceTimersByTime(100);
    expect(spy).toHaveBeenCalledTimes(1);
    refresh([{ kind: "run", id: "run_1" }]);
    vi.advanceTimersByTime(100);
    expect(spy).toHaveBeenCalledTimes(2);
  });
});
