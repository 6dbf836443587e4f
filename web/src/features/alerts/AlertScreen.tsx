// One alert: decide what it is. The fields on the left, what was done and the raw payload on the right.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { plain } from "../../lib/hostile";
import { short } from "../../lib/ids";
import { useKeys } from "../../lib/keys";
import { useMe, whyNot } from "../../lib/me";
import { alertById, effects, runs } from "../../lib/queries";
import { runState } from "../../lib/states";
import type { Alert, AlertDetail, Run } from "../../lib/wire";
import { Glyph, Severity, StateGlyph, StateMark, Verdict } from "../../ui/Glyph";
import { Json } from "../../ui/Json";
import { Button, Copy, Fact, Facts, Section, Who } from "../../ui/parts";
import { Failure, Loading, Refused } from "../../ui/States";
import { Mid, Target, Text } from "../../ui/Text";
import { Age, At, Left, Took } from "../../ui/Time";
import { useEdit } from "./api";
import { due, entity, indicators, runWords, verdictWords } from "./model";

const CloseDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.CloseDialog })));
const StartDialog = lazy(() => import("./dialogs").then((m) => ({ default: m.StartDialog })));

export function AlertScreen({ id }: { id: string }) {
  const q = useQuery(alertById(id));
  if (q.isPending) return <Loading rows={14} label="Loading the alert" />;
  if (!q.data) return <Failure what="The alert could not be read." error={q.error} retry={() => void q.refetch()} />;
  return <Loaded a={q.data} />;
}

function Loaded({ a }: { a: AlertDetail }) {
  const me = useMe();
  const edit = useEdit();
  const [dialog, setDialog] = useState<{ close: string } | "start" | null>(null);
  const mayEdit = whyNot(me, "alert.edit");
  const own = useQuery(runs({ alert: a.id, limit: 20 }));
  const close = (verdict: string) => mayEdit === "" && setDialog({ close: verdict });
  const take = () =>
    edit.mutate({ ids: [a.id], owner: me.name, ...(a.status === "new" ? { status: "in_progress" } : {}) });
  useKeys({
    r: () => setDialog("start"),
    e: () => close("benign"),
    t: () => close("true_positive"),
    b: () => close("benign"),
    f: () => close("false_positive"),
    o: take,
  });
  const list = own.data?.items ?? [];
  return (
    <>
      <div className="head alerthead">
        <Severity severity={a.severity} />
        <h1>
          <Text>{a.title}</Text>
        </h1>
        <span className="meta muted cut">
          <span className="mono" title={a.id}>
            {short(a.id)}
          </span>{" "}
          · {a.source} · first <At at={a.first_seen} />, last <At at={a.last_seen} />
          {a.count > 1 && `, ×${a.count.toLocaleString("en")}`}
        </span>
        <div className="btns">
          <Button shortcut="r" onClick={() => setDialog("start")}>
            Run a playbook
          </Button>
        </div>
      </div>
      <div className="sub">
        {a.owner ? (
          <span className="row six">
            <Who name={a.owner} />
            {a.owner === me.name ? "yours" : <Text>{a.owner}</Text>}
          </span>
        ) : mayEdit === "" ? (
          <Button size="small" shortcut="o" disabled={edit.isPending} onClick={take}>
            Take it
          </Button>
        ) : (
          <span className="muted">nobody has it</span>
        )}
        {list.slice(0, 3).map((r) => (
          <RunLine key={r.id} r={r} />
        ))}
        {a.status === "closed" && (
          <StateMark
            state="skipped"
            words={`closed: ${verdictWords(a.verdict) || "no verdict"}${a.reason ? `, “${plain(a.reason)}”` : ""}`}
          />
        )}
        {!a.mapped && (
          <StateMark state="in-doubt" words="unmapped: the payload is kept, its fields were not understood" />
        )}
        <span className="grow" />
        {mayEdit === "" ? (
          <>
            <span className="muted desk">What is it?</span>
            <div className="seg" role="group" aria-label="What is it? Closes the alert">
              <Button shortcut="t" onClick={() => close("true_positive")}>
                True positive
              </Button>
              <Button shortcut="b" onClick={() => close("benign")}>
                Benign
              </Button>
              <Button shortcut="f" onClick={() => close("false_positive")}>
                False positive
              </Button>
            </div>
          </>
        ) : (
          <span className="muted meta">{mayEdit}</span>
        )}
      </div>
      <Refused error={edit.error} />
      <div className="two">
        <div className="pad">
          <Happened a={a} />
          <Things a={a} />
          <Related a={a} />
        </div>
        <aside className="side" aria-label="What was done, and the payload">
          <Done a={a} list={list} loading={own.isPending} />
          <RawPayload a={a} />
        </aside>
      </div>
      <Suspense fallback={null}>
        {dialog === "start" && <StartDialog alert={a} onClose={() => setDialog(null)} />}
        {dialog && dialog !== "start" && (
          <CloseDialog ids={[a.id]} verdict={dialog.close} onClose={() => setDialog(null)} />
        )}
      </Suspense>
    </>
  );
}

