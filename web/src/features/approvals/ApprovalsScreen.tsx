// Wireframe A: the list on the left, one request on the right; on a phone one or the other.
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { memo, useEffect, useMemo, useRef } from "react";
import { serverNow, useNow, useSlowNow } from "../../lib/clock";
import { useKeys } from "../../lib/keys";
import { useMe } from "../../lib/me";
import { usePhone } from "../../lib/media";
import { alertById, approvals } from "../../lib/queries";
import { useLive } from "../../lib/stream";
import type { Approval } from "../../lib/wire";
import { Glyph, Severity, StateGlyph } from "../../ui/Glyph";
import { Select, Tabs } from "../../ui/parts";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At, Left } from "../../ui/Time";
import { useWithdraw } from "./api";
import { Card } from "./Card";
import { dueAt, ended, type Group, grouped, headline, held, matches, standing } from "./model";
import { Slots } from "./parts";

export type ApprovalsSearch = {
  tab?: "team" | "decided" | undefined;
  group?: Exclude<Group, "due"> | undefined;
  q?: string | undefined;
};

const pending = approvals({ status: "pending" });
const recent = approvals({ limit: 50 });

export function ApprovalsScreen({ id, search }: { id?: string | undefined; search: ApprovalsSearch }) {
  const me = useMe();
  const navigate = useNavigate();
  const phone = usePhone();
  const live = useLive();
  const now = useSlowNow();
  const open = useQuery(pending);
  const all = useQuery(recent);
  const tab = search.tab ?? "mine";
  const by = search.group ?? "due";

  const items = useMemo(() => open.data?.items ?? [], [open.data]);
  const mine = useMemo(() => items.filter((a) => standing(a, me).may), [items, me]);
  const others = useMemo(() => items.filter((a) => !standing(a, me).may), [items, me]);
  const decided = useMemo(() => (all.data?.items ?? []).filter((a) => a.status !== "pending"), [all.data]);
  const just = useJust(decided);

  const groups = useMemo(() => {
    const hit = (xs: Approval[]) => xs.filter((a) => matches(a, search.q ?? ""));
    const named = (title: string, xs: Approval[]) =>
      grouped(hit(xs), by, now).map((g, i) => ({
        title: by === "due" ? `${title} · ${xs.length}` : i === 0 ? `${title} · ${g.title}` : g.title,
        items: g.items,
      }));
    switch (tab) {
      case "mine":
        return [
          ...named("Needs you", mine),
          ...named("Others can decide", others),
          ...(just.length > 0 ? [{ title: "Just decided", items: hit(just) }] : []),
        ];
      case "team":
        return named("Others can decide", others);
      case "decided":
        return [{ title: "Decided, newest first", items: hit(decided) }];
    }
  }, [tab, mine, others, just, decided, by, search.q, now]);

  const flat = useMemo(() => groups.flatMap((g) => g.items), [groups]);
  const at = id ?? (phone ? undefined : flat[0]?.id);
  const go = (next: string | undefined) =>
    next && navigate({ to: "/approvals/$id", params: { id: next }, search, replace: id !== undefined });
  const move = (step: number) => {
    const i = flat.findIndex((a) => a.id === at);
    const next = flat[Math.max(0, Math.min(flat.length - 1, i + step))]?.id;
    go(next);
    // The focus rests in the list, never on a button that decides.
    if (next) document.querySelector<HTMLElement>(`[data-ask="${next}"]`)?.focus({ preventScroll: true });
  };
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) });
  const set = (change: Partial<ApprovalsSearch>) =>
    navigate({ to: "/approvals", search: { ...search, ...change }, replace: true });
  const nextMine = mine.find((a) => a.id !== at);

  const list = (
    <nav className="pick" aria-label="Requests" data-rest>
      {open.isPending && <Loading rows={6} label="Loading requests" />}
      {open.isError && !open.data && (
        <Failure what="The list could not be read." error={open.error} retry={() => void open.refetch()} />
      )}
      {open.data && tab === "mine" && mine.length === 0 && !search.q && flat.length > 0 && (
        <Empty title="Nothing waits for you.">{others.length > 0 ? `${others.length} wait for others.` : ""}</Empty>
      )}
      {groups.map(
        (g) =>
          g.items.length > 0 && (
            <Rows key={g.title} title={g.title} items={g.items} at={at} search={search} mine={mine} />
          ),
      )}
      {open.data && flat.length === 0 && (
        <Nothing
          tab={tab}
          q={search.q}
          total={items.length}
          onClear={() => set({ q: undefined })}
          onTab={(t) => set({ tab: t })}
        />
      )}
    </nav>
  );

  if (phone && id)
    return (
      <>
        <div className="pbar">
          <Link className="row" to="/approvals" search={search}>
            <Glyph name="i-left" />
            <strong>Approvals</strong>
          </Link>
          <span className="muted num">
            {Math.max(1, flat.findIndex((a) => a.id === id) + 1)} of {Math.max(1, flat.length)}
          </span>
          <span className="grow" />
          <span className={`live meta${live.on ? "" : " off"}`}>{live.on ? "Live" : "Not live"}</span>
        </div>
        <Card key={id} id={id} onNext={nextMine ? () => go(nextMine.id) : undefined} />
      </>
    );

  return (
    <>
      <div className="head lined">
        <h1>Approvals</h1>
        <Tabs
          label="approvals"
          at={tab}
          onPick={(t) => set({ tab: t === "mine" ? undefined : (t as "team" | "decided") })}
          tabs={[
            { id: "mine", label: "Mine", n: open.data ? mine.length : undefined },
            { id: "team", label: "Team", n: open.data ? others.length : undefined },
            { id: "decided", label: "Decided" },
          ]}
        />
        <div className="btns">
          <label className="field filter">
            <Glyph name="i-filter" />
            <span className="hid">Filter by target, action or playbook</span>
            <input
              value={search.q ?? ""}
              placeholder="Filter"
              spellCheck={false}
              onChange={(e) => set({ q: e.target.value || undefined })}
            />
          </label>
          <Select
            label="Group"
            value={by}
            onPick={(g) => set({ group: g === "playbook" || g === "target" ? g : undefined })}
            options={[
              ["due", "due"],
              ["playbook", "playbook"],
              ["target", "target"],
            ]}
          />
        </div>
      </div>
      {!live.on && (
        <div className="notice" role="status">
          <Glyph name="s-denied" className="failed" />
          <span>
            <strong>Not live.</strong> What you see may be old, and deciding is switched off until it is not.
          </span>
        </div>
      )}
      <div className="split">
        {list}
        {!phone &&
          (at ? (
            <Card key={at} id={at} onNext={nextMine ? () => go(nextMine.id) : undefined} />
          ) : (
            <div className="card" />
          ))}
      </div>
    </>
  );
}

