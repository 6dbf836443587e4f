// One step: what it is, what went in and out, what the policy said, each attempt, its part of the journal.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { short } from "../../lib/ids";
import { useMe, whyNot } from "../../lib/me";
import { approvalById } from "../../lib/queries";
import { stepState } from "../../lib/states";
import type { Run, Step } from "../../lib/wire";
import { Glyph, StateGlyph, StateMark } from "../../ui/Glyph";
import { Json } from "../../ui/Json";
import { Button, Fact, Facts, Locked, Section, Tabs } from "../../ui/parts";
import { Empty, Failure, Loading } from "../../ui/States";
import { Target, Text } from "../../ui/Text";
import { At, Left, Took } from "../../ui/Time";
import { decisionById, decisionsOf, journal } from "./api";
import { actsOutside, attempts, decisionsFor, eventPath, eventWords, stepName } from "./model";

const ResolveDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.ResolveDialog })));

export type PanelTab = "overview" | "input" | "output" | "policy" | "attempts" | "log";

const TABS = [
  { id: "overview", label: "Overview" },
  { id: "input", label: "Input" },
  { id: "output", label: "Output" },
  { id: "policy", label: "Policy" },
  { id: "attempts", label: "Attempts" },
  { id: "log", label: "Log" },
] as const;

export function StepPanel({
  run,
  step,
  tab,
  onTab,
}: {
  run: Run;
  step: Step;
  tab: PanelTab;
  onTab: (t: PanelTab) => void;
}) {
  return (
    <aside className="insp" aria-label="The selected step">
      <div className="in head2">
        <p className="label wrapword">Step {step.path}</p>
        <h2 className="big2">
          <Text>{stepName(step)}</Text>
        </h2>
      </div>
      <Tabs label="step" tabs={TABS} at={tab} onPick={(t) => onTab(t as PanelTab)} />
      <div className="in" role="tabpanel" aria-labelledby={`tab-step-${tab}`} tabIndex={0} key={step.path + tab}>
        <Pane run={run} step={step} tab={tab} />
      </div>
    </aside>
  );
}

function Pane({ run, step, tab }: { run: Run; step: Step; tab: PanelTab }) {
  switch (tab) {
    case "overview":
      return <Overview run={run} step={step} />;
    case "input":
      return step.input ? (
        <Json value={step.input} search label="the input" />
      ) : (
        <Empty title="No input yet.">It is worked out when the step begins.</Empty>
      );
    case "output":
      return step.output != null ? (
        <Json value={step.output} search label="the output" />
      ) : step.error ? (
        <Wrong step={step} />
      ) : (
        <Empty title="No output.">{step.status === "pending" ? "The step has not begun." : "It gave none."}</Empty>
      );
    case "policy":
      return <Policy run={run} step={step} />;
    case "attempts":
      return <Attempts run={run} step={step} />;
    case "log":
      return <Log run={run} step={step} />;
  }
}

function Wrong({ step }: { step: Step }) {
  const e = step.error;
  if (!e) return null;
  return (
    <div className="frame wrong">
      <StateMark state={stepState(step)} words={e.kind.replaceAll("_", " ")} strong />
      <p className="wrapword">
        <Text>{e.message}</Text>
      </p>
      <p className="meta muted">
        {e.attempt > 0 ? `Attempt ${e.attempt}. ` : "Nothing was sent. "}
        {e.retryable ? "It certainly did nothing, so it may be tried again." : ""}
      </p>
    </div>
  );
}

