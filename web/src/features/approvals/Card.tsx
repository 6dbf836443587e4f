// One request: everything for the decision, and the decision.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useNow } from "../../lib/clock";
import { groupBy } from "../../lib/group";
import { plain } from "../../lib/hostile";
import { short } from "../../lib/ids";
import { useKeys } from "../../lib/keys";
import { useMe } from "../../lib/me";
import { alertById, approvalById, approvals, runById } from "../../lib/queries";
import { useLive } from "../../lib/stream";
import { left, span } from "../../lib/time";
import type { Approval } from "../../lib/wire";
import { Severity, StateGlyph } from "../../ui/Glyph";
import { jsonText } from "../../ui/Json";
import { LazyMenu } from "../../ui/Lazy";
import { Button, Copy, Locked, Section } from "../../ui/parts";
import { Failure, Loading, Refused } from "../../ui/States";
import { Kind, Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { AnswerForm } from "./AnswerForm";
import { useAnswer, useDecide, useExtend, useWithdraw } from "./api";
import {
  blast,
  ended,
  evidence,
  headline,
  held,
  holdSeconds,
  impactWords,
  preimage,
  standing,
  undoWords,
  verbInside,
  votedYes,
} from "./model";
import { BlastMark, Countdown, Evidence, Headline, Votes, Why } from "./parts";

const VoteDialog = lazy(() => import("./VoteDialog"));
const moreMenu = () => import("./MoreMenu");

export function Card({ id, onNext }: { id: string; onNext?: (() => void) | undefined }) {
  const q = useQuery(approvalById(id));
  if (q.isPending)
    return (
      <div className="card">
        <Loading rows={10} label="Loading the request" />
      </div>
    );
  if (!q.data)
    return (
      <div className="card">
        <Failure what="The request could not be read." error={q.error} retry={() => void q.refetch()} />
      </div>
    );
  return <Request a={q.data} onNext={onNext} />;
}

function Request({ a, onNext }: { a: Approval; onNext: (() => void) | undefined }) {
  const alert = useQuery({ ...alertById(a.alert), enabled: a.alert !== "" });
  const run = useQuery({ ...runById(a.run), enabled: a.run !== "" });
  const extend = useExtend();
  const h = headline(a);
  const weight = blast(a);
  const targets = a.targets ?? [];
  const severity = alert.data?.severity ?? run.data?.severity;
  const undo = undoWords(a);
  return (
    <article className="card" aria-label={plain(`${h.verb} ${h.targets.join(", ")}`)}>
      <div className="in">
        <div className="path">
          <Severity severity={severity} />
          <span className="cut">
            {a.playbook ? (
              <Link className="link" to="/playbooks/$name" params={{ name: a.playbook }}>
                {a.playbook}
              </Link>
            ) : (
              "asked by hand"
            )}
            {a.step && <span className="desk"> › {a.step}</span>}
          </span>
          <span className="grow" />
          {a.run && (
            <Link className="link mono nowrap narrow-off desk" to="/runs/$id" params={{ id: a.run }}>
              {short(a.run)}
            </Link>
          )}
          <span className="desk nowrap">
            asked <At at={a.created_at} />
          </span>
        </div>
        <Headline a={a} />
        <div className="sub2">
          {targets.slice(0, 6).map((t) => (
            <span key={t.kind + t.value} className="row six">
              <Kind kind={t.kind} />
              <span>
                {t.kind}
                {(t.tags ?? []).map((tag) => (
                  <span key={tag}>
                    {" · "}
                    <strong>
                      <Text>{tag}</Text>
                    </strong>
                  </span>
                ))}
                {t.owner && (
                  <>
                    {" · "}
                    <Text>{t.owner}</Text>
                  </>
                )}
              </span>
            </span>
          ))}
          {targets.length === 0 && alert.data && (
            <span>
              <Text>{alert.data.title}</Text>
            </span>
          )}
          <span className="grow" />
          {a.connection && <span className="muted">through {a.connection}</span>}
        </div>

        {a.status === "pending" ? (
          <Countdown a={a} onMore={extend.isPending ? null : (by) => extend.mutate({ id: a.id, by })} />
        ) : (
          <Outcome a={a} />
        )}
        <Refused error={extend.error} />

        <div className="duo">
          <Section title="What it touches" aside={a.status === "pending" ? <BlastMark blast={weight} /> : undefined}>
            <div className="stats">
              {[...groupBy(targets, (t) => t.kind)].map(([kind, ts]) => (
                <div className="stat" key={kind}>
                  <b>{ts.length}</b>
                  <span>{ts.length === 1 ? kind : `${kind}s`}</span>
                </div>
              ))}
              {a.lease_seconds ? (
                <div className="stat">
                  <b>{span(a.lease_seconds)}</b>
                  <span>until it is undone</span>
                </div>
              ) : null}
            </div>
            <div className="sense">
              <p>{impactWords(a)}</p>
              {undo && <p>{undo}</p>}
            </div>
          </Section>
          <Section
            title="Why you are asked"
            aside={
              a.revision ? (
                <Link className="link meta muted" to="/policies">
                  policy {a.revision.replace(/^sha256:/, "").slice(0, 8)}
                </Link>
              ) : undefined
            }
          >
            <Why a={a} />
          </Section>
        </div>

        <Evidence facts={evidence(alert.data, run.data)} />
        <Sent a={a} />
      </div>
      {a.status === "pending" ? <Decide a={a} key={a.id} /> : <Decided a={a} onNext={onNext} />}
    </article>
  );
}

/** What is sent, byte for byte, and how it is taken back. */
function Sent({ a }: { a: Approval }) {
  const { base_url, bytes } = preimage(a);
  const params = a.params ?? {};
  return (
    <dl className="more">
      {a.kind === "action" && (
        <>
          <dt>Sent</dt>
          <dd>
            <div className="mono meta">
              {a.action} <span className="muted">through</span> {a.connection}
              {base_url && (
                <>
                  {" "}
                  <span className="muted">at</span> <Text>{base_url}</Text>
                </>
              )}
            </div>
            <pre className="bytes">{jsonText(params)}</pre>
          </dd>
        </>
      )}
      {a.inverse && (
        <>
          <dt>Undo</dt>
          <dd className="mono meta">
            {a.inverse.action} <Text>{JSON.stringify(a.inverse.params ?? {})}</Text>
          </dd>
        </>
      )}
      <dt>Digest</dt>
      <dd>
        <details>
          <summary className="mono meta">
            {a.digest.slice(0, 19)}…{a.digest.slice(-6)}{" "}
            <span className="muted sans">over exactly these {bytes} bytes; any change asks anew</span>
          </summary>
          <pre className="bytes">{plain(a.preimage ?? "")}</pre>
          <Copy text={a.preimage ?? ""} what="the bytes" />
        </details>
      </dd>
    </dl>
  );
}

function Outcome({ a }: { a: Approval }) {
  const me = useMe();
  return (
    <div className="count over">
      <div>
        <strong>
          <Text>{ended(a, me)}</Text>
        </strong>{" "}
        <span className="muted">
          <At at={a.decided_at} />
        </span>
        {a.why && (
          <p className="soft">
            <Text>{a.why}</Text>
          </p>
        )}
        {(a.votes ?? [])
          .filter((v) => v.comment)
          .map((v) => (
            <p key={v.by + v.at} className="soft">
              <Text>{v.by}</Text>: “<Text>{v.comment}</Text>”
            </p>
          ))}
        {a.answer != null && <pre className="bytes">{jsonText(a.answer)}</pre>}
      </div>
      <Votes a={a} />
    </div>
  );
}

const GUARD_MS = 400;

/** The decision. One place, one size; the first key arms, the second sends. */
function Decide({ a }: { a: Approval }) {
  const me = useMe();
  const live = useLive();
  const decide = useDecide();
  const answer = useAnswer();
  const [armed, setArmed] = useState(0);
  const [dialog, setDialog] = useState<"approve" | "deny" | null>(null);
  const h = headline(a);
  const stand = standing(a, me);
  const twoKeys = blast(a).level !== "low";
  const what = `${verbInside(h)} ${h.targets.join(", ")}`.trim();
  const may = stand.may && live.on && !decide.isPending;

  // What is armed is one exact thing: if it changes under the hand, it is let go.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the digest is what counts
  useEffect(() => setArmed(0), [a.digest]);

  const vote = (decision: "approve" | "deny", comment = "") => {
    setArmed(0);
    setDialog(null);
    decide.mutate({ id: a.id, digest: a.digest, decision, comment });
  };
  const press = () => {
    if (!may) return;
    if (!twoKeys) vote("approve");
    // A double click is one thought, not two keys.
    else if (!armed) setArmed(Date.now());
    else if (Date.now() - armed > GUARD_MS) vote("approve");
  };
  const question = a.kind === "question";
  useKeys(
    {
      a: () => may && (twoKeys ? setArmed(armed || Date.now()) : vote("approve")),
      Enter: () => armed && may && vote("approve"),
      Escape: () => setArmed(0),
      d: () => may && setDialog("deny"),
    },
    !question,
    (e) => armed > 0 && e.target instanceof Element && !e.target.closest(".acts"),
  );

  if (!stand.may)
    return (
      <div className="acts">
        <Locked>{stand.why}</Locked>
        {votedYes(a, me) && <TakeVoteBack id={a.id} />}
      </div>
    );
  if (question)
    return (
      <div className="acts column">
        <Refused error={answer.error} />
        <AnswerForm
          form={a.form}
          busy={answer.isPending || !live.on}
          onAnswer={(x) => answer.mutate({ id: a.id, digest: a.digest, answer: x })}
        />
      </div>
    );
  const hold = holdSeconds(a);
  return (
    <div className={`acts${armed ? " armed" : ""}`}>
      <Refused error={decide.error} />
      <button
        type="button"
        className="btn main big wraps"
        disabled={!may}
        // The focus stays where it rests; a key pressed in haste must not fall on this button.
        onMouseDown={(e) => e.preventDefault()}
        onClick={press}
      >
        {!live.on ? (
          "Approve: not while disconnected"
        ) : armed ? (
          <span>
            {h.free ? "Yes: " : `${h.verb} `}
            <span className="mono">
              <Text>{h.free ? h.verb : h.targets.join(", ")}</Text>
            </span>{" "}
            now
          </span>
        ) : (
          <span>
            Approve: {h.free ? <Text>{h.verb}</Text> : verbInside(h)}{" "}
            <span className="mono">
              <Text>{h.targets.join(", ")}</Text>
            </span>
          </span>
        )}
        <kbd className="k">{armed ? "Enter" : "a"}</kbd>
      </button>
      <Button size="big" shortcut="d" disabled={!may} onClick={() => setDialog("deny")}>
        Deny
      </Button>
      <LazyMenu
        load={moreMenu}
        props={{ may, onComment: () => setDialog("approve"), link: `${location.origin}/approvals/${a.id}` }}
        button={(open) => (
          <Button size="big" kind="quiet" className="desk" aria-haspopup="menu" onClick={open}>
            More
          </Button>
        )}
      />
      <p className="say" role="status">
        {armed ? (
          <>
            <strong>Armed. Nothing has been sent.</strong>
            <br />
            Esc lets go.
          </>
        ) : (
          <>
            {stand.decides
              ? "Yours decides: no other vote is needed."
              : `After yours ${stand.after} more ${stand.after === 1 ? "is" : "are"} needed.`}
            <br className="desk" /> {hold > 0 ? `You have ${span(hold)} to take it back.` : "It is final at once."}
          </>
        )}
      </p>
      <Suspense fallback={null}>
        {dialog && (
          <VoteDialog decision={dialog} what={what} onClose={() => setDialog(null)} onVote={(c) => vote(dialog, c)} />
        )}
      </Suspense>
    </div>
  );
}

/** One's own yes, while others must still agree. */
function TakeVoteBack({ id }: { id: string }) {
  const live = useLive();
  const withdraw = useWithdraw();
  const may = live.on && !withdraw.isPending;
  useKeys({ u: () => may && withdraw.mutate({ id }) });
  return (
    <>
      <Refused error={withdraw.error} />
      <Button size="big" shortcut="u" disabled={!may} onClick={() => withdraw.mutate({ id })}>
        Take your vote back
      </Button>
    </>
  );
}

/** After it: the undo window while the server holds it, then the next one. */
function Decided({ a, onNext }: { a: Approval; onNext: (() => void) | undefined }) {
  const me = useMe();
  const now = useNow();
  const live = useLive();
  const withdraw = useWithdraw();
  const h = held(a, me, now);
  const mine = h?.by === "you";
  // A yes that was taken back, or became void, is asked for anew where the run still wants it.
  const open = useQuery(approvals({ status: "pending" }));
  const anew =
    a.status === "withdrawn" || a.status === "void"
      ? open.data?.items.find((x) => x.run === a.run && x.step === a.step && x.id !== a.id)
      : undefined;
  const takeBack = useCallback(() => withdraw.mutate({ id: a.id }), [withdraw, a.id]);
  useKeys({ u: () => mine && live.on && !withdraw.isPending && takeBack() });
  return (
    <div className="acts">
      <Refused error={withdraw.error} />
      {h && (
        <>
          <StateGlyph state="queued" />
          <span>
            <strong>Held.</strong> It is sent in <span className="num">{left(Date.parse(h.until) - now)}</span>.
          </span>
          {mine ? (
            <Button size="big" shortcut="u" disabled={!live.on || withdraw.isPending} onClick={takeBack}>
              Take back
            </Button>
          ) : (
            <span className="muted">Who approved it can take it back until then.</span>
          )}
        </>
      )}
      {anew && (
        <Link className="btn main big" to="/approvals/$id" params={{ id: anew.id }}>
          It is asked anew: look again
        </Link>
      )}
      {!h && a.run && (
        <Link className="btn big" to="/runs/$id" params={{ id: a.run }}>
          See what the run does
        </Link>
      )}
      <span className="grow" />
      {onNext && (
        <Button size="big" kind="quiet" shortcut="j" onClick={onNext}>
          Next
        </Button>
      )}
    </div>
  );
}
