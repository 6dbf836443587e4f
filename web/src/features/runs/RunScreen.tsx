// Wireframe B: understand a run and repair it. Graph over timeline, or list, or journal; one selection in all of them.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useCallback, useMemo, useState } from "react";
import { type NodeView, template } from "../../graph/model";
import { useSlowNow } from "../../lib/clock";
import { groupBy } from "../../lib/group";
import { short } from "../../lib/ids";
import { useMe, whyNot } from "../../lib/me";
import { usePhone } from "../../lib/media";
import { effects, runById } from "../../lib/queries";
import { runState, type State, stateWord, stepState } from "../../lib/states";
import type { Graph, Run, Step } from "../../lib/wire";
import { Glyph, StateGlyph, StateMark } from "../../ui/Glyph";
import { Json } from "../../ui/Json";
import { Button, Tabs } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At, Left, Took } from "../../ui/Time";
import { journal, runGraph } from "./api";
import {
  actsOutside,
  eventPath,
  eventWords,
  final,
  headWords,
  legend,
  opening,
  stepMeta,
  stepName,
  triggerWords,
  worstFirst,
} from "./model";
import { type PanelTab, StepPanel } from "./StepPanel";
import { Timeline } from "./Timeline";

const CancelDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.CancelDialog })));
const UndoRunDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.UndoRunDialog })));
const Canvas = lazy(() => import("../../graph/Canvas").then((m) => ({ default: m.Canvas })));

export type RunSearch = {
  step?: string | undefined;
  view?: "list" | "journal" | undefined;
  tab?: Exclude<PanelTab, "overview"> | undefined;
  state?: string | undefined;
};

export function RunScreen({ id, search }: { id: string; search: RunSearch }) {
  const q = useQuery(runById(id));
  if (q.isPending) return <Loading rows={14} label="Loading the run" />;
  if (!q.data) return <Failure what="The run could not be read." error={q.error} retry={() => void q.refetch()} />;
  return <Loaded run={q.data} search={search} />;
}

function Loaded({ run, search }: { run: Run; search: RunSearch }) {
  const navigate = useNavigate();
  const phone = usePhone();
  const steps = useMemo(() => run.steps ?? [], [run.steps]);
  const graph = useQuery({ ...runGraph(run.playbook, run.version), enabled: run.playbook !== "" && !phone });
  // Once opened, the page stays where the person looks; a step that ends does not pull it away.
  const [first] = useState(() => opening(steps)?.path);
  const path = search.step ?? first ?? opening(steps)?.path;
  const step = steps.find((s) => s.path === path) ?? steps.find((s) => template(s.path) === path) ?? steps[0];
  const set = useCallback(
    (change: RunSearch) =>
      void navigate({ to: "/runs/$id", params: { id: run.id }, search: { ...search, ...change }, replace: true }),
    [navigate, run.id, search],
  );
  const onSelect = useCallback((p: string) => set({ step: p }), [set]);
  const shown = useCallback((s: State) => !search.state || search.state === s, [search.state]);
  const view = search.view ?? (run.playbook === "" || graph.isError ? "list" : "graph");

  if (phone) return <Phone run={run} steps={steps} step={search.step ? step : undefined} search={search} set={set} />;
  return (
    <>
      <Head run={run} />
      <div className="sub tabline">
        <Tabs
          label="run"
          at={view}
          onPick={(v) => set({ view: v === "graph" ? undefined : (v as "list" | "journal") })}
          tabs={[
            ...(run.playbook ? [{ id: "graph", label: "Graph" }] : []),
            { id: "list", label: "List", n: steps.length },
            { id: "journal", label: "Journal" },
          ]}
        />
        <span className="grow" />
        <Legend steps={steps} at={search.state} onPick={(s) => set({ state: s })} />
      </div>
      {view === "journal" ? (
        <Journal run={run} onSelect={(p) => set({ step: p, view: undefined })} />
      ) : (
        <div className={`run${view === "list" ? " listed" : ""}`}>
          {view === "list" ? (
            <div className="scroll steplist">
              <StepList steps={steps.filter((s) => shown(stepState(s)))} at={step?.path} onSelect={onSelect} />
            </div>
          ) : (
            <>
              <div className="graphbox">
                {graph.data && graph.data.nodes.length > 0 ? (
                  <Suspense fallback={<Loading rows={6} />}>
                    <Picture
                      graph={graph.data}
                      steps={steps}
                      run={run}
                      shown={shown}
                      selected={step?.path}
                      onSelect={onSelect}
                    />
                  </Suspense>
                ) : graph.isPending ? (
                  <Loading rows={6} />
                ) : (
                  <Empty title="There is no picture of this version.">The list says the same.</Empty>
                )}
              </div>
              <Timeline run={run} selected={step?.path} shown={shown} onSelect={onSelect} />
            </>
          )}
          {step ? (
            <StepPanel
              run={run}
              step={step}
              tab={search.tab ?? "overview"}
              onTab={(t) => set({ tab: t === "overview" ? undefined : t })}
            />
          ) : (
            <aside className="insp" />
          )}
        </div>
      )}
    </>
  );
}

