// Triage: worst and newest in sight, everything by one key.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { onServer, useSlowNow } from "../../lib/clock";
import { groupBy } from "../../lib/group";
import { plain } from "../../lib/hostile";
import { useKeys } from "../../lib/keys";
import { useMe } from "../../lib/me";
import { usePhone } from "../../lib/media";
import { runs } from "../../lib/queries";
import { runState } from "../../lib/states";
import type { Alert, Run } from "../../lib/wire";
import { Glyph, Severity, StateMark } from "../../ui/Glyph";
import { type Column, Grid } from "../../ui/Grid";
import { Button, Keys, Select, Who } from "../../ui/parts";
import { Empty, Failure, Loading } from "../../ui/States";
import { Mid, Text } from "../../ui/Text";
import { Age, At, Left } from "../../ui/Time";
import { type AlertFilter, alertList, useEdit } from "./api";
import { due, entity, runWords, storm, telling } from "./model";

const CloseDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.CloseDialog })));
const StartDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.StartDialog })));

const recentRuns = runs({ limit: 200 });

/** Which runs belong to which alert, and since when that is known. */
function useRunsByAlert(): { of: (a: Alert) => Run | undefined; since: string } {
  const q = useQuery(recentRuns);
  return useMemo(() => {
    const items = q.data?.items ?? [];
    const by = groupBy(
      items.filter((r) => r.alert),
      (r) => r.alert ?? "",
    );
    return {
      of: (a: Alert) => telling(by.get(a.id) ?? []),
      since: q.data?.next ? (items.at(-1)?.created_at ?? "") : "",
    };
  }, [q.data]);
}

function PlaybookState({ alert, run, since }: { alert: Alert; run: Run | undefined; since: string }) {
  if (alert.status === "closed" && !run)
    return (
      <StateMark state="skipped" words={`closed${alert.verdict ? `: ${alert.verdict.replaceAll("_", " ")}` : ""}`} />
    );
  if (!run)
    return alert.first_seen < since ? (
      <span className="muted">–</span>
    ) : (
      <StateMark state="not-started" words="no playbook" />
    );
  const until = due(run);
  return (
    <span className={`state ${runState(run)}`}>
      <Glyph name={`s-${runState(run)}`} />
      <span className="cut">
        {runWords(run)}
        {until && (
          <>
            , <Left until={until} />
          </>
        )}
      </span>
    </span>
  );
}

