// Planned hunts: when, in which zone, what came of the last one.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMe, whyNot } from "../../lib/me";
import type { State } from "../../lib/states";
import type { Schedule } from "../../lib/wire";
import { StateMark } from "../../ui/Glyph";
import { Button } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { At } from "../../ui/Time";
import { schedules, useAct } from "./api";

const RUN: Record<string, State> = {
  queued: "queued",
  running: "running",
  waiting: "queued",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
};
const MISSED: Record<string, string> = {
  skip: "missed ones are skipped",
  once: "missed ones run once",
  all: "missed ones all run",
};

const nextOf = (s: Schedule): string[] => (Array.isArray(s.next) ? s.next : s.next ? [s.next] : []);

export function SchedulesScreen() {
  const q = useQuery(schedules);
  const act = useAct();
  const me = useMe();
  const why = whyNot(me, "schedule.edit");
  const mayRun = whyNot(me, "run.start") === "" || why === "";
  if (q.isPending) return <Loading rows={8} label="Loading the schedules" />;
  if (!q.data)
    return <Failure what="The schedules could not be read." error={q.error} retry={() => void q.refetch()} />;
  const items = q.data.items;
  return (
    <>
      <div className="head lined">
        <h1>Schedules</h1>
        <span className="muted">{items.length}</span>
        {why && <span className="meta muted">{why}</span>}
      </div>
      <Refused error={act.error} />
      {items.length === 0 ? (
        <Empty
          title="Nothing is planned."
          act={
            <Link className="btn" to="/playbooks">
              See the playbooks
            </Link>
          }
        >
          A playbook with <code>schedule</code> among its triggers appears here.
        </Empty>
      ) : (
        <Scroll label="Schedules">
          <table className="list scheds" aria-label="Schedules">
            <thead>
              <tr>
                <th scope="col">Playbook</th>
                <th scope="col">When</th>
                <th scope="col">Next</th>
                <th scope="col">Last</th>
                <th scope="col" className="desk">
                  Rules
                </th>
                <th scope="col">
                  <span className="hid">Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((s) => (
                <tr key={s.id}>
                  <td>
                    <Link className="plainlink" to="/playbooks/$name" params={{ name: s.playbook }}>
                      <strong>{s.playbook}</strong>
                    </Link>
                    {s.id !== s.playbook && <span className="mono muted"> {s.id}</span>}
                  </td>
                  <td>
                    {s.words && <span>{s.words} </span>}
                    <span className="mono muted">
                      {s.cron} {s.timezone}
                    </span>
                  </td>
                  <td title={nextOf(s).join("\n")}>
                    {s.paused ? <StateMark state="skipped" words="paused" /> : <At at={nextOf(s)[0]} zone />}
                  </td>
                  <td>
                    {s.last ? (
                      <span className="row six">
                        {s.last.run ? (
                          <Link className="plainlink" to="/runs/$id" params={{ id: s.last.run }}>
                            <StateMark state={RUN[s.last.status ?? ""] ?? "not-started"} words={s.last.status} />
                          </Link>
                        ) : (
                          <StateMark state="skipped" words={s.last.status || "skipped"} />
                        )}
                        <span className="muted">
                          <At at={s.last.planned_at} />
                        </span>
                      </span>
                    ) : (
                      <span className="muted">not yet</span>
                    )}
                  </td>
                  <td className="soft desk">
                    {MISSED[s.missed ?? "once"]}
                    {s.overlap && `, overlap: ${s.overlap}`}
                  </td>
                  <td className="r">
                    <span className="btns right">
                      {mayRun && (
                        <Button
                          size="small"
                          disabled={act.isPending}
                          onClick={() => act.mutate({ id: s.id, act: "run" })}
                          aria-label={`Run now: ${s.id}`}
                        >
                          Run now
                        </Button>
                      )}
                      {why === "" && (
                        <Button
                          size="small"
                          disabled={act.isPending}
                          onClick={() => act.mutate({ id: s.id, act: s.paused ? "resume" : "pause" })}
                          aria-label={`${s.paused ? "Resume" : "Pause"}: ${s.id}`}
                        >
                          {s.paused ? "Resume" : "Pause"}
                        </Button>
                      )}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}
