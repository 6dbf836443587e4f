// One playbook: its text and its picture, one selection in both; problems; Run; publish a draft.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { useMe, whyNot } from "../../lib/me";
import { usePhone } from "../../lib/media";
import type { Playbook } from "../../lib/wire";
import { Code } from "../../ui/Code";
import { Glyph, StateMark } from "../../ui/Glyph";
import { Button, Copy, Fact, Facts } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { playbookByName, playbookGraph, playbookVersions, usePublish } from "./api";
import { countProblems, linesOf, originWords, publishWhyNot, shortVersion, stepAt, views } from "./model";

const RunForm = lazy(() => import("./RunForm"));
const Canvas = lazy(() => import("../../graph/Canvas").then((m) => ({ default: m.Canvas })));

export type PlaybookSearch = {
  step?: string | undefined;
  version?: string | undefined;
  alert?: string | undefined;
  run?: "form" | undefined;
};

export function PlaybookScreen({ name, search }: { name: string; search: PlaybookSearch }) {
  const q = useQuery(playbookByName(name));
  if (q.isPending) return <Loading rows={14} label="Loading the playbook" />;
  if (!q.data) return <Failure what="The playbook could not be read." error={q.error} retry={() => void q.refetch()} />;
  return <Loaded p={q.data} search={search} />;
}

function Loaded({ p, search }: { p: Playbook; search: PlaybookSearch }) {
  const navigate = useNavigate();
  const phone = usePhone();
  const me = useMe();
  const publish = usePublish();
  const draft = p.draft && (search.version === "draft" || !p.published) ? p.draft : null;
  const text = draft?.source ?? p.source ?? "";
  const graph = useQuery({ ...playbookGraph(p.name, draft ? draft.version : undefined), retry: false });
  const problems = useMemo(() => p.problems ?? [], [p.problems]);
  const total = useMemo(() => text.split("\n").length, [text]);
  const marked = linesOf(graph.data, search.step, total);
  const nodeViews = useMemo(() => (graph.data ? views(graph.data, problems) : new Map()), [graph.data, problems]);
  const set = (change: PlaybookSearch) =>
    void navigate({
      to: "/playbooks/$name",
      params: { name: p.name },
      search: { ...search, ...change },
      replace: true,
    });
  const pubWhy = publishWhyNot(p, me);
  const runWhy = whyNot(me, "run.start");
  return (
    <>
      <div className="head bookhead">
        <h1>
          <Text>{p.title || p.name}</Text>
        </h1>
        <span className="meta muted cut">
          <span className="mono">{p.name}</span>{" "}
          {draft ? `draft ${shortVersion(draft.version)} by ${draft.author}` : `version ${shortVersion(p.version)}`} ·{" "}
          {originWords(p)}
        </span>
        <div className="btns">
          {p.draft && (
            <Button disabled={pubWhy !== "" || publish.isPending} onClick={() => publish.mutate(p.name)}>
              {pubWhy ? `Publish: ${pubWhy}` : `Publish ${shortVersion(p.draft.version)}`}
            </Button>
          )}
          {p.manual && (
            <Button
              kind="main"
              icon="i-play"
              disabled={runWhy !== "" || !p.published}
              title={runWhy || undefined}
              onClick={() => set({ run: "form" })}
            >
              Run
            </Button>
          )}
        </div>
      </div>
      <Refused error={publish.error} />
      <div className="sub">
        {p.draft ? (
          <StateMark state="queued" words={p.published ? "a draft waits for a second person" : "draft, not in force"} />
        ) : (
          <StateMark state="succeeded" words="in force" />
        )}
        {(p.triggers ?? []).map((t) => (
          <span key={t.kind + t.text} className="soft cut">
            <strong>{t.kind}</strong>
            {t.text && t.text !== t.kind && (
              <>
                {" "}
                <span className="mono meta">
                  <Text>{t.text}</Text>
                </span>
              </>
            )}
          </span>
        ))}
        <span className="grow" />
        {p.draft && p.published && (
          <Button size="small" onClick={() => set({ version: draft ? undefined : "draft", step: undefined })}>
            {draft ? "Show what is in force" : "Show the draft"}
          </Button>
        )}
        <Link className="link" to="/runs" search={{ playbook: p.name }}>
          Its runs
        </Link>
      </div>
      <div className="edit">
        <div className="left">
          <div className="pane">
            <span className="cut mono">{p.managed_by || `${p.name}.yaml`}</span>
            <span className="grow" />
            <Copy text={text} what="the text" />
          </div>
          <Code
            text={text}
            language="yaml"
            problems={problems}
            marked={marked}
            label="Text of the playbook"
            onLine={(l) => set({ step: stepAt(graph.data, l) })}
          />
        </div>
        <div className="right">
          {!phone && (
            <div className="graphbox">
              {graph.data && graph.data.nodes.length > 0 ? (
                <Suspense fallback={<Loading rows={6} />}>
                  <Canvas
                    graph={graph.data}
                    views={nodeViews}
                    selected={search.step}
                    centre={search.step ?? graph.data.nodes[0]?.path}
                    onSelect={(step) => set({ step })}
                    label="Graph of the playbook"
                    shrink
                  />
                </Suspense>
              ) : graph.isPending ? (
                <Loading rows={6} />
              ) : (
                <Empty title="There is no picture.">
                  {graph.isError ? "The text does not compile; fix its errors first." : "The playbook has no steps."}
                </Empty>
              )}
            </div>
          )}
          <Low p={p} onLine={(l) => set({ step: stepAt(graph.data, l) })} />
        </div>
      </div>
      <Suspense fallback={null}>
        {search.run === "form" && (
          <RunForm playbook={p} alert={search.alert ?? ""} onClose={() => set({ run: undefined, alert: undefined })} />
        )}
      </Suspense>
    </>
  );
}

