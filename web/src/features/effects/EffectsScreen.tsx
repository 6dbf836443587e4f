// What is in force in other systems because of us, by asset; one click and its confirmation undo it.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { short } from "../../lib/ids";
import { useMe, whyNot } from "../../lib/me";
import { effects } from "../../lib/queries";
import { useLive } from "../../lib/stream";
import type { Effect } from "../../lib/wire";
import { Glyph, StateMark } from "../../ui/Glyph";
import { Button, Fact, Facts, Locked, Section, Tabs } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { Kind, Target, Text } from "../../ui/Text";
import { At, Left } from "../../ui/Time";
import { useExtend, useUndo } from "./api";
import {
  type Asset,
  approvedBy,
  byAsset,
  effectState,
  effectWords,
  inverseWords,
  keptBy,
  targetsOf,
  undoWhyNot,
} from "./model";

export type EffectsSearch = {
  tab?: "ended" | undefined;
  target?: string | undefined;
  run?: string | undefined;
  undo?: string | undefined;
};

type Props = {
  search: EffectsSearch;
  /** Shows the request that an undo opens; what it looks like is the approvals' matter. */
  request: (run: string) => ReactNode;
};

export function EffectsScreen({ search, request }: Props) {
  const navigate = useNavigate();
  const ended = search.tab === "ended";
  const filter = { ...(search.target ? { target: search.target } : {}), ...(search.run ? { run: search.run } : {}) };
  const q = useQuery(effects(filter));
  const all = q.data?.items ?? [];
  const over = (e: Effect) => e.status === "undone";
  const items = all.filter((e) => over(e) === ended || e.id === search.undo);
  const one = all.find((e) => e.id === search.undo);
  const go = (change: EffectsSearch) =>
    void navigate({ to: "/effects", search: { ...search, ...change }, replace: true });
  return (
    <>
      <div className="head">
        <h1>Effects</h1>
        <span className="muted cut">what is in force in other systems because of us</span>
      </div>
      <div className="sub tabline">
        <Tabs
          label="effects"
          at={ended ? "ended" : "force"}
          onPick={(t) => go({ tab: t === "ended" ? "ended" : undefined, undo: undefined })}
          tabs={[
            { id: "force", label: "In force, by asset", n: q.data ? all.filter((e) => !over(e)).length : undefined },
            { id: "ended", label: "Ended", n: q.data ? all.filter(over).length : undefined },
          ]}
        />
        <span className="grow" />
        {(["target", "run"] as const).map(
          (k) =>
            search[k] && (
              <span key={k} className="filterchip">
                {k} <Text>{k === "run" ? short(search[k] ?? "") : search[k]}</Text>
                <button type="button" aria-label={`Drop the filter ${k}`} onClick={() => go({ [k]: undefined })}>
                  <Glyph name="i-close" />
                </button>
              </span>
            ),
        )}
      </div>
      {q.isPending ? (
        <Loading rows={10} label="Loading effects" />
      ) : !q.data ? (
        <Failure what="The ledger could not be read." error={q.error} retry={() => void q.refetch()} />
      ) : (
        <div className={one ? "two wide" : "one"}>
          <Scroll label="Effects">
            {items.length === 0 ? (
              <Empty
                title={
                  ended
                    ? "Nothing has ended yet."
                    : search.target || search.run
                      ? "Nothing of this is in force."
                      : "Nothing is in force."
                }
                act={
                  search.target || search.run ? (
                    <Button onClick={() => go({ target: undefined, run: undefined })}>Drop the filter</Button>
                  ) : (
                    <Link className="btn" to="/runs">
                      See the runs
                    </Link>
                  )
                }
              >
                {ended ? "" : "What a playbook isolates, blocks or disables is listed here until it is undone."}
              </Empty>
            ) : (
              <>
                <div className="effect label effecthead" aria-hidden="true">
                  <span>What</span>
                  <span>{ended ? "Ended" : "Ends by itself"}</span>
                  <span>Approved by</span>
                  <span>Run</span>
                  <span>State</span>
                  <span />
                </div>
                {byAsset(items).map((a) => (
                  <AssetGroup key={a.kind + a.value} a={a} at={search.undo} onUndo={(id) => go({ undo: id })} />
                ))}
              </>
            )}
          </Scroll>
          {one && (
            <aside className="side" aria-label="Undo" key={one.id}>
              <UndoPanel e={one} request={request} onClose={() => go({ undo: undefined })} />
            </aside>
          )}
        </div>
      )}
    </>
  );
}

function AssetGroup({ a, at, onUndo }: { a: Asset; at: string | undefined; onUndo: (id: string) => void }) {
  return (
    <section className="asset">
      <h2 className="row">
        <Kind kind={a.kind} className="" />
        <strong className="mono wrapword">
          <Text>{a.value}</Text>
        </strong>
        <span className="muted cut">
          <Text>{[a.kind, ...a.tags, a.owner].filter(Boolean).join(", ")}</Text>
        </span>
      </h2>
      <ul>
        {a.effects.map((e) => (
          <EffectRow key={e.id} e={e} at={e.id === at} onUndo={() => onUndo(e.id)} />
        ))}
      </ul>
    </section>
  );
}

