// Parts of a request: its headline, its time, its evidence.
import { useEffect, useRef, useState } from "react";
import { useNow } from "../../lib/clock";
import { plain } from "../../lib/hostile";
import { usePrefs } from "../../lib/prefs";
import { clock, left, seconds, span, zoneName } from "../../lib/time";
import type { Approval } from "../../lib/wire";
import { Glyph, StateGlyph, Verdict } from "../../ui/Glyph";
import { Section } from "../../ui/parts";
import { Mid, Target, Text } from "../../ui/Text";
import { Age, At } from "../../ui/Time";
import {
  type Blast,
  balance,
  type Fact,
  headline,
  missing,
  moreTime,
  silence,
  slots,
  warning,
  whoWords,
} from "./model";

const MOST = 12;

export function Headline({ a }: { a: Approval }) {
  const h = headline(a);
  const [all, setAll] = useState(false);
  const shown = all ? h.targets : h.targets.slice(0, MOST);
  return (
    <h1 className="hl">
      <span className="wrapword">
        <Text>{h.verb}</Text>
      </span>
      {shown.map((t) => (
        <Target key={t} value={t} />
      ))}
      {h.targets.length > shown.length && (
        <button type="button" className="link meta" onClick={() => setAll(true)}>
          and {h.targets.length - shown.length} more
        </button>
      )}
    </h1>
  );
}

export function Slots({ a }: { a: Approval }) {
  if (a.kind === "question") return <span>question</span>;
  const { given, needed } = slots(a);
  return (
    <span className="row six">
      <span className="slots" aria-hidden="true">
        {Array.from({ length: needed }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: slots are all the same
          <i key={i} className={`slot${i < given ? " on" : ""}`} />
        ))}
      </span>
      <span className="num">
        {given} of {needed}
      </span>
    </span>
  );
}

export function BlastMark({ blast }: { blast: Blast }) {
  const n = blast.level === "high" ? 3 : blast.level === "medium" ? 2 : 1;
  return (
    <span className="muted" title={plain(blast.why)}>
      <span className="blast" aria-hidden="true">
        {[5, 8, 11].map((h, i) => (
          <i key={h} className={i < n ? "" : "no"} style={{ height: h }} />
        ))}
      </span>
      {blast.level}: {blast.level === "low" ? "one key" : "two keys"}
    </span>
  );
}

/** The time left, what silence does, and who has voted: in a frame, because it is what presses. */
export function Countdown({ a, onMore }: { a: Approval; onMore: ((by: string) => void) | null }) {
  const now = useNow();
  const { zone } = usePrefs();
  const s = silence(a, now);
  const end = Date.parse(s.at);
  const whole = end - Date.parse(a.created_at);
  const part = whole > 0 ? Math.max(0, Math.min(1, (end - now) / whole)) : 0;
  const more = moreTime(a);
  const at = new Date(end);
  return (
    <div className="count">
      <span className="time num">{left(end - now)}</span>
      <div className="until">
        <span className="grow">
          {end > now ? "left, until " : "over since "}
          <span className="num nowrap">
            {clock(at, zone)} {zoneName(zone, at)}
          </span>
          . <strong>{s.text}</strong>
        </span>
        {onMore && more && (
          <button type="button" className="link soft nowrap" onClick={() => onMore(more)}>
            Need {span(seconds(more))} more
          </button>
        )}
        <div className="bar" aria-hidden="true">
          <i style={{ width: `${part * 100}%` }} />
        </div>
      </div>
      <Votes a={a} />
      <Warnings msLeft={end - now} />
    </div>
  );
}

/** Says the time limit aloud at five minutes and one minute, and not each second. */
function Warnings({ msLeft }: { msLeft: number }) {
  const said = useRef("");
  const [text, setText] = useState("");
  const w = warning(msLeft);
  useEffect(() => {
    if (w === said.current) return;
    said.current = w;
    setText(w);
  }, [w]);
  return (
    <span className="hid" role="status">
      {text}
    </span>
  );
}

export function Votes({ a }: { a: Approval }) {
  return (
    <div className="votes">
      {(a.votes ?? []).map((v) => (
        <div className="vote" key={v.by + v.at}>
          <StateGlyph state={v.decision === "deny" ? "denied" : v.counts ? "succeeded" : "skipped"} />
          <span>
            <Text>{v.by}</Text> <span className="muted">{v.counts ? <At at={v.at} /> : <Text>{v.why_not}</Text>}</span>
          </span>
        </div>
      ))}
      {(a.escalated ?? []).map((w) => (
        <div className="vote" key={w.at + w.who.join()}>
          <Glyph name="i-people" className="s" />
          <span>
            since <At at={w.at} /> also {whoWords(w.who)}
          </span>
        </div>
      ))}
      {a.status === "pending" &&
        missing(a).map((m) => (
          <div className="vote" key={m.who + m.n}>
            <StateGlyph state="not-started" />
            <span title={m.not}>
              <strong>{m.n}:</strong> {m.who}
              {m.not && <span className="hid">, {m.not}</span>}
            </span>
          </div>
        ))}
    </div>
  );
}

export function Evidence({ facts }: { facts: readonly Fact[] }) {
  if (facts.length === 0)
    return (
      <Section title="Evidence" className="ev">
        <p className="soft pad0">Nothing was looked up before this was asked, and no alert stands behind it.</p>
      </Section>
    );
  const b = balance(facts);
  const known = b.bad + b.good + b.open > 0;
  return (
    <Section
      title="Evidence"
      className="ev"
      remark={
        known && (
          <>
            {b.bad} {b.bad === 1 ? "speaks" : "speak"} for it, <strong>{b.good} against</strong>, {b.open} not known
          </>
        )
      }
    >
      <table className="list flush" aria-label="Evidence: what, value, verdict, source, age">
        <colgroup>
          <col className="c1" />
          <col />
          <col className="c3" />
          <col className="c4" />
          <col className="c5" />
        </colgroup>
        <tbody>
          {facts.map((f, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: facts only grow at the end
            <tr key={i}>
              <td className="muted">
                <Text>{f.what}</Text>
              </td>
              <td className="mono" title={plain(f.value)}>
                {f.what === "URL" ? <Mid>{f.value}</Mid> : <Text>{f.value}</Text>}
              </td>
              <td>
                {f.verdict ? (
                  <Verdict verdict={f.verdict} words={f.words || undefined} />
                ) : (
                  <span className="muted">as reported</span>
                )}
              </td>
              <td className="soft">
                <Text>{f.source}</Text>
              </td>
              <td className="num r muted">
                <Age at={f.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

export function Why({ a }: { a: Approval }) {
  const rows =
    (a.reasons ?? []).length > 0
      ? (a.reasons ?? [])
      : (a.required ?? []).map((r) => ({ rule: r.rule, outcome: "approve", reason: r.reason }));
  const rank = ["deny", "approve", "allow"];
  return (
    <div className="whys">
      {[...rows]
        .sort((x, y) => rank.indexOf(x.outcome) - rank.indexOf(y.outcome))
        .map((r) => (
          <div className="why" key={r.rule + r.outcome + r.reason}>
            <StateGlyph state={r.outcome === "approve" ? "waiting" : r.outcome === "deny" ? "denied" : "succeeded"} />
            <span>
              <Text>{r.reason || (r.outcome === "allow" ? "allowed by this rule" : r.rule)}</Text>
            </span>
            <span className="muted mono meta cut">{r.rule}</span>
          </div>
        ))}
      {rows.length === 0 && (
        <p className="soft">
          {a.kind === "action" ? "The policy named no rule." : "The playbook asks, not the policy."}
        </p>
      )}
    </div>
  );
}
