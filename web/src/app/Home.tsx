// What needs me now: three lists by who must act. Nothing to do looks like nothing to do.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { alertSearchOpen } from "../features/alerts/api";
import { entity } from "../features/alerts/model";
import { useWithdraw } from "../features/approvals/api";
import { byDue, dueAt, ended, headline, held, standing } from "../features/approvals/model";
import { Slots } from "../features/approvals/parts";
import { connections } from "../features/integrations/api";
import { headWords, triggerWords } from "../features/runs/model";
import { schedules } from "../features/schedules/api";
import { serverNow, useNow, useSlowNow } from "../lib/clock";
import { short } from "../lib/ids";
import { useMe } from "../lib/me";
import { alertById, approvals, effects, problems, runs } from "../lib/queries";
import { runState } from "../lib/states";
import { left } from "../lib/time";
import type { Approval, Effect } from "../lib/wire";
import { Glyph, Severity, StateGlyph } from "../ui/Glyph";
import { Button, Section } from "../ui/parts";
import { Scroll } from "../ui/Scroll";
import { Failure, Loading } from "../ui/States";
import { Mid, Text } from "../ui/Text";
import { Age, At, Left, Took } from "../ui/Time";

const DAY = 864e5;

const workingWords = (n: number): string =>
  n === 0 ? "No run is working." : `${n} ${n === 1 ? "run is" : "runs are"} working.`;

