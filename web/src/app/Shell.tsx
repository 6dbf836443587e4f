// The frame of every screen: top bar, rail, bottom bar on a phone, and what concerns everybody above it all.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { standing } from "../features/approvals/model";
import { Bell } from "../features/notifications/Bell";
import { useKeys } from "../lib/keys";
import { useMe, whyNot } from "../lib/me";
import { usePrefs } from "../lib/prefs";
import { approvals, halt, runs } from "../lib/queries";
import { startStream, useLive } from "../lib/stream";
import { clock } from "../lib/time";
import { Glyph } from "../ui/Glyph";
import { LazyMenu } from "../ui/Lazy";
import { Button, initials, Who } from "../ui/parts";
import type { GlyphName } from "../ui/Sprite";
import { Empty, Loading } from "../ui/States";
import { Text } from "../ui/Text";
import { At, Clock } from "../ui/Time";
import { PLACES, type Place } from "./places";

const Palette = lazy(() => import("./Palette"));
const Panel = lazy(() => import("../features/notifications/Panel"));
const Help = lazy(() => import("./Help"));
const HaltDialog = lazy(() => import("../features/people/HaltDialog"));
const personMenu = () => import("./PersonMenu");

export function Shell() {
  const client = useQueryClient();
  const me = useMe();
  const [over, setOver] = useState<"jump" | "help" | "halt" | "told" | null>(null);
  useEffect(() => startStream(client), [client]);
  useGlobalKeys(setOver);
  useKeys({ n: () => setOver("told") });
  useTitle();
  const phoneDeciding = useLocation({ select: (l) => l.pathname.startsWith("/approvals/") });
  return (
    <div className={`app${phoneDeciding ? " deciding" : ""}`}>
      <div className="banners">
        <Banners onHalt={() => setOver("halt")} />
      </div>
      <header className="top">
        <a className="skip" href="#work">
          To the content
        </a>
        <Link className="brand" to="/" aria-label="Tocsin, home">
          <Glyph name="tocsin" />
          <span>Tocsin</span>
        </Link>
        <button type="button" className="jump" onClick={() => setOver("jump")}>
          <Glyph name="i-search" />
          <span className="grow cut">Search or jump to</span>
          <kbd className="k">Ctrl K</kbd>
        </button>
        <span className="grow keep" />
        {me.server.demo_url && (
          <a className="demo" href={me.server.demo_url} target="_blank" rel="noreferrer noopener">
            Demo<span className="long"> range, not part of the product</span>
            <Glyph name="i-external" className="s" />
          </a>
        )}
        <LiveMark />
        <Bell onOpen={() => setOver("told")} />
        <Clock />
        <button type="button" className="round keep" aria-label="Help and keys" onClick={() => setOver("help")}>
          <Glyph name="i-help" />
        </button>
        <LazyMenu
          load={personMenu}
          props={{ onHelp: () => setOver("help"), onHalt: () => setOver("halt") }}
          button={(open) => (
            <button
              type="button"
              className="round"
              aria-haspopup="menu"
              aria-label={`${initials(me.name)}, ${me.name}: zone, theme, log out`}
              onClick={open}
            >
              <Who name={me.name} />
            </button>
          )}
        />
      </header>
      <Rail />
      <main className="work" id="work" tabIndex={-1}>
        <Suspense fallback={<Loading rows={12} />}>
          <Outlet />
        </Suspense>
      </main>
      <BottomBar />
      <Suspense fallback={null}>
        {over === "jump" && <Palette onClose={() => setOver(null)} />}
        {over === "told" && <Panel onClose={() => setOver(null)} />}
        {over === "help" && <Help onClose={() => setOver(null)} />}
        {over === "halt" && <HaltOver onClose={() => setOver(null)} />}
      </Suspense>
    </div>
  );
}

function HaltOver({ onClose }: { onClose: () => void }) {
  const h = useQuery(halt);
  return <HaltDialog on={h.data?.on ?? false} onClose={onClose} />;
}

/** Ctrl K everywhere, also while typing; ? where nobody types. */
function useGlobalKeys(set: (o: "jump" | "help") => void): void {
  const { keys } = usePrefs();
  useEffect(() => {
    const hear = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
        e.preventDefault();
        set("jump");
      } else if (
        e.key === "?" &&
        keys &&
        !(
          e.target instanceof HTMLElement &&
          e.target.closest("input, textarea, select, [contenteditable], [role=dialog]")
        )
      )
        set("help");
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [set, keys]);
}

