// Find and compare runs.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { short } from "../../lib/ids";
import { useKeys } from "../../lib/keys";
import { usePhone } from "../../lib/media";
import { runState } from "../../lib/states";
import type { Run } from "../../lib/wire";
import { Glyph, Severity, StateMark } from "../../ui/Glyph";
import { type Column, Grid } from "../../ui/Grid";
import { Button, Keys, Select } from "../../ui/parts";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { Age, Took } from "../../ui/Time";
import { type RunFilter, runList } from "./api";
import { headWords, triggerWords } from "./model";

const COLUMNS: Column<Run>[] = [
  {
    id: "severity",
    label: "Severity",
    width: "76px",
    cell: (r) => <Severity severity={r.severity} />,
    secondary: true,
  },
  {
    id: "playbook",
    label: "Playbook",
    width: "minmax(0, 1.2fr)",
    cell: (r) => (
      <Link className="rowlink" to="/runs/$id" params={{ id: r.id }}>
        {r.playbook || "one action, by hand"}
      </Link>
    ),
  },
  {
    id: "state",
    label: "State",
    width: "minmax(0, 2fr)",
    cell: (r) => <StateMark state={runState(r)} words={headWords(r)} />,
  },
  {
    id: "trigger",
    label: "Started by",
    width: "minmax(0, 1fr)",
    cls: "soft",
    cell: (r) => <Text>{triggerWords(r)}</Text>,
  },
  { id: "age", label: "Age", width: "56px", cls: "muted", cell: (r) => <Age at={r.created_at} /> },
  { id: "took", label: "Took", width: "64px", cls: "r num", cell: (r) => <Took from={r.started_at} to={r.ended_at} /> },
  { id: "run", label: "Run", width: "92px", cls: "mono muted", cell: (r) => short(r.id), secondary: true },
];

export function RunsScreen({ search }: { search: RunFilter }) {
  const navigate = useNavigate();
  const phone = usePhone();
  const list = useInfiniteQuery(runList(search));
  const rows = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const [at, setAt] = useState(-1);
  const mark = Math.min(at, rows.length - 1);
  const set = (change: RunFilter) => navigate({ to: "/runs", search: { ...search, ...change }, replace: true });
  useKeys({
    j: () => setAt(Math.min(rows.length - 1, mark + 1)),
    k: () => setAt(Math.max(0, mark - 1)),
    ArrowDown: () => setAt(Math.min(rows.length - 1, mark + 1)),
    ArrowUp: () => setAt(Math.max(0, mark - 1)),
    Enter: () => {
      const r = rows[mark];
      if (r) void navigate({ to: "/runs/$id", params: { id: r.id } });
    },
  });
  const narrowed = Object.values(search).some(Boolean);
  const view = (to: RunFilter, label: string) => {
    const here = (["status", "waiting", "playbook"] as const).every(
      (k) => (to[k] ?? undefined) === (search[k] ?? undefined),
    );
    return (
      <Link to="/runs" search={to} aria-current={here ? "page" : undefined} activeProps={{}}>
        {label}
      </Link>
    );
  };
  return (
    <>
      <div className="head">
        <h1>Runs</h1>
        <nav className="tabs" aria-label="Views">
          {view({}, "All")}
          {view({ status: "running" }, "Working")}
          {view({ waiting: "approval" }, "Waiting for people")}
          {view({ waiting: "in_doubt" }, "In doubt")}
          {view({ status: "failed" }, "Failed")}
        </nav>
      </div>
      <div className="sub">
        <Select
          label="State"
          value={search.status ?? ""}
          onPick={(v) => set({ status: v || undefined })}
          options={[
            ["", "any"],
            ["queued", "queued"],
            ["running", "running"],
            ["waiting", "waiting"],
            ["succeeded", "succeeded"],
            ["failed", "failed"],
            ["cancelled", "cancelled"],
          ]}
        />
        <Select
          label="Waits for"
          value={search.waiting ?? ""}
          onPick={(v) => set({ waiting: v || undefined })}
          options={[
            ["", "anything"],
            ["approval", "an approval"],
            ["question", "an answer"],
            ["timer", "a time"],
            ["connection", "a connection"],
            ["in_doubt", "a word on what happened"],
            ["halt", "the halt"],
          ]}
        />
        {search.playbook && (
          <span className="filterchip">
            {search.playbook}
            <button type="button" aria-label={`Drop ${search.playbook}`} onClick={() => set({ playbook: undefined })}>
              <Glyph name="i-close" />
            </button>
          </span>
        )}
      </div>
      {list.isPending ? (
        <Loading rows={16} label="Loading runs" />
      ) : list.isError && !list.data ? (
        <Failure what="The runs could not be read." error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        narrowed ? (
          <Empty
            title="No run matches."
            act={<Button onClick={() => navigate({ to: "/runs" })}>Drop all filters</Button>}
          />
        ) : (
          <Empty
            title="Nothing has run yet."
            act={
              <Link className="btn" to="/playbooks">
                See the playbooks
              </Link>
            }
          >
            A run begins when an alert, a schedule or a person starts a playbook.
          </Empty>
        )
      ) : (
        <Grid
          label="Runs"
          columns={COLUMNS}
          rows={rows}
          rowKey={(r) => r.id}
          at={mark}
          narrow={window.innerWidth < 1181}
          card={(r) => <PhoneRow r={r} />}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      {!phone && (
        <Keys
          keys={[
            ["j k", "move"],
            ["Enter", "open"],
          ]}
        >
          <span className="num">
            {rows.length.toLocaleString("en")}
            {list.hasNextPage ? "+" : ""} runs
          </span>
        </Keys>
      )}
    </>
  );
}

function PhoneRow({ r }: { r: Run }) {
  return (
    <Link className="pa" to="/runs/$id" params={{ id: r.id }}>
      <span className="a1">
        <StateMark state={runState(r)} words={r.status} />
        <span className="num muted">
          <Age at={r.created_at} />
        </span>
      </span>
      <span className="a2">{r.playbook || "one action, by hand"}</span>
      <span className="a3">
        <span className="cut">
          <Text>{headWords(r)}</Text>
        </span>
        <span className="muted nowrap">
          <Took from={r.started_at} to={r.ended_at} />
        </span>
      </span>
    </Link>
  );
}
