// Moments and lengths on the screen: one zone for everything, both zones on hover.
import { useNow, useSlowNow } from "../lib/clock";
import { usePrefs } from "../lib/prefs";
import { age, clock, full, left, stamp, took, zoneName } from "../lib/time";

/** A moment: the time, with its day where it is not today. */
export function At({ at, zone: named = false }: { at: string | null | undefined; zone?: boolean }) {
  const { zone } = usePrefs();
  const now = useSlowNow();
  if (!at) return <span className="muted">–</span>;
  const d = new Date(at);
  return (
    <time className="num" dateTime={at} title={full(d, zone)}>
      {stamp(d, new Date(now), zone)}
      {named ? ` ${zoneName(zone, d)}` : ""}
    </time>
  );
}

/** How old something is. */
export function Age({ at }: { at: string | null | undefined }) {
  const { zone } = usePrefs();
  const now = useSlowNow();
  if (!at) return <span className="muted">–</span>;
  return (
    <time className="num" dateTime={at} title={full(new Date(at), zone)}>
      {age(now - Date.parse(at))}
    </time>
  );
}

/** Time left, by the server's clock. */
export function Left({ until }: { until: string }) {
  const now = useNow();
  return <span className="num">{left(Date.parse(until) - now)}</span>;
}

/** How long something took, or has been taking. */
export function Took({ from, to }: { from: string | null | undefined; to: string | null | undefined }) {
  if (!from) return null;
  if (to) return <span className="num">{took(Date.parse(to) - Date.parse(from))}</span>;
  return <Since from={from} />;
}

function Since({ from }: { from: string }) {
  const now = useNow();
  return <span className="num">{left(now - Date.parse(from))}</span>;
}

/** The clock of the top bar, with its zone. */
export function Clock() {
  const { zone } = usePrefs();
  const now = new Date(useNow());
  return (
    <span className="num soft clock" title={full(now, zone)}>
      {clock(now, zone)} <span className="muted">{zoneName(zone, now)}</span>
    </span>
  );
}