/** What this person decided in the last ten minutes; it stays in sight while it can be taken back. */
function useJust(decided: readonly Approval[]): Approval[] {
  const me = useMe();
  const minute = Math.floor(useNow() / 60_000);
  return useMemo(
    () =>
      decided.filter(
        (a) =>
          (a.votes ?? []).some((v) => v.by.toLowerCase() === me.name.toLowerCase()) &&
          minute * 60_000 - Date.parse(a.decided_at ?? a.created_at) < 600_000,
      ),
    [decided, me.name, minute],
  );
}

type RowsProps = {
  title: string;
  items: readonly Approval[];
  at: string | undefined;
  search: ApprovalsSearch;
  mine: readonly Approval[];
};

function Rows({ title, items, at, search, mine }: RowsProps) {
  // The list's short form has no severity; it is the alert's, and the page shows it anyway.
  const ids = [...new Set(items.slice(0, 30).map((a) => a.alert))].filter(Boolean);
  const alerts = useQueries({ queries: ids.map((one) => alertById(one)) });
  const severity = new Map(alerts.map((q, i) => [ids[i], q.data?.severity]));
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {items.map((a) => (
          <li key={a.id}>
            <Row a={a} at={a.id === at} search={search} severity={severity.get(a.alert)} off={!mine.includes(a)} />
            {a.status === "approved" && <TakeBack a={a} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A walk with j and k draws two of these, not all. */
const Row = memo(function Row({
  a,
  at,
  search,
  severity,
  off,
}: {
  a: Approval;
  at: boolean;
  search: ApprovalsSearch;
  severity: string | undefined;
  off: boolean;
}) {
  const ref = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (at) ref.current?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const h = headline(a);
  const open = a.status === "pending";
  return (
    <Link
      ref={ref}
      className={`ask${at ? " at" : ""}${off ? " off" : ""}${open ? "" : " over"}`}
      to="/approvals/$id"
      params={{ id: a.id }}
      search={search}
      data-ask={a.id}
      aria-current={at ? "true" : undefined}
    >
      {!open && (
        <span className="mark">
          <StateGlyph state={a.status === "approved" ? "succeeded" : a.status === "denied" ? "denied" : "cancelled"} />
        </span>
      )}
      <span className="t">
        <Text>{h.verb}</Text>{" "}
        <span className="mono">
          <Text>{h.targets.slice(0, 3).join(", ")}</Text>
          {h.targets.length > 3 && ` and ${h.targets.length - 3} more`}
        </span>
      </span>
      <span className="l">{open ? <Left until={dueAt(a, serverNow())} /> : <HeldLeft a={a} />}</span>
      <span className="m">
        <Severity severity={severity} />
        <span className="cut">{open ? a.playbook || "by hand" : <Ended a={a} />}</span>
        {open && <Slots a={a} />}
      </span>
    </Link>
  );
});

function Ended({ a }: { a: Approval }) {
  const me = useMe();
  return (
    <>
      <Text>{ended(a, me)}</Text> <At at={a.decided_at} />
    </>
  );
}

function HeldLeft({ a }: { a: Approval }) {
  const me = useMe();
  const now = useNow();
  const h = held(a, me, now);
  return (
    <span className="soft">
      {h ? (
        <>
          sent in <Left until={h.until} />
        </>
      ) : a.status === "approved" ? (
        "final"
      ) : (
        ""
      )}
    </span>
  );
}

function TakeBack({ a }: { a: Approval }) {
  const me = useMe();
  const now = useNow();
  const live = useLive();
  const withdraw = useWithdraw();
  if (held(a, me, now)?.by !== "you" || !live.on) return null;
  return (
    <button type="button" className="link takeback" onClick={() => withdraw.mutate({ id: a.id })}>
      Take back
    </button>
  );
}

function Nothing({
  tab,
  q,
  total,
  onClear,
  onTab,
}: {
  tab: string;
  q: string | undefined;
  total: number;
  onClear: () => void;
  onTab: (t: "team" | undefined) => void;
}) {
  if (q)
    return (
      <Empty
        title={`None of ${total} matches.`}
        act={
          <button type="button" className="btn" onClick={onClear}>
            Drop “<Text>{q}</Text>”
          </button>
        }
      >
        The filter hides them.
      </Empty>
    );
  if (tab === "decided")
    return <Empty title="Nothing was decided yet.">What people approve or deny is listed here.</Empty>;
  if (tab === "team") return <Empty title="Nothing waits for others." />;
  return (
    <Empty
      title="Nothing waits for you."
      act={
        total > 0 ? (
          <button type="button" className="btn" onClick={() => onTab("team")}>
            See what waits for others
          </button>
        ) : (
          <Link className="btn" to="/runs">
            See what is running
          </Link>
        )
      }
    >
      {total > 0
        ? `${total} wait for others.`
        : "A request appears here the moment the policy or a playbook asks for a person."}
    </Empty>
  );
}