/** Each node of the picture with what its steps say; a fan-out is one node with counts. */
function useViews(
  graph: Graph,
  steps: readonly Step[],
  run: Run,
  shown: (s: State) => boolean,
): ReadonlyMap<string, NodeView> {
  const now = useSlowNow();
  return useMemo(() => {
    const by = groupBy(steps, (s) => template(s.path));
    const out = new Map<string, NodeView>();
    for (const n of graph.nodes) {
      const own = by.get(template(n.path)) ?? [];
      const first = own[0];
      if (own.length > 1) {
        const counts = [...groupBy(own, stepState)].map(([state, xs]) => ({ state, n: xs.length }));
        const worst = (["in-doubt", "waiting", "failed", "retrying", "running", "queued"] as const).find((s) =>
          counts.some((c) => c.state === s),
        );
        out.set(n.path, { state: worst ?? counts[0]?.state ?? "not-started", meta: "", counts });
      } else if (first) {
        const state = stepState(first);
        out.set(n.path, { state: shown(state) ? state : "skipped", meta: stepMeta(first, now) });
      } else if (["alert", "start", "trigger"].includes(n.kind))
        out.set(n.path, { state: "succeeded", meta: triggerWords(run) });
      else if (final(run)) out.set(n.path, { state: "skipped", meta: "not taken" });
      else out.set(n.path, { state: "not-started", meta: "" });
    }
    return out;
  }, [graph, steps, run, shown, now]);
}

function Picture({
  graph,
  steps,
  run,
  shown,
  selected,
  onSelect,
}: {
  graph: Graph;
  steps: readonly Step[];
  run: Run;
  shown: (s: State) => boolean;
  selected: string | undefined;
  onSelect: (p: string) => void;
}) {
  const views = useViews(graph, steps, run, shown);
  const node =
    selected &&
    (graph.nodes.find((n) => n.path === selected) ?? graph.nodes.find((n) => template(n.path) === template(selected)));
  const at = node ? node.path : undefined;
  const pick = (path: string) =>
    onSelect(
      steps.find((s) => s.path === path)?.path ?? steps.find((s) => template(s.path) === template(path))?.path ?? path,
    );
  return <Canvas graph={graph} views={views} selected={at} centre={at} onSelect={pick} label="Graph of the run" />;
}

function Head({ run }: { run: Run }) {
  const me = useMe();
  const [dialog, setDialog] = useState<"cancel" | "undo" | null>(null);
  const force = useQuery(effects({ run: run.id }));
  const live = (force.data?.items ?? []).some((e) => e.status !== "undone" && e.status !== "undoing");
  const over = final(run);
  return (
    <div className="runhead">
      <h1 className="cut">
        {run.playbook ? (
          <Link className="plainlink" to="/playbooks/$name" params={{ name: run.playbook }}>
            {run.playbook}
          </Link>
        ) : (
          "One action"
        )}{" "}
        <span className="muted version" title={run.version}>
          {run.version.replace(/^sha256:/, "").slice(0, 7)}
        </span>
      </h1>
      <StateMark state={runState(run)} words={headWords(run)} strong />
      <span className="muted meta num narrow-off">
        <span className="mono">{short(run.id)}</span> ·{" "}
        <Took from={run.started_at ?? run.created_at} to={run.ended_at} /> · <Text>{triggerWords(run)}</Text>
        {run.alert && (
          <>
            {", "}
            <Link className="link mono" to="/alerts/$id" params={{ id: run.alert }}>
              {short(run.alert)}
            </Link>
          </>
        )}
      </span>
      <div className="btns">
        {live && whyNot(me, "effect.undo") === "" && (
          <Button icon="i-undo" onClick={() => setDialog("undo")}>
            Undo its effects
          </Button>
        )}
        {!over && (
          <Button
            disabled={whyNot(me, "run.cancel") !== ""}
            title={whyNot(me, "run.cancel") || undefined}
            onClick={() => setDialog("cancel")}
          >
            Cancel run
          </Button>
        )}
      </div>
      <Suspense fallback={null}>
        {dialog === "cancel" && <CancelDialog run={run} onClose={() => setDialog(null)} />}
        {dialog === "undo" && <UndoRunDialog run={run} onClose={() => setDialog(null)} />}
      </Suspense>
    </div>
  );
}

