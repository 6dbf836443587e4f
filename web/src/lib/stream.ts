// What changed, from the server: one stream per browser. The tab that holds the lock listens and tells the others;
// HTTP/1.1 allows six connections, and the seventh tab would hang.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { serverNow } from "./clock";

export type Change = { kind: string; id: string; version?: number };
export type Live = { on: boolean; since: number }; // since: when the last sign of life came, by the server's clock

type Note = { changes: Change[] } | { live: boolean } | { reset: true } | { hello: true };

const STREAM = "/api/v1/stream";
const QUIET_MS = 40_000; // two heartbeats and a bit
const FLUSH_MS = 250;

let live: Live = { on: true, since: serverNow() };
const heard = new Set<() => void>();

function setLive(on: boolean): void {
  // While all is well only the moment changes, and nobody needs to be told.
  if (on && live.on) {
    live.since = serverNow();
    return;
  }
  live = { on, since: on ? serverNow() : live.since };
  for (const f of heard) f();
}

export const useLive = (): Live =>
  useSyncExternalStore(
    (f) => {
      heard.add(f);
      return () => heard.delete(f);
    },
    () => live,
  );

/** Turns changes into stale queries: lists of the kind, and the one thing. Several at once are one refresh. */
export function refresher(client: QueryClient, wait = FLUSH_MS) {
  let kinds = new Map<string, Set<string>>();
  let due = false;
  const flush = () => {
    due = false;
    const now = kinds;
    kinds = new Map();
    for (const [kind, ids] of now)
      void client.invalidateQueries({
        predicate: ({ queryKey: [k, what] }) => k === kind && (what === "list" || ids.has(String(what))),
      });
  };
  return (changes: Change[]) => {
    for (const { kind, id } of changes) {
      const ids = kinds.get(kind) ?? new Set();
      ids.add(id);
      kinds.set(kind, ids);
    }
    if (!due) setTimeout(flush, wait);
    due = true;
  };
}

function isChange(x: unknown): x is Change {
  return typeof x === "object" && x !== null && "kind" in x && typeof x.kind === "string" && "id" in x;
}

/** Reads an event's data: one change, or a batch of them. Nonsense is no change. */
export function parse(data: string): Change[] {
  try {
    const raw: unknown = JSON.parse(data);
    return (Array.isArray(raw) ? raw : [raw]).filter(isChange);
  } catch {
    return [];
  }
}

/** Listens itself until stopped, and starts again after a break; EventSource resumes by Last-Event-ID. */
function listen(tell: (n: Note) => void): () => void {
  let source: EventSource | undefined;
  let quiet: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  const alive = () => {
    tell({ live: true });
    clearTimeout(quiet);
    quiet = setTimeout(probe, QUIET_MS);
  };
  // A heartbeat may be a comment, which EventSource hides: silence is checked before it is believed.
  const probe = () => {
    fetch("/readyz", { signal: AbortSignal.timeout(5000), cache: "no-store" }).then(
      (r) => (r.ok && source?.readyState === EventSource.OPEN ? alive() : lost()),
      () => lost(),
    );
  };
  const open = () => {
    source = new EventSource(STREAM);
    source.onopen = () => {
      tries = 0;
      alive();
    };
    source.onmessage = alive;
    source.addEventListener("heartbeat", alive);
    source.addEventListener("change", (e) => {
      alive();
      tell({ changes: parse((e as MessageEvent<string>).data) });
    });
    // What was missed is no longer kept: everything shown is asked for again.
    source.addEventListener("reset", () => tell({ reset: true }));
    source.onerror = () => {
      tell({ live: false });
      // The browser tries again by itself unless the server closed for good (a 401, a restart behind a proxy).
      if (source?.readyState === EventSource.CLOSED) lost();
    };
  };
  const lost = () => {
    tell({ live: false });
    source?.close();
    clearTimeout(again);
    again = setTimeout(open, Math.min(15_000, 1000 * 2 ** tries++));
  };
  open();
  return () => {
    source?.close();
    clearTimeout(quiet);
    clearTimeout(again);
  };
}

/** Starts this tab's part: leading, or following the tab that leads. Gives a way to stop. */
export function startStream(client: QueryClient): () => void {
  const refresh = refresher(client);
  const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("tocsin.stream");
  const stop = new AbortController();
  let wasOff = false;
  let last: Note = { live: true };

  const take = (n: Note) => {
    if ("changes" in n) refresh(n.changes);
    else if ("reset" in n) void client.invalidateQueries();
    else if ("live" in n) {
      setLive(n.live);
      // Back after a break: what happened meanwhile may have been dropped, so everything shown is asked for again.
      if (n.live && wasOff) void client.invalidateQueries();
      wasOff = !n.live;
    }
  };
  const lead = (n: Note) => {
    if ("live" in n) last = n;
    take(n);
    channel?.postMessage(n);
  };
  let leading = false;
  if (channel)
    channel.onmessage = (e: MessageEvent<Note>) => {
      if (leading) {
        if ("hello" in e.data) channel.postMessage(last);
      } else take(e.data);
    };
  channel?.postMessage({ hello: true } satisfies Note);

  const run = () =>
    new Promise<void>((done) => {
      leading = true;
      const end = listen(lead);
      stop.signal.addEventListener("abort", () => {
        end();
        done();
      });
    });
  if (navigator.locks && channel)
    navigator.locks.request("tocsin.stream", { signal: stop.signal }, run).catch(() => {});
  else void run();
  return () => {
    stop.abort();
    channel?.close();
  };
}
