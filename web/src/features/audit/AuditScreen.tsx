// Prove: reads as sentences; the proof stands above the table, an open row keeps its place.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import { short } from "../../lib/ids";
import { useMe, whyNot } from "../../lib/me";
import { usePrefs } from "../../lib/prefs";
import { full } from "../../lib/time";
import type { AuditEntry } from "../../lib/wire";
import { Glyph } from "../../ui/Glyph";
import { Button, Copy, Fact, Facts, Locked } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { type AuditFilter, auditList, checkpoint } from "./api";
import { cut, didWords, howWords, objectLink, whoWords } from "./model";

export function AuditScreen({ search }: { search: AuditFilter }) {
  const me = useMe();
  const why = whyNot(me, "audit.read");
  if (why)
    return (
      <>
        <div className="head lined">
          <h1>Audit log</h1>
        </div>
        <div className="say-state">
          <Locked>{why}</Locked>
        </div>
      </>
    );
  return <Log search={search} />;
}

function Log({ search }: { search: AuditFilter }) {
  const navigate = useNavigate();
  const q = useInfiniteQuery(auditList(search));
  const rows = q.data?.pages.flatMap((p) => p.items) ?? [];
  const [open, setOpen] = useState<number | null>(null);
  const set = (change: AuditFilter) => void navigate({ to: "/audit", search: { ...search, ...change }, replace: true });
  const field = (key: "actor" | "verb" | "object", label: string, hint: string) => (
    <label className="field filter">
      <span className="muted">{label}</span>
      <input
        key={search[key] ?? ""}
        defaultValue={search[key] ?? ""}
        placeholder={hint}
        spellCheck={false}
        onKeyDown={(e) => e.key === "Enter" && set({ [key]: e.currentTarget.value.trim() || undefined })}
        onBlur={(e) =>
          e.currentTarget.value.trim() !== (search[key] ?? "") &&
          set({ [key]: e.currentTarget.value.trim() || undefined })
        }
      />
    </label>
  );
  return (
    <>
      <div className="head">
        <h1>Audit log</h1>
        <span className="muted meta cut">
          every act of people and of the system, chained; it can be read, never edited
        </span>
      </div>
      <search className="sub">
        {field("actor", "Who", "anyone")}
        {field("verb", "Did", "anything")}
        {field("object", "To", "anything")}
        {search.run && (
          <span className="filterchip">
            run {short(search.run)}
            <button type="button" aria-label="Drop the run" onClick={() => set({ run: undefined })}>
              <Glyph name="i-close" />
            </button>
          </span>
        )}
      </search>
      <Proof />
      {q.isPending ? (
        <Loading rows={14} label="Loading the audit log" />
      ) : !q.data ? (
        <Failure what="The audit log could not be read." error={q.error} retry={() => void q.refetch()} />
      ) : rows.length === 0 ? (
        <Empty
          title="No entry matches."
          act={<Button onClick={() => void navigate({ to: "/audit" })}>Drop all filters</Button>}
        />
      ) : (
        <Scroll label="Entries">
          <table className="list audit" aria-label="Entries of the audit log, newest first">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Who</th>
                <th scope="col">Did</th>
                <th scope="col">To what</th>
                <th scope="col" className="desk">
                  How
                </th>
                <th scope="col" className="r">
                  Entry
                </th>
                <th scope="col" className="r desk">
                  Leaf
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((e) => (
                <Fragment key={e.seq}>
                  <Row e={e} open={open === e.seq} onOpen={() => setOpen(open === e.seq ? null : e.seq)} />
                  {open === e.seq && <Detail e={e} />}
                </Fragment>
              ))}
            </tbody>
          </table>
          {q.hasNextPage && (
            <div className="gridmore">
              <Button disabled={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>
                Next 100
              </Button>
            </div>
          )}
        </Scroll>
      )}
    </>
  );
}

function ObjectName({ e }: { e: AuditEntry }) {
  const link = objectLink(e.object);
  const name = /^[a-z]{3}_[0-9a-f]{32}$/.test(e.object.id) ? short(e.object.id) : e.object.id;
  const text = (
    <>
      {e.object.kind}{" "}
      <span className="mono">
        <Text>{name}</Text>
      </span>
    </>
  );
  if (!link) return text;
  return link.to === "/playbooks/$name" ? (
    <Link className="plainlink" to={link.to} params={{ name: link.name }}>
      {text}
    </Link>
  ) : (
    <Link className="plainlink" to={link.to} params={{ id: link.id }}>
      {text}
    </Link>
  );
}

function Row({ e, open, onOpen }: { e: AuditEntry; open: boolean; onOpen: () => void }) {
  return (
    <tr className={open ? "at" : ""}>
      <td className="muted">
        <At at={e.at} />
      </td>
      <td>
        <Text>{whoWords(e)}</Text>
      </td>
      <td>
        <strong className={e.outcome === "refused" ? "refusedword" : ""}>{didWords(e)}</strong>
      </td>
      <td>
        <ObjectName e={e} />
      </td>
      <td className="soft desk">
        <Text>{howWords(e)}</Text>
      </td>
      <td className="r num">
        <button
          type="button"
          className="link"
          aria-expanded={open}
          onClick={onOpen}
          aria-label={`${e.seq.toLocaleString("en")}, the entry`}
        >
          {e.seq.toLocaleString("en")}
        </button>
      </td>
      <td className="r mono muted desk">{cut(e.leaf)}</td>
    </tr>
  );
}

function Detail({ e }: { e: AuditEntry }) {
  const { zone } = usePrefs();
  const hash = (h: string | null) =>
    h ? <span className="mono meta wrapword">{h}</span> : <span className="muted">none</span>;
  return (
    <tr className="at detail">
      <td colSpan={7}>
        <div className="duo">
          <Facts>
            <Fact label="Moment">{full(new Date(e.at), zone)}</Fact>
            <Fact label="Verb">
              <span className="mono">{e.verb}</span>, {e.outcome}
            </Fact>
            <Fact label="Before">{hash(e.before)}</Fact>
            <Fact label="After">{hash(e.after)}</Fact>
            {e.reason && (
              <Fact label="Reason given">
                “<Text>{e.reason}</Text>”
              </Fact>
            )}
          </Facts>
          <Facts>
            <Fact label="Identity">
              <span className="mono meta">{[e.actor.kind, e.actor.id, e.actor.auth].filter(Boolean).join(", ")}</span>
            </Fact>
            <Fact label="Address">
              <span className="mono meta">{e.actor.ip || "none"}</span>
            </Fact>
            {e.decision && <Fact label="Policy decision">{hash(e.decision)}</Fact>}
            {e.digest && <Fact label="Digest">{hash(e.digest)}</Fact>}
            <Fact label="Leaf">{hash(e.leaf)}</Fact>
            <Fact label="Chain">{hash(e.chain)}</Fact>
          </Facts>
        </div>
      </td>
    </tr>
  );
}

function Proof() {
  const q = useQuery(checkpoint);
  if (!q.data) return null;
  const c = q.data;
  return (
    <div className="notice">
      <Glyph name="i-key" />
      <p className="cut">
        <strong>Signed head:</strong> {c.size.toLocaleString("en")} entries, root{" "}
        <span className="mono">{cut(c.root)}</span>, <At at={c.at} zone />.{" "}
        <span className="soft">Prove it offline:</span> <code>tocsin audit verify</code>
      </p>
      <span className="grow" />
      <Copy text={JSON.stringify(c)} what="the checkpoint" />
    </div>
  );
}
