// When each step worked and waited, with idle time folded. Waiting is hollow, work is filled, now is a line in ink.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useNow } from "../../lib/clock";
import { plain } from "../../lib/hostile";
import { type State, stepState } from "../../lib/states";
import { left, took } from "../../lib/time";
import { useRowsInSight } from "../../lib/window";
import type { Run, Step } from "../../lib/wire";
import { StateGlyph } from "../../ui/Glyph";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { journal } from "./api";
import { final, type Span, scale, spansFrom, spansOf, stepMeta, stepName, ticks } from "./model";

const JOURNAL_STEPS = 120; // a longer journal is not worth the finer bars
const ROW = 24;
const pct = (x: number): string => `${(x * 93).toFixed(2)}%`;

export function Timeline({
  run,
  selected,
  shown,
  onSelect,
}: {
  run: Run;
  selected: string | undefined;
  shown: (s: State) => boolean;
  onSelect: (path: string) => void;
}) {
  const over = final(run);
  const live = useNow();
  const now = over && run.ended_at ? Date.parse(run.ended_at) : live;
  const start = Date.parse(run.started_at ?? run.created_at);
  const steps = useMemo(() => (run.steps ?? []).filter((s) => shown(stepState(s))), [run.steps, shown]);
  const events = useQuery({ ...journal(run.id), enabled: (run.steps ?? []).length <= JOURNAL_STEPS });
  const known = useMemo(() => spansFrom(events.data ?? [], now), [events.data, now]);
  const spans = (s: Step): readonly Span[] => known.get(s.path) ?? spansOf(s, now);
  const sc = scale(
    steps.flatMap((s) => spans(s)),
    start,
    Math.max(now, start + 1),
  );
  const marks = ticks(sc, start, now);
  const box = useRef<HTMLDivElement>(null);
  const [first, last] = useRowsInSight(box, steps.length, ROW);
  const mark = steps.findIndex((s) => s.path === selected);
  useEffect(() => {
    const e = box.current;
    if (!e || mark < 0) return;
    if (mark * ROW < e.scrollTop || (mark + 1) * ROW > e.scrollTop + e.clientHeight)
      e.scrollTop = Math.max(0, mark * ROW - e.clientHeight / 2);
  }, [mark]);
  return (
    <div className="tl">
      <div className="tlhead" aria-hidden="true">
        <span>
          Started <At at={run.started_at ?? run.created_at} />
        </span>
        <span className="track">
          {marks.map((m) => (
            <span key={m.at} className="tick2" style={{ left: pct(m.at) }}>
              {m.label}
            </span>
          ))}
          {sc.folds.map((f) => (
            <span key={f.from} className="gap" style={{ left: pct(f.left), width: pct(f.width) }}>
              <b>
                <span>{left(f.to - f.from)}</span>
              </b>
            </span>
          ))}
          <span className="nowline" style={{ left: "93%" }}>
            <b>
              {over ? "end" : "now"} {left(now - start)}
            </b>
          </span>
        </span>
        <span />
      </div>
      <div className="tlbody" ref={box}>
        <ol style={{ height: steps.length * ROW }}>
          <li className="tlgrid" aria-hidden="true">
            {marks.map((m) => (
              <span key={m.at} className="tick2" style={{ left: pct(m.at) }} />
            ))}
            {sc.folds.map((f) => (
              <span key={f.from} className="gap" style={{ left: pct(f.left), width: pct(f.width) }} />
            ))}
            <span className="nowline" style={{ left: "93%" }} />
          </li>
          {steps.slice(first, last + 1).map((s, i) => (
            <Row
              key={s.path}
              s={s}
              top={(first + i) * ROW}
              spans={spans(s)}
              at={s.path === selected}
              now={now}
              place={sc.at}
              onSelect={onSelect}
            />
          ))}
        </ol>
      </div>
    </div>
  );
}

function Row({
  s,
  top,
  spans,
  at,
  now,
  place,
  onSelect,
}: {
  s: Step;
  top: number;
  spans: readonly Span[];
  at: boolean;
  now: number;
  place: (t: number) => number;
  onSelect: (path: string) => void;
}) {
  const state = stepState(s);
  const done = state === "succeeded";
  const lastSpan = spans.at(-1);
  const length = s.started_at ? took((s.ended_at ? Date.parse(s.ended_at) : now) - Date.parse(s.started_at)) : "";
  return (
    <li className={`tlrow ${state}${at ? " at" : ""}`} style={{ transform: `translateY(${top}px)` }}>
      <span className="name">
        <StateGlyph state={state} />
        <button
          type="button"
          className="cut rowbtn"
          onClick={() => onSelect(s.path)}
          aria-current={at ? "true" : undefined}
        >
          <Text>{stepName(s)}</Text>
        </button>
      </span>
      <span className="track" aria-hidden="true">
        {spans.map((x) => {
          const l = place(x.from);
          return (
            <i
              key={x.from}
              className={`${x.kind === "work" ? "" : "wait"}${done ? " done" : ""}`}
              style={{ left: pct(l), width: pct(Math.max(0, place(x.to) - l)) }}
            />
          );
        })}
        {state === "failed" && lastSpan && (
          <em style={{ left: pct(place(lastSpan.to)) }} title={plain(s.error?.message ?? "")}>
            <Text>{s.error?.message ?? ""}</Text>
          </em>
        )}
      </span>
      <span className="end num">
        {state === "not-started" || state === "skipped"
          ? state === "skipped"
            ? "not taken"
            : "not started"
          : state === "failed"
            ? "failed"
            : length || stepMeta(s, now)}
      </span>
    </li>
  );
}
