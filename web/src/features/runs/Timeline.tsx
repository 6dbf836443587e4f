// When each step worked and waited, with idle time folded. Waiting is hollow, work is filled, now is a line in ink.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useNow } from "../../lib/clock";
import { plain } from "../../lib/hostile";
import { type State, stepState } from "../../lib/states";
import { left, took } from "../../lib/time";
import type { Run, Step } from "../../lib/wire";
import { StateGlyph } from "../../ui/Glyph";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { journal } from "./api";
import { final, type Span, scale, spansFrom, spansOf, stepMeta, stepName, ticks } from "./model";

const MOST = 400;
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
  const steps = useMemo(() => (run.steps ?? []).filter((s) => shown(stepState(s))).slice(0, MOST), [run.steps, shown]);
  // A very long journal is not worth the finer bars.
  const events = useQuery({ ...journal(run.id), enabled: (run.steps ?? []).length <= MOST });
  const known = useMemo(() => spansFrom(events.data ?? [], now), [events.data, now]);
  const spans = (s: Step): readonly Span[] => known.get(s.path) ?? spansOf(s, now);
  const sc = scale(
    steps.flatMap((s) => spans(s)),
    start,
    Math.max(now, start + 1),
  );
  const marks = ticks(sc, start, now);
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
      <ol className="tlbody">
        <li className="tlgrid" aria-hidden="true">
          {marks.map((m) => (
            <span key={m.at} className="tick2" style={{ left: pct(m.at) }} />
          ))}
          {sc.folds.map((f) => (
            <span key={f.from} className="gap" style={{ left: pct(f.left), width: pct(f.width) }} />
          ))}
          <span className="nowline" style={{ left: "93%" }} />
        </li>
        {steps.map((s) => (
          <Row
            key={s.path}
            s={s}
            spans={spans(s)}
            at={s.path === selected}
            now={now}
            place={sc.at}
            onSelect={onSelect}
          />
        ))}
      </ol>
    </div>
  );
}

function Row({
  s,
  spans,
  at,
  now,
  place,
  onSelect,
}: {
  s: Step;
  spans: readonly Span[];
  at: boolean;
  now: number;
  place: (t: number) => number;
  onSelect: (path: string) => void;
}) {
  const state = stepState(s);
  const done = state === "succeeded";
  const length = s.started_at ? took((s.ended_at ? Date.parse(s.ended_at) : now) - Date.parse(s.started_at)) : "";
  return (
    <li className={`tlrow ${state}${at ? " at" : ""}`}>
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
        {state === "failed" && spans[0] && (
          <em style={{ left: pct(place(spans[0].to)) }} title={plain(s.error?.message ?? "")}>
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
