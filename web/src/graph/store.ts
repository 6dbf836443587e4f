// What each node says, with one subscription per step: an event draws one node, not five hundred.
import { createContext, useContext, useSyncExternalStore } from "react";
import type { NodeView } from "./model";

const same = (a: NodeView | undefined, b: NodeView | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.state === b.state &&
    a.meta === b.meta &&
    a.problem === b.problem &&
    JSON.stringify(a.counts) === JSON.stringify(b.counts));

export class Views {
  private now: ReadonlyMap<string, NodeView> = new Map();
  private selected = "";
  private readonly heard = new Map<string, Set<() => void>>();

  /** Takes the new views and tells only the nodes whose words changed. */
  set(next: ReadonlyMap<string, NodeView>): void {
    const before = this.now;
    const merged = new Map(next);
    const changed: string[] = [];
    for (const [path, view] of next) {
      const old = before.get(path);
      if (same(old, view)) {
        if (old) merged.set(path, old);
      } else changed.push(path);
    }
    for (const path of before.keys()) if (!next.has(path)) changed.push(path);
    this.now = merged;
    for (const path of changed) this.tell(path);
  }

  select(path: string): void {
    const old = this.selected;
    if (old === path) return;
    this.selected = path;
    this.tell(old);
    this.tell(path);
  }

  view(path: string): NodeView | undefined {
    return this.now.get(path);
  }

  isSelected(path: string): boolean {
    return this.selected === path;
  }

  listen(path: string, f: () => void): () => void {
    const set = this.heard.get(path) ?? new Set();
    set.add(f);
    this.heard.set(path, set);
    return () => set.delete(f);
  }

  private tell(path: string): void {
    for (const f of this.heard.get(path) ?? []) f();
  }
}

export const ViewsContext = createContext(new Views());

export function useView(path: string): { view: NodeView | undefined; selected: boolean } {
  const views = useContext(ViewsContext);
  const view = useSyncExternalStore(
    (f) => views.listen(path, f),
    () => views.view(path),
  );
  const selected = useSyncExternalStore(
    (f) => views.listen(path, f),
    () => views.isSelected(path),
  );
  return { view, selected };
}
