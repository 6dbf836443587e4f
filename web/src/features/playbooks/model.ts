// A playbook, as the screen says it. Pure.
import type { NodeView } from "../../graph/model";
import type { FileProblem, Graph, Me, Playbook } from "../../lib/wire";

/** Which lines of the text belong to a step: from its own to the one before the next step. */
export function linesOf(
  graph: Graph | undefined,
  path: string | undefined,
  total: number,
): { from: number; to: number } | null {
  const node = graph?.nodes.find((n) => n.path === path);
  if (!graph || !node?.line) return null;
  const next = graph.nodes.map((n) => n.line ?? 0).filter((l) => l > (node.line ?? 0));
  return { from: node.line, to: next.length > 0 ? Math.min(...next) - 1 : total };
}

/** The step whose lines hold a line of the text. */
export function stepAt(graph: Graph | undefined, line: number): string | undefined {
  return (graph?.nodes ?? [])
    .filter((n) => (n.line ?? 0) > 0 && (n.line ?? 0) <= line)
    .sort((x, y) => (y.line ?? 0) - (x.line ?? 0))[0]?.path;
}

/** Problems on the nodes they are about. */
export function views(graph: Graph, problems: readonly FileProblem[]): ReadonlyMap<string, NodeView> {
  const out = new Map<string, NodeView>();
  for (const n of graph.nodes) out.set(n.path, { state: null, meta: n.action || "" });
  for (const p of problems) {
    const path = stepAt(graph, p.line);
    const v = path && out.get(path);
    if (path && v && v.problem !== "error") out.set(path, { ...v, problem: p.severity });
  }
  return out;
}

export const countProblems = (ps: readonly FileProblem[]): string => {
  const e = ps.filter((p) => p.severity === "error").length;
  const w = ps.length - e;
  const n = (k: number, word: string) => `${k} ${word}${k === 1 ? "" : "s"}`;
  return [e > 0 ? n(e, "error") : "", w > 0 ? n(w, "warning") : ""].filter(Boolean).join(", ");
};

/** Where it comes from, in words. */
export function originWords(p: Playbook): string {
  switch (p.origin) {
    case "workspace":
      return `from the workspace${p.managed_by ? `: ${p.managed_by}` : ""}`;
    case "shipped":
      return "shipped with Tocsin";
    case "database":
      return "written here";
    default:
      return "";
  }
}

/** "" where the draft may be published by this person, else why not. */
export function publishWhyNot(p: Playbook, me: Me): string {
  if (!p.draft) return "There is no draft.";
  const errors = (p.problems ?? []).filter((x) => x.severity === "error").length;
  if (errors > 0) return `Fix ${errors} ${errors === 1 ? "error" : "errors"} first.`;
  if (!me.verbs.includes("playbook.publish")) return "An engineer or a lead publishes it.";
  if (p.draft.author.toLowerCase() === me.name.toLowerCase()) return "You wrote it; a second person publishes it.";
  return "";
}

export const shortVersion = (v: string | undefined): string => (v ?? "").replace(/^sha256:/, "").slice(0, 7);
