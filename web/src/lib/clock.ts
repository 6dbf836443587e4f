// The server's clock, ticking here. Deadlines and undo windows are the server's; a wrong clock of the browser must not move them.
import { useSyncExternalStore } from "react";

let offset = 0;
let ticking: ReturnType<typeof setInterval> | undefined;
const heard = new Set<() => void>();
let second = Math.floor(Date.now() / 1000);

/** Takes the server's time out of an answer; half the way there and back is the best guess of its age. */
export function setServerNow(now: string, roundTripMs = 0): void {
  const at = Date.parse(now);
  if (Number.isNaN(at)) return;
  offset = at + roundTripMs / 2 - Date.now();
}

/** Milliseconds since 1970, by the server's clock. */
export const serverNow = (): number => Date.now() + offset;

function tick(): void {
  const next = Math.floor(serverNow() / 1000);
  if (next === second) return;
  second = next;
  for (const f of heard) f();
}

function listen(f: () => void): () => void {
  heard.add(f);
  ticking ??= setInterval(tick, 200);
  return () => {
    heard.delete(f);
    if (heard.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** A moment of this browser's clock, by the server's. */
export const onServer = (ms: number): string => new Date(ms + offset).toISOString();

/** The server's time, anew each second. Only small parts use it, so that a second does not draw a screen. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => second) * 1000;
}

/** The server's time, anew each minute or so: for ages in long lists. */
export function useSlowNow(): number {
  return useSyncExternalStore(listen, () => Math.floor(second / 10)) * 10_000;
}