function RunLine({ r }: { r: Run }) {
  const until = due(r);
  const wait = r.waiting?.[0];
  return (
    <span className={`state ${runState(r)}`}>
      <Glyph name={`s-${runState(r)}`} />
      <span className="cut">
        {wait?.kind === "approval" && wait.ref ? (
          <Link className="link" to="/approvals/$id" params={{ id: wait.ref }}>
            <Text>{wait.text || "A decision"}</Text>
          </Link>
        ) : (
          <Link className="link" to="/runs/$id" params={{ id: r.id }}>
            {r.playbook || "a run"}
          </Link>
        )}{" "}
        {until ? <Left until={until} /> : runWords(r)}
      </span>
    </span>
  );
}

function Happened({ a }: { a: Alert }) {
  const row = (label: string, value: ReactNode) => (value ? <Fact label={label}>{value}</Fact> : null);
  const h = a.hosts[0];
  const u = a.users[0];
  const p = a.processes[0];
  const m = a.mails[0];
  return (
    <Section title="What happened" remark={`normalised; confidence ${a.confidence} of 100`}>
      <div className="factbox">
        <Facts>
          {row(
            "Host",
            h && (
              <>
                <Target value={h.name || h.ip} /> <Text>{[h.name ? h.ip : "", h.os].filter(Boolean).join(", ")}</Text>
              </>
            ),
          )}
          {row(
            "Person",
            u && (
              <>
                <span className="mono">
                  <Text>{u.domain ? `${u.domain}\\${u.name}` : u.name}</Text>
                </span>{" "}
                <Text>{u.mail}</Text>
              </>
            ),
          )}
          {row(
            "Process",
            p && (
              <span className="mono meta">
                <Text>{[p.parent, p.command_line || p.path || p.name].filter(Boolean).join(" › ")}</Text>
              </span>
            ),
          )}
          {row(
            "Mail",
            m && (
              <>
                <span className="mono">
                  <Text>{m.from}</Text>
                </span>{" "}
                “<Text>{m.subject}</Text>”
              </>
            ),
          )}
          {row("Category", a.category && <Text>{a.category}</Text>)}
          {row("Technique", a.attack.length > 0 && <Text>{a.attack.join(", ")}</Text>)}
          {row(
            "Labels",
            a.labels.length > 0 && (
              <span className="tags">
                {a.labels.map((l) => (
                  <span key={l} className="tag">
                    <Text>{l}</Text>
                  </span>
                ))}
              </span>
            ),
          )}
          {row("Its address", a.url && <ShownLink url={a.url} />)}
          {row(
            "Said",
            a.description && (
              <span className="wrap">
                <Text>{a.description}</Text>
              </span>
            ),
          )}
        </Facts>
      </div>
    </Section>
  );
}

/** An address out of an alert is text: it can be copied, and is never followed by a click. */
function ShownLink({ url }: { url: string }) {
  return (
    <span className="row">
      <span className="mono meta cut">
        <Mid>{url}</Mid>
      </span>
      <Copy text={url} what="the address" />
    </span>
  );
}

