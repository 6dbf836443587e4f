// A playbook's picture: the server's layout with what is known of each step. Pure.
import type { State } from "../lib/states";
import type { Graph, GraphNode } from "../lib/wire";

/** What a node says. Counts are there where it stands for many steps (a fan-out is one node). */
export type NodeView = {
  state: State | null;
  meta: string;
  counts?: readonly { state: State; n: number }[];
  problem?: "error" | "warning";
};

/** A path without the numbers of its iterations: a node of the picture stands for all of them. */
export const template = (path: string): string => path.replace(/\/(each|turn)\[(\d*|\*)\]/g, "");

/** Rounded orthogonal line through the layout's points. */
export function elbow(points: readonly (readonly number[])[], radius = 7): string {
  const p = points.map(([x = 0, y = 0]) => [x, y] as const);
  const first = p[0];
  const last = p.at(-1);
  if (!first || !last) return "";
  let d = `M${first[0]} ${first[1]}`;
  for (let i = 1; i < p.length - 1; i++) {
    const [a, b, c] = [p[i - 1], p[i], p[i + 1]];
    if (!a || !b || !c) continue;
    const l1 = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const l2 = Math.hypot(c[0] - b[0], c[1] - b[1]);
    const q = Math.min(radius, l1 / 2, l2 / 2);
    if (q < 0.5) d += `L${b[0]} ${b[1]}`;
    else
      d += `L${b[0] + ((a[0] - b[0]) / l1) * q} ${b[1] + ((a[1] - b[1]) / l1) * q}Q${b[0]} ${b[1]} ${b[0] + ((c[0] - b[0]) / l2) * q} ${b[1] + ((c[1] - b[1]) / l2) * q}`;
  }
  return `${d}L${last[0]} ${last[1]}`;
}

export type LineKind = "done" | "todo" | "never";

/** Solid where the way was gone, dashed where it lies ahead, dotted where it was not taken. */
export function lineKind(from: NodeView | undefined, to: NodeView | undefined): LineKind {
  const taken = (s: State | null | undefined): boolean => s !== "not-started" && s !== "skipped";
  if (from?.state == null && to?.state == null) return "done";
  if (to?.state === "skipped" || from?.state === "skipped") return "never";
  if (!taken(to?.state) || from?.state === "not-started") return "todo";
  return "done";
}

/** One path for each kind, so that lines that share a way are painted once; and a tip at each end, once. */
export function lines(
  graph: Graph,
  views: ReadonlyMap<string, NodeView>,
): { paths: Record<LineKind, string>; tips: string; labels: { x: number; y: number; text: string }[] } {
  const paths: Record<LineKind, string> = { done: "", todo: "", never: "" };
  const ends = new Map<string, string>();
  const labels: { x: number; y: number; text: string }[] = [];
  for (const e of graph.edges) {
    const kind = lineKind(views.get(e.from), views.get(e.to));
    const last = e.points.at(-1);
    const before = e.points.at(-2);
    paths[kind] += elbow(e.points);
    if (last && before) {
      const [x = 0, y = 0] = last;
      const [bx = 0] = before;
      ends.set(`${x},${y}`, bx <= x ? `M${x} ${y}l-5.5 -3.2v6.4z` : `M${x} ${y}l5.5 -3.2v6.4z`);
    }
    if (e.label) {
      const mid = e.points[Math.max(0, e.points.length - 2)] ?? [0, 0];
      labels.push({ x: (mid[0] ?? 0) + 4, y: (mid[1] ?? 0) - 4, text: e.label });
    }
  }
  return { paths, tips: [...ends.values()].join(""), labels };
}

/** Blocks that hold others are drawn behind them, as frames. */
export const isFrame = (n: GraphNode, all: readonly GraphNode[]): boolean =>
  all.some((m) => m.parent === n.path && m !== n);

/** The next node in a direction, for the arrow keys. */
export function neighbour(graph: Graph, at: string | undefined, key: string): string | undefined {
  const here = graph.nodes.find((n) => n.path === at);
  if (!here) return graph.nodes[0]?.path;
  const cx = (n: GraphNode) => n.x + n.w / 2;
  const cy = (n: GraphNode) => n.y + n.h / 2;
  const ahead = graph.nodes.filter((n) => {
    if (n === here) return false;
    const dx = cx(n) - cx(here);
    const dy = cy(n) - cy(here);
    switch (key) {
      case "ArrowRight":
        return dx > 4 && Math.abs(dy) <= Math.abs(dx) * 1.5;
      case "ArrowLeft":
        return dx < -4 && Math.abs(dy) <= Math.abs(dx) * 1.5;
      case "ArrowDown":
        return dy > 4 && Math.abs(dx) <= Math.abs(dy) * 1.5;
      default:
        return dy < -4 && Math.abs(dx) <= Math.abs(dy) * 1.5;
    }
  });
  // Straight ahead is nearer than aside: who presses Right wants to stay in the row.
  const across = key === "ArrowRight" || key === "ArrowLeft";
  const far = (n: GraphNode): number => {
    const dx = Math.abs(cx(n) - cx(here));
    const dy = Math.abs(cy(n) - cy(here));
    return across ? dx + 2.5 * dy : dy + 2.5 * dx;
  };
  return ahead.sort((x, y) => far(x) - far(y))[0]?.path;
}
