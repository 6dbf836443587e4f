// What this person was told: unread first, each with its way to what it is about.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useRef } from "react";
import { useMe, whyNot } from "../../lib/me";
import type { Notification } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Glyph } from "../../ui/Glyph";
import { Button } from "../../ui/parts";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { Age, At, Left } from "../../ui/Time";
import { notifications, useKeepLonger, useMarkRead } from "./api";
import { after, isNew, later, look, placeOf } from "./model";

export default function Panel({ onClose }: { onClose: () => void }) {
  const q = useQuery(notifications);
  const mark = useMarkRead();
  const body = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const items = q.data?.items ?? [];
  const step = (e: KeyboardEvent) => {
    const by = e.key === "ArrowDown" || e.key === "j" ? 1 : e.key === "ArrowUp" || e.key === "k" ? -1 : 0;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>("a.note, span.note") ?? [])];
    if (!by || rows.length === 0) return;
    e.preventDefault();
    const i = rows.indexOf(document.activeElement as HTMLElement);
    rows[i < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, i + by))]?.focus();
  };
  return (
    <Dialog open onClose={onClose} wide title="Notifications" focus={body}>
      <div onKeyDown={step} className="notes" ref={body} tabIndex={-1}>
        {q.isPending ? (
          <Loading rows={4} label="Loading notifications" />
        ) : !q.data ? (
          <Failure what="The notifications could not be read." error={q.error} retry={() => void q.refetch()} />
        ) : items.length === 0 ? (
          <Empty title="Nobody has told you anything yet.">
            You are told here when an approval waits for you, when something that you approved ends soon, when a step is
            in doubt, and when a playbook writes to you with <code>tocsin.notify</code>.
          </Empty>
        ) : (
          <>
            <div className="row">
              <span className="soft grow" role="status">
                {q.data.unread === 0 ? "You have seen everything." : `${q.data.unread} unread`}
              </span>
              {q.data.unread > 0 && (
                <Button size="small" disabled={mark.isPending} onClick={() => mark.mutate({ all: true })}>
                  Mark all as read
                </Button>
              )}
            </div>
            <Refused error={mark.error} />
            <ul ref={list}>
              {items.map((n) => (
                <Item
                  key={n.id}
                  n={n}
                  onOpen={() => {
                    if (!n.read) mark.mutate({ ids: [n.id] });
                    onClose();
                  }}
                />
              ))}
            </ul>
            {q.data.next && <p className="meta muted">Older ones are kept for 30 days; the newest 50 are shown.</p>}
          </>
        )}
      </div>
    </Dialog>
  );
}

function Item({ n, onOpen }: { n: Notification; onOpen: () => void }) {
  const k = look(n.kind);
  const done = after(n);
  const inside = (
    <>
      <Glyph name={k.glyph} className={n.over ? "" : k.tone} />
      <span className="what">
        <span className={isNew(n) ? "strong wrapword" : "wrapword"}>
          {isNew(n) && <span className="hid">Unread: </span>}
          <Text>{n.title}</Text>
        </span>
        {n.text && (
          <span className="soft wrapword">
            <Text>{n.text}</Text>
          </span>
        )}
        <span className="meta muted">
          {done || k.words}
          {n.until && !n.over && (
            <>
              {" · "}
              <At at={n.until} /> (<Left until={n.until} /> left)
            </>
          )}
        </span>
      </span>
      <span className="meta muted">
        <Age at={n.at} />
      </span>
    </>
  );
  return (
    <li className={isNew(n) ? "new" : undefined}>
      <Way n={n} onOpen={onOpen}>
        {inside}
      </Way>
      {n.kind === "lease_ending" && !n.over && n.until && <Longer id={n.object.id} until={n.until} />}
    </li>
  );
}

/** The link to what it is about. */
function Way({ n, onOpen, children }: { n: Notification; onOpen: () => void; children: React.ReactNode }) {
  const p = placeOf(n);
  const rest = { className: "note", onClick: onOpen, children };
  if (!p) return <span className="note">{children}</span>;
  switch (p.to) {
    case "/effects":
      return <Link to="/effects" search={{ undo: p.undo }} {...rest} />;
    case "/integrations":
      return <Link to="/integrations" search={{ at: p.at }} {...rest} />;
    case "/runs/$id":
      return <Link to="/runs/$id" params={{ id: p.id }} search={p.step ? { step: p.step } : {}} {...rest} />;
    default:
      return <Link to={p.to} params={{ id: p.id }} {...rest} />;
  }
}

/** A later end, which is a contain action: the policy is asked. */
function Longer({ id, until }: { id: string; until: string }) {
  const me = useMe();
  const keep = useKeepLonger();
  const why = whyNot(me, "effect.extend");
  if (why) return null;
  return (
    <div className="row wrapflex longer">
      {keep.isSuccess ? (
        <span role="status">Asked; the policy decides.</span>
      ) : (
        [1, 4, 24].map((h) => (
          <Button
            key={h}
            size="small"
            disabled={keep.isPending}
            onClick={() => keep.mutate({ id, until: later(until, h) })}
          >
            Extend by {h} h
          </Button>
        ))
      )}
      <Refused error={keep.error} />
    </div>
  );
}