export function Home() {
  const me = useMe();
  const open = useQuery(approvals({ status: "pending" }));
  const working = useQuery(runs({ status: "running", limit: 200 }));
  const waiting = useQuery(runs({ waiting: "in_doubt", limit: 20 }));
  const failed = useQuery(runs({ status: "failed", limit: 20 }));
  const loose = useQuery(alertSearchOpen);
  const cons = useQuery(connections);
  const force = useQuery(effects({}));
  const plans = useQuery(schedules);
  const recent = useQuery(approvals({ limit: 50 }));
  const files = useQuery(problems);
  const now = useSlowNow();

  const items = open.data?.items ?? [];
  const mine = useMemo(
    () =>
      byDue(
        items.filter((a) => standing(a, me).may),
        now,
      ),
    [items, me, now],
  );
  const others = useMemo(
    () =>
      byDue(
        items.filter((a) => !standing(a, me).may),
        now,
      ),
    [items, me, now],
  );
  // What a run works on or waits with has somebody: the run.
  const busy = useMemo(
    () => new Set([...items.map((a) => a.alert), ...(working.data?.items ?? []).map((r) => r.alert)]),
    [items, working.data],
  );
  const nobody = useMemo(
    () => (loose.data ?? []).filter((a) => a.owner === "" && a.status !== "closed" && !busy.has(a.id)).slice(0, 6),
    [loose.data, busy],
  );
  const atWork = working.data?.items ?? [];
  const wrong = [
    ...(waiting.data?.items ?? []),
    ...(failed.data?.items ?? []).filter((r) => now - Date.parse(r.ended_at ?? r.created_at) < DAY),
  ].slice(0, 6);
  const sick = (cons.data?.items ?? []).filter((c) => c.status === "failing" || c.status === "degraded");
  const on = (force.data?.items ?? []).filter((e) => e.status !== "undone");
  const ending = on
    .filter((e) => e.until && Date.parse(e.until) - now < 4 * 36e5)
    .sort((x, y) => (x.until ?? "").localeCompare(y.until ?? ""))
    .slice(0, 4);
  const next = (plans.data?.items ?? [])
    .filter((s) => !s.paused)
    .map((s) => ({ s, at: (Array.isArray(s.next) ? s.next[0] : s.next) ?? "" }))
    .filter((x) => x.at && Date.parse(x.at) - now < DAY / 3)
    .sort((x, y) => x.at.localeCompare(y.at))
    .slice(0, 4);
  const decided = (recent.data?.items ?? [])
    .filter((a) => a.status !== "pending" && (a.votes ?? []).some((v) => v.by.toLowerCase() === me.name.toLowerCase()))
    .slice(0, 4);
  const broken = (files.data?.items ?? []).filter((p) => p.severity === "error");

  if (open.isPending) return <Loading rows={12} label="Loading home" />;
  if (!open.data)
    return <Failure what="What waits could not be read." error={open.error} retry={() => void open.refetch()} />;
  const facts = [
    wrong.length > 0
      ? `${wrong.length} ${wrong.length === 1 ? "run needs" : "runs need"} a look.`
      : "No run failed in the last day.",
    `${on.length} ${on.length === 1 ? "effect is" : "effects are"} in force.`,
    nobody.length === 0 ? "No high alert is without an owner." : "",
    cons.data && sick.length === 0 && cons.data.items.length > 0 ? "No connection is in trouble." : "",
  ].filter(Boolean);
  return (
    <Scroll label="Home">
      <div className="home">
        <div className="lead">
          <div>
            <h1 className="hl">
              {mine.length > 0 ? (
                <>
                  {mine.length} {mine.length === 1 ? "decision waits" : "decisions wait"} for you.{" "}
                  {mine[0] && (
                    <>
                      The next is due in <Left until={dueAt(mine[0], now)} />.
                    </>
                  )}
                </>
              ) : (
                `Nothing waits for you. ${workingWords(atWork.length)}`
              )}
            </h1>
            <p className="soft">
              {mine.length > 0 ? `${workingWords(atWork.length)} ` : ""}
              {facts.join(" ")}
            </p>
          </div>
        </div>
        <div>
          {broken.length > 0 && (
            <Section title="Files with mistakes" remark="the last good version stays in force">
              {broken.slice(0, 5).map((p) => (
                <div key={`${p.file}:${p.line}:${p.column}:${p.code}`} className="item side">
                  <StateGlyph state="failed" />
                  <div>
                    <span className="mono">
                      {p.file}:{p.line}:{p.column}
                    </span>{" "}
                    <Text>{p.message}</Text>
                    {p.hint && (
                      <p className="meta muted">
                        <Text>{p.hint}</Text>
                      </p>
                    )}
                  </div>
                </div>
              ))}
            </Section>
          )}
          {mine.length > 0 && (
            <Section
              title="Decide"
              remark="by due time"
              aside={
                <Link className="link meta" to="/approvals">
                  All approvals
                </Link>
              }
            >
              {mine.slice(0, 8).map((a) => (
                <DecideLine key={a.id} a={a} />
              ))}
            </Section>
          )}
          {mine.length === 0 && atWork.length > 0 && (
            <Section
              title="At work"
              remark="nothing here needs a person"
              aside={
                <Link className="link meta" to="/runs">
                  All runs
                </Link>
              }
            >
              {atWork.slice(0, 6).map((r) => (
                <Link key={r.id} className="item work3" to="/runs/$id" params={{ id: r.id }}>
                  <span className="muted">
                    <Took from={r.started_at ?? r.created_at} to={null} />
                  </span>
                  <StateGlyph state="running" />
                  <span className="t cut">{r.playbook || "one action"}</span>
                  <span className="soft cut">
                    <Text>{triggerWords(r)}</Text>
                  </span>
                  <span className="mono muted r">{short(r.id)}</span>
                </Link>
              ))}
            </Section>
          )}
          {nobody.length > 0 && (
            <Section
              title="Nobody has these"
              remark="high and critical, unassigned, no run at work"
              aside={
                <Link className="link meta" to="/alerts" search={{ status: "new" }}>
                  All new alerts
                </Link>
              }
            >
              {nobody.map((a) => (
                <Link key={a.id} className="item una" to="/alerts/$id" params={{ id: a.id }}>
                  <span className="muted">
                    <Age at={a.last_seen} />
                  </span>
                  <Severity severity={a.severity} />
                  <span className="cut">
                    <Text>{a.title}</Text>
                  </span>
                  <span className="mono cut">
                    <Mid>{entity(a)}</Mid>
                  </span>
                  <span className="soft r cut">{a.source}</span>
                </Link>
              ))}
            </Section>
          )}
          {others.length > 0 && (
            <Section title="Others decide" remark="you could remind them">
              {others.slice(0, 4).map((a) => (
                <DecideLine key={a.id} a={a} />
              ))}
            </Section>
          )}
          {next.length > 0 && (
            <Section title="Planned next">
              {next.map(({ s, at }) => (
                <Link key={s.id} className="item plan" to="/schedules">
                  <span className="muted">
                    <At at={at} />
                  </span>
                  <span className="cut">{s.playbook}</span>
                  <span className="soft r cut">{s.last?.status ? `last: ${s.last.status}` : "not run yet"}</span>
                </Link>
              ))}
            </Section>
          )}
        </div>
        <div>
          {decided.length > 0 && (
            <Section title="Your last decisions">
              {decided.map((a) => (
                <LastDecision key={a.id} a={a} />
              ))}
            </Section>
          )}
          {wrong.length > 0 && (
            <Section title="Runs that need a look">
              {wrong.map((r) => (
                <Link key={r.id} className="item side" to="/runs/$id" params={{ id: r.id }}>
                  <StateGlyph state={runState(r)} />
                  <div className="min0">
                    {r.playbook || "one action"} <span className="mono muted">{short(r.id)}</span>
                    <p className="meta muted wrapword">
                      <Text>{headWords(r)}</Text>
                    </p>
                  </div>
                  <span className="muted meta">
                    <At at={r.ended_at ?? r.created_at} />
                  </span>
                </Link>
              ))}
            </Section>
          )}
          {sick.length > 0 && (
            <Section title="Connections that need care" remark={`${sick.length} of ${cons.data?.items.length ?? 0}`}>
              {sick.map((c) => (
                <Link key={c.name} className="item side" to="/integrations" search={{ at: c.name }}>
                  <StateGlyph state={c.status === "failing" ? "failed" : "retrying"} />
                  <div className="min0">
                    {c.name}
                    <p className="meta muted wrapword">
                      <Text>{c.last_error}</Text>
                    </p>
                  </div>
                </Link>
              ))}
            </Section>
          )}
          {ending.length > 0 && (
            <Section title="Effects that end soon" remark={`${on.length} in force`}>
              {ending.map((e) => (
                <EndingEffect key={e.id} e={e} />
              ))}
            </Section>
          )}
        </div>
      </div>
    </Scroll>
  );
}