function Legend({
  steps,
  at,
  onPick,
}: {
  steps: readonly Step[];
  at: string | undefined;
  onPick: (s: string | undefined) => void;
}) {
  return (
    <div className="legend" role="group" aria-label="Show only steps that are">
      {legend(steps).map(({ state, n }) => (
        <button
          key={state}
          type="button"
          className={state}
          aria-pressed={at === state}
          onClick={() => onPick(at === state ? undefined : state)}
        >
          <Glyph name={`s-${state}`} />
          <span className="w">{stateWord(state)}</span>
          <span className="n">{n}</span>
        </button>
      ))}
    </div>
  );
}

function StepList({
  steps,
  at,
  onSelect,
}: {
  steps: readonly Step[];
  at: string | undefined;
  onSelect: (p: string) => void;
}) {
  const now = useSlowNow();
  const row = (s: Step): ReactNode => (
    <li key={s.path} className={`step ${stepState(s)}${s.path === at ? " at" : ""}`}>
      <StateGlyph state={stepState(s)} />
      <button
        type="button"
        className="t cut rowbtn"
        aria-current={s.path === at ? "true" : undefined}
        onClick={() => onSelect(s.path)}
      >
        <Text>{stepName(s)}</Text> {actsOutside(s) && <i className="hatch" title="changes other systems" />}
      </button>
      <span className="num meta">
        <Took from={s.started_at} to={s.ended_at} />
      </span>
      <span className="m">
        <Text>{[s.action || s.kind, stepMeta(s, now)].filter(Boolean).join(" · ")}</Text>
      </span>
    </li>
  );
  if (steps.length === 0) return <Empty title="No step is in this state." />;
  return worstFirst(steps).map((g) => (
    <section key={g.title}>
      <h2 className="stephead">
        {g.title} · {g.steps.length}
      </h2>
      <ul>{g.steps.map(row)}</ul>
    </section>
  ));
}

function Journal({ run, onSelect }: { run: Run; onSelect: (path: string) => void }) {
  const q = useQuery(journal(run.id));
  if (q.isPending) return <Loading rows={12} label="Loading the journal" />;
  if (!q.data) return <Failure what="The journal could not be read." error={q.error} retry={() => void q.refetch()} />;
  return (
    <Scroll label="Journal">
      <table className="list journal" aria-label="Journal of the run">
        <thead>
          <tr>
            <th scope="col">Entry</th>
            <th scope="col">Time</th>
            <th scope="col">What</th>
            <th scope="col">Step</th>
            <th scope="col">As written</th>
          </tr>
        </thead>
        <tbody>
          {q.data.map((e) => (
            <tr key={e.seq}>
              <td className="num muted">{e.seq}</td>
              <td>
                <At at={e.at} />
              </td>
              <td>
                <strong>{eventWords(e)}</strong>
              </td>
              <td className="mono">
                {eventPath(e) && (
                  <button type="button" className="link" onClick={() => onSelect(eventPath(e))}>
                    {eventPath(e)}
                  </button>
                )}
              </td>
              <td className="wrapcell">
                <details>
                  <summary className="mono meta cut">
                    <Text>{JSON.stringify(e.body ?? {}).slice(0, 120)}</Text>
                  </summary>
                  <Json value={e.body ?? {}} label={`event ${e.seq}`} />
                </details>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** On a phone the list, worst first; a step opens over it. */
function Phone({
  run,
  steps,
  step,
  search,
  set,
}: {
  run: Run;
  steps: readonly Step[];
  step: Step | undefined;
  search: RunSearch;
  set: (s: RunSearch) => void;
}) {
  if (step && search.step)
    return (
      <>
        <div className="pbar">
          <button type="button" className="row" onClick={() => set({ step: undefined, tab: undefined })}>
            <Glyph name="i-left" />
            <strong>{run.playbook || "One action"}</strong>
          </button>
        </div>
        <StepPanel
          run={run}
          step={step}
          tab={search.tab ?? "overview"}
          onTab={(t) => set({ tab: t === "overview" ? undefined : t })}
        />
      </>
    );
  const wait = (run.waiting ?? []).find((w) => w.kind === "approval" || w.kind === "question");
  return (
    <div className="scroll">
      <Head run={run} />
      {wait?.ref && (
        <div className="phonewait">
          <p className="row">
            <StateMark state="waiting" words={wait.text} strong />
            <span className="grow" />
            {wait.until && (
              <strong>
                <Left until={wait.until} />
              </strong>
            )}
          </p>
          <Link className="btn main big" to="/approvals/$id" params={{ id: wait.ref }}>
            Decide
          </Link>
        </div>
      )}
      <StepList steps={steps} at={undefined} onSelect={(p) => set({ step: p })} />
    </div>
  );
}