export function AlertsScreen({ search }: { search: AlertFilter }) {
  const me = useMe();
  const navigate = useNavigate();
  const phone = usePhone();
  const now = useSlowNow();
  const list = useInfiniteQuery(alertList(search));
  const { of, since } = useRunsByAlert();
  const edit = useEdit();
  const [at, setAt] = useState(-1);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<"close" | "start" | null>(null);

  const rows = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const mark = Math.min(at, rows.length - 1);
  const row = rows[mark];
  const chosen = picked.size > 0 ? [...picked] : row ? [row.id] : [];
  const set = (change: AlertFilter) => navigate({ to: "/alerts", search: { ...search, ...change }, replace: true });
  const toggle = useCallback((id: string) => {
    setPicked((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);

  useKeys({
    j: () => setAt(Math.min(rows.length - 1, mark + 1)),
    k: () => setAt(Math.max(0, mark - 1)),
    ArrowDown: () => setAt(Math.min(rows.length - 1, mark + 1)),
    ArrowUp: () => setAt(Math.max(0, mark - 1)),
    Enter: () => row && navigate({ to: "/alerts/$id", params: { id: row.id } }),
    x: () => row && toggle(row.id),
    e: () => chosen.length > 0 && setDialog("close"),
    r: () => row && setDialog("start"),
    o: () =>
      row && edit.mutate({ ids: chosen, owner: me.name, ...(row.status === "new" ? { status: "in_progress" } : {}) }),
    Escape: () => setPicked(new Set()),
  });

  const columns = useMemo<Column<Alert>[]>(
    () => [
      {
        id: "select",
        label: "",
        width: "14px",
        cell: (a) => (
          <input
            type="checkbox"
            className="box over"
            checked={picked.has(a.id)}
            onChange={() => toggle(a.id)}
            aria-label={`Select ${plain(a.title)}`}
          />
        ),
      },
      { id: "severity", label: "Severity", width: "76px", cell: (a) => <Severity severity={a.severity} /> },
      { id: "age", label: "Age", width: "50px", cls: "muted", cell: (a) => <Age at={a.last_seen} /> },
      {
        id: "what",
        label: "What",
        width: "minmax(0, 2.2fr)",
        cell: (a) => (
          <Link className="rowlink" to="/alerts/$id" params={{ id: a.id }}>
            {/https?:\/\//.test(a.title) ? <Mid>{a.title}</Mid> : <Text>{a.title}</Text>}
          </Link>
        ),
      },
      { id: "entity", label: "Entity", width: "minmax(0, 1.1fr)", cls: "mono", cell: (a) => <Mid>{entity(a)}</Mid> },
      { id: "source", label: "Source", width: "minmax(0, .6fr)", cls: "soft", cell: (a) => a.source, secondary: true },
      {
        id: "count",
        label: "Count",
        width: "52px",
        cls: "r num",
        cell: (a) => (a.count > 1 ? `×${a.count.toLocaleString("en")}` : ""),
      },
      {
        id: "playbook",
        label: "Playbook",
        width: "minmax(116px, .8fr)",
        cell: (a) => <PlaybookState alert={a} run={of(a)} since={since} />,
      },
      {
        id: "owner",
        label: "Owner",
        width: "minmax(0, .7fr)",
        secondary: true,
        cell: (a) =>
          a.owner ? (
            <span className="row six">
              <Who name={a.owner} />
              <span className="cut">
                <Text>{a.owner}</Text>
              </span>
            </span>
          ) : null,
      },
    ],
    [picked, of, since, toggle],
  );

  const narrowed = Object.entries(search).some(([k, v]) => v && k !== "sort");
  const s = useMemo(() => storm(rows, now), [rows, now]);
  const more = list.hasNextPage;
  return (
    <>
      <div className="head">
        <h1>Alerts</h1>
        <nav className="tabs" aria-label="Views">
          <View to={{}} now={search} label="All" />
          <View to={{ status: "new" }} now={search} label="New" />
          <View to={{ owner: me.name }} now={search} label="Mine" />
          <View to={{ severity: "critical" }} now={search} label="Critical" />
          <View to={{ severity: "high" }} now={search} label="High" />
        </nav>
      </div>
      <Filters search={search} set={set} />
      {s && !search.q && (
        <div className="notice storm">
          <svg className="spark" viewBox="0 0 96 18" aria-hidden="true">
            {s.bars.map((n, i) => {
              const h = Math.max(1, (n / Math.max(...s.bars)) * 17);
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its minute
              return <rect key={i} x={i * 4.8} y={18 - h} width="3.8" height={h} fill="currentColor" />;
            })}
          </svg>
          <p>
            <strong>
              {s.n} like this in {s.minutes} minutes:
            </strong>{" "}
            “<Text>{s.title}</Text>” from {s.source}.
          </p>
          <span className="grow" />
          <Button size="small" onClick={() => set({ q: s.title, source: s.source })}>
            Show only these
          </Button>
        </div>
      )}
      {list.isPending ? (
        <Loading rows={16} label="Loading alerts" />
      ) : list.isError && !list.data ? (
        <Failure what="The alerts could not be read." error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        narrowed ? (
          <Empty
            title="No alert matches."
            act={<Button onClick={() => navigate({ to: "/alerts" })}>Drop all filters</Button>}
          >
            Filters hide the rest.
          </Empty>
        ) : (
          <Empty
            title="No alert has come in yet."
            act={
              <Link className="btn" to="/integrations" search={{ tab: "sources" }}>
                See the sources
              </Link>
            }
          >
            Alerts arrive by webhook at <code>/hooks/SOURCE</code>.
          </Empty>
        )
      ) : (
        <Grid
          label="Alerts"
          columns={columns}
          rows={rows}
          rowKey={(a) => a.id}
          at={mark}
          picked={(a) => picked.has(a.id)}
          narrow={window.innerWidth < 1181}
          card={(a) => <PhoneRow a={a} run={of(a)} since={since} />}
          onEnd={more && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      {picked.size > 0 && (
        <div className="picks" role="status">
          <strong>{picked.size} selected</strong>
          <Button size="small" onClick={() => setDialog("close")}>
            Close {picked.size} with a reason
          </Button>
          <Button size="small" onClick={() => edit.mutate({ ids: [...picked], owner: me.name })}>
            Take {picked.size}
          </Button>
          <Button size="small" kind="quiet" onClick={() => setPicked(new Set())}>
            Let go
          </Button>
        </div>
      )}
      {!phone && (
        <Keys
          keys={[
            ["j k", "move"],
            ["Enter", "open"],
            ["x", "select"],
            ["e", "close with a reason"],
            ["r", "run a playbook"],
            ["o", "take it"],
          ]}
        >
          <span className="num">
            {rows.length.toLocaleString("en")}
            {more ? "+" : ""} {narrowed ? "match" : "alerts"} · as of{" "}
            <At at={onServer(list.dataUpdatedAt || Date.now())} />
          </span>
        </Keys>
      )}
      <Suspense fallback={null}>
        {dialog === "close" && (
          <CloseDialog
            ids={chosen}
            onClose={() => {
              setDialog(null);
              setPicked(new Set());
            }}
          />
        )}
        {dialog === "start" && row && <StartDialog alert={row} onClose={() => setDialog(null)} />}
      </Suspense>
    </>
  );
}

function View({ to, now, label }: { to: AlertFilter; now: AlertFilter; label: string }) {
  const keys = ["severity", "status", "owner", "source", "q"] as const;
  const at = keys.every((k) => (to[k] ?? undefined) === (now[k] ?? undefined));
  return (
    <Link to="/alerts" search={{ ...to, sort: now.sort }} aria-current={at ? "page" : undefined} activeProps={{}}>
      {label}
    </Link>
  );
}

function Filters({ search, set }: { search: AlertFilter; set: (f: AlertFilter) => void }) {
  const [q, setQ] = useState(search.q ?? "");
  const last = useRef(search.q ?? "");
  // The address may change from elsewhere (a view, a back button); typing is sent after a breath.
  useEffect(() => {
    if ((search.q ?? "") !== last.current) {
      last.current = search.q ?? "";
      setQ(search.q ?? "");
    }
  }, [search.q]);
  useEffect(() => {
    if (q === last.current) return;
    const t = setTimeout(() => {
      last.current = q;
      set({ q: q || undefined });
    }, 250);
    return () => clearTimeout(t);
  }, [q, set]);
  return (
    <search className="sub">
      <label className="field filter wide">
        <Glyph name="i-search" />
        <span className="hid">Search title, source id and entities</span>
        <input
          value={q}
          placeholder="Title, source id, host, address"
          spellCheck={false}
          onChange={(e) => setQ(e.target.value)}
        />
      </label>
      <Select
        label="Severity"
        value={search.severity ?? ""}
        onPick={(v) => set({ severity: v || undefined })}
        options={[
          ["", "any"],
          ["critical", "critical"],
          ["high", "high"],
          ["medium", "medium"],
          ["low", "low"],
          ["informational", "info"],
        ]}
      />
      <Select
        label="State"
        value={search.status ?? ""}
        onPick={(v) => set({ status: v || undefined })}
        options={[
          ["", "any"],
          ["new", "new"],
          ["in_progress", "in progress"],
          ["closed", "closed"],
        ]}
      />
      {search.source && <Chip text={`source ${search.source}`} onDrop={() => set({ source: undefined })} />}
      {search.owner && <Chip text={`owner ${search.owner}`} onDrop={() => set({ owner: undefined })} />}
      <span className="grow" />
      <Select
        label="Order"
        value={search.sort ?? ""}
        onPick={(v) => set({ sort: v || undefined })}
        options={[
          ["", "newest first"],
          ["-severity", "worst first"],
          ["last_seen", "oldest first"],
        ]}
      />
    </search>
  );
}

function Chip({ text, onDrop }: { text: string; onDrop: () => void }) {
  return (
    <span className="filterchip">
      <Text>{text}</Text>
      <button type="button" aria-label={`Drop ${text}`} onClick={onDrop}>
        <Glyph name="i-close" />
      </button>
    </span>
  );
}

function PhoneRow({ a, run, since }: { a: Alert; run: Run | undefined; since: string }) {
  return (
    <Link className="pa" to="/alerts/$id" params={{ id: a.id }}>
      <span className="a1">
        <Severity severity={a.severity} />
        <span className="num muted">
          <Age at={a.last_seen} />
          {a.count > 1 ? ` · ×${a.count.toLocaleString("en")}` : ""}
        </span>
      </span>
      <span className="a2">
        <Text>{a.title}</Text>
      </span>
      <span className="a3">
        <span className="mono cut">
          <Text>{entity(a)}</Text>
        </span>
        <PlaybookState alert={a} run={run} since={since} />
      </span>
    </Link>
  );
}