function DecideLine({ a }: { a: Approval }) {
  const alert = useQuery({ ...alertById(a.alert), enabled: a.alert !== "" });
  const h = headline(a);
  return (
    <Link className="item dec" to="/approvals/$id" params={{ id: a.id }}>
      <span className="due">
        <Left until={dueAt(a, serverNow())} />
      </span>
      <span>
        <Severity severity={alert.data?.severity} />
      </span>
      <span className="t wrapword">
        <Text>{h.verb}</Text>{" "}
        <span className="mono">
          <Text>{h.targets.join(", ")}</Text>
        </span>
      </span>
      <span className="soft cut">{a.playbook || "by hand"}</span>
      <span className="soft r">
        <Slots a={a} />
      </span>
    </Link>
  );
}

function LastDecision({ a }: { a: Approval }) {
  const me = useMe();
  const now = useNow();
  const withdraw = useWithdraw();
  const h = headline(a);
  const w = held(a, me, now);
  return (
    <div className="item side">
      <StateGlyph state={a.status === "approved" ? "succeeded" : a.status === "denied" ? "denied" : "cancelled"} />
      <div className="min0">
        <Link className="plainlink wrapword" to="/approvals/$id" params={{ id: a.id }}>
          <Text>{ended(a, me).split(" by ")[0]}</Text>: <Text>{h.verb.toLowerCase()}</Text>{" "}
          <span className="mono">
            <Text>{h.targets.join(", ")}</Text>
          </span>
        </Link>
        <p className="meta muted">
          <At at={a.decided_at} /> · {w ? "held, nothing sent yet" : "final"}
        </p>
      </div>
      {w?.by === "you" && (
        <Button size="small" disabled={withdraw.isPending} onClick={() => withdraw.mutate({ id: a.id })}>
          Take back, {left(Date.parse(w.until) - now)}
        </Button>
      )}
    </div>
  );
}

function EndingEffect({ e }: { e: Effect }) {
  return (
    <Link className="item side" to="/effects" search={{ undo: e.id }}>
      <Glyph name="i-clock" />
      <div className="min0">
        {e.action.slice(e.action.lastIndexOf(".") + 1).replaceAll("_", " ")}{" "}
        <span className="mono">
          <Text>{(e.targets ?? []).map((t) => t.value).join(", ")}</Text>
        </span>
        <p className="meta muted">
          ends by itself <At at={e.until} />
        </p>
      </div>
    </Link>
  );
}
