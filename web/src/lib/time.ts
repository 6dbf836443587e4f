// Times and lengths in words. Pure: the moment and the zone come as arguments.

export type Zone = string; // IANA name

const cache = new Map<string, Intl.DateTimeFormat>();
function format(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let f = cache.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    cache.set(key, f);
  }
  return f;
}

/** 02:14:07 */
export const clock = (at: Date, zone: Zone): string =>
  format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(at);

/** 02:14 */
const minute = (at: Date, zone: Zone): string =>
  format(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);

/** 23 Nov */
const day = (at: Date, zone: Zone): string => format(zone, { day: "numeric", month: "short" }).format(at);

/** "UTC", "CET", "GMT+2": the zone's own short name at that moment. */
export function zoneName(zone: Zone, at: Date): string {
  if (zone === "UTC") return "UTC";
  const part = format(zone, { timeZoneName: "short" })
    .formatToParts(at)
    .find((p) => p.type === "timeZoneName");
  return part?.value ?? zone;
}

/** The time, with the day where it is not today: "02:14:07" or "22 Nov 18:40". */
export function stamp(at: Date, now: Date, zone: Zone): string {
  if (day(at, zone) === day(now, zone) && Math.abs(now.getTime() - at.getTime()) < 864e5) return clock(at, zone);
  return `${day(at, zone)} ${minute(at, zone)}`;
}

/** Whole and unmistakable, for the tooltip: day, time and zone, in the person's zone and in UTC. */
export function full(at: Date, zone: Zone): string {
  const one = (z: Zone) => `${format(z, { dateStyle: "full" }).format(at)}, ${clock(at, z)} ${zoneName(z, at)}`;
  return zone === "UTC" ? one("UTC") : `${one(zone)}\n${one("UTC")}`;
}

/** Time left, as a countdown: 6:41, 51:58, 1:12 h, 3 d. Never below 0:00. */
export function left(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  if (s < 86400) return `${Math.floor(s / 3600)}:${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** How old: 12 s, 3 min, 1 h, 5 d. Also never negative: clocks of sources run ahead. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** How long it took: 80 ms, 0.8 s, 40.6 s, 4:01, 1:12 h. */
export function took(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  return left(ms);
}

/** A length of time in words: "8 h", "90 min", "40 s", "2 d". */
export function span(seconds: number): string {
  if (seconds % 86400 === 0 && seconds >= 86400) return `${seconds / 86400} d`;
  if (seconds % 3600 === 0 && seconds >= 3600) return `${seconds / 3600} h`;
  if (seconds % 60 === 0 && seconds >= 60) return `${seconds / 60} min`;
  return `${seconds} s`;
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of the server's duration text ("30m", "1h30m", "8s"); 0 where there is none. */
export function seconds(text: string | undefined): number {
  let sum = 0;
  for (const [, n, unit] of (text ?? "").matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    sum += Number(n) * (UNITS[unit ?? "s"] ?? 0);
  return sum;
}
