// What a person chose for this browser: zone, theme, whether single keys act.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
export type Prefs = { zone: string; theme: Theme; keys: boolean; compact: boolean };

const KEY = "tocsin.prefs";
const first: Prefs = { zone: "UTC", theme: "system", keys: true, compact: true };
const heard = new Set<() => void>();

/** Whether the browser knows the zone; a stored one may come from another browser. */
function knownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function load(): Prefs {
  try {
    const raw: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof raw !== "object" || raw === null) return first;
    const p = raw as Partial<Prefs>;
    return {
      zone: typeof p.zone === "string" && knownZone(p.zone) ? p.zone : first.zone,
      theme: p.theme === "light" || p.theme === "dark" ? p.theme : "system",
      keys: p.keys !== false,
      compact: p.compact !== false,
    };
  } catch {
    return first;
  }
}

let now = load();

/** The zone of this browser, for the menu. */
export const homeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export const prefs = (): Prefs => now;

export function setPrefs(change: Partial<Prefs>): void {
  now = { ...now, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // A browser that keeps nothing: the choice holds until the tab is closed.
  }
  applyTheme();
  for (const f of heard) f();
}

/** Puts theme and density on the document; the tokens read them. */
export function applyTheme(): void {
  const root = document.documentElement;
  if (now.theme === "system") root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", now.theme);
  root.setAttribute("data-density", now.compact ? "compact" : "comfortable");
}

export const usePrefs = (): Prefs =>
  useSyncExternalStore(
    (f) => {
      heard.add(f);
      return () => heard.delete(f);
    },
    () => now,
  );