function Overview({ run, step }: { run: Run; step: Step }) {
  const asked = useQuery({ ...approvalById(step.approval), enabled: step.approval !== "" });
  const a = asked.data;
  const [resolving, setResolving] = useState(false);
  const me = useMe();
  const why = whyNot(me, "run.resolve");
  const wait = (run.waiting ?? []).find((w) => w.step === step.path);
  const target = a?.targets?.[0]?.value;
  return (
    <>
      <Facts tight>
        <Fact label="State">
          <StateMark state={stepState(step)} />
          {step.started_at && !step.ended_at && (
            <>
              {", "}
              <Took from={step.started_at} to={null} />
            </>
          )}
        </Fact>
        {wait && (
          <Fact label="Waits">
            <Text>{wait.text}</Text>
          </Fact>
        )}
        {step.action && (
          <Fact label="Action">
            <span className="mono meta">{step.action}</span>
          </Fact>
        )}
        {step.impact && (
          <Fact label="Impact">
            {step.impact} {actsOutside(step) && <i className="hatch" title="changes other systems" />}
          </Fact>
        )}
        {(a?.targets ?? []).length > 0 && (
          <Fact label="Target">
            <span className="tags">
              {(a?.targets ?? []).map((t) => (
                <Target key={t.kind + t.value} value={t.value} />
              ))}
            </span>
          </Fact>
        )}
        {step.connection && <Fact label="Through">{step.connection}</Fact>}
        {a &&
          (a.votes ?? []).map((v) => (
            <Fact key={v.by} label="Voted">
              <StateGlyph state={v.decision === "deny" ? "denied" : "succeeded"} className="inline" />{" "}
              <Text>{v.by}</Text>{" "}
              <span className="muted">
                <At at={v.at} />
              </span>
            </Fact>
          ))}
        {a?.status === "pending" && (
          <Fact label="Until">
            <At at={a.deadline} />, <Left until={a.deadline} /> left
          </Fact>
        )}
        {step.started_at && (
          <Fact label="Began">
            <At at={step.started_at} />
          </Fact>
        )}
        {step.ended_at && (
          <Fact label="Took">
            <Took from={step.started_at} to={step.ended_at} />
          </Fact>
        )}
        {step.attempts > 1 && <Fact label="Attempts">{step.attempts}</Fact>}
        {step.occurrence > 1 && <Fact label="Occurrence">{step.occurrence}</Fact>}
        {step.dry_run && <Fact label="Dry run">nothing was sent; the output is the manifest’s example</Fact>}
      </Facts>
      {step.error && <Wrong step={step} />}
      {a?.status === "pending" && (
        <Link className="btn main decide wraps" to="/approvals/$id" params={{ id: step.approval }}>
          <span>
            Decide: <Text>{stepName(step)}</Text>{" "}
            {target && (
              <span className="mono">
                <Text>{target}</Text>
              </span>
            )}
          </span>
          <Glyph name="i-right" />
        </Link>
      )}
      {step.status === "in_doubt" && (
        <Section title="What happened?" className="gap">
          <p className="soft pad0">
            The reply was lost, and the other system cannot be asked. It is never sent again by itself.
          </p>
          {why ? (
            <Locked>{why}</Locked>
          ) : (
            <Button size="big" kind="main" onClick={() => setResolving(true)}>
              Say what happened
            </Button>
          )}
        </Section>
      )}
      {step.effect && (
        <Section title="In force" className="gap">
          <p className="pad0">
            <Link className="link" to="/effects" search={{ run: run.id }}>
              See the effect {short(step.effect)}
            </Link>
          </p>
        </Section>
      )}
      {a && (a.reasons ?? []).length > 0 && (
        <Section
          title="What it was asked with"
          remark={a.revision ? `policy ${a.revision.slice(-8)}` : undefined}
          className="gap"
        >
          <Facts tight>
            <Fact label="Digest">
              <span className="mono meta">
                {a.digest.slice(7, 13)}…{a.digest.slice(-4)}
              </span>
            </Fact>
            <Fact label="Rules">
              <span className="mono meta">
                {(a.reasons ?? []).map((r) => (
                  <span key={r.rule + r.outcome} className="block">
                    {r.rule}
                  </span>
                ))}
              </span>
            </Fact>
          </Facts>
        </Section>
      )}
      <Suspense fallback={null}>
        {resolving && <ResolveDialog run={run} step={step} onClose={() => setResolving(false)} />}
      </Suspense>
    </>
  );
}

