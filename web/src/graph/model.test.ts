import { describe, expect, test } from "vitest";
import type { Graph, GraphNode } from "../lib/wire";
import { elbow, isFrame, lineKind, lines, type NodeView, neighbour, template } from "./model";
import { Views } from "./store";

const node = (path: string, x: number, y: number, o: Partial<GraphNode> = {}): GraphNode => ({
  path,
  id: path,
  kind: "action",
  label: path,
  action: "",
  impact: "read",
  line: 0,
  parent: "",
  side_effect: false,
  x,
  y,
  w: 100,
  h: 44,
  ...o,
});
const graph: Graph = {
  nodes: [node("a", 0, 0), node("b", 200, 0), node("c", 200, 68)],
  edges: [
    {
      kind: "",
      label: "",
      from: "a",
      to: "b",
      points: [
        [100, 22],
        [200, 22],
      ],
    },
    {
      kind: "",
      label: "",
      from: "a",
      to: "c",
      points: [
        [100, 22],
        [150, 22],
        [150, 90],
        [200, 90],
      ],
    },
  ],
  width: 300,
  height: 112,
};
const view = (state: NodeView["state"], meta = ""): NodeView => ({ state, meta });

test("a fan-out is one node: numbers of iterations leave the path", () => {
  expect(template("contain/each[3]/isolate")).toBe("contain/isolate");
  expect(template("a/each[]/b")).toBe("a/b");
  expect(template("poll/turn[*]/look")).toBe(template("poll/turn[12]/look"));
  expect(template("if1/isolate")).toBe("if1/isolate");
});

describe("elbow", () => {
  test("keeps its ends and rounds its bends", () => {
    const d = elbow([
      [0, 0],
      [50, 0],
      [50, 80],
    ]);
    expect(d.startsWith("M0 0")).toBe(true);
    expect(d.endsWith("L50 80")).toBe(true);
    expect(d).toContain("Q50 0");
  });
  test.each([
    [[]],
    [[[1, 2]]],
    [
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ],
  ])("does not break on %j", (points) => {
    expect(elbow(points)).not.toContain("NaN");
  });
});

describe("a line is", () => {
  test.each<[NodeView["state"], NodeView["state"], string]>([
    ["succeeded", "running", "done"],
    ["succeeded", "not-started", "todo"],
    ["not-started", "not-started", "todo"],
    ["succeeded", "skipped", "never"],
    [null, null, "done"],
  ])("between %s and %s %s", (from, to, want) => {
    expect(lineKind(view(from), view(to))).toBe(want);
  });
});

test("lines of one kind are one path, and a tip stands once at each end", () => {
  const l = lines(
    {
      ...graph,
      edges: [
        ...graph.edges,
        {
          kind: "",
          label: "",
          from: "c",
          to: "b",
          points: [
            [0, 0],
            [200, 22],
          ],
        },
      ],
    },
    new Map([
      ["a", view("succeeded")],
      ["b", view("succeeded")],
      ["c", view("not-started")],
    ]),
  );
  expect(l.paths.done.match(/M/g)).toHaveLength(1);
  expect(l.paths.todo.match(/M/g)).toHaveLength(2);
  expect(l.tips.match(/M/g)).toHaveLength(2);
});

test("arrow keys go to the nearest node in their direction", () => {
  expect(neighbour(graph, "a", "ArrowRight")).toBe("b");
  expect(neighbour(graph, "b", "ArrowDown")).toBe("c");
  expect(neighbour(graph, "b", "ArrowLeft")).toBe("a");
  expect(neighbour(graph, "a", "ArrowLeft")).toBeUndefined();
  expect(neighbour(graph, undefined, "ArrowRight")).toBe("a");
});

test("a block that holds others is a frame", () => {
  const nodes = [node("each", 0, 0), node("each/x", 10, 10, { parent: "each" })];
  expect([isFrame(nodes[0] as GraphNode, nodes), isFrame(nodes[1] as GraphNode, nodes)]).toEqual([true, false]);
});

test("an event draws the nodes whose words changed, and no others", () => {
  const views = new Views();
  const drawn: string[] = [];
  for (const p of ["a", "b", "c"]) views.listen(p, () => drawn.push(p));
  views.set(
    new Map([
      ["a", view("running", "1")],
      ["b", view("running", "1")],
    ]),
  );
  drawn.length = 0;
  views.set(
    new Map([
      ["a", view("running", "1")],
      ["b", view("succeeded", "1 s")],
    ]),
  );
  expect(drawn).toEqual(["b"]);
  drawn.length = 0;
  views.select("a");
  views.select("c");
  expect(drawn).toEqual(["", "a", "a", "c"].filter(Boolean));
});