/** The title names the place and what waits, so that a tab in the background tells it. */
function useTitle(): void {
  const n = useMine().length;
  const path = useLocation({ select: (l) => l.pathname });
  const place = PLACES.find((p) => p.to === path || (p.to !== "/" && path.startsWith(`${p.to}/`)));
  useEffect(() => {
    document.title = `${n > 0 ? `(${n}) ` : ""}${place?.name ?? "Tocsin"} · Tocsin`;
  }, [n, place]);
}

function useMine() {
  const me = useMe();
  const open = useQuery(approvals({ status: "pending" }));
  return useMemo(() => (open.data?.items ?? []).filter((a) => standing(a, me).may), [open.data, me]);
}

const working = runs({ status: "running", limit: 200 });

function Rail() {
  const mine = useMine().length;
  const busy = useQuery(working);
  const h = useQuery(halt);
  const n = busy.data?.items.length ?? 0;
  const groups = ["work", "Build", "Oversight"] as const;
  return (
    <nav className="rail" aria-label="Main">
      {groups.map((g) => (
        <div key={g}>
          {g !== "work" && <h2>{g}</h2>}
          {PLACES.filter((p) => p.group === g).map((p) => (
            <PlaceLink key={p.to} place={p} due={p.to === "/approvals" ? mine : 0} />
          ))}
        </div>
      ))}
      <p className="foot">
        {busy.data ? `${n}${busy.data.next ? "+" : ""} ${n === 1 ? "run" : "runs"} working` : ""}
        <br />
        {h.data ? `Halt is ${h.data.on ? "on" : "off"}` : ""}
      </p>
    </nav>
  );
}

function PlaceLink({ place, due }: { place: Place; due: number }) {
  return (
    <Link
      to={place.to}
      activeOptions={{ exact: place.to === "/", includeSearch: false }}
      activeProps={{ "aria-current": "page" }}
      title={place.name}
    >
      <Glyph name={place.glyph} />
      {place.name}
      {due > 0 && (
        <span className="n due">
          {due}
          <span className="hid"> wait for you</span>
        </span>
      )}
    </Link>
  );
}

function BottomBar() {
  const mine = useMine().length;
  const here = ["/alerts", "/approvals", "/runs"];
  const path = useLocation({ select: (l) => l.pathname });
  const bar: [string, string, GlyphName][] = [
    ["/alerts", "Alerts", "i-alerts"],
    ["/approvals", "Approvals", "i-approvals"],
    ["/runs", "Runs", "i-runs"],
    ["/more", "More", "i-more"],
  ];
  return (
    <nav className="bottom" aria-label="Main, phone">
      {bar.map(([to, name, glyph]) => {
        const at = to === "/more" ? path !== "/" && !here.some((h) => path.startsWith(h)) : path.startsWith(to);
        return (
          <Link key={to} to={to} aria-current={at ? "page" : undefined} activeProps={{}}>
            <Glyph name={glyph} />
            {name}
            {to === "/approvals" && mine > 0 && <span className="n">{mine}</span>}
          </Link>
        );
      })}
    </nav>
  );
}

function LiveMark() {
  const live = useLive();
  const { zone } = usePrefs();
  return (
    <span className={`live${live.on ? "" : " off"}`} role="status">
      {live.on ? "Live" : `last update ${clock(new Date(live.since), zone)}`}
    </span>
  );
}

/** The halt, the quarantine. Nothing else is worth a line on every screen. */
function Banners({ onHalt }: { onHalt: () => void }) {
  const me = useMe();
  const h = useQuery(halt);
  if (!h.data?.on) return null;
  const q = h.data.quarantine;
  const why = whyNot(me, "halt.off");
  return (
    <div className="banner halt" role="status">
      <Glyph name="i-halt" className="failed" />
      <p className="grow">
        <strong>{q ? "Quarantined: this is a restored or copied database." : "Halted."}</strong> Nothing new is sent to
        other systems; runs wait.{" "}
        {h.data.by && (
          <span className="soft">
            By <Text>{h.data.by}</Text>, <At at={h.data.since} />: “<Text>{h.data.reason}</Text>”
          </span>
        )}
      </p>
      {h.data.approval ? (
        <Link className="btn small" to="/approvals/$id" params={{ id: h.data.approval }}>
          Lifting it waits for a second person
        </Link>
      ) : why ? (
        <span className="meta muted">{why}</span>
      ) : (
        <Button size="small" onClick={onHalt}>
          Ask to lift it
        </Button>
      )}
    </div>
  );
}

export function Missing() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <div>
      <Empty
        title="There is nothing at this address."
        act={
          <Link className="btn" to="/">
            Go home
          </Link>
        }
      >
        <span className="mono wrap">
          <Text>{path}</Text>
        </span>
      </Empty>
    </div>
  );
}