function Low({ p, onLine }: { p: Playbook; onLine: (line: number) => void }) {
  const problems = p.problems ?? [];
  const versions = useQuery(playbookVersions(p.name));
  return (
    <Scroll label="About the playbook" className="low">
      <div className="sec">
        <h2>Problems</h2>
        <span className="muted">{countProblems(problems) || "none"}</span>
      </div>
      {problems.map((x) => (
        <div key={`${x.line}:${x.column}:${x.code}`} className="problem">
          <Glyph
            name={x.severity === "error" ? "s-failed" : "s-waiting"}
            className={x.severity === "error" ? "failed" : "waiting"}
          />
          <button type="button" className="link mono meta" onClick={() => onLine(x.line)}>
            {x.line}:{x.column}
          </button>
          <span>
            <span className="hid">{x.severity}: </span>
            <Text>{x.message}</Text>{" "}
            <span className="soft">
              <Text>{x.hint}</Text>
            </span>
          </span>
        </div>
      ))}
      <div className="sec gap2">
        <h2>About</h2>
      </div>
      <Facts tight>
        {p.description && (
          <Fact label="Says">
            <Text>{p.description}</Text>
          </Fact>
        )}
        {(p.inputs ?? []).length > 0 && (
          <Fact label="Inputs">
            {(p.inputs ?? []).map((i) => (
              <span key={i.name} className="block">
                <span className="mono">{i.name}</span>{" "}
                <span className="muted">
                  {String(i.schema?.["type"] ?? "any")}
                  {i.optional ? ", may be left out" : ""}
                </span>
              </span>
            ))}
          </Fact>
        )}
        {(p.actions ?? []).length > 0 && (
          <Fact label="Uses">
            <span className="mono meta">{(p.actions ?? []).join(", ")}</span>
          </Fact>
        )}
        {(versions.data ?? []).length > 0 && (
          <Fact label="Versions">
            {(versions.data ?? []).slice(0, 8).map((v) => (
              <span key={v.version} className="block">
                <span className="mono">{shortVersion(v.version)}</span>{" "}
                <span className="muted">
                  {v.state ?? ""} {v.author && <>by {v.author}</>} <At at={v.at} />
                </span>
              </span>
            ))}
          </Fact>
        )}
      </Facts>
    </Scroll>
  );
}