function Policy({ run, step }: { run: Run; step: Step }) {
  const list = useQuery(decisionsOf(run.id));
  const me = useMe();
  const [open, setOpen] = useState("");
  if (list.isPending) return <Loading rows={3} />;
  if (!list.data)
    return <Failure what="The decisions could not be read." error={list.error} retry={() => void list.refetch()} />;
  const own = decisionsFor(list.data.items, step.path);
  if (own.length === 0) return <Empty title="The policy was not asked yet.">It is asked before every attempt.</Empty>;
  return own.map((d) => (
    <Section
      key={d.id}
      title={
        { allow: "Allowed", approve: d.permitted ? "Allowed after approval" : "Asks a person", deny: "Denied" }[
          d.outcome
        ]
      }
      remark={
        <>
          attempt {d.attempt}, <At at={d.at} />
        </>
      }
      className="gap"
      level={3}
    >
      {(d.reasons ?? []).map((r) => (
        <div className="why" key={r.rule + r.outcome}>
          <StateGlyph state={r.outcome === "approve" ? "waiting" : r.outcome === "deny" ? "denied" : "succeeded"} />
          <span>
            <Text>{r.reason || r.rule}</Text>
            <span className="block mono meta muted">{r.rule}</span>
          </span>
        </div>
      ))}
      <p className="meta muted">
        policy {d.revision.slice(-8)}, {d.took_us} µs, <span className="mono">{short(d.id)}</span>
      </p>
      {whyNot(me, "decision.read") === "" ? (
        open === d.id ? (
          <DecisionInput id={d.id} />
        ) : (
          <Button size="small" onClick={() => setOpen(d.id)}>
            Show what it was asked with
          </Button>
        )
      ) : (
        <p className="meta muted">{whyNot(me, "decision.read")}</p>
      )}
    </Section>
  ));
}

function DecisionInput({ id }: { id: string }) {
  const q = useQuery(decisionById(id));
  if (q.isPending) return <Loading rows={3} />;
  if (!q.data) return <Failure what="The input could not be read." error={q.error} />;
  return <Json value={q.data.input ?? null} search label="the policy's input" />;
}

function Attempts({ run, step }: { run: Run; step: Step }) {
  const q = useQuery(journal(run.id));
  if (q.isPending) return <Loading rows={3} />;
  if (!q.data) return <Failure what="The journal could not be read." error={q.error} retry={() => void q.refetch()} />;
  const list = attempts(q.data, step.path);
  if (list.length === 0) return <Empty title="Nothing was sent." />;
  return (
    <ol className="plainlist">
      {list.map((a) => (
        <li key={a.sent + a.n}>
          <strong>Attempt {a.n}</strong> <At at={a.sent} />
          {a.ended && (
            <span className="muted">
              {" "}
              (<Took from={a.sent} to={a.ended} />)
            </span>
          )}
          <div>
            {a.result}
            {a.message && (
              <>
                : <Text>{a.message}</Text>
              </>
            )}
          </div>
          <div className="mono meta muted wrapword">key {a.key}</div>
        </li>
      ))}
    </ol>
  );
}

function Log({ run, step }: { run: Run; step: Step }) {
  const q = useQuery(journal(run.id));
  if (q.isPending) return <Loading rows={3} />;
  if (!q.data) return <Failure what="The journal could not be read." error={q.error} retry={() => void q.refetch()} />;
  const own = q.data.filter((e) => eventPath(e) === step.path);
  if (own.length === 0) return <Empty title="Nothing happened here yet." />;
  return (
    <ol className="plainlist">
      {own.map((e) => (
        <li key={e.seq}>
          <At at={e.at} /> <strong>{eventWords(e)}</strong> <span className="muted num">#{e.seq}</span>
          <details>
            <summary className="meta muted">as written</summary>
            <Json value={e.body ?? {}} label={`event ${e.seq}`} />
          </details>
        </li>
      ))}
    </ol>
  );
}