function Things({ a }: { a: Alert }) {
  const list = indicators(a);
  if (list.length === 0) return null;
  return (
    <Section title="Entities and indicators" remark={`${list.length}, as reported by ${a.source}`}>
      <table className="list flush things" aria-label="Entities and indicators">
        <tbody>
          {list.map((i) => (
            <tr key={i.kind + i.value}>
              <td>
                <span className="row">
                  <Glyph name={i.glyph} />
                  <span className="hid">{i.kind}: </span>
                  <span className="mono cut">
                    <Mid>{i.value}</Mid>
                  </span>
                </span>
              </td>
              <td>
                {i.lookalike ? (
                  <Verdict verdict="malicious" words="Look-alike" />
                ) : (
                  <span className="muted">{i.kind}</span>
                )}
              </td>
              <td className="soft" title={plain(i.lookalike || i.note)}>
                <Text>{i.lookalike || i.note}</Text>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Related({ a }: { a: AlertDetail }) {
  const list = a.related;
  if (list.length === 0)
    return (
      <Section title="Related">
        <p className="soft pad0">No other alert names the same things.</p>
      </Section>
    );
  return (
    <Section title="Related" remark="and why">
      <table className="list flush related" aria-label="Related alerts">
        <tbody>
          {list.map((r) => (
            <tr key={r.id}>
              <td>
                <Severity severity={r.severity} />
              </td>
              <td className="muted">
                <Age at={r.last_seen} />
              </td>
              <td>
                <Link className="plainlink" to="/alerts/$id" params={{ id: r.id }}>
                  <Text>{r.title}</Text>
                </Link>
              </td>
              <td className="soft">
                <Text>{r.why.join(", ")}</Text>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Done({ a, list, loading }: { a: Alert; list: readonly Run[]; loading: boolean }) {
  const thing = entity(a);
  const force = useQuery({ ...effects({ target: thing, limit: 20 }), enabled: thing !== "" });
  const on = (force.data?.items ?? []).filter((e) => e.status !== "undone");
  return (
    <Section title="Runs, decisions, effects">
      {loading && <Loading rows={2} />}
      {!loading && list.length === 0 && (
        <div className="item side">
          <StateGlyph state="not-started" />
          <div>
            No playbook ran.<p className="meta muted">None has a trigger for this; one can be started by hand.</p>
          </div>
        </div>
      )}
      {list.map((r) => (
        <div key={r.id} className="item side">
          <StateGlyph state={runState(r)} />
          <div>
            <Link className="plainlink" to="/runs/$id" params={{ id: r.id }}>
              {r.playbook || "by hand"} <span className="mono muted">{short(r.id)}</span>
            </Link>
            <p className="meta muted">
              <Text>{r.waiting?.[0]?.text || r.error?.message || runWords(r)}</Text>
            </p>
          </div>
          <span className="muted meta">
            <Took from={r.started_at ?? r.created_at} to={r.ended_at} />
          </span>
        </div>
      ))}
      {on.map((e) => (
        <div key={e.id} className="item side">
          <Glyph name="i-effects" />
          <div>
            <Link className="plainlink" to="/effects" search={{ target: thing }}>
              In force: {e.action.slice(e.action.lastIndexOf(".") + 1).replaceAll("_", " ")}
            </Link>
            <p className="meta muted">
              {e.until ? (
                <>
                  ends by itself <At at={e.until} />
                </>
              ) : (
                "no end"
              )}
            </p>
          </div>
        </div>
      ))}
      {thing && force.data && on.length === 0 && (
        <div className="item side">
          <Glyph name="i-effects" />
          <div>
            In force: nothing on <Text>{thing}</Text>
          </div>
        </div>
      )}
    </Section>
  );
}

function RawPayload({ a }: { a: Alert }) {
  const text = JSON.stringify(a.fields ?? {}, null, 2);
  return (
    <Section
      title="As it came"
      remark={
        <span className="mono">
          sha256 {a.raw.sha256.slice(0, 4)}…{a.raw.sha256.slice(-2)} · {(a.raw.bytes / 1024).toFixed(1)} KB
        </span>
      }
      aside={<Copy text={text} what="the payload" />}
    >
      <div className="rawbox">
        <Json value={a.fields ?? {}} search label="the payload" />
      </div>
    </Section>
  );
}