function EffectRow({ e, at, onUndo }: { e: Effect; at: boolean; onUndo: () => void }) {
  const s = effectState(e);
  const why = undoWhyNot(e);
  return (
    <li className={`effect${at ? " at" : ""}`}>
      <span>
        {effectWords(e)}, <span className="soft">{e.connection}</span>
      </span>
      <span className="num">
        {e.status === "undone" ? (
          <At at={e.ended_at} />
        ) : e.until ? (
          <>
            <At at={e.until} />, <Left until={e.until} />
          </>
        ) : (
          <span className="muted">no end</span>
        )}
      </span>
      <span className="soft cut">
        <Text>{approvedBy(e)}</Text>
      </span>
      <span className="desk">
        {e.run && (
          <Link className="mono muted plainlink" to="/runs/$id" params={{ id: e.run }}>
            {short(e.run)}
          </Link>
        )}
      </span>
      <span>
        <StateMark state={s.state} words={s.words} />
      </span>
      <span className="r">
        {why ? (
          e.undo_run && (
            <Link className="link" to="/runs/$id" params={{ id: e.undo_run }}>
              See how
            </Link>
          )
        ) : (
          <button
            type="button"
            className="link"
            onClick={onUndo}
            aria-label={`Undo: ${effectWords(e)} ${targetsOf(e)
              .map((t) => t.value)
              .join(", ")}`}
          >
            Undo
          </button>
        )}
      </span>
    </li>
  );
}

/** What will happen, why, and, once asked, the policy's request in the same place. */
function UndoPanel({ e, request, onClose }: { e: Effect; request: (run: string) => ReactNode; onClose: () => void }) {
  const me = useMe();
  const live = useLive();
  const undo = useUndo();
  const [reason, setReason] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const why = whyNot(me, "effect.undo");
  const run = undo.data || e.undo_run;
  const targets = targetsOf(e).map((t) => t.value);
  const asked = undo.isSuccess || e.status === "undoing" || e.status === "undone";
  const submit = (ev: FormEvent) => {
    ev.preventDefault();
    undo.mutate({ id: e.id, reason: reason.trim() });
  };
  return (
    <>
      <div className="row">
        <h2 className="big2 grow">{e.status === "undone" ? "Undone" : `Undo: ${effectWords(e).toLowerCase()}`}</h2>
        <button type="button" className="btn quiet small" aria-label="Close" onClick={onClose}>
          <Glyph name="i-close" className="s" />
        </button>
      </div>
      <p className="soft">{asked ? "It was asked for." : "This is what will happen. Nothing has been sent yet."}</p>
      <Section title="What is sent" className="gap">
        <Facts tight>
          <Fact label="Action">
            {inverseWords(e)} <span className="mono meta muted">{e.inverse.action}</span>
          </Fact>
          <Fact label="Target">
            <span className="tags">
              {targets.map((t) => (
                <Target key={t} value={t} />
              ))}
            </span>
          </Fact>
          <Fact label="With">
            <span className="mono meta wrapword">
              <Text>{JSON.stringify(e.inverse.params ?? {})}</Text>
            </span>
          </Fact>
          <Fact label="Through">{e.connection}</Fact>
          <Fact label="In force">
            since <At at={e.since} />
            {e.until && (
              <>
                ; it would end by itself <At at={e.until} />
              </>
            )}
          </Fact>
          {e.playbook && (
            <Fact label="By">
              <Link className="link" to="/playbooks/$name" params={{ name: e.playbook }}>
                {e.playbook}
              </Link>
              {approvedBy(e) && (
                <>
                  , approved by <Text>{approvedBy(e)}</Text>
                </>
              )}
            </Fact>
          )}
        </Facts>
      </Section>
      {keptBy(e) && !asked && <p className="soft gap">{keptBy(e)}</p>}
      {why ? (
        <Locked>{why}</Locked>
      ) : !asked ? (
        <form className="stack gap" onSubmit={submit}>
          <label className="labelled">
            <span className="t">Why it is undone</span>
            <textarea
              ref={field}
              className="input"
              rows={2}
              required
              maxLength={2000}
              value={reason}
              onChange={(ev) => setReason(ev.target.value)}
            />
            <span className="hint">
              The policy is asked like for any action; it may ask you to confirm, right here.
            </span>
          </label>
          <Refused error={undo.error} />
          <div className="btns">
            <Button type="submit" kind="main" size="big" disabled={undo.isPending || !live.on}>
              Undo it
            </Button>
            <Button size="big" onClick={onClose}>
              Keep it
            </Button>
          </div>
          <Extend e={e} />
        </form>
      ) : null}
      {asked && run && <div className="gap">{request(run)}</div>}
    </>
  );
}

const LONGER = [
  ["3600", "1 h"],
  ["14400", "4 h"],
  ["86400", "24 h"],
] as const;

/** A later end, which is a contain action: the policy is asked. */
function Extend({ e }: { e: Effect }) {
  const me = useMe();
  const extend = useExtend();
  if (!e.until || e.status !== "in_force" || whyNot(me, "effect.extend")) return null;
  const until = e.until;
  return (
    <div className="row wrapflex">
      <span className="muted">Or keep it longer:</span>
      {LONGER.map(([s, words]) => (
        <Button
          key={s}
          size="small"
          disabled={extend.isPending}
          onClick={() =>
            extend.mutate({ id: e.id, until: new Date(Date.parse(until) + Number(s) * 1000).toISOString() })
          }
        >
          {words} more
        </Button>
      ))}
      {extend.isSuccess && <span role="status">Asked; the policy decides.</span>}
      <Refused error={extend.error} />
    </div>
  );
}
